"""Bad input by the whole way: each is told with file, line and remedy, nothing is lost, and the rest goes on."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from e2e_kit import PROGRAMME, RELEASE, ROUND, Command, outcome, reports, warehouse

from pipelines.demo.portal import Portal, Trouble

RUN = ("run", PROGRAMME, "--round", ROUND)
LONG = 30_000_000  # bytes, thirty times what a line may have


def change_round(folder: Path, source: str, **options: object) -> None:
    """Set options of a source in the round's file."""
    path = folder / "rounds" / ROUND / "round.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    (entry,) = (one for one in document["sources"] if one["source"] == source)
    entry["options"] |= options
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def only(folder: Path, *sources: str) -> None:
    """Leave only some sources in the round's file."""
    path = folder / "rounds" / ROUND / "round.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["sources"] = [one for one in document["sources"] if one["source"] in sources]
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def good_record(inbox: Path, event: str, **changes: object) -> bytes:
    """Return a line as the kiosk writes it, with an identity of its own."""
    for path in sorted(inbox.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            record = json.loads(line) if line.endswith(b"}") else {}
            if record.get("unit") == "22243" and record["submitted_at"].startswith("2023-05-1"):
                return json.dumps(record | {"event_id": event, "device": "X1"} | changes).encode()
    raise AssertionError("the simulated round has no record of mid-May")


def bad_files(inbox: Path) -> dict[str, tuple[str, int | None]]:
    """Lay bad files into the kiosk's inbox; return name → (code that it is to be refused with, line)."""
    good, later = good_record(inbox, "good-1"), good_record(inbox, "good-2")
    contents: dict[str, tuple[bytes, str, int | None]] = {
        "x-broken.jsonl": (good + b"\n{not json}\n" + later + b"\n", "R107_BROKEN_LINE", 2),
        "x-half.jsonl": (good_record(inbox, "half")[:-40], "R106_TRUNCATED", 1),
        "x-empty.jsonl": (b"", "R102_EMPTY_FILE", None),
        "x-legacy.jsonl": (b'{"event_id": "h\xf2a"}\n', "R101_UNREADABLE_FILE", 1),
        "x-long.jsonl": (b'{"event_id": "' + b"a" * LONG + b'"}\n', "R105_TOO_LARGE", 1),
        "x-unit.jsonl": (good_record(inbox, "unit", unit="99999") + b"\n", "R202_UNKNOWN_UNIT", 1),
        "x-heading.jsonl": (good_record(inbox, "heading", mood="good") + b"\n", "R103_UNKNOWN_HEADING", 1),
    }
    for name, (content, _, _) in contents.items():
        (inbox / name).write_bytes(content)
    return {name: (code, line) for name, (_, code, line) in contents.items()}


def test_bad_files_are_refused_by_name_and_line_and_the_good_ones_count(hailong: Command, portal: Portal, folder: Path):
    only(folder, "kiosk")
    with (folder / "rounds" / ROUND / "devices.csv").open("a", encoding="utf-8") as register:
        register.write("X1,22243,,,\n")  # a device that cannot sign
    expected = bad_files(folder / "inbox" / ROUND / "kiosk")
    told = hailong(*RUN)
    assert (told.code, told.err) == (0, "")
    rejects = [
        row for path in folder.glob("rejects/**/stage=conform/*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    for name, (code, line) in expected.items():
        (row,) = (row for row in rejects if row["file"] == name)
        assert (row["code"], row["line"]) == (code, line), row
        assert row["message_vi"] and row["message_en"]
        assert len(row["payload"]) <= 4000 and (row["payload"] or code in ("R102_EMPTY_FILE", "R101_UNREADABLE_FILE"))
    sha256 = hashlib.sha256((folder / "inbox" / ROUND / "kiosk" / "x-broken.jsonl").read_bytes()).hexdigest()
    (broken,) = (one for one in reports(folder) if one["stage"] == "conform" and one["key"].endswith(sha256))
    assert (broken["rows_in"], broken["accepted"], broken["rejected"]) == (3, 2, 1)
    query = "SELECT DISTINCT file FROM ops.reject WHERE stage = 'conform' AND file LIKE 'x-%'"
    assert {name for (name,) in warehouse(folder, query)} == set(expected)
    landed = {path.stat().st_size for path in (folder / "landing/kiosk").glob("*/*")}
    assert any(size > LONG for size in landed), "the bytes of a refused file are kept"


def test_portal_and_inbox_that_fail_do_not_hold_up_the_others(hailong: Command, portal: Portal, folder: Path):
    change_round(folder, "kobo", retries=0, timeout=0.2)
    (folder / "inbox" / ROUND / "postal").rename(folder / "set-aside")
    portal.troubles.append(Trouble.SERVER_ERROR)
    told = hailong(*RUN)
    assert told.code == 7 and "Traceback" not in told.err
    assert f"inbox/{ROUND}/postal" in told.err and "create the folder" in told.err
    assert {one["partition"]["source"] for one in reports(folder) if one["stage"] == "tally"} == {"kiosk"}
    assert (folder / "releases" / RELEASE / "manifest.json").exists()

    (folder / "set-aside").rename(folder / "inbox" / ROUND / "postal")
    assert hailong(*RUN).code == 0
    assert {one["partition"]["source"] for one in reports(folder) if one["stage"] == "tally"} == {
        "kiosk",
        "postal",
        "kobo",
    }


@pytest.mark.parametrize(
    ("trouble", "what"),
    [(Trouble.SERVER_ERROR, "HTTP 500"), (Trouble.HANG, ""), (Trouble.NOT_JSON, "not a whole page")],
)
def test_portal_in_trouble_is_told_and_asked_again_next_time(
    hailong: Command, portal: Portal, folder: Path, trouble: Trouble, what: str
):
    change_round(folder, "kobo", retries=0, timeout=0.2)
    portal.troubles.append(trouble)
    told = hailong("collect", "kobo", "--round", ROUND)
    assert told.code == 7 and what in told.err and portal.url in told.err and "try again later" in told.err
    assert "1 new objects landed" in hailong("collect", "kobo", "--round", ROUND).out


@pytest.mark.parametrize(
    ("name", "content", "told_as"),
    [
        ("units.csv", "unit_code,name_vi\n22243,Xã\n".encode(), "level"),
        ("frame.csv", b"unit_code,population\n22243,many\n", "line 2, column population"),
        ("frame.csv", b"unit_code,population\n99999,10\n", "99999"),
        ("units.csv", "unit_code,name_vi,level\n22243,Xã,commune\n".encode("utf-16"), "UTF-8"),
        ("devices.csv", b"device_id,unit_code,public_key\nK01,22243,abc\n", "device K01, column public_key"),
        ("round.yml", b"id: [", "round.yml"),
        ("mappings/postal.yml", b"- form: citizen\n  heading: {a: A1}\n", "heading"),
    ],
)
def test_wrong_file_of_a_round_is_named(
    hailong: Command, portal: Portal, folder: Path, name: str, content: bytes, told_as: str
):
    (folder / "rounds" / ROUND / name).write_bytes(content)
    told = hailong(*RUN)
    assert told.code == 3 and name.rpartition("/")[2] in told.err and told_as in told.err and "remedy" in told.err


def test_file_that_is_added_later_joins_without_touching_what_was_there(hailong: Command, portal: Portal, folder: Path):
    only(folder, "kiosk")
    assert hailong(*RUN).code == 0
    before = outcome(folder)
    inbox = folder / "inbox" / ROUND / "kiosk"
    shutil.copyfile(sorted(inbox.glob("*.jsonl"))[0], inbox / "x-copy.jsonl")
    assert hailong(*RUN).code == 0
    assert outcome(folder) == before, "the same bytes under another name are the same file"
