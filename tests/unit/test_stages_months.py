"""Which months are done anew, though a run is killed, and which are announced: those whose tallies are there."""

from dataclasses import replace

import pytest
from desk_kit import ROUND, bring_in, context_of, drop, form
from desk_kit import write_round as write_desk_round

from pipelines.collect.landing import receipts
from pipelines.lake import responses, tallies
from pipelines.methods import load_method
from pipelines.settings import Settings
from pipelines.simulate import Faults, commune_spec, simulate_round, write_round
from pipelines.stages import conform, months_of, open_context, pending_batches, stale_partitions

SPEC = replace(commune_spec(scale=0.05), faults=Faults())
JUNE = (SPEC.programme, SPEC.round_id, "2023-06")


def test_a_month_with_responses_but_without_a_tally_is_not_announced(lake):
    write_round(lake, simulate_round(SPEC, load_method(SPEC.programme, SPEC.method_version), seed=1))
    context = open_context(replace(Settings.from_environment(), data=lake.root))
    keys = [f"{SPEC.round_id}~{source}~2023-0{month}" for source in ("kiosk", "postal") for month in (6, 7)]
    lake.write_bytes(responses(*JUNE, "kiosk"), b"accepted")
    assert months_of(context, keys) == []
    lake.write_bytes(tallies(*JUNE, "kiosk"), b"added up")
    lake.write_bytes(tallies(*JUNE, "postal"), b"added up")
    assert months_of(context, keys) == [JUNE]


def test_a_month_whose_record_an_object_gives_up_is_done_anew_though_the_run_is_killed_in_between(lake, monkeypatch):
    write_desk_round(lake)
    context = context_of(lake)
    drop(lake, "a.csv", form(1), form(2))
    (may,) = bring_in(context)
    drop(lake, "b.csv", form(1, revision="2", submitted_at="04/06/2023 08:00"))
    assert may in bring_in(context) and stale_partitions(context, "postal", ROUND) == []
    write_desk_round(lake, {"ignore": ["Mã thủ tục"]})
    (batch,) = pending_batches(context_of(lake), "postal", ROUND)
    (second,) = [one.sha256 for one in receipts(lake, ROUND, "postal") if one.name == "b.csv"]

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.stages.collecting.conform_object", killed)
        with pytest.raises(KeyboardInterrupt):
            conform(context_of(lake), batch | {"objects": [second]})
    assert may in stale_partitions(context_of(lake), "postal", ROUND)
