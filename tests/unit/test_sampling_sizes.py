"""Sizes of samples: published sizes, a textbook's, and what is refused."""

from fractions import Fraction

import pytest

from pipelines.model.errors import InputError
from pipelines.sampling import SizeRule, cochran, rates, sample_size, yamane
from pipelines.sampling.sizes import Rule


def test_the_formula_of_survey_plans_gives_386_of_10450_dossiers():
    assert yamane(10_450, 0.05) == 386


def test_a_whole_result_is_not_rounded_up_to_the_next():
    assert yamane(400, 0.05) == 200
    assert all(yamane(n, 0.05) == -(-n * 400 // (400 + n)) for n in range(1, 3000))


def test_cochrans_island_of_3200_people_needs_356():
    two_sigma = 0.9544997361036416
    assert cochran(0.05, two_sigma, 3200) == 356  # Cochran 1977, section 4.4
    assert cochran(0.05, two_sigma) == 400


def test_cochrans_size_without_a_known_population_is_385_at_95_percent():
    assert cochran(0.05, 0.95) == 385
    assert cochran(0.05, 0.95, design_effect=1.5) == 577  # 384.146 × 1.5 = 576.2
    assert cochran(0.05, 0.95, proportion=0.9) == 139  # 3.8415 × 0.09 / 0.0025 = 138.3


def test_nobody_is_asked_twice_however_large_the_design_effect():
    assert cochran(0.05, 0.95, 100, design_effect=2.0) == 100


HOA_THANH = SizeRule(rule=Rule.STEPS, steps=((0, 100), (10_000, 500)))
DISTRICTS = SizeRule(rule=Rule.TYPES, types=(("Huyện", 500), ("Thị xã", 600), ("Thành phố", 600)))
COMMUNES = SizeRule(rule=Rule.TYPES, types=(("Xã", 150), ("Phường", 200), ("Thị trấn", 200)))


def test_hoa_thanh_asks_500_of_10450_by_its_step_and_386_without():
    assert sample_size(HOA_THANH, 10_450) == 500
    assert sample_size(SizeRule(minimum=500), 10_450) == 500
    assert sample_size(SizeRule(), 10_450) == 386
    assert sample_size(HOA_THANH, 9_999) == 100
    assert sample_size(HOA_THANH, 60) == 60


def test_binh_duongs_tables_of_2017_add_up_to_5000_and_15800():
    districts = [f"Huyện {i}" for i in range(4)] + [f"Thị xã {i}" for i in range(4)] + ["Thành phố Thủ Dầu Một"]
    communes = [f"Xã {i}" for i in range(48)] + [f"Phường {i}" for i in range(40)] + [f"Thị trấn {i}" for i in range(3)]
    assert sum(sample_size(DISTRICTS, 10**6, name) for name in districts) == 5_000
    assert sum(sample_size(COMMUNES, 10**6, name) for name in communes) == 15_800


def test_a_size_without_a_step_or_type_is_refused():
    with pytest.raises(InputError, match="no step holds for a population of 5"):
        sample_size(SizeRule(rule=Rule.STEPS, steps=((10, 5),)), 5)
    with pytest.raises(InputError, match="no type of unit fits “Xãm”"):
        sample_size(COMMUNES, 5, "Xãm")


def test_rates_of_the_national_survey_of_2021():
    found = rates(30_000, 28_439, 28_372)
    assert [round(rate, 2) for rate in vars(found).values()] == [94.80, 99.76, 94.57]


def test_rates_of_nothing_are_unknown():
    assert rates(0, 0, 0).returned is None
    assert Fraction(0) == rates(5, 0, 0).returned
