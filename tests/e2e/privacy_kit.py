"""Persons planted in a simulated round's paper forms, and a search for them in everything that a run leaves."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

HEADINGS = {"Họ và tên": "name", "Số điện thoại": "phone", "Số CCCD": "citizen_id"}
GIVEN = ("Bích Ngọc", "Thúy Quỳnh", "Khánh Huyền", "Tường Vi", "Mộng Tuyền", "Hồng Nhạn")
UNSEEN: dict[int, str | None] = dict.fromkeys([*range(0x300, 0x370), 0x200B]) | {ord("đ"): "d", ord("Đ"): "D"}
MIDDLE = tuple(
    f"{one} {two}" for one in ("Thị", "Hoàng", "Ngọc", "Lệ", "Kim") for two in ("Diễm", "Phương", "Ánh", "Thu")
)
BEGINNING = re.compile(
    "[Kk][Hh][Uu](?:[ấẤ]|[aA]\u0302?\u0301?)[tT]|"  # of the surname, composed, decomposed or without accents
    "[9９][ .]?[3３][ .]?[8８][ .]?[4４]|[0０][ .]?[3３][ .]?[3３][ .]?[1１]"  # of the numbers, in any width
)
INTO = "Ý kiến khác"


@dataclass(frozen=True)
class Somebody:
    """One planted person; all have the same rare surname and numbers that begin alike, so that looking is fast."""

    name: str
    phone: str  # ten digits
    citizen_id: str  # twelve digits

    @classmethod
    def number(cls, number: int) -> Somebody:
        """Return a person unlike all others."""
        middle, given = MIDDLE[number // len(GIVEN)], GIVEN[number % len(GIVEN)]
        return cls(f"Khuất {middle} {given}", f"0{938_400_000 + 271 * number}", f"0{33_189_046_000 + 617 * number}")

    @property
    def written(self) -> dict[str, str]:
        """How the clerk writes it, each in another way."""
        digits = self.phone
        ways = (digits, f"+84 {digits[1:4]} {digits[4:7]} {digits[7:]}", f"{digits[:4]}.{digits[4:]}")
        return {
            "Họ và tên": unicodedata.normalize(("NFC", "NFD")[int(self.phone) % 2], self.name),
            "Số điện thoại": ways[int(self.phone) % 3],
            "Số CCCD": self.citizen_id,
        }

    @property
    def remark(self) -> str:
        """What the person writes into the free text."""
        wide = self.phone.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
        return (
            f"Tôi là {self.name}, gọi {wide} hoặc CCCD {self.citizen_id[:3]} {self.citizen_id[3:]}; lệ phí 150.000 đồng"
        )


def plant(folder: Path, round_id: str) -> dict[str, list[Somebody]]:
    """Write a name, numbers and a remark into every keyed form, say in the mapping what they are; return by record."""
    persons: dict[str, list[Somebody]] = {}
    numbers = count(1)
    for path in sorted((folder / f"inbox/{round_id}/postal").iterdir()):
        table = _read(path)
        at, record = table[0].index(INTO), table[0].index("Số phiếu")
        for row in table[1:]:
            somebody = Somebody.number(next(numbers))
            persons.setdefault(row[record], []).append(somebody)
            row[at] = somebody.remark
            row += [somebody.written[heading] for heading in HEADINGS]
        table[0] += list(HEADINGS)
        _write(path, table)
    mapping = folder / f"rounds/{round_id}/mappings/postal.yml"
    forms = [one | {"identity": dict(HEADINGS)} for one in yaml.safe_load(mapping.read_text(encoding="utf-8"))]
    mapping.write_text(yaml.safe_dump(forms, allow_unicode=True), encoding="utf-8")
    return persons


def found_in(folder: Path, persons: list[Somebody], skip: tuple[str, ...] = ()) -> list[str]:
    """Return `file: what` for each planted thing in any file, as bytes, decoded, unzipped, in any usual spelling."""
    names, numbers = needles(persons)
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        place = str(path.relative_to(folder))
        if place.split("/")[0] in skip:
            continue
        found += [f"{place}: {one}" for text in texts_of(path) for one in shown(text, names, numbers)]
    return found


def shown(text: str, names: set[str], numbers: set[str]) -> set[str]:
    """Return which names and numbers a text shows, however they are spelt."""
    found: set[str] = set()
    for match in BEGINNING.finditer(text):
        plain = _plain(text[match.start() : match.start() + 60])
        digits = re.sub(r"[ .()-]", "", plain)
        found |= {one for one in names if plain.startswith(one)} | {one for one in numbers if digits.startswith(one)}
    return found


def needles(persons: list[Somebody]) -> tuple[set[str], set[str]]:
    """Return what to look for: names without accents, numbers without their first digit, which +84 replaces."""
    return {_plain(one.name) for one in persons}, {n for one in persons for n in (one.phone[1:], one.citizen_id)}


def texts_of(path: Path) -> Iterator[str]:
    """Yield the text of a file in every form in which it may hide: its bytes in two encodings, its decoded content."""
    content = path.read_bytes()
    yield content.decode("utf-8", errors="ignore")
    yield content.decode("utf-16-le", errors="ignore")
    if path.suffix == ".parquet":
        yield _words(pq.ParquetFile(path).read())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name).decode("utf-8", errors="ignore")
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = "SELECT table_schema, table_name FROM information_schema.tables"
            for schema, table in connection.execute(tables).fetchall():
                yield _words(connection.sql(f'SELECT * FROM "{schema}"."{table}"').to_arrow_table())


def _words(table: pa.Table) -> str:
    """Return every different text of a table."""
    texts = (column.unique().to_pylist() for column in table.columns if pa.types.is_string(column.type))
    return "\n".join(text for column in texts for text in column if text is not None)


def _plain(text: str) -> str:
    """Return a text with digits of one width, without accents, case or what is not seen."""
    return unicodedata.normalize("NFKD", text).translate(UNSEEN).casefold()


def _read(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    sheet = openpyxl.load_workbook(path).active
    return [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]


def _write(path: Path, table: list[list[str]]) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as sink:
            csv.writer(sink).writerows(table)
        return
    book = openpyxl.Workbook()
    for row in table:
        book.active.append([None if cell == "" else cell for cell in row])
    book.save(path)
