"""What conforming and screening depend on besides the rows themselves, as a hash: where it changes, they are done anew.

A basis is taken from the very values that the stage is given, so that nothing that matters can be forgotten, and a
remark in a file, another source's mapping or a line of the action plan makes nobody read a million rows again. It must
not decide when a stage runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from dataclasses import asdict, is_dataclass
from typing import Any

from pipelines.collect.plan import ConformPlan, ScreenPlan
from pipelines.collect.schema import accepted_schema, response_schema
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.quality.flags import FLAG_RULES_VERSION
from pipelines.quality.rules import FlagRules

NOT_READ_BY = ("inbox", "review")  # options that say where files come from, and what screening makes of a state
SIGNED = "signing_key"


def conform_basis(plan: ConformPlan, source: str) -> str:
    """Return a hash of what conforming a source of a round depends on.

    Identity is left out: what its keeper does is not seen in a response, but for pseudonyms, which a new key would not
    give to the rows of before either.
    """
    method, config = plan.method, plan.round.source(source)
    signs = any(SIGNED in one.headings.values() for one in plan.mappings)
    return _sha256(
        method.id,
        [instrument.sha256 for instrument in method.instruments],
        method.crosswalks,
        str(response_schema(method)),
        config.channel,
        {name: value for name, value in config.options.items() if name not in NOT_READ_BY},
        plan.mappings,
        plan.units,
        plan.procedures,
        plan.psus,
        plan.round.time_zone,
        plan.payload_limit,
        plan.devices if signs or config.requires_devices else None,
        [one.id for one in plan.corrections],
    )


def screen_basis(plan: ScreenPlan, rules: FlagRules) -> str:
    """Return a hash of what screening, checking and adding up the months of a source depend on.

    Decisions to leave responses out are not in it: each marks the months that it touches.
    """
    round_ = plan.round
    return _sha256(
        plan.method.sha256,
        str(accepted_schema(plan.method)),
        FLAG_RULES_VERSION,
        rules,
        (round_.programme, round_.window_from, round_.window_to, round_.time_zone, round_.design),
        plan.units,
        (plan.minimum_items, plan.minimum_age, plan.refused_states, plan.waiting_states, plan.numbers_once),
    )


def round_basis(round_: Round, method: Method) -> str:
    """Return a hash of the whole round and method, for inputs that are one small table."""
    return _sha256(round_.sha256, method.sha256)


def _sha256(*values: Any) -> str:
    text = json.dumps(values, default=_plain, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return sorted(value) if isinstance(value, Set) else str(value)
