"""The two sheets of the workbook that are laid out for people: units with their factors, and the components.

An official prints them as they are; each heading is Vietnamese with English below it.
"""

from __future__ import annotations

from datetime import date

from pipelines.formats.labels import BASIS_NOTES, FLAGS, RULE_STATUS, STATUS, UNIT_OF_SCORE, counted, label
from pipelines.formats.numbers import NOTHING, show
from pipelines.formats.results import Results, Score
from pipelines.formats.sheet import Sheet
from pipelines.model.method import Level, Measure

UNIT_HEADINGS = ("Hạng\nRank", "Đơn vị\nUnit")
COMPONENT_HEADINGS = ("Cấp\nLevel", "Thành phần\nComponent")
LEVELS = {Level.INDEX: "Chỉ số", Level.DOMAIN: "Lĩnh vực", Level.FACTOR: "Yếu tố", Level.ITEM: "Tiêu chí"}
WIDTHS = (10, 48, 11, 11, 11, 12, 18)
PART_WIDTH, ROW_HEIGHT, HEADING_HEIGHT = 15, 20, 78


def write_units(sheet: Sheet, results: Results, measure: Measure) -> None:
    """Write one row a unit, the one that stands for the round first: score, interval, n, flag, then its components."""
    parts = [node for node in results.root.walk() if node.level in (Level.DOMAIN, Level.FACTOR)]
    top = _write_head(sheet, results, measure)
    headings = (
        *UNIT_HEADINGS,
        *_evidence_headings(results, measure),
        *(f"{node.title_vi}\n{node.title_en}" for node in parts),
    )
    _write_headings(sheet, top, headings)
    rows = [*([results.headline] if results.headline else []), *results.units]
    for row, score in enumerate(rows, start=top + 1):
        strong = score is results.headline
        sheet.height(row, ROW_HEIGHT)
        sheet.put(row, 0, score.rank if score.rank is not None and not strong else NOTHING, "absent", strong)
        sheet.put(row, 1, results.unit_name(score.unit_code)[0], "cell", strong)
        _write_evidence(sheet, row, score, strong)
        found = {node.code: part for node, part in results.below(score.unit_code, Level.DOMAIN, Level.FACTOR)}
        for place, node in enumerate(parts, start=len(WIDTHS)):
            _write_score(sheet, row, place, found.get(node.code, Score()), strong)
    _write_foot(sheet, top + len(rows) + 2, rows)
    sheet.freeze(top + 1, 2)
    sheet.print_landscape(top)


def write_components(sheet: Sheet, results: Results, measure: Measure) -> None:
    """Write one row a node of the tree, with the scores of the unit that stands for the round."""
    top = _write_head(sheet, results, measure)
    _write_headings(sheet, top, (*COMPONENT_HEADINGS, *_evidence_headings(results, measure)))
    nodes = results.below(results.publication.overall_unit, *Level)
    for row, (node, score) in enumerate(nodes, start=top + 1):
        strong = node.level is not Level.ITEM
        sheet.height(row, ROW_HEIGHT)
        sheet.put(row, 0, LEVELS[node.level], "cell", strong)
        sheet.put(row, 1, node.title_vi, "cell", strong)
        _write_evidence(sheet, row, score, strong)
    _write_foot(sheet, top + len(nodes) + 2, [score for _, score in nodes])
    sheet.freeze(top + 1, 2)
    sheet.print_landscape(top)


def _write_head(sheet: Sheet, results: Results, measure: Measure) -> int:
    """Write title and facts; return the row of the heading."""
    publication = results.publication
    start, end = publication.round.window_from, publication.round.window_to
    frozen_on = date.fromisoformat(publication.frozen_on)
    status = label(RULE_STATUS, measure.status.value)[0]
    basis = f" Căn cứ: {'; '.join(publication.method.legal_basis)}." if publication.method.legal_basis else ""
    lines = [
        f"Thu thập từ {start:%d/%m/%Y} đến {end:%d/%m/%Y}. Bản {publication.release_id}, chốt ngày "
        f"{frozen_on:%d/%m/%Y}. Phương pháp {publication.method.id}.",
        f"Cách tính: {measure.title_vi} (quy tắc này: {status}).{basis}",
        *(vi for vi, _ in publication.notes),
    ]
    sheet.put(0, 0, publication.round.title_vi, "title")
    sheet.height(0, 24)
    sheet.put(1, 0, publication.round.title_en, "subtitle")
    for row, line in enumerate(lines, start=2):
        sheet.put(row, 0, line)
    return len(lines) + 3


def _write_headings(sheet: Sheet, row: int, headings: tuple[str, ...]) -> None:
    sheet.height(row, HEADING_HEIGHT)
    for place, heading in enumerate(headings):
        sheet.put(row, place, heading, "heading")
        sheet.width(place, WIDTHS[place] if place < len(WIDTHS) else PART_WIDTH)


def _evidence_headings(results: Results, measure: Measure) -> tuple[str, ...]:
    level = next((score.ci_level for score in results.scores if score.ci_low is not None), None)
    share = "" if level is None else f" {show(100 * level, 'vi', 0)}%"
    return (
        f"Điểm ({label(UNIT_OF_SCORE, measure.unit)[0]})\nScore",
        f"Khoảng{share}: từ\nfrom",
        "đến\nto",
        "\n".join(counted(results.publication)),
        "Độ tin cậy\nReliability",
    )


def _write_evidence(sheet: Sheet, row: int, score: Score, strong: bool) -> None:
    _write_score(sheet, row, 2, score, strong)
    for place, value in ((3, score.ci_low), (4, score.ci_high)):
        sheet.put(row, place, NOTHING if value is None else value, "absent" if value is None else "score", strong)
    sheet.put(row, 5, NOTHING if score.n is None else score.n, "absent" if score.n is None else "whole", strong)
    words = label(STATUS, score.obs_status) if score.obs_status in STATUS else label(FLAGS, score.flag)
    sheet.put(row, 6, words[0], "cell", strong)


def _write_score(sheet: Sheet, row: int, place: int, score: Score, strong: bool) -> None:
    if score.score is None:
        sheet.put(row, place, NOTHING, "absent", strong)
    else:
        sheet.put(row, place, score.score, "few" if score.flag == "parentheses" else "score", strong)


def _write_foot(sheet: Sheet, row: int, scores: list[Score]) -> None:
    """Explain the signs, and what kind of sample it is."""
    lines = [
        f"{NOTHING}  không công bố, hoặc không có câu trả lời; điểm trong ngoặc: ít phiếu, chỉ nên tham khảo.",
        *(BASIS_NOTES[basis][0] for basis in sorted({s.basis for s in scores}) if basis in BASIS_NOTES),
    ]
    for offset, line in enumerate(lines):
        sheet.put(row + offset, 0, line, "subtitle")
