"""Freezing, verifying and publishing a real folder of files."""

import dataclasses
import json
import shutil
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from release import sample

from pipelines.formats import formats
from pipelines.lake import Lake
from pipelines.model.errors import InputError, StateError
from pipelines.model.publication import Format, PublishedTable
from pipelines.release import manifest
from pipelines.release.freeze import freeze
from pipelines.release.ids import next_release_id, release_ids
from pipelines.release.manifest import Accounts, Input, ManifestFacts
from pipelines.release.publish import point_latest
from pipelines.release.verify import verify

FACTS = ManifestFacts(
    code_version="0.1.0",
    inputs=[Input("tallies/b.parquet", "2" * 64), Input("tallies/a.parquet", "1" * 64)],
    accounts=Accounts(2100, 2053, 30, 17),
    gates=[{"gate": "scores", "passed": True, "expected": 12}],
    disclosure=[{"kind": "score", "rows": 3, "reasons": {"published": 3}}],
)
FIRST = "tthc-2026-hung-yen.1"
LIGHT = [one for one in formats() if one.name in ("csv", "parquet", "dictionary")]


def frozen_lake(lake: Lake, chosen=LIGHT, facts=FACTS, **changes):
    return freeze(lake, sample.publication(**changes), chosen, facts)


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Lake:
    """A lake with a release in all formats; tests must leave it as it is."""
    lake = Lake(str(tmp_path_factory.mktemp("complete")))
    frozen_lake(lake, formats())
    return lake


def folder_of(lake: Lake, release_id: str = FIRST) -> Path:
    return Path(lake.root) / "releases" / release_id


def names_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def test_all_formats_are_frozen_verified_and_read_only(complete):
    folder = folder_of(complete)
    files = {"index_score.csv", "index_score.parquet", "results.xlsx", "release.duckdb", "index.html", "manifest.json"}
    assert files <= set(names_of(folder))
    assert verify(complete, FIRST) == []
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o222 for path in folder.iterdir())


def test_every_link_of_the_page_leads_to_a_file_of_the_release(complete):
    page = (folder_of(complete) / "index.html").read_text(encoding="utf-8")
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert len(links) > 5
    assert set(links) <= set(names_of(folder_of(complete)))


def test_the_manifest_says_what_the_release_is_made_from_and_holds(lake):
    frozen = frozen_lake(lake)
    content = json.loads((folder_of(lake) / "manifest.json").read_bytes())
    origin = content["made_from"]
    assert content["release_id"] == frozen.release_id
    assert content["frozen_on"] == "2026-11-23"
    assert origin["round"]["sha256"] == "b" * 64
    assert origin["method"] == {"id": "tthc/2017", "sha256": "a" * 64}
    assert origin["instruments"] == [{"id": "citizen", "version": "2017.1", "sha256": "1" * 64}]
    assert origin["code_version"] == "0.1.0"
    assert [entry["path"] for entry in origin["inputs"]] == ["tallies/a.parquet", "tallies/b.parquet"]
    assert content["accounts"] == {"in": 2100, "accepted": 2053, "duplicate": 30, "rejected": 17}
    assert content["gates"] == [{"gate": "scores", "passed": True, "expected": 12}]
    assert content["disclosure"][0]["reasons"] == {"published": 3}
    outputs = {entry["file"]: entry for entry in content["outputs"]}
    assert outputs.keys() == bytes_of(folder_of(lake)).keys() - {"manifest.json"}
    csv, parquet = outputs["index_score.csv"], outputs["index_score.parquet"]
    assert csv["sha256"] != parquet["sha256"]
    assert csv["row_sha256"] == parquet["row_sha256"] == content["tables"]["index_score"]["row_sha256"]
    assert csv["rows"] == len(sample.score_rows())
    assert outputs["dictionary.csv"]["row_sha256"] is None


def test_the_manifest_has_no_bare_fraction_so_that_any_tool_keeps_its_bytes():
    text = manifest.canonical_json({"b": 0.1, "a": [1, True, None, "ồ"], "c": {"d": 1e-7}}).decode()
    assert json.loads(text) == {"a": [1, True, None, "ồ"], "b": "0.1", "c": {"d": "1e-07"}}
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def test_freezing_the_same_again_changes_nothing_whatever_id_and_day_are_proposed(lake):
    first = frozen_lake(lake)
    before = bytes_of(folder_of(lake))
    again = dataclasses.replace(sample.publication("tthc-2026-hung-yen.2"), frozen_on="2026-12-01")
    assert freeze(lake, again, LIGHT, FACTS) == first
    assert bytes_of(folder_of(lake)) == before
    assert release_ids(lake) == [FIRST]


def with_release_id(publication):
    """The publication with the release's id in each row of its scores."""
    table = publication.tables["index_score"]
    column = sample.column("release_id", "text", "Bản phát hành", "Release")
    declaration = dataclasses.replace(table.declaration, columns=(column, *table.declaration.columns))
    rows = table.rows.append_column("release_id", pa.array([publication.release_id] * table.rows.num_rows))
    return dataclasses.replace(publication, tables={"index_score": PublishedTable(declaration, rows)})


def test_rows_that_carry_the_proposed_id_still_count_as_the_same(lake):
    first = freeze(lake, with_release_id(sample.publication()), LIGHT, FACTS)
    again = freeze(lake, with_release_id(sample.publication("tthc-2026-hung-yen.2")), LIGHT, FACTS)
    assert again == first
    assert verify(lake, FIRST) == []


def test_the_same_inputs_give_the_same_manifest_in_another_lake(lake, tmp_path):
    other = Lake(str(tmp_path / "other"))
    assert frozen_lake(lake) == frozen_lake(other)


def test_the_order_of_rows_does_not_change_a_release(lake, tmp_path):
    publication = sample.publication()
    tables = {
        name: PublishedTable(table.declaration, table.rows.take(list(range(table.rows.num_rows))[::-1]))
        for name, table in publication.tables.items()
    }
    shuffled = dataclasses.replace(publication, tables=tables)
    other = Lake(str(tmp_path / "other"))
    assert freeze(lake, publication, LIGHT, FACTS) == freeze(other, shuffled, LIGHT, FACTS)


@pytest.mark.parametrize(
    "facts",
    [
        dataclasses.replace(FACTS, code_version="0.1.1"),
        dataclasses.replace(FACTS, inputs=[Input("tallies/a.parquet", "3" * 64)]),
    ],
)
def test_other_inputs_never_change_a_frozen_release(lake, facts):
    frozen_lake(lake)
    before = bytes_of(folder_of(lake))
    with pytest.raises(StateError, match="never changes") as refused:
        frozen_lake(lake, facts=facts)
    assert "tthc-2026-hung-yen.2" in refused.value.remedy
    assert bytes_of(folder_of(lake)) == before


def test_the_second_release_says_what_changed(lake):
    frozen_lake(lake)
    facts = dataclasses.replace(FACTS, previous=FIRST)
    second = frozen_lake(lake, facts=facts, release_id="tthc-2026-hung-yen.2", seed=2)
    found = manifest.read(lake, second.release_id).content["difference"]
    assert (found["previous"], found["added"], found["removed"]) == (FIRST, 0, 0)
    shown = [row for row in sample.score_rows() if row.get("score") is not None]
    assert found["changed"] == len(shown)
    assert 0 < float(found["largest_change"]) < 25


def test_a_previous_release_that_is_not_there_is_refused(lake):
    with pytest.raises(InputError, match="compare"):
        frozen_lake(lake, facts=dataclasses.replace(FACTS, previous="tthc-2026-hung-yen.9"))


class Killed(BaseException):
    """Stands for a signal: no handler for ordinary errors may catch it."""


def test_killed_while_writing_nothing_is_visible_and_the_next_run_completes(lake, monkeypatch):
    whole = Lake.write_bytes
    for after in range(5):
        calls = iter(range(100))

        def dying(self, path, content, calls=calls, after=after):
            if next(calls) == after:
                raise Killed
            return whole(self, path, content)

        monkeypatch.setattr(Lake, "write_bytes", dying)
        with pytest.raises(Killed):
            frozen_lake(lake)
        assert release_ids(lake) == []
        assert not folder_of(lake).exists()
    monkeypatch.setattr(Lake, "write_bytes", whole)
    frozen = frozen_lake(lake)
    assert verify(lake, FIRST, frozen.manifest_sha256) == []
    assert names_of(Path(lake.root) / "releases") == [FIRST]  # the leftovers are gone


def test_killed_before_the_folder_gets_its_name_nothing_is_visible(lake, monkeypatch):
    def dying(self, source, target, last):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "move_folder", dying)
        with pytest.raises(Killed):
            frozen_lake(lake)
    assert release_ids(lake) == []
    assert verify(lake, FIRST) != []
    frozen_lake(lake)
    assert names_of(Path(lake.root) / "releases") == [FIRST]


def test_a_private_or_undeclared_column_stops_the_freeze(lake):
    with pytest.raises(InputError, match="batch_id are not declared public"):
        frozen_lake(lake, with_private=True)
    assert not lake.exists("releases")


def test_a_public_column_that_is_absent_stops_the_freeze(lake):
    publication = sample.publication()
    table = publication.tables["index_score"]
    short = PublishedTable(table.declaration, table.rows.drop_columns(["n_eff"]))
    with pytest.raises(InputError, match="n_eff are declared public but absent"):
        freeze(lake, dataclasses.replace(publication, tables={"index_score": short}), LIGHT, FACTS)


def test_a_value_that_is_no_number_stops_the_freeze(lake):
    publication = sample.publication()
    table = publication.tables["index_score"]
    spoilt = pa.array([float("nan")] * table.rows.num_rows)
    index = table.rows.schema.get_field_index("score")
    rows = table.rows.set_column(index, "score", spoilt)
    with pytest.raises(InputError, match="nan"):
        freeze(lake, dataclasses.replace(publication, tables={"index_score": PublishedTable(table.declaration, rows)}),
               LIGHT, FACTS)  # fmt: skip


def test_two_formats_cannot_write_one_file(lake):
    twin = Format("twin", {}, lambda publication: {"index_score.csv": b""})
    with pytest.raises(InputError, match="taken"):
        frozen_lake(lake, [*LIGHT, twin])


def test_any_changed_byte_of_any_file_is_found(complete, lake):
    shutil.copytree(complete.root, lake.root)
    sha256 = manifest.read(complete, FIRST).sha256
    for name in names_of(folder_of(lake)):
        path = folder_of(lake) / name
        content = path.read_bytes()
        for place in (0, len(content) // 3, len(content) - 1):
            rewrite(path, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert any(name in problem for problem in verify(lake, FIRST, sha256)), (name, place)
        rewrite(path, content)
    assert verify(lake, FIRST, sha256) == []


def test_a_missing_and_an_extra_file_are_found(lake):
    frozen_lake(lake)
    (folder_of(lake) / "index_score.csv").unlink()
    (folder_of(lake) / ".hidden").write_bytes(b"x")
    assert verify(lake, FIRST) == [".hidden: not listed in the manifest", "index_score.csv: missing"]


def test_a_number_changed_with_its_file_hash_is_found_by_the_rows(lake):
    frozen_lake(lake)
    folder = folder_of(lake)
    csv = (folder / "index_score.csv").read_bytes()
    changed = csv.replace(b'"self_selected"', b'"probability"', 1)
    rewrite(folder / "index_score.csv", changed)
    content = json.loads((folder / "manifest.json").read_bytes())
    for entry in content["outputs"]:
        if entry["file"] == "index_score.csv":
            entry |= {"sha256": manifest.hashlib.sha256(changed).hexdigest(), "bytes": len(changed)}
    rewrite(folder / "manifest.json", manifest.canonical_json(content))
    assert verify(lake, FIRST) == ["index_score.csv: its rows are not those that were frozen"]


def test_shares_that_do_not_add_up_are_found(lake):
    publication = sample.publication()
    counts = publication.tables["answer_count"]
    rows = counts.rows.to_pylist()
    rows[0]["share"] += 1.0
    broken = PublishedTable(counts.declaration, sample.table_of(counts.declaration, rows))
    freeze(lake, dataclasses.replace(publication, tables={"answer_count": broken}), LIGHT, FACTS)
    problems = verify(lake, FIRST)
    assert len(problems) == 1
    assert "do not add up to 100" in problems[0]


def test_latest_points_to_the_release_of_each_round(lake):
    frozen = frozen_lake(lake)
    lake.write_json("releases/latest.json", {"sipas-2026": {"release_id": "sipas-2026.1", "manifest_sha256": "0"}})
    point_latest(lake, FIRST, frozen.manifest_sha256)
    assert lake.read_json("releases/latest.json") == {
        "sipas-2026": {"release_id": "sipas-2026.1", "manifest_sha256": "0"},
        "tthc-2026-hung-yen": {"release_id": FIRST, "manifest_sha256": frozen.manifest_sha256},
    }


def test_a_release_edited_after_it_was_published_is_found_without_being_told_the_hash(lake):
    frozen = frozen_lake(lake)
    point_latest(lake, FIRST, frozen.manifest_sha256)
    path = folder_of(lake) / "manifest.json"
    rewrite(path, path.read_bytes().replace(b'"accepted": 2053', b'"accepted": 2054'))
    assert verify(lake, FIRST) == ["manifest.json: is not the one that was published"]


def test_only_the_approved_manifest_is_published(lake):
    frozen_lake(lake)
    with pytest.raises(StateError, match="approved"):
        point_latest(lake, FIRST, "0" * 64)
    with pytest.raises(StateError, match="no such release"):
        point_latest(lake, "tthc-2026-hung-yen.2", "0" * 64)
    assert not lake.exists("releases/latest.json")


def test_release_ids_count_up_by_round_and_corrections_by_release():
    existing = ["a.1", "a.2", "a.10", "a.2-r1", "ab.7", "a.b.9", "a.x"]
    assert next_release_id([], "a") == "a.1"
    assert next_release_id(existing, "a") == "a.11"
    assert next_release_id(existing, "a.b") == "a.b.10"
    assert next_release_id(existing, "a", revises="a.1") == "a.1-r1"
    assert next_release_id(existing, "a", revises="a.2-r1") == "a.2-r2"
    with pytest.raises(InputError, match=r"ab\.7"):
        next_release_id(existing, "a", revises="ab.7")


def test_a_lake_that_is_no_local_folder_keeps_the_manifest_for_last():
    lake = Lake("memory://freeze-test")
    frozen = frozen_lake(lake)
    assert release_ids(lake) == [FIRST]
    assert verify(lake, FIRST, frozen.manifest_sha256) == []
    lake.remove("releases")
