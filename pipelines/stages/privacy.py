"""What becomes of identity in a round, who may see it, and the note that somebody did.

It must not return identity without a note of who asked and why.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.lake import tombstone
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.privacy.access import VAULT_READ, Access
from pipelines.privacy.keeper import Keeper
from pipelines.privacy.pseudonyms import read_key
from pipelines.privacy.vault import Vault, vault_folder
from pipelines.stages.context import Context


def keeper(context: Context, round_: Round) -> Keeper:
    """Return what a round does with identity, as the environment and its retention say.

    Raises:
        InputError: the vault lies within the lake, or a key that it needs is missing.
    """
    settings = context.settings
    if settings.vault and not settings.pseudonym_keys:
        remedy = "name the folder of the keys in HAILONG_PSEUDONYM_KEYS, or unset HAILONG_VAULT"
        raise InputError("there is a vault and no folder of pseudonym keys", settings.vault, remedy)
    for name, place in (("HAILONG_VAULT", settings.vault), ("HAILONG_PSEUDONYM_KEYS", settings.pseudonym_keys)):
        _check_outside(context, name, place)
    key = read_key(settings.pseudonym_keys, round_.year) if settings.pseudonym_keys else None
    vault = None if is_due(context, round_, "identity_days") else open_vault(context)
    return Keeper(key, vault, erased_responses(context, round_.id))


def open_vault(context: Context) -> Vault | None:
    """Return the vault; None where there is none."""
    settings = context.settings
    return Vault.at(settings.vault, settings.vault_recipient) if settings.vault else None


def erased_responses(context: Context, round_id: str) -> frozenset[str]:
    """Return the responses of a round from which the person was erased."""
    paths = context.lake.glob(tombstone(round_id, "*"))
    return frozenset(path.rsplit("/", 1)[1].removesuffix(".json") for path in paths)


def is_due(context: Context, round_: Round, setting: str) -> bool:
    """Whether the time of a kind of data is over, counted from the end of the round's window in its zone."""
    days = int(context.thresholds(round_)["retention"][setting])
    today = context.now().astimezone(round_.zone).date()
    return days > 0 and today > round_.window_to + timedelta(days=days)


def note_access(context: Context, round_id: str, action: str, subject: str, person: str, reason: str) -> None:
    """Note that a person is about to see or change identity, raw bytes, a crop or the payload of a rejected row.

    Call it before showing anything: what is not noted must not be seen. `subject` names the object, never the person
    whom it is about.

    Raises:
        InputError: no reason is given.
    """
    if not reason.strip():
        remedy = "say why, such as --reason 'đơn yêu cầu số 12'"
        raise InputError("access to personal data needs a reason", subject, remedy)
    who = person or context.settings.person
    Access(round_id, context.now(), who, action, subject, reason.strip()).write(context.lake)


def read_vault(context: Context, round_id: str, pseudonym: str, person: str, reason: str) -> list[dict[str, str]]:
    """Return what the vault holds of a person or response by its pseudonym, after noting who asked."""
    vault, round_ = open_vault(context), context.round(round_id)
    if vault is None:
        raise InputError("there is no vault", "HAILONG_VAULT", "name the folder of the vault")
    note_access(context, round_id, VAULT_READ, pseudonym, person, reason)
    rows = vault.rows(vault_folder(round_.year, round_id, "*", "*"), context.settings.age_identity)
    return [row for row in rows if pseudonym in (row["person"], row["response"])]


def _check_outside(context: Context, name: str, place: str) -> None:
    """Raise InputError where a place lies in the lake or is the warehouse's folder: back-ups and readers take those."""
    if not place:
        return
    inner, data = _absolute(place), _absolute(context.settings.data)
    if inner == data or inner.startswith(data.rstrip("/") + "/"):
        raise InputError(f"{name} lies within the data folder", place, "choose a place of its own, backed up apart")


def _absolute(place: str) -> str:
    return place if urlsplit(place).scheme and "://" in place else str(Path(place).resolve())
