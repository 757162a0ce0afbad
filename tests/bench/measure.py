"""Measure a job in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = f"{'job':<46}{'seconds':>9}{'processor s':>13}{'× scan':>8}{'peak MB':>9}"


@dataclass(frozen=True)
class Cost:
    """Wall seconds, processor seconds (user and system, all threads) and peak resident memory of a job."""

    seconds: float
    processor: float
    peak: float

    def over(self, times: int) -> Cost:
        """Return the cost of once where the job was done so many times."""
        return Cost(self.seconds / times, self.processor / times, self.peak)

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """Return the cost of steps of one process together."""
        each = list(costs)
        return cls(sum(c.seconds for c in each), sum(c.processor for c in each), max(c.peak for c in each))

    def line(self, label: str, basis: Cost | None = None) -> str:
        """Return a line of the table; the ratio is that of processor seconds, which other programs disturb least."""
        ratio = f"{self.processor / basis.processor:8.1f}" if basis else f"{'':>8}"
        return f"{label:<46}{self.seconds:9.2f}{self.processor:13.2f}{ratio}{self.peak:9.0f}"


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cost_of(module: str, job: str, *arguments: object, limit: float | None = None) -> dict[str, Cost]:
    """Run a job of a module of this folder; return the cost of each of its steps by name.

    Raises:
        subprocess.TimeoutExpired: it took longer than `limit` seconds.
    """
    command = [sys.executable, str(HERE / f"{module}.py"), job, *map(str, arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as a task that shares the processors with others
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit, env=environment)
    return {name: Cost(**cost) for name, cost in json.loads(done.stdout.splitlines()[-1]).items()}


def report(steps: dict[str, Callable[[], object]]) -> None:
    """Run the steps of a job in this process, one after the other, and print their costs for `cost_of`."""
    found = {}
    for name, step in steps.items():
        seconds, processor = time.perf_counter(), processor_seconds()
        step()
        used = processor_seconds() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found[name] = {"seconds": time.perf_counter() - seconds, "processor": used, "peak": peak}
    print(json.dumps(found))


def arguments() -> Sequence[str]:
    """Return what `cost_of` gave: the job and its arguments."""
    return sys.argv[1:]
