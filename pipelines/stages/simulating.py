"""The stage that makes a round with known truth, in the wire formats of the real sources."""

from __future__ import annotations

from pipelines.methods import load_method
from pipelines.stages.context import Context


def simulate(context: Context, name: str, seed: int, communes: int | None = None) -> str:
    """Write a built-in round and return its id; the same name, seed and size give the same bytes."""
    from pipelines.simulate import simulate_round, spec_named, write_round  # half a second, and no real round needs it

    spec = spec_named(name, communes=communes)
    method = load_method(spec.programme, spec.method_version, context.settings.methods)
    write_round(context.lake, simulate_round(spec, method, seed))
    return spec.round_id
