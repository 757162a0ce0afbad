"""What every stage works with: settings, lake, warehouse, and the rounds and methods read once.

It must not do the work of a stage. Options of a source that begin with `env:` are taken from the environment here, so
that addresses and secrets never lie in a round's folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipelines.lake import Lake, sealed
from pipelines.methods import load_mappings, load_method, load_settings
from pipelines.model.errors import InputError, StateError
from pipelines.model.method import Method
from pipelines.model.round import Mapping, Round, SourceConfig
from pipelines.model.run import Partition
from pipelines.model.table import Table
from pipelines.privacy.age_files import AgeKeys
from pipelines.rounds import list_rounds, load_devices, load_round
from pipelines.settings import Settings
from pipelines.sources import source as source_named
from pipelines.warehouse import create_all, load_catalogue, open_engine

FROM_ENVIRONMENT = "env:"
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Context:
    """Settings and what follows from them; one for each task or command. `methods` are those read so far."""

    settings: Settings
    lake: Lake

    @cached_property
    def catalogue(self) -> dict[str, Table]:
        """All declared tables."""
        return load_catalogue(self.settings.project)

    @contextmanager
    def warehouse(self) -> Iterator[sa.Engine]:
        """Open the warehouse with every declared table in place; the file is free again afterwards."""
        engine = open_engine(self.settings.warehouse)
        try:
            create_all(engine, self.catalogue)
            yield engine
        finally:
            engine.dispose()

    def round(self, round_id: str) -> Round:
        """Read a round of the lake."""
        return load_round(self.lake, round_id)

    def unsealed(self, round_id: str) -> Round:
        """Read a round whose answers are still there; a StateError where they were removed."""
        if self.lake.exists(sealed(round_id)):
            remedy = "its results and releases stay as they are; nothing is collected or computed anew"
            raise StateError("the answers of the round were removed, their time being over", round_id, remedy)
        return self.round(round_id)

    def method(self, round_: Round) -> Method:
        """Return the method of a round."""
        return load_method(round_.programme, round_.method_version, self.settings.methods)

    def thresholds(self, round_: Round) -> dict[str, Any]:
        """Return the default thresholds with what the round changes of them."""
        return load_settings(round_.settings, f"rounds/{round_.id}/round.yml")

    def config(self, round_: Round, source: str) -> SourceConfig:
        """Return how a source serves a round: its options resolved (environment, folders of the lake), its devices."""
        config = round_.source(source)
        options = {name: self._resolve(value, round_, name) for name, value in config.options.items()}
        return replace(config, options=options, devices=load_devices(self.lake, round_))

    def mappings(self, round_: Round, method: Method, config: SourceConfig) -> tuple[Mapping, ...]:
        """Return the mappings of a source: the round's, else the method's, else the connector's own."""
        chosen = config.mappings or load_mappings(method, config.source)
        default = source_named(config.source).mappings
        if not chosen and default is not None:
            chosen = default(config, method.instruments)
        if not chosen:
            raise InputError(
                f"source {config.source} has no mapping for {method.id}",
                f"rounds/{round_.id}/mappings/{config.source}.yml",
                "say there which heading is which question",
            )
        return chosen

    def rounds_of(self, source: str, round_id: str = "") -> list[Round]:
        """Return the rounds that a source serves, or the one named; an InputError where it does not serve that one.

        A round that cannot be read is not among them: `collect` tells of it.
        """
        if round_id:
            return [self._served(round_id, source)]
        name = source_named(source).name
        rounds = [one for one in self.readable()[0] if not self.lake.exists(sealed(one.id))]
        return [one for one in rounds if any(config.source == name for config in one.sources)]

    def readable(self) -> tuple[list[Round], list[InputError]]:
        """Return every round of the lake that can be read, and why others cannot."""
        rounds: list[Round] = []
        unreadable: list[InputError] = []
        for round_id in list_rounds(self.lake):
            try:
                rounds.append(self.round(round_id))
            except InputError as error:
                unreadable.append(error)
        return rounds, unreadable

    def partition(self, key: str) -> Partition:
        """Read the key of one month of a source of a round; an InputError where it is none."""
        parts = key.split("~")
        if len(parts) != 3 or not MONTH.fullmatch(parts[2]):
            remedy = "write ROUND~SOURCE~MONTH, as `hailong partitions` lists them: tthc-2023-hoa-thanh~kiosk~2023-05"
            raise InputError(f"{key!r} is no partition", "the key", remedy)
        self._served(parts[0], parts[1])
        return Partition.of(key)

    def now(self) -> datetime:
        """Return the time, UTC; only receipts, reports and decisions carry it, never a result."""
        return datetime.now(UTC)

    def _served(self, round_id: str, source: str) -> Round:
        """Return a round; an InputError where the source does not serve it."""
        round_ = self.unsealed(round_id)
        names = [config.source for config in round_.sources]
        if source not in names:
            where = f"{round_.folder}/round.yml"
            raise InputError(f"source {source!r} does not serve the round", where, f"use one of: {', '.join(names)}")
        return round_

    def _resolve(self, value: Any, round_: Round, name: str) -> Any:
        if isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
            variable = value.removeprefix(FROM_ENVIRONMENT)
            if variable not in os.environ:
                raise InputError(
                    f"option {name} wants the environment variable {variable}, which is not set",
                    f"rounds/{round_.id}/round.yml",
                    f"set {variable} where the pipeline runs",
                )
            return os.environ[variable]
        if name == "inbox" and isinstance(value, str) and not Path(value).is_absolute() and "://" not in value:
            return self.lake.full(value)
        return value


def open_context(settings: Settings | None = None) -> Context:
    """Open what the environment (or the given settings) names."""
    settings = settings or Settings.from_environment()
    return Context(settings, Lake(settings.data, AgeKeys(settings.raw_recipient, settings.age_identity)))
