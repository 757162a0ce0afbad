"""The tools for makers of kiosks: a key, a seal, and what collecting would say of a file."""

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from pipelines import cli, stages
from pipelines.model.errors import InputError
from pipelines.signing import key_id

EVENT = {
    "event_id": "7f0c2c5e-0000-4000-8000-000000000001",
    "device": "K01",
    "sequence": 17,
    "unit": "22243",
    "procedure": "1.001193",
    "instrument": "citizen",
    "instrument_version": "2017.1",
    "started_at": "2023-05-04T08:15:00+07:00",
    "submitted_at": "2023-05-04T08:17:30+07:00",
    "answers": {"A1": 5},
}


def run(*arguments: object) -> str:
    return CliRunner().invoke(cli.app, [str(one) for one in arguments], catch_exceptions=False).output


def test_maker_makes_a_key_signs_a_file_and_has_it_checked(tmp_path: Path):
    key, file = tmp_path / "K01.pem", tmp_path / "K01-2023-05-04.jsonl"
    public = run("device", "keygen", key).split()[-1]
    assert len(bytes.fromhex(public)) == 32 and key.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="exists"):
        run("device", "keygen", key)
    file.write_bytes(orjson.dumps(EVENT))  # the last line lacks its line feed
    run("device", "sign", file, "--device", "K01", "--key", key)
    assert json.loads(file.read_text().splitlines()[1])["seal"]["key"] == key_id(public)
    check = ("device", "check", file, "--device", "K01", "--public-key", public)
    assert run(*check) == "1 bản ghi · records, 1 đã ký · signed\n"
    file.write_bytes(file.read_bytes().replace(b'"A1":5', b'"A1":4'))
    found = stages.check_file(file, "K01", public)
    assert (found.records, found.signed) == (0, 0) and "R113_BAD_SIGNATURE" in found.problems[0]
    with pytest.raises(InputError, match="1 lines would be refused"):
        run(*check)


def test_check_names_what_the_contract_refuses_line_by_line(tmp_path: Path):
    file = tmp_path / "K01.jsonl"
    file.write_bytes(b"\n".join([orjson.dumps(EVENT), orjson.dumps(EVENT | {"sequence": 0}), b"{", b""]))
    found = stages.check_file(file)
    assert (found.records, found.signed) == (1, 0)
    assert [problem.split(": ")[:2] for problem in found.problems] == [
        ["dòng · line 2", "R207_BAD_NUMBER"],
        ["dòng · line 3", "R107_BROKEN_LINE"],
    ]


@pytest.mark.parametrize("command", ["sign", "check"])
def test_file_or_key_that_is_not_there_is_told(tmp_path: Path, command: str):
    key = ("--device", "K01", "--key", tmp_path / "none.pem") if command == "sign" else ()
    with pytest.raises(InputError, match="cannot be read"):
        run("device", command, tmp_path / "none.jsonl", *key)
