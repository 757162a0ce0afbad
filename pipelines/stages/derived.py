"""The tables of a release that follow from its scores: change, importance of factors, progress against targets.

Brings together what may not be told of this round and of the one before; it must not decide what is withheld.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from pipelines.lake import result
from pipelines.model.round import Round
from pipelines.release import disclosure
from pipelines.release.derived import DERIVED, Key, withheld_keys, withhold
from pipelines.stages.context import Context
from pipelines.stages.interpreting import interpretation
from pipelines.stages.reading import is_compared, parts_before

OF_DEFAULT_MEASURE = "plan_progress"  # a target speaks of the default measure alone
COMPARED = ("change", "share_change", "plan_progress")  # they tell the round before too
COUNTS = "share_change"


def derived_tables(
    context: Context, round_: Round, figures: Mapping[str, pa.Table]
) -> Iterator[tuple[str, pa.Table, disclosure.DisclosureReport]]:
    """Yield name, rows after disclosure control and report of each such table that the round has.

    `figures` are the tables `index_score` and `answer_count` as they are published.
    """
    before = _figures_before(context, round_)
    parts = _parts(context, round_) if before else {}
    for name, derived in DERIVED.items():
        rows = interpretation(context, round_.id, name)
        if not rows.num_rows:
            continue
        of = "answer_count" if name == COUNTS else "index_score"
        hidden = _keys(context, round_, name, figures[of], derived.key)
        if before and name in COMPARED:
            old = _keys(context, round_, name, before[of], derived.key)
            hidden |= set(_after(old, derived.key.index("unit_code"), parts))
        yield name, *withhold(rows, derived, hidden)


def _keys(context: Context, round_: Round, name: str, figures: pa.Table, key: tuple[str, ...]) -> set[Key]:
    if name == OF_DEFAULT_MEASURE:
        default = next(measure.name for measure in context.method(round_).measures if measure.is_default)
        figures = figures.filter(pa.compute.equal(figures["measure"], default))
    return withheld_keys(figures, key)


def _after(hidden: set[Key], place: int, parts: Mapping[str, set[str]]) -> Iterator[Key]:
    """Yield the keys in the units of this round: a unit is withheld where one of its parts was."""
    into: dict[str, set[str]] = {}
    for unit, before in parts.items():
        for part in before:
            into.setdefault(part, set()).add(unit)
    for key in hidden:
        for unit in into.get(key[place], {key[place]}):
            yield (*key[:place], unit, *key[place + 1 :])


def _figures_before(context: Context, round_: Round) -> dict[str, pa.Table]:
    """Return the figures of the round before as its release shows them; none where nothing is compared."""
    if not is_compared(context, round_):
        return {}
    before = context.round(round_.previous)
    thresholds = context.thresholds(before)
    scores, counts = (context.lake.read_table(result(before.id, name)) for name in ("index_score", "answer_count"))
    return {
        "index_score": disclosure.apply(scores, thresholds, "score")[0],
        "answer_count": disclosure.apply(counts, thresholds, "count")[0],
    }


def _parts(context: Context, round_: Round) -> dict[str, set[str]]:
    return parts_before(context, round_, context.round(round_.previous))
