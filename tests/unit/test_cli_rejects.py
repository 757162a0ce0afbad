"""`hailong rejects …` and `hailong close` as a person meets them: tables in both languages, and exit codes."""

import sys

import pytest
from desk_kit import ROUND, bring_in, context_of, drop, form, write_round
from rich.console import Console

from pipelines import cli, cli_privacy, cli_rejects
from pipelines.lake import Lake


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A round with one form refused for its code, one of an unknown version, and a stale correction."""
    lake = Lake(str(tmp_path_factory.mktemp("desk")))
    write_round(lake)
    drop(lake, "a.csv", form(1), form(2, A1="[9]"), form(3) | {"Mẫu phiếu": "citizen 2016"})
    headings = "source,record_id,field,expect,correct,reason,author,reviewer,date"
    lines = "postal,P0002,A1,8,5,nhập nhầm,An,Bình,2023-06-02"
    lake.write_bytes(f"rounds/{ROUND}/corrections.csv", f"{headings}\n{lines}\n".encode())
    bring_in(context_of(lake))
    return lake.root


@pytest.fixture
def hailong(desk, monkeypatch, capsys):
    """Run the command; return its exit code and what it said."""
    monkeypatch.setenv("HAILONG_DATA", desk)
    monkeypatch.setenv("HAILONG_WAREHOUSE", f"duckdb:///{desk}/warehouse.duckdb")
    for module in (cli_rejects, cli_privacy):
        monkeypatch.setattr(module, "out", Console(width=200))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hailong", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


def test_list_counts_by_code_and_lists_rows_with_their_places(hailong):
    code, said = hailong("rejects", "list", ROUND)
    assert code == 0 and "R203_UNKNOWN_CODE" in said and "cộng · total" in said
    code, said = hailong("rejects", "list", ROUND, "--rows", "--limit", "1")
    assert code == 0 and "a.csv" in said and "and 1 more" in said


def test_show_tells_reason_and_remedy_in_both_languages_and_what_came(hailong):
    _, said = hailong("rejects", "list", ROUND, "--code", "R203", "--rows")
    place = next(word for word in said.split() if word.endswith(":3"))
    code, said = hailong("rejects", "show", ROUND, place, "--reason", " ")
    assert code == 3 and "P0002" not in said, "nothing is seen without a reason"
    code, said = hailong("rejects", "show", ROUND, place, "--reason", "đối chiếu phiếu giấy", "--person", "can-bo")
    assert code == 0
    assert "Mã trả lời “[9]”" in said and "Answer code “[9]”" in said
    assert "cách sửa" in said and "remedy" in said and "P0002" in said
    _, audit = hailong("privacy", "audit", ROUND)
    (line,) = [line for line in audit.splitlines() if "PAYLOAD_READ" in line]
    assert all(word in line for word in ("can-bo", place, "đối chiếu phiếu giấy"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("rejects", "list", ROUND, "--code", "X"),
        ("rejects", "list", "no-round"),
        ("rejects", "show", ROUND, "zz", "--reason", "xem"),
        ("rejects", "replay", ROUND, "--source", "fax"),
        ("close", ROUND, "2022-01"),
    ],
)
def test_what_there_is_not_ends_with_exit_code_3_and_a_remedy(hailong, arguments):
    code, said = hailong(*arguments)
    assert code == 3 and "remedy" in said and "Traceback" not in said


def test_a_stale_correction_ends_with_exit_code_4_naming_file_line_and_field(hailong):
    code, said = hailong("rejects", "corrections", ROUND)
    assert code == 4 and "giá trị khác · other value" in said
    assert f"rounds/{ROUND}/corrections.csv, line 2, field A1" in said
    code, said = hailong("rejects", "replay", ROUND, "--code", "R108")
    assert code == 4 and "stale correction" in said


def test_a_month_is_closed_by_a_person_once_and_the_status_shows_it(hailong):
    code, said = hailong("close", ROUND, "2023-05", "--person", "Bình")
    assert code == 0 and "revision 0 of postal" in said
    code, said = hailong("status", ROUND)
    assert code == 0 and "Tháng đã chốt · closed months" in said and "Bình" in said
    assert hailong("close", ROUND, "2023-05")[0] == 6
