"""Keeps ledgers in the lake: leaves in files that are never rewritten, and a tree head after each batch.

One ledger for each source of a round, since only one run at a time collects from a source. The file of a batch is
named by its first leaf, and counts only once its head is written: a kill in between leaves the former state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import Lake, ledger_head, ledger_leaves
from pipelines.ledger.head import Head
from pipelines.ledger.merkle import Frontier, inclusion_proof, leaf_hash
from pipelines.ledger.proof import Proof
from pipelines.ledger.receipt import receipt_code, response_prefix
from pipelines.model.errors import InputError

SCHEMA = pa.schema(
    [pa.field("response_id", pa.string()), pa.field("content_hash", pa.string()), pa.field("leaf", pa.binary(32))]
)
ENTRY = ["response_id", "content_hash"]

# All leaves pass by the batch: what is on the right of a join is held, unless DuckDB, which cannot see how many leaves
# there are, turns it round.
_KEPT = """
SET disabled_optimizers = 'build_side_probe_side';
CREATE TEMP TABLE kept AS
SELECT response_id, content_hash FROM known SEMI JOIN accepted USING (response_id, content_hash)
"""


def append(lake: Lake, round_id: str, source: str, accepted: pa.Table, key: Path | None) -> Head:
    """Append the accepted responses (columns `response_id`, `content_hash`) that have no leaf yet; return the head.

    A response that was revised has a leaf for each content that was once accepted. Leaves of a batch are in the order
    of their identity, so that the same batches give the same tree.
    """
    current = _last(lake, round_id, source)
    fresh = _without_leaf(lake, round_id, source, accepted, current.size)
    if not fresh.num_rows:
        return current
    leaves = leaves_of(fresh)
    head = Head.made(current.ledger, current.frontier.extended(leaves), key)
    table = pa.table([fresh["response_id"], fresh["content_hash"], pa.array(leaves, pa.binary(32))], SCHEMA)
    lake.write_table(ledger_leaves(round_id, source, _name(current.size)), table)
    lake.write_json(ledger_head(round_id, source, _name(head.size)), head.as_dict())
    return head


def heads(lake: Lake, round_id: str) -> list[Head]:
    """Return the last head of each source's ledger, by source."""
    sources = sorted({path.split("/source=")[1].split("/")[0] for path in lake.glob(ledger_head(round_id, "*", "*"))})
    return [_last(lake, round_id, source) for source in sources]


def prove(lake: Lake, round_id: str, code: str) -> list[Proof]:
    """Return a proof for each accepted content of the response with a receipt code; none where it is in no ledger."""
    prefix = response_prefix(code)
    found = []
    for head in heads(lake, round_id):
        table = _leaves(lake, round_id, head.ledger.rpartition("/")[2], head.size)
        chosen = pc.starts_with(table["response_id"], prefix).to_pylist()
        leaves = table["leaf"].to_pylist()
        for index in (place for place, is_it in enumerate(chosen) if is_it):
            path = tuple(one.hex() for one in inclusion_proof(index, leaves))
            identity = receipt_code(table["response_id"][index].as_py())
            leaf = leaves[index].hex()
            found.append(
                Proof(identity, head.ledger, leaf, index, head.size, path, head.root, head.public, head.signature)
            )
    return found


def problems(lake: Lake, round_id: str, source: str, accepted: Iterable[pa.Table]) -> Iterator[str]:
    """Yield what is wrong with a ledger: leaves, heads, signatures, and accepted responses without a leaf.

    The responses may come as several tables, which are looked up one after the other.
    """
    frontier, files = Frontier(), _files(lake, round_id, source)
    for path in lake.glob(ledger_head(round_id, source, "*")):
        head = Head.of(lake.read_json(path))
        begin = _name(frontier.size)
        if begin not in files:
            yield f"{path}: the leaves before it are missing"
            return
        table = lake.read_table(files[begin])
        leaves = table["leaf"].to_pylist()
        for place, (leaf, hashed) in enumerate(zip(leaves, leaves_of(table), strict=True)):
            if leaf != hashed:
                yield f"{files[begin]}: a leaf is not the hash of its entry ({table['response_id'][place]})"
        frontier = frontier.extended(leaves)
        if (frontier.size, frontier.root.hex()) != (head.size, head.root):
            yield f"{path}: size and root are not those of the leaves"
        if head.public and not head.is_signature_valid:
            yield f"{path}: the signature does not fit"
    missing = sum(_without_leaf(lake, round_id, source, table, frontier.size).num_rows for table in accepted)
    if missing:
        yield f"{round_id}/{source}: {missing} accepted responses have no leaf"


def leaves_of(entries: pa.Table) -> list[bytes]:
    """Return the leaf hashes of responses: of identity and content hash, not of an answer that could be guessed."""
    named = pc.binary_join_element_wise(entries["response_id"], entries["content_hash"], " ", null_handling="replace")
    return [leaf_hash(entry) for entry in named.cast(pa.binary()).to_pylist()]


def _last(lake: Lake, round_id: str, source: str) -> Head:
    paths = lake.glob(ledger_head(round_id, source, "*"))
    return Head.of(lake.read_json(paths[-1])) if paths else Head(f"{round_id}/{source}", Frontier())


def _files(lake: Lake, round_id: str, source: str) -> dict[str, str]:
    """Return name (first leaf) → file of leaves."""
    paths = lake.glob(ledger_leaves(round_id, source, "*"))
    return {path.rpartition("/")[2].removesuffix(".parquet"): path for path in paths}


def _leaves(lake: Lake, round_id: str, source: str, size: int) -> pa.Table:
    """Return all leaves that a head of `size` leaves vouches for, in order."""
    paths = [path for name, path in sorted(_files(lake, round_id, source).items()) if int(name) < size]
    table = pa.concat_tables([SCHEMA.empty_table(), *(lake.read_table(path) for path in paths)])
    if table.num_rows != size:
        raise InputError(
            f"the ledger of {source} has {table.num_rows} leaves, its head says {size}",
            f"{round_id}/{source}",
            "restore the ledger's files from a back-up: `hailong ledger verify` names them",
        )
    return table


def _without_leaf(lake: Lake, round_id: str, source: str, accepted: pa.Table, size: int) -> pa.Table:
    """Return the entries of accepted responses that have no leaf, each once, in order."""
    entries = accepted.group_by(ENTRY, use_threads=False).aggregate([])
    paths = [lake.full(path) for name, path in sorted(_files(lake, round_id, source).items()) if int(name) < size]
    if paths:
        from pyarrow.dataset import dataset  # it imports pandas, which a stage that starts need not wait for

        with duckdb.connect() as connection:
            connection.register("accepted", entries)
            connection.register("known", dataset(paths, SCHEMA, "parquet", lake.fs))
            connection.execute(_KEPT)
            entries = connection.sql("FROM accepted ANTI JOIN kept USING (response_id, content_hash)").to_arrow_table()
    return entries.sort_by([(name, "ascending") for name in ENTRY])


def _name(number: int) -> str:
    return f"{number:012d}"
