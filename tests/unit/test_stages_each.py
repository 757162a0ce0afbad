"""A round that cannot be read or worked on stops no other: the others are done, and the error is told at the end."""

import sys
from datetime import timedelta

import pytest
from desk_kit import MEANING, ROUND, bring_in, context_of, drop, form, write_round

from pipelines import cli, stages
from pipelines.lake import Lake, conformed
from pipelines.model.errors import GateError, InputError, SourceError
from pipelines.stages import running
from pipelines.stages.each import go_on, together

BAD = "tthc-2023-a-hong"  # sorts before the good one
UNREADABLE = b"id: x\nprogramme: [tthc\nmethod: '2017'\n"


def copy_round(lake: Lake, to: str, **changes: str) -> None:
    """Write a second round like the first under another id, with some texts of its round.yml replaced."""
    for path in lake.find(f"rounds/{ROUND}"):
        content = lake.read_bytes(path)
        if path.endswith("round.yml"):
            for old, new in ({ROUND: to} | changes).items():
                content = content.replace(old.encode(), new.encode())
        lake.write_bytes(path.replace(ROUND, to), content)


@pytest.fixture
def context(lake: Lake) -> stages.Context:
    """Two rounds that are served by one inbox, both with answers; then one of them cannot be read any more."""
    write_round(lake)
    copy_round(lake, BAD)
    drop(lake, "a.csv", form(1), form(2))
    context = context_of(lake)
    bring_in(context)
    lake.write_bytes(f"rounds/{BAD}/round.yml", UNREADABLE)
    return context


def expect_the_bad_round_is_named(told: str) -> None:
    assert f"rounds/{BAD}/round.yml" in told and "line 3" in told and "remedy" in told.casefold(), told


def test_upkeep_does_what_is_due_in_the_other_rounds_and_ends_as_failed(context: stages.Context):
    path = f"rounds/{ROUND}/round.yml"
    text = context.lake.read_bytes(path).decode()
    today = context.now().date()
    window = f"window:\n  from: '{today - timedelta(days=20)}'\n  to: '{today + timedelta(days=9)}'"
    at, end = text.index("window:"), text.index("to: '2023-06-30'") + len("to: '2023-06-30'")
    context.lake.write_bytes(path, (text[:at] + window + text[end:]).encode())
    landed = context.lake.glob(f"receipts/{ROUND}/postal/*")[0]
    old = context.lake.read_json(landed) | {"landed_at": (context.now() - timedelta(days=15)).isoformat()}
    context.lake.write_json(landed, old)
    with pytest.raises(InputError) as silent:
        stages.freshness(context)
    assert "2 failed" in str(silent.value) and "source postal brought nothing new for 15 days" in str(silent.value)
    assert [en for _, _, en in stages.alert_lines(context, ROUND)] == ["Source postal brought nothing new for 15 days"]
    stages.note_access(context, ROUND, "ERASE", "x", "An", "đơn")
    for work in (stages.audit_ledgers, stages.load_upkeep):
        with pytest.raises((InputError, GateError)) as told:
            work(context)
        expect_the_bad_round_is_named(str(told.value))
    with context.warehouse() as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT round_id FROM ops.access").fetchall() == [(ROUND,)]


def test_retention_of_the_other_rounds_is_done(context: stages.Context):
    path = f"rounds/{ROUND}/round.yml"
    text = context.lake.read_bytes(path).decode() + "settings: {retention: {raw_days: 1}}\n"
    context.lake.write_bytes(path, text.encode())
    with pytest.raises(InputError) as told:
        stages.retention(context)
    expect_the_bad_round_is_named(str(told.value))
    assert [one["path"] for one in map(context.lake.read_json, context.lake.glob(f"receipts/{ROUND}/*/*"))] == [""]


def test_what_cannot_be_redacted_does_not_keep_what_is_past_its_time(
    context: stages.Context, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*arguments: object) -> list[str]:
        raise InputError("the file is encrypted and no identity is named", "landing/x.age", "name one")

    path = f"rounds/{ROUND}/round.yml"
    text = context.lake.read_bytes(path).decode() + "settings: {retention: {answers_days: 1}}\n"
    context.lake.write_bytes(path, text.encode())
    monkeypatch.setattr("pipelines.stages.upkeep.redact_landed", refuse)
    with pytest.raises(InputError, match=r"landing/x\.age"):
        stages.retention(context, ROUND)
    assert context.lake.find("responses") == []


def test_collecting_goes_on_in_the_other_rounds_and_the_command_ends_with_exit_code_3(
    context: stages.Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HAILONG_DATA", context.lake.root)
    drop(context.lake, "b.csv", form(3))
    for command in ("collect", "conform", "partitions"):
        monkeypatch.setattr(sys, "argv", ["hailong", command, "postal"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert ended.value.code == 3, command
        expect_the_bad_round_is_named(said.err)
    assert f"{ROUND}~postal~2023-05" in said.out
    assert len(context.lake.glob(conformed(ROUND, "postal", "*", "*"))) == 2
    for key in (f"{ROUND}~postal~2023-05",):
        stages.tally(context, stages.screen(context, key))
    keys = [f"{BAD}~postal~2023-05", f"{ROUND}~postal~2023-05"]
    assert stages.months_of(context, keys) == [("tthc", ROUND, "2023-05")]


def test_round_whose_method_there_is_not_fails_by_itself_and_the_others_are_conformed(lake: Lake):
    write_round(lake)
    copy_round(lake, BAD, **{f"method: '{MEANING['method']}'": "method: '1999'"})
    drop(lake, "a.csv", form(1))
    context = context_of(lake)
    assert stages.collect(context, "postal") == 2
    batches = stages.pending_batches(context, "postal")
    assert [batch["round"] for batch in batches] == [BAD, ROUND]
    with pytest.raises(InputError, match="1999"):
        go_on(lambda batch: stages.conform(context, batch), batches)
    assert lake.glob(conformed(ROUND, "*", "*", "*")) and not lake.glob(conformed(BAD, "*", "*", "*"))


def test_source_that_fails_for_one_round_is_collected_for_the_next(lake: Lake):
    write_round(lake)
    copy_round(lake, BAD, **{"inbox: inbox/postal": "inbox: env:NOT_SET_ANYWHERE"})
    drop(lake, "a.csv", form(1))
    context = context_of(lake)
    with pytest.raises(InputError, match="NOT_SET_ANYWHERE"):
        stages.collect(context, "postal")
    assert len(lake.glob(f"receipts/{ROUND}/postal/*")) == 1


def test_several_errors_are_told_as_one_that_is_tried_again_where_one_of_them_may_be():
    one, other = InputError("wrong", "a: 1", "mend it"), SourceError("no answer", "b", "wait")
    assert together([one]) is one
    both = together([one, other])
    assert isinstance(both, SourceError) and "a: 1: wrong" in str(both) and "b: no answer" in str(both)


def test_source_whose_mapping_cannot_be_used_stops_no_run_and_is_told_with_the_others(lake: Lake):
    write_round(lake, {"codes": {"sex": {"Nam": 9}}})
    drop(lake, "a.csv", form(1))
    told: list[str] = []
    stopped = running.bring_in(context_of(lake), "postal", ROUND, lambda stage, _: told.append(stage))
    assert [type(error) for error in stopped] == [InputError] and "postal.yml" in str(stopped[0]), stopped
    assert told[-1] == "record"  # it went on to the end
