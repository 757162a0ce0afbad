"""Planning a sample before anybody is asked: how many, how they are shared out, and who is drawn.

Pure functions on counts and lists; a plan and a selection are values that the stages write. Nothing here draws a random
number: every choice follows from a seed and SHA-256, so that anybody can draw the same sample again with other tools.
"""

from pipelines.sampling.allocation import Cell, allocate, spread
from pipelines.sampling.listing import Listing, read_listing
from pipelines.sampling.plan import (
    Allocation,
    Method,
    Minima,
    PlanCell,
    Warned,
    plan_clusters,
    plan_strata,
    split_channels,
)
from pipelines.sampling.progress import Rates, rates
from pipelines.sampling.selection import Drawn, Selection, pps_systematic, select, simple_random, systematic
from pipelines.sampling.sizes import SizeRule, cochran, sample_size, yamane

__all__ = [
    "Allocation",
    "Cell",
    "Drawn",
    "Listing",
    "Method",
    "Minima",
    "PlanCell",
    "Rates",
    "Selection",
    "SizeRule",
    "Warned",
    "allocate",
    "cochran",
    "plan_clusters",
    "plan_strata",
    "pps_systematic",
    "rates",
    "read_listing",
    "sample_size",
    "select",
    "simple_random",
    "split_channels",
    "spread",
    "systematic",
    "yamane",
]
