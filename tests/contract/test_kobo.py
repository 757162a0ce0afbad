"""KoboToolbox: recorded answers of a real server, and a portal on this machine that misbehaves on request."""

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import Reading, config, form, read

from pipelines.demo import portal as portal_module
from pipelines.demo import standin
from pipelines.demo.portal import Portal, Trouble
from pipelines.model.errors import InputError, SourceError
from pipelines.model.instrument import Instrument, Kind, Question, Role
from pipelines.model.round import Mapping
from pipelines.model.source import Offer, RawRows
from pipelines.sources import known, source, web
from pipelines.sources.kobo import mappings

ASSET, TOKEN = "aSurvey2023", "not-a-secret"


def submission(number: int, **changes: object) -> dict[str, object]:
    identity = f"00000000-0000-4000-8000-{number:012}"
    return {
        "_id": 1_000 + number,
        "formhub/uuid": "f" * 32,
        "g_access/a1": "5",
        "g_access/a2": "4",
        "y_kien": "Cảm ơn",
        "__version__": "v1",
        "meta/instanceID": f"uuid:{identity}",
        "_xform_id_string": ASSET,
        "_uuid": identity,
        "_attachments": [],
        "_status": "submitted_via_web",
        "_geolocation": [None, None],
        "_submission_time": "2023-05-10T17:01:18",
        "_tags": [],
        "_notes": [],
        "_validation_status": {},
        "_submitted_by": None,
        "meta/rootUuid": f"uuid:{identity}",
        **changes,
    }


def page(*submissions: object) -> bytes:
    return orjson.dumps({"count": len(submissions), "next": None, "previous": None, "results": list(submissions)})


# Reading


def recorded(reference: Path, name: str) -> Reading:
    reading = read("kobo", (reference / f"portals/kobo/{name}.json").read_bytes(), asset="a1")
    assert reading.faults == []
    return reading


def test_recorded_page_gives_a_row_a_submission(reference: Path):
    reading = recorded(reference, "data_single_page")
    assert reading.lines == [1, 2, 3, 4, 5]
    assert [row["full_name"] for row in reading.rows] == ["Ahmad", "Michelle", "إبراهيم", "Jean-Pierre", "Fatim"]
    first = reading.rows[0]
    assert first["meta/rootUuid"] == "bc989238-c3ea-41d2-af54-7a322c95bf06"
    assert (first["revision"], first["review_state"], first["asset"]) == ("1", None, "a1")
    assert (first["pet_yesno"], first["_submission_time"]) == ("0", "2022-01-07T10:38:30")
    assert not {"_attachments", "_geolocation", "_tags", "_notes"} & set(first)


def test_recorded_review_and_multiple_choice_are_passed_on(reference: Path):
    rows = recorded(reference, "data_validation_status").rows
    assert [row["review_state"] for row in rows] == ["on_hold", "rejected", "approved"]
    assert [row["pet_type"] for row in rows] == ["3 4", "2 5", "2 3 5"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"label": "Not Approved"}, "rejected"),
        ("On Hold", "on_hold"),
        ({"uid": "validation_status_approved", "label": "Chấp nhận"}, "approved"),
        ({"uid": "validation_status_of_our_own"}, "validation_status_of_our_own"),
        ({"by_whom": "ai đó"}, '{"by_whom":"ai đó"}'),
        ({}, None),
        (None, None),
    ],
)
def test_review_is_never_lost_however_it_is_named(status: object, state: str | None):
    (row,) = read("kobo", page(submission(1, _validation_status=status))).rows
    assert row["review_state"] == state


def test_recorded_headings_are_all_mapped_or_known_to_carry_nothing(reference: Path):
    text = Question("comment", "full_name", "full_name", Kind.TEXT, Role.COMMENT, "…", "…")
    item = Question("A1", "pet_yesno", "pet_yesno", Kind.SELECT_ONE, Role.ITEM, "…", "…")
    (mapping,) = mappings(config("kobo", asset="a1"), [Instrument("f", "1", "…", "…", (text, item), "0")])
    for heading in recorded(reference, "data_single_page").rows[0]:
        known = heading in {*mapping.headings, *mapping.when}
        assert known or any(fnmatchcase(heading, pattern) for pattern in mapping.ignore), heading


def test_question_keeps_its_heading_when_a_version_moves_it_to_another_group():
    moved = {"v2/deep/a1" if key == "g_access/a1" else key: value for key, value in submission(2).items()}
    reading = read("kobo", page(submission(1), moved))
    assert [row["a1"] for row in reading.rows] == ["5", "5"]


def test_unanswered_question_is_blank():
    short = {key: value for key, value in submission(2).items() if key != "g_access/a2"}
    assert [row["a2"] for row in read("kobo", page(submission(1), short)).rows] == ["4", None]


def test_edited_submission_is_a_second_revision_of_the_same_record():
    edit = submission(1, **{"_uuid": "new", "meta/instanceID": "uuid:new", "meta/deprecatedID": "uuid:old"})
    first, second = read("kobo", page(submission(1), edit)).rows
    assert first["meta/rootUuid"] == second["meta/rootUuid"]
    assert (first["revision"], second["revision"]) == ("1", "2")


@pytest.mark.parametrize(
    ("left_out", "changes", "identity"),
    [
        (["meta/rootUuid"], {}, "00000000-0000-4000-8000-000000000001"),
        (["meta/rootUuid"], {"meta/deprecatedID": "uuid:old", "meta/instanceID": "uuid:new"}, "old"),
        (["meta/rootUuid", "meta/instanceID"], {"_uuid": "plain"}, "plain"),
        (["meta/rootUuid", "meta/instanceID", "_uuid"], {}, None),
    ],
)
def test_older_servers_identify_a_record_by_what_they_give(left_out: list[str], changes: dict, identity: str | None):
    old = {key: value for key, value in submission(1, **changes).items() if key not in left_out}
    assert read("kobo", page(old)).rows[0]["meta/rootUuid"] == identity


@pytest.mark.parametrize("key", ["other/a1", "revision", "g/asset"])
def test_two_answers_with_one_heading_are_a_fault_and_never_one_of_them(key: str):
    reading = read("kobo", page(submission(1), submission(2, **{key: "1"}), submission(3)))
    assert reading.lines == [1, 3] and reading.codes == [("R107", 2)]
    assert json.loads(reading.faults[0].payload)[key] == "1"


VISITS = [{"visit/when": "am", "visit/deep": {"x": "1"}}, {"visit/when": "pm"}]


@pytest.mark.parametrize(
    ("rule", "entries", "when"),
    [
        (None, 1, "R110"),
        ("only", 1, "am"),
        ("only", 2, "R110"),
        ("first", 2, "am"),
        ("last", 2, "pm"),
        ("ignore", 2, None),
    ],
)
def test_repeated_group_is_refused_unless_a_rule_says_which_entry_counts(rule: str | None, entries: int, when: str):
    repeats = {"repeats": {"visit": rule}} if rule else {}
    reading = read("kobo", page(submission(1, visit=VISITS[:entries])), **repeats)
    if when == "R110":
        (fault,) = reading.faults
        assert (fault.code.name, fault.line, fault.field) == ("R110_REPEATED_GROUP", 1, "visit")
        assert "visit/when" in fault.payload
    else:
        assert [row.get("when") for row in reading.rows] == [when]


def test_rule_for_repeated_groups_that_there_is_not_is_told():
    with pytest.raises(InputError, match=r"options\.repeats.*only, first, last, ignore"):
        read("kobo", page(submission(1)), repeats={"visit": "middle"})


def test_path_that_a_mapping_of_the_round_names_is_kept_and_the_others_go_by_their_names():
    mapping = Mapping("citizen", {"after/a1": "A1"})
    both = submission(1, **{"after/a1": "2"})
    blocks = source("kobo").read(BytesIO(page(both)), "page", replace(config("kobo"), mappings=(mapping,)))
    (block,) = blocks
    assert isinstance(block, RawRows)
    assert (block.columns["after/a1"], block.columns["a1"], block.columns["a2"]) == (["2"], ["5"], ["4"])


def test_lone_surrogate_or_deep_nesting_costs_its_own_record_at_most():
    deep: object = "x"
    for _ in range(400):
        deep = {"g": deep}
    content = page(submission(1), submission(2)).replace(b'"y_kien":"C', b'"y_kien":"\\ud800C', 1)
    assert read("kobo", content).lines == [1, 2]
    content = json.dumps({"count": 2, "next": None, "results": [submission(1, q=deep), submission(2)]}).encode()
    reading = read("kobo", content)
    assert (reading.lines, reading.codes) == ([2], [("R105", 1)])


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b'{"count": 1, "next": null, "results": [{"_id"', [("R101", None)]),
        (b'{"detail": "Not found."}', [("R101", None)]),
        (b'{"results": {}}', [("R101", None)]),
        (b"[]", [("R101", None)]),
        (b"<html>Sign in</html>", [("R101", None)]),
        (page(), [("R102", None)]),
        (page("text", None), [("R107", 1), ("R107", 2)]),
        (page({f"q{number}": "1" for number in range(2_001)}), [("R105", 1)]),
    ],
)
def test_bytes_that_are_no_page_of_submissions_are_faults(content: bytes, codes: list[tuple[str, int | None]]):
    reading = read("kobo", content)
    assert reading.rows == [] and reading.codes == codes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(results=st.lists(JSON, min_size=1, max_size=5))
def test_each_result_of_any_shape_is_a_row_or_a_fault(results: list[object]):
    reading = read("kobo", page(*results))
    lines = sorted(reading.lines + [fault.line for fault in reading.faults if fault.line])
    assert lines == list(range(1, len(results) + 1))


def test_default_mapping_takes_the_end_of_the_interview_where_the_form_asks_it():
    (plain,) = mappings(config("kobo", asset=ASSET), [form()])
    assert plain.headings["_submission_time"] == "submitted_at" and plain.time_zone == "UTC"
    assert plain.when == {"asset": (ASSET,)}
    end = Question("submitted_at", "end", "end", Kind.TIME, Role.HEADER, "…", "…")
    timed = Instrument("citizen", "2", "…", "…", (*form().questions, end), "0")
    (mapping,) = mappings(config("kobo", asset=ASSET, versions=["v1", "v2"]), [timed])
    assert (mapping.headings["end"], mapping.headings["_submission_time"]) == ("submitted_at", "received_at")
    assert mapping.when["__version__"] == ("v1", "v2")


# Fetching


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORTAL_TOKEN", TOKEN)
    monkeypatch.setattr(web, "BACKOFF", 0.01)
    monkeypatch.setattr(web, "MAX_WAIT", 0.05)
    monkeypatch.setattr(standin, "HANG", 0.8)
    with Portal(tmp_path, TOKEN) as found:
        store(found, *[submission(number) for number in range(1, 26)])
        yield found


def store(portal: Portal, *submissions: dict[str, object]) -> None:
    content = b"".join(orjson.dumps(entry) + b"\n" for entry in submissions)
    (portal.folder / f"{ASSET}.jsonl").write_bytes(content)


def options(portal: Portal, **changes: object) -> dict[str, object]:
    return {"url": portal.url, "asset": ASSET, "secret": "PORTAL_TOKEN", "page_size": 10, "timeout": 0.5, **changes}


def fetch(portal: Portal, cursor: str = "", **changes: object) -> list[Offer]:
    return list(source("kobo").fetch(config("kobo", **options(portal, **changes)), cursor))


def rows_of(offers: list[Offer]) -> list[str | None]:
    return [row["_id"] for offer in offers for row in read("kobo", offer.open().read()).rows]


ALL = [str(1_000 + number) for number in range(1, 26)]


def test_all_pages_are_fetched_to_the_end_in_steady_order(portal: Portal):
    store(portal, *[submission(number) for number in reversed(range(1, 26))])
    offers = fetch(portal)
    assert [offer.name for offer in offers] == [f"data.json?start={start}&limit=10" for start in (0, 10, 20)]
    assert rows_of(offers) == ALL
    queries = [parse_qs(urlsplit(path).query) for path in portal.requests]
    assert [query["start"] for query in queries] == [["0"], ["10"], ["20"]]
    assert all(query["sort"] == ['{"_id": 1}'] and query["limit"] == ["10"] for query in queries)


def test_portal_that_gives_smaller_pages_than_asked_is_read_whole(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(portal_module, "MAX_LIMIT", 7)
    assert rows_of(fetch(portal)) == ALL


def test_page_size_never_exceeds_what_the_portal_allows(portal: Portal):
    fetch(portal, page_size=30_000)
    assert "limit=1000" in portal.requests[0]


def test_second_fetch_offers_nothing_and_new_submissions_only_their_page(portal: Portal):
    cursor = fetch(portal)[-1].cursor
    assert fetch(portal, cursor) == []
    store(portal, *[submission(number) for number in range(1, 28)])
    (offer,) = fetch(portal, cursor)
    assert offer.name == "data.json?start=20&limit=10"
    assert rows_of([offer]) == [str(1_000 + number) for number in range(21, 28)]


@pytest.mark.parametrize(
    "change",
    [
        {"g_access/a1": "1", "meta/deprecatedID": "uuid:old"},
        {"_validation_status": {"uid": "validation_status_not_approved"}},
    ],
    ids=["edited", "reviewed"],
)
def test_change_of_an_old_submission_is_not_missed(portal: Portal, change: dict[str, object]):
    cursor = fetch(portal)[-1].cursor
    store(portal, submission(1), submission(2, **change), *[submission(number) for number in range(3, 26)])
    (offer,) = fetch(portal, cursor)
    assert offer.name == "data.json?start=0&limit=10"
    assert fetch(portal, offer.cursor) == []


def test_stopping_between_two_pages_resumes_at_the_second(portal: Portal):
    first = next(source("kobo").fetch(config("kobo", **options(portal)), ""))
    assert rows_of(fetch(portal, first.cursor)) == ALL[10:]


def test_form_without_submissions_offers_nothing(portal: Portal):
    store(portal)
    assert fetch(portal) == []


RETRIED = [Trouble.HANG, Trouble.SERVER_ERROR, Trouble.BUSY, Trouble.CUT_SHORT, Trouble.NOT_JSON]


@pytest.mark.parametrize("trouble", RETRIED)
def test_passing_trouble_on_a_page_is_retried_and_nothing_is_lost(portal: Portal, trouble: Trouble):
    portal.troubles.extend([Trouble.NONE, trouble, trouble])
    assert rows_of(fetch(portal)) == ALL
    assert len(portal.requests) == 5


@pytest.mark.parametrize("trouble", RETRIED)
def test_lasting_trouble_is_told_after_the_retries_and_what_came_before_stays(portal: Portal, trouble: Trouble):
    portal.troubles.extend([Trouble.NONE] + [trouble] * 3)
    offers = source("kobo").fetch(config("kobo", **options(portal, retries=2)), "")
    first = next(offers)
    with pytest.raises(SourceError) as caught:
        next(offers)
    assert "3 attempts" in caught.value.what and ASSET in caught.value.where and caught.value.remedy
    assert rows_of(fetch(portal, first.cursor)) == ALL[10:]


def test_wait_that_the_portal_asks_for_is_kept_up_to_a_limit(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    monkeypatch.setattr(web.time, "sleep", waits.append)
    monkeypatch.setattr(web, "MAX_WAIT", 60.0)
    portal.troubles.extend([Trouble.BUSY, Trouble.SERVER_ERROR, Trouble.SERVER_ERROR])
    fetch(portal)
    assert waits == [1.0, 0.02, 0.04]
    monkeypatch.setattr(web, "MAX_WAIT", 0.5)
    portal.troubles.append(Trouble.BUSY)
    fetch(portal)
    assert waits[-1] == 0.5


def test_submissions_that_arrive_while_reading_do_no_harm(portal: Portal):
    offers = source("kobo").fetch(config("kobo", **options(portal)), "")
    found = [next(offers)]
    store(portal, *[submission(number) for number in range(1, 28)])
    assert rows_of(found + list(offers)) == [*ALL, "1026", "1027"]


def test_submission_deleted_while_reading_makes_it_start_over_once(portal: Portal):
    offers = source("kobo").fetch(config("kobo", **options(portal)), "")
    found = [next(offers), next(offers)]
    store(portal, *[submission(number) for number in range(1, 26) if number != 3])
    rest = list(offers)
    assert [path.split("start=")[1][:2] for path in portal.requests] == ["0&", "10", "20", "0&", "10", "20"]
    assert set(rows_of(found + rest)) == set(ALL)


def identity(number: int) -> str:
    return str(submission(number)["_uuid"])


def test_vanished_submission_is_reported_once_and_again_only_after_it_came_back(portal: Portal):
    cursor = fetch(portal)[-1].cursor
    store(portal, *[submission(number) for number in range(1, 26) if number != 3])
    (offer,) = fetch(portal, cursor)
    reading = read("kobo", offer.open().read())
    assert reading.rows == [] and reading.codes == [("R307", 1)]
    assert identity(3) in reading.faults[0].value
    assert fetch(portal, offer.cursor) == []
    store(portal, *[submission(number, y_kien="mới") if number == 3 else submission(number) for number in range(1, 26)])
    (back,) = fetch(portal, offer.cursor)
    assert revisions([back])["3"] == "2"
    store(portal, *[submission(number) for number in range(1, 26) if number != 3])
    assert [offer.name for offer in fetch(portal, back.cursor)] == ["gone"]


def revisions(offers: list[Offer]) -> dict[str, str | None]:
    """Revision of each record by its number."""
    rows = [row for offer in offers for row in read("kobo", offer.open().read()).rows]
    return {str(int(row["_id"] or 0) - 1_000): row["revision"] for row in rows}


def test_each_state_of_a_submission_is_a_later_revision_even_one_that_was_there_before(portal: Portal):
    edited = {"meta/deprecatedID": "uuid:old", "meta/instanceID": "uuid:new"}
    states = [{}, {"g_access/a1": "1", **edited}, {"g_access/a1": "2", **edited}, ON_HOLD, {}, ON_HOLD]
    cursor, found = "", []
    for state in states:
        store(portal, submission(1, **state), submission(2))
        (offer,) = fetch(portal, cursor)
        found.append(revisions([offer]))
        cursor = offer.cursor
    assert [one["1"] for one in found] == ["1", "2", "3", "4", "5", "6"]
    assert {one["2"] for one in found} == {"1"}


ON_HOLD = {"_validation_status": {"uid": "validation_status_on_hold"}}


def test_submission_edited_before_it_was_first_seen_is_a_second_revision(portal: Portal):
    store(portal, submission(1, **{"meta/deprecatedID": "uuid:old"}), submission(2))
    assert revisions(fetch(portal)) == {"1": "2", "2": "1"}


def test_what_changes_without_meaning_makes_no_revision(portal: Portal):
    cursor = fetch(portal)[-1].cursor
    store(portal, *[submission(number, _attachments=[{"download_url": "x"}]) for number in range(1, 26)])
    assert fetch(portal, cursor) == []


def test_cursor_of_another_form_says_nothing(portal: Portal):
    cursor = fetch(portal)[-1].cursor
    (portal.folder / "aOther.jsonl").write_bytes(orjson.dumps(submission(1)))
    assert [offer.name for offer in fetch(portal, cursor, asset="aOther")] == ["data.json?start=0&limit=10"]


def test_cursor_always_ends_behind_the_last_page(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known, "SHARE", 2)
    store(portal, *[submission(number) for number in range(1, 96)])
    offers = fetch(portal)
    assert "" in [offer.cursor for offer in offers]
    assert fetch(portal, offers[-1].cursor) == []
    half = next(offer.cursor for offer in offers[4:] if offer.cursor)
    again = rows_of(fetch(portal, half))
    assert set(again) < {str(1_000 + number) for number in range(1, 96)} and "1095" in again


def test_count_wrong_once_is_read_again_and_wrong_always_is_an_error(portal: Portal):
    portal.troubles.extend([Trouble.NONE, Trouble.NONE, Trouble.WRONG_COUNT])
    assert rows_of(fetch(portal)) == ALL
    portal.troubles.extend([Trouble.WRONG_COUNT] * 6)
    with pytest.raises(SourceError, match="25 submissions read, 26 counted"):
        fetch(portal)
    portal.troubles.clear()
    portal.troubles.extend([Trouble.LOW_COUNT] * 6)
    with pytest.raises(SourceError, match="25 submissions read, 24 counted"):
        fetch(portal)


@pytest.mark.parametrize("token", ["wrong", "", None])
def test_missing_or_wrong_token_is_told_without_showing_it(portal: Portal, monkeypatch: pytest.MonkeyPatch, token):
    if token is None:
        monkeypatch.delenv("PORTAL_TOKEN")
    else:
        monkeypatch.setenv("PORTAL_TOKEN", token)
    with pytest.raises(SourceError) as caught:
        fetch(portal)
    assert "token" in str(caught.value) and (not token or token not in str(caught.value))
    assert len(portal.requests) == (1 if token else 0)


def test_open_form_needs_no_token(portal: Portal):
    portal.secret = ""
    assert rows_of(fetch(portal, secret="")) == ALL


def test_redirect_is_not_followed_so_that_the_token_goes_nowhere_else(portal: Portal):
    portal.troubles.append(Trouble.REDIRECT)
    with pytest.raises(SourceError, match="302"):
        fetch(portal)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"asset": "aMissing"}, "404"),
        ({"url": "http://127.0.0.1:1"}, "no usable answer"),
        ({"url": ""}, "url"),
        ({"url": "portal.example"}, "no address"),
        ({"url": "http://user:pass@127.0.0.1:1"}, "no address"),
        ({"url": "http://[::1"}, "no address"),
        ({"asset": None}, "asset"),
        ({"page_size": "many"}, "page_size"),
    ],
)
def test_wrong_address_or_missing_option_is_told(portal: Portal, changes: dict[str, object], words: str):
    with pytest.raises(SourceError, match=words):
        fetch(portal, **{"retries": 0, **changes})


def test_page_that_never_ends_is_given_up(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(web, "MAX_PAGE", 1_000)
    with pytest.raises(SourceError, match="page_size"):
        fetch(portal)
