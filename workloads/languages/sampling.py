"""Training batches: pieces of train sentences, a pure function of (seed, step, rank), so a resumed run sees the same ones."""

from __future__ import annotations

import numpy as np

from declarations import Sentence
from features import Hashing, bag, code_points, normalise

# What a sample is: the beginning of a sentence cut short, a stretch from any word on cut short or long, or the whole.
SHARE_SHORT = 0.4
SHARE_WHOLE = 0.4
SHORT_CHARACTERS = (8, 35)
STRETCH_CHARACTERS = (8, 135)


class Sampler:
    """Draws a language uniformly, one of its declarations uniformly, a sentence of it by length, then a piece of it."""

    def __init__(self, sentences: list[Sentence], table: dict[int, int], hashing: Hashing):
        self.hashing = hashing
        self.codes, lengths = code_points([normalise(sentence.text, table) for sentence in sentences])
        self.ends = np.cumsum(lengths)
        self.starts = self.ends - lengths
        self.spaces = np.flatnonzero(self.codes == 0x20)
        self.labels = np.array([sentence.label for sentence in sentences], dtype=np.int64)
        declarations = np.array([sentence.declaration for sentence in sentences], dtype=np.int64)
        weights = lengths / np.bincount(declarations, weights=lengths)[declarations]
        label_of = np.full(declarations.max() + 1, -1, dtype=np.int64)
        label_of[declarations] = self.labels
        weights /= np.bincount(label_of[label_of >= 0])[self.labels]
        self.cumulated = np.cumsum(weights)

    def batch(self, seed: int, step: int, rank: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row numbers, features per sample and label per sample of one rank's share of one step."""
        random = np.random.Generator(np.random.PCG64([seed, step, rank]))
        uniform = random.random((6, size))
        chosen = np.searchsorted(self.cumulated, uniform[0] * self.cumulated[-1], side='right')
        chosen = np.minimum(chosen, len(self.labels) - 1)
        starts, ends = self.starts[chosen], self.ends[chosen]
        short = uniform[1] < SHARE_SHORT
        stretch = uniform[1] >= SHARE_SHORT + SHARE_WHOLE
        first, last = np.searchsorted(self.spaces, starts), np.searchsorted(self.spaces, ends)
        anywhere = self.spaces[first + (uniform[2] * (last - first)).astype(np.int64)]
        starts = np.where(stretch | (short & (uniform[3] < 0.5)), anywhere, starts)
        cut_short = _between(SHORT_CHARACTERS, uniform[4])
        cut_stretch = _between(STRETCH_CHARACTERS, uniform[5])
        limits = np.where(short, cut_short, np.where(stretch, cut_stretch, len(self.codes)))
        lengths = np.minimum(ends, starts + limits) - starts
        offsets = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        rows, counts = bag(self.codes[offsets + np.arange(len(offsets))], lengths, self.hashing)
        return rows, counts, self.labels[chosen]


def _between(bounds: tuple[int, int], uniform: np.ndarray) -> np.ndarray:
    low, high = bounds
    return low + (uniform * (high - low)).astype(np.int64)
