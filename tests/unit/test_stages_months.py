"""Which months are announced: those whose tallies are there."""

from dataclasses import replace

from pipelines.lake import responses, tallies
from pipelines.methods import load_method
from pipelines.settings import Settings
from pipelines.simulate import Faults, commune_spec, simulate_round, write_round
from pipelines.stages import months_of, open_context

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
