"""Rounds as data: a folder `rounds/<id>/` of the lake, read into the model and into Arrow tables.

It must not load methods, look up geography or write.
"""

from pipelines.rounds.action_plan import Goal, load_owners, load_targets
from pipelines.rounds.corrections import load_corrections
from pipelines.rounds.devices import load_devices
from pipelines.rounds.round_file import list_rounds, load_round
from pipelines.rounds.tables import load_frame, load_margins, load_plan, load_units

__all__ = [
    "Goal",
    "list_rounds",
    "load_corrections",
    "load_devices",
    "load_frame",
    "load_margins",
    "load_owners",
    "load_plan",
    "load_round",
    "load_targets",
    "load_units",
]
