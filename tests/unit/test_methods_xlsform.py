"""Reading questionnaires: what a good workbook gives, and what each mistake in one is told."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.methods import load_instrument
from pipelines.model.errors import InputError
from pipelines.model.instrument import Kind, Role, Status

WORKPLACE = Path(__file__).parents[1] / "fixtures" / "methods" / "workplace" / "2017" / "rse.xlsx"
VI, EN = "label::Tiếng Việt (vi)", "label::English (en)"
Edit = Callable[..., Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """Return a function that writes one cell of the fixture's workbook, by sheet, row and heading, to a copy."""

    def write(sheet: str, row: int, heading: str, value: object) -> Path:
        path = tmp_path / "rse.xlsx"
        book = openpyxl.load_workbook(path if path.exists() else WORKPLACE)
        headings = [cell.value for cell in book[sheet][1]]
        if heading not in headings:
            book[sheet].cell(1, len(headings) + 1, heading)
            headings.append(heading)
        book[sheet].cell(row, headings.index(heading) + 1).value = value
        book.save(path)
        return path

    return write


def complaint(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load_instrument(path)
    assert caught.value.remedy
    assert str(path) in caught.value.where
    return caught.value


def test_a_workbook_gives_questions_with_code_path_role_and_list():
    instrument = load_instrument(WORKPLACE)
    question = instrument.by_code["turnOver5"]
    assert (instrument.id, instrument.version, len(instrument.items)) == ("rse", "2017.1", 20)
    assert (question.kind, question.role, question.path) == (Kind.SELECT_ONE, Role.ITEM, "likert2/turnOver5")
    assert question.code_list is not None
    assert question.code_list.codes == {1, 2, 3, 4, 5}
    assert instrument.by_code["unit_code"].required
    assert not question.required


def test_the_hash_is_that_of_the_bytes(edit: Edit):
    changed = edit("survey", 6, VI, "Chữ khác")
    assert load_instrument(changed).sha256 != load_instrument(WORKPLACE).sha256


def test_text_in_decomposed_unicode_is_composed(edit: Edit):
    path = edit("survey", 6, VI, unicodedata.normalize("NFD", "Đáp ứng đầy đủ"))
    assert load_instrument(path).items[0].label_vi == unicodedata.normalize("NFC", "Đáp ứng đầy đủ")


@pytest.mark.parametrize(("text", "status"), [("seen", Status.SEEN), (None, Status.LOCAL), ("local", Status.LOCAL)])
def test_the_status_of_a_wording_is_read_and_local_where_it_is_not_said(edit: Edit, text: str | None, status: Status):
    assert load_instrument(edit("survey", 6, "status", text)).items[0].status is status


def test_a_multiple_choice_has_a_column_an_option(edit: Edit):
    edit("survey", 6, "type", "select_multiple agreement")
    question = load_instrument(edit("survey", 6, "role", "perception")).by_code["turnOver5"]
    assert question.columns == tuple(f"turnOver5_{code}" for code in range(1, 6))


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.HEADER, Role.COMMENT)])
def test_every_role_has_a_type_of_question(edit: Edit, role: Role):
    edit("survey", 7, "type", "text" if role is Role.IDENTITY else "select_one agreement")
    assert load_instrument(edit("survey", 7, "role", role)).questions[4].role is role


@pytest.mark.parametrize(
    ("sheet", "row", "heading", "value", "what"),
    [
        ("survey", 7, "item_code", "turnOver5", "'turnover5' is taken by row 6"),
        ("survey", 7, "item_code", "TURNOVER5", "'turnover5' is taken by row 6"),
        ("survey", 7, "item_code", None, "the cell is empty"),
        ("survey", 7, "item_code", "mục 1", "is no code"),
        ("survey", 7, "item_code", "unit_code", "is a field of every response"),
        ("survey", 2, "item_code", "commune", "is no field of the response"),
        ("survey", 7, "name", "turnOver5", "'likert2/turnOver5' is taken by row 6"),
        ("survey", 7, "name", None, "the cell is empty"),
        ("survey", 7, "role", "itme", "unknown role 'itme'"),
        ("survey", 7, "role", None, "the cell is empty"),
        ("survey", 7, "role", "comment", "a question of role comment cannot be of type select_one"),
        ("survey", 2, "role", "item", "a question of role item cannot be of type text"),
        ("survey", 2, "role", "comment", "the comment has code 'record_id'"),
        ("survey", 7, "status", "sure", "unknown status 'sure'"),
        ("survey", 7, VI, None, "the cell is empty"),
        ("survey", 7, EN, "   ", "the cell is empty"),
        ("survey", 7, "type", "select_one", "select_one needs exactly one code list"),
        ("survey", 7, "type", "select_one agreement or_other", "select_one needs exactly one code list"),
        ("survey", 7, "type", "select_one agrement", "unknown code list 'agrement'"),
        ("survey", 7, "type", "geopoint", "unknown type 'geopoint'"),
        ("choices", 3, "name", "b", "choice code 'b' is no whole number"),
        ("choices", 3, "name", "1.5", "choice code '1.5' is no whole number"),
        ("choices", 3, "name", "٣", "choice code '٣' is no whole number"),
        ("choices", 3, "name", "-1", "choice code '-1' is no whole number"),
        ("choices", 3, "name", 1, "code 1 occurs twice in list 'agreement'"),
        ("choices", 3, EN, None, "the cell is empty"),
        ("choices", 3, "list_name", None, "the cell is empty"),
        ("settings", 2, "version", None, "the cell is empty"),
        ("settings", 2, "form_title_en", None, "the cell is empty"),
    ],
)
def test_a_wrong_cell_is_named_by_sheet_row_and_column(
    edit: Edit, sheet: str, row: int, heading: str, value: object, what: str
):
    error = complaint(edit(sheet, row, heading, value))
    assert what in error.what
    assert f"sheet {sheet}, row {row}, column" in error.where


def test_the_column_named_is_the_one_to_correct(edit: Edit):
    assert complaint(edit("survey", 7, "role", "x")).where.endswith("sheet survey, row 7, column role")


def test_an_unknown_role_lists_the_known_ones(edit: Edit):
    assert all(role in complaint(edit("survey", 7, "role", "x")).remedy for role in Role)


def test_an_option_column_that_another_question_has_as_code_is_refused(edit: Edit):
    edit("survey", 6, "type", "select_multiple agreement")
    edit("survey", 6, "role", "perception")
    assert "'turnover5_2' is taken by row 6" in complaint(edit("survey", 7, "item_code", "turnOver5_2")).what


@pytest.mark.parametrize("heading", ["type", "name", VI, EN, "item_code", "role"])
def test_a_missing_column_is_named(edit: Edit, heading: str):
    path = edit("survey", 1, heading, "other")
    assert repr(heading) in complaint(path).what


@pytest.mark.parametrize("sheet", ["survey", "choices", "settings"])
def test_a_missing_sheet_is_named(edit: Edit, sheet: str):
    path = edit("survey", 1, "type", "type")
    book = openpyxl.load_workbook(path)
    book[sheet].title = "notes"
    book.save(path)
    assert complaint(path).where.endswith(f"sheet {sheet}")


def test_a_second_row_of_settings_is_refused(edit: Edit):
    assert "2 rows" in complaint(edit("settings", 3, "form_id", "x")).what


def test_a_group_that_is_never_closed_is_refused(edit: Edit):
    assert "group 'likert2' is never closed" in complaint(edit("survey", 26, "type", "note")).what


def test_a_group_that_never_began_is_refused(edit: Edit):
    assert "never began" in complaint(edit("survey", 5, "type", "note")).what


@pytest.mark.parametrize("content", [b"", b"type,name\n", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "form.xlsx"
    path.write_bytes(content)
    assert "no readable XLSX workbook" in complaint(path).what


def test_a_workbook_cut_short_is_refused(tmp_path: Path):
    path = tmp_path / "form.xlsx"
    path.write_bytes(WORKPLACE.read_bytes()[:4000])
    assert "no readable XLSX workbook" in complaint(path).what


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    assert "no such file" in complaint(tmp_path / "absent.xlsx").what


BYTES = WORKPLACE.read_bytes()


@settings(deadline=None, max_examples=60)
@given(position=st.integers(0, len(BYTES) - 1), value=st.integers(0, 255))
def test_a_damaged_byte_gives_an_instrument_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
):
    path = tmp_path_factory.mktemp("damaged") / "rse.xlsx"
    path.write_bytes(BYTES[:position] + bytes([value]) + BYTES[position + 1 :])
    try:
        assert load_instrument(path).items
    except InputError as error:
        assert error.remedy
