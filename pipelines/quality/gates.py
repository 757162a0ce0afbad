"""Gates: tables are checked with Great Expectations before they go on.

The context is ephemeral and suites are files, so tasks share no state. It must not change a table or decide what to
do with it. Great Expectations is imported inside functions only: that takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.model.errors import GateError, InputError
from pipelines.model.gate import Check, GateResult
from pipelines.quality.docs import write_docs
from pipelines.quality.suites import Suite, columns_of

__all__ = ["GateResult", "Subject", "run_gate"]

SHOWN = 3
DECIMALS = 9


@dataclass(frozen=True)
class Subject:
    """A table and the suite that it is checked against.

    Args:
        table: only the columns that the suite names are looked at. Floating point is compared to nine decimals.
        suite: what ought to hold.
        parameters: values of the `$PARAMETER`s of the suite; more may be given.
        shown_with: a column whose value is told beside every unexpected one, where each expectation is on one column;
            empty for none.
    """

    table: pa.Table
    suite: Suite
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shown_with: str = ""


def run_gate(subjects: Sequence[Subject], docs_dir: Path | str | None, name: str) -> GateResult:
    """Evaluate each suite on its table and build one page of Data Docs.

    Args:
        subjects: the tables with their suites; the checks come back in this order.
        docs_dir: folder that the page replaces; None builds none.
        name: what messages and the page call the gate.

    Raises:
        GateError: an expectation could not be evaluated. A failed one does not raise: see `GateResult`.
        InputError: a suite asks for what Great Expectations does not know, or a parameter is missing.
    """
    for subject in subjects:
        if missing := subject.suite.parameters - subject.parameters.keys():
            raise InputError(
                f"no value for parameter {', '.join(sorted(missing))}", subject.suite.where, "pass it to the gate"
            )
    found = [_validate(subject) for subject in subjects]
    if docs_dir:
        write_docs(found, Path(docs_dir), name)
    results = [
        (subject, result) for subject, one in zip(subjects, found, strict=True) for result in _in_order(subject, one)
    ]
    _raise_errors((result for _, result in results), name)
    return GateResult(name, tuple(_check(subject, result) for subject, result in results))


def _validate(subject: Subject) -> Any:
    """Return what Great Expectations found; the format BASIC takes two thirds of the time of the next one."""
    context = _context()
    source = context.data_sources.add_pandas("gate").add_dataframe_asset(subject.suite.name)
    batch = source.add_batch_definition_whole_dataframe("table").get_batch({"dataframe": _frame(subject)})
    return batch.validate(
        _expectations(subject.suite),
        result_format={"result_format": "BASIC"},
        expectation_parameters={key: subject.parameters[key] for key in subject.suite.parameters},
    )


def _frame(subject: Subject) -> Any:
    """Return the columns in question as pandas, without the last digits, which differ between ways of adding up."""
    wanted = subject.suite.columns
    table = subject.table.select([name for name in subject.table.column_names if name in wanted])
    for position, name in enumerate(table.column_names):
        if pa.types.is_floating(table[name].type):
            table = table.set_column(position, name, pc.round(table[name], DECIMALS))
    return table.to_pandas()


def _context() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the package is imported
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={},
        progress_bars={"globally": False},
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _expectations(suite: Suite) -> Any:
    """Return the suite as Great Expectations has it; both texts describe each expectation on the page."""
    import great_expectations as gx
    from great_expectations.exceptions import GreatExpectationsError

    described = [
        dict(one) | {"description": f"{one['meta']['vi']} / {one['meta']['en']}"} for one in suite.expectations
    ]
    try:
        made = gx.ExpectationSuite(name=suite.name, expectations=described)
    except (GreatExpectationsError, ValueError) as error:
        raise InputError(f"Great Expectations refuses the suite: {error}", suite.where, "correct the suite") from error
    known = {one.meta["rule"] for one in made.expectations}  # it only logs what it does not know
    if unknown := sorted({one["type"] for one in suite.expectations if one["meta"]["rule"] not in known}):
        raise InputError(f"Great Expectations knows no {', '.join(unknown)}", suite.where, "correct the suite")
    return made


def _in_order(subject: Subject, found: Any) -> list[Any]:
    """Return the results in the order of the suite; Great Expectations gives them in another."""
    order = [one["meta"]["rule"] for one in subject.suite.expectations]
    return sorted(found.results, key=lambda result: order.index(result.expectation_config.meta["rule"]))


def _raise_errors(results: Iterable[Any], name: str) -> None:
    """Raise GateError for expectations that raised: Great Expectations reports them as failed, with nothing seen."""
    broken = [
        f"{config.meta['rule']} ({config.type} on {', '.join(columns_of(config.kwargs)) or 'the table'}): {message}"
        for config, message in ((result.expectation_config, _error(result)) for result in results)
        if message
    ]
    if broken:
        raise GateError(
            f"{len(broken)} expectations could not be evaluated: {'; '.join(broken)}",
            f"gate “{name}”",
            "check that the table has these columns with the types that the suite expects",
        )


def _error(result: Any) -> str:
    """Return the message of an expectation that raised; `exception_info` is flat or holds one dict a metric."""
    info = result.exception_info or {}
    infos = [info] if "raised_exception" in info else list(info.values())
    raised = [str(one["exception_message"]) for one in infos if one["raised_exception"]]
    return " | ".join(dict.fromkeys(raised))


def _check(subject: Subject, result: Any) -> Check:
    config, seen = result.expectation_config, result.result
    return Check(
        suite=subject.suite.name,
        expectation=config.type,
        column=", ".join(columns_of(config.kwargs)),
        severity=str(config.severity.value),
        passed=bool(result.success),
        observed=_observed(subject, config.kwargs, seen),
        unexpected_count=int(seen.get("unexpected_count") or 0),
        rows=int(seen.get("element_count", subject.table.num_rows)),
        rule=config.meta["rule"],
        message_vi=config.meta["vi"],
        message_en=config.meta["en"],
    )


def _observed(subject: Subject, kwargs: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    """Return the figure seen, or the first unexpected values: `a1=6`, with another column `a1=6 (responses: 12)`."""
    if "observed_value" in seen:
        return str(seen["observed_value"])
    values = (seen.get("partial_unexpected_list") or [])[:SHOWN]
    if not subject.shown_with:
        return ", ".join(map(str, values))
    columns = (subject.table[name].to_pylist() for name in (kwargs["column"], subject.shown_with))
    beside = dict(zip(*columns, strict=True))
    return ", ".join(f"{value} ({subject.shown_with}: {beside[value]})" for value in values)
