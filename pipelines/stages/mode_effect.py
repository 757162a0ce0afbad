"""The stage that holds channels against each other on the same items, and says which of them chose themselves.

From the tallies of a round as they are. It must not decide which channel is right.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines import estimate as statistics
from pipelines.model.round import Round
from pipelines.stages.context import Context
from pipelines.stages.scoring import (
    labelled,
    merged_tally,
    rollups,
    score_options,
    stratum_population,
)
from pipelines.stages.tallying import tally_spec
from pipelines.stages.weighting import weighted_tally


def mode_effect_table(context: Context, round_: Round) -> pa.Table:
    """Return the rows of `mart.mode_effect` of a round."""
    method = context.method(round_)
    spec = tally_spec(round_, method)
    merged, population = merged_tally(context, round_, spec), stratum_population(context, round_)
    if own := weighted_tally(context, round_, spec):
        merged, spec = own
    options = score_options(context, round_)
    table = statistics.mode_effects(merged, spec, method.tree, population, rollups(context, round_), options)
    for prefix, column in (("", "channel"), ("reference_", "reference_channel")):
        chosen = pa.array([one in self_selected_channels(round_) for one in table[column].to_pylist()], pa.bool_())
        table = table.append_column(f"{prefix}is_self_selected", chosen)
    table = labelled(table, round_, method)
    return table.append_column("method_version", pa.array([method.version] * table.num_rows, pa.string()))


def self_selected_channels(round_: Round) -> set[str]:
    """Return the channels of which at least one source is no probability sample."""
    return {config.channel for config in round_.sources if config.self_selected}
