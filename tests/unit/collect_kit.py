"""A small method, round and source for the tests of collect: JSON Lines in, one object a row, nothing interpreted."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

from pipelines.collect.conform import conform_object
from pipelines.collect.landing import land
from pipelines.collect.months import affected_months
from pipelines.collect.plan import ConformPlan, ScreenPlan
from pipelines.collect.screen import screen_month
from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Choice, CodeList, Instrument, Kind, Question, Role
from pipelines.model.method import Level, Method, Node
from pipelines.model.round import Design, Mapping, Round, SourceConfig
from pipelines.model.source import Fault, Offer, RawRows, Source

NOW = datetime(2023, 6, 1, tzinfo=UTC)
LEVELS = CodeList("level5", tuple(Choice(code, f"mức {code}", f"level {code}") for code in range(1, 6)))
SEXES = CodeList("sex", (Choice(1, "Nam", "Male"), Choice(2, "Nữ", "Female")))
MEDIA = CodeList("media", (Choice(1, "Đài truyền hình", "TV"), Choice(2, "Báo", "Press"), Choice(3, "Loa", "Radio")))
ITEMS = ("A1", "A2", "A3")


def question(code, kind=Kind.SELECT_ONE, role=Role.ITEM, code_list=LEVELS):
    return Question(code, code.lower(), code.lower(), kind, role, code, code, code_list)


QUESTIONS = (
    question("unit_code", Kind.TEXT, Role.HEADER, None),
    *(question(code) for code in ITEMS),
    question("sex", role=Role.PROFILE, code_list=SEXES),
    question("media", Kind.SELECT_MULTIPLE, Role.NEED, MEDIA),
    question("age", Kind.INTEGER, Role.PROFILE, None),
    question("full_name", Kind.TEXT, Role.IDENTITY, None),
    question("comment", Kind.TEXT, Role.COMMENT, None),
)
CITIZEN = Instrument("citizen", "2017.1", "Phiếu", "Form", QUESTIONS, "c" * 64)
ORGANISATION = Instrument(
    "organisation", "2017.1", "Phiếu", "Form", (*QUESTIONS[:4], question("staff", code_list=SEXES)), "d" * 64
)
TREE = Node("index", Level.INDEX, "Chỉ số", "Index", children=tuple(Node(i, Level.ITEM, i, i) for i in ITEMS))
METHOD = Method(
    "tthc", "2017", "B", "responses", "Hài lòng", "Satisfaction", TREE, (), (CITIZEN, ORGANISATION), {}, "e" * 64
)
ROUND = Round(
    "tthc-2023", "tthc", "2017", 2023, "Đợt", "Round", date(2023, 1, 1), date(2023, 12, 31), "commune",
    Design(), (), {}, "rounds/tthc-2023", "f" * 64,
)  # fmt: skip
HEADINGS = {
    "id": "record_id",
    "rev": "revision",
    "unit": "unit_code",
    "procedure": "procedure_code",
    "device": "device_id",
    "seq": "sequence",
    "start": "started_at",
    "end": "submitted_at",
    "received": "received_at",
    "state": "review_state",
    **{f"answers/{code}": code for code in (*ITEMS, "sex", "media", "age", "full_name")},
    "comment": "comment",
}
MAPPING = Mapping("citizen", HEADINGS, when={"version": ("2017.1",)}, ignore=("_*", "meta/*"))
CONFIG = SourceConfig("kiosk", "ward", "kiosk")
PLAN = ConformPlan(
    ROUND, METHOD, (MAPPING,), {"22243": "22243", "06978": "06970", "06970": "06970"},
    {"1.004227": "Hộ tịch", "2.000815": "Chứng thực"},
)  # fmt: skip
SCREEN = ScreenPlan(ROUND, METHOD)
ROW = {
    "version": "2017.1",
    "id": "r1",
    "unit": "22243",
    "procedure": "1.004227",
    "device": "K01",
    "start": "2023-05-04T08:00:00+07:00",
    "end": "2023-05-04T08:02:00+07:00",
    "answers/A1": "5",
    "answers/A2": "4",
    "answers/A3": "3",
}


def row(**changes):
    """A good row with some cells changed; a key's `__` stands for `/`, None takes the cell away."""
    changed = ROW | {key.replace("__", "/"): value for key, value in changes.items()}
    return {key: value for key, value in changed.items() if value is not None}


def lines(*rows):
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


def read(stream, name, config, block=1000):
    records = list(enumerate(stream.read().decode().splitlines(), 1))
    for start in range(0, len(records), block):
        good = {}
        for number, text in records[start : start + block]:
            try:
                good[number] = json.loads(text)
            except json.JSONDecodeError as error:
                yield Fault(RejectCode.R107_BROKEN_LINE, number, value=error.msg, payload=text)
        headings = dict.fromkeys(heading for record in good.values() for heading in record)
        yield RawRows({h: [record.get(h) for record in good.values()] for h in headings}, list(good))


def source(*files, name="kiosk", reader=read):
    """A source that offers (name, bytes) in turn, each file its own cursor."""

    def fetch(config, cursor):
        for file, content in files:
            yield Offer(file, lambda content=content: io.BytesIO(content), cursor=file)

    return Source(name, "kiosk", fetch, reader)


def conform(lake, *contents, plan=PLAN, config=CONFIG, reader=read):
    """Land and conform some files; return landed objects and reports."""
    offered = source(*((f"f{number}.jsonl", content) for number, content in enumerate(contents)), reader=reader)
    landed = land(lake, offered, config, ROUND.id, NOW)
    return landed, [conform_object(lake, plan, offered, config, one) for one in landed]


def collect(lake, *contents, plan=PLAN, screen=SCREEN):
    """Land, conform and screen some files; return the reports of screening by month."""
    landed, _ = conform(lake, *contents, plan=plan)
    months = affected_months(lake, ROUND.id, "kiosk", [one.sha256 for one in landed])
    return {month: screen_month(lake, screen, "kiosk", month) for month in months}


def accepted(lake):
    paths = lake.glob("responses/*/*/*/*/responses.parquet")
    rows = [row for path in paths for row in lake.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: row["record_id"])


def conformed_rows(lake):
    paths = lake.glob("conformed/*/*/*/*.parquet")
    return sorted((row for path in paths for row in lake.read_table(path).to_pylist()), key=lambda row: row["line"])


def snapshot(lake):
    """Every file of the lake with its bytes."""
    return {path: lake.read_bytes(path) for path in lake.glob("**") if lake.fs.isfile(lake.full(path))}


def with_mapping(**changes):
    return replace(PLAN, mappings=(replace(MAPPING, **changes),))
