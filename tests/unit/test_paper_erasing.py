"""Erasing who answered on paper: pictures, crops, handwriting and joined sheets go, other persons' pages stay."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import segno
from paper_desk_kit import DAY, Desk, count, open_round
from paper_kit import ROUND

from pipelines.lake import rejects
from pipelines.ledger import receipt_code
from pipelines.paper import erasure, review
from pipelines.paper.erasure import ErasedPage
from pipelines.paper.images import Picture
from pipelines.paper.marks import SCALE
from pipelines.paper.template import QR
from pipelines.privacy.age_files import new_identity
from pipelines.simulate.scanned_pdf import pdf_of
from pipelines.stages import Whom, compare_keyed, erase, retention, scans, serial_states, void_serial
from pipelines.stages.context import Context
from pipelines.stages.scans import landed_pages, paper_responses, read_scans

FIRST, SECOND = "000001", "000002"
SAID = {FIRST: "người xóm Đoài kể việc riêng", SECOND: "người ngõ Tây kể việc riêng"}


def written(desk: Desk, page: np.ndarray, number: int) -> np.ndarray:
    """Write into the box for remarks."""
    (box,) = desk.template.boxes_on(number)
    place = (round((box.x + 4) * SCALE), round((box.y + box.height / 2) * SCALE))
    return cv2.putText(page, "Khuat Thi Mong", place, cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 6)


def last_page(desk: Desk) -> int:
    return desk.template.boxes[0].page


def decide_all(context: Context) -> None:
    for item in review.open_items(context.lake, ROUND):
        value = "4" if item.options else SAID[item.id[:6]]
        review.decide(context.lake, ROUND, item.id, value, "Bình", context.now())


@pytest.fixture(params=["plain", "encrypted"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """Two sheets in one PDF, each with a doubtful mark and handwriting; one page of the first again, and a copy."""
    keys: dict[str, Any] = {}
    if request.param == "encrypted":
        keys = {"raw_recipient": new_identity(tmp_path / "key.txt"), "age_identity": tmp_path / "key.txt"}
    desk = Desk(open_round(tmp_path / "data", **keys), tmp_path / "out")
    pages = [desk.page(sheet, number, A2="3 4") for sheet in (1, 2) for number in range(1, desk.template.pages + 1)]
    for sheet in (0, 1):
        at = sheet * desk.template.pages + last_page(desk) - 1
        pages[at] = written(desk, pages[at], last_page(desk))
    stack = desk.folder / "stack.pdf"
    stack.write_bytes(pdf_of([cv2.resize(page, None, fx=0.98, fy=0.98) for page in pages]))
    read_scans(desk.context, ROUND, [stack], DAY)
    again, copied = desk.page(1, 1, A2="3 4"), desk.page(1, 1, A2="3 4", A1="1")
    again[1000:1010, 200:210] = 0
    assert desk.hand_in(again, copied, name="later").rows_in == 2
    decide_all(desk.context)
    return desk


def erase_first(context: Context) -> list[str]:
    (response,) = paper_responses(context.round(ROUND), "scan", [FIRST])
    return erase(context, ROUND, Whom(receipt=receipt_code(response)), "can-bo", "đơn số 12")


def texts(context: Context, path: str) -> str:
    if path.endswith(".parquet"):
        return str(pq.read_table(context.lake.full(path), partitioning=None).to_pylist())
    with context.lake.open(path) as stream:
        return stream.read().decode("utf-8", errors="ignore")


def files_with(context: Context, what: str) -> list[str]:
    """Return the files of the lake that say something in their content, decrypted and decoded, or in their name."""
    return [path for path in context.lake.find("") if what in path or what in texts(context, path)]


def rows_of(context: Context) -> dict[str, dict[str, Any]]:
    paths = context.lake.glob(rejects(ROUND, "scan", "read", "*"))
    return {row["code"][:4]: row for path in paths for row in context.lake.read_table(path).to_pylist()}


def pictures_of(context: Context) -> dict[str, list[Any]]:
    """Return the pages of every landed scan by its name."""
    found = scans.receipts(context.lake, ROUND, "paper")
    return {one.name: list(landed_pages(context.lake, one.path)) for one in found}


def test_nothing_of_an_erased_sheet_stays_but_its_coded_answer_and_the_other_sheet_stays_whole(desk: Desk):
    context, pages = desk.context, desk.template.pages
    before = {row["record_id"]: row for row in count(context)}
    assert {serial: row["comment"] for serial, row in before.items()} == SAID
    pictures = pictures_of(context)
    stack = next(name for name in pictures if name.endswith("stack.pdf"))
    said = erase_first(context)
    assert any("pages taken out" in line for line in said), said

    after = {row["record_id"]: row for row in count(context)}
    gone = {"comment": None, "pseudonym": None}
    assert after == before | {FIRST: before[FIRST] | gone}
    assert files_with(context, SAID[FIRST]) == [] and len(files_with(context, SAID[SECOND])) >= 5
    assert [path for path in context.lake.find("review") if FIRST in path or FIRST in texts(context, path)] == []
    assert len([path for path in context.lake.find("review") if SECOND in path]) == 6

    left = pictures_of(context)
    assert [type(page) for page in left[stack]] == [ErasedPage] * pages + [Picture] * pages
    for page, same in zip(left[stack][pages:], pictures[stack][pages:], strict=True):
        assert np.array_equal(page.pixels, same.pixels) and page.is_bilevel == same.is_bilevel
    assert [type(page) for name, found in left.items() if name != stack for page in found] == [ErasedPage] * 2
    assert all(path.removesuffix(".age").endswith(".pages") for path in context.lake.find("landing/paper"))
    found = rows_of(context)
    assert {code: row["payload"] for code, row in found.items()} == dict.fromkeys(("D501", "R507"), scans.ERASED)
    assert serial_states(context, ROUND)["valid"] == [FIRST, SECOND]


def test_handwriting_is_in_no_file_once_both_are_erased(desk: Desk):
    context = desk.context
    count(context)
    assert all(len(files_with(context, said)) >= 5 for said in SAID.values()), "the search does not find what is there"
    for serial in (FIRST, SECOND):
        (response,) = paper_responses(context.round(ROUND), "scan", [serial])
        erase(context, ROUND, Whom(receipt=receipt_code(response)), "can-bo", "đơn")
    assert not any(files_with(context, said) for said in SAID.values()) and len(count(context)) == 2
    assert context.lake.find(f"review/{ROUND}") == []


def test_reading_the_scans_anew_brings_nothing_back_and_gives_the_same_account(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    context = desk.context
    count(context)
    erase_first(context)
    kept, rows = count(context), rows_of(context)
    monkeypatch.setattr(scans, "READER", "other")
    assert desk.hand_in().accepted == 2 * desk.template.pages
    assert count(context) == kept and rows_of(context) == rows
    assert [path for path in context.lake.find("review") if FIRST in path] == []


def test_page_that_comes_in_later_is_refused_and_the_upkeep_takes_it_out(desk: Desk):
    context = desk.context
    count(context)
    erase_first(context)
    page = desk.page(1, 1, A2="3 4")
    page[1100:1110, 220:230] = 0
    assert desk.hand_in(page, name="third").rejected == 1
    assert rows_of(context)["R508"]["payload"] == "" and rows_of(context)["R508"]["value"] == FIRST
    assert [path for path in context.lake.find("review") if FIRST in path] == []
    (line,) = retention(context, ROUND)
    assert "third-0.png" in line and retention(context, ROUND) == []
    assert all(isinstance(one, ErasedPage) for name, found in pictures_of(context).items() for one in found
               if name.endswith("third-0.png"))  # fmt: skip
    assert sorted(row["record_id"] for row in count(context)) == [FIRST, SECOND]


@pytest.mark.parametrize("broken_off", ["write_redacted", "_settle", "_forget_items"])
def test_erasing_that_was_killed_is_finished_by_running_it_again(
    desk: Desk, broken_off: str, monkeypatch: pytest.MonkeyPatch
):
    context = desk.context
    count(context)

    def killed(*arguments: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(erasure, broken_off, killed)
        erase_first(context)
    erase_first(context)
    assert [path for path in context.lake.find("review") if FIRST in path] == []
    assert len([one for found in pictures_of(context).values() for one in found if isinstance(one, ErasedPage)]) == (
        desk.template.pages + 2
    )
    assert [row["comment"] for row in sorted(count(context), key=lambda row: row["record_id"])] == [None, SAID[SECOND]]


def test_sheet_that_never_counted_leaves_no_answer_either(tmp_path: Path):
    desk = Desk(open_round(tmp_path / "data"), tmp_path / "out")
    context = desk.context
    desk.hand_in(desk.page(1, 1, A2="3 4"), desk.page(2, 1), desk.page(2, 2))
    erase_first(context)
    assert context.lake.glob(f"paper/{ROUND}/pages/{FIRST}-*") == context.lake.find(f"review/{ROUND}") == []
    assert desk.hand_in(desk.page(1, 2), name="late").rejected == 1 and set(rows_of(context)) == {"R508"}
    assert [row["record_id"] for row in count(context)] == [SECOND]


def test_erased_sheet_can_still_be_made_void(desk: Desk):
    count(desk.context)
    erase_first(desk.context)
    void_serial(desk.context, ROUND, FIRST, "Bình", "phiếu do cán bộ tự điền")
    assert [row["record_id"] for row in count(desk.context)] == [SECOND]


def test_what_two_keyers_keyed_of_an_erased_person_goes_and_is_not_kept_again(tmp_path: Path):
    context = open_round(tmp_path / "data")
    path = f"rounds/{ROUND}/round.yml"
    text = context.lake.read_bytes(path).decode() + "- {source: postal, instance: desk, channel: paper_desk}\n"
    context.lake.write_bytes(path, text.encode())
    files = []
    for keyer, remark in (("An", SAID[FIRST]), ("Binh", "không rõ")):
        files.append(tmp_path / f"{keyer}.csv")
        rows = "".join(f"{record},{keyer},{remark} {record}\n" for record in ("P1", "P2"))
        files[-1].write_text(f"record_id,device_id,comment\n{rows}", encoding="utf-8")
    compare_keyed(context, *files, ROUND)
    for item in review.open_items(context.lake, ROUND):
        review.decide(context.lake, ROUND, item.id, item.seen[0][0], "Chi", context.now())
    (response,) = paper_responses(context.round(ROUND), "postal", ["P1"])
    erase(context, ROUND, Whom(receipt=receipt_code(response)), "can-bo", "đơn")
    assert files_with(context, f"{SAID[FIRST]} P1") == [] and len(files_with(context, f"{SAID[FIRST]} P2")) == 2
    compare_keyed(context, *files, ROUND)
    assert files_with(context, f"{SAID[FIRST]} P1") == []


def test_redacted_scan_is_the_same_bytes_for_the_same_pages(tmp_path: Path):
    pages = [Picture(np.full((30, 20), 7, np.uint8), True), erasure.Unreadable("trang hỏng", is_large=True)]
    written = []
    for number in range(2):
        with (tmp_path / str(number)).open("w+b") as sink:
            erasure.write_redacted([*pages, pages[0]], {3: ErasedPage("D501_SAME_PAGE", "000001-1", "r")}, sink)
        written.append((tmp_path / str(number)).read_bytes())
    assert written[0] == written[1]
    with (tmp_path / "0").open("rb") as stream:
        picture, unreadable, gone = erasure.read_redacted(stream)
    assert (str(unreadable), unreadable.is_large, gone.value) == ("trang hỏng", True, "000001-1")
    assert np.array_equal(picture.pixels, pages[0].pixels) and picture.is_bilevel


def test_code_of_an_identity_card_on_a_form_is_told_nowhere(tmp_path: Path):
    desk = Desk(open_round(tmp_path / "data"), tmp_path / "out")
    page, card = desk.page(1, 1), segno.make("033189046617|271893046|Khuất Thị Mộng|01011989|Nữ|xóm Đoài", error="l")
    modules = np.asarray([list(row) for row in card.matrix_iter(border=2)], np.uint8)
    x, y, size = (round(side * SCALE) for side in (QR.x, QR.y, QR.size))
    page[y : y + size, x : x + size] = cv2.resize(255 * (1 - modules), (size, size), interpolation=cv2.INTER_NEAREST)
    assert desk.hand_in(page).rejected == 1
    (row,) = rows_of(desk.context).values()
    assert row["code"] == "R503_UNREADABLE_QR" and row["value"] == scans.FOREIGN in row["message_vi"]
    assert files_with(desk.context, "Khuất") == files_with(desk.context, "033189046617") == []


def test_retention_takes_crops_with_the_raw_bytes_and_all_that_was_read_with_the_answers(tmp_path: Path):
    desk = Desk(open_round(tmp_path / "data"), tmp_path / "out")
    context, path = desk.context, f"rounds/{ROUND}/round.yml"
    desk.hand_in(desk.page(1, 1, A2="3 4"), desk.page(1, 2))
    decide_all(context)
    text = context.lake.read_bytes(path).decode()
    for settings, gone in (("raw_days: 1", ".png"), ("raw_days: 1, answers_days: 1", "")):
        context.lake.write_bytes(path, f"{text}settings: {{retention: {{{settings}}}}}\n".encode())
        assert retention(context, ROUND)
        assert [one for one in context.lake.find("review") if one.endswith(gone)] == context.lake.find("landing") == []
    assert context.lake.glob(f"paper/{ROUND}/pages/*") == context.lake.glob(f"paper/{ROUND}/sheets/*") == []
    assert context.lake.glob(f"paper/{ROUND}/issued/*") != []
