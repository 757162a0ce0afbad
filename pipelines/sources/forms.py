"""Which instrument the answers of a source belong to: chosen where the source does not say, or as each row names it.

It must not read files: it only knows the instruments of the method.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument
from pipelines.model.response import HEADER
from pipelines.model.round import Mapping, SourceConfig


def only_form(config: SourceConfig, instruments: Sequence[Instrument]) -> Instrument:
    """Return the instrument that `options.form` names, or the only one; an InputError says what to choose from."""
    wanted = config.options.get("form")
    found = [instrument for instrument in instruments if wanted in (None, instrument.id)]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"source “{config.source}” collects one form, but it is not clear which",
        "round.yml, options.form",
        f"set it to one of: {', '.join(instrument.id for instrument in instruments)}; or write a mapping file",
    )


def own_names(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return mappings for rows whose headings are our own names: header fields and question codes.

    Two columns say which form each row is: `instrument` and `instrument_version`.
    """
    return tuple(
        Mapping(
            form=instrument.id,
            when={"instrument": (instrument.id,), "instrument_version": (instrument.version,)},
            headings={name: name for name in (*HEADER, *instrument.by_code)},
        )
        for instrument in instruments
    )
