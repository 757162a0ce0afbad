"""What the drawn members answer, as it is recorded: channel, mode effect, one-column ticking, blanks.

Works on whole columns, so that hundreds of rounds can be simulated for a coverage study; identity, times and wire
formats are none of its business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.model.instrument import Instrument, Kind, Question, Role
from pipelines.model.method import Method
from pipelines.model.response import COMMENT, HEADER, HEADER_TYPES, PROVENANCE, RESPONDENTS
from pipelines.simulate.population import Population, build_population
from pipelines.simulate.sampling import Members, draw_sample, drop_nonrespondents
from pipelines.simulate.spec import FrameRow, SimulationSpec
from pipelines.simulate.streams import stream

BLANK = np.int8(-128)  # no code list has it
ARROW_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "timestamp": pa.timestamp("us", tz="UTC")}


@dataclass(frozen=True)
class Responses:
    """Answers of the drawn members, all arrays with one entry a response.

    `channel` is an index into the channels of the specification; `columns` holds the codes of every coded question
    (BLANK where not answered or not asked); `straight_lined` marks who was made to tick one column.
    """

    population: Population
    member: Members
    channel: NDArray[np.int64]
    columns: dict[str, NDArray[np.int8]]
    straight_lined: NDArray[np.bool_]

    @property
    def respondent(self) -> list[str]:
        """Citizen or organisation, for each response."""
        return [RESPONDENTS[int(flag)] for flag in self.population.is_organisation[self.member]]

    @property
    def frame_rows(self) -> list[FrameRow]:
        """The frame row of each response."""
        return [self.population.spec.frame[row] for row in self.population.row[self.member]]


def simulate_responses(spec: SimulationSpec, method: Method, seed: int) -> pa.Table:
    """Simulate a round in memory, in the columns of the response table; see `simulate_answers` for repeated draws."""
    return response_table(simulate_answers(build_population(spec, method, seed), seed))


def simulate_answers(population: Population, seed: int) -> Responses:
    """Draw a sample of a population and record its answers; one population may be drawn from with many seeds."""
    sample = drop_nonrespondents(population, draw_sample(population, seed), seed)
    channel = _choose_channels(population, sample, seed)
    items, straight = _recorded_items(population, sample, channel, seed)
    columns = dict(zip(population.method.items, items.T, strict=True))
    return Responses(population, sample, channel, columns | _other_answers(population, sample, seed), straight)


def response_table(responses: Responses) -> pa.Table:
    """Return responses as the wide response table: header, provenance, a small integer a question, comment."""
    spec, rows = responses.population.spec, responses.frame_rows
    channels = [spec.channels[index] for index in responses.channel]
    known = {
        "record_id": [f"{spec.round_id}-{member}" for member in responses.member],
        "unit_code": [row.unit_code for row in rows],
        "procedure_code": [row.procedure_code for row in rows],
        "procedure_field": [row.procedure_field for row in rows],
        "psu_code": [row.psu_code for row in rows],
        "respondent": responses.respondent,
        "channel": [channel.channel for channel in channels],
        "source": [channel.source for channel in channels],
        "form": [spec.instruments[respondent] for respondent in responses.respondent],
    }
    length = len(responses.member)
    fields = {
        name: pa.array(known.get(name, [None] * length), ARROW_TYPES.get(HEADER_TYPES.get(name, ""), pa.string()))
        for name in (*HEADER, *PROVENANCE)
    }
    coded = {name: pa.array(codes, mask=codes == BLANK) for name, codes in _in_order(responses)}
    return pa.table({**fields, **coded, COMMENT: pa.nulls(length, pa.string())})


def _in_order(responses: Responses) -> Iterator[tuple[str, NDArray[np.int8]]]:
    """Yield the coded columns of all instruments of the method, each once; blank where nobody was asked."""
    instruments = responses.population.method.instruments
    names = dict.fromkeys(name for form in instruments for question in form.coded for name in question.columns)
    nobody = np.full(len(responses.member), BLANK)
    for name in names:
        yield name, responses.columns.get(name, nobody)


def _choose_channels(population: Population, sample: Members, seed: int) -> NDArray[np.int64]:
    chosen = np.empty(len(sample), dtype=np.int64)
    rng = stream(seed, "channel")
    for index, respondent in enumerate(RESPONDENTS):
        own = np.flatnonzero(population.is_organisation[sample] == bool(index))
        shares = np.array([entry.share * (respondent in entry.respondents) for entry in population.spec.channels])
        if len(own):
            chosen[own] = rng.choice(len(shares), len(own), p=shares / shares.sum())
    return chosen


def _recorded_items(
    population: Population, sample: Members, channel: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return the recorded item codes (responses, items) and who ticks one column."""
    spec, codes = population.spec, population.codes
    level = np.searchsorted(codes, population.answers[sample])
    effect = np.array([entry.effect for entry in spec.channels])[channel][:, None]
    moved = stream(seed, "mode effect").random(level.shape) < np.abs(effect)
    level = np.clip(level + moved * np.sign(effect).astype(np.int64), 0, len(codes) - 1)
    rng = stream(seed, "straight-liners")
    straight = rng.random(len(sample)) < spec.faults.straight_liners
    level[straight] = rng.integers(len(codes) // 2, len(codes), size=(int(straight.sum()), 1))
    blank = (stream(seed, "blanks").random(level.shape) < spec.faults.blanks) & ~straight[:, None]
    return np.where(blank, BLANK, codes[level]).astype(np.int8), straight


def _other_answers(population: Population, sample: Members, seed: int) -> dict[str, NDArray[np.int8]]:
    """Return the codes of all coded questions that are no item; blank for those whose instrument does not ask them."""
    columns: dict[str, NDArray[np.int8]] = {}
    organisation = population.is_organisation[sample]
    for respondent, instrument in _instruments_in_use(population):
        asked = organisation == (respondent == RESPONDENTS[1])
        for question in instrument.coded:
            if question.role is not Role.ITEM:
                for name, codes in _draw_codes(question, len(sample), seed):
                    kept = columns.get(name, np.full(len(sample), BLANK))
                    columns[name] = np.where(asked, codes, kept)
    return columns


def _instruments_in_use(population: Population) -> Iterator[tuple[str, Instrument]]:
    for respondent, instrument in population.spec.instruments.items():
        yield respondent, population.method.instrument(instrument)


def _draw_codes(question: Question, count: int, seed: int) -> Iterator[tuple[str, NDArray[np.int8]]]:
    """Yield the columns of a question with independently drawn codes; shares follow from seed and question."""
    assert question.code_list is not None, f"{question.code} is coded, so it has a code list"
    rng = stream(seed, "question", question.code)
    codes = np.array([choice.code for choice in question.code_list.choices], dtype=np.int8)
    if question.kind is Kind.SELECT_MULTIPLE:
        for name, share in zip(question.columns, rng.uniform(0.1, 0.6, len(codes)), strict=True):
            yield name, (rng.random(count) < share).astype(np.int8)
    else:
        yield question.code, rng.choice(codes, count, p=rng.dirichlet(np.full(len(codes), 3.0)))
