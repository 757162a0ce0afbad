"""The register of serial numbers: which were issued, on which template and for whom, and which are void.

Append-only: a number is issued once, and a void one stays void. It must not know what was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from pipelines.lake import Lake
from pipelines.model.errors import InputError, StateError
from pipelines.paper import places
from pipelines.paper.identity import MAX_SERIAL, PageIdentity, serial_text
from pipelines.paper.printing import Blank
from pipelines.paper.template import Template


@dataclass(frozen=True)
class Batch:
    """Serial numbers printed together; `procedure` and `psu` are empty where the sheet does not say."""

    first: str
    last: str
    template: str
    form: str
    version: str
    unit: str
    procedure: str = ""
    psu: str = ""

    def has(self, serial: str) -> bool:
        """Whether a serial number is of this batch."""
        return self.first <= serial <= self.last

    @property
    def serials(self) -> list[str]:
        """Its serial numbers, in order."""
        return [serial_text(number) for number in range(int(self.first), int(self.last) + 1)]


def parse_serials(text: str) -> tuple[int, int]:
    """Return first and last of `1-100` or `7`; InputError where it is neither."""
    first, _, last = text.partition("-")
    if first.isascii() and first.isdigit() and (not last or (last.isascii() and last.isdigit())):
        numbers = int(first), int(last or first)
        if 1 <= numbers[0] <= numbers[1] <= MAX_SERIAL:
            return numbers
    raise InputError(f"{text!r} is no range of serial numbers", "--serials", f"write 1-100, within 1 to {MAX_SERIAL}")


def issue(lake: Lake, blank: Blank, numbers: tuple[int, int], unit: str, procedure: str, psu: str) -> Batch:
    """Enter serial numbers as issued, with the template they stand on; printing the same batch again changes nothing.

    Raises:
        StateError: one of the numbers was issued before for something else.
    """
    template = blank.template
    first, last = map(serial_text, numbers)
    batch = Batch(first, last, template.id, template.form, template.version, unit, procedure, psu)
    for other in batches(lake, template.round_id):
        if other != batch and other.first <= last and first <= other.last:
            remedy = f"print from {serial_text(int(other.last) + 1)} on"
            raise StateError(f"numbers {other.first} to {other.last} were issued before", template.round_id, remedy)
    path = places.template(template.round_id, template.id)
    lake.write_bytes(path.removesuffix("json") + "pdf", blank.pdf)
    lake.write_json(path, template.as_dict())
    lake.write_json(places.issued(template.round_id, first, last), asdict(batch))
    return batch


def batches(lake: Lake, round_id: str) -> list[Batch]:
    """Return all batches of a round by serial number."""
    return [Batch(**lake.read_json(path)) for path in lake.glob(places.issued(round_id, "*", "*"))]


def batch_of(issued: Sequence[Batch], serial: str) -> Batch | None:
    """Return the batch of a serial number; None where it was never issued."""
    return next((batch for batch in issued if batch.has(serial)), None)


def make_void(lake: Lake, round_id: str, serial: str, person: str, reason: str, now: datetime) -> None:
    """Enter a serial number as void, for good; what it answered counts no more.

    Raises:
        InputError: without a reason, or for a number that was never issued.
    """
    if batch_of(batches(lake, round_id), serial) is None:
        raise InputError(f"serial number {serial} was never issued", round_id, "write all six digits")
    if not reason.strip():
        raise InputError("a serial number is void for a reason", "--reason", "say why")
    path = places.void(round_id, serial)
    if not lake.exists(path):
        lake.write_json(path, {"serial": serial, "person": person, "reason": reason, "at": now.isoformat()})


def void_serials(lake: Lake, round_id: str) -> set[str]:
    """Return the serial numbers that are void."""
    return {path.rpartition("/")[2].removesuffix(".json") for path in lake.glob(places.void(round_id, "*"))}


class Templates:
    """The templates of a round, each read once."""

    def __init__(self, lake: Lake, round_id: str) -> None:
        """Look in one round of the lake."""
        self.lake, self.round_id = lake, round_id
        self._known: dict[str, Template | None] = {}

    def find(self, identity: PageIdentity) -> Template | None:
        """Return the template that a page names; None where the round has no such."""
        return self.named(identity.template) if identity.template.isalnum() else None

    def named(self, template_id: str) -> Template | None:
        """Return a template by its id."""
        if template_id not in self._known:
            path = places.template(self.round_id, template_id)
            found = Template.of(self.lake.read_json(path)) if self.lake.exists(path) else None
            self._known[template_id] = found
        return self._known[template_id]
