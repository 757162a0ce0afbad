"""Rounds of records for tests: a lake with a round folder and an inbox, and settings that point to it."""

from pathlib import Path

from pipelines.settings import PROJECT, Settings
from pipelines.stages import Context, open_context

ROUND = """\
id: {id}
programme: {programme}
method: "{version}"
year: {year}
title: {{vi: Đợt thử, en: Test round}}
window: {{from: "{year}-01-01", to: "{year}-12-31"}}
unit_level: {level}
{rollup}design: {{finite_population: false}}
sources:
  - {{source: {source}, instance: test, channel: {channel}, self_selected: {self_selected}, options: {{inbox: inbox}}}}
"""


def make_round(
    root: Path, programme: str, version: str, source: str, year: int, units: str, files: dict[str, str], **options: str
) -> Context:
    """Write a round called `test` with files in its inbox, and return a context on it."""
    folder = root / "data" / "rounds" / "test"
    folder.mkdir(parents=True)
    inbox = root / "data" / "inbox"
    inbox.mkdir()
    text = ROUND.format(
        id="test",
        programme=programme,
        version=version,
        source=source,
        year=year,
        level=options.get("level", "commune"),
        channel=options.get("channel", "portal"),
        rollup=options.get("rollup", ""),
        self_selected=options.get("self_selected", "false"),
    )
    (folder / "round.yml").write_text(text, encoding="utf-8")
    (folder / "units.csv").write_text(units, encoding="utf-8")
    if "mapping" in options:
        (folder / "mappings").mkdir()
        (folder / "mappings" / f"{source}.yml").write_text(options["mapping"], encoding="utf-8")
    for name, content in files.items():
        (inbox / name).write_text(content, encoding="utf-8")
    data = str(root / "data")
    return open_context(Settings(data, f"duckdb:///{data}/w.duckdb", (), PROJECT, "tester"))
