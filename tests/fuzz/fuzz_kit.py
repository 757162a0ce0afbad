"""What the fuzz tests share: how long they look, files that are good, and files made of them by small accidents.

`HAILONG_FUZZ=2000` looks at that many files a parser, drawn anew each time; without it a few, always the same.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import openpyxl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows
from pipelines.sources import source

EXAMPLES = int(os.environ.get("HAILONG_FUZZ", "0"))
FUZZ = settings(
    max_examples=EXAMPLES or 10,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ACCIDENTS = (
    *(b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r\n", b'"', b"'", b",", b";", b"\t", b"{", b"}", b"[", b"<"),
    *(b"&", b":", b"- ", b"=1+1", b"\xe1\xba", b"\xb5", b"\\ud800", b"1e999", b"-1", b"9" * 40, b"null", b"PK\3\4"),
)


@st.composite
def damaged(draw: st.DrawFn, contents: list[bytes]) -> bytes:
    """A good file after up to four accidents: bytes replaced, put in, left out, said twice or cut off."""
    content = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        accident = draw(st.sampled_from(ACCIDENTS) | st.binary(max_size=4) | st.just(content[start:end] * 2))
        content = content[:start] + accident + content[end:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content


@dataclass(frozen=True)
class Reading:
    """What a reader gave: rows as line → heading → text, and faults."""

    rows: list[tuple[int, dict[str, str | None]]]
    faults: list[Fault]

    @property
    def codes(self) -> list[str]:
        return [fault.code.name[:4] for fault in self.faults]

    @property
    def places(self) -> list[int]:
        return [line for line, _ in self.rows] + [fault.line for fault in self.faults if fault.line is not None]


def config(name: str, **options: object) -> SourceConfig:
    return SourceConfig(name, "test", source(name).channel, dict(options))


def read(name: str, content: bytes, **options: object) -> Reading:
    """Read a file; whatever else than rows and faults comes, or columns of another length, fails the test."""
    rows: list[tuple[int, dict[str, str | None]]] = []
    faults: list[Fault] = []
    for part in source(name).read(BytesIO(content), "file", config(name, **options)):
        if isinstance(part, Fault):
            faults.append(part)
        else:
            rows += _rows(part)
    return Reading(rows, faults)


def _rows(part: RawRows) -> Iterator[tuple[int, dict[str, str | None]]]:
    assert {len(cells) for cells in part.columns.values()} <= {len(part.lines)}
    for position, line in enumerate(part.lines):
        yield line, {heading: cells[position] for heading, cells in part.columns.items()}


EVENT = {
    "event_id": "e1", "device": "K01", "sequence": 1, "unit": "22243", "procedure": "1.004227",
    "instrument": "citizen", "instrument_version": "2017.1", "started_at": "2023-05-04T08:15:00+07:00",
    "submitted_at": "2023-05-04T08:17:30+07:00", "respondent": "citizen", "answers": {"A1": 5, "A2": None},
    "comment": "Cán bộ nhiệt tình, hài lòng",
}  # fmt: skip
TABLE = [
    ["record_id", "unit_code", "procedure_code", "submitted_at", "instrument", "instrument_version", "A1", "comment"],
    *(
        [f"r{n}", "22243", "1.004227", "2023-05-04", "citizen", "2017.1", n % 5 + 1, 'nói "được", tốt']
        for n in range(4)
    ),
]
LABELLED = [["id", "submitdate", "A1"], ["1", "2023-05-04 08:15:00", "5"], ["2", "2023-05-04 08:16:00", "4"]]
FORM = [["Timestamp", "Câu 1"], ["2023-05-04 08:15:00", "Hài lòng"], ["2023-05-05 08:15:00", "Rất hài lòng"]]
SUBMISSION = {"_id": 7, "meta/instanceID": "uuid:a", "g/a1": "5", "_submission_time": "2023-05-04T01:15:00"}
ENTITY = {"__id": "uuid:a", "__system": {"submissionDate": "2023-05-04T01:15:00Z", "edits": 0}, "g": {"a1": "5"}}


def csv_of(table: list[list[object]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    lines = (delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in row) for row in table)
    return "".join(line + "\r\n" for line in lines).encode(encoding)


def xlsx_of(table: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in table:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zip_of(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def json_lines(*records: object) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


TABLES = [csv_of(TABLE), csv_of(TABLE, ";"), csv_of(TABLE, "\t", "utf-8-sig"), xlsx_of(TABLE)]
GOOD: dict[str, list[bytes]] = {
    "kiosk": [json_lines(EVENT, EVENT | {"event_id": "e2", "sequence": 2}, EVENT | {"event_id": "e3", "sequence": 3})],
    "scan": [json_lines(*(dict(zip(TABLE[0], map(str, row), strict=True)) for row in TABLE[1:]))],
    "postal": TABLES,
    "spreadsheet": [csv_of(FORM), xlsx_of(FORM)],
    "limesurvey": [csv_of(LABELLED), csv_of(LABELLED, ";")],
    "kobo": [json.dumps({"count": 2, "next": None, "results": [SUBMISSION, SUBMISSION | {"_id": 8}]}).encode()],
    "odk": [
        json.dumps({"value": [ENTITY, ENTITY | {"__id": "uuid:b"}], "@odata.count": 2}).encode(),
        csv_of([["SubmissionDate", "KEY", "g-a1"], ["2023-05-04T01:15:00Z", "uuid:a", "5"]]),
        zip_of(form__csv=csv_of([["SubmissionDate", "KEY", "g-a1"], ["2023-05-04T01:15:00Z", "uuid:a", "5"]])),
    ],
}
