"""The verbs of the pipeline, joined in order: every stage as a function of a context and what it works on.

The command line and the DAGs call these and nothing else; siblings of the package meet only here.
"""

from pipelines.stages.calibrating import calibrate_quality, keep_calibration
from pipelines.stages.closing import close_month, closed_lines
from pipelines.stages.collecting import collect, conform, months_of, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context, open_context
from pipelines.stages.correcting import corrections_of, stale_corrections
from pipelines.stages.devices import Checked, check_file, device_lines, new_device_key, seal_file
from pipelines.stages.each import go_on, unreadable
from pipelines.stages.erasing import Whom, erase
from pipelines.stages.excluding import DeviceTime, decide_exclusion, exclusions, propose_exclusion
from pipelines.stages.forms import (
    Compared,
    PrintOrder,
    compare_keyed,
    print_forms,
    review_server,
    serial_batches,
    serial_states,
    void_serial,
)
from pipelines.stages.interpreting import interpret, remarks
from pipelines.stages.ledger import ledger_heads, prove, record, record_round, verify_ledger
from pipelines.stages.loading import load, load_month
from pipelines.stages.overview import (
    Overview,
    access_lines,
    account_lines,
    alert_lines,
    mode_effect_lines,
    reject_lines,
    release_overview,
    rounds,
    weight_lines,
)
from pipelines.stages.planning import SizeLine, allocate_plan, plan_progress, plan_sizes, select_sample, size_for
from pipelines.stages.privacy import note_access, read_vault
from pipelines.stages.quality_report import quality_page
from pipelines.stages.reading import Changes, change, drivers, targets
from pipelines.stages.rejected import Chosen, Detail, reject_counts, reject_details, reject_rows
from pipelines.stages.releasing import (
    check,
    decide,
    freeze,
    latest_releases,
    publish,
    summarise,
    verify_release,
)
from pipelines.stages.replaying import Replayed, plan_replay, replay_lines, replayed, stale_of_round
from pipelines.stages.restating import restate
from pipelines.stages.running import bring_in, replay, run_round
from pipelines.stages.scans import gather_sheets, read_scans
from pipelines.stages.scoring import estimate, gate_scores, weigh
from pipelines.stages.simulating import simulate
from pipelines.stages.tallying import gate, tally
from pipelines.stages.upkeep import audit_ledgers, back_up, freshness, load_upkeep, retention

__all__ = [
    "Changes",
    "Checked",
    "Chosen",
    "Compared",
    "Context",
    "Detail",
    "DeviceTime",
    "Overview",
    "PrintOrder",
    "Replayed",
    "SizeLine",
    "Whom",
    "access_lines",
    "account_lines",
    "alert_lines",
    "allocate_plan",
    "audit_ledgers",
    "back_up",
    "bring_in",
    "calibrate_quality",
    "change",
    "check",
    "check_file",
    "close_month",
    "closed_lines",
    "collect",
    "compare_keyed",
    "conform",
    "corrections_of",
    "decide",
    "decide_exclusion",
    "device_lines",
    "drivers",
    "erase",
    "estimate",
    "exclusions",
    "freeze",
    "freshness",
    "gate",
    "gate_scores",
    "gather_sheets",
    "go_on",
    "interpret",
    "keep_calibration",
    "latest_releases",
    "ledger_heads",
    "load",
    "load_month",
    "load_upkeep",
    "mode_effect_lines",
    "months_of",
    "new_device_key",
    "note_access",
    "open_context",
    "pending_batches",
    "plan_progress",
    "plan_replay",
    "plan_sizes",
    "print_forms",
    "propose_exclusion",
    "prove",
    "publish",
    "quality_page",
    "read_scans",
    "read_vault",
    "record",
    "record_round",
    "reject_counts",
    "reject_details",
    "reject_lines",
    "reject_rows",
    "release_overview",
    "remarks",
    "replay",
    "replay_lines",
    "replayed",
    "restate",
    "retention",
    "review_server",
    "rounds",
    "run_round",
    "screen",
    "seal_file",
    "select_sample",
    "serial_batches",
    "serial_states",
    "simulate",
    "size_for",
    "stale_corrections",
    "stale_of_round",
    "stale_partitions",
    "summarise",
    "tally",
    "targets",
    "unreadable",
    "verify_ledger",
    "verify_release",
    "void_serial",
    "weigh",
    "weight_lines",
]
