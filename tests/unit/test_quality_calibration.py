"""How flags fare on simulated answers: the numbers kept beside each method, and what follows from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.lake import Lake
from pipelines.methods import load_method, load_quality, load_settings, quality_text
from pipelines.model.errors import InputError
from pipelines.quality.calibration import expected_rate
from pipelines.quality.flags import FLAG_RULES_VERSION
from pipelines.quality.rules import LENGTHS, THRESHOLDS, flag_rules
from pipelines.settings import Settings
from pipelines.simulate import commune_spec, simulate_round, write_round
from pipelines.simulate.honest import PLANTED, honest_responses, plant_fraud
from pipelines.stages.calibrating import assumptions, calibrate_form, keep_calibration, rules_of
from pipelines.stages.context import open_context

TTHC = load_method("tthc", "2017")
CALIBRATED = [("tthc", "2017"), ("sipas", "2022"), ("sipas", "2023")]
QUALITY = load_settings({})["quality"]


def test_the_kept_rates_are_those_that_the_simulation_gives_today():
    kept = load_quality(TTHC)
    assert (
        calibrate_form(TTHC, TTHC.instrument("citizen"), kept["seed"], kept["wanted_false_alarm"])
        == (kept["forms"]["citizen"])
    )


@pytest.mark.parametrize("name", CALIBRATED)
def test_every_method_fed_by_answers_is_calibrated_under_the_rules_and_lengths_of_today(name: tuple[str, str]):
    method = load_method(*name)
    kept = load_quality(method)
    assert (kept["flag_rules"], kept["assumptions"]) == (FLAG_RULES_VERSION, assumptions())
    assert kept["lengths"] == {length: QUALITY[length] for length in LENGTHS}
    assert kept["wanted_false_alarm"] == QUALITY["false_alarm"]
    assert kept["forms"].keys() == {form.id for form in method.instruments}
    assert all(entries.keys() == set(THRESHOLDS) for entries in kept["forms"].values())
    assert Path(method.folder, "quality.yml").read_text("utf-8") == quality_text(method, kept)


def test_a_threshold_keeps_to_the_wanted_rate_and_the_next_more_lenient_one_does_not():
    for name, entries in load_quality(TTHC)["forms"]["citizen"].items():
        for entry in entries:
            lenient = entry["candidates"][:: -1 if name == "speeder" else 1]
            rates = [candidate["false_alarm"] for candidate in lenient]
            assert rates == sorted(rates, reverse=True), name
            fit = [one["threshold"] for one in lenient if one["false_alarm"] <= 0.01]
            assert entry["threshold"] == (fit[0] if fit else None)


def test_the_published_rule_of_85_percent_misleads_on_22_items():
    entries = load_quality(TTHC)["forms"]["citizen"]["near_identical"]
    assert all(expected_rate(entries, "near_identical", 0.85, entry["compared_with"]) > 0.05 for entry in entries)


def test_the_expected_rate_is_that_of_the_nearest_candidate_with_more_alarms():
    candidates = [{"threshold": at, "false_alarm": rate, "detection": 1.0} for at, rate in ((0.5, 0.2), (0.9, 0.1))]
    entries = [{"compared_with": size, "threshold": None, "honest": 9, "candidates": candidates} for size in (50, 100)]
    entries[1] = entries[1] | {"candidates": [candidates[0] | {"false_alarm": 0.4}]}
    assert expected_rate(entries, "burst", 0.7, 10) == 0.2
    assert expected_rate(entries, "burst", 0.9, 50) == 0.1
    assert expected_rate(entries, "burst", 0.7, 51) == expected_rate(entries, "burst", 0.7, 999) == 0.4
    assert expected_rate(entries, "burst", 0.4, 10) is None
    assert expected_rate(entries, "speeder", 0.7, 10) == 0.1
    assert expected_rate([], "burst", 0.7, 10) is None


def test_a_number_of_the_settings_goes_before_the_calibration_and_a_form_without_one_is_not_judged():
    settings = QUALITY | {"burst": 7}
    rules = flag_rules(settings, load_quality(TTHC)["forms"], ("citizen", "new"), "Asia/Ho_Chi_Minh")
    one = np.array([0])
    assert rules.threshold("citizen", "burst").for_compared(one) == [7.0]
    assert rules.threshold("new", "burst").for_compared(one) == [7.0]
    assert 0.5 < rules.threshold("citizen", "batch_match").for_compared(one)[0] < 1
    assert np.isnan(rules.threshold("new", "batch_match").for_compared(one)).all()


def test_honest_answers_are_the_same_for_the_same_seed_and_hold_no_fraud():
    one, again = (honest_responses(TTHC, "citizen", 30, 2, 5) for _ in range(2))
    assert one.equals(again) and not any(one[PLANTED].to_pylist())
    assert not one.equals(honest_responses(TTHC, "citizen", 30, 2, 6))


@pytest.mark.parametrize("kind", ["straight_lines", "copies", "batches", "hurried"])
def test_a_fraud_changes_only_the_responses_it_marks(kind: str):
    honest = honest_responses(TTHC, "citizen", 40, 3, 5)
    planted = plant_fraud(honest, kind, TTHC, 5)
    marked = planted[PLANTED].to_pylist()
    assert 0 < sum(marked) < 40
    pairs = zip(honest.to_pylist(), planted.to_pylist(), marked, strict=True)
    assert all(before == after for before, after, is_bad in pairs if not is_bad)


def test_a_calibration_under_other_lengths_is_refused_with_the_command_that_mends_it(tmp_path):

    lake = Lake(str(tmp_path))
    write_round(lake, simulate_round(commune_spec(0.3), TTHC, 1))
    context = open_context(replace(Settings.from_environment(), data=str(tmp_path)))
    survey = context.round("tthc-2023-hoa-thanh")
    assert rules_of(context, survey).neighbours == QUALITY["neighbours"]
    with pytest.raises(InputError, match=r"batch_length 6, now 8.*hailong quality calibrate tthc --method 2017"):
        rules_of(context, replace(survey, settings={"quality": {"batch_length": 8}}))
    numbers = {"near_identical": 0.9, "burst": 5, "batch_match": 0.9, "batch_length": 8}
    assert rules_of(context, replace(survey, settings={"quality": numbers})).batch_length == 8


def test_a_calibration_is_kept_beside_its_method(tmp_path):
    folder = tmp_path / "tthc" / "2017"
    folder.mkdir(parents=True)
    for file in ("method.yml", "citizen.xlsx", "organisation.xlsx"):
        (folder / file).write_bytes(Path(TTHC.folder, file).read_bytes())
    context = open_context(replace(Settings.from_environment(), data=str(tmp_path), methods=(tmp_path,)))
    own = load_method("tthc", "2017", (tmp_path,))
    assert load_quality(own) == {}
    path = keep_calibration(context, "tthc", "", load_quality(TTHC))
    assert path == str(folder / "quality.yml") and load_quality(own) == load_quality(TTHC)
