"""How often the intervals hold the truth: the demo rounds simulated anew, and stratified two-stage samples."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios" / "coverage"
NOMINAL = (0.935, 0.965)


def run(folder: Path, options: argparse.Namespace) -> None:
    del folder  # everything is in memory
    sys.path.insert(0, str(SCENARIOS))
    from two_stage import share_held

    print(f"\nCoverage of 95 % intervals over {options.samples:,} stratified two-stage samples", flush=True)
    for node, share in share_held(options.samples).items():
        within = "within" if NOMINAL[0] <= share <= NOMINAL[1] else "OUTSIDE"
        print(f"{node:<20}{share:8.1%}  {within} {NOMINAL[0]:.1%} to {NOMINAL[1]:.1%}")
    if options.rounds:
        print(f"\nCoverage over {options.rounds} simulated rounds of the commune and of the province", flush=True)
        environment = os.environ | {"HAILONG_COVERAGE_ROUNDS": str(options.rounds)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=0", "test_coverage.py"]
        subprocess.run(command, cwd=SCENARIOS, env=environment, check=False)
