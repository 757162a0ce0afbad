"""Adding a method is adding a folder: a ward's own form of nine questions, written here, run to a draft."""

from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from e2e_kit import Command

VI, EN = "label::Tiếng Việt (vi)", "label::English (en)"
FACTORS = {"OFFICIALS": ["C1", "C2", "C3"], "RESULTS": ["D1", "D2"], "FEEDBACK": ["E1", "E2", "E3", "E4"]}
ITEMS = [item for items in FACTORS.values() for item in items]
LEVELS = ["Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng"]
METHOD = """
programme: ward
version: "2026"
regime: B
input: responses
title: {vi: Mức độ hài lòng tại phường, en: Satisfaction in the ward}
measures:
  - {name: top2, default: true, unit: percent, status: local, title: {vi: Tỷ lệ hài lòng, en: Share satisfied},
     points: {1: 0, 2: 0, 3: 0, 4: 100, 5: 100}}
rules:
  combination: {value: pooled, status: local}
tree:
  code: WARD
  level: index
  title: {vi: Chung, en: Overall}
  combination: pooled
  children:
    - {code: OFFICIALS, level: factor, title: {vi: Công chức, en: Officials}, children: [C1, C2, C3]}
    - {code: RESULTS, level: factor, title: {vi: Kết quả, en: Results}, children: [D1, D2]}
    - {code: FEEDBACK, level: factor, title: {vi: Góp ý, en: Feedback}, children: [E1, E2, E3, E4]}
"""
ROUND = """
id: ward-2026
programme: ward
method: "2026"
year: 2026
title: {vi: Khảo sát tại phường, en: Survey in the ward}
window: {from: 2026-03-01, to: 2026-03-31}
unit_level: office
design: {finite_population: false}
sources:
  - {source: postal, instance: ward, channel: paper_desk, options: {inbox: inbox/ward}}
"""
# Printed as digits; a blank is an answer not given. Columns: C1 C2 C3 D1 D2 E1 E2 E3 E4.
FORMS = ["555555555", "444433333", "5 4321123", "3333 4455"]


def write_form(path: Path) -> None:
    """Write the questionnaire as anybody would in Excel."""
    book = openpyxl.Workbook()
    survey = book.active
    survey.title = "survey"
    survey.append(["type", "name", VI, EN, "item_code", "role", "status"])
    for name in ("record_id", "unit_code", "submitted_at"):
        kind = "dateTime" if name == "submitted_at" else "text"
        survey.append([kind, name, name, name, name, "header", "local"])
    for item in ITEMS:
        survey.append(["select_one level", item.lower(), f"Câu {item}", f"Question {item}", item, "item", "local"])
    choices = book.create_sheet("choices")
    choices.append(["list_name", "name", VI, EN, "status"])
    for code, label in enumerate(LEVELS, 1):
        choices.append(["level", code, label, label, "local"])
    form = book.create_sheet("settings")
    form.append(["form_title", "form_title_en", "form_id", "version", "default_language"])
    form.append(["Phiếu của phường", "Form of the ward", "ward_form", "2026.1", "Tiếng Việt (vi)"])
    book.save(path)


@pytest.fixture
def methods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of methods with one method in it."""
    method = tmp_path / "methods" / "ward" / "2026"
    (method / "mappings").mkdir(parents=True)
    (method / "method.yml").write_text(METHOD, encoding="utf-8")
    write_form(method / "desk.xlsx")
    headings = {"Số phiếu": "record_id", "Bộ phận": "unit_code", "Ngày": "submitted_at"}
    lines = [f"    {heading}: {target}" for heading, target in (headings | {f"Câu {i}": i for i in ITEMS}).items()]
    mapping = ["- form: desk", "  headings:", *lines, "  time_format: '%d/%m/%Y'"]
    (method / "mappings" / "postal.yml").write_text("\n".join(mapping) + "\n", encoding="utf-8")
    return tmp_path / "methods"


def test_form_of_a_ward_runs_to_a_draft_without_a_line_of_code(
    hailong: Command, methods: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HAILONG_METHODS", str(methods))
    round_folder, inbox = folder / "rounds/ward-2026", folder / "inbox/ward"
    for created in (round_folder, inbox):
        created.mkdir(parents=True)
    (round_folder / "round.yml").write_text(ROUND, encoding="utf-8")
    units = "unit_code,name_vi,name_en,level\nVP,Văn phòng,Office,office\n"
    (round_folder / "units.csv").write_text(units, encoding="utf-8")
    rows = [["Số phiếu", "Bộ phận", "Ngày", *(f"Câu {item}" for item in ITEMS)]]
    rows += [[str(number), "VP", f"{number:02d}/03/2026", *form] for number, form in enumerate(FORMS, 1)]
    (inbox / "phieu.csv").write_text("\n".join(";".join(row) for row in rows) + "\n", encoding="utf-8")

    told = hailong("run", "ward", "--round", "ward-2026")
    assert (told.code, told.err) == (0, "") and "Văn phòng" in told.out
    table = pq.read_table(folder / "results/ward-2026/index_score.parquet").to_pandas()
    table = table[table.breakdown == ""].set_index("node_code")
    # by hand, of the four forms above: how many of the valid answers are 4 or 5
    items = {
        "C1": 3 / 4,
        "C2": 2 / 3,
        "C3": 3 / 4,
        "D1": 2 / 4,
        "D2": 1 / 3,
        "E1": 2 / 4,
        "E2": 2 / 4,
        "E3": 2 / 4,
        "E4": 2 / 4,
    }
    factors = {name: sum(items[item] for item in members) / len(members) for name, members in FACTORS.items()}
    shares = items | factors | {"WARD": sum(items.values()) / 9}
    assert table.score.to_dict() == pytest.approx({code: 100 * share for code, share in shares.items()}, rel=1e-12)
    assert table.n[["C1", "C2", "D2"]].tolist() == [4, 3, 3]
