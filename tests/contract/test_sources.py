"""Every connector, whatever it connects to: how it is declared, and that no bytes make its reader fail or lose rows."""

from importlib import import_module
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.model.errors import InputError
from pipelines.model.response import CHANNELS, HEADER
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import source, sources

NAMES = sorted(sources())


def test_registry_holds_the_connectors_of_the_project():
    assert {"kiosk", "postal", "kobo", "limesurvey", "odk", "spreadsheet"} <= set(NAMES)


def test_unknown_source_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="kiosk"):
        source("telegraph")


@pytest.mark.parametrize("name", NAMES)
def test_connector_is_declared_by_its_module(name: str):
    found = sources()[name]
    assert isinstance(found, Source)
    assert import_module(f"pipelines.sources.{name}").SOURCE is found
    assert found.name == name
    assert found.channel in CHANNELS
    assert set(found.titles) == {"vi", "en"} and all(found.titles.values())


@pytest.mark.parametrize("name", [name for name in NAMES if sources()[name].mappings])
def test_default_mapping_leads_to_known_places_each_once(name: str):
    instrument = form()
    (mapping,) = sources()[name].mappings(config(name), [instrument])
    targets = list(mapping.headings.values())
    assert mapping.form == instrument.id
    assert set(targets) <= {*HEADER, *instrument.by_code}
    assert len(targets) == len(set(targets))
    assert {"A1", "A2", "comment", "record_id", "submitted_at"} <= set(targets)


@pytest.mark.parametrize("name", ["kobo", "limesurvey", "odk"])
def test_connector_of_one_form_asks_which_where_a_method_has_two(name: str):
    forms = [form("citizen"), form("organisation")]
    with pytest.raises(InputError, match="citizen, organisation"):
        source(name).mappings(config(name), forms)
    (mapping,) = source(name).mappings(config(name, form="organisation"), forms)
    assert mapping.form == "organisation"


@pytest.mark.parametrize("name", NAMES)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_give_rows_or_faults(name: str, content: bytes):
    parts = list(source(name).read(BytesIO(content), "file", config(name)))
    assert parts
    assert all(isinstance(part, RawRows | Fault) for part in parts)


PIECES = st.sampled_from(
    [b'"', b",", b";", b"\n", b"\r\n", b"\n\n", b"a", b"5", b"\xc3\xb2", b"\xe1", b"\0", b" ", b"{}"]
)


@pytest.mark.parametrize("name", NAMES)
@given(pieces=st.lists(PIECES, max_size=40))
def test_each_line_is_accounted_for_once(name: str, pieces: list[bytes]):
    reading = read(name, b"".join(pieces))
    whole_file = [fault for fault in reading.faults if fault.line is None]
    places = reading.lines + [fault.line for fault in reading.faults if fault.line is not None]
    assert len(places) == len(set(places))
    assert whole_file or places


@pytest.mark.parametrize("name", NAMES)
def test_empty_file_is_one_fault(name: str):
    reading = read(name, b"")
    assert [(fault.line, not reading.rows) for fault in reading.faults] == [(None, True)]


@pytest.mark.parametrize("name", ["kiosk", "postal", "limesurvey", "odk", "spreadsheet"])
def test_text_in_utf_16_is_refused_with_the_remedy(name: str):
    (fault,) = read(name, "record_id,A1\n1,5\n".encode("utf-16")).faults
    assert fault.code.name == "R101_UNREADABLE_FILE" and fault.line is None
    assert "UTF-8" in fault.code.text_vi(value=fault.value)


class LongLine:
    """A stream whose second line has two billion bytes that are nowhere; it remembers the largest read."""

    def __init__(self) -> None:
        self.parts = [(b"record_id,A1\n", 1), (b"x" * 1_000_000, 2_000), (b"\nid-1,5\n", 1)]
        self.position, self.largest = 0, 0

    def seek(self, position: int) -> None:
        self.position = position

    def read(self, count: int) -> bytes:
        self.largest = max(self.largest, count)
        before = 0
        for content, times in self.parts:
            if self.position < before + len(content) * times:
                start = (self.position - before) % len(content)
                found = content[start : start + count]
                self.position += len(found)
                return found
            before += len(content) * times
        return b""


@pytest.mark.parametrize("name", ["kiosk", "postal", "limesurvey", "odk"])
def test_line_of_two_gigabytes_is_a_fault_and_the_next_line_is_read(name: str):
    stream = LongLine()
    parts = list(source(name).read(stream, "file", config(name)))  # type: ignore[arg-type]
    long = next(part for part in parts if isinstance(part, Fault) and part.code.name == "R105_TOO_LARGE")
    assert (long.line, long.payload) == (2, "x" * 200)
    assert stream.largest <= 1 << 20
    assert 3 in [part.line if isinstance(part, Fault) else part.lines[-1] for part in parts]
