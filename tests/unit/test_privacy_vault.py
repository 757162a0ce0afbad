"""Pseudonyms, the vault and encrypted landing: who has the key may join and read, nobody else."""

import io
from dataclasses import replace

import pytest
from collect_kit import CONFIG, MAPPING, NOW, PLAN, ROUND, conform, conformed_rows, lines, row, source, with_mapping

from pipelines.collect.landing import land, receipts
from pipelines.collect.redacted import read_landed
from pipelines.lake import Lake
from pipelines.model.errors import InputError, StateError
from pipelines.privacy.age_files import AgeKeys, decrypted, encrypting, new_identity
from pipelines.privacy.keeper import Keeper
from pipelines.privacy.pseudonyms import PHONE, canonical, new_key, person, pseudonym, read_key
from pipelines.privacy.vault import Vault, vault_folder

KEY, OTHER = b"k" * 32, b"o" * 32
IDENTITY = {"name": "name", "tel": "phone", "cccd": "citizen_id"}
SOMEBODY = {"name": "Nguyễn Văn An", "tel": "0912 345 678"}


@pytest.fixture
def identity(tmp_path):
    """The file of a secret key, and the recipient that belongs to it."""
    path = tmp_path / "keys" / "identity.txt"
    return path, new_identity(path)


@pytest.fixture
def vault(tmp_path, identity):
    return Vault.at(str(tmp_path / "vault"), identity[1])


def plan(vault=None, **changes):
    kept = Keeper(**{"key": KEY, "vault": vault} | changes)
    return replace(with_mapping(identity=IDENTITY), keeper=kept)


def everything(vault, identity):
    return list(vault.rows(vault_folder("*", "*", "*", "*"), identity[0]))


@pytest.mark.parametrize(
    "written", ["0912345678", "+84 912 345 678", "0084912345678", "0912.345.678", "０９１２３４５６７８"]
)
def test_a_telephone_number_has_one_pseudonym_however_it_is_written(written):
    assert person(KEY, {"phone": written}) == person(KEY, {"phone": "0912345678"})
    assert canonical(PHONE, written) == "0912345678"


def test_a_pseudonym_needs_the_key_and_is_another_in_another_year():
    assert person(KEY, {"phone": "0912345678"}) != person(OTHER, {"phone": "0912345678"})
    assert pseudonym(KEY, "phone", "1") != pseudonym(KEY, "citizen_id", "1")
    assert person(KEY, {"name": "Nguyễn Văn An"}) is None, "many have the same name"
    assert person(KEY, {"citizen_id": "033089012345", "phone": "1"}) == person(KEY, {"citizen_id": "033 089 012 345"})


def test_a_missing_short_or_broken_key_is_told_and_never_shown(tmp_path):
    with pytest.raises(InputError, match="no pseudonym key for 2023"):
        read_key(str(tmp_path), 2023)
    new_key(str(tmp_path), 2023)
    assert len(read_key(str(tmp_path), 2023)) == 32
    assert (tmp_path / "2023.key").stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="exists"):
        new_key(str(tmp_path), 2023)
    for wrong in ("abcd", "no-hex-at-all"):
        (tmp_path / "2024.key").write_text(wrong)
        with pytest.raises(InputError) as told:
            read_key(str(tmp_path), 2024)
        assert wrong not in str(told.value)


def test_identity_goes_to_the_vault_and_a_pseudonym_to_the_answer(lake, vault, identity):
    content = lines(row(id="r1", **SOMEBODY), row(id="r2", tel="+84912345678"), row(id="r3"))
    _, (report,) = conform(lake, content, plan=plan(vault))
    first, second, third = (one["pseudonym"] for one in conformed_rows(lake))
    assert first == second == person(KEY, {"phone": "0912345678"}) and third is None
    assert report.messages == ["identity kept in the vault only: name: 1", "identity kept in the vault only: tel: 2"]
    rows = everything(vault, identity)
    assert {(one["field"], one["value"]) for one in rows} == {
        *{"name": "Nguyễn Văn An"}.items(),
        ("phone", "0912 345 678"),
        ("phone", "+84912345678"),
    }
    assert {one["person"] for one in rows} == {first} and {one["year"] for one in rows} == {2023}
    identities = {one["response_id"] for one in conformed_rows(lake)}
    assert not identities & {one["response"] for one in rows}, "the vault alone joins nothing"


def test_the_vault_is_unreadable_without_the_identity_file(lake, vault, tmp_path):
    conform(lake, lines(row(**SOMEBODY)), plan=plan(vault))
    (path,) = vault.parts(vault_folder("*", "*", "*", "*"))
    assert b"Nguy" not in vault.store.read_bytes(path)
    other = tmp_path / "other.txt"
    new_identity(other)
    with pytest.raises(InputError, match="cannot be decrypted"):
        vault.read(path, other)
    with pytest.raises(InputError, match="no identity is named"):
        vault.read(path, None)


def test_without_a_vault_nothing_is_kept_and_the_report_says_so(lake):
    _, (report,) = conform(lake, lines(row(**SOMEBODY)), plan=with_mapping(identity=IDENTITY))
    assert report.messages == ["identity not kept: name: 1", "identity not kept: tel: 1"]
    assert conformed_rows(lake)[0]["pseudonym"] is None


def test_conforming_again_replaces_what_the_vault_held_of_the_object(lake, vault, identity):
    content = lines(*(row(id=f"r{number}", **SOMEBODY) for number in range(5)))
    conform(lake, content, plan=plan(vault))
    before = everything(vault, identity)
    conform_again(lake, plan(vault), content)
    assert everything(vault, identity) == before and len(before) == 10
    conform_again(lake, plan(vault, erased=frozenset(one["response_id"] for one in conformed_rows(lake))), content)
    assert everything(vault, identity) == []


def conform_again(lake, plan, content):
    from pipelines.collect.conform import conform_object

    for landed in receipts(lake, ROUND.id, "kiosk"):
        conform_object(lake, plan, source(("f0.jsonl", content)), CONFIG, landed)


def test_an_erased_person_does_not_come_back_with_another_file(lake, vault, identity):
    conform(lake, lines(row(id="r1", comment="tốt", **SOMEBODY)), plan=plan(vault))
    (first,) = conformed_rows(lake)
    erased = frozenset([first["response_id"]])
    changed = lines(row(id="r1", rev="2", comment="rất tốt", **SOMEBODY), row(id="r2", comment="khá", **SOMEBODY))
    conform(lake, changed, plan=plan(vault, erased=erased))
    later = {one["record_id"]: one for one in conformed_rows(lake) if one["landing_sha256"] != first["landing_sha256"]}
    assert (later["r1"]["comment"], later["r1"]["pseudonym"], later["r1"]["A1"]) == (None, None, 5)
    assert later["r2"]["comment"] == "khá" and later["r2"]["pseudonym"] == first["pseudonym"]


def test_headings_of_identity_never_reach_a_reject(lake):
    broken = '{"id": "r9", "name": "Nguyễn Văn An"'
    wrong = row(id="r2", answers__A1="9", Họ_tên="Trần Thị Bích", **SOMEBODY)
    conform(lake, lines(wrong, broken), plan=with_mapping(identity=IDENTITY))
    (path,) = lake.glob("rejects/*/*/*/*")
    text = str(lake.read_table(path).to_pylist())
    assert "R103" in text and "R107" in text
    assert not any(word in text for word in ("Nguyễn", "0912", "Bích"))


def test_landed_bytes_are_encrypted_and_keep_the_hash_of_what_came(tmp_path, identity):
    content = lines(row(**SOMEBODY)) * 20_000
    plain, sealed = Lake(str(tmp_path / "a")), Lake(str(tmp_path / "b"), AgeKeys(identity[1], identity[0]))
    offered = source(("f0.jsonl", content))
    (one,), (other,) = (land(lake, offered, CONFIG, ROUND.id, NOW) for lake in (plain, sealed))
    assert (one.sha256, one.size) == (other.sha256, other.size) and other.path == f"{one.path}.age"
    assert b"Nguy" not in sealed.read_bytes(other.path)
    with sealed.open(other.path) as stream:
        assert stream.read() == content
    assert land(sealed, offered, CONFIG, ROUND.id, NOW) == [] and len(sealed.find("landing")) == 1
    with pytest.raises(InputError, match="no identity is named"):
        Lake(sealed.root).open(other.path)


def test_bytes_that_were_removed_stay_away_and_are_not_read(lake):
    offered = source(("f0.jsonl", lines(row())))
    (landed,) = land(lake, offered, CONFIG, ROUND.id, NOW)
    gone = replace(landed, path="")
    lake.write_json(f"receipts/{ROUND.id}/kiosk/{landed.sha256}.json", vars(gone))
    lake.remove(landed.path)
    land(lake, offered, CONFIG, ROUND.id, NOW)
    assert lake.find("landing") == []
    with pytest.raises(StateError, match="were removed"):
        list(read_landed(lake, offered, CONFIG, gone))


def test_a_wrong_recipient_is_told():
    for wrong in ("age1nonsense", "", " , "):
        with pytest.raises(InputError):
            encrypting(wrong)


def test_encryption_streams_and_a_cut_file_is_refused(identity):
    sealed = io.BytesIO()
    encrypting(identity[1])(io.BytesIO(b"x" * 300_000), sealed)
    with decrypted(io.BytesIO(sealed.getvalue()), "f", identity[0]) as plain:
        assert plain.read() == b"x" * 300_000
    with pytest.raises(InputError, match="cannot be decrypted"):
        decrypted(io.BytesIO(sealed.getvalue()[:-20]), "f", identity[0])


def test_the_mapping_names_identity_that_is_known_and_no_answer(tmp_path):
    from pipelines.methods import read_mappings

    good = b"- {form: f, headings: {id: record_id}, identity: {tel: phone}}"
    assert read_mappings(good, "m")[0].identity == {"tel": "phone"}
    for wrong, told in (("tel: shoe_size", "unknown identity"), ("id: phone", "is an answer too")):
        with pytest.raises(InputError, match=told):
            read_mappings(good.replace(b"tel: phone", wrong.encode()), "m")
    assert MAPPING.identity == {} and PLAN.keeper == Keeper()
