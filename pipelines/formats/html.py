"""The result page: one HTML file, Vietnamese and English, that needs nothing but itself.

Style and charts are inline, the language is switched without a script, and it prints. The layout is in
`templates/`; this module only chooses what is shown. A publication without scores has no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines.formats import dictionary, duckdb_file, followups, labels, numbers, xlsx
from pipelines.formats.chart import axis_for, scale, whisker
from pipelines.formats.grouping import grouping_of
from pipelines.formats.labels import Text
from pipelines.formats.results import TABLE, Results, Score, measures_shown, results_of
from pipelines.model.method import Level
from pipelines.model.publication import Format, Publication

FILE = "index.html"
TEMPLATES = Path(__file__).parent / "templates"


def _write(publication: Publication) -> dict[str, bytes]:
    if TABLE not in publication.tables or not measures_shown(publication):
        return {}
    page = _environment().get_template("page.html.j2").render(_context(publication))
    return {FILE: page.encode()}


def both(text: Text) -> Markup:
    """Return a text in both languages, each marked with its language; once where they do not differ."""
    vi, en = text
    if vi == en:
        return Markup(escape(vi))
    return Markup('<span lang="vi">{}</span><span lang="en">{}</span>').format(vi, en)


def number(value: float | None, places: int) -> Markup:
    """Return a number as it is written in each language."""
    return both((numbers.show(value, "vi", places), numbers.show(value, "en", places)))


def interval(score: Score, places: int) -> Markup:
    """Return a score's interval as it is written in each language."""
    low, high = score.ci_low, score.ci_high
    return both((numbers.show_interval(low, high, "vi", places), numbers.show_interval(low, high, "en", places)))


def day(value: date) -> Markup:
    """Return a date as it is written in each language."""
    return both((f"{value:%d/%m/%Y}", f"{value:%Y-%m-%d}"))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "both": both,
        "number": number,
        "day": day,
        "label": lambda code, of: labels.label(of, code),
    }
    environment.globals |= {"interval": interval, "whisker": whisker, "scale": scale, "axis_for": axis_for}
    environment.globals["words"] = labels
    return environment


def _context(publication: Publication) -> dict[str, Any]:
    measures = measures_shown(publication)
    results = results_of(publication, measures[0].name)
    unit = publication.overall_unit
    return {
        "publication": publication,
        "places": publication.method.decimals,
        "counted": labels.counted(publication),
        "frozen_on": date.fromisoformat(publication.frozen_on),
        "measure": measures[0],
        "by_measure": [(measure, results_of(publication, measure.name).headline) for measure in measures],
        "results": results,
        "headline": results.headline,
        "nodes": results.below(unit, Level.DOMAIN, Level.FACTOR),
        "items": results.below(unit, Level.ITEM),
        "breakdowns": _breakdowns(results),
        "level": next((score.ci_level for score in results.scores if score.ci_low is not None), None),
        "grouping": grouping_of(publication),
        "grouped": any(score.group_no is not None for score in (*results.units, results.headline) if score),
        "changes": followups.changes(publication, measures[0].name),
        "priorities": followups.priorities(publication, measures[0].name),
        "progress": followups.progress(publication),
        "downloads": _downloads(publication),
        **_legend(results.scores),
    }


def _breakdowns(results: Results) -> list[tuple[Text, list[tuple[Text, Score]]]]:
    publication = results.publication
    return [
        (
            labels.breakdown_title(publication, breakdown),
            [(labels.category_title(publication, breakdown, score.category), score) for score in scores],
        )
        for breakdown, scores in results.categories(publication.overall_unit).items()
    ]


def _legend(scores: Sequence[Score]) -> dict[str, list[str]]:
    """Return which signs occur, so that only these are explained; a flag is a sign where the score is shown."""
    shown = {score.flag for score in scores if score.obs_status not in labels.STATUS}
    return {
        "flags": [flag for flag in labels.FLAGS if flag in shown],
        "statuses": [status for status in labels.STATUS if any(score.obs_status == status for score in scores)],
        "bases": [basis for basis in labels.BASIS if any(score.basis == basis for score in scores)],
    }


def _downloads(publication: Publication) -> list[tuple[str, Text]]:
    """Return the files beside the page, with what they are."""
    tables = (
        (f"{name}.{suffix}", (table.declaration.meaning_vi, table.declaration.meaning_en))
        for name, table in publication.tables.items()
        for suffix in ("csv", "parquet")
    )
    others = (
        (dictionary.CSV, dictionary.FORMAT),
        (duckdb_file.FILE, duckdb_file.FORMAT),
    )
    return [
        (xlsx.FILE, (xlsx.FORMAT.titles["vi"], xlsx.FORMAT.titles["en"])),
        *tables,
        *((file, (one.titles["vi"], one.titles["en"])) for file, one in others),
        ("manifest.json", ("Bản kê: nguồn gốc và mã băm của mọi tệp", "Manifest: origin and hash of every file")),
    ]


FORMAT = Format("html", {"vi": "Trang kết quả (HTML)", "en": "Result page (HTML)"}, _write)
