"""Text to features: normalised code points, then hashed character n-grams and words.

Everything here is integer arithmetic modulo 2^32 and is repeated in TypeScript (src/inference); the tables that depend on a
Unicode version (lower case, separators) travel inside the exported model, so that both sides use the same ones.
"""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass

import numpy as np

GRAM_MULTIPLIER = 0x01000193  # the FNV prime
WORD_MULTIPLIER = 0x9E3779B1  # odd, so it has an inverse modulo 2^32
ORDER_SALT = 0x9E3779B9
WORD_SALT = 0x51ED270B

APOSTROPHES = (0x2018, 0x2019, 0x02BC)  # written for one another: folded into U+0027
# Digits, punctuation and white space; the apostrophe, the joiners U+200C/U+200D and the letters of Latin-1 stay.
SEPARATORS = (
    (0x0000, 0x0026), (0x0028, 0x0040), (0x005B, 0x0060), (0x007B, 0x00A9), (0x00AB, 0x00B4), (0x00B6, 0x00B9),
    (0x00BB, 0x00BF), (0x00D7, 0x00D7), (0x00F7, 0x00F7), (0x060C, 0x060C), (0x061B, 0x061B), (0x061F, 0x061F),
    (0x06D4, 0x06D4), (0x0964, 0x0965), (0x1680, 0x1680), (0x2000, 0x200B), (0x200E, 0x206F), (0x3000, 0x3003),
    (0x3008, 0x301F), (0xFF00, 0xFF20),
)
CASED_CODE_POINTS_END = 0x20000  # every script with case lies below


def lower_case_pairs() -> dict[int, int]:
    """Code point to lower-case code point, where that is a single one; dotted I goes to i."""
    pairs = {0x0130: 0x0069}
    for code in range(CASED_CODE_POINTS_END):
        lower = chr(code).lower()
        if len(lower) == 1 and ord(lower) != code:
            pairs[code] = ord(lower)
    return pairs


def translation() -> dict[int, int]:
    """The table of `normalise`: lower case, apostrophes, separators to the space."""
    table = lower_case_pairs()
    table.update((code, 0x0027) for code in APOSTROPHES)
    for first, last in SEPARATORS:
        table.update((code, 0x0020) for code in range(first, last + 1))
    return table


@dataclass(frozen=True)
class Hashing:
    """What turns code points into rows of the table: rows = 2^bits, n-grams of 1 to `order` code points, whole words."""

    bits: int
    order: int

    def describe(self) -> dict:
        return {
            **asdict(self),
            'gramMultiplier': GRAM_MULTIPLIER,
            'wordMultiplier': WORD_MULTIPLIER,
            'orderSalt': ORDER_SALT,
            'wordSalt': WORD_SALT,
        }


def normalise(text: str, table: dict[int, int]) -> str:
    """NFC, lower case, separators to single spaces, one space in front and none behind (the end may be cut mid-word)."""
    words = unicodedata.normalize('NFC', text).translate(table).split(' ')
    return ' ' + ' '.join(word for word in words if word)


def code_points(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of all texts end to end (uint32) and the length of each (int64). Lone surrogates count as themselves."""
    joined = ''.join(texts).encode('utf-32-le', 'surrogatepass')
    return np.frombuffer(joined, dtype='<u4').astype(np.uint32), np.array([len(text) for text in texts], dtype=np.int64)


def _mix(value: np.ndarray) -> np.ndarray:
    """The finaliser of the hash `lowbias32` family: two odd multiplications between three xor-shifts."""
    value = value ^ (value >> np.uint32(15))
    value = value * np.uint32(0x2C1B3C6D)
    value = value ^ (value >> np.uint32(12))
    value = value * np.uint32(0x297A2D39)
    return value ^ (value >> np.uint32(15))


def bag(codes: np.ndarray, lengths: np.ndarray, hashing: Hashing) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the features of texts laid end to end, text by text, and how many each text has (both int64).

    A word is counted at the space behind it; the last one, which may be cut, is not.
    """
    size = len(codes)
    mask = np.uint32((1 << hashing.bits) - 1)
    ends = np.cumsum(lengths)
    positions = np.arange(size, dtype=np.int64)
    remaining = np.repeat(ends, lengths) - positions
    rows = np.zeros((size, hashing.order + 1), dtype=np.int64)
    valid = np.zeros((size, hashing.order + 1), dtype=bool)
    padded = np.concatenate([codes, np.zeros(hashing.order, dtype=np.uint32)]) + np.uint32(1)
    grams = np.zeros(size, dtype=np.uint32)
    for index in range(hashing.order):
        grams = grams * np.uint32(GRAM_MULTIPLIER) + padded[index : index + size]
        rows[:, index] = _mix(grams + np.uint32(index * ORDER_SALT & 0xFFFFFFFF)) & mask
        valid[:, index] = remaining > index
    spaces = np.flatnonzero(codes == 0x20)
    starts, stops = spaces[:-1] + 1, spaces[1:]
    # Every text begins with a space, so a stretch between two spaces is a word unless the second begins another text.
    first_of_text = np.zeros(size + 1, dtype=bool)
    first_of_text[ends - lengths] = True
    inside = ~first_of_text[stops]
    starts, stops = starts[inside], stops[inside]
    rows[stops, hashing.order] = _mix(_word_hashes(padded[:size], starts, stops) + np.uint32(WORD_SALT)) & mask
    valid[stops, hashing.order] = True
    per_position = np.concatenate([[0], np.cumsum(valid.sum(axis=1))])
    return rows[valid], per_position[ends] - per_position[ends - lengths]


def _word_hashes(values: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Sum of value[i] * m^(i - start) over each word, from one running sum: m is odd, so m^-start undoes m^start."""
    inverse = pow(WORD_MULTIPLIER, -1, 1 << 32)
    size = len(values)
    powers = np.cumprod(np.full(size, WORD_MULTIPLIER, dtype=np.uint32), dtype=np.uint32)
    inverses = np.cumprod(np.full(size, inverse, dtype=np.uint32), dtype=np.uint32)
    sums = np.concatenate([np.zeros(1, dtype=np.uint32), np.cumsum(values * powers, dtype=np.uint32)])
    return (sums[stops] - sums[starts]) * inverses[starts]
