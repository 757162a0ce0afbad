"""Domains as arrays: which rows of a tally make up which stratum, part and domain, so that all are estimated at once.

It must not see an answer: what is summed, and what for, is the estimator's part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from pipelines.estimate.domain import Domain
from pipelines.estimate.grouping import Grouping
from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.estimate.strata import Strata
from pipelines.estimate.totals import Rows
from pipelines.estimate.variance import Lonely, Scaling, scaling
from pipelines.model.errors import InputError
from pipelines.model.round import Rollup

BATCH_ROWS = 1 << 12  # rows of the tally estimated together: few enough that their matrices stay in the cache


@dataclass(frozen=True)
class Members:
    """Rows of a tally in strata, strata in parts, parts in domains: each level in the order of the one above.

    A part is what one ratio is taken over: a whole domain, or one unit of a roll-up whose units are averaged. A row is
    there once for every domain that it belongs to.

    Args:
        domains: the domains.
        row: rows of the tally in the order of domain, part and stratum.
        stratum: position of each part's strata in `Strata`.
        rows_of_stratum: which of `row` belong to which stratum.
        strata_of_part: which strata belong to which part.
        parts_of_domain: which parts belong to which domain.
        psus: PSUs by stratum, those without a member of the domain included.
        how: factors of the variance by stratum.
    """

    domains: Sequence[Domain]
    row: Ints
    stratum: Ints
    rows_of_stratum: Grouping
    strata_of_part: Grouping
    parts_of_domain: Grouping
    psus: Ints
    how: Scaling

    @classmethod
    def of(cls, domains: Sequence[Domain], rows: Rows, strata: Strata, rollup: str, lonely: str) -> Members:
        """Put domains together.

        Raises:
            InputError: a stratum has a single PSU, and the rule is to fail then.
        """
        pieces = [_parts(domain, rollup) for domain in domains]
        flat = [part for own in pieces for part in own]
        row = np.concatenate(flat)
        part = np.repeat(np.arange(len(flat)), [len(piece) for piece in flat])
        order = np.lexsort((rows.stratum[row], part))
        row, stratum = row[order], rows.stratum[row[order]]
        is_first = (np.diff(part, prepend=-1) != 0) | (np.diff(stratum, prepend=-1) != 0)
        starts = np.flatnonzero(is_first)
        part, stratum = part[starts], stratum[starts]
        psus, names = strata.psus[stratum], [strata.names[number] for number in stratum]
        return cls(
            domains,
            row,
            stratum,
            Grouping(np.append(starts, len(row))),
            Grouping.of(np.bincount(part, minlength=len(flat))),
            Grouping.of(np.array([len(parts) for parts in pieces])),
            psus,
            scaling(psus, strata.correction[stratum], lonely, names, part),
        )

    @cached_property
    def rows_of_part(self) -> Grouping:
        """Which of `row` belong to which part."""
        return self.strata_of_part.of_entries(self.rows_of_stratum)

    @cached_property
    def rows_of_domain(self) -> Grouping:
        """Which of `row` belong to which domain."""
        return self.parts_of_domain.of_entries(self.rows_of_part)

    @cached_property
    def strata_of_domain(self) -> Grouping:
        """Which strata belong to which domain."""
        return self.parts_of_domain.of_entries(self.strata_of_part)

    def shares(self, rollup: Rollup | str, people: Mapping[str, float] | None) -> Floats:
        """Return what each part counts among the parts of its domain; `people` is the population by unit.

        Raises:
            InputError: units are to count by population, which is not known.
        """
        if rollup != Rollup.POPULATION_WEIGHTED:
            return np.ones(len(self.strata_of_part.sizes))
        if people is None and any(domain.is_rollup for domain in self.domains):
            raise InputError(
                "units are to be weighted by population, but there is no frame",
                f"unit {next(domain.unit for domain in self.domains if domain.is_rollup)}",
                "give the round a frame, or choose pooled or mean_of_units",
            )
        known = people or {}
        return np.array([known[unit] if domain.is_rollup else 1.0 for domain in self.domains for unit in domain.parts])

    def average(self, values: Floats, has_value: Bools, share: Floats) -> tuple[Floats, Floats]:
        """Return the means by domain of values by part (NaN without one), and the share of each part in them.

        A value is averaged over the parts that have it: the shares of a domain add up to 1 in every column.
        """
        counted = share[:, None] * has_value
        total = self.parts_of_domain.sums(counted)
        part = counted / self.parts_of_domain.spread(np.where(total > 0, total, 1.0))
        return np.where(total > 0, self.parts_of_domain.sums(part * values), np.nan), part

    def sums(self, groups: Grouping, tally: np.ndarray, factor: Floats) -> Floats:
        """Return the sums over groups of `row` of factor times row of the tally.

        Args:
            groups: of `row`, such as `rows_of_domain`.
            tally: a line for each row of the whole tally.
            factor: one for each of `row`.
        """
        shape = (len(groups.sizes), len(tally))
        at = slice(groups.starts[0], groups.starts[-1])
        return sparse.csr_matrix((factor[at], self.row[at], groups.starts - at.start), shape=shape) @ tally


def in_batches(
    domains: Sequence[Domain], rows: Rows, strata: Strata, rollup: Rollup | str, lonely: Lonely | str
) -> Iterator[Members]:
    """Yield the domains some at a time, in their order, so that memory does not grow with their number."""
    size = np.cumsum([len(domain.rows) for domain in domains])
    batch = size // BATCH_ROWS
    for own in np.split(np.arange(len(domains)), np.flatnonzero(np.diff(batch)) + 1) if len(domains) else ():
        yield Members.of([domains[number] for number in own], rows, strata, str(rollup), str(lonely))


def _parts(domain: Domain, rollup: str) -> list[Ints]:
    is_pooled = rollup == Rollup.POOLED or not domain.is_rollup
    return [domain.rows] if is_pooled else list(domain.parts.values())
