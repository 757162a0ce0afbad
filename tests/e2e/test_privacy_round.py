"""A round whose paper forms carry names and numbers: nothing that leaves the landing shows them, and erasing lasts."""

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from e2e_kit import PROGRAMME, RELEASE, ROUND, Command, outcome, warehouse, write_small_round
from privacy_kit import Somebody, found_in, needles, plant, shown, texts_of

from pipelines.lake import Lake
from pipelines.ledger import receipt_code
from pipelines.privacy.age_files import AgeKeys, new_identity
from pipelines.privacy.pseudonyms import new_key, pseudonym, read_key
from pipelines.privacy.vault import Vault

Persons = dict[str, list[Somebody]]
RUN = ("run", PROGRAMME, "--round", ROUND, "--person", "thong-ke")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Persons]:
    """A small round with paper forms alone, every one with a name, a telephone number and an identity number."""
    folder = tmp_path_factory.mktemp("planted")
    write_small_round(folder, ("postal",))
    return folder, plant(folder, ROUND)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys and vault beside the lake, named in the environment; landed bytes are encrypted too."""
    place = tmp_path / "keys"
    recipient = new_identity(place / "identity.txt")
    new_key(str(place / "years"), 2023)
    for name, value in {
        "HAILONG_VAULT": str(tmp_path / "vault"),
        "HAILONG_VAULT_RECIPIENT": recipient,
        "HAILONG_RAW_RECIPIENT": recipient,
        "HAILONG_AGE_IDENTITY": str(place / "identity.txt"),
        "HAILONG_PSEUDONYM_KEYS": str(place / "years"),
    }.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_but_the_vault_shows_who_answered_and_an_erased_person_does_not_come_back(
    planted: tuple[Path, Persons], keys: Path, folder: Path, tmp_path: Path, hailong: Command
):
    source, persons = planted
    everybody = [one for found in persons.values() for one in found]
    shutil.copytree(source, folder, dirs_exist_ok=True)
    keep_identity_of_a_past_year(folder)
    told = hailong(*RUN)
    assert told.code == 0, told.err
    assert hailong("approve", RELEASE, "--person", "lanh-dao").code == hailong("publish", RELEASE).code == 0
    (folder / "said.txt").write_text(told.out + told.err + hailong("status", ROUND).out, encoding="utf-8")

    assert found_in(folder, everybody, ("inbox",)) == []
    assert found_in(tmp_path / "vault", everybody) == []
    assert len(found_in(folder / "inbox", everybody)) >= len(everybody), "the search does not find what is there"
    response, record = expect_answers_without_persons(folder)
    somebody = persons[record]
    expect_the_vault_to_know(hailong, folder, everybody, somebody)
    expect_erasing_to_last(hailong, folder, everybody, somebody, response)
    expect_a_telephone_number_to_find_its_person(hailong, folder, everybody, persons)
    expect_the_audit_to_know_who_did_it(hailong, folder, everybody)
    expect_retention_to_leave_results_alone(hailong, folder)


def keep_identity_of_a_past_year(folder: Path, identity_days: int = 0, **days: int) -> None:
    path = folder / "rounds" / ROUND / "round.yml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    said["settings"] = said.get("settings", {}) | {"retention": {"identity_days": identity_days, **days}}
    path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")


def change_round(folder: Path) -> None:
    """Change the mapping, so that everything counts as not conformed yet."""
    path = folder / "rounds" / ROUND / "mappings/postal.yml"
    forms = [one | {"ignore": [*one.get("ignore", []), "_anew"]} for one in yaml.safe_load(path.read_text("utf-8"))]
    path.write_text(yaml.safe_dump(forms, allow_unicode=True), encoding="utf-8")


def expect_answers_without_persons(folder: Path) -> tuple[str, str]:
    """Return response and record of one accepted answer."""
    answers = pq.read_table(next(folder.glob("responses/**/source=postal/*.parquet"))).to_pylist()
    assert all(one["pseudonym"] for one in answers)
    assert all("[tên]" in one["comment"] and "lệ phí 150.000 đồng" in one["comment"] for one in answers)
    return answers[0]["response_id"], answers[0]["record_id"]


def expect_the_vault_to_know(
    hailong: Command, folder: Path, everybody: list[Somebody], somebody: list[Somebody]
) -> None:
    """A pseudonym opens what its person gave, for somebody with the identity file and a reason."""
    answers = pq.read_table(next(folder.glob("responses/**/source=postal/*.parquet"))).to_pylist()
    assert len({one["pseudonym"] for one in answers}) == len(answers)
    told = hailong("privacy", "show", ROUND, answers[0]["pseudonym"], "--reason", "xác minh")
    assert told.code == 0, told.err
    assert set(shown(told.out, *needles(everybody))) == set(shown(str(somebody[-1].written), *needles(everybody)))
    assert hailong("privacy", "show", ROUND, answers[0]["pseudonym"], "--reason", " ").code == 3


def expect_erasing_to_last(
    hailong: Command, folder: Path, everybody: list[Somebody], somebody: list[Somebody], response: str
) -> None:
    kept, code = outcome(folder), receipt_code(response)
    before = raw(folder, everybody)
    assert set(needles(somebody)[1]) <= before
    told = hailong("erase", ROUND, "--receipt", code, "--reason", "đơn số 12", "--person", "can-bo")
    assert told.code == 0 and "redacted" in told.out, told.err
    expect_gone(folder, response)
    assert raw(folder, everybody) == before - set().union(*needles(somebody))

    change_round(folder)
    assert hailong("conform", "postal", "--round", ROUND).code == 0
    for key in hailong("partitions", "postal", "--round", ROUND).out.split():
        assert hailong("screen", key).code == hailong("tally", key).code == 0
    assert hailong("ledger", "record", "postal", "--round", ROUND).code == hailong("estimate", ROUND).code == 0
    expect_gone(folder, response)
    assert raw(folder, everybody) == before - set().union(*needles(somebody))
    after = outcome(folder)
    assert {name: after["results"][name] for name in kept["results"]} == kept["results"], "a score changed"
    assert hailong("ledger", "verify", ROUND).code == hailong("verify", RELEASE).code == 0


def expect_gone(folder: Path, response: str) -> None:
    """The answer is there and nothing else is."""
    for path in [*folder.glob("responses/**/*.parquet"), *folder.glob("conformed/**/*.parquet")]:
        for row in pq.ParquetFile(path).read().to_pylist():
            if row["response_id"] == response:
                assert (row["comment"], row["pseudonym"]) == (None, None) and row["A1"] is not None
    vault = Vault.at(os.environ["HAILONG_VAULT"], os.environ["HAILONG_VAULT_RECIPIENT"])
    key = read_key(os.environ["HAILONG_PSEUDONYM_KEYS"], 2023)
    rows = list(vault.rows("year=2023/*/*/*", Path(os.environ["HAILONG_AGE_IDENTITY"])))
    assert rows and pseudonym(key, "response", response) not in {row["response"] for row in rows}


def raw(folder: Path, everybody: list[Somebody]) -> set[str]:
    """Return whom the landed bytes show to somebody who can open them."""
    lake = Lake(str(folder), AgeKeys(identities=Path(os.environ["HAILONG_AGE_IDENTITY"])))
    found: set[str] = set()
    for path in lake.find("landing"):
        assert path.endswith(".age")
        with lake.open(path) as stream:
            copy = folder.parent / "plain"
            copy.write_bytes(stream.read())
        found |= {one for text in texts_of(copy) for one in shown(text, *needles(everybody))}
        copy.unlink()
    return found


def expect_a_telephone_number_to_find_its_person(
    hailong: Command, folder: Path, everybody: list[Somebody], persons: Persons
) -> None:
    """Although the pseudonym comes from the identity number: the vault knows the number."""
    answers = pq.read_table(next(folder.glob("responses/**/source=postal/*.parquet"))).to_pylist()
    somebody = persons[answers[-1]["record_id"]]
    phone = f"84{somebody[-1].phone[1:]}"
    told = hailong("erase", ROUND, "--phone", phone, "--reason", "đơn số 13")
    assert told.code == 0 and somebody[-1].phone[1:] not in told.out, told.err
    expect_gone(folder, answers[-1]["response_id"])
    assert not raw(folder, everybody) & set().union(*needles(somebody))
    again = hailong("erase", ROUND, "--phone", phone, "--reason", "đơn số 13")
    assert again.code == 3 and somebody[-1].phone[1:] not in again.err


def expect_retention_to_leave_results_alone(hailong: Command, folder: Path) -> None:
    assert "nothing is due" in hailong("retention", ROUND).out
    kept = outcome(folder)
    keep_identity_of_a_past_year(folder, identity_days=1, raw_days=1, answers_days=1)
    told = hailong("retention", ROUND)
    assert told.code == 0 and told.out.count("files removed") == 3, told.err
    for gone in ("landing", "conformed", "responses", "rejects"):
        assert list((folder / gone).rglob("*.*")) == [], gone
    assert not list(Path(os.environ["HAILONG_VAULT"]).rglob("*.age"))
    assert "nothing is due" in hailong("retention", ROUND).out
    after = outcome(folder)
    assert (after["results"], after["release"]) == (kept["results"], kept["release"])
    for command in (RUN, ("load", ROUND), ("conform", "postal", "--round", ROUND)):
        refused = hailong(*command)
        assert refused.code == 6 and "answers of the round were removed" in refused.err
    assert hailong("verify", RELEASE).code == hailong("ledger", "verify", ROUND).code == 0


def expect_the_audit_to_know_who_did_it(hailong: Command, folder: Path, everybody: list[Somebody]) -> None:
    assert found_in(folder / "access", everybody) == []
    assert hailong("load", ROUND).code == 0
    rows = warehouse(folder, "SELECT person, access, reason FROM ops.access ORDER BY accessed_at")
    assert ("can-bo", "ERASE", "đơn số 12") in rows and ("thong-ke", "VAULT_READ", "xác minh") in rows
    assert "đơn số 12" in hailong("privacy", "audit", ROUND).out
