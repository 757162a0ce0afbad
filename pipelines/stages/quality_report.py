"""The monthly report of response quality: how often each flag is raised, where, and how often it would be by mistake.

It shows what stands out; it must not say that anybody cheated, and excludes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines import estimate as statistics
from pipelines.collect.rejects import read_rejects
from pipelines.formats.numbers import show, show_count
from pipelines.lake import conformed, responses
from pipelines.methods import load_quality
from pipelines.model.codes import RejectCode
from pipelines.model.round import Round
from pipelines.quality.calibration import expected_rate
from pipelines.quality.exclusions import State, decision_rows
from pipelines.quality.flags import FLAGS
from pipelines.quality.rules import STRAIGHT_LINE, FlagRules
from pipelines.stages.calibrating import rules_of
from pipelines.stages.context import Context
from pipelines.stages.excluding import exclusions
from pipelines.stages.reference import rows
from pipelines.stages.repeated import repeated_lines, repeated_rows
from pipelines.stages.scoring import merged_tally, rollups, score_options, stratum_population
from pipelines.stages.tallying import tally_spec
from pipelines.warehouse import Load

MARGINS = ("", "unit_code", "channel", "device_id")
PLACES = ["form", *MARGINS[1:]]
INDICATORS = (*FLAGS, "is_clock_back")
FIRST = 30  # lines of what stands out that a person is shown
NAMES = {
    "is_speeder": ("Trả lời quá nhanh", "Too fast"),
    "is_straight_line": ("Một mức suốt phiếu", "Straight line"),
    "is_zero_variance": ("Mọi câu cùng một mức", "No variance"),
    "is_near_identical": ("Gần giống phiếu khác", "Near-identical"),
    "is_burst": ("Dồn dập trên một thiết bị", "Burst on a device"),
    "is_batch": ("Loạt phiếu giống nhau liên tiếp", "Batch of like answers"),
    "is_out_of_hours": ("Ngoài giờ làm việc", "Out of hours"),
    "is_clock_back": ("Đồng hồ bị lùi", "Clock set back"),
}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """The score of a unit with all responses, and without those that were left out."""

    unit_code: str
    n_before: int
    before: float | None
    n_after: int
    after: float | None

    @property
    def share(self) -> float:
        """Share of the responses that were left out."""
        return (self.n_before - self.n_after) / self.n_before if self.n_before else 0.0


def quality_loads(context: Context, round_: Round) -> list[Load]:
    """Return the loads of flags, of decisions to leave responses out, and of respondents who answered several times."""
    key = {"round_id": round_.id}
    decided = [
        row | {"decided_at": datetime.fromisoformat(row["decided_at"])}
        for row in decision_rows(round_.id, exclusions(context, round_.id))
    ]
    return [
        Load("mart.quality_flag", key, rows(quality_rows(context, round_))),
        Load("ops.exclusion", key, rows(decided)),
        Load("mart.repeated_respondent", key, rows(repeated_rows(context, round_))),
    ]


def quality_rows(context: Context, round_: Round, month: str = "") -> list[dict[str, Any]]:
    """Return the rows of `mart.quality_flag`: of every month, or one; none for records that are no responses."""
    rules, calibration = rules_of(context, round_), load_quality(context.method(round_)).get("forms", {})
    limit = context.thresholds(round_)["quality"]["stands_out"]
    tables: dict[str, list[pa.Table]] = {}
    for path in context.lake.glob(responses(round_.programme, round_.id, month or "*", "*")):
        found = next(part for part in path.split("/") if part.startswith("month=")).removeprefix("month=")
        tables.setdefault(found, []).append(context.lake.read_table(path, [*PLACES, *INDICATORS]))
    return [
        {"round_id": round_.id, "month": name} | row
        for name in sorted(tables)
        for row in _month_rows(pa.concat_tables(tables[name], promote_options="default"), rules, calibration, limit)
    ]


def _month_rows(table: pa.Table, rules: FlagRules, calibration: Any, limit: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of one month, by margin, category and flag."""
    flags = [name for name in INDICATORS if name in table.column_names]
    rates = {name: _expected(table, name, rules, calibration) for name in flags}
    for margin in MARGINS:
        named = table[margin].fill_null("").to_pylist() if margin else [""] * table.num_rows
        places = np.asarray(named, dtype=object)
        for category in sorted(set(named)):
            if margin and not category:
                continue
            own = places == category
            for name in flags:
                flag = table[name].filter(pa.array(own))
                judged = flag.is_valid().to_numpy()
                count, total = int(pc.sum(flag).as_py() or 0), int(judged.sum())
                rate = rates[name][own][judged]
                expected = float(rate.mean()) if total and not np.isnan(rate).any() else None
                chance = None if expected is None else _tail(count, total, expected, _together(name, rules))
                yield {
                    "margin": margin,
                    "margin_code": category,
                    "flag_name": name,
                    "flagged": count,
                    "judged": total,
                    "flagged_share": count / total if total else None,
                    "expected_false_alarm": expected,
                    "chance": chance,
                    "stands_out": None if chance is None else chance < limit,
                }


def _expected(table: pa.Table, flag: str, rules: FlagRules, calibration: Any) -> Floats:
    """Return the rate of false alarms to expect, one a response; NaN where it is not known."""
    rate = np.full(table.num_rows, np.nan)
    name = FLAGS.get(flag, ("", ""))[1] or (STRAIGHT_LINE if flag == "is_zero_variance" else "")
    if not name:
        return rate
    places = [f"{form}\0{unit}" for form, unit in zip(*(table[n].to_pylist() for n in PLACES[:2]), strict=True)]
    number, sizes = np.unique(np.asarray(places, dtype=object).astype(str), return_inverse=True, return_counts=True)[1:]
    for place in range(len(sizes)):
        own = np.flatnonzero(number == place)
        form = table["form"][int(own[0])].as_py()
        compared = min(int(sizes[place]) - 1, rules.neighbours)
        limit = 1.0 if flag == "is_zero_variance" else rules.threshold(form, name).for_compared(np.array([compared]))[0]
        found = expected_rate(calibration.get(form, {}).get(name, []), name, float(limit), compared)
        rate[own] = np.nan if found is None else found
    return rate


def _together(flag: str, rules: FlagRules) -> int:
    """Return how many responses a flag is raised of at once: those of a batch, a burst or a pair are one event."""
    if flag == "is_near_identical":
        return 2
    return {"is_batch": rules.batch_length, "is_burst": 2}.get(flag, 1)


def _tail(count: int, total: int, rate: float, together: int) -> float:
    """Return the probability of so many events or more among so many, if each has this rate (binomial)."""
    from scipy.stats import binom  # a second, and not every stage needs it

    events, chances = -(-count // together), max(1, -(-total // together))
    return float(binom.sf(events - 1, chances, rate))


def quality_page(context: Context, round_id: str, month: str = "") -> str:
    """Return the report of a round, or of one month of it, as Markdown in both languages."""
    round_ = context.round(round_id)
    found = quality_rows(context, round_, month)
    months = ", ".join(sorted({row["month"] for row in found})) or "–"
    outstanding = sorted(
        (row for row in found if row["margin"] and row["stands_out"]),
        key=lambda row: (row["chance"], row["margin_code"]),
    )
    return "\n".join(
        [
            f"# Chất lượng trả lời · response quality: {round_.title_vi} ({months})",
            "",
            "Cờ chỉ để người xem xét, không tự loại phiếu nào · a flag is for people to look at; it excludes nothing.",
            "",
            *_flag_lines([row for row in found if not row["margin"]]),
            "## Nổi bật · what stands out",
            "",
            *_flag_lines(outstanding[:FIRST]),
            *([f"… {len(outstanding) - FIRST} nữa · more", ""] if len(outstanding) > FIRST else []),
            *repeated_lines(repeated_rows(context, round_, month)),
            *_exclusion_lines(context, round_),
        ]
    )


def _flag_lines(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return ["Không có · none", ""]
    named = (
        "Tháng · month",
        "Nơi · where",
        "Cờ · flag",
        "Phiếu · flagged",
        "Xét được · judged",
        "%",
        "Báo nhầm · FA %",
    )
    head = f"| {' | '.join(named)} |"
    lines = [
        f"| {row['month']} | {row['margin_code'] or 'cả đợt · round'} | {' · '.join(NAMES[row['flag_name']])} "
        f"| {show_count(row['flagged'], 'vi')} | {show_count(row['judged'], 'vi')} | {_percent(row['flagged_share'])} "
        f"| {_percent(row['expected_false_alarm'])} |"
        for row in found
    ]
    return [head, "|---|---|---|--:|--:|--:|--:|", *lines, ""]


def _exclusion_lines(context: Context, round_: Round) -> list[str]:
    decided, effects = exclusions(context, round_.id), exclusion_effects(context, round_)
    if not decided:
        return ["## Loại phiếu · exclusions", "", "Không có · none", ""]
    lines = [
        f"- {one.state}: {one.said if one.state is State.APPROVED else one.proposal.reason} "
        f"({show_count(len(one.proposal.responses), 'vi')} phiếu · responses; {one.proposal.selected_by})"
        for one in decided
    ]
    head = ["| Đơn vị · unit | Trước · before (n) | Sau · after (n) | Loại · excluded % |", "|---|--:|--:|--:|"]
    table = [
        f"| {one.unit_code} | {show(one.before, 'vi')} ({show_count(one.n_before, 'vi')}) "
        f"| {show(one.after, 'vi')} ({show_count(one.n_after, 'vi')}) | {_percent(one.share)} |"
        for one in effects
    ]
    return ["## Loại phiếu · exclusions", "", *lines, "", *((*head, *table, "") if effects else ())]


def _percent(share: float | None) -> str:
    return show(None if share is None else 100 * share, "vi", 1)


def exclusion_effects(context: Context, round_: Round) -> list[Effect]:
    """Return the index of each unit under the default measure with and without the responses left out.

    By the weights of the strata, from the tallies and the answers left out; none where nothing is left out.
    """
    left_out = _left_out(context, round_)
    if not left_out.num_rows:
        return []
    method = context.method(round_)
    spec = tally_spec(round_, method)
    after = merged_tally(context, round_, spec)
    dropped = statistics.tally(left_out.select(list(spec.columns)).to_batches(), spec)
    before = statistics.merge([after, dropped], spec)
    measure = next(one.name for one in method.measures if one.is_default)
    arguments = (stratum_population(context, round_), rollups(context, round_), score_options(context, round_))
    scores = [
        _index(statistics.index_scores(tally, spec, method.tree, *arguments), measure, method.tree.code)
        for tally in (before, after)
    ]
    return [
        Effect(unit, *scores[0].get(unit, (0, None)), *scores[1].get(unit, (0, None))) for unit in sorted(scores[0])
    ]


def _index(scores: pa.Table, measure: str, node: str) -> dict[str, tuple[int, float | None]]:
    wanted = (pc.field("measure") == measure) & (pc.field("node_code") == node) & (pc.field("breakdown") == "")
    return {row["unit_code"]: (row["n"], row["score"]) for row in scores.filter(wanted).to_pylist()}


def _left_out(context: Context, round_: Round) -> pa.Table:
    """Return the conformed rows that screening left out by a decision."""
    refused = read_rejects(context.lake, round_.id)
    code = RejectCode.R308_EXCLUDED_BY_DECISION.code
    places = refused.filter(pc.equal(refused["code"], code)).select(["source", "landing_sha256", "line"])
    tables = []
    for source, sha256 in sorted(set(zip(*(places[n].to_pylist() for n in ("source", "landing_sha256")), strict=True))):
        own = (pc.field("source") == source) & (pc.field("landing_sha256") == sha256)
        rows = places.filter(own)["line"].combine_chunks()
        for path in context.lake.glob(conformed(round_.id, source, "*", sha256)):
            table = context.lake.read_table(path)
            tables.append(table.filter(pc.is_in(table["line"], rows)))
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})
