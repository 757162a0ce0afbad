"""From portals to accepted responses: edits, reviews and deletions over several visits, and accounts that close."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.collect.conform import conform_object
from pipelines.collect.landing import land
from pipelines.collect.months import all_months
from pipelines.collect.plan import ConformPlan, ScreenPlan
from pipelines.collect.rejects import read_rejects
from pipelines.collect.review import review_rules
from pipelines.collect.screen import screen_month
from pipelines.demo.limesurvey import Remote
from pipelines.demo.odk import Central
from pipelines.demo.portal import Portal
from pipelines.demo.standin import StandIn, Trouble
from pipelines.lake import Lake, responses
from pipelines.methods import read_mappings
from pipelines.model.instrument import Choice, CodeList, Instrument, Kind, Question, Role
from pipelines.model.method import Level, Method, Node
from pipelines.model.round import Design, Round, SourceConfig
from pipelines.sources import source, web

UNIT = "22243"
SCALE = CodeList("level5", tuple(Choice(code, f"mức {code}", f"level {code}") for code in range(1, 6)))
MEDIA = CodeList("media", (Choice(1, "Đài truyền hình", "TV"), Choice(2, "Báo", "Press"), Choice(3, "Loa", "Radio")))
QUESTIONS = (
    Question("unit_code", "unit", "unit", Kind.TEXT, Role.HEADER, "…", "…"),
    Question("A1", "a1", "g/a1", Kind.SELECT_ONE, Role.ITEM, "…", "…", SCALE),
    Question("media", "media", "g/media", Kind.SELECT_MULTIPLE, Role.NEED, "…", "…", MEDIA),
)
CITIZEN = Instrument("citizen", "1", "Phiếu", "Form", QUESTIONS, "c" * 64)
METHOD = Method(
    "tthc", "2017", "B", "responses", "…", "…",
    Node("index", Level.INDEX, "…", "…", children=(Node("A1", Level.ITEM, "…", "…"),)), (), (CITIZEN,), {}, "e" * 64,
)  # fmt: skip
ROUND = Round(
    "tthc-2023", "tthc", "2017", 2023, "…", "…", date(2023, 1, 1), date(2023, 12, 31), "commune", Design(), (), {},
    "rounds/tthc-2023", "f" * 64,
)  # fmt: skip
START = datetime(2023, 6, 1, tzinfo=UTC)


class Visits:
    """Collects one source again and again into a lake, a day apart."""

    def __init__(self, lake: Lake, config: SourceConfig) -> None:
        self.lake, self.config, self.days = lake, config, 0
        self.source = source(config.source)
        assert self.source.mappings or config.mappings
        self.mappings = config.mappings or self.source.mappings(config, [CITIZEN])  # type: ignore[misc]

    def visit(self) -> Counter[str]:
        """Land, conform and screen what is new; return how many rows have each reject code."""
        self.days += 1
        plan = ConformPlan(ROUND, METHOD, self.mappings, {UNIT: UNIT})
        for landed in land(self.lake, self.source, self.config, ROUND.id, START + timedelta(days=self.days)):
            conform_object(self.lake, plan, self.source, self.config, landed).close()
        refused, waiting = review_rules(self.config)
        screen = ScreenPlan(ROUND, METHOD, refused_states=refused, waiting_states=waiting)
        for month in all_months(self.lake, ROUND.id, self.config.source):
            screen_month(self.lake, screen, self.config.source, month).close()
        return Counter(read_rejects(self.lake, ROUND.id)["code"].to_pylist())

    @property
    def counted(self) -> list[int]:
        """Answers to A1 that count, sorted."""
        paths = [
            responses("tthc", ROUND.id, m, self.config.source)
            for m in all_months(self.lake, ROUND.id, self.config.source)
        ]
        return sorted(answer for path in paths for answer in self.lake.read_table(path)["A1"].to_pylist())


def kobo(number: int, answer: int, review: str = "", edited: bool = False) -> dict[str, Any]:
    return {
        "_id": number,
        "unit": UNIT,
        "g/a1": str(answer),
        "g/media": "1 3",
        "_uuid": f"{number}-{answer}",
        **({"meta/deprecatedID": "uuid:before"} if edited else {}),
        "meta/rootUuid": f"uuid:{number}",
        "_submission_time": "2023-05-10T03:00:00",
        "_validation_status": {"uid": f"validation_status_{review}"} if review else {},
    }


def odk(number: int, answer: int, review: str = "", edited: bool = False) -> dict[str, Any]:
    state = {"on_hold": "hasIssues", "not_approved": "rejected"}.get(review, review) or None
    system = {"submissionDate": "2023-05-10T03:00:00.000Z", "edits": int(edited), "reviewState": state}
    return {"__id": f"uuid:{number}", "__system": system, "unit": UNIT, "g": {"a1": answer, "media": "1 3"}}


PORTALS = {"kobo": (Portal, "token", kobo), "odk": (Central, "office:token", odk)}


@pytest.fixture(params=sorted(PORTALS))
def portal(request, tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch):
    make, secret, record = PORTALS[request.param]
    monkeypatch.setenv("PORTAL_SECRET", "token")
    monkeypatch.setattr(web, "BACKOFF", 0.01)
    monkeypatch.setattr(web, "MAX_WAIT", 0.05)
    options = {"asset": "f", "form_id": "f", "project": 1, "user": "office", "secret": "PORTAL_SECRET", "page_size": 2}
    folder = tmp_path / "portal"
    folder.mkdir()
    with make(folder, secret) as server:
        config = SourceConfig(request.param, "test", "portal", {**options, "url": server.url})
        yield server, Visits(lake, config), record


def store(server: StandIn, form: str, *records: dict[str, Any]) -> None:
    (server.folder / f"{form}.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))


def test_second_edit_counts_in_place_of_the_first(portal):
    server, visits, record = portal
    for answer in (5, 1, 3):
        store(server, "f", record(1, answer, edited=answer < 5), record(2, 4), record(3, 4))
        visits.visit()
    assert visits.counted == [3, 4, 4]


VERSIONS = """
- form: citizen
  when: {VERSION: [v1]}
  headings: {ID: record_id, unit: unit_code, TIME: submitted_at, a1: A1, media: media}
  ignore: [revision, review_state, asset, "_*", "meta/*"]
- form: citizen
  when: {VERSION: [v2]}
  headings: {ID: record_id, unit: unit_code, TIME: submitted_at, hai_long: A1, media: media}
  ignore: [revision, review_state, asset, "_*", "meta/*"]
  codes: {A1: {"1": 5, "2": 4, "3": 3, "4": 2, "5": 1}}
"""
NAMES = {
    "kobo": {"VERSION": "__version__", "ID": "meta/rootUuid", "TIME": "_submission_time"},
    "odk": {"VERSION": "__system/formVersion", "ID": "__id", "TIME": "__system/submissionDate"},
}


def of_version(name: str, record: dict[str, Any], version: str) -> dict[str, Any]:
    """A record of a version of the form: the second asks the question under another name, in another group."""
    if name == "kobo":
        answer = {"moi/hai_long" if version == "v2" and key == "g/a1" else key: one for key, one in record.items()}
        return answer | {"__version__": version}
    group = {"moi": {"hai_long": record["g"]["a1"]}, "g": {"media": "1 3"}} if version == "v2" else {}
    return record | group | {"__system": record["__system"] | {"formVersion": version}}


def test_each_version_of_a_form_is_read_by_its_own_mapping_and_an_unknown_one_by_none(portal):
    server, visits, record = portal
    name = visits.config.source
    text = VERSIONS
    for word, heading in NAMES[name].items():
        text = text.replace(word, heading)
    visits.mappings = read_mappings(text.encode(), "mappings")
    made = [(1, 5, "v1"), (2, 5, "v2"), (3, 2, "v2"), (4, 4, "v3")]
    store(server, "f", *(of_version(name, record(number, answer), version) for number, answer, version in made))
    assert visits.visit() == {"R108_UNKNOWN_FORM": 1}
    assert visits.counted == [1, 4, 5]


@pytest.mark.parametrize("undone", ["on_hold", "not_approved", "approved"])
def test_review_that_is_undone_leaves_the_record_as_it_was(portal, undone: str):
    server, visits, record = portal
    counted = {"on_hold": [4], "not_approved": [4], "approved": [4, 5]}[undone]
    for review, expected in (("", [4, 5]), (undone, counted), ("", [4, 5]), (undone, counted)):
        store(server, "f", record(1, 5, review), record(2, 4))
        visits.visit()
        assert visits.counted == expected


def test_record_on_hold_waits_and_counts_once_approved(portal):
    server, visits, record = portal
    store(server, "f", record(1, 5, "on_hold"), record(2, 4, "not_approved"), record(3, 3))
    codes = visits.visit()
    assert visits.counted == [3]
    assert codes == {"R306_AWAITS_REVIEW": 1, "R305_REFUSED_AT_SOURCE": 1}
    store(server, "f", record(1, 5, "approved"), record(2, 4, "not_approved"), record(3, 3))
    visits.visit()
    assert visits.counted == [3, 5]


def test_only_approved_records_count_where_the_round_says_so(portal):
    server, visits, record = portal
    visits.config = replace(visits.config, options=visits.config.options | {"review": {"unreviewed": "wait"}})
    store(server, "f", record(1, 5, "approved"), record(2, 4))
    assert visits.visit() == {"R306_AWAITS_REVIEW": 1} and visits.counted == [5]


def test_deleted_record_is_reported_and_still_counts(portal):
    server, visits, record = portal
    store(server, "f", record(1, 5), record(2, 4), record(3, 3))
    visits.visit()
    store(server, "f", record(1, 5), record(3, 3))
    codes = visits.visit()
    assert visits.counted == [3, 4, 5] and codes["R307_GONE_AT_SOURCE"] == 1
    assert visits.visit() == codes


def test_visit_without_change_lands_nothing_whatever_befalls_it(portal):
    server, visits, record = portal
    store(server, "f", *[record(number, 5) for number in range(1, 8)])
    visits.visit()
    landed = visits.lake.find("landing")
    server.troubles.extend([Trouble.SERVER_ERROR, Trouble.CUT_SHORT, Trouble.NONE, Trouble.BUSY])
    visits.visit()
    assert visits.lake.find("landing") == landed and visits.counted == [5] * 7


def test_limesurvey_response_completed_later_counts_once(tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORTAL_SECRET", "token")
    with Remote(tmp_path, "office:token") as server:
        options = {"url": server.url, "survey": "1", "user": "office", "secret": "PORTAL_SECRET"}
        visits = Visits(lake, SourceConfig("limesurvey", "test", "portal", options))
        for submitted in ("", "2023-05-10 10:00:00"):
            store(server, "1", {"id": 1, "submitdate": submitted, "unit": UNIT, "a1": "5", "media": "1"})
            codes = visits.visit()
        assert visits.counted == [5] and codes == {"R201_MISSING_FIELD": 1}


GOOGLE = """
- form: citizen
  headings:
    timestamp: submitted_at
    row_id: record_id
    "Anh/chị có hài lòng?": A1
    "Biết qua kênh nào?": media
  constants: {unit_code: "22243"}
  codes:
    level5: {Rất hài lòng: 5, Hài lòng: 4}
    media: {Đài truyền hình: 1, Báo: 2, Loa: 3}
  time_format: "%d/%m/%Y %H:%M:%S"
"""
EXPORT = """Dấu thời gian,Anh/chị có hài lòng?,Biết qua kênh nào?
05/04/2023 00:10:31,Rất hài lòng,"Đài truyền hình, Báo"
21/08/2023 13:10:31,Hài lòng,Báo;Loa;
32/08/2023 13:10:31,Hài lòng,Loa
22/08/2023 13:10:31,Tuyệt vời,Loa
"""


def test_google_spreadsheet_exported_again_with_more_rows_counts_each_row_once(tmp_path: Path, lake: Lake):
    config = SourceConfig(
        "spreadsheet", "test", "portal", {"inbox": str(tmp_path)}, read_mappings(GOOGLE.encode(), "m")
    )
    visits = Visits(lake, config)
    (tmp_path / "phieu.csv").write_text(EXPORT, encoding="utf-8")
    assert visits.visit() == {"R204_BAD_TIME": 1, "R203_UNKNOWN_CODE": 1}
    assert visits.counted == [4, 5]
    assert all_months(lake, ROUND.id, "spreadsheet") == ["2023-04", "2023-08"]  # the day first, in the round's zone
    table = lake.read_table(responses("tthc", ROUND.id, "2023-08", "spreadsheet"))
    assert [table[f"media_{code}"].to_pylist() for code in (1, 2, 3)] == [[0], [1], [1]]
    head, *rows = EXPORT.splitlines()
    again = "\n".join([head, *reversed(rows), "23/08/2023 08:00:00,Hài lòng,", ""])
    (tmp_path / "phieu.csv").write_text(again, encoding="utf-8")
    codes = visits.visit()
    assert visits.counted == [4, 4, 5] and codes["D401_SAME_RECORD"] == 2


COMMAS = GOOGLE.replace("media: {", 'media: {"Truyền hình, phát thanh, báo chí": 1, "Báo, đài": 2, đài: 3, ')


@pytest.mark.parametrize(
    ("written", "chosen"),
    [
        ("Truyền hình, phát thanh, báo chí", [1]),
        ("Loa, Truyền hình, phát thanh, báo chí", [1, 3]),
        ("Truyền hình, phát thanh, báo chí, Loa, Báo", [1, 2, 3]),
        ("Báo, đài", [2]),
        ("Truyền hình, phát thanh", None),
        ("Loa, Báo, đài", None),  # two options, or the one of that name
    ],
)
def test_choices_that_hold_commas_are_told_apart(tmp_path: Path, lake: Lake, written: str, chosen: list[int]):
    mappings = read_mappings(COMMAS.encode(), "m")
    config = SourceConfig("spreadsheet", "test", "portal", {"inbox": str(tmp_path)}, mappings)
    visits = Visits(lake, config)
    head = EXPORT.splitlines()[0]
    (tmp_path / "phieu.csv").write_text(f'{head}\n21/08/2023 13:10:31,Hài lòng,"{written}"\n', encoding="utf-8")
    assert visits.visit() == ({} if chosen else {"R203_UNKNOWN_CODE": 1})
    if chosen:
        row = lake.read_table(responses("tthc", ROUND.id, "2023-08", "spreadsheet")).to_pylist()[0]
        assert [code for code in (1, 2, 3) if row[f"media_{code}"]] == chosen


def test_payload_of_a_deletion_names_the_record(lake: Lake, portal):
    server, visits, record = portal
    store(server, "f", record(1, 5), record(2, 4))
    visits.visit()
    store(server, "f", record(1, 5))
    visits.visit()
    (row,) = [one for one in read_rejects(lake, ROUND.id).to_pylist() if one["code"] == "R307_GONE_AT_SOURCE"]
    assert "2" in row["value"] and "không còn" in row["message_vi"] and row["file"] == "gone"
