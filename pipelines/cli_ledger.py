"""The commands `hailong ledger …`: prove that an answer was counted, verify that nothing was altered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.model.errors import GateError, InputError

app = typer.Typer(
    help="Sổ cái: mỗi phiếu được nhận là một lá, chỉ thêm, không sửa · the ledger of accepted answers.",
    no_args_is_help=True,
)
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id")]


@app.command()
def record(
    source: Annotated[str, typer.Argument(help="source: kiosk, postal, kobo, …")],
    round_id: Annotated[str, typer.Option("--round", help="round id; empty: every round that the source serves")] = "",
) -> None:
    """Append what was accepted from a source to its ledger."""
    from pipelines import stages

    for line in stages.record(stages.open_context(), source, round_id):
        out.print(line, highlight=False, soft_wrap=True)


@app.command()
def heads(round_id: RoundId) -> None:
    """Show size and root of each source's ledger."""
    from pipelines import stages

    for head in stages.ledger_heads(stages.open_context(), round_id):
        signed = "signed" if head.is_signature_valid else "not signed"
        out.print(f"{head.ledger}: {head.size} leaves, root {head.root}, {signed}", highlight=False, soft_wrap=True)


@app.command()
def verify(round_id: RoundId) -> None:
    """Recompute every leaf, root and signature, and look for accepted responses without a leaf."""
    from pipelines import stages

    found = stages.verify_ledger(stages.open_context(), round_id)
    for problem in found:
        out.print(problem, highlight=False)
    if found:
        raise GateError(f"{len(found)} problems in the ledger", round_id, "restore the named files from a back-up")
    out.print("Sổ cái nguyên vẹn · the ledger is intact")


@app.command()
def prove(
    round_id: RoundId,
    code: Annotated[str, typer.Argument(help="receipt code, as XXXX-XXXX-XXXX-XXXX-X")],
    to: Annotated[Path, typer.Option(help="file to write the proof to")] = Path("proof.json"),
) -> None:
    """Write the proof that the answer with a receipt code was accepted."""
    from pipelines import stages

    proofs = stages.prove(stages.open_context(), round_id, code)
    if not proofs:
        raise InputError("no accepted answer has this receipt code", code, "see `hailong rejects` or ask who keyed it")
    to.write_text(json.dumps([one.as_dict() for one in proofs], indent=1) + "\n", encoding="utf-8")
    out.print(f"{len(proofs)} proof written to {to}")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="a proof, as `hailong ledger prove` writes it")]) -> None:
    """Check a proof; needs neither the lake nor a network."""
    from pipelines.ledger import Proof

    try:
        proofs = [Proof.of(one) for one in json.loads(file.read_text(encoding="utf-8"))]
        found = [problem for one in proofs for problem in one.problems]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"not a proof: {error}", str(file), "use the file that `hailong ledger prove` wrote"
        ) from error
    if found:
        raise GateError("; ".join(found), str(file), "the answer is not in the ledger under this root")
    for one in proofs:
        out.print(f"{one.receipt}: leaf {one.index} of {one.size} in {one.ledger}, root {one.root}", highlight=False)


@app.command()
def key(file: Annotated[Path, typer.Argument(help="where to write the private key")]) -> None:
    """Make a key that signs tree heads; name its file in HAILONG_SIGNING_KEY where the pipeline runs."""
    from pipelines.ledger import new_key

    out.print(f"public key: {new_key(file)}", highlight=False)
