"""The review screen in a real browser: who decides is asked, pictures show, keys work, two decide blind."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from chromium import Browser, until

from pipelines.lake import Lake
from pipelines.paper import review
from pipelines.paper.review import Item
from pipelines.paper.server import ReviewServer

ROUND = "tthc-2023-thu"
SCALE = {"1": "Rất không hài lòng", "3": "Bình thường", "5": "Rất hài lòng"}
NOW = datetime(2023, 5, 4, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def url(lake: Lake) -> Iterator[str]:
    server = ReviewServer(lake, ROUND, 0, lambda: NOW, lambda person, item: None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()
    thread.join()


def add(lake: Lake, item_id: str, kind: str = "mark", **more) -> None:
    crop = bytes(cv2.imencode(".png", np.full((80, 900), 200, np.uint8))[1])
    options = SCALE if kind == "mark" else {}
    item = Item(item_id, kind, f"Phiếu {item_id}", "Trang thiết bị đầy đủ", options, **more)
    review.add_item(lake, ROUND, item, crop)


def begin(browser: Browser, url: str, person: str) -> None:
    browser.open(url)
    browser.ask("localStorage.clear()")
    browser.open(url)
    until(lambda: browser.text("count"))
    browser.ask("document.getElementById('person').focus()")
    browser.type(person)
    browser.press("Enter")
    until(lambda: browser.text("name") == person)


def values(lake: Lake) -> dict[str, list[tuple[str, str]]]:
    given = review.given_decisions(lake, ROUND)
    return {item: [(one.person, one.value) for one in decisions] for item, decisions in given.items()}


def test_reviewer_names_herself_and_decides_by_keys_alone(browser: Browser, url: str, lake: Lake):
    for number in range(1, 4):
        add(lake, f"00000{number}-1-A1", seen=(("3", "41%"), ("5", "9%")))
    add(lake, "000009-2-comment", "words")
    browser.open(url)
    until(lambda: browser.text("count") == "4 mục còn chờ")
    assert browser.ask("document.getElementById('card').hidden")  # nothing is shown to nobody
    begin(browser, url, "Bình")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    until(lambda: browser.ask("document.getElementById('crop').naturalWidth") == 900)
    assert browser.text("seen") == "Máy đọc: Bình thường (41%) · Rất hài lòng (9%)"
    browser.press("3")
    browser.press("Enter")
    until(lambda: browser.text("title") == "Phiếu 000002-1-A1")
    browser.press("ArrowRight")
    until(lambda: browser.text("title") == "Phiếu 000003-1-A1")
    browser.press("0")
    until(lambda: browser.text("title") == "Phiếu 000009-2-comment")
    browser.type("Cảm ơn cán bộ")
    browser.click("save")
    until(lambda: browser.text("title") == "Phiếu 000002-1-A1")
    assert values(lake) == {
        "000001-1-A1": [("Bình", "5")],
        "000003-1-A1": [("Bình", "")],
        "000009-2-comment": [("Bình", "Cảm ơn cán bộ")],
    }


def test_last_decision_can_be_taken_back_and_both_stay_on_record(browser: Browser, url: str, lake: Lake):
    add(lake, "000001-1-A1")
    add(lake, "000002-1-A1")
    begin(browser, url, "Bình")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    browser.press("1")
    browser.press("Enter")
    until(lambda: browser.text("title") == "Phiếu 000002-1-A1")
    browser.press("ArrowLeft")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    browser.press("3")
    browser.press("Enter")
    until(lambda: browser.text("title") == "Phiếu 000002-1-A1")
    assert values(lake) == {"000001-1-A1": [("Bình", "1"), ("Bình", "5")]}


def test_second_person_decides_blind_and_the_first_is_not_asked_again(browser: Browser, url: str, lake: Lake):
    add(lake, "000001-1-A1", persons=2)
    begin(browser, url, "Bình")
    until(lambda: "độc lập" in browser.text("blind"))
    browser.press("1")
    browser.press("Enter")
    until(lambda: "người khác quyết định" in browser.text("count"))
    begin(browser, url, "Chi")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    assert "Bình" not in browser.ask("document.body.innerText.replaceAll('Bình thường', '')")
    browser.press("3")
    browser.press("Enter")
    until(lambda: "người khác quyết định" in browser.text("count"))
    assert review.decisions(lake, ROUND) == {}
    begin(browser, url, "Dung")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    browser.press("2")
    browser.press("Enter")
    until(lambda: browser.text("count") == "Không còn mục nào chờ duyệt.")
    assert review.decisions(lake, ROUND)["000001-1-A1"].value == "3"


def test_item_that_somebody_else_has_just_decided_is_passed_over(browser: Browser, url: str, lake: Lake):
    add(lake, "000001-1-A1")
    add(lake, "000002-1-A1")
    begin(browser, url, "Bình")
    until(lambda: browser.text("title") == "Phiếu 000001-1-A1")
    review.decide(lake, ROUND, "000001-1-A1", "1", "Chi", NOW)
    browser.press("3")
    browser.press("Enter")
    until(lambda: browser.text("title") == "Phiếu 000002-1-A1" and "người khác" in browser.text("message"))
    assert values(lake) == {"000001-1-A1": [("Chi", "1")]}


def test_page_speaks_english_too_and_remembers_it(browser: Browser, url: str, lake: Lake, tmp_path: Path):
    add(lake, "000001-1-A1")
    begin(browser, url, "Bình")
    browser.click("language")
    browser.open(url)
    until(lambda: browser.text("count") == "1 items waiting")
    assert browser.ask("document.documentElement.lang") == "en" and browser.text("start") == "Begin"
    pixels = cv2.imdecode(np.frombuffer(browser.picture(), np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape[1] >= 900 and pixels.std() > 5


def test_thousands_of_items_come_in_portions(browser: Browser, url: str, lake: Lake):
    for number in range(1, 2001):
        lake.write_json(
            f"review/{ROUND}/items/{number:06d}-1-A1.json", vars(Item(f"{number:06d}-1-A1", "mark", "P", "Q", SCALE))
        )
    begin(browser, url, "Bình")
    until(lambda: browser.text("count") == "2000 mục còn chờ, 2000 dành cho Bình")
    assert browser.ask("queue.length") == 50
    for left in range(1999, 1948, -1):
        browser.press("3")
        browser.press("Enter")
        until(lambda left=left: browser.text("count").startswith(f"{left} "))
    assert len(values(lake)) == 51
