"""Merkle trees against the vectors that implementations of RFC 6962 share, and against trees computed by definition."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ledger.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
)

DATA = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in DATA]
ROOTS = {  # size → root, from the test vectors of Certificate Transparency
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SIZES = st.integers(1, 70)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]


def root_by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = max(power for power in (1, 2, 4, 8, 16, 32, 64) if power < len(leaves))
    pair = root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + pair).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_the_shared_vectors(size: int):
    assert Frontier().extended(LEAVES[:size]).root.hex() == ROOTS[size]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root == hashlib.sha256(b"").digest()


@given(SIZES, SIZES)
def test_appending_in_two_batches_gives_the_tree_of_one(first: int, second: int):
    leaves = leaves_of(first + second)
    assert Frontier().extended(leaves[:first]).extended(leaves[first:]) == Frontier().extended(leaves)
    assert Frontier().extended(leaves[:70]).root == root_by_definition(leaves[:70])


@given(SIZES, st.data())
def test_an_inclusion_proof_leads_to_the_root_and_for_no_other_leaf_or_place(size: int, data: st.DataObject):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    root, path = Frontier().extended(leaves).root, inclusion_proof(index, leaves)
    assert root_from_inclusion(leaves[index], index, size, path) == root
    assert root_from_inclusion(leaf_hash(b"other"), index, size, path) != root
    for other in {index - 1, index + 1, size} - {index}:
        assert root_from_inclusion(leaves[index], other, size, path) != root


def test_a_proof_of_the_wrong_length_or_place_leads_nowhere():
    leaves = leaves_of(5)
    assert root_from_inclusion(leaves[0], 0, 5, inclusion_proof(0, leaves)[:-1]) is None
    assert root_from_inclusion(leaves[0], 5, 5, []) is None


@given(SIZES, SIZES)
def test_a_consistency_proof_shows_growth_and_refuses_any_change(first: int, more: int):
    leaves = leaves_of(first + more)
    before, after = Frontier().extended(leaves[:first]).root, Frontier().extended(leaves).root
    proof = consistency_proof(first, leaves)
    assert is_consistent(first, first + more, before, after, proof)
    forged = [leaf_hash(b"forged"), *leaves[1:]]
    assert not is_consistent(first, first + more, before, Frontier().extended(forged).root, proof)
    for at in range(len(proof)):
        assert not is_consistent(first, first + more, before, after, proof[:at] + proof[at + 1 :])


def test_consistency_at_the_edges():
    roots = [bytes.fromhex(root) for root in ROOTS.values()]
    assert is_consistent(3, 3, roots[2], roots[2], [])
    assert not is_consistent(3, 3, roots[2], roots[3], [])
    assert not any(
        is_consistent(later + 1, later, after, before, []) for later, (before, after) in enumerate(pairwise(roots), 1)
    )
