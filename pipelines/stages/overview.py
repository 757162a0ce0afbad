"""What a person wants to see at a glance: a release's main figures, a round's account. Text only, nothing computed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow.compute as pc

from pipelines.collect.rejects import read_rejects
from pipelines.formats.labels import CATEGORIES, FLAGS, label
from pipelines.formats.numbers import show, show_count, show_interval
from pipelines.lake import release, result
from pipelines.model.codes import RejectCode
from pipelines.model.round import Round
from pipelines.privacy.access import accesses
from pipelines.release import manifest
from pipelines.rounds import list_rounds
from pipelines.stages.alerts import alerts
from pipelines.stages.context import Context
from pipelines.stages.mode_effect import mode_effect_table
from pipelines.stages.releasing import unit_names
from pipelines.stages.reports import all_reports

FIRST_UNITS = 12
ACCOUNTED = ("read", "conform", "screen", "tally")  # stages in order
SELF_SELECTED = "tự chọn · self-selected"


@dataclass(frozen=True)
class Overview:
    """A release in a few lines: unit, score, interval, n, flag; then remarks and where the files are."""

    title: str
    lines: list[tuple[str, str, str, str, str]]
    notes: list[str]
    folder: str


def rounds(context: Context) -> list[Round]:
    """Return every round of the lake."""
    return [context.round(round_id) for round_id in list_rounds(context.lake)]


def release_overview(context: Context, release_id: str) -> Overview:
    """Return the top score of each unit under the default measure, the highest units first after the roll-up."""
    origin = manifest.read(context.lake, release_id).content["made_from"]
    round_ = context.round(origin["round"]["id"])
    method = context.method(round_)
    measure = next(one for one in method.measures if one.is_default)
    table = context.lake.read_table(f"{release(release_id)}/index_score.parquet")
    chosen = (("measure", measure.name), ("node_code", method.tree.code), ("breakdown", ""))
    for column, value in chosen:
        table = table.filter(pc.equal(table[column], value))
    names = unit_names(context, round_)
    rows = sorted(table.to_pylist(), key=lambda row: (row["rank_of"] != 1, row["rank"] or len(names)))
    lines = [
        (
            names.get(row["unit_code"], (row["unit_code"],) * 2)[0],
            show(row["score"], "vi", method.decimals),
            show_interval(row["ci_low"], row["ci_high"], "vi", method.decimals),
            show_count(row["n"], "vi"),
            " · ".join(FLAGS.get(row["flag"], (row["flag"],) * 2)),
        )
        for row in rows
    ]
    left_out = len(lines) - FIRST_UNITS
    notes = [f"{measure.title_vi} · {measure.title_en} ({measure.name})"]
    if left_out > 0:
        notes.append(f"… và {left_out} đơn vị khác trong tệp · and {left_out} more units in the files")
    title = f"{round_.title_vi}\n{round_.title_en}"
    return Overview(title, lines[:FIRST_UNITS], notes, context.lake.full(release(release_id)))


def account_lines(context: Context, round_id: str) -> list[tuple[str, ...]]:
    """Return the account of a round: (stage, source, in, accepted, duplicate, rejected), stage by stage.

    Pages of paper are counted where they are read, rows from then on.
    """
    sums: dict[tuple[str, str], Counter[str]] = {}
    for report in all_reports(context.lake, context.round(round_id).id):
        if report["stage"] in ACCOUNTED:
            counter = sums.setdefault((report["stage"], report["partition"]["source"]), Counter())
            for name in ("rows_in", "accepted", "duplicate", "rejected"):
                counter[name] += report[name]
    return [
        (stage, source, *(show_count(count[name], "vi") for name in ("rows_in", "accepted", "duplicate", "rejected")))
        for (stage, source), count in sorted(sums.items(), key=lambda one: (ACCOUNTED.index(one[0][0]), one[0][1]))
    ]


def reject_lines(context: Context, round_id: str) -> list[tuple[str, str, str]]:
    """Return why rows of a round were not accepted: (source, code, how many)."""
    table = read_rejects(context.lake, round_id)
    found = Counter(zip(table["source"].to_pylist(), table["code"].to_pylist(), strict=True))
    known = [code.name for code in RejectCode]
    ordered = sorted(found.items(), key=lambda entry: (entry[0][0], known.index(entry[0][1])))
    return [(source, code, show_count(count, "vi")) for (source, code), count in ordered]


def alert_lines(context: Context, round_id: str) -> list[tuple[str, str, str]]:
    """Return what somebody should look at in a round: since when, and in both languages."""
    found = [one for one in alerts(context.lake, round_id) if not one["cleared_at"]]
    return [(one["raised_at"], one["message_vi"], one["message_en"]) for one in found]


def access_lines(context: Context, round_id: str) -> list[tuple[str, ...]]:
    """Return who saw or erased identity, raw bytes or rejected rows: when, who, what, which, why."""
    return [
        (f"{one.accessed_at:%Y-%m-%d %H:%M:%S}", one.person, one.access, one.subject, one.reason)
        for one in accesses(context.lake, context.round(round_id).id)
    ]


def mode_effect_lines(context: Context, round_id: str, levels: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the comparisons under the default measure as text, for the levels of the tree that are named.

    Unit, channels, node, difference, interval, adjusted difference, its interval, share compared, answers, flag.
    """
    round_ = context.round(round_id)
    measure = next(one for one in context.method(round_).measures if one.is_default)
    table = mode_effect_table(context, round_).filter(pc.field("measure") == measure.name)
    names = unit_names(context, round_)
    return [
        (
            names.get(row["unit_code"], (row["unit_code"],))[0],
            f"{_channel(row['channel'], row['is_self_selected'])} − "
            f"{_channel(row['reference_channel'], row['reference_is_self_selected'])}",
            row["node_code"],
            show(row["difference"], "vi"),
            show_interval(row["ci_low"], row["ci_high"], "vi"),
            show(row["adjusted_difference"], "vi"),
            show_interval(row["adjusted_ci_low"], row["adjusted_ci_high"], "vi"),
            show(100 * row["share_compared"], "vi", 0),
            f"{show_count(row['n'], 'vi')} / {show_count(row['reference_n'], 'vi')}",
            row["flag"],
        )
        for row in table.to_pylist()
        if row["node_level"] in levels
    ]


def _channel(code: str, is_self_selected: bool) -> str:
    name = " · ".join(label(CATEGORIES, code))
    return f"{name} ({SELF_SELECTED})" if is_self_selected else name


def weight_lines(context: Context, round_id: str) -> list[tuple[str, ...]]:
    """Return the steps of a round's weights: name, detail, n, total, smallest, largest, cv, deff, n_eff.

    None where the round has not been weighed, or is not weighed at all.
    """
    path = result(round_id, "weight_step")
    steps = context.lake.read_table(path).to_pylist() if context.lake.exists(path) else []
    figures = (("total", 1), ("smallest", 3), ("largest", 3), ("cv", 3), ("deff", 3), ("n_eff", 1))
    return [
        (
            step["name"],
            step["detail"],
            show_count(step["n"], "vi"),
            *(show(step[name], "vi", places) for name, places in figures),
        )
        for step in steps
    ]
