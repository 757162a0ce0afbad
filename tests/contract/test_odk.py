"""ODK Central: examples of its own documentation, OData from a server that misbehaves on request, CSV exports."""

import io
import json
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.demo import odk as odk_module
from pipelines.demo import standin
from pipelines.demo.odk import Central
from pipelines.demo.standin import Trouble
from pipelines.model.errors import SourceError
from pipelines.model.source import Offer
from pipelines.sources import odk_tables, source, web
from pipelines.sources.odk import mappings

FORM, PASSWORD = "khảo sát 2023", "not-a-secret"


def submission(number: int, system: dict[str, object] | None = None, **changes: object) -> dict[str, object]:
    return {
        "__id": f"uuid:{number:04}",
        "__system": {
            "submissionDate": "2023-05-10T10:01:18.000Z",
            "updatedAt": None,
            "deletedAt": None,
            "submitterId": "5",
            "submitterName": "Alice",
            "attachmentsPresent": 0,
            "attachmentsExpected": 0,
            "status": None,
            "reviewState": None,
            "deviceId": "collect:1",
            "edits": 0,
            "formVersion": "v1",
            **(system or {}),
        },
        "meta": {"instanceID": f"uuid:{number:04}"},
        "g_access": {"a1": 5, "a2": 4},
        "y_kien": "Cảm ơn",
        **changes,
    }


def page(*submissions: object) -> bytes:
    return orjson.dumps({"@odata.context": "…#Submissions", "value": list(submissions)})


# Reading OData


def test_documented_page_gives_a_row_a_submission(reference: Path):
    reading = read("odk", (reference / "portals/odk/apidoc_submissions.json").read_bytes(), form_id="simple")
    assert reading.faults == [] and reading.lines == [1, 2]
    first = reading.rows[0]
    assert (first["__id"], first["name"], first["age"]) == ("uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44", "Bob", "25")
    assert (first["__form"], first["revision"], first["review_state"]) == ("simple", "1", None)


@pytest.mark.parametrize("name", ["apidoc_service_document", "apidoc_rest_submissions"])
def test_other_documents_of_the_server_give_no_row_unnoticed(reference: Path, name: str):
    reading = read("odk", (reference / f"portals/odk/{name}.json").read_bytes())
    assert all(row["__form"] is None and "a1" not in row for row in reading.rows)
    assert reading.rows or reading.faults


def test_groups_are_left_out_of_headings_and_moved_questions_keep_theirs():
    moved = submission(2, g_access={}, v2={"deep": {"a1": 1}})
    rows = read("odk", page(submission(1), moved)).rows
    assert [row["a1"] for row in rows] == ["5", "1"]
    assert rows[0]["__system/submissionDate"] == "2023-05-10T10:01:18.000Z"
    assert rows[0]["meta/instanceID"] == "uuid:0001"


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (None, None),
        ("received", None),
        ("edited", None),
        ("hasIssues", "on_hold"),
        ("approved", "approved"),
        ("rejected", "rejected"),
        ("archived", "archived"),
    ],
)
def test_review_state_is_passed_on_in_our_words_and_an_unknown_one_as_it_is(state: str | None, seen: str | None):
    assert read("odk", page(submission(1, {"reviewState": state}))).rows[0]["review_state"] == seen


def test_edits_number_the_revisions():
    rows = read("odk", page(submission(1), submission(2, {"edits": 2}))).rows
    assert [row["revision"] for row in rows] == ["1", "3"]


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ({"status": "notDecrypted"}, "R111"),
        ({"status": "missingEncryptedFormData"}, "R111"),
        ({"deletedAt": "2023-06-01T00:00:00.000Z"}, "R307"),
    ],
)
def test_encrypted_or_deleted_submission_is_refused_with_its_own_code(system: dict[str, object], code: str):
    reading = read("odk", page(submission(1), submission(2, system)))
    assert reading.lines == [1] and reading.codes == [(code, 2)]


CHILDREN = [{"__id": "c1", "age": 7}, {"__id": "c2", "age": 9}]


@pytest.mark.parametrize(
    ("rule", "age"), [(None, "R110"), ("only", "R110"), ("first", "7"), ("last", "9"), ("ignore", None)]
)
def test_repeated_group_is_refused_unless_a_rule_says_which_entry_counts(rule: str | None, age: str | None):
    repeats = {"repeats": {"child": rule}} if rule else {}
    entry = submission(1, children={"child": CHILDREN, "child@odata.navigationLink": "Submissions('1')/children/child"})
    reading = read("odk", page(entry), **repeats)
    if age == "R110":
        assert reading.codes == [("R110", 1)] and reading.faults[0].field == "children/child"
    else:
        assert reading.rows[0].get("age") == age and reading.rows[0]["__id"] == "uuid:0001"


def test_repeated_group_that_is_a_link_only_is_not_taken_for_none():
    entry = submission(1, **{"child@odata.navigationLink": "Submissions('1')/child"})
    assert read("odk", page(entry)).codes == [("R110", 1)]
    assert read("odk", page(entry), repeats={"child": "ignore"}).lines == [1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["__id", "__system", "a@odata.navigationLink"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(results=st.lists(JSON, min_size=1, max_size=5))
def test_each_result_of_any_shape_is_a_row_or_a_fault(results: list[object]):
    reading = read("odk", json.dumps({"value": results}).encode())
    lines = sorted(reading.lines + [fault.line for fault in reading.faults if fault.line])
    assert lines == list(range(1, len(results) + 1))


def test_default_mapping_knows_the_headings_of_both_formats():
    (mapping,) = mappings(config("odk", form_id=FORM, versions=["v1"]), [form()])
    assert mapping.when == {"__form": (FORM,), "__system/formVersion": ("v1",)}
    assert mapping.headings["__system/submissionDate"] == "submitted_at"
    (mapping,) = mappings(config("odk"), [form()])
    assert mapping.when == {}


# Fetching


@pytest.fixture
def central(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ODK_PASSWORD", PASSWORD)
    monkeypatch.setattr(web, "BACKOFF", 0.01)
    monkeypatch.setattr(web, "MAX_WAIT", 0.05)
    monkeypatch.setattr(standin, "HANG", 0.8)
    with Central(tmp_path, f"office@example.vn:{PASSWORD}") as found:
        store(found, *[submission(number) for number in range(1, 26)])
        yield found


def store(central: Central, *submissions: dict[str, object]) -> None:
    (central.folder / f"{FORM}.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in submissions))


def options(central: Central, **changes: object) -> dict[str, object]:
    return {
        "url": central.url,
        "project": 7,
        "form_id": FORM,
        "user": "office@example.vn",
        "secret": "ODK_PASSWORD",
        "page_size": 10,
        "timeout": 0.5,
        **changes,
    }


def fetch(central: Central, cursor: str = "", **changes: object) -> list[Offer]:
    return list(source("odk").fetch(config("odk", **options(central, **changes)), cursor))


def ids_of(offers: list[Offer]) -> list[str | None]:
    return [row["__id"] for offer in offers for row in read("odk", offer.open().read()).rows]


ALL = [f"uuid:{number:04}" for number in reversed(range(1, 26))]


def test_all_pages_are_fetched_newest_first_from_the_configured_host(central: Central):
    assert ids_of(fetch(central)) == ALL
    queries = [parse_qs(urlsplit(path).query) for path in central.requests]
    assert [query.get("$skiptoken") for query in queries] == [None, ["uuid:0016"], ["uuid:0006"]]
    assert all(query["$expand"] == ["*"] and query["$count"] == ["true"] for query in queries)


def test_server_that_gives_smaller_pages_than_asked_is_read_whole(central: Central, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(odk_module, "MAX_TOP", 7)
    assert ids_of(fetch(central)) == ALL


def test_submissions_that_arrive_while_reading_shift_nothing_and_come_with_the_next_fetch(central: Central):
    offers = source("odk").fetch(config("odk", **options(central)), "")
    found = [next(offers)]
    store(central, *[submission(number) for number in range(1, 28)])
    found += list(offers)
    assert ids_of(found) == ALL
    assert {"uuid:0026", "uuid:0027"} <= set(ids_of(fetch(central, found[-1].cursor)))


@pytest.mark.parametrize(
    "system",
    [{"reviewState": "rejected", "updatedAt": "x"}, {"edits": 1}, {"status": "notDecrypted"}],
    ids=["reviewed", "edited", "encrypted"],
)
def test_change_of_an_old_submission_is_offered_once_as_a_later_revision(central: Central, system: dict[str, object]):
    cursor = fetch(central)[-1].cursor
    store(central, submission(1, system), *[submission(number) for number in range(2, 26)])
    (offer,) = fetch(central, cursor)
    reading = read("odk", offer.open().read())
    assert {row["__id"]: row["revision"] for row in reading.rows}.get("uuid:0001", "2") == "2"
    assert fetch(central, offer.cursor) == []


def test_deleted_submission_is_reported_once(central: Central):
    cursor = fetch(central)[-1].cursor
    deleted = submission(1, {"deletedAt": "2023-06-01T00:00:00.000Z"})
    store(central, deleted, *[submission(number) for number in range(2, 26)])
    (offer,) = fetch(central, cursor)
    (fault,) = read("odk", offer.open().read()).faults
    assert (fault.code.name, fault.value) == ("R307_GONE_AT_SOURCE", "uuid:0001")
    assert fetch(central, offer.cursor) == []


@pytest.mark.parametrize(
    "trouble", [Trouble.HANG, Trouble.SERVER_ERROR, Trouble.BUSY, Trouble.CUT_SHORT, Trouble.NOT_JSON]
)
def test_passing_trouble_is_retried_and_lasting_trouble_told(central: Central, trouble: Trouble):
    central.troubles.extend([Trouble.NONE, trouble])
    assert ids_of(fetch(central)) == ALL
    central.troubles.extend([trouble] * 2)
    with pytest.raises(SourceError, match="2 attempts"):
        fetch(central, retries=1)


def test_count_that_changes_on_the_way_is_taken_and_one_that_lies_always_is_an_error(central: Central):
    central.troubles.extend([Trouble.NONE, Trouble.WRONG_COUNT])
    assert ids_of(fetch(central)) == ALL
    central.troubles.extend([Trouble.WRONG_COUNT] * 6)
    with pytest.raises(SourceError, match="25 submissions read, 26 counted"):
        fetch(central)
    central.troubles.clear()
    central.troubles.extend([Trouble.LOW_COUNT] * 6)
    with pytest.raises(SourceError, match="25 submissions read, 24 counted"):
        fetch(central)


def test_redirect_is_not_followed_and_the_password_is_in_no_message(central: Central):
    central.troubles.append(Trouble.REDIRECT)
    with pytest.raises(SourceError, match="302") as caught:
        fetch(central)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "other@example.vn"}, "401"),
        ({"user": ""}, "401"),
        ({"form_id": "missing"}, "404"),
        ({"project": None}, "project"),
    ],
)
def test_wrong_address_user_or_missing_option_is_told(central: Central, changes: dict[str, object], words: str):
    with pytest.raises(SourceError, match=words):
        fetch(central, **changes)


# Exports


def zipped(**tables: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tables.items():
            archive.writestr(name.replace("__", "-") + ".csv", content)
        archive.writestr("media/photo.csv", "not a table of ours")
    return buffer.getvalue()


TAIL = (
    "KEY,SubmitterID,SubmitterName,AttachmentsPresent,AttachmentsExpected,Status,ReviewState,DeviceID,Edits,FormVersion"
)
HEAD = f"SubmissionDate,meta-instanceID,g_access-a1,y_kien,{TAIL}\n"
ROW = "2023-05-10T10:01:18.000Z,uuid:1,5,Cảm ơn,uuid:1,5,Alice,0,0,,hasIssues,collect:1,1,v1\n"
CHILD = "age,PARENT_KEY,KEY\n"


def test_export_that_the_servers_own_tests_demand_is_read(reference: Path):
    reading = read("odk", (reference / "portals/odk/test_simple.csv").read_bytes())
    assert reading.faults == [] and [row["__id"] for row in reading.rows] == ["two", "one"]
    first = reading.rows[0]
    assert (first["name"], first["age"], first["meta/instanceID"], first["revision"]) == ("Bob", "34", "two", "1")
    assert first["__system/submissionDate"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("content", [(HEAD + ROW).encode(), zipped(f=HEAD + ROW, f__child=CHILD)])
def test_export_gives_the_headings_of_odata(content: bytes):
    (row,) = read("odk", content, form_id=FORM).rows
    odata = read("odk", page(submission(1, {"reviewState": "hasIssues", "edits": 1}))).rows[0]
    assert set(row) <= set(odata) | {"a1"}
    assert (row["a1"], row["review_state"], row["revision"], row["__form"]) == ("5", "on_hold", "2", FORM)


def test_question_in_the_columns_of_two_groups_is_one_heading_unless_a_row_fills_both():
    head, tail = "v1-a1,v2-g-a1,KEY\n", "5,,one\n,4,two\n1,2,three\n,,four\n"
    reading = read("odk", (head + tail).encode())
    assert [(row["__id"], row["a1"]) for row in reading.rows] == [("one", "5"), ("two", "4"), ("four", None)]
    assert reading.codes == [("R107", 4)]


def test_split_multiple_choice_keeps_its_options():
    assert read("odk", b"g-media/1,g-media/2,KEY\n1,0,one\n").rows[0]["media/1"] == "1"


@pytest.mark.parametrize(
    ("rule", "age"), [(None, "R110"), ("only", "R110"), ("first", "7"), ("last", "9"), ("ignore", None)]
)
def test_repeated_group_of_an_export_follows_the_same_rules(rule: str | None, age: str | None):
    repeats = {"repeats": {"child": rule}} if rule else {}
    content = zipped(f=HEAD + ROW, f__child=CHILD + "7,uuid:1,c1\n9,uuid:1,c2\n1,uuid:2,c3\n")
    reading = read("odk", content, **repeats)
    if age == "R110":
        assert reading.codes == [("R110", 2)] and reading.rows == []
    else:
        assert reading.rows[0].get("age") == age


def test_log_of_what_interviewers_did_is_no_table_of_answers():
    with_log = {"f": HEAD + ROW, "f - audit": "instance ID,event,node,start,end\nuuid:1,form start,,1,2\n"}
    assert read("odk", zipped(**with_log)).rows == read("odk", zipped(f=HEAD + ROW)).rows


def test_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(odk_tables, "MAX_UNPACKED", 1_000)
    assert read("odk", zipped(f=HEAD + ROW * 100)).codes == [("R105", None)]
    monkeypatch.setattr(odk_tables, "MAX_UNPACKED", 10_000_000)
    monkeypatch.setattr(odk_tables, "MAX_REPEATS", 1_000)
    assert read("odk", zipped(f=HEAD + ROW, f__child=CHILD + "7,uuid:1,c1\n" * 100)).codes == [("R105", None)]


def test_zip_that_claims_a_smaller_size_than_it_has_is_a_fault_and_not_read_further():
    content = bytearray(zipped(f=HEAD + ROW * 100))
    size = len((HEAD + ROW * 100).encode())
    lied = bytes(content).replace(size.to_bytes(4, "little"), (500).to_bytes(4, "little"))
    assert lied != content
    reading = read("odk", lied)
    assert reading.faults and len(reading.rows) < 5


@pytest.mark.parametrize(
    "content", [zipped(), zipped(a=HEAD, b=HEAD), zipped(f__child=CHILD), b"PK\x03\x04", zipped(f=HEAD + ROW)[:-30]]
)
def test_zip_that_is_none_of_the_server_is_one_fault(content: bytes):
    reading = read("odk", content)
    assert reading.rows == [] and reading.codes == [("R101", None)]


def test_table_of_entries_that_cannot_be_read_whole_refuses_the_export_rather_than_miscount():
    reading = read("odk", zipped(f=HEAD + ROW, f__child=CHILD + '"7,uuid:1,c1\n'), repeats={"child": "first"})
    assert reading.rows == [] and reading.codes == [("R101", None)]


WHOLE = zipped(f=HEAD + ROW * 3, f__child=CHILD + "7,uuid:1,c1\n")


@given(position=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_zip_with_any_byte_changed_gives_rows_or_faults(position: int, value: int):
    changed = WHOLE[:position] + bytes([value]) + WHOLE[position + 1 :]
    reading = read("odk", changed)
    assert reading.rows or reading.faults


def test_exports_of_an_inbox_are_offered(tmp_path: Path):
    (tmp_path / "f.csv.zip").write_bytes(WHOLE)
    (offer,) = source("odk").fetch(config("odk", inbox=str(tmp_path)), "")
    assert offer.name == "f.csv.zip"
