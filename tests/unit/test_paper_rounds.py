"""Paper in a round: printed, filled, scanned, reviewed and counted; serial numbers from issue to valid or void."""

import json
import threading
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from paper_desk_kit import DAY, ORDER, Desk, count, open_round
from paper_kit import ROUND, png

from pipelines.lake import Lake, rejects, responses
from pipelines.model.errors import InputError, StateError
from pipelines.paper import review
from pipelines.privacy.access import accesses
from pipelines.stages.context import Context
from pipelines.stages.forms import PrintOrder, print_forms, review_server, serial_batches, serial_states, void_serial
from pipelines.stages.scans import gather_sheets, read_scans


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return open_round(tmp_path / "data")


@pytest.fixture
def desk(context: Context, tmp_path: Path) -> Desk:
    return Desk(context, tmp_path / "out")


def codes(lake: Lake) -> list[str]:
    paths = lake.glob(rejects(ROUND, "scan", "read", "*"))
    return sorted(code[:4] for path in paths for code in lake.read_table(path)["code"].to_pylist())


def test_pages_that_are_filled_and_scanned_become_the_answers_that_were_drawn(desk: Desk):
    report = desk.hand_in(desk.page(1, 1, A2="4"), desk.page(1, 2), desk.page(2, 2), desk.page(2, 1, A1="1", sex="1"))
    assert (report.rows_in, report.accepted) == (4, 4)
    first, second = sorted(count(desk.context), key=lambda row: row["record_id"])
    assert (first["record_id"], first["A1"], first["A2"], first["A3"], first["sex"]) == ("000001", 5, 4, None, 2)
    assert (second["A1"], second["procedure_code"], second["procedure_field"]) == (1, "1.001193", "Hộ tịch")
    assert first["unit_code"] == "22243" and first["channel"] == "paper_desk" and first["respondent"] == "citizen"
    assert first["submitted_at"].astimezone(desk.context.round(ROUND).zone).date() == DAY
    states = {state: len(serials) for state, serials in serial_states(desk.context, ROUND).items()}
    none = {"waiting": 0, "incomplete": 0, "keyed": 0, "twice": 0, "void": 0}
    assert states == none | {"issued": 3, "returned": 2, "valid": 2}


def test_sheets_that_are_keyed_by_hand_are_returned_too_and_a_number_that_counts_twice_is_named(desk: Desk):
    desk.hand_in(desk.page(1, 1), desk.page(1, 2))
    lake, scanned = desk.context.lake, count(desk.context)
    path = lake.glob(responses("tthc", ROUND, "*", "scan"))[0].replace("source=scan", "source=postal")
    keyed = [scanned[0] | {"record_id": number} for number in ("000001", "000003", "P000002", "000009")]
    lake.write_table(path, pa.Table.from_pylist(keyed))
    states = serial_states(desk.context, ROUND)
    assert (states["keyed"], states["twice"]) == (["000001", "000003"], ["000001"])
    assert states["returned"] == states["valid"] == ["000001", "000003"]
    ((batch, counts),) = serial_batches(desk.context, ROUND)
    assert (batch.last, counts["issued"], counts["returned"], counts["twice"]) == ("000003", 3, 2, 1)


def test_two_sheets_with_the_same_answers_are_two_answers(desk: Desk):
    desk.hand_in(desk.page(1, 1), desk.page(1, 2), desk.page(2, 1), desk.page(2, 2))
    assert len(count(desk.context)) == 2


def test_sheet_waits_for_its_missing_page_and_for_review_and_counts_then(desk: Desk):
    desk.hand_in(desk.page(1, 1, A2="3 4"), name="monday")
    states = serial_states(desk.context, ROUND)
    assert (states["waiting"], states["incomplete"]) == (["000001"], ["000001"]) and count(desk.context) == []
    desk.hand_in(desk.page(1, 2), name="tuesday")
    assert count(desk.context) == []
    (item,) = review.open_items(desk.context.lake, ROUND)
    assert (item.id, item.kind, dict(item.seen).keys()) == ("000001-1-A2", "mark", {"3", "4"})
    review.decide(desk.context.lake, ROUND, item.id, "4", "Bình", desk.context.now())
    (row,) = count(desk.context)
    assert row["A2"] == 4 and row["revision"] == 1


def test_decision_that_is_changed_is_a_new_revision_and_the_old_one_stays_on_record(desk: Desk):
    desk.hand_in(desk.page(1, 1, A2="3 4"), desk.page(1, 2))
    for value, person in (("4", "Bình"), ("", "Chi")):
        review.decide(desk.context.lake, ROUND, "000001-1-A2", value, person, desk.context.now())
        rows = count(desk.context)
    assert [(row["A2"], row["revision"]) for row in rows] == [(None, 2)]
    kept = [desk.context.lake.read_json(path) for path in desk.context.lake.glob(f"review/{ROUND}/decisions/*/*")]
    assert [(one["value"], one["person"]) for one in kept] == [("4", "Bình"), ("", "Chi")]


def test_two_reviewers_must_agree_where_the_round_says_so_and_a_third_decides_where_they_differ(desk: Desk):
    path = f"rounds/{ROUND}/round.yml"
    text = desk.context.lake.read_bytes(path).decode()
    desk.context.lake.write_bytes(path, text.replace("false}", "false, options: {reviewers: 2}}").encode())
    desk.hand_in(desk.page(1, 1, A2="3 4", A3="1 2"), desk.page(1, 2))
    lake, now = desk.context.lake, desk.context.now()
    for item, answers in {"000001-1-A2": ("4", "4"), "000001-1-A3": ("1", "2", "2")}.items():
        for person, value in zip(("Bình", "Chi", "Dung"), answers, strict=False):
            assert not {one.id for one in review.open_items(lake, ROUND)}.isdisjoint({item})
            assert item in {one.id for one, _ in review.queue_of(lake, ROUND, person, 10).items}
            review.decide(lake, ROUND, item, value, person, now)
            assert item not in {one.id for one, _ in review.queue_of(lake, ROUND, person, 10).items}
    (row,) = count(desk.context)
    assert (row["A2"], row["A3"]) == (4, 2)


@pytest.mark.parametrize("said", ["0", "3", "true", "hai"])
def test_number_of_reviewers_that_cannot_be_is_refused(desk: Desk, said: str):
    path = f"rounds/{ROUND}/round.yml"
    text = desk.context.lake.read_bytes(path).decode()
    desk.context.lake.write_bytes(path, text.replace("false}", f"false, options: {{reviewers: {said}}}}}").encode())
    with pytest.raises(InputError, match="reviewers"):
        desk.hand_in(desk.page(1, 1))


def test_page_scanned_again_is_a_duplicate_and_reading_a_file_twice_changes_nothing(desk: Desk):
    page, again = desk.page(1, 1), desk.page(1, 1)
    again[1000:1010, 200:210] = 0
    desk.hand_in(page, desk.page(1, 2))
    assert desk.hand_in(again, name="again").duplicate == 1
    assert desk.hand_in(again, name="again").rows_in == 0
    assert codes(desk.context.lake) == ["D501"] and len(count(desk.context)) == 1


def test_photocopied_sheet_with_other_answers_is_refused_with_what_it_says(desk: Desk):
    desk.hand_in(desk.page(1, 1))
    assert desk.hand_in(desk.page(1, 1, A1="1"), name="copy").rejected == 1
    (path,) = desk.context.lake.glob(rejects(ROUND, "scan", "read", "*"))
    (row,) = desk.context.lake.read_table(path).to_pylist()
    assert row["code"] == "R507_SERIAL_TWICE" and json.loads(row["payload"])["A1"]["value"] == "1"


def test_void_number_is_counted_no_more_and_its_pages_are_refused(desk: Desk):
    desk.hand_in(desk.page(1, 1), desk.page(1, 2))
    assert len(count(desk.context)) == 1
    void_serial(desk.context, ROUND, "000001", "Bình", "phiếu do cán bộ tự điền")
    assert count(desk.context) == [] and serial_states(desk.context, ROUND)["void"] == ["000001"]
    void_serial(desk.context, ROUND, "000002", "Bình", "mất phiếu")
    assert desk.hand_in(desk.page(2, 1), name="late").rejected == 1 and codes(desk.context.lake) == ["R506"]


def test_files_that_are_no_forms_are_refused_one_by_one_and_the_rest_is_read(desk: Desk):
    (desk.folder / "x.pdf").write_bytes(b"%PDF-1.7 broken")
    (desk.folder / "y.jpg").write_bytes(b"")
    (desk.folder / "z.png").write_bytes(png(desk.page(3, 1)))
    report = read_scans(desk.context, ROUND, sorted(desk.folder.glob("[xyz].*")))
    assert (report.rows_in, report.accepted, report.rejected) == (3, 1, 2)
    assert codes(desk.context.lake) == ["R101", "R101"]


def test_scans_in_the_inbox_are_collected_with_the_day_in_their_name(desk: Desk):
    text = desk.context.lake.read_bytes(f"rounds/{ROUND}/round.yml").decode()
    text = text.replace("self_selected: false}", "self_selected: false, options: {inbox: inbox/scan}}")
    desk.context.lake.write_bytes(f"rounds/{ROUND}/round.yml", text.encode())
    for number in (1, 2):
        desk.context.lake.write_bytes(f"inbox/scan/Scan_20230611_10150{number}.png", png(desk.page(1, number)))
    desk.context.lake.write_bytes("inbox/scan/IMG_0042.HEIC", b"\0\0\0\x18ftypheic")
    (row,) = count(desk.context)
    assert row["submitted_at"].astimezone(desk.context.round(ROUND).zone).date() == date(2023, 6, 11)
    assert codes(desk.context.lake) == ["R101"], "a picture of another kind is refused and not passed over"


def test_serial_numbers_are_issued_once(desk: Desk):
    first = print_forms(desk.context, ROUND, ORDER, desk.folder).read_bytes()
    assert print_forms(desk.context, ROUND, ORDER, desk.folder).read_bytes() == first
    with pytest.raises(StateError, match="numbers 000001 to 000003 were issued before"):
        print_forms(desk.context, ROUND, PrintOrder("tthc/organisation", "3-5"), desk.folder)
    with pytest.raises(InputError, match="the round has no form"):
        print_forms(desk.context, ROUND, PrintOrder("sipas/household", "9"), desk.folder)
    with pytest.raises(InputError, match="no range"):
        print_forms(desk.context, ROUND, PrintOrder("citizen", "5-1"), desk.folder)


def test_round_without_paper_says_what_to_write(context: Context, tmp_path: Path):
    path = f"rounds/{ROUND}/round.yml"
    context.lake.write_bytes(path, context.lake.read_bytes(path).replace(b"source: scan", b"source: kiosk"))
    with pytest.raises(InputError, match="add under sources"):
        print_forms(context, ROUND, ORDER, tmp_path)


# The review screen


@contextmanager
def serving(context: Context):
    server = review_server(context, ROUND, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield httpx.Client(base_url=server.url.partition("/?")[0], headers={"X-Token": server.token}), server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_review_screen_shows_the_crop_and_keeps_the_decision_with_its_name(desk: Desk):
    desk.hand_in(desk.page(1, 1, A2="3 4"), desk.page(1, 2))
    with serving(desk.context) as (client, server):
        page = httpx.get(server.url)
        assert page.status_code == 200 and "http" not in page.text.replace("http-equiv", "")
        assert client.get("/items").json() == {"open": 1, "mine": 0, "items": []}
        assert client.get("/crop/000001-1-A2").status_code == 404, "nobody was noted to see it"
        (item,) = client.get("/items?person=Bình").json()["items"]
        assert item["question"] == "Trang thiết bị phục vụ đầy đủ" and item["options"]["4"] == "Hài lòng"
        crop = client.get(f"/crop/{item['id']}")
        assert crop.headers["content-type"] == "image/png" and crop.content.startswith(b"\x89PNG")
        for wrong in ({"value": "9"}, {"person": " "}, {"item": "../../x"}):
            said = {"item": item["id"], "value": "3", "person": "Bình", "known": 0} | wrong
            assert client.post("/decisions", json=said).status_code == 422
        said = {"item": item["id"], "value": "3", "person": "Bình", "known": 0}
        assert client.post("/decisions", json=said).status_code == 200
        assert client.post("/decisions", json=said | {"person": "Chi"}).status_code == 409
        assert client.get("/items?person=Chi").json() == {"open": 0, "mine": 0, "items": []}
    seen = [(one.person, one.access, one.subject) for one in accesses(desk.context.lake, ROUND)]
    assert seen == [("Bình", "REVIEW_READ", item["id"])]
    assert gather_sheets(desk.context, ROUND) == 1
    assert review.decisions(desk.context.lake, ROUND)[item["id"]].person == "Bình"


def test_review_screen_answers_nobody_without_its_address(context: Context):
    with serving(context) as (client, server):
        base = str(client.base_url)
        for headers in ({}, {"X-Token": "x"}, {"X-Token": server.token, "Host": "example.org"}):
            assert httpx.get(f"{base}/items", headers=headers).status_code == 403
        assert httpx.post(f"{base}/decisions", json={}).status_code == 403
        for content in (b"", b"{", b"[]", b'{"item": 1, "value": 2, "person": 3}', b"x" * 70_000):
            assert client.post("/decisions", content=content).status_code == 400
        assert client.get("/crop/..%2F..%2Fx").status_code == 404 and client.get("/other").status_code == 404
