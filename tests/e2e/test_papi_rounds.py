"""The published PAPI scores of 63 provinces as rounds, by the codebook of each year, to a publication."""

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from e2e_kit import Command, context, reports, warehouse

from pipelines import geography, stages

TABLE = "papi/papi_subdimensions_2011_2020.csv"
BA_RIA_VUNG_TAU = "77"
DOMAINS = {2011: 6, 2018: 8, 2020: 8}
ROUND_FILE = """
id: papi-{year}
programme: papi
method: "2011"
year: {year}
title: {{vi: PAPI năm {year}, en: PAPI {year}}}
window: {{from: {year}-01-01, to: {year}-12-31}}
unit_level: province
design: {{finite_population: false}}
sources:
  - {{source: score_table, instance: papi, channel: published, options: {{inbox: inbox/papi}}}}
"""


def write_round(folder: Path, year: int) -> None:
    """Write the folder of a round as the guide says."""
    target = folder / "rounds" / f"papi-{year}"
    target.mkdir(parents=True)
    (target / "round.yml").write_text(ROUND_FILE.format(year=year), encoding="utf-8")
    with (target / "units.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["unit_code", "name_vi", "name_en", "level"])
        for unit in geography.units("province", date(year, 12, 31)).values():
            writer.writerow([unit.code, unit.name_vi, unit.name_en, unit.level])


@pytest.fixture
def table(reference: Path, folder: Path) -> pd.DataFrame:
    """The real table, laid into the inbox; rounds of three years with three codebooks."""
    (folder / "inbox/papi").mkdir(parents=True)
    shutil.copyfile(reference / TABLE, folder / "inbox/papi/scores.csv")
    for year in DOMAINS:
        write_round(folder, year)
    return pd.read_csv(reference / TABLE)


def expected_totals(table: pd.DataFrame, year: int) -> pd.Series:
    """Return the sum of what the year's table holds, without provinces that lack a score others have."""
    rows = table[table.year == year].set_index("province").filter(regex="^SC")
    return rows.dropna(axis=1, how="all").sum(axis=1, skipna=False)


def scores(folder: Path, year: int) -> pd.DataFrame:
    return pq.read_table(folder / f"results/papi-{year}/index_score.parquet").to_pandas()


def test_three_years_are_summed_ranked_grouped_and_published(hailong: Command, table: pd.DataFrame, folder: Path):
    for year, domains in DOMAINS.items():
        assert hailong("run", "papi", "--round", f"papi-{year}").code == 0
        found, totals = scores(folder, year), expected_totals(table, year)
        index = found[found.node_code == "PAPI"]
        assert index.score.dropna().sort_values().tolist() == pytest.approx(sorted(totals.dropna()), rel=1e-12)
        assert len(found[found.node_level == "domain"]) == 63 * domains
        expect_domains_to_add_up(found)
        assert set(index["rank"].dropna()) == set(range(1, totals.count() + 1))

    for year, groups in ((2011, [16, 16, 15, 16]), (2018, [16, 15, 15, 15]), (2020, [16, 16, 15, 16])):
        index = scores(folder, year).query("node_code == 'PAPI'")
        assert index.group_no.value_counts().sort_index().tolist() == groups
    expect_ba_ria_vung_tau(folder)
    expect_withheld_provinces(table, folder)
    expect_publication(hailong, folder)


def expect_domains_to_add_up(found: pd.DataFrame) -> None:
    domains = found[found.node_level == "domain"].groupby("unit_code").score.sum(min_count=1)
    index = found[found.node_code == "PAPI"].set_index("unit_code").score.dropna()
    assert domains[index.index].to_dict() == pytest.approx(index.to_dict(), rel=1e-12)
    leaves = found[found.node_level == "factor"]
    by_domain = leaves.groupby(["unit_code", "D" + leaves.node_code.str[0]]).score.sum()
    for row in found[(found.node_level == "domain") & found.score.notna()].itertuples():
        assert by_domain[row.unit_code, row.node_code] == pytest.approx(row.score, rel=1e-12)


def expect_ba_ria_vung_tau(folder: Path) -> None:
    total = scores(folder, 2020).query("node_code == 'PAPI'").set_index("unit_code").loc[BA_RIA_VUNG_TAU]
    assert round(total.score, 4) == 44.4560 and (total["rank"], total.group_no) == (11, 1)


def expect_withheld_provinces(table: pd.DataFrame, folder: Path) -> None:
    blank = expected_totals(table, 2018).isna().sum()
    index = scores(folder, 2018).query("node_code == 'PAPI'")
    withheld = index[index.score.isna()]
    assert len(withheld) == blank == 2 and set(withheld.flag_reason) == {"withheld"}
    assert withheld["rank"].isna().all() and withheld.group_no.isna().all()
    assert not (scores(folder, 2018).score == 0).any()


def expect_publication(hailong: Command, folder: Path) -> None:
    assert hailong("approve", "papi-2020.1", "--person", "lanh-dao").code == 0
    assert hailong("publish", "papi-2020.1").code == 0
    assert hailong("verify", "papi-2020.1").code == 0
    rows = warehouse(folder, "SELECT round_id, count(*) FROM mart.index_score GROUP BY 1 ORDER BY 1")
    assert rows == [("papi-2011", 63 * 29), ("papi-2018", 63 * 37), ("papi-2020", 63 * 38)]
    query = f"SELECT score FROM published.index_score WHERE unit_code = '{BA_RIA_VUNG_TAU}' AND node_code = 'PAPI'"
    assert round(warehouse(folder, query)[0][0], 4) == 44.4560
    manifest = json.loads((folder / "releases/papi-2020.1/manifest.json").read_bytes())
    (landed,) = (folder / "receipts/papi-2020/score_table").glob("*.json")
    assert [landed.stem in one["path"] for one in manifest["made_from"]["inputs"]] == [True]


def test_each_row_of_the_table_is_taken_or_refused_with_a_reason(table: pd.DataFrame, folder: Path):
    path = folder / "inbox/papi/scores.csv"
    text = path.read_text(encoding="utf-8").replace("2020,P02,", "2020,P99,")
    first = text.splitlines()[-60].split(",")
    path.write_text(text.replace(",".join(first), ",".join([*first[:3], "7.5", *first[4:]])), encoding="utf-8")
    opened = context(folder)
    stages.collect(opened, "score_table", "papi-2020")
    for batch in stages.pending_batches(opened, "score_table", "papi-2020"):
        stages.conform(opened, batch)
    (report,) = reports(folder, "papi-2020")
    assert report["rows_in"] == len(table) == 630 and report["accepted"] == 63 - report["rejected"] + 567
    reasons = dict(line[1:] for line in stages.reject_lines(opened, "papi-2020"))
    assert reasons["R301_OUTSIDE_WINDOW"] == "567"
    assert reasons["R202_UNKNOWN_UNIT"] == "1" and reasons["R209_OUT_OF_RANGE"] == "1"


def test_corrected_table_holds_over_the_earlier_one(hailong: Command, table: pd.DataFrame, folder: Path):
    assert hailong("run", "papi", "--round", "papi-2020").code == 0
    path = folder / "inbox/papi/scores.csv"
    place = (table.year == 2020) & (table.province_code == "P01")
    corrected = table.assign(SC11=table.SC11.where(~place, 2.0))
    # the clock of landing has seconds, and a correction comes later than the table it corrects
    for receipt in (folder / "receipts/papi-2020/score_table").glob("*.json"):
        landed = json.loads(receipt.read_bytes()) | {"landed_at": "2021-04-14T00:00:00+00:00"}
        receipt.write_text(json.dumps(landed), encoding="utf-8")
    corrected.to_csv(path, index=False)
    assert "papi-2020.2" in hailong("run", "papi", "--round", "papi-2020").out
    found = scores(folder, 2020).set_index(["unit_code", "node_code"]).score
    assert found["01", "1.1"] == 2.0 and len(found) == 63 * 38
