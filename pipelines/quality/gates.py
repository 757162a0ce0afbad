"""Gates: a table is checked with Great Expectations before it goes on.

The only module that imports Great Expectations, and only inside functions: the import takes seconds. The context is
ephemeral and suites are files, so tasks share no state. It must not change the table or decide what to do with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_float_dtype

from pipelines.model.errors import GateError, InputError
from pipelines.model.gate import Check, GateResult
from pipelines.quality.docs import site_folder
from pipelines.quality.suites import Expectation, Suite, make_suite, read_suite

__all__ = ["GateResult", "run_gate"]

SITE = "gate"
SHOWN = 3
DECIMALS = 9
COLUMNS = ("column", "column_A", "column_B")


def run_gate(
    frame: pd.DataFrame,
    suite_paths: Sequence[Path],
    extra: Sequence[Expectation],
    parameters: Mapping[str, Any],
    docs_dir: Path | str | None,
    name: str,
) -> GateResult:
    """Evaluate suites on a table and build their Data Docs.

    Args:
        frame: the table; a missing value is NaN, NaT, None or NA. Floating point is compared to nine decimals.
        suite_paths: suites as JSON files.
        extra: further expectations in the form of the suites, e.g. compiled from an instrument.
        parameters: values of the `$PARAMETER`s of the suites.
        docs_dir: folder that the site replaces; None builds none.
        name: what messages and pages call the gate.

    Raises:
        GateError: an expectation could not be evaluated. A failed one does not raise: see `GateResult`.
        InputError: a suite is not well formed, or a parameter is missing.
    """
    suites = [read_suite(Path(path)) for path in suite_paths]
    suites += [make_suite("extra", extra, f"gate “{name}”")] if extra else []
    for suite in suites:
        if missing := suite.parameters - parameters.keys():
            raise InputError(f"no value for parameter {', '.join(sorted(missing))}", suite.where, "pass it to the gate")
    with site_folder(Path(docs_dir) if docs_dir else None) as folder:
        context = _context(folder)
        batch = context.data_sources.add_pandas("gate").add_dataframe_asset(name)
        definition = batch.add_batch_definition_whole_dataframe("table")
        results = [_validate(context, definition, suite, _rounded(frame), parameters, name) for suite in suites]
        if folder:
            _build_docs(context, folder)
    pairs = [(suite, result) for suite, found in zip(suites, results, strict=True) for result in found]
    _raise_errors(pairs, name)
    return GateResult(name, tuple(_check(suite, result, len(frame)) for suite, result in pairs))


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table without the last digits of floating point, which differ between ways of adding up."""
    return frame.round({str(name): DECIMALS for name, kind in frame.dtypes.items() if is_float_dtype(kind)})


def _context(folder: Path | None) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the package is imported
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={SITE: site} if folder else {},
        progress_bars={"globally": False},
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _validate(
    context: Any, definition: Any, suite: Suite, frame: pd.DataFrame, parameters: Mapping[str, Any], name: str
) -> list[Any]:
    """Return the results of a suite in its own order; Great Expectations gives them in another."""
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.exceptions import GreatExpectationsError

    described = [
        dict(one) | {"description": f"{one['meta']['vi']} / {one['meta']['en']}"} for one in suite.expectations
    ]
    try:
        made = context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=described))
    except (GreatExpectationsError, ValueError) as error:
        raise InputError(f"Great Expectations refuses the suite: {error}", suite.where, "correct the suite") from error
    order = [one["meta"]["rule"] for one in suite.expectations]
    if dropped := set(order) - {one.meta["rule"] for one in made.expectations}:  # it only logs what it does not know
        types = sorted({one["type"] for one in suite.expectations if one["meta"]["rule"] in dropped})
        raise InputError(f"Great Expectations knows no {', '.join(types)}", suite.where, "correct the suite")
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=definition, suite=made)
    )
    found = validation.run(
        batch_parameters={"dataframe": frame},
        expectation_parameters={key: parameters[key] for key in suite.parameters},
        result_format={"result_format": "SUMMARY"},
        run_id=RunIdentifier(run_name=name),
    )
    return sorted(found.results, key=lambda result: order.index(result.expectation_config.meta["rule"]))


def _build_docs(context: Any, folder: Path) -> None:
    context.build_data_docs(site_names=[SITE])
    for film in (folder / "static" / "images").glob("*.gif"):  # of a guided tour that is switched off: 3 MB a site
        film.unlink()


def _raise_errors(pairs: Iterable[tuple[Suite, Any]], name: str) -> None:
    """Raise GateError for expectations that raised: Great Expectations reports them as failed, with nothing seen."""
    broken = [
        f"{config.meta['rule']} ({config.type} on {_columns(config.kwargs) or 'the table'}): {message}"
        for config, message in ((result.expectation_config, _error(result)) for _, result in pairs)
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


def _check(suite: Suite, result: Any, rows: int) -> Check:
    config, seen = result.expectation_config, result.result
    return Check(
        suite=suite.name,
        expectation=config.type,
        column=_columns(config.kwargs),
        severity=str(config.severity.value),
        passed=bool(result.success),
        observed=_observed(seen),
        unexpected_count=int(seen.get("unexpected_count") or 0),
        rows=int(seen.get("element_count", rows)),
        rule=config.meta["rule"],
        message_vi=config.meta["vi"],
        message_en=config.meta["en"],
    )


def _columns(kwargs: Mapping[str, Any]) -> str:
    return ", ".join([kwargs[key] for key in COLUMNS if key in kwargs] + list(kwargs.get("column_list", ())))


def _observed(seen: Mapping[str, Any]) -> str:
    if "observed_value" in seen:
        return str(seen["observed_value"])
    return ", ".join(str(value) for value in (seen.get("partial_unexpected_list") or [])[:SHOWN])
