"""The command `hailong`: every stage, a whole round, and the demonstration. It only calls `pipelines.stages`.

A user's mistake is told in words, without a traceback, with the exit code of its kind (see `pipelines.model.errors`).
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.cli_device import app as device
from pipelines.cli_device import devices
from pipelines.cli_form import form
from pipelines.cli_ledger import app as ledger
from pipelines.cli_plan import plan
from pipelines.cli_privacy import app as privacy
from pipelines.cli_privacy import persons
from pipelines.cli_quality import quality
from pipelines.cli_reading import reading
from pipelines.cli_rejects import rejects
from pipelines.model.errors import HailongError, StateError
from pipelines.settings import Settings

app = typer.Typer(
    help="Hài Lòng: từ câu trả lời của người dân đến chỉ số ai cũng kiểm tra được · "
    "from what citizens answer to public indices that anybody can check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
demo = typer.Typer(help="A real Airflow on this machine with a simulated commune and province.", no_args_is_help=True)
app.add_typer(demo, name="demo")
app.add_typer(device, name="device")
app.command()(devices)
app.add_typer(form, name="form")
app.add_typer(ledger, name="ledger")
app.add_typer(plan, name="plan")
app.add_typer(privacy, name="privacy")
app.add_typer(persons)
app.add_typer(quality, name="quality")
app.add_typer(reading)
app.add_typer(rejects, name="rejects")
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]
SourceName = Annotated[str, typer.Argument(help="source: kiosk, postal, kobo, …")]
Key = Annotated[str, typer.Argument(help="partition: ROUND~SOURCE~MONTH, as `hailong partitions` lists them")]
ReleaseId = Annotated[str, typer.Argument(help="release id, the folder's name under releases/")]
OneRound = Annotated[str, typer.Option("--round", help="only this round")]
Person = Annotated[str, typer.Option("--person", help="who acts; default HAILONG_PERSON, else the user's name")]


def main() -> None:
    """Run the command; HailongError becomes a message on standard error and an exit code."""
    try:
        app()
    except HailongError as error:
        told = Console(stderr=True, highlight=False)
        told.print(f"[bold red]Lỗi · error[/] {escape(error.what)}", soft_wrap=True)
        if error.where:
            told.print(f"  ở · at      {escape(error.where)}", soft_wrap=True)
        if error.remedy:
            told.print(f"  cách sửa · remedy  {escape(error.remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)


@app.command()
def simulate(
    spec: Annotated[str, typer.Argument(help="commune, commune-before (its year before) or province")],
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 2023,
    communes: Annotated[int | None, typer.Option(help="so many of the province; all by default")] = None,
    scans: Annotated[int | None, typer.Option(help="sheets printed, filled, scanned; by default 16 or 0")] = None,
) -> None:
    """Write a round with known truth: its folder, its source files, and the truth apart from them."""
    from pipelines import stages

    out.print(stages.simulate(stages.open_context(), spec, seed, communes, scans))


@app.command()
def collect(source: SourceName, round_id: OneRound = "") -> None:
    """Land what a source has that we have not."""
    from pipelines import stages

    out.print(f"{stages.collect(stages.open_context(), source, round_id)} new objects landed")


@app.command()
def conform(source: SourceName, round_id: OneRound = "") -> None:
    """Turn landed bytes into responses."""
    from pipelines import stages

    context = stages.open_context()

    def work(batch: dict[str, Any]) -> None:
        months = stages.conform(context, batch)
        out.print(f"{batch['round']}: {len(batch['objects'])} objects conformed, months {', '.join(months)}")

    stages.go_on(work, stages.pending_batches(context, source, round_id), stages.unreadable(context, round_id))


@app.command()
def partitions(source: SourceName, round_id: OneRound = "") -> None:
    """List the partitions of a source that are to be screened, checked and tallied again."""
    from pipelines import stages

    context = stages.open_context()
    keys = stages.stale_partitions(context, source, round_id)
    stages.go_on(lambda key: out.print(key, highlight=False), keys, stages.unreadable(context, round_id))


@app.command()
def screen(key: Key) -> None:
    """Accept, set aside or reject the responses of one month of a source."""
    from pipelines import stages

    stages.screen(stages.open_context(), key)


@app.command()
def gate(key: Key) -> None:
    """Check one month's responses with Great Expectations."""
    from pipelines import stages

    stages.gate(stages.open_context(), key)


@app.command()
def tally(key: Key) -> None:
    """Add up one month's responses."""
    from pipelines import stages

    stages.tally(stages.open_context(), key)


@app.command()
def weigh(round_id: RoundId) -> None:
    """Compute the weights of a round and show what each step did to them."""
    from pipelines.demo.show import show_weights
    from pipelines.stages import open_context, weigh

    context = open_context()
    weigh(context, round_id)
    show_weights(out, context, round_id)


@app.command()
def estimate(round_id: RoundId) -> None:
    """Compute every score of a round with its standard error, and check the scores."""
    from pipelines import stages

    context = stages.open_context()
    stages.gate_scores(context, stages.estimate(context, round_id))


@app.command()
def interpret(round_id: RoundId) -> None:
    """Find what follows from the scores: change, importance, progress, channels, new units; say what is left out."""
    from pipelines import stages

    context = stages.open_context()
    for remark in stages.remarks(context, stages.interpret(context, round_id)):
        out.print(remark, markup=False)


@app.command()
def load(
    round_id: RoundId,
    month: Annotated[str, typer.Option(help="YYYY-MM: what is known after this month, provisional")] = "",
) -> None:
    """Load a round's results and operations into the warehouse."""
    from pipelines import stages

    if month:
        stages.load_month(stages.open_context(), f"{round_id}|{month}")
    else:
        stages.load(stages.open_context(), round_id)


@app.command("mode-effect")
def mode_effect(
    round_id: RoundId,
    items: Annotated[bool, typer.Option("--items", help="every item too, not only factors and above")] = False,
) -> None:
    """Compare the channels of a round on the same items: differences with intervals, crude and adjusted for strata."""
    from pipelines.demo.show import show_mode_effects
    from pipelines.stages import open_context

    show_mode_effects(out, open_context(), round_id, items)


@app.command()
def freeze(round_id: RoundId, person: Person = "") -> None:
    """Write a draft release of a round's results."""
    from pipelines import stages

    out.print(stages.freeze(stages.open_context(), round_id, person))


@app.command()
def check(release_id: ReleaseId, person: Person = "") -> None:
    """Check a draft release: every hash, row and sum."""
    from pipelines import stages

    stages.check(stages.open_context(), release_id, person)


@app.command()
def approve(
    release_id: ReleaseId,
    person: Person = "",
    comment: Annotated[str, typer.Option(help="kept with the decision")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="send it back instead")] = False,
) -> None:
    """Approve a checked draft, as somebody else than who froze it."""
    from pipelines import stages

    reply = {"approves": not reject, "person": person, "comment": comment}
    stages.decide(stages.open_context(), release_id, reply)


@app.command()
def publish(release_id: ReleaseId) -> None:
    """Publish an approved release."""
    from pipelines import stages

    stages.publish(stages.open_context(), release_id)


@app.command()
def summarise(release_id: ReleaseId) -> None:
    """Show what a person should know before deciding on a draft."""
    from pipelines import stages

    out.print(stages.summarise(stages.open_context(), release_id), markup=False)


@app.command()
def verify(release_id: ReleaseId) -> None:
    """Recompute every hash, row and sum of a release that its files allow."""
    from pipelines import stages

    problems = stages.verify_release(stages.open_context(), release_id)
    for problem in problems:
        out.print(problem, markup=False)
    if problems:
        raise StateError(f"{len(problems)} things are not as they were frozen", release_id, "do not use this copy")
    out.print(f"{release_id}: mọi tệp còn nguyên vẹn · every file is as it was frozen", markup=False)


@app.command()
def run(
    programme: Annotated[str, typer.Argument(help="programme: tthc, sipas, papi, …")],
    round_id: Annotated[str, typer.Option("--round", help="round id")],
    person: Person = "",
) -> None:
    """Take a round from its sources to a checked draft release, without Airflow."""
    from pipelines import stages

    context = stages.open_context()
    with out.status("…") as status:
        release_id = stages.run_round(
            context, programme, round_id, person, lambda stage, what: status.update(f"{stage}: {what}")
        )
    from pipelines.demo.show import show_release

    show_release(out, context, release_id)
    for remark in stages.remarks(context, round_id):
        out.print(f"[dim]{escape(remark)}[/]")
    out.print(f"Now somebody else: [bold]hailong approve {release_id}[/], then [bold]hailong publish {release_id}[/]")


@app.command()
def status(round_id: RoundId) -> None:
    """Show the account of a round: rows in, accepted, duplicate, rejected at each stage, and why."""
    from pipelines.demo.show import show_account
    from pipelines.stages import open_context

    show_account(out, open_context(), round_id)


@app.command()
def close(
    round_id: RoundId,
    month: Annotated[str, typer.Argument(help="month of the round, YYYY-MM")],
    person: Person = "",
    comment: Annotated[str, typer.Option(help="kept with the closing")] = "",
) -> None:
    """Close a month of a round: from now on it changes only by revisions, which are counted and told."""
    from pipelines import stages

    for revision in stages.close_month(stages.open_context(), round_id, month, person, comment):
        out.print(str(revision), highlight=False, soft_wrap=True)


@demo.command("run")
def demo_run() -> None:
    """Simulate, start Airflow, collect to publish, show the result, stop what was started."""
    from pipelines.demo.flow import run

    run(Settings.from_environment(), out)


@demo.command("up")
def demo_up() -> None:
    """Keep Airflow's UI open on the same data."""
    from pipelines.demo.flow import up

    up(Settings.from_environment(), out)


@demo.command("down")
def demo_down() -> None:
    """Stop what `up` started."""
    from pipelines.demo.flow import down

    down(Settings.from_environment(), out)
