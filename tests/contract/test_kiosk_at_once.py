"""Kiosk files read a batch at once: always what reading record by record gives, and not given up without need."""

import json
from io import BytesIO

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import config
from test_kiosk import EVENT, VALUES, events, lines

from pipelines.collect.cells import Block
from pipelines.model.source import Fault, RawRows
from pipelines.sources import kiosk, source
from pipelines.sources.kiosk_events import SAMPLE

WHOLE = lines(EVENT, EVENT | {"answers": {"B1": 3, "A1": 1}, "comment": " "}, EVENT | {"respondent": None})


def parts(content: bytes) -> list[object]:
    """All that reading gives, down to the order of headings."""
    found = source("kiosk").read(BytesIO(content), "file", config("kiosk"))
    return [part if isinstance(part, Fault) else [list(part.lines), cells_of(part)] for part in found]


def cells_of(block: RawRows) -> list[tuple[str, list[str | None]]]:
    return [(heading, list(cells)) for heading, cells in block.columns.items()]


def one_by_one(content: bytes) -> list[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kiosk, "_at_once", lambda batch, seals: None)
        return parts(content)


def is_read_at_once(content: bytes) -> bool:
    def never(batch: object, seals: object) -> list[object]:
        raise AssertionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kiosk, "_one_by_one", never)
        try:
            return bool(parts(content))
        except AssertionError:
            return False


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.rstrip(b"\n"),
        b"\xef\xbb\xbf" + WHOLE,
        lines(EVENT | {"comment": "Ra\u0302\u0301t to\u0302\u0301t \x00 \u2028 \x1c"}),
        lines(EVENT | {"device": "\u3000"}, EVENT),
        lines(*({**EVENT, "answers": {code: 1}} for code in "CAB")),
        lines(*(dict(reversed(EVENT.items())), EVENT)),
        lines(EVENT | {"answers": {}}),
        lines(EVENT | {"comment": "2023-05-04T08:15:00Z", "answers": {"A1": -(2**63), "A2": 2**63 - 1}}),
        lines(*[EVENT] * SAMPLE, EVENT | {"answers": {"Z9": 1, "A0": 2, "A1": 3}}),
        WHOLE.replace(b'"A1":5', b'"\\u0041\\u0031" : -0 '),
    ],
)
def test_good_files_are_read_at_once_and_as_one_by_one(content: bytes):
    assert is_read_at_once(content)
    assert parts(content) == one_by_one(content)


@pytest.mark.parametrize(
    "odd",
    [
        EVENT | {"sequence": 17.0},
        EVENT | {"sequence": 17.5},
        EVENT | {"sequence": True},
        EVENT | {"sequence": 2**63},
        EVENT | {"answers": {"A1": 5.0}},
        EVENT | {"answers": {"A1": 5.5}},
        EVENT | {"answers": {"A1": True}},
        EVENT | {"answers": {"A1": 2**64 - 1}},
        EVENT | {"battery": 71},
        EVENT | {"signing_key": "k"},
        EVENT | {"answers/A1": 5},
        EVENT | {"submitted_at": "2023-05-04T08:15:00Z\n"},
        EVENT | {"comment": "x" * 1_000_000},
        EVENT | {"answers": {"A1": "5"}},
        EVENT | {"answers": {"A1": {}}},
        EVENT | {"answers": None},
        EVENT | {"device": 5},
        EVENT | {"device": None},
        EVENT | {"comment": []},
        {"seal": {}},
        [],
        {},
        None,
        5,
    ],
)
def test_what_is_unusual_is_left_to_reading_one_by_one(odd: object):
    content = lines(EVENT, odd, EVENT)
    assert not is_read_at_once(content)
    assert parts(content) == one_by_one(content)


ONE = orjson.dumps(EVENT)
TOKENS = st.sampled_from([
    *(bytes([one]) for one in b'{}[]":,. \t\r\n\f\0\xff01-+eE'),
    *(b"null", b"true", b"NaN", b"{}", b"[]", b"17.0", b"1e2", b"-0", b"01", b"9223372036854775808", b"1" * 400),
    *(b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u0000", b"\\x41", b"\xed\xa0\x80", b"\xc0\xaf", b"\xef\xbb\xbf"),
    *(b'"A1":4,', b'"Z9":4,', b'"device":"K02",', b'"answers":{"B1":2},', b'"2023-05-04"', b'"5"', b"}null{", ONE),
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 3 * len(ONE)), st.integers(0, 3) | st.just(len(ONE)), TOKENS), max_size=3)


@settings(deadline=None)
@given(edits=EDITS, copies=st.sampled_from([0, SAMPLE]))
def test_no_byte_put_in_or_taken_out_is_judged_otherwise_than_one_by_one(
    edits: list[tuple[int, int, bytes]], copies: int
):
    content = lines(*[EVENT] * 3)
    for at, taken, put in edits:
        content = content[:at] + put + content[at + taken :]
    assert parts((ONE + b"\n") * copies + content) == one_by_one((ONE + b"\n") * copies + content)


@pytest.mark.parametrize(
    "content",
    [b"null\n", b"null\nnull\n", ONE + b"null{}\n", ONE + b"\nnull\n" + ONE, ONE + ONE + b"\n\n", ONE + b" \t null\n"],
)
def test_values_that_arrow_takes_for_rows_are_faults(content: bytes):
    assert not is_read_at_once(content)
    assert parts(content) == one_by_one(content)


LINES = (events() | VALUES | st.just(EVENT)).map(lambda value: json.dumps(value).encode()) | st.sampled_from(
    [b"", b" ", b"{", b'{"answers":{}}', b"\xff", b'{"comment":"\\ud800"}', orjson.dumps(EVENT) * 2]
)


@given(written=st.lists(LINES | st.just(orjson.dumps(EVENT)), max_size=6), end=st.sampled_from([b"", b"\n", b"\r\n"]))
def test_any_file_is_read_as_one_by_one(written: list[bytes], end: bytes):
    content = b"\n".join(written) + end
    assert parts(content) == one_by_one(content)


def test_columns_are_taken_over_whole_and_mean_the_same():
    (whole,) = source("kiosk").read(BytesIO(WHOLE), "file", config("kiosk"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kiosk, "_at_once", lambda batch, seals: None)
        (single,) = source("kiosk").read(BytesIO(WHOLE), "file", config("kiosk"))
    found, expected = Block.read(whole), Block.read(single)
    assert list(found.cells) == list(expected.cells)
    for heading, cells in found.cells.items():
        assert cells.texts.equals(expected.cells[heading].texts), heading
        assert (cells.is_filled == expected.cells[heading].is_filled).all()
