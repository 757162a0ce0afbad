"""The structure file of a LimeSurvey survey (`.lss`): which headings its exports have, and which codes stand there.

Read to check a mapping against the survey, and to tell labels from codes. It must not look at responses.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from xml.etree import ElementTree

from pipelines.model.errors import InputError
from pipelines.model.round import Mapping as FormMapping

MAX_STRUCTURE = 32_000_000  # bytes
# Question types with codes of their own; those with answers of the survey's making are in its answer list.
OWN_CODES = {
    "5": tuple("12345"),
    "A": tuple("12345"),
    "B": tuple(str(code) for code in range(1, 11)),
    "C": ("Y", "U", "N"),
    "E": ("I", "S", "D"),
    "G": ("F", "M"),
    "M": ("Y",),
    "P": ("Y",),
    "Y": ("Y", "N"),
}
LISTED = ("L", "!", "O", "F", "H", "R")
# Types whose headings have parts that subquestions do not name: comments, ranks, two scales, two axes, files.
OPEN = ("1", ":", ";", "O", "P", "R", "|")
OTHER = "-oth-"
SYSTEM = re.compile(
    r"id|submitdate|lastpage|startlanguage|seed|token|startdate|datestamp|ipaddr|refurl|\w*time|revision|column \d+"
)
Row = dict[str, str]


@dataclass(frozen=True)
class Structure:
    """Heading → codes, where answers have codes, and label → code of each; `headings` are all there are.

    `opened` are questions with more headings than that, all of which begin with the question's code and a bracket.
    """

    headings: frozenset[str]
    opened: frozenset[str]
    codes: Mapping[str, frozenset[str]]
    labels: Mapping[str, Mapping[str, str]]

    def has(self, heading: str) -> bool:
        """Whether an export of the survey may have a heading."""
        code, bracket, _ = heading.partition("[")
        return heading in self.headings or bool(bracket and code in self.opened) or bool(SYSTEM.fullmatch(heading))

    def label_in(self, cells: Mapping[str, str | None]) -> str:
        """Return the first heading where a label stands in place of a code, empty where none does."""
        for heading, codes in self.codes.items():
            cell = cells.get(heading)
            if cell and cell not in codes and cell in self.labels.get(heading, {}):
                return heading
        return ""

    def check(self, mappings: Sequence[FormMapping], where: str) -> None:
        """Raise InputError where no heading of a mapping's question is in the survey, or one of its codes is not said.

        A code that is a number is taken as it is; any other must be in a table of the mapping's `codes`.
        """
        for mapping in mappings:
            said = {text for table in mapping.codes.values() for text in table}
            for heading in mapping.headings:
                if not self.has(heading):
                    known = ", ".join(sorted(self.headings)[:20])
                    raise InputError(
                        f"the survey has no question {heading!r}", f"{where}: headings", f"use one of: {known}"
                    )
                codes = self.codes.get(heading, frozenset())
                if missing := sorted(code for code in codes if not code.isdecimal() and code not in said):
                    what = f"no code is given for {', '.join(missing)} of {heading!r}"
                    raise InputError(what, f"{where}: codes", "write text: code for each answer code of the survey")


def read_structure(content: bytes, where: str) -> Structure:
    """Return what a structure file says.

    Raises:
        InputError: the file is too large, no XML, or no structure of a survey.
    """
    remedy = "export the survey's structure again (.lss)"
    if len(content) > MAX_STRUCTURE or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InputError("not a structure file: too large, or it declares entities", where, remedy)
    try:
        document = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputError(f"not a structure file: {error}", where, remedy) from None
    if document.tag != "document" or document.findtext("LimeSurveyDocType") != "Survey":
        raise InputError("not the structure file of a survey", where, remedy)
    return _structure(document)


def _structure(document: ElementTree.Element) -> Structure:
    questions = [*_rows(document, "questions"), *_rows(document, "subquestions")]
    below: dict[str, list[str]] = defaultdict(list)
    for row in questions:
        if row.get("parent_qid", "0") != "0":
            below[row["parent_qid"]].append(row.get("title", ""))
    answers = _answers(document)
    headings: set[str] = set()
    codes: dict[str, frozenset[str]] = {}
    labels: dict[str, dict[str, str]] = {}
    for row in questions:
        if row.get("parent_qid", "0") != "0":
            continue
        named = _headings(row, below[row.get("qid", "")])
        headings.update(named)
        known = answers[row.get("qid", "")] if row.get("type") in LISTED else {}
        accepted = frozenset(known) | frozenset(OWN_CODES.get(row.get("type", ""), ()))
        if not accepted:
            continue
        for heading in named:
            if not heading.endswith("[other]"):
                codes[heading] = accepted | ({OTHER} if row.get("other") == "Y" else frozenset())
                labels[heading] = {label: code for code, texts in known.items() for label in texts}
    opened = frozenset(row.get("title", "") for row in questions if row.get("type") in OPEN)
    return Structure(frozenset(headings), opened, codes, labels)


def _headings(row: Row, below: list[str]) -> list[str]:
    title = row.get("title", "")
    named = [f"{title}[{code}]" for code in dict.fromkeys(below)] or [title]
    return [*named, f"{title}[other]"] if row.get("other") == "Y" else named


def _answers(document: ElementTree.Element) -> dict[str, dict[str, set[str]]]:
    """Return question id → code → its labels in all languages; older files keep the label beside the code."""
    texts: dict[str, set[str]] = defaultdict(set)
    for row in _rows(document, "answer_l10ns"):
        texts[row.get("aid", "")].add(_plain(row.get("answer", "")))
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in _rows(document, "answers"):
        labels = texts[row.get("aid", "")] | {_plain(row.get("answer", ""))}
        found[row.get("qid", "")][row.get("code", "")] |= labels - {""}
    return found


def _plain(text: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", text)).strip()


def _rows(document: ElementTree.Element, name: str) -> Iterator[Row]:
    for row in document.iterfind(f"{name}/rows/row"):
        yield {cell.tag: (cell.text or "") for cell in row}
