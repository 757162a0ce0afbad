"""How alike the answers of responses are: to the most similar other one, and to those before and after on a device.

Time and memory grow with responses times neighbours, never with their square. It must not say what is too alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BLANK, OTHER_BLANK = -128, -127  # no code list has them; a blank is never like a blank

Codes = NDArray[np.int8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Likeness:
    """For each response the share of its answers that the most similar other one gives too, and of how many others.

    `share` is NaN where nothing is answered or there is no other response.
    """

    share: Floats
    compared: Ints


def item_codes(columns: Sequence[pa.ChunkedArray]) -> Codes:
    """Return the answers as an array (items, responses), `BLANK` where there is none."""
    return np.stack([column.cast(pa.int8()).fill_null(BLANK).to_numpy() for column in columns])


def percent_match(codes: Codes, groups: Ints, order: Ints, neighbours: int) -> Likeness:
    """Return how like its most similar neighbour each response is (Kuriakose and Robbins 2016, percentmatch).

    The neighbours of a response are the others of its group, at most `neighbours`: those nearest in `order`. Items
    that it leaves blank do not count; one that the other leaves blank is a difference.

    Args:
        codes: (items, responses), see `item_codes`.
        groups: number of each response's group.
        order: the responses by group and, within it, by time.
        neighbours: an even number.
    """
    best, ordered = np.zeros(len(order), dtype=_counts(codes)), groups[order]
    own = np.ascontiguousarray(codes[:, order])
    other = np.where(own == BLANK, OTHER_BLANK, own).astype(np.int8)
    for shift in range(1, min(neighbours // 2, len(order) - 1) + 1):
        same = ordered[shift:] == ordered[:-shift]
        if not same.any():
            break
        matches = _matches(own[:, shift:], other[:, :-shift]) * same
        np.maximum(best[shift:], matches, out=best[shift:])
        np.maximum(best[:-shift], matches, out=best[:-shift])
    answered, compared = (own != BLANK).sum(axis=0), _compared(ordered, neighbours // 2)
    known = (answered > 0) & (compared > 0)
    share, others = np.full(len(order), np.nan), np.zeros(len(order), dtype=np.int64)
    share[order] = np.where(known, best / np.maximum(answered, 1), np.nan)
    others[order] = compared
    return Likeness(share, others)


def batch_match(codes: Codes, groups: Ints, order: Ints, length: int) -> Floats:
    """Return how alike the responses around each are, one after the other: shape (responses,).

    Of every `length` responses of a group in succession, the mean over neighbours of the share of equal answers (of
    the items that either answers); each response has the highest of the successions that it is in. NaN where its group
    has fewer responses.

    Args:
        codes: (items, responses), see `item_codes`.
        groups: number of each response's group (its device and form); negative: it is in none.
        order: the responses by group and, within it, as they were given.
        length: responses of a succession, 2 or more.
    """
    score = np.full(len(order), np.nan)
    if len(order) < length:
        return score
    own, ordered = codes[:, order], groups[order]
    other = np.where(own == BLANK, OTHER_BLANK, own).astype(np.int8)
    either = ((own[:, 1:] != BLANK) | (own[:, :-1] != BLANK)).sum(axis=0)
    pairs = _matches(own[:, 1:], other[:, :-1]) / np.maximum(either, 1)
    pairs[(ordered[1:] != ordered[:-1]) | (ordered[1:] < 0)] = -np.inf
    means = np.lib.stride_tricks.sliding_window_view(pairs, length - 1).mean(axis=1)
    padded = np.pad(means, length - 1, constant_values=-np.inf)
    highest = np.lib.stride_tricks.sliding_window_view(padded, length).max(axis=1)
    score[order] = np.where(np.isinf(highest), np.nan, highest)
    return score


def _matches(own: Codes, other: Codes) -> NDArray[np.unsignedinteger]:
    """Return on how many items two answers are equal, for each pair of columns."""
    matches = np.zeros(own.shape[1], dtype=_counts(own))
    for mine, theirs in zip(own, other, strict=True):
        matches += mine == theirs
    return matches


def _counts(codes: Codes) -> np.dtype[np.unsignedinteger]:
    """Return the smallest type that counts the items: the time of a comparison is that of its memory."""
    return np.dtype(np.min_scalar_type(len(codes)))


def _compared(ordered: Ints, each_side: int) -> Ints:
    """Return the number of neighbours of each response of a sequence of groups."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    place = np.arange(len(ordered)) - np.repeat(starts, sizes)
    before, after = place, np.repeat(sizes, sizes) - 1 - place
    return np.asarray(np.minimum(before, each_side) + np.minimum(after, each_side), dtype=np.int64)
