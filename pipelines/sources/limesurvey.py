"""LimeSurvey: exported answers as CSV files in an inbox folder.

Exports differ by the way they were made: `;` or `,`, with or without byte order mark, headings `code` or `code. text`.
A heading is reduced to its code part (`likert2[affSat3]. [I feel …]` is `likert2[affSat3]`), one without such a part
stays as written. An incomplete response has an empty `submitdate`; it is passed on as it is, for conforming to judge.
Exports by labels carry texts instead of codes: a mapping file says which text is which code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import delimited, tables
from pipelines.sources.blocks import blocks
from pipelines.sources.folder import fetch_from
from pipelines.sources.forms import only_form

CODE_AND_TEXT = re.compile(r"([A-Za-z]\w*(?:\[[^\]]*\])*)\.(?:\s.*)?", re.ASCII | re.DOTALL)
SYSTEM = ("lastpage", "startlanguage", "seed", "token", "startdate", "datestamp", "ipaddr", "refurl", "*time")


def code_of(heading: str) -> str:
    """Return the code part of a heading, or the heading where there is none."""
    found = CODE_AND_TEXT.fullmatch(heading)
    return found[1] if found else heading


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the responses of an export."""
    return blocks(tables.rows(delimited.records(stream), rename=code_of))


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return the mapping for a survey whose question codes are the names of the XLSForm, exported by codes."""
    form = only_form(config, instruments)
    headings = {"id": "record_id", "submitdate": "submitted_at"}
    return (Mapping(form.id, headings | {q.name: q.code for q in form.questions}, ignore=SYSTEM),)


SOURCE = Source(
    name="limesurvey",
    channel="portal",
    fetch=fetch_from("*.csv", "*.txt"),
    read=read,
    mappings=mappings,
    titles={"vi": "LimeSurvey (tệp CSV xuất ra)", "en": "LimeSurvey (exported CSV)"},
)
