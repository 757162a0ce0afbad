"""What a round does with the identity of its respondents; it only holds the decision, conforming carries it out."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.privacy.vault import Vault


@dataclass(frozen=True)
class Keeper:
    """By default nothing is kept.

    Args:
        key: the year's key, which makes pseudonyms; None: there are none.
        vault: where identity is kept, encrypted; None: it is dropped and counted.
        erased: responses (`response_id`) whose identity and free text were erased and must not come back.
    """

    key: bytes | None = None
    vault: Vault | None = None
    erased: frozenset[str] = frozenset()
