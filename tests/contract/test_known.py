"""Revisions and deletions of a portal that says nothing of them: whatever it does, the last state seen holds."""

import json
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import read

from pipelines.model.errors import SourceError
from pipelines.model.source import Offer
from pipelines.sources import kobo, odk
from pipelines.sources.known import Disagreement, Note, Page, Seen, changed_pages, fingerprint, without_note
from pipelines.sources.web import TryAgain

State = dict[str, int]


def pages_of(state: State, size: int) -> list[Page]:
    names = sorted(state)
    parts = [names[start : start + size] for start in range(0, len(names), size)] or [[]]
    return [
        Page(
            f"page {number}",
            json.dumps([(name, state[name]) for name in part]).encode(),
            tuple(Seen(name, fingerprint(state[name])) for name in part),
        )
        for number, part in enumerate(parts)
    ]


def visit(state: State, cursor: str = "", size: int = 3, where: str = "portal") -> list[Offer]:
    return list(changed_pages(lambda: pages_of(state, size), "form", cursor, where))


def landed(offer: Offer) -> tuple[dict[str, tuple[int, int]], tuple[str, ...]]:
    """Return record → (revision, value) of an offer, and what it says is gone."""
    note, content = without_note(offer.open().read())
    rows = json.loads(content or b"[]")
    return {name: (rev, value) for (name, value), rev in zip(rows, note.revisions, strict=True)}, note.gone


STATES = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2)), min_size=1, max_size=5)


@settings(max_examples=50)
@given(states=STATES, size=st.integers(1, 4))
def test_highest_revision_is_always_the_state_last_seen_and_each_deletion_is_told_once(states: list[State], size: int):
    cursor, best, told, before = "", {}, [], set()
    for state in states:
        for offer in visit(state, cursor, size):
            rows, gone = landed(offer)
            cursor = offer.cursor or cursor
            told += gone
            for name, (revision, value) in rows.items():
                same = best.get(name, (0, value))
                assert revision >= same[0] and (revision > same[0] or value == same[1])
                best[name] = (revision, value)
        assert all(best[name][1] == value for name, value in state.items())
        assert sorted(told) == sorted(before - set(state))
        told, before = [], set(state)
        assert visit(state, cursor, size) == []


def test_cursor_of_another_kind_or_form_is_taken_for_none():
    for cursor in ('{"data.json?start=0": "abc"}', '{"form": "other", "records": {"a": "x 7"}}', "{}"):
        (offer,) = visit({"a": 1}, cursor)
        assert landed(offer)[0] == {"a": (1, 1)}


def test_numbers_go_on_when_the_portal_moves_and_what_stayed_behind_is_not_gone():
    cursor = visit({"a": 1, "b": 1, "c": 1})[-1].cursor
    cursor = visit({"a": 2, "b": 1, "c": 1}, cursor)[-1].cursor
    (offer,) = visit({"a": 2, "b": 5}, cursor, where="elsewhere")
    assert landed(offer) == ({"a": (2, 2), "b": (2, 5)}, ())
    assert visit({"a": 2, "b": 5}, offer.cursor, where="elsewhere") == []
    offers = visit({"a": 3}, offer.cursor, where="elsewhere")
    assert [landed(one) for one in offers] == [({"a": (3, 3)}, ()), ({}, ("b",))]


def test_portal_that_disagrees_with_itself_twice_is_told_and_what_was_read_stays():
    def lying():
        yield from pages_of({"a": 1}, 3)
        raise Disagreement("1 read, 2 counted")

    offers = changed_pages(lying, "form", "", "portal")
    first = next(offers)
    with pytest.raises(SourceError, match="1 read, 2 counted"):
        next(offers)
    assert visit({"a": 1}, first.cursor) == []


def test_many_records_do_not_write_the_cursor_at_every_page():
    offers = visit({f"{number:04}": 1 for number in range(600)}, "", 3)
    assert len({offer.name for offer in offers}) == 200 and sum(bool(offer.cursor) for offer in offers) < 60
    assert offers[-1].cursor


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: b'{"hailong":' + rest))
def test_any_bytes_have_a_note_or_none(content: bytes):
    note, rest = without_note(content)
    assert content.endswith(rest) and (rest == content or isinstance(note, Note))


def test_identity_that_is_no_valid_text_can_be_told():
    content = Note(gone=("a\ud800",)).before(b"")
    (fault,) = read("kobo", content).faults
    assert fault.value == "a\ud800" and BytesIO(content).read().isascii()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                [
                    "count",
                    "next",
                    "results",
                    "value",
                    "@odata.count",
                    "@odata.nextLink",
                    "_id",
                    "__id",
                    "__system",
                    "edits",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("parse", [kobo._page, odk._page], ids=["kobo", "odk"])
@given(value=VALUES)
def test_any_json_is_a_page_or_is_asked_for_again(parse, value: object):
    try:
        page, count, _ = parse("page", json.dumps(value).encode())
    except TryAgain:
        return
    assert isinstance(count, int) and all(seen.id for seen in page.records)
