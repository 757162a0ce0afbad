"""Design-based estimation from additive tallies: totals, means, composites, intervals, ranks and weights.

Pure functions on arrays and Arrow tables: nothing here reads a file, knows the lake or a round, or asks the clock.
"""

from pipelines.estimate.covariance import node_covariances
from pipelines.estimate.dossiers import dossier_scores
from pipelines.estimate.indicators import indicator_scores
from pipelines.estimate.mode_effect import mode_effects
from pipelines.estimate.published import published_scores
from pipelines.estimate.scores import ScoreOptions, index_scores
from pipelines.estimate.shares import option_shares
from pipelines.estimate.spec import TallySpec
from pipelines.estimate.strata import stratum_weights
from pipelines.estimate.tallying import merge, tally
from pipelines.estimate.tree import inner_nodes

__all__ = [
    "ScoreOptions",
    "TallySpec",
    "dossier_scores",
    "index_scores",
    "indicator_scores",
    "inner_nodes",
    "merge",
    "mode_effects",
    "node_covariances",
    "option_shares",
    "published_scores",
    "stratum_weights",
    "tally",
]
