"""Merkle trees as in RFC 6962, sections 2.1 to 2.1.2: roots, proofs of inclusion, proofs of append-only growth.

Pure functions on 32-byte hashes; it must not know what a leaf stands for or where it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; the prefix 0x00 keeps leaves and inner nodes apart."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The right edge of a growing tree: its size and the roots of its perfect subtrees, the largest first.

    It is all that appending needs, so that a batch costs a batch however large the tree is.
    """

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the frontier after these leaf hashes were appended."""
        nodes, kept, added = list(leaves), list(self.roots), list[bytes]()
        size, waiting = self.size + len(nodes), self.size
        while nodes:
            if waiting & 1:  # a perfect subtree of this height waits for its right half
                nodes.insert(0, kept.pop())
            if len(nodes) & 1:
                added.append(nodes.pop())
            nodes = list(map(node_hash, nodes[::2], nodes[1::2]))
            waiting >>= 1
        return Frontier(size, (*kept, *reversed(added)))

    @property
    def root(self) -> bytes:
        """The root hash of the tree."""
        if not self.roots:
            return EMPTY
        found = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            found = node_hash(left, found)
        return found


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of the leaf at `index` (from 0), from the leaf's sibling up."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), _root(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), _root(leaves[:split])]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its audit path lead to in a tree of `size` leaves; None where they do not fit."""
    if not 0 <= index < size:
        return None
    steps = _sides(index, size)
    if len(steps) != len(path):
        return None
    found = leaf
    for is_right, sibling in zip(steps, path, strict=True):
        found = node_hash(sibling, found) if is_right else node_hash(found, sibling)
    return found


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the proof that the tree of the first `first` leaves is the beginning of the tree of all of them."""
    return [] if first in (0, len(leaves)) else _subproof(first, leaves, True)


def is_consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the tree of `second` leaves begins with that of `first` leaves (RFC 9162, 2.1.4.2)."""
    if first == second:
        return first_root == second_root and not proof
    if first == 0 or not 0 < first < second:
        return first == 0 and not proof
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return old == first_root and new == second_root and last == 0


def _sides(index: int, size: int) -> list[bool]:
    """Return for each step up whether the node is the right child, as `inclusion_proof` walks."""
    if size == 1:
        return []
    split = _split(size)
    if index < split:
        return [*_sides(index, split), False]
    return [*_sides(index - split, size - split), True]


def _subproof(first: int, leaves: Sequence[bytes], is_known: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if is_known else [_root(leaves)]
    split = _split(len(leaves))
    if first <= split:
        return [*_subproof(first, leaves[:split], is_known), _root(leaves[split:])]
    return [*_subproof(first - split, leaves[split:], False), _root(leaves[:split])]


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _root(leaves: Sequence[bytes]) -> bytes:
    return Frontier().extended(leaves).root
