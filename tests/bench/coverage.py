"""How often the intervals hold the truth: the demo rounds simulated anew, and stratified two-stage samples."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios" / "coverage"
NOMINAL, AIM = 0.95, (0.935, 0.965)


def run(folder: Path, options: argparse.Namespace) -> None:
    sys.path.insert(0, str(SCENARIOS))
    _two_stage(options.samples)
    if options.rounds:
        _simulated_rounds(folder, options.rounds)


def _two_stage(samples: int) -> None:
    from two_stage import share_held

    print(f"\nCoverage of 95 % intervals over {samples:,} stratified two-stage samples", flush=True)
    for node, share in share_held(samples).items():
        within = "within" if AIM[0] <= share <= AIM[1] else "OUTSIDE"
        print(f"{node:<20}{share:8.1%}  {within} {AIM[0]:.1%} to {AIM[1]:.1%}")


def _simulated_rounds(folder: Path, rounds: int) -> None:
    from simulated_rounds import COMMUNE, PROVINCE, coverage, rounds_held

    from pipelines.lake import Lake

    for spec in (COMMUNE, PROVINCE):
        print(f"\nCoverage of the published 95 % intervals over {rounds} simulated rounds {spec.round_id}", flush=True)
        print(f"{'unit':<10}{'level':<14}{'measure':<9}{'intervals':>10}{'coverage':>10}{'± error':>9}")
        found = coverage(list(rounds_held(Lake(str(folder / spec.round_id)), spec, range(rounds))))
        for unit, level, measure, intervals, share, error in found.reset_index().itertuples(index=False):
            row = f"{unit:<10}{level:<14}{measure:<9}{intervals:>10}{share:>10.1%}{error:>9.1%}"
            agrees = "agrees with" if abs(share - NOMINAL) <= 2 * error else "DEPARTS from"
            print(f"{row}  {agrees} {NOMINAL:.0%}, given two errors of the simulation", flush=True)
