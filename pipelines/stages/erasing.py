"""Erasure: identity, free text and raw rows of a person go; the coded answer stays, which leads to nobody any more.

The mark of it comes first, so that a run broken off is finished by running it again and nothing brings the person
back. It must not touch the ledger, a tally, a score or a release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.forms import resolve_forms
from pipelines.collect.landing import put_in_place, receipts
from pipelines.collect.people import RESPONSE
from pipelines.collect.redacted import leads_to, read_landed, redacted, redacted_path
from pipelines.collect.rejects import ERASED
from pipelines.lake import Lake, conformed, rejects, responses, tombstone
from pipelines.ledger.receipt import response_prefix
from pipelines.model.errors import InputError
from pipelines.model.response import COMMENT
from pipelines.model.round import Round
from pipelines.model.run import Landed
from pipelines.model.source import Fault, RawRows
from pipelines.privacy.access import ERASE
from pipelines.privacy.pseudonyms import canonical, pseudonym, read_key
from pipelines.privacy.vault import vault_folder
from pipelines.sources import source as source_named
from pipelines.stages.context import Context
from pipelines.stages.erasing_paper import paper_answers, redact_paper
from pipelines.stages.privacy import erased_responses, note_access, open_vault

BLANKED = (COMMENT, "pseudonym")


@dataclass(frozen=True)
class Whom:
    """How the person is named: by a receipt, a pseudonym, or a field of identity (`phone`, `citizen_id`, `email`)."""

    receipt: str = ""
    pseudonym: str = ""
    field: str = ""
    value: str = ""

    @property
    def subject(self) -> str:
        """What the audit may say of it: never the value of a field."""
        return self.receipt or self.pseudonym or self.field


def erase(context: Context, round_id: str, whom: Whom, person: str, reason: str) -> list[str]:
    """Erase a person from a round; return a line for each thing that was done.

    Raises:
        InputError: nobody is found, no reason is given, or a key that is needed is missing.
    """
    round_ = context.round(round_id)
    note_access(context, round_id, ERASE, whom.subject, person, reason)
    found = _find(context, round_, whom)
    if not found:
        remedy = "compare the receipt; a telephone number is found only where it was kept as identity"
        raise InputError("no answer of this person is in the round", f"{round_id}, {whom.subject}", remedy)
    for response_id, source in sorted(found.items()):
        mark = {"erased_at": context.now().isoformat(timespec="seconds"), "source": source, "reason": reason}
        if not context.lake.exists(tombstone(round_id, response_id)):
            context.lake.write_json(tombstone(round_id, response_id), mark | {"person": person})
    return [
        f"{len(found)} answers of {whom.subject}",
        f"{_from_vault(context, round_, set(found))} of them had identity in the vault",
        f"{_from_answers(context, round_, set(found))} files of answers and rejects rewritten",
        *redact_landed(context, round_, sorted(set(found.values()))),
        *redact_paper(context, round_),
    ]


def redact_landed(context: Context, round_: Round, sources: Iterable[str]) -> list[str]:
    """Put redacted copies in the place of landed objects that still hold an erased person; return a line each."""
    erased, lines = erased_responses(context, round_.id), []
    for source in sources if erased else ():
        for landed in receipts(context.lake, round_.id, source):
            if landed.path and _redact(context, round_, source, landed, erased):
                lines.append(f"{source}: {landed.name} ({landed.sha256[:12]}…) redacted")
    return lines


def _find(context: Context, round_: Round, whom: Whom) -> dict[str, str]:
    """Return response → source of all answers of a person."""
    known = dict(_answers(context.lake, round_.id)) | {
        (one, None): source for one, source in paper_answers(context, round_).items()
    }
    if whom.receipt:
        prefix = response_prefix(whom.receipt)
        return {one: source for (one, _), source in known.items() if one.startswith(prefix)}
    key = read_key(context.settings.pseudonym_keys, round_.year)
    people, hashed = {whom.pseudonym}, {whom.pseudonym}
    if whom.field:
        wanted = canonical(whom.field, whom.value)
        people = {pseudonym(key, whom.field, wanted)}
        hashed = _in_vault(context, round_, whom.field, wanted)
    return {
        one: source for (one, who), source in known.items() if who in people or pseudonym(key, RESPONSE, one) in hashed
    }


def _answers(lake: Lake, round_id: str) -> Iterator[tuple[tuple[str, str | None], str]]:
    """Yield ((response, pseudonym), source) of all that was conformed or rejected."""
    for pattern, names in (
        (conformed(round_id, "*", "*", "*"), ["response_id", "pseudonym"]),
        (rejects(round_id, "*", "*", "*"), ["response_id"]),
    ):
        for path in lake.glob(pattern):
            source = path.split("source=", 1)[1].split("/", 1)[0]
            for row in lake.read_table(path, names).to_pylist():
                if row["response_id"]:
                    yield (row["response_id"], row.get("pseudonym")), source


def _in_vault(context: Context, round_: Round, field: str, wanted: str) -> set[str]:
    """Return the pseudonyms of the responses that gave this value."""
    vault = open_vault(context)
    if vault is None:
        return set()
    rows = vault.rows(vault_folder(round_.year, round_.id, "*", "*"), context.settings.age_identity)
    return {row["response"] for row in rows if row["field"] == field and canonical(field, row["value"]) == wanted}


def _from_vault(context: Context, round_: Round, found: set[str]) -> int:
    vault = open_vault(context)
    if vault is None:
        return 0
    key = read_key(context.settings.pseudonym_keys, round_.year)
    hashed = {pseudonym(key, RESPONSE, one) for one in found}
    return vault.without(vault_folder(round_.year, round_.id, "*", "*"), hashed, context.settings.age_identity)


def _from_answers(context: Context, round_: Round, found: set[str]) -> int:
    """Blank free text and pseudonyms of answers, and payloads of rejects; return how many files had any."""
    lake, changed = context.lake, 0
    answers = lake.glob(conformed(round_.id, "*", "*", "*"))
    answers += lake.glob(responses(round_.programme, round_.id, "*", "*"))
    for path in answers:
        changed += _blank(lake, path, found, dict.fromkeys(BLANKED))
    for path in lake.glob(rejects(round_.id, "*", "*", "*")):
        changed += _blank(lake, path, found, {"payload": ERASED})
    return changed


def _blank(lake: Lake, path: str, found: set[str], values: dict[str, str | None]) -> bool:
    """Set columns in the rows of some responses; return whether there were any."""
    if not found.intersection(lake.read_table(path, ["response_id"])["response_id"].to_pylist()):
        return False
    table = lake.read_table(path)
    hit = pa.array([one in found for one in table["response_id"].to_pylist()])
    for name, value in values.items():
        column = pc.if_else(hit, pa.scalar(value, pa.string()), table[name])
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    lake.write_table(path, table)
    return True


def _redact(context: Context, round_: Round, source: str, landed: Landed, erased: frozenset[str]) -> bool:
    """Write a redacted copy under the hash of the original, point the receipts to it, and remove the original."""
    lake, config = context.lake, context.config(round_, source)
    method = context.method(round_)
    forms = resolve_forms(method, context.mappings(round_, method, config), config.source)

    def parts() -> Iterator[RawRows | Fault]:
        return read_landed(lake, source_named(source), config, landed)

    if not any(leads_to(part, forms, landed, erased) for part in parts()):
        return False
    with TemporaryFile() as copy:
        copy.writelines(redacted(parts(), forms, landed, erased))
        put_in_place(lake, copy, landed, redacted_path(landed.path))
    return True
