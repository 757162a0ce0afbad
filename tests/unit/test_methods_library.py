"""Finding and loading methods: a folder is a method, and each way in which its parts may not fit is told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from pipelines.methods import list_methods, load_method
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level

FIXTURES = Path(__file__).parents[1] / "fixtures" / "methods"
Change = Callable[[str, str], InputError]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of methods of one's own that holds a copy of the workplace method."""
    shutil.copytree(FIXTURES / "workplace", tmp_path / "methods" / "workplace")
    return tmp_path / "methods"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "workplace" / "2017"


@pytest.fixture
def change(root: Path, folder: Path) -> Change:
    """Return a function that replaces text in method.yml once and gives the error of loading it."""

    def replace(old: str, new: str) -> InputError:
        path = folder / "method.yml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return complaint(root)

    return replace


def complaint(root: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load_method("workplace", "2017", [root])
    assert caught.value.remedy
    assert "method.yml" in caught.value.where
    return caught.value


def test_adding_a_folder_adds_a_method(root: Path):
    assert ("workplace", "2017") not in list_methods()
    assert ("workplace", "2017") in list_methods([root])
    method = load_method("workplace", "2017", [root])
    assert method.id == "workplace/2017"
    assert method.instrument("rse").items[0].code in method.items


def test_a_folder_of_ones_own_comes_before_the_built_in_one(tmp_path: Path):
    built_in = Path(load_method("tthc", "2017").folder)
    shutil.copytree(built_in, tmp_path / "tthc" / "2017")
    assert load_method("tthc", "2017", [tmp_path]).folder == str(tmp_path / "tthc" / "2017")
    assert list_methods([tmp_path]).count(("tthc", "2017")) == 1


def test_a_method_that_is_not_there_names_those_that_are(root: Path):
    with pytest.raises(InputError, match=r"tthc/2017.*workplace/2017") as caught:
        load_method("tthc", "1999", [root])
    assert str(root) in caught.value.where


@pytest.mark.parametrize(("programme", "version"), [("..", "methods"), ("tthc/2017", ""), ("", "")])
def test_a_name_is_never_a_path(programme: str, version: str):
    with pytest.raises(InputError, match="there is no method"):
        load_method(programme, version)


def test_a_leaf_has_the_titles_of_its_question_and_a_branch_the_combination_above(root: Path):
    method = load_method("workplace", "2017", [root])
    leaf, factor = method.nodes["turnOver5"], method.nodes["NEEDS"]
    assert (leaf.title_vi, leaf.level) == ("Công việc đáp ứng nhu cầu cá nhân", Level.ITEM)
    assert (factor.combination, leaf.combination) == (Combination.POOLED, None)


def test_measures_are_tables_from_code_to_points(root: Path):
    top2, mean5 = load_method("workplace", "2017", [root]).measures
    assert top2.is_default
    assert not mean5.is_default
    assert top2.points == {1: 0, 2: 0, 3: 0, 4: 100, 5: 100}
    assert mean5.points == {code: code / 5 * 100 for code in range(1, 6)}


def test_the_hash_covers_every_file_of_the_folder_but_not_those_of_editors(root: Path, folder: Path):
    def sha256() -> str:
        return load_method("workplace", "2017", [root]).sha256

    before = sha256()
    (folder / "~$rse.xlsx").write_bytes(b"lock of Excel")
    (folder / ".DS_Store").write_bytes(b"")
    assert sha256() == before
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.csv").write_text("x")
    assert sha256() != before


def test_the_hash_does_not_depend_on_where_the_folder_lies(root: Path):
    assert load_method("workplace", "2017", [root]).sha256 == load_method("workplace", "2017", [FIXTURES]).sha256


@pytest.mark.parametrize(
    ("old", "new", "what", "where"),
    [
        ("[affSat1, affSat2", "[affSat1, affSat1", "code 'affSat1' occurs more than once", "tree"),
        ("code: LEAVE", "code: WORK", "code 'WORK' occurs more than once", "tree"),
        ("children: [turnOver6]", "children: [WORK]", "code 'WORK' occurs more than once", "tree"),
        ("[turnOver5]", "[turnOver5, turnOver9]", "leaf 'turnOver9' is no item of any form", "tree"),
        (", affSat4]", "]", "item 'affSat4' of the forms is not in the tree", "tree"),
        ("  combination: pooled\n", "", "node 'WORK' has no combination", "tree"),
        ("  combination: pooled\n", "  combination: median\n", "'median' is not one of", "tree.combination"),
        ("level: factor", "level: faktor", "'faktor' is not one of", "tree.children[0].level"),
        ("status: local", "status: official", "'official' is not one of", "measures[0].status"),
        ("pooled, status: local", "pooled, status: official", "'official' is not one of", "rules.combination.status"),
        ("{value: pooled, status: local}", "{value: pooled}", "'status' is a required property", "rules.combination"),
        ("{value: pooled, status: local}", "{value: pooled, status: seen}", "has no source", "rules.combination"),
        ("{value: pooled, status: local}", "{value: pooled, status: unknown}", "has no source", "rules.combination"),
        ("{decimals: 2, mode: half_up}", "2", "rounding is 2", "rules.rounding"),
        ("{decimals: 2, mode: half_up}", "{decimals: 2, mode: half_even}", "half_even", "rules.rounding"),
        ("{decimals: 2, mode: half_up}", "{decimals: 7, mode: half_up}", "rounding is", "rules.rounding"),
        ("4: 100, 5: 100}", "4: 100, 5: 100, 6: 100}", "gives points to code 6, which item", "measures"),
        ("{1: 0, 2: 0, 3: 0, 4: 100, 5: 100}", "{}", "measure 'top2' has no points", "measures"),
        ("{1: 0, 2: 0", "{one: 0, 2: 0", "'one' does not match", "measures[0].points"),
        ("default: true", "default: false", "0 default measures", "measures"),
        ("- name: mean5", "- name: mean5\n    default: true", "2 default measures", "measures"),
        ("- name: mean5", "- name: top2", "measure 'top2' occurs twice", "measures"),
        ("unit: percent", "unit: per cent", "'per cent' is not one of", "measures[0].unit"),
        ("regime: other", "regime: other\nbreakdowns: [sex]", "breakdown 'sex' is no question", "breakdowns"),
        ("regime: other", "regime: other\nrigour: high", "'rigour' was unexpected", ""),
        ("regime: other\n", "", "'regime' is a required property", ""),
        ('version: "2017"', "version: 2017", "2017 is not of type 'string'", "version"),
        ('version: "2017"', 'version: "2018"', "the file is of method workplace/2018", ""),
        ("input: responses", "input: guesses", "'guesses' is not one of", "input"),
        ("input: responses", "input: [responses", "not well-formed YAML", "line"),
        ("regime: other", "regime: other\nregime: B", "key 'regime' occurs twice", "line 6"),
        ("regime: other", "regime: &a other\ninput: *a", "aliases are not allowed", "line 6"),
        ("regime: other", "regime: \x00", "not well-formed YAML", ""),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: Change, old: str, new: str, what: str, where: str):
    error = change(old, new)
    assert what in error.what
    assert where in error.where


def test_a_method_of_responses_needs_a_form(root: Path, folder: Path):
    (folder / "rse.xlsx").unlink()
    assert "no instrument with items" in complaint(root).what


def test_a_file_that_is_not_utf8_is_refused(root: Path, folder: Path):
    (folder / "method.yml").write_bytes("title: Khảo sát".encode("utf-16"))
    assert "not UTF-8" in complaint(root).what


def test_a_code_with_other_answers_on_another_form_is_refused(root: Path, folder: Path):
    book = openpyxl.load_workbook(folder / "rse.xlsx")
    book["choices"].delete_rows(6)
    book.save(folder / "short.xlsx")
    assert "has other answers in form 'short' than in 'rse'" in complaint(root).what
