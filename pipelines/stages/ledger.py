"""The stages of the ledger: record what was accepted, prove one answer, verify all. It must not read an answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipelines import ledger
from pipelines.lake import responses
from pipelines.stages.context import Context

KEY_VARIABLE = "HAILONG_SIGNING_KEY"  # path of the private key; without it heads are not signed
ENTRY = ["response_id", "content_hash"]


def record(context: Context, source: str, round_id: str = "") -> list[str]:
    """Append what screening accepted from a source to its ledger, for one round or all it serves; return a line each.

    Safe to repeat: a response has one leaf for each content that was ever accepted. One call at a time for a source.
    Each month is a batch of its own, so that no more than a month is in memory.
    """
    key, heads = signing_key(), []
    for round_ in context.rounds_of(source, round_id):
        months = _accepted(context, round_.id, source)
        heads += [ledger.append(context.lake, round_.id, source, entries, key) for entries in months][-1:]
    return [f"{head.ledger}: {head.size} leaves, root {head.root}" for head in heads]


def record_round(context: Context, round_id: str) -> list[str]:
    """Append what screening accepted from every source of a round; return a line each."""
    sources = [config.source for config in context.round(round_id).sources]
    return [line for source in sources for line in record(context, source, round_id)]


def prove(context: Context, round_id: str, code: str) -> list[ledger.Proof]:
    """Return the proofs that the response with a receipt code was accepted."""
    return ledger.prove(context.lake, round_id, code)


def ledger_heads(context: Context, round_id: str) -> list[ledger.Head]:
    """Return the last tree head of each source of a round."""
    return ledger.heads(context.lake, round_id)


def verify_ledger(context: Context, round_id: str) -> list[str]:
    """Return what is wrong with the ledgers of a round; empty where every accepted response has its leaf."""
    sources = [config.source for config in context.round(round_id).sources]
    return [
        problem
        for source in sources
        for problem in ledger.problems(context.lake, round_id, source, _accepted(context, round_id, source))
    ]


def signing_key() -> Path | None:
    """Return where the private key lies, or None."""
    named = os.environ.get(KEY_VARIABLE, "")
    return Path(named) if named else None


def _accepted(context: Context, round_id: str, source: str) -> Iterator[pa.Table]:
    """Yield what was accepted month by month, after an empty table."""
    yield pa.schema([pa.field(name, pa.string()) for name in ENTRY]).empty_table()
    for path in context.lake.glob(responses(context.round(round_id).programme, round_id, "*", source)):
        yield context.lake.read_table(path, ENTRY)
