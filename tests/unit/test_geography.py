"""Administrative units: counts and types of each list, codes, names and what became of what."""

import csv
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geography import aliases, ancestors, find, fold, predecessors, successors, unit, units
from pipelines.geography.register import FOLDER
from pipelines.model.errors import InputError
from pipelines.model.unit import Change, Target

OLD, NEW = date(2025, 6, 30), date(2025, 7, 1)
DONG_NAI, QUANG_NINH, BAC_NINH = date(2026, 4, 30), date(2026, 9, 1), date(2026, 9, 20)
TODAY = date(2026, 11, 23)
WARDS_OF_DONG_NAI = {
    "25270": "Lộc Ninh",
    "25357": "Tân Khai",
    "25363": "Đồng Phú",
    "26116": "Tân Phú",
    "26170": "Trị An",
    "26248": "Trảng Bom",
    "26326": "Dầu Giây",
    "26368": "Long Thành",
    "26425": "Xuân Lộc",
    "26485": "Nhơn Trạch",
}


def day_before(day):
    return day - timedelta(days=1)


def types(level, at):
    return Counter(row.type for row in units(level, at).values())


def rows_of(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# Counts


@pytest.mark.parametrize(
    ("at", "provinces", "districts", "communes"),
    [
        (date(2011, 1, 1), 63, 696, 10_035),
        (OLD, 63, 696, 10_035),
        (NEW, 34, 0, 3_321),
        (date(2026, 5, 1), 34, 0, 3_321),
        (TODAY, 34, 0, 3_321),
    ],
)
def test_each_list_has_the_official_number_of_units(at, provinces, districts, communes):
    counts = [len(units(level, at)) for level in ("province", "district", "commune")]
    assert counts == [provinces, districts, communes]


@pytest.mark.parametrize(
    ("at", "xa", "phuong"),
    [
        (NEW, 2_621, 687),
        (day_before(DONG_NAI), 2_621, 687),
        (DONG_NAI, 2_611, 697),
        (day_before(BAC_NINH), 2_611, 697),
        (BAC_NINH, 2_599, 709),
    ],
)
def test_communes_by_type_change_on_the_day_of_each_resolution(at, xa, phuong):
    assert types("commune", at) == {"xã": xa, "phường": phuong, "đặc khu": 13}


@pytest.mark.parametrize(
    ("at", "cities"),
    [(OLD, 6), (NEW, 6), (day_before(DONG_NAI), 6), (DONG_NAI, 7), (QUANG_NINH, 8), (BAC_NINH, 9)],
)
def test_centrally_run_cities_grow_by_one_with_each_resolution(at, cities):
    assert types("province", at)["thành phố"] == cities


def test_ten_xa_of_dong_nai_become_phuong_on_30_april_2026_and_keep_code_and_name():
    for code, name in WARDS_OF_DONG_NAI.items():
        assert unit(code, "commune", day_before(DONG_NAI)).name_vi == f"Xã {name}"
        assert unit(code, "commune", DONG_NAI).name_vi == f"Phường {name}"
        assert unit(code, "commune", DONG_NAI).parent_code == "75"


def test_dong_nai_is_a_province_until_29_april_2026_and_a_city_after():
    assert unit("75", "province", day_before(DONG_NAI)).name_vi == "Tỉnh Đồng Nai"
    city = unit("75", "province", DONG_NAI)
    assert (city.name_vi, city.name_en, city.type) == ("Thành phố Đồng Nai", "Dong Nai City", "thành phố")
    assert city.resolution == "30/2026/QH16"


# Form of the data


def test_every_row_is_well_formed():
    lengths = {"province": 2, "district": 3, "commune": 5}
    for row in rows_of("units.csv"):
        assert len(row["code"]) == lengths[row["level"]] and row["code"].isdigit(), row
        assert row["name_vi"] == unicodedata.normalize("NFC", row["name_vi"]).strip(), row
        assert row["name_vi"].startswith(row["type"].capitalize() + " "), row
        assert row["name_en"].isascii(), row


def test_every_parent_is_a_unit_of_the_level_above_on_every_day_of_a_child():
    days = [OLD, NEW, DONG_NAI, QUANG_NINH, BAC_NINH]
    for at in days:
        for row in units("commune", at).values():
            levels = [above.level for above in ancestors(row, at)]
            assert levels == (["district", "province"] if at <= OLD else ["province"]), row


def test_a_code_names_one_unit_at_a_time():
    periods = defaultdict(list)
    for row in rows_of("units.csv"):
        periods[row["level"], row["code"]].append((row["valid_from"] or "0000", row["valid_to"] or "9999"))
    for key, spans in periods.items():
        spans.sort()
        assert all(end < start for (_, end), (start, _) in pairwise(spans)), key


def test_no_two_communes_of_a_province_have_the_same_name_after_the_reform():
    names = Counter((row.parent_code, fold(row.name_vi)) for row in units("commune", TODAY).values())
    assert max(names.values()) == 1


# Codes


def test_a_reused_code_names_the_unit_of_its_date():
    assert unit("00004", "commune", OLD).name_vi == "Phường Trúc Bạch"
    assert unit("00004", "commune", NEW).name_vi == "Phường Ba Đình"
    reused = [
        code
        for code, row in units("commune", NEW).items()
        if code in units("commune", OLD) and fold(units("commune", OLD)[code].name_vi) != fold(row.name_vi)
    ]
    assert len(reused) > 2_000


def test_ba_che_is_found_under_either_code_and_bears_one():
    assert unit("06970", "commune", NEW) == unit("06978", "commune", NEW)
    assert unit("06978", "commune", NEW).code == "06970"
    assert (aliases(NEW), aliases(OLD)) == ({"06978": "06970"}, {})
    assert [target.code for target in successors("06978", "commune", NEW, TODAY)] == ["06970"]
    with pytest.raises(InputError):
        unit("06978", "commune", OLD)


def test_a_code_of_another_date_is_refused_with_the_date_it_had():
    with pytest.raises(InputError) as error:
        unit("564", "district", date(2026, 1, 1))
    assert "564" in error.value.what and "2026-01-01" in error.value.what
    assert "Thị xã Đông Hòa" in error.value.remedy and "2025-06-30" in error.value.remedy


@pytest.mark.parametrize("code", ["4", "00004 ", "", "99999", "4.0"])
def test_a_code_that_lost_its_zeros_or_never_was_is_refused(code):
    with pytest.raises(InputError) as error:
        unit(code, "commune", OLD)
    assert "leading zeros" in error.value.remedy


def test_an_unknown_level_is_refused():
    with pytest.raises(InputError, match="hamlet"):
        units("hamlet", OLD)


def test_the_list_of_a_date_cannot_be_changed_by_its_reader():
    with pytest.raises(TypeError):
        units("province", OLD)["99"] = unit("01", "province", OLD)


# Names


@pytest.mark.parametrize(
    "written",
    [
        "Xã Hòa Thành",
        "xã hoà thành",
        "Hòa Thành",
        "HOÀ THÀNH",
        "X. Hoà Thành",
        unicodedata.normalize("NFD", "Hòa Thành"),
    ],
)
def test_a_commune_is_found_however_its_name_is_written(written):
    assert find(written, "commune", date(2023, 5, 4), within="Phú Yên").code == "22243"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Thụy Hòa", "Thuỵ Hoà"),
        ("Úy Lỗ", "Uý Lỗ"),
        ("M'Drắk", "M’Drắk"),
        ("Bà Rịa - Vũng Tàu", "bà rịa–vũng tàu"),
        ("Phường 1", "Phường 01"),
        ("TP. Hồ Chí Minh", "Thành phố Hồ Chí Minh"),
        ("TP.Huế", "thành phố Huế"),
        ("Ðồng Nai", "Đồng Nai"),  # noqa: RUF100 - the first letter is eth
    ],
)
def test_spellings_of_one_name_fold_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Hà", "Hạ"), ("Hòa", "Hoa"), ("Đông", "Đồng"), ("Thụy", "Thúy"), ("Đa", "Da")]
)
def test_other_names_stay_apart(one, other):
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_takes_any_text_composed_or_not(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("at", [OLD, TODAY])
def test_every_unit_is_found_by_its_full_name_and_what_it_lies_in(at):
    for level in ("province", "district", "commune"):
        for row in units(level, at).values():
            within = ",".join(above.code for above in ancestors(row, at))
            assert find(row.name_vi, level, at, within) == row


def test_phuong_1_is_ambiguous_and_the_error_lists_where_it_is():
    with pytest.raises(InputError) as error:
        find("Phường 1", "commune", OLD)
    assert "33" in error.value.what
    assert "within" in error.value.remedy
    assert "Phường 1, Thành phố Đà Lạt, Tỉnh Lâm Đồng" in error.value.remedy


def test_an_ambiguous_name_is_settled_by_district_and_province():
    with pytest.raises(InputError, match="2 units"):
        find("Phường 1", "commune", OLD, within="Lâm Đồng")
    assert find("P. 1", "commune", OLD, within="TP. Đà Lạt, tỉnh Lâm Đồng") == find("Phường 1", "commune", OLD, "672")


def test_a_name_without_its_type_is_ambiguous_between_a_town_and_a_commune():
    with pytest.raises(InputError, match="2 units"):
        find("Long Phú", "commune", OLD, within="Huyện Long Phú")
    assert find("Thị trấn Long Phú", "commune", OLD, within="Huyện Long Phú").type == "thị trấn"


def test_a_unit_is_not_found_in_a_place_where_it_does_not_lie():
    with pytest.raises(InputError) as error:
        find("Xã Hòa Thành", "commune", OLD, within="Hưng Yên")
    assert "Thị xã Đông Hòa" in error.value.remedy


def test_a_name_of_the_other_list_is_not_found():
    assert find("Vĩnh Phúc", "province", OLD).code == "26"
    with pytest.raises(InputError, match="Vĩnh Phúc"):
        find("Vĩnh Phúc", "province", NEW)
    with pytest.raises(InputError):
        find("Thái Bình", "district", NEW)


# What became of what


@pytest.mark.parametrize(
    ("code", "level", "becomes", "kind"),
    [
        ("33", "province", "33", Change.MERGE),  # Hưng Yên, with Thái Bình
        ("34", "province", "33", Change.MERGE),
        ("26", "province", "25", Change.MERGE),  # Vĩnh Phúc → Phú Thọ
        ("54", "province", "66", Change.MERGE),  # Phú Yên → Đắk Lắk
        ("01", "province", "01", Change.SAME),
        ("22243", "commune", "22240", Change.MERGE),  # xã Hòa Thành → phường Phú Yên
    ],
)
def test_places_of_our_documents_lead_to_their_successors(code, level, becomes, kind):
    assert successors(code, level, date(2023, 1, 1), NEW) == (Target(becomes, level, kind, True),)


def test_hung_yen_has_its_communes_before_and_after():
    def communes(at):
        return [row for row in units("commune", at).values() if ancestors(row, at)[-1].code == "33"]

    assert (len(communes(OLD)), len(communes(NEW))) == (139, 104)
    assert sum(row.parent_code == "33" for row in units("district", OLD).values()) == 10


def test_the_merger_of_provinces_divides_none():
    reached = Counter()
    for code in units("province", OLD):
        (target,) = successors(code, "province", OLD, NEW)
        reached[target.code] += 1
    assert (len(reached), sum(reached.values())) == (34, 63)
    assert set(reached) == set(units("province", NEW))


def test_every_old_commune_has_successors_of_which_one_is_the_default():
    new = units("commune", NEW)
    for code in units("commune", OLD):
        targets = successors(code, "commune", OLD, NEW)
        assert [target.is_default for target in targets].count(True) == 1, code
        assert targets[0].is_default and {target.code for target in targets} <= set(new), code
        assert (len(targets) > 1) == (targets[0].kind is Change.SPLIT), code


def test_every_new_commune_comes_from_somewhere_in_its_own_province():
    for code, row in units("commune", NEW).items():
        sources = predecessors(code, "commune", OLD, NEW)
        assert sources, code
        for source in sources:
            above = ancestors(unit(source.code, source.level, OLD), OLD)[-1].code
            assert successors(above, "province", OLD, NEW)[0].code == row.parent_code, (source, row)


def test_predecessors_and_successors_tell_the_same_story():
    forwards = {(code, target) for code in units("commune", OLD) for target in successors(code, "commune", OLD, TODAY)}
    backwards = {
        (source.code, Target(code, "commune", source.kind, source.is_default))
        for code in units("commune", TODAY)
        for source in predecessors(code, "commune", OLD, TODAY)
        if source.level == "commune"
    }
    assert forwards == backwards


@pytest.mark.parametrize(
    ("district", "zone", "name"),
    [
        ("318", "11948", "Đặc khu Bạch Long Vĩ"),
        ("471", "19742", "Đặc khu Cồn Cỏ"),
        ("498", "20333", "Đặc khu Hoàng Sa"),
        ("536", "21548", "Đặc khu Lý Sơn"),
        ("755", "26732", "Đặc khu Côn Đảo"),
    ],
)
def test_island_districts_without_communes_become_dac_khu(district, zone, name):
    assert successors(district, "district", OLD, NEW) == (Target(zone, "commune", Change.RENAME, True),)
    assert predecessors(zone, "commune", OLD, NEW) == (Target(district, "district", Change.RENAME, True),)
    assert unit(zone, "commune", NEW).name_vi == name


def test_any_other_district_has_no_successor():
    assert successors("564", "district", OLD, NEW) == ()


@pytest.mark.parametrize(
    ("code", "level", "becomes"),
    [
        ("28252", "commune", "28249"),  # Phường 4, Mỹ Tho: not in Cao Lãnh, whose namesake is
        ("25462", "commune", "25459"),  # Phường 4, Tây Ninh: not in Long An
        ("31379", "commune", "31378"),  # Xã Phú Tân, Hậu Giang
        ("31582", "commune", "31582"),  # Xã Phú Tân, Sóc Trăng
    ],
)
def test_a_commune_does_not_go_where_its_namesake_of_a_merged_province_went(code, level, becomes):
    assert [target.code for target in successors(code, level, OLD, NEW)] == [becomes]


def test_a_change_of_type_is_a_rename_and_a_longer_way_keeps_the_greatest_change():
    assert successors("26248", "commune", NEW, DONG_NAI) == (Target("26248", "commune", Change.RENAME, True),)
    assert successors("26248", "commune", OLD, DONG_NAI)[0].kind is Change.MERGE
    assert successors("75", "province", NEW, TODAY) == (Target("75", "province", Change.RENAME, True),)


def test_a_unit_is_its_own_successor_where_nothing_changed():
    assert successors("22240", "commune", NEW, TODAY) == (Target("22240", "commune", Change.SAME, True),)
    assert successors("22243", "commune", date(2020, 1, 1), OLD) == (Target("22243", "commune", Change.SAME, True),)


def test_going_back_in_time_is_refused():
    with pytest.raises(ValueError, match="back in time"):
        successors("01", "province", NEW, OLD)


def test_importing_reads_no_data():
    code = "import pipelines.geography.register as r; assert r._rows.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=FOLDER.parents[1])


def test_the_number_of_split_communes_lies_where_two_independent_mappings_put_it():
    split = {row["from_code"] for row in rows_of("crosswalk.csv") if row["kind"] == "split"}
    assert 435 <= len(split) <= 471
