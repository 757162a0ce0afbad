"""Run benches by name and print what they measured: `python tests/bench/run.py estimation coverage`; all without names.

Nothing here passes or fails: times belong to the machine and the moment. Compare within one run only.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

import collection
import comparison
import coverage
import estimation

BENCHES = {
    "estimation": estimation.run,
    "comparison": comparison.run,
    "coverage": coverage.run,
    "collection": collection.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="responses to estimate from"
    )
    parser.add_argument("--records", type=int, nargs="+", default=[100_000], help="kiosk records to collect")
    parser.add_argument("--samples", type=int, default=1_000, help="two-stage samples")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of the demo simulation")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, load at the start {busy}")
    for name in options.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="hailong-bench-") as folder:
            BENCHES[name](Path(folder), options)


if __name__ == "__main__":
    main()
