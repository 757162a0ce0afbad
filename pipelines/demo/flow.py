"""The demonstration from start to end: simulate, collect, tally, estimate, draft, approve by a second person, publish.

Run twice it finds everything done and nothing doubles; killed anywhere, the next run completes it. It computes
nothing: it asks Airflow to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from pipelines.demo.airflow import Runs
from pipelines.demo.server import LEADER, STATISTICIAN, USERS, Server
from pipelines.demo.show import show_release, show_times
from pipelines.model.errors import HailongError
from pipelines.model.round import Round
from pipelines.settings import Settings
from pipelines.stages import latest_releases, open_context, rounds, simulate

SEED = 2023
SPECS = ("commune", "province")


class Progress:
    """One line a step, with its seconds, and what is going on under it."""

    def __init__(self, console: Console) -> None:
        """Write to a console."""
        self.console = console
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step while it runs and its seconds when it is done."""
        started = time.perf_counter()
        with self.console.status(title) as status:
            yield lambda what: status.update(f"{title}: {what}")
        seconds = time.perf_counter() - started
        self.times[title] = seconds
        self.console.print(f"[green]✓[/] {title} [dim]{seconds:.1f} s[/]")


def run(settings: Settings, console: Console) -> None:
    """Run the demonstration and stop what it started."""
    server, progress = Server(settings), Progress(console)
    started_here = not server.is_running()
    try:
        get_ready(server, progress, settings, keep=False)
        drive(server, progress, settings)
    finally:
        if started_here:
            with progress.step("stop Airflow"):
                server.stop()
    show_times(console, progress.times)


def up(settings: Settings, console: Console) -> None:
    """Start Airflow on the same data and leave it running."""
    server, progress = Server(settings), Progress(console)
    get_ready(server, progress, settings, keep=True)
    state = server.state
    assert state is not None
    console.print(f"Airflow: [bold]{state.url}[/]", soft_wrap=True)
    for user in USERS:
        console.print(f"  {user}: {server.password(user)}", soft_wrap=True)
    console.print("End it with [bold]make down[/].")


def down(settings: Settings, console: Console) -> None:
    """Stop what `up` started."""
    console.print("Airflow is stopped." if Server(settings).stop() else "Nothing was running.")


def get_ready(server: Server, progress: Progress, settings: Settings, keep: bool) -> None:
    """Start Airflow where it does not run, and write the demo rounds while it starts; the same bytes each time."""
    running = server.is_running()
    with progress.step("start a real Airflow, simulate two rounds with known truth") as tick:
        if not running:
            server.launch(keep)
        for spec in SPECS:
            tick(spec)
            simulate(open_context(settings), spec, SEED)
        tick("waiting for Airflow to answer")
        server.wait_until_ready()


def drive(server: Server, progress: Progress, settings: Settings) -> None:
    """Let the DAGs take every round of the lake from its sources to a published release."""
    runs, context = Runs(server.client(STATISTICIAN)), open_context(settings)
    sources = sorted({config.source for one in rounds(context) for config in one.sources})
    with progress.step("read the DAGs"):
        runs.wait_for_dags([*(f"collect__{name}" for name in sources), "monthly", "yearly", "release"])
    with progress.step("collect, conform, screen, gate, tally") as tick:
        runs.wait({runs.trigger(f"collect__{name}", {}): f"collect__{name}" for name in sources}, tick)
    with progress.step("monthly: progress, quality, provisional scores") as tick:
        runs.wait_until_quiet("monthly", tick)
    with progress.step("yearly: weigh, estimate, load, freeze, check") as tick:
        for together in in_order(rounds(context)):
            runs.wait({runs.trigger("yearly", {"round": one.id}): "yearly" for one in together}, tick)
    with progress.step(f"release: {LEADER} approves what {STATISTICIAN} froze, publish") as tick:
        approve_all(server, runs, tick)
    progress.console.print(f"[dim]{runs.progress()}[/]")
    releases = latest_releases(context)
    if {one.id for one in rounds(context)} - releases.keys():
        raise HailongError("a round has no published release", remedy="see the Airflow UI: `make up`")
    for release_id in releases.values():
        show_release(progress.console, context, release_id)


def in_order(found: list[Round]) -> Iterator[list[Round]]:
    """Yield rounds that may be estimated at the same time: one that is compared with another comes after it."""
    left = {one.id: one for one in found}
    while left:
        ready = [one for one in left.values() if one.previous not in left] or list(left.values())
        yield ready
        for one in ready:
            del left[one.id]


def approve_all(server: Server, runs: Runs, tick: Callable[[str], None]) -> None:
    """Answer every waiting approval as the second person, until the release runs are done."""
    leader = Runs(server.client(LEADER))

    def answer(progress: str) -> None:
        for waiting in leader.waiting_approvals():
            leader.approve(waiting, "Đã xem bản dự thảo. Seen in the demonstration.")
        tick(progress)

    runs.wait_until_quiet("release", answer)
