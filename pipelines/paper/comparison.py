"""Two people key the same forms without seeing each other's work; here their files are compared cell by cell.

Rows that agree are done; each cell that differs is for a third person. It must not write files.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.model.errors import InputError
from pipelines.paper.review import Decision, Item

KEYS = ("record_id", "Số phiếu")
KEYERS = ("device_id", "Người nhập")
KEYED = "keyed"  # the kind of what is to be decided
LARGEST = 64 << 20

Table = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Keyed:
    """One keyer's file: rows by record, headings in order, which of them is the record and which the keyer."""

    name: str
    headings: tuple[str, ...]
    rows: Table
    key: str
    keyer: str

    def keyer_of(self, record: str) -> str:
        """Return who keyed a record; where the file does not say, the file's name."""
        return self.rows.get(record, {}).get(self.keyer, "") or self.name


@dataclass(frozen=True)
class Difference:
    """One cell that two keyers keyed differently; `heading` is empty where only one of them has the record."""

    record: str
    heading: str
    first: str
    second: str

    @property
    def id(self) -> str:
        """The id of the item to be decided."""
        digest = hashlib.sha256(f"{self.record}\0{self.heading}".encode()).hexdigest()[:24]
        return f"keyed-{digest}"


def read_keyed(content: bytes, name: str) -> Keyed:
    """Read a keyer's CSV (UTF-8; comma, semicolon or tab).

    Raises:
        InputError: not such a file, no column that numbers the forms, or a number twice.
    """
    if len(content) > LARGEST:
        raise InputError("the file is too large", name, f"at most {LARGEST} bytes")
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the file is no CSV in UTF-8: {error}", name, "save it as CSV UTF-8") from None
    headings = tuple(cell.strip() for cell in records[0]) if records else ()
    key = next((heading for heading in KEYS if heading in headings), "")
    if not key or len(set(headings)) != len(headings):
        raise InputError("no heading numbers the forms, or one occurs twice", name, f"name one of them {KEYS[0]}")
    rows: Table = {}
    for number, cells in enumerate(records[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(headings, (cell.strip() for cell in cells), strict=False))
        if len(cells) != len(headings) or not row[key] or row[key] in rows:
            remedy = "give every form one row with as many cells as there are headings"
            raise InputError(f"form {row.get(key, '')!r} occurs twice or its row is broken", f"{name}:{number}", remedy)
        rows[row[key]] = row
    return Keyed(name, headings, rows, key, next((one for one in KEYERS if one in headings), ""))


def differences(first: Keyed, second: Keyed) -> list[Difference]:
    """Return every cell that differs, by record and in the order of the first file's headings; keyers' names aside.

    Raises:
        InputError: the files have not the same headings, or one person keyed a form twice.
    """
    if set(first.headings) != set(second.headings):
        odd = ", ".join(sorted(set(first.headings) ^ set(second.headings)))
        raise InputError(f"the files differ in their headings: {odd}", second.name, "key both from one layout")
    found: list[Difference] = []
    for record in sorted({*first.rows, *second.rows}):
        if record not in first.rows or record not in second.rows:
            sides = [file.name if record in file.rows else "" for file in (first, second)]
            found.append(Difference(record, "", *sides))
            continue
        if first.keyer_of(record).casefold() == second.keyer_of(record).casefold():
            remedy = "two people key each form, neither seeing the other's work"
            raise InputError(f"{first.keyer_of(record)} keyed form {record} twice", second.name, remedy)
        one, other = first.rows[record], second.rows[record]
        compared = (heading for heading in first.headings if heading != first.keyer)
        found += [Difference(record, name, one[name], other[name]) for name in compared if one[name] != other[name]]
    return found


def item_of(difference: Difference, first: Keyed, second: Keyed) -> Item:
    """Return a difference as something to decide: one of the two cells, by neither of the two keyers."""
    keyers = tuple(file.keyer_of(difference.record) for file in (first, second))
    cells = (difference.first, difference.second)
    return Item(
        id=difference.id,
        kind=KEYED,
        title=title_of(difference.record),
        question=difference.heading,
        seen=tuple(zip(cells, keyers, strict=True)),
        barred=keyers,
        has_crop=False,
    )


def title_of(record: str) -> str:
    """Return what a form is called on the review screen."""
    return f"Phiếu · form {record}"


def agreed(first: Keyed, second: Keyed, found: list[Difference], decided: Mapping[str, Decision]) -> bytes:
    """Return as CSV the rows on which both agree or a third person has decided every cell; in record order."""
    open_records = {one.record for one in found if not one.heading or one.id not in decided}
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, first.headings, lineterminator="\n")
    writer.writeheader()
    for record in sorted(first.rows.keys() & second.rows.keys() - open_records):
        row = dict(first.rows[record])
        row |= {one.heading: decided[one.id].value for one in found if one.record == record}
        if first.keyer:
            row[first.keyer] = f"{first.keyer_of(record)} + {second.keyer_of(record)}"
        writer.writerow(row)
    return sink.getvalue().encode()
