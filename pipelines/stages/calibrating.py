"""Brings rules of quality flags and their calibration together: by what thresholds a round's responses are flagged.

Calibrating simulates honest answers to each form of a method and keeps what was found beside the method. It must not
look at a real response.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.lake import Lake
from pipelines.methods import list_methods, load_method, load_quality, load_settings, quality_text
from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.quality.flags import FLAG_RULES_VERSION
from pipelines.quality.rules import CALIBRATED, LENGTHS, THRESHOLDS, FlagRules, flag_rules
from pipelines.stages.context import Context

HONEST = 4000  # simulated responses for each number of neighbours; a rate of 1 % has a standard error of 0.16 points
SEED = 2026


def rules_of(context: Context, round_: Round) -> FlagRules:
    """Return the rules by which the responses of a round are flagged: its settings, and its method's calibration.

    Raises:
        InputError: a calibrated threshold is asked for that was found for other rules or lengths.
    """
    method, settings = context.method(round_), context.thresholds(round_)["quality"]
    calibration = load_quality(method)
    if calibration and any(settings[name] == CALIBRATED for name in THRESHOLDS):
        _check_fit(calibration, settings, method)
    forms = tuple(instrument.id for instrument in method.instruments)
    return flag_rules(settings, calibration.get("forms", {}), forms, round_.time_zone)


def calibrate_quality(
    context: Context, programme: str, version: str = "", seed: int = SEED, false_alarm: float | None = None
) -> dict[str, Any]:
    """Return the calibration of a method: rates of false alarms and detection of every flag, by form and threshold.

    Args:
        context: settings.
        programme: such as tthc.
        version: of the method; empty: its latest.
        seed: the same seed gives the same rates.
        false_alarm: the rate that a threshold may have; None: that of the settings.

    Raises:
        InputError: there is no such method, or it is not fed by answers.
    """
    method, settings = _method(context, programme, version), load_settings({})["quality"]
    wanted = settings["false_alarm"] if false_alarm is None else false_alarm
    return {
        "flag_rules": FLAG_RULES_VERSION,
        "seed": seed,
        "wanted_false_alarm": wanted,
        "lengths": {name: settings[name] for name in LENGTHS},
        "assumptions": assumptions(),
        "forms": {form.id: calibrate_form(method, form, seed, wanted) for form in method.instruments},
    }


def calibrate_form(method: Method, form: Instrument, seed: int, wanted: float) -> dict[str, Any]:
    """Return the entries of one form's flags; see `calibrate`."""
    from pipelines.quality.calibration import calibrate
    from pipelines.simulate.honest import FRAUDS, honest_responses, plant_fraud

    rules = flag_rules(load_settings({})["quality"], {}, (), Round.time_zone)
    honest = {
        compared: honest_responses(method, form.id, size, HONEST // size, seed)
        for compared, size in _sizes(rules.neighbours).items()
    }
    planted = {
        kind: {compared: plant_fraud(table, kind, method, seed) for compared, table in honest.items()}
        for kind in FRAUDS
    }
    asked = {item.code for item in form.items}
    return calibrate(honest, planted, [code for code in method.items if code in asked], rules, wanted)


def assumptions() -> dict[str, float]:
    """Return what the simulation of honest answers assumes, to be told beside every rate."""
    from pipelines.simulate.honest import ASSUMPTIONS

    return dict(ASSUMPTIONS)


def keep_calibration(context: Context, programme: str, version: str, calibration: Mapping[str, Any]) -> str:
    """Write a calibration beside its method, in one step; return where. The method's hash changes with it."""
    method = _method(context, programme, version)
    folder = Lake(str(Path(method.folder)))
    folder.write_bytes("quality.yml", quality_text(method, calibration).encode())
    return folder.full("quality.yml")


def _sizes(neighbours: int) -> dict[int, int]:
    """Return how many others a response is compared with → in how large a unit.

    In a unit of twice the most, half of the responses have the most neighbours, and none less than half of it.
    """
    return {
        compared: compared + 1 if compared <= neighbours // 2 else 2 * compared
        for compared in sorted({max(1, neighbours // 4), neighbours // 2, neighbours})
    }


def _method(context: Context, programme: str, version: str) -> Method:
    versions = [found for name, found in list_methods(context.settings.methods) if name == programme]
    return load_method(programme, version or max(versions, default=""), context.settings.methods)


def _check_fit(calibration: Mapping[str, Any], settings: Mapping[str, Any], method: Method) -> None:
    now = {"flag_rules": FLAG_RULES_VERSION} | {name: settings[name] for name in LENGTHS}
    then = {"flag_rules": calibration["flag_rules"]} | calibration["lengths"]
    other = [f"{name} {then.get(name)}, now {value}" for name, value in now.items() if then.get(name) != value]
    if other:
        raise InputError(
            f"the flags were calibrated under other rules: {', '.join(other)}",
            f"{method.folder}/quality.yml",
            f"run `hailong quality calibrate {method.programme} --method {method.version} --write`, or set numbers",
        )
