"""What a gate found: one check an expectation, with severity and texts in Vietnamese and English.

It only holds results; `pipelines.quality.gates` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.model.errors import GateError

CRITICAL, WARNING = "critical", "warning"
NAMED = 5


@dataclass(frozen=True)
class Check:
    """One expectation and how it ended.

    Args:
        suite: the suite it belongs to.
        expectation: its type, e.g. `expect_column_values_to_be_unique`.
        column: the column or columns it looks at, separated by commas; empty for one on the whole table.
        severity: `critical` stops, `warning` reports.
        passed: whether it held.
        observed: what was seen, as text: a figure of the table, or the first unexpected values.
        unexpected_count: rows that it does not hold for; 0 for one on the whole table.
        rows: rows it was looked for in.
        rule: stable name, unique in its suite.
        message_vi: what ought to hold, in Vietnamese.
        message_en: the same in English.
    """

    suite: str
    expectation: str
    column: str
    severity: str
    passed: bool
    observed: str
    unexpected_count: int
    rows: int
    rule: str
    message_vi: str
    message_en: str


@dataclass(frozen=True)
class GateResult:
    """All checks of one gate, in the order of the suites."""

    name: str
    checks: tuple[Check, ...]

    def failed(self, severity: str) -> tuple[Check, ...]:
        """Return the failed checks of a severity."""
        return tuple(check for check in self.checks if not check.passed and check.severity == severity)

    @property
    def stopped(self) -> bool:
        """Whether a critical expectation failed."""
        return bool(self.failed(CRITICAL))

    def raise_if_stopped(self) -> None:
        """Raise GateError with the failed critical checks, if there are any."""
        failed = self.failed(CRITICAL)
        if failed:
            found = "; ".join(_described(check) for check in failed[:NAMED])
            more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
            raise GateError(
                f"{len(failed)} critical expectations of {len(self.checks)} failed: {found}{more}",
                f"gate “{self.name}”",
                "correct what produced these rows and run the stage again; Data Docs of the gate show every check",
            )


def _described(check: Check) -> str:
    where = f" in {check.column}" if check.column else ""
    rows = f", {check.unexpected_count} of {check.rows} rows" if check.unexpected_count else ""
    return f"{check.rule}{where}{rows} (seen: {check.observed}): {check.message_vi} / {check.message_en}"
