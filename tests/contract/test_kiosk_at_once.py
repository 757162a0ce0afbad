"""Kiosk files read a batch at once: always what reading record by record gives, and not given up without need."""

import json
from io import BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config
from test_kiosk import EVENT, VALUES, events, lines

from pipelines.collect.cells import Block
from pipelines.model.source import Fault, RawRows
from pipelines.sources import kiosk, source

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
        {"seal": {}},
        [],
        {},
    ],
)
def test_what_is_unusual_is_left_to_reading_one_by_one(odd: object):
    content = lines(EVENT, odd, EVENT)
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
