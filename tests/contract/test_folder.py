"""Files of an inbox: which are offered, when again, and what is said where there is no inbox."""

import json
import os
from pathlib import Path

import pytest
from reading import config, inbox

from pipelines.model.errors import SourceError
from pipelines.sources import source


def write(folder: Path, name: str, text: str = "x\n") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def offers(folder: Path, cursor: str = "", name: str = "postal"):
    return list(source(name).fetch(inbox(name, folder), cursor))


def test_files_are_offered_in_order_of_name_with_their_bytes(tmp_path: Path):
    write(tmp_path, "b.CSV", "two\n")
    write(tmp_path, "a.xlsx", "one\n")
    found = offers(tmp_path)
    assert [(offer.name, offer.suffix) for offer in found] == [("a.xlsx", ".xlsx"), ("b.CSV", ".csv")]
    with found[1].open() as stream:
        assert stream.read() == b"two\n"


@pytest.mark.parametrize(
    "name", [".hidden.csv", "~$keyed.xlsx", "a.csv.part", "a.csv.tmp", "readme.md", ".~lock.a.csv#"]
)
def test_hidden_half_written_and_foreign_files_are_left_alone(tmp_path: Path, name: str):
    write(tmp_path, name)
    (tmp_path / "folder.csv").mkdir()
    assert offers(tmp_path) == []


def test_unchanged_file_is_not_offered_again_but_a_changed_one_is(tmp_path: Path):
    write(tmp_path, "a.csv")
    write(tmp_path, "b.csv")
    cursor = offers(tmp_path)[-1].cursor
    assert offers(tmp_path, cursor) == []
    write(tmp_path, "a.csv", "x\ny\n")
    (changed,) = offers(tmp_path, cursor)
    assert changed.name == "a.csv"
    assert offers(tmp_path, changed.cursor) == []


def test_file_of_the_same_size_written_anew_is_offered_again(tmp_path: Path):
    path = write(tmp_path, "a.csv", "5\n")
    cursor = offers(tmp_path)[-1].cursor
    write(tmp_path, "a.csv", "1\n")
    os.utime(path, ns=(1, 1))
    assert [offer.name for offer in offers(tmp_path, cursor)] == ["a.csv"]


def test_stopping_between_two_files_resumes_at_the_second(tmp_path: Path):
    for name in ("a.csv", "b.csv", "c.csv"):
        write(tmp_path, name)
    first = next(source("postal").fetch(inbox("postal", tmp_path), ""))
    assert [offer.name for offer in offers(tmp_path, first.cursor)] == ["b.csv", "c.csv"]


def test_cursor_forgets_files_that_are_gone(tmp_path: Path):
    gone = write(tmp_path, "a.csv")
    cursor = offers(tmp_path)[-1].cursor
    gone.unlink()
    write(tmp_path, "b.csv")
    assert set(json.loads(offers(tmp_path, cursor)[-1].cursor)) == {"b.csv"}


def test_name_that_is_no_utf_8_does_not_stop_the_folder(tmp_path: Path):
    (tmp_path / os.fsdecode(b"phi\xbfu.csv")).write_bytes(b"x\n")
    (offer,) = offers(tmp_path)
    assert offer.name.encode() and offer.name.endswith("u.csv")
    with offer.open() as stream:
        assert stream.read() == b"x\n"
    assert offers(tmp_path, offer.cursor) == []


@pytest.mark.parametrize("name", ["kiosk", "postal", "limesurvey"])
def test_missing_inbox_names_the_folder_and_the_remedy(tmp_path: Path, name: str):
    with pytest.raises(SourceError) as caught:
        list(source(name).fetch(inbox(name, tmp_path / "nowhere"), ""))
    assert str(tmp_path / "nowhere") in str(caught.value) and caught.value.remedy
    with pytest.raises(SourceError, match=r"options\.inbox"):
        list(source(name).fetch(config(name), ""))


def test_file_that_vanishes_before_it_is_opened_is_a_source_error(tmp_path: Path):
    path = write(tmp_path, "a.csv")
    (offer,) = offers(tmp_path)
    path.unlink()
    with pytest.raises(SourceError, match=r"a\.csv"):
        offer.open()
