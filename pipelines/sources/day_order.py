"""Whether the dates of a table say which number is the day and which the month.

A date read the wrong way round is a valid date: it lands in another month and nothing shows it. So a file whose dates
contradict each other, or the declared format, is refused as a whole. It must not change a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.model.codes import RejectCode
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault
from pipelines.sources.blocks import Row

TYPED = re.compile(r"\d{4}-\d{2}-(\d{2})")
WRITTEN = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}")
MONTHS = 12
MIXED = (
    "có ngày kiểu ngày lẫn ngày kiểu chữ: phần mềm bảng tính đã đổi một phần, có thể đảo ngày và tháng; hãy xuất lại"
    " · dates and texts of dates: a spreadsheet program changed some, day and month may be swapped; export again"
)
BOTH_WAYS = (
    "có dòng ghi ngày trước, có dòng ghi tháng trước: hãy xuất lại theo một cách"
    " · some rows write the day first, some the month: export again in one way"
)
OTHER_WAY = (
    "tệp và time_format của mapping khác nhau về thứ tự ngày, tháng: hãy sửa time_format"
    " · the file and the mapping's time_format differ in the order of day and month: correct time_format"
)


@dataclass
class _Dates:
    """What one column of times holds: days of typed dates, and the two first numbers of written ones."""

    typed: set[int] = field(default_factory=set)
    written: set[tuple[int, int]] = field(default_factory=set)

    def take(self, cell: str) -> None:
        if found := TYPED.match(cell):
            self.typed.add(int(found[1]))
        elif found := WRITTEN.match(cell):
            self.written.add((int(found[1]), int(found[2])))

    def contradiction(self, formats: Iterable[str]) -> str:
        """Return why an export by a program cannot be trusted, empty where it can."""
        if self.typed and self.written:
            return MIXED
        day_first = any(first > MONTHS >= second for first, second in self.written)
        month_first = any(second > MONTHS >= first for first, second in self.written)
        if day_first and month_first:
            return BOTH_WAYS
        declared = {_is_day_first(one) for one in formats}
        is_other = (day_first and declared == {False}) or (month_first and declared == {True})
        return OTHER_WAY if is_other else ""

    @property
    def is_half_converted(self) -> bool:
        """Whether just the dates that make sense the other way round are typed: so a program left them behind."""
        late = all(first > MONTHS >= second for first, second in self.written)
        return bool(self.typed and self.written) and late and max(self.typed) <= MONTHS


def export_fault(items: Iterable[Row | Fault], config: SourceConfig, own: Iterable[str] = ()) -> Fault | None:
    """Return the fault of a file that a program exported; `own` are its columns of times beside those mapped."""
    for heading, dates in _dates(items, {*own, *time_headings(config)}).items():
        if why := dates.contradiction(_formats(config, heading)):
            return _fault(heading, why)
    return None


def keyed_fault(items: Iterable[Row | Fault], config: SourceConfig) -> Fault | None:
    """Return the fault of a file that people keyed: they may write dates in several ways, a program may not."""
    for heading, dates in _dates(items, time_headings(config)).items():
        if dates.is_half_converted:
            return _fault(heading, MIXED)
    return None


def time_headings(config: SourceConfig) -> set[str]:
    """Return the headings that a mapping takes for times."""
    return {h for mapping in config.mappings for h, target in mapping.headings.items() if target.endswith("_at")}


def _dates(items: Iterable[Row | Fault], headings: Iterable[str]) -> dict[str, _Dates]:
    found = {heading: _Dates() for heading in sorted(headings)}
    for item in items:
        if isinstance(item, Row):
            for heading, dates in found.items():
                dates.take(item.cells.get(heading) or "")
    return found


def _formats(config: SourceConfig, heading: str) -> list[str]:
    return [one.time_format for one in config.mappings if one.time_format and heading in one.headings]


def _is_day_first(time_format: str) -> bool:
    months = [time_format.find(month) for month in ("%m", "%b", "%B") if month in time_format]
    return time_format.find("%d") < min(months)


def _fault(heading: str, why: str) -> Fault:
    return Fault(RejectCode.R101_UNREADABLE_FILE, field=heading, value=f"{heading}: {why}")
