"""Administrative units of Việt Nam keyed by validity: by code, by name, and over the changes of 2025 and 2026.

The data are `units.csv` and `crosswalk.csv` (origin and changes: NOTICE.md), read once when first asked for. It knows
official units only; departments and other agencies that a round evaluates are in the round's own folder.
"""

from pipelines.geography.crosswalk import predecessors, successors
from pipelines.geography.names import find, fold
from pipelines.geography.register import FOLDER, aliases, ancestors, unit, units

__all__ = ["FOLDER", "aliases", "ancestors", "find", "fold", "predecessors", "successors", "unit", "units"]
