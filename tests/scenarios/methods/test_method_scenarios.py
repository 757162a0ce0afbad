"""Every scenario of every method: the left block is scored by the pipeline, the right block is what must come out."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from records_kit import make_round

from pipelines import estimate
from pipelines.formats.numbers import NOTHING, round_half_up
from pipelines.methods import load_method
from pipelines.methods.library import BUILT_IN
from pipelines.model.method import Method
from pipelines.stages.collecting import collect, conform, pending_batches
from pipelines.stages.scoring import score_tables

ARROW = "=>"
PLACE = {"unit": "unit_code", "node": "node_code"}
TEXTS, NUMBERS = ("flag", "flag_reason", "ci_method"), ("score", "se", "n", "rank", "group_no")
SOURCES = {"dossiers": "dossiers", "indicators": "indicator_table"}
SCENARIOS = sorted(BUILT_IN.glob("*/*/scenarios/*.csv"))


@dataclass(frozen=True)
class Scenario:
    method: Method
    given: list[dict[str, str]]
    expected: list[dict[str, str]]


def read(path: Path) -> Scenario:
    headings, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    middle = headings.index(ARROW)
    blocks = [(headings[:middle], slice(0, middle)), (headings[middle + 1 :], slice(middle + 1, None))]
    given, expected = (
        [dict(zip(names, row[part], strict=True)) for row in rows if any(row[part])] for names, part in blocks
    )
    return Scenario(load_method(path.parts[-4], path.parts[-3]), given, expected)


def scores(scenario: Scenario, root: Path) -> list[dict]:
    match scenario.method.input:
        case "responses":
            return of_responses(scenario).to_pylist()
        case "scores":
            return of_scores(scenario).to_pylist()
    return of_records(scenario, root).to_pylist()


def of_responses(scenario: Scenario) -> pa.Table:
    method = scenario.method
    codes = {question.code: question.code_list.codes for form in method.instruments for question in form.items}
    spec = estimate.TallySpec(
        items=method.items,
        measures={measure.name: measure.points for measure in method.measures},
        options={item: tuple(sorted(codes[item])) for item in method.items},
        nodes=estimate.inner_nodes(method.tree),
    )
    columns = {name: [row.get(name) or None for row in scenario.given] for name in ("unit_code", *method.items)}
    answers = {item: pa.array([cell and int(cell) for cell in columns[item]], pa.int8()) for item in method.items}
    table = pa.table({"unit_code": columns["unit_code"], **answers}).select(list(spec.columns))
    return estimate.index_scores(estimate.tally(table.to_batches(), spec), spec, method.tree)


def of_scores(scenario: Scenario) -> pa.Table:
    rows = [
        {"unit_code": row["unit_code"], "node_code": row["node_code"], "score": float(row["score"] or "nan")}
        for row in scenario.given
    ]
    leaves = [row | {"score": None if row["score"] != row["score"] else row["score"]} for row in rows]
    schema = pa.schema([("unit_code", pa.string()), ("node_code", pa.string()), ("score", pa.float64())])
    year = int(scenario.given[0]["year"])
    return estimate.published_scores(pa.Table.from_pylist(leaves, schema), scenario.method.tree, year)


def of_records(scenario: Scenario, root: Path) -> pa.Table:
    """Land, conform and screen the rows as a file of the source, and score what was accepted."""
    method, given = scenario.method, scenario.given
    day = method.dossiers.day if method.dossiers else "year"
    year = int(next(row[day] for row in given if row[day])[:4])
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in given[0] if name != "year"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(given)
    codes = sorted({row["unit_code"] for row in given} | {row["unit"] for row in scenario.expected})
    units = "unit_code,name_vi,level\n" + "".join(f"{code},Đơn vị {code},agency\n" for code in codes)
    source = SOURCES[method.input]
    context = make_round(
        root, method.programme, method.version, source, year, units, {"table.csv": text.getvalue()}, level="agency"
    )
    collect(context, source)
    for batch in pending_batches(context, source):
        conform(context, batch)
    return score_tables(context, context.round("test"))[0]


def found_for(row: dict[str, str], table: list[dict], method: Method) -> dict:
    place = {PLACE.get(name, name): value for name, value in row.items() if name in PLACE}
    default = next(measure.name for measure in method.measures if measure.is_default)
    place |= {"measure": row.get("measure") or default}
    place |= {name: row.get(name) or "" for name in ("breakdown", "category")}
    matches = [one for one in table if all(one[name] == value for name, value in place.items())]
    assert len(matches) == 1, f"{place}: {len(matches)} scores"
    return matches[0]


def printed(method: Method, score: float | None) -> str:
    return NOTHING if score is None else str(round_half_up(score, method.rule("rounding")["decimals"]))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: "/".join((*path.parts[-4:-2], path.stem)))
def test_scenario_gives_what_its_table_expects(path: Path, tmp_path: Path):
    scenario = read(path)
    assert scenario.expected
    table = scores(scenario, tmp_path)
    for row in scenario.expected:
        found = found_for(row, table, scenario.method)
        if row.get("printed"):
            assert printed(scenario.method, found["score"]) == row["printed"], row
        for name in TEXTS:
            if row.get(name):
                assert found[name] == row[name], row
        for name in NUMBERS:
            if row.get(name):
                assert found[name] == pytest.approx(float(row[name]), rel=1e-9), row


def test_every_method_has_a_scenario():
    with_scenarios = {path.parent.parent for path in SCENARIOS}
    assert with_scenarios == {path.parent for path in BUILT_IN.glob("*/*/method.yml")}
