"""Mistakes at the command line: what is wrong, where and what to do, the exit code of its kind, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_kit import PROGRAMME, ROUND, Command

from pipelines.demo.portal import Portal

MISTAKES = [
    (("run", PROGRAMME, "--round", "tthc-2024"), 3, "tthc-2024", ROUND),
    (("run", "sipas", "--round", ROUND), 3, "programme tthc, not sipas", f"hailong run {PROGRAMME} --round {ROUND}"),
    (("status", "tthc-2024"), 3, "tthc-2024", ROUND),
    (("status", "[/bold]"), 3, "[/bold]", ROUND),
    (("estimate", "../rounds"), 3, "../rounds", ROUND),
    (("weigh", ROUND), 6, "no tally yet", "collect first"),
    (("collect", "kiosks"), 3, "kiosks", "kiosk"),
    (("collect", "limesurvey", "--round", ROUND), 3, "limesurvey", "kiosk, postal, kobo"),
    (("conform", "kiosk", "--round", "tthc-2024"), 3, "tthc-2024", ROUND),
    (("partitions", "kiosks"), 3, "kiosks", "kiosk"),
    (("screen", ROUND), 3, ROUND, "ROUND~SOURCE~MONTH"),
    (("screen", f"{ROUND}~kiosk~05-2023"), 3, "05-2023", "ROUND~SOURCE~MONTH"),
    (("gate", f"{ROUND}~kiosk~2023-05~1"), 3, "2023-05~1", "ROUND~SOURCE~MONTH"),
    (("tally", f"{ROUND}~odk~2023-05"), 3, "odk", "kiosk, postal, kobo"),
    (("gate", f"{ROUND}~kiosk~2023-05"), 6, "no screened responses", f"hailong screen {ROUND}~kiosk~2023-05"),
    (("tally", f"{ROUND}~kiosk~2023-05"), 6, "no screened responses", f"hailong screen {ROUND}~kiosk~2023-05"),
    (("check", f"{ROUND}.1"), 6, f"{ROUND}.1", "freeze"),
    (("approve", f"{ROUND}.1", "--person", "lanh-dao"), 6, f"{ROUND}.1", "freeze"),
    (("publish", f"{ROUND}.1"), 6, f"{ROUND}.1", "freeze"),
    (("verify", f"{ROUND}.1"), 6, f"{ROUND}.1", ""),
    (("simulate", "ward"), 3, "ward", "commune, province"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "what", "remedy"),
    MISTAKES,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistake_is_told_with_its_remedy(
    hailong: Command, portal: Portal, arguments: tuple[str, ...], code: int, what: str, remedy: str
):
    told = hailong(*arguments)
    assert told.code == code
    assert what in told.err and remedy in told.err
    assert "Lỗi · error" in told.err and "Traceback" not in told.err


@pytest.mark.parametrize("variable", ["HAILONG_PORTAL_URL", "HAILONG_PORTAL_TOKEN"])
def test_missing_variable_is_named(hailong: Command, portal: Portal, monkeypatch: pytest.MonkeyPatch, variable: str):
    monkeypatch.delenv(variable)
    told = hailong("collect", "kobo", "--round", ROUND)
    assert told.code in (3, 7) and variable in told.err and "set" in told.err


def test_warehouse_address_that_is_none_is_told(hailong: Command, portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAILONG_WAREHOUSE", "mysql://db/hailong")
    told = hailong("publish", f"{ROUND}.1")
    assert told.code == 3 and "mysql" in told.err and "HAILONG_WAREHOUSE" in told.err


def test_installed_command_ends_with_the_code_and_without_a_traceback(folder: Path):
    environment = os.environ | {"HAILONG_DATA": str(folder)}
    command = Path(sys.executable).with_name("hailong")
    ended = subprocess.run(
        [command, "status", "tthc-2024"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 3 and ended.stdout == ""
    assert "tthc-2024" in ended.stderr and "Traceback" not in ended.stderr
