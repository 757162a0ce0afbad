"""What is conformed and screened anew when something changes: exactly what depends on it, and nothing else."""

from dataclasses import replace

import pytest
import yaml
from desk_kit import HEADINGS, MAPPING, ROUND, context_of, drop, form, write_round

from pipelines import stages
from pipelines.lake import Lake, run_report, stale
from pipelines.model.errors import InputError
from pipelines.quality.rules import FlagRules
from pipelines.stages import bases, collecting

DESK, POST = "postal", "spreadsheet"
SOURCES = [
    {"source": DESK, "instance": "desk", "channel": "paper_desk", "options": {"inbox": "inbox/postal"}},
    {"source": POST, "instance": "post", "channel": "paper_post", "options": {"inbox": "inbox/post"}},
]
DEVICES = "device_id,unit_code,public_key,valid_from,valid_to\nK1,22243,,,\n"
CORRECTIONS = (
    "source,record_id,landing_sha256,line,field,expect,correct,reason,author,reviewer,date\n"
    "{},P0001,,,A1,4,5,nhập nhầm,An,Bình,2023-06-02\n"
)
FRAME = "unit_code,procedure_code,procedure_name_vi,procedure_name_en,procedure_field,psu_code,population\n"
BOTH, NONE = {DESK, POST}, set()
Pending = tuple[set[str], set[str]]


@pytest.fixture
def context(lake: Lake) -> stages.Context:
    """A round of two sources, all conformed, screened and tallied."""
    write(lake)
    drop(lake, "a.csv", form(1), form(2, submitted_at="05/06/2023 08:00"))
    lake.write_bytes("inbox/post/b.csv", lake.read_bytes("inbox/postal/a.csv").replace(b"P000", b"Q000"))
    context = context_of(lake)
    for source in (DESK, POST):
        stages.collect(context, source, ROUND)
    work(context)
    assert pending(context) == (NONE, NONE)
    return context


def write(lake: Lake, **changes: object) -> None:
    write_round(lake, **{"sources": SOURCES, **changes})
    mapping = lake.read_bytes(f"rounds/{ROUND}/mappings/{DESK}.yml")
    lake.write_bytes(f"rounds/{ROUND}/mappings/{POST}.yml", mapping)


def work(context: stages.Context) -> None:
    for source in (DESK, POST):
        for batch in stages.pending_batches(context, source, ROUND):
            stages.conform(context, batch)
        for key in stages.stale_partitions(context, source, ROUND):
            stages.tally(context, stages.screen(context, key))


def pending(context: stages.Context) -> Pending:
    """Return the sources whose objects are to be conformed, and those whose months are to be screened."""
    sources = (DESK, POST)
    return (
        {source for source in sources if stages.pending_batches(context, source, ROUND)},
        {source for source in sources if len(stages.stale_partitions(context, source, ROUND)) == 2},
    )


def put(name: str, text: str):
    return lambda lake: lake.write_bytes(f"rounds/{ROUND}/{name}", text.encode())


def rewritten(**changes: object):
    return lambda lake: write(lake, **changes)


def optioned(source: str, **options: object):
    changed = [
        one | {"options": one["options"] | options} if one["source"] == source else one  # type: ignore[operator]
        for one in SOURCES
    ]
    return lambda lake: write(lake, sources=changed)


def mapped(source: str, **changes: object):
    text = yaml.safe_dump([MAPPING | changes], allow_unicode=True)
    return put(f"mappings/{source}.yml", text)


UNITS = "unit_code,name_vi,name_en,level,parent_code\n22243,Xã Hòa Thành,Hòa Thành,commune,\n"
WINDOW = {"from": "2023-05-02", "to": "2023-06-30"}
HOURS = {"quality": {"office_hours": {"opens": "06:00"}}}
CHANGES = {
    "a remark in round.yml": (lambda lake: lake.write_bytes(
        f"rounds/{ROUND}/round.yml", lake.read_bytes(f"rounds/{ROUND}/round.yml") + b"# anew\n"), NONE, NONE),
    "the title": (rewritten(title={"vi": "Khác", "en": "Other"}), NONE, NONE),
    "retention": (rewritten(settings={"retention": {"raw_days": 90}}), NONE, NONE),
    "the plan": (put("plan.csv", "unit_code,procedure_field,psu_code,channel,planned\n22243,,,,500\n"), NONE, NONE),
    "who is responsible": (put("owners.csv", "node_code,unit_code,name_vi,name_en\n"), NONE, NONE),
    "the name of a unit": (put("units.csv", UNITS.replace("Xã Hòa Thành", "Hòa Thành mới")), NONE, NONE),
    "the inbox": (optioned(DESK, inbox="inbox/elsewhere"), NONE, NONE),
    "the mapping of one source": (mapped(DESK, ignore=["_x"]), {DESK}, NONE),
    "the encoding of one source": (optioned(POST, encoding="utf-8"), {POST}, NONE),
    "a correction of one source": (put("corrections.csv", CORRECTIONS.format(POST)), {POST}, NONE),
    "a device, and nobody signs": (put("devices.csv", DEVICES), NONE, NONE),
    "the frame's procedures": (put("frame.csv", FRAME + "22243,1.001193,Khai sinh,Birth,Hộ tịch,,640\n"), BOTH, NONE),
    "a unit more": (put("units.csv", UNITS + "S1,Sở A,Department A,agency,\n"), BOTH, BOTH),
    "the window, units being the same": (rewritten(window=WINDOW), NONE, BOTH),
    "the zone": (rewritten(time_zone="Asia/Tokyo"), BOTH, BOTH),
    "the least number of answers": (rewritten(settings={"valid_response": {"minimum_items": 9}}), NONE, BOTH),
    "office hours": (rewritten(settings=HOURS), NONE, BOTH),
    "the design": (rewritten(design={"strata": ["procedure_field"], "finite_population": False}), NONE, BOTH),
    "what review decides at one source": (optioned(DESK, review={"on_hold": "accept"}), NONE, {DESK}),
    "the channel of one source": (
        rewritten(sources=[SOURCES[0] | {"channel": "interview"}, SOURCES[1]]), {DESK}, NONE),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_exactly_what_depends_on_a_change_is_done_anew(context: stages.Context, change: str):
    make, objects, months = CHANGES[change]
    make(context.lake)
    assert pending(context) == (objects, months)


def test_device_register_counts_where_answers_are_signed_or_must_be(context: stages.Context):
    headings = HEADINGS | {"Khóa": "signing_key"}
    mapped(DESK, headings=headings)(context.lake)
    work(context)
    put("devices.csv", DEVICES)(context.lake)
    assert pending(context) == ({DESK}, NONE)


def test_other_version_of_the_method_does_everything_anew(context: stages.Context, monkeypatch: pytest.MonkeyPatch):
    found = context.method(context.round(ROUND))
    monkeypatch.setattr(stages.Context, "method", lambda self, round_: replace(found, sha256="0" * 64))
    assert pending(context) == (NONE, BOTH)
    other = tuple(replace(one, sha256="1" * 64) for one in found.instruments)
    monkeypatch.setattr(stages.Context, "method", lambda self, round_: replace(found, instruments=other))
    assert pending(context)[0] == BOTH


def test_lake_of_older_code_is_screened_anew_and_gets_its_flags(
    context: stages.Context, monkeypatch: pytest.MonkeyPatch
):
    assert stages.stale_partitions(context, DESK) == []
    with monkeypatch.context() as patch:
        patch.setattr(bases, "FLAG_RULES_VERSION", "next")
        assert pending(context) == (NONE, BOTH)
    report = run_report(ROUND, "screen", f"{DESK}~2023-05")
    context.lake.write_json(report, context.lake.read_json(report) | {"basis": context.round(ROUND).sha256})
    assert stages.stale_partitions(context, DESK, ROUND) == [f"{ROUND}~{DESK}~2023-05"]


def test_month_whose_gate_stops_after_a_change_of_rules_stays_to_be_done(context: stages.Context):
    rewritten(settings=HOURS)(context.lake)
    key = f"{ROUND}~{DESK}~2023-05"
    stages.screen(context, key)  # and here the gate stopped it
    assert key in stages.stale_partitions(context, DESK, ROUND)
    stages.tally(context, key)
    assert stages.stale_partitions(context, DESK, ROUND) == [f"{ROUND}~{DESK}~2023-06"]
    assert not context.lake.exists(stale(ROUND, DESK, "2023-05"))


def test_rules_that_cannot_be_used_are_told_when_a_month_is_screened(
    context: stages.Context, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*arguments: object) -> FlagRules:
        raise InputError("the flags were calibrated under other rules", "quality.yml", "calibrate anew")

    monkeypatch.setattr(collecting, "rules_of", refuse)
    (key,) = stages.stale_partitions(context, DESK, ROUND)
    with pytest.raises(InputError, match="calibrated under other rules"):
        stages.screen(context, key)


def test_plan_that_changed_since_the_round_was_loaded_is_announced_once(context: stages.Context):
    stages.load_month(context, f"{ROUND}|2023-05")
    assert stages.months_of(context, []) == []
    put("plan.csv", "unit_code,procedure_field,psu_code,channel,planned\n22243,,,,500\n")(context.lake)
    assert stages.months_of(context, []) == [("tthc", ROUND, "2023-05")]
    stages.load_month(context, f"{ROUND}|2023-05")
    assert stages.months_of(context, []) == []
