"""Identity in the rows of one landed object: into the vault where there is one, else only counted; pseudonyms of it.

It must not put a field of identity into a response, a reject or a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.cells import Block
from pipelines.collect.forms import Form
from pipelines.collect.plan import ConformPlan
from pipelines.model.response import COMMENT
from pipelines.model.run import Landed
from pipelines.privacy.pseudonyms import person, pseudonym
from pipelines.privacy.vault import SCHEMA, vault_folder

RESPONSE = "response"  # kind of the pseudonym of a response


class People:
    """Takes the identity of an object's blocks, one after the other; `close` says what became of it."""

    def __init__(self, plan: ConformPlan, landed: Landed) -> None:
        """Begin with an object; nothing is written yet."""
        self._round, self._keeper = plan.round, plan.keeper
        self._folder = vault_folder(plan.round.year, plan.round.id, landed.source, landed.sha256)
        self._parts = 0
        self._seen: Counter[str] = Counter()

    def columns(self, form: Form, block: Block, identities: pa.Array, comments: pa.Array | None) -> dict[str, pa.Array]:
        """Return the pseudonyms of those who answered, and the free text; both null where a person was erased.

        Fields of identity go to the vault, but not those of an erased person or of a row without identity of its own.
        """
        erased = self._erased(identities)
        fields = self._fields(form, block)
        rows = [{} if gone else _filled(fields, row) for row, gone in enumerate(erased.to_pylist())] if fields else []
        found = {"pseudonym": self._keep(rows, identities) if rows else pa.nulls(len(block), pa.string())}
        if comments is not None:
            found[COMMENT] = pc.if_else(erased, None, comments) if erased.true_count else comments
        return found

    def close(self) -> list[str]:
        """Forget what an earlier run kept beyond this one; return what was seen, as notes for the report."""
        vault = self._keeper.vault
        if vault is not None:
            vault.keep_only(self._folder, self._parts)
        fate = "identity not kept" if vault is None else "identity kept in the vault only"
        return [f"{fate}: {heading}: {count}" for heading, count in sorted(self._seen.items())]

    def _erased(self, identities: pa.Array) -> pa.BooleanArray:
        return pc.is_in(identities, pa.array(sorted(self._keeper.erased), pa.string()))

    def _fields(self, form: Form, block: Block) -> dict[str, list[str | None]]:
        """Count what the withheld headings hold; return identity by field where anything is done with it."""
        for heading in form.withheld:
            if heading in block.cells:
                self._seen[heading] += int(block.cells[heading].is_filled.sum())
        if self._keeper.key is None:
            return {}
        return {
            field: block.cells[heading].texts.to_pylist()
            for heading, field in form.identity.items()
            if heading in block.cells
        }

    def _keep(self, rows: list[dict[str, str]], identities: pa.Array) -> pa.Array:
        key, vault = self._keeper.key, self._keeper.vault
        assert key is not None
        people = [person(key, fields) if fields else None for fields in rows]
        if vault is not None:
            kept = [
                (self._round.id, self._round.year, pseudonym(key, RESPONSE, identity), who, field, value)
                for fields, identity, who in zip(rows, identities.to_pylist(), people, strict=True)
                if identity is not None
                for field, value in fields.items()
            ]
            if kept:
                table = pa.table([list(values) for values in zip(*kept, strict=True)], SCHEMA)
                vault.write(self._folder, self._parts, table)
                self._parts += 1
        return pa.array(people, pa.string())


def _filled(fields: Mapping[str, list[str | None]], row: int) -> dict[str, str]:
    texts = {field: values[row] for field, values in fields.items()}
    return {field: text for field, text in texts.items() if text}
