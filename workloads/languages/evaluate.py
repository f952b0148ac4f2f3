"""Macro accuracy over all languages that have test sentences, on whole sentences and on their first 30 characters."""

from __future__ import annotations

from typing import Callable

import numpy as np

from declarations import Sentence
from features import Hashing, bag, code_points, normalise

FIRST_CHARACTERS = 30
_BATCH = 1024


def predictions(
    texts: list[str], table: dict[int, int], hashing: Hashing, logits: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """The most probable label of each text; `logits` maps a bag (rows, counts) to an array of texts x labels."""
    best: list[np.ndarray] = []
    for start in range(0, len(texts), _BATCH):
        codes, lengths = code_points([normalise(text, table) for text in texts[start : start + _BATCH]])
        best.append(logits(*bag(codes, lengths, hashing)).argmax(axis=1))
    return np.concatenate(best) if best else np.zeros(0, dtype=np.int64)


def macro_accuracy(predicted: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Mean over the languages of the share of their sentences that are right (0 to 1), and the number of languages."""
    right = np.bincount(expected, weights=predicted == expected)
    total = np.bincount(expected)
    tested = total > 0
    return float((right[tested] / total[tested]).mean()) if tested.any() else 0.0, int(tested.sum())


def evaluate(
    sentences: list[Sentence],
    table: dict[int, int],
    hashing: Hashing,
    logits: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> dict:
    expected = np.array([sentence.label for sentence in sentences], dtype=np.int64)
    whole = [sentence.text for sentence in sentences]
    first = [text[:FIRST_CHARACTERS] for text in whole]
    accuracy, labels = macro_accuracy(predictions(whole, table, hashing, logits), expected)
    accuracy30, _ = macro_accuracy(predictions(first, table, hashing, logits), expected)
    return {
        'accuracy': round(accuracy, 5),
        'accuracy30': round(accuracy30, 5),
        'labels': labels,
        'sentences': len(sentences),
    }
