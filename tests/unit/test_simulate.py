"""Population, truth, sample and recorded answers of simulated rounds."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy import stats

from pipelines.geography import unit
from pipelines.methods import load_method
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level, Node
from pipelines.model.response import COMMENT, HEADER, PROVENANCE
from pipelines.simulate import (
    Channel,
    build_population,
    commune_spec,
    response_table,
    simulate_answers,
    simulate_responses,
    spec_named,
    true_values,
)
from pipelines.simulate.answers import BLANK
from pipelines.simulate.population import stratum_of
from pipelines.simulate.sampling import draw_sample, plan_sample

TTHC = load_method("tthc", "2017")
SIPAS = load_method("sipas", "2023")
COMMUNE = spec_named("commune")
PROVINCE = spec_named("province", communes=4, scale=0.2)


@pytest.fixture(scope="module")
def commune():
    return build_population(COMMUNE, TTHC, seed=1)


@pytest.fixture(scope="module")
def province():
    return build_population(PROVINCE, SIPAS, seed=1)


def truth_of(population, node, measure, unit_code):
    rows = true_values(population).filter(
        (pc.field("node_code") == node) & (pc.field("measure") == measure) & (pc.field("unit_code") == unit_code)
    )
    assert rows.num_rows == 1
    return rows["value"][0].as_py()


# The built-in rounds.


def test_commune_has_the_dossiers_of_its_plan_in_eight_fields():
    assert COMMUNE.population == 10_450
    assert len({row.procedure_code for row in COMMUNE.frame}) == len(COMMUNE.frame) == 26
    assert len({row.procedure_field for row in COMMUNE.frame}) == 8


def test_commune_plans_at_least_500_forms_and_every_field_has_some():
    takes = plan_sample(COMMUNE, seed=1)
    assert sum(take.size for take in takes) >= 500
    assert sorted(row for take in takes for row in take.rows) == list(range(26))
    assert min(take.size for take in takes) >= 12


def test_province_has_all_104_communes_with_20_to_40_villages_of_which_3_are_drawn():
    spec = spec_named("province")
    codes = [row.unit_code for row in spec.units if row.level == "commune"]
    assert len(codes) == 104
    assert all(unit(code, "commune", spec.window_from).parent_code == "33" for code in codes)
    villages = np.unique([row.unit_code for row in spec.frame], return_counts=True)[1]
    assert villages.min() >= 20 and villages.max() <= 40
    takes = plan_sample(spec, seed=1)
    assert len(takes) == 312 and {take.size for take in takes} == {12}
    assert sum(take.size for take in takes) == 3_744


def test_units_of_the_rounds_exist_when_they_are_surveyed_and_the_foreign_one_too():
    assert unit("22243", "commune", COMMUNE.window_from).name_vi == "Xã Hòa Thành"
    for spec in (COMMUNE, PROVINCE):
        assert unit(spec.foreign_unit, "commune", spec.window_from)
        assert spec.foreign_unit not in {row.unit_code for row in spec.units}


def test_a_smaller_round_keeps_every_procedure():
    small = commune_spec(scale=0.05)
    assert [row.procedure_code for row in small.frame] == [row.procedure_code for row in COMMUNE.frame]
    assert small.population < 800


def test_unknown_names_and_sources_are_refused():
    with pytest.raises(InputError, match="commune, province"):
        spec_named("district")
    with pytest.raises(InputError, match="cannot be simulated"):
        Channel("fax", "portal", 1.0, ("F1",))


def test_a_method_that_is_fed_by_scores_is_refused():
    with pytest.raises(InputError, match="not by answers"):
        build_population(COMMUNE, replace(TTHC, input="scores"), seed=1)


# The population and its truth.


def test_same_seed_gives_the_same_population_and_another_seed_another(commune):
    assert (build_population(COMMUNE, TTHC, seed=1).answers == commune.answers).all()
    assert (build_population(COMMUNE, TTHC, seed=2).answers != commune.answers).any()


def test_population_follows_the_frame(commune):
    sizes = np.bincount(commune.row)
    assert sizes.tolist() == [row.population for row in COMMUNE.frame]
    share = np.bincount(commune.row, commune.is_organisation) / sizes
    for row, found in zip(COMMUNE.frame, share, strict=True):
        assert found == pytest.approx(row.organisation_share, abs=0.12)
    assert set(np.unique(commune.answers)) == {1, 2, 3, 4, 5}


def test_units_strata_respondents_and_items_differ_as_the_model_says(commune):
    flat = replace(COMMUNE.effects, stratum=0.0, respondent=0.0, item=0.0)
    plain = build_population(replace(COMMUNE, effects=flat), TTHC, seed=1).answers

    def correlation(answers):
        return np.corrcoef(answers[:, 0], answers[:, 1])[0, 1]

    assert abs(correlation(plain)) < 0.05
    assert correlation(commune.answers) > 0.2
    assert np.ptp(commune.answers.mean(axis=0)) > 3 * np.ptp(plain.mean(axis=0))


def test_truth_is_the_share_of_satisfied_answers_recomputed_by_hand(commune):
    satisfied = (commune.answers >= 4) * 100.0
    assert truth_of(commune, "A1", "top2", "22243") == pytest.approx(satisfied[:, 0].mean(), rel=1e-12)
    assert truth_of(commune, TTHC.tree.code, "top2", "22243") == pytest.approx(satisfied.mean(), rel=1e-12)
    assert truth_of(commune, TTHC.tree.code, "mean5", "22243") == pytest.approx(commune.answers.mean() * 20, rel=1e-12)


def test_truth_has_every_node_measure_and_unit_and_the_province_pools_its_communes(province):
    truth = true_values(province)
    units = 4 + 1
    assert truth.num_rows == units * len(SIPAS.nodes) * len(SIPAS.measures)
    assert set(truth["breakdown"].to_pylist()) == {""}
    pooled = (province.answers >= 4).mean() * 100
    assert truth_of(province, SIPAS.tree.code, "top2", "33") == pytest.approx(pooled, rel=1e-12)
    sizes = truth.filter(pc.field("unit_code") == "33")["population"].unique().to_pylist()
    assert sizes == [PROVINCE.population]


def test_truth_follows_means_and_sums_of_the_tree(commune):
    leaf = {code: Node(code, Level.ITEM, code, code, weight=weight) for code, weight in (("A1", 1.0), ("A2", 3.0))}
    kinds = {"mean": Combination.MEAN, "sum": Combination.SUM}
    for name, kind in kinds.items():
        tree = Node(name, Level.INDEX, name, name, kind, tuple(leaf.values()))
        short = build_population(COMMUNE, replace(TTHC, tree=tree), seed=3)
        first, second = ((short.answers[:, item] >= 4).mean() * 100 for item in (0, 1))
        expected = (first + 3 * second) / (4 if name == "mean" else 1)
        assert truth_of(short, name, "top2", "22243") == pytest.approx(expected, rel=1e-12)


# The sample: intervals of textbook estimators, written here anew, must hold the truth at the nominal rate.


def stratified_mean(population, members, values):
    """Mean and its standard error for simple random samples in strata; Cochran (1977), section 5."""
    names = np.array(["/".join(stratum_of(population.spec, row)) for row in population.spec.frame])[population.row]
    mean = variance = 0.0
    for name in np.unique(names):
        own = members[names[members] == name]
        size = (names == name).sum()
        mean += size / len(names) * values[own].mean()
        variance += (size / len(names)) ** 2 * (1 - len(own) / size) * values[own].var(ddof=1) / len(own)
    return mean, np.sqrt(variance)


def clustered_mean(population, members, values):
    """Mean and its standard error for equal takes of units drawn in proportion to size; Cochran (1977), section 9A."""
    mean = variance = 0.0
    for index in range(len(population.unit_codes)):
        own = members[population.unit[members] == index]
        share = (population.unit == index).mean()
        psus = np.array([values[own[population.row[own] == row]].mean() for row in np.unique(population.row[own])])
        mean += share * psus.mean()
        variance += share**2 * psus.var(ddof=1) / len(psus)
    return mean, np.sqrt(variance)


@pytest.mark.parametrize(
    ("name", "estimator", "freedom"), [("commune", stratified_mean, 500), ("province", clustered_mean, 8)]
)
def test_intervals_of_textbook_estimators_hold_the_truth_at_the_nominal_rate(name, estimator, freedom, request):
    population = request.getfixturevalue(name)
    values = (population.answers >= 4).mean(axis=1) * 100
    draws = [estimator(population, draw_sample(population, seed), values) for seed in range(400)]
    means, errors = np.array(draws).T
    truth = values.mean()
    assert abs(means.mean() - truth) < 4 * means.std() / np.sqrt(len(means))
    held = np.mean(np.abs(means - truth) <= stats.t.ppf(0.975, freedom) * errors)
    assert 0.92 <= held <= 0.985


def test_each_member_of_a_stratum_has_the_same_chance_to_be_drawn(province):
    drawn = np.zeros(province.size)
    for seed in range(300):
        drawn[draw_sample(province, seed)] += 1
    of_unit = drawn[province.unit == 0]
    by_village = np.array([of_unit[province.row[province.unit == 0] == row].mean() for row in range(20)])
    expected = 300 * 36 / (province.unit == 0).sum()
    assert np.abs(by_village / expected - 1).max() < 0.6
    assert of_unit.mean() == pytest.approx(expected, rel=1e-12)


def test_villages_too_large_or_too_small_for_the_plan_are_refused():
    tight = replace(PROVINCE, frame=PROVINCE.frame[:2])
    with pytest.raises(InputError, match="do not allow"):
        plan_sample(tight, seed=1)


# What is recorded.


def test_without_faults_the_recorded_answers_are_the_true_ones(commune):
    clean = replace(commune, spec=COMMUNE.without_faults())
    responses = simulate_answers(clean, seed=5)
    recorded = np.stack([responses.columns[item] for item in TTHC.items], axis=1)
    assert len(recorded) >= 500
    assert (recorded == commune.answers[responses.member]).all()


def test_blanks_one_column_ticking_and_refusals_occur_as_often_as_asked(commune):
    faults = replace(COMMUNE.without_faults().faults, blanks=0.1, straight_liners=0.2, nonresponse=0.1)
    responses = simulate_answers(replace(commune, spec=replace(COMMUNE, faults=faults)), seed=5)
    recorded = np.stack([responses.columns[item] for item in TTHC.items], axis=1)
    planned = sum(take.size for take in plan_sample(COMMUNE, 5))
    assert len(recorded) == planned - round(0.1 * planned)
    assert (recorded[~responses.straight_lined] == BLANK).mean() == pytest.approx(0.1, abs=0.02)
    assert responses.straight_lined.mean() == pytest.approx(0.2, abs=0.05)
    assert (np.ptp(recorded[responses.straight_lined], axis=1) == 0).all()


def test_channel_effect_moves_answers_of_that_channel_only(commune):
    shifted = tuple(
        replace(entry, effect=-0.5 if entry.source == "postal" else 0.0) for entry in COMMUNE.without_faults().channels
    )
    spec = replace(COMMUNE.without_faults(), channels=shifted)
    responses = simulate_answers(replace(commune, spec=spec), seed=5)
    recorded = np.stack([responses.columns[item] for item in TTHC.items], axis=1)
    moved = recorded - commune.answers[responses.member]
    is_postal = responses.channel == 1
    assert not moved[~is_postal].any()
    assert set(np.unique(moved[is_postal])) == {-1, 0}
    assert (moved[is_postal] == -1).mean() == pytest.approx(0.5, abs=0.05)


def test_the_less_satisfied_drop_out_where_the_slope_is_positive(commune):
    faults = replace(COMMUNE.without_faults().faults, nonresponse=0.5, nonresponse_slope=3.0)
    kept = simulate_answers(replace(commune, spec=replace(COMMUNE, faults=faults)), seed=5).member
    assert commune.answers[kept].mean() > commune.answers[draw_sample(commune, 5)].mean() + 0.1


def test_response_table_has_the_columns_of_a_response_and_nulls_for_what_was_not_asked():
    table = simulate_responses(COMMUNE, TTHC, seed=4)
    coded = [name for form in TTHC.instruments for question in form.coded for name in question.columns]
    assert table.column_names == [*HEADER, *PROVENANCE, *dict.fromkeys(coded), COMMENT]
    frame = table.to_pandas()
    of_organisation = frame[frame.respondent == "organisation"]
    assert len(of_organisation) > 20
    assert of_organisation.sex.isna().all() and of_organisation.organisation_kind.notna().all()
    assert set(of_organisation.channel) <= {"kiosk", "paper_post"}
    assert set(frame.procedure_field) == {row.procedure_field for row in COMMUNE.frame}
    assert table.schema.field("A1").type == "int8"


def test_multiple_choice_gives_a_column_an_option(province):
    table = response_table(simulate_answers(province, seed=4))
    for name in SIPAS.instruments[0].by_code["Q2"].columns:
        assert set(table[name].to_pylist()) == {0, 1}
    assert table.num_rows == 4 * 36 - round(0.05 * 4 * 36)


def test_windows_are_those_of_the_plans():
    assert (COMMUNE.window_from, COMMUNE.window_to) == (date(2023, 9, 1), date(2023, 10, 31))
    assert PROVINCE.window_from >= date(2025, 7, 1)


def test_the_year_before_of_the_commune_is_what_its_round_is_compared_with():
    before = spec_named("commune-before")
    assert COMMUNE.previous == before.round_id and not before.previous
    assert before.window_to < COMMUNE.window_from and before.units == COMMUNE.units
    assert {channel.source for channel in before.channels} == {"postal"}
