"""The errors a user may cause or must know of; each says what, where and the remedy.

The command line prints them without a traceback and exits with `exit_code`. Programming errors are ordinary
exceptions and must not be turned into these.
"""

from __future__ import annotations


class HailongError(Exception):
    """A condition to be told to a person.

    Args:
        what: what is wrong, one sentence.
        where: file, line and field, as exactly as known; empty where there is no place.
        remedy: what the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        """Keep the three parts and a one-line message."""
        self.what, self.where, self.remedy = what, where, remedy
        parts = [f"{where}: {what}" if where else what, f"Remedy: {remedy}" if remedy else ""]
        super().__init__(" ".join(part for part in parts if part))

    def __reduce__(self) -> tuple[type[HailongError], tuple[str, str, str]]:
        """Survive pickling between processes with all three parts."""
        return type(self), (self.what, self.where, self.remedy)


class InputError(HailongError):
    """A file, setting or argument cannot be used as it is."""

    exit_code = 3


class GateError(HailongError):
    """A critical expectation failed, or an expectation could not be evaluated."""

    exit_code = 4


class AccountError(HailongError):
    """Rows in differ from accepted + duplicate + rejected: something would have been lost."""

    exit_code = 5


class StateError(HailongError):
    """A release or a round is not in the state that the step needs."""

    exit_code = 6


class SourceError(HailongError):
    """A source could not be reached or answered wrongly; trying again later may help."""

    exit_code = 7


class WarehouseError(HailongError):
    """The warehouse is busy or cannot be reached; trying again later may help."""

    exit_code = 8
