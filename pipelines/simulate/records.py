"""Turns answers into records with identity, device and times: what the sources hold when nothing goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pipelines.model.instrument import Kind, Question
from pipelines.simulate.answers import BLANK, Responses
from pipelines.simulate.record import KOBO, ODK, Answer, Record
from pipelines.simulate.remarks import remark
from pipelines.simulate.schedule import local_time, schedule
from pipelines.simulate.streams import new_uuid, stream

BLANK_CODE = int(BLANK)


def make_records(responses: Responses, seed: int) -> list[Record]:
    """Return one record a response, in order of source, arrival and time."""
    spec = responses.population.spec
    device, start, end = schedule(spec, responses.channel, seed)
    identity, remarks = stream(seed, "identity"), stream(seed, "remarks")
    answers = _answers(responses)
    records = []
    for index, (row, respondent) in enumerate(zip(responses.frame_rows, responses.respondent, strict=True)):
        channel = spec.channels[responses.channel[index]]
        submitted = local_time(spec, end[index])
        unique = new_uuid(identity)
        records.append(
            Record(
                source=channel.source,
                record_id=unique,
                version_id=unique,
                form=spec.instruments[respondent],
                unit_code=row.unit_code,
                procedure_code=row.procedure_code,
                psu_code=row.psu_code,
                respondent=respondent,
                channel=channel.channel,
                device_id=channel.devices[device[index]],
                started_at=local_time(spec, start[index]),
                submitted_at=submitted,
                arrives=submitted.date(),
                answers=next(answers),
                comment=remark(remarks) if remarks.random() < spec.faults.comments else "",
                review="approved" if channel.source in (KOBO, ODK) and identity.random() < 0.3 else "",
                marks=("straight_liners",) if responses.straight_lined[index] else (),
            )
        )
    return records


def month_after(day: date) -> date:
    """Return the fifth day of the next month: when late records come."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 5)


def _answers(responses: Responses) -> Iterator[dict[str, Answer]]:
    """Yield each response's answers in the order of its form; blanks are absent."""
    population = responses.population
    columns = {name: codes.tolist() for name, codes in responses.columns.items()}
    coded = {
        respondent: population.method.instrument(form).coded for respondent, form in population.spec.instruments.items()
    }
    for index, respondent in enumerate(responses.respondent):
        found = {question.code: _answer(question, columns, index) for question in coded[respondent]}
        yield {code: answer for code, answer in found.items() if answer is not None}


def _answer(question: Question, columns: dict[str, list[int]], index: int) -> Answer | None:
    if question.kind is Kind.SELECT_MULTIPLE and question.code_list is not None:
        pairs = zip(question.columns, question.code_list.choices, strict=True)
        return tuple(choice.code for name, choice in pairs if columns[name][index] == 1) or None
    code = columns[question.code][index]
    return None if code == BLANK_CODE else code
