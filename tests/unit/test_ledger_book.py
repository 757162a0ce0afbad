"""A ledger in a lake: it only grows, survives a kill, names every alteration, and proves an answer to who asks."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake import Lake
from pipelines.ledger import Proof, append, heads, new_key, problems, prove, receipt_code
from pipelines.ledger.merkle import consistency_proof, is_consistent
from pipelines.ledger.receipt import response_prefix
from pipelines.model.errors import InputError

ROUND, SOURCE = "tthc-2026", "kiosk"


def answers(*numbers: int, content: str = "c") -> pa.Table:
    ids = [f"{number * 7919:032x}"[::-1] for number in numbers]
    return pa.table({"response_id": ids, "content_hash": [f"{content}{number}" for number in numbers]})


@pytest.fixture
def key(tmp_path: Path) -> Path:
    new_key(tmp_path / "key.pem")
    return tmp_path / "key.pem"


def test_a_batch_is_appended_once_and_a_revision_gets_a_leaf_of_its_own(lake: Lake):
    assert append(lake, ROUND, SOURCE, answers(1, 2, 3), None).size == 3
    assert append(lake, ROUND, SOURCE, answers(1, 2, 3, 4), None).size == 4
    assert append(lake, ROUND, SOURCE, answers(1, 2, 3, 4), None).size == 4
    assert append(lake, ROUND, SOURCE, answers(2, content="revised"), None).size == 5
    assert list(problems(lake, ROUND, SOURCE, [answers(1, 2), answers(3, 4)])) == []


def test_the_same_batches_give_the_same_tree_in_whatever_order_their_rows_come(lake: Lake, tmp_path: Path):
    other = Lake(str(tmp_path / "other"))
    first = append(lake, ROUND, SOURCE, answers(*range(20)), None)
    assert append(other, ROUND, SOURCE, answers(*reversed(range(20))), None) == first


def test_a_leaf_is_the_hash_of_identity_and_content_with_a_space_between(lake: Lake):
    append(lake, ROUND, SOURCE, pa.concat_tables([answers(2, 1), answers(1)]), None)
    (path,) = lake.glob(f"ledger/round={ROUND}/source={SOURCE}/leaves/*.parquet")
    for entry in lake.read_table(path).to_pylist():
        said = f"{entry['response_id']} {entry['content_hash']}".encode()
        assert entry["leaf"] == hashlib.sha256(b"\x00" + said).digest()


def test_a_later_tree_head_is_consistent_with_an_earlier_one(lake: Lake):
    early = append(lake, ROUND, SOURCE, answers(*range(13)), None)
    late = append(lake, ROUND, SOURCE, answers(*range(40)), None)
    leaves = [
        leaf
        for path in lake.glob(f"ledger/round={ROUND}/source={SOURCE}/leaves/*.parquet")
        for leaf in lake.read_table(path)["leaf"].to_pylist()
    ]
    proof = consistency_proof(early.size, leaves)
    assert is_consistent(early.size, late.size, early.frontier.root, late.frontier.root, proof)


def test_a_kill_between_leaves_and_head_loses_and_doubles_nothing(lake: Lake):
    append(lake, ROUND, SOURCE, answers(1, 2), None)
    undisturbed = append(lake, ROUND, SOURCE, answers(1, 2, 3, 4, 5), None)
    newest = lake.glob(f"ledger/round={ROUND}/source={SOURCE}/heads/*.json")[-1]
    lake.remove(newest)
    assert heads(lake, ROUND)[0].size == 2
    assert append(lake, ROUND, SOURCE, answers(1, 2, 3, 4, 5), None) == undisturbed
    assert list(problems(lake, ROUND, SOURCE, [answers(1, 2, 3, 4, 5)])) == []


def test_a_receipt_code_leads_to_a_proof_that_stands_on_its_own(lake: Lake, key: Path):
    table = answers(*range(1, 30))
    append(lake, ROUND, SOURCE, table, key)
    code = receipt_code(table["response_id"][11].as_py())
    [proof] = prove(lake, ROUND, code)
    again = Proof.of(json.loads(json.dumps(proof.as_dict())))
    assert again == proof
    assert proof.problems == []
    assert replace(proof, leaf="00" * 32).problems
    assert replace(proof, root="00" * 32).problems
    assert replace(proof, size=proof.size + 1).problems
    assert prove(lake, ROUND, receipt_code("f" * 32)) == []


def test_a_receipt_code_copied_wrongly_is_refused_and_misread_letters_are_forgiven():
    code = receipt_code("0123456789abcdef0123456789abcdef")
    assert response_prefix(code.lower().replace("-", " ").replace("0", "o")) == "0123456789abcdef0123"
    swapped = code[1] + code[0] + code[2:]
    for wrong in (swapped, code[:-2], "", "U" * 17):
        with pytest.raises(InputError):
            response_prefix(wrong)


@pytest.mark.parametrize("harm", ["leaf", "entry", "blank", "missing leaves", "head", "answer without leaf"])
def test_every_alteration_is_named(lake: Lake, key: Path, harm: str):
    append(lake, ROUND, SOURCE, answers(1, 2, 3), key)
    append(lake, ROUND, SOURCE, answers(1, 2, 3, 4), key)
    leaves = lake.glob(f"ledger/round={ROUND}/source={SOURCE}/leaves/*.parquet")[0]
    head = lake.glob(f"ledger/round={ROUND}/source={SOURCE}/heads/*.json")[0]
    table = lake.read_table(leaves)
    if harm == "leaf":
        altered = [b"\0" * 32, *table["leaf"].to_pylist()[1:]]
        lake.write_table(leaves, table.set_column(2, "leaf", pa.array(altered, pa.binary(32))))
    elif harm in ("entry", "blank"):
        altered = ["changed" if harm == "entry" else None, *table["content_hash"].to_pylist()[1:]]
        lake.write_table(leaves, table.set_column(1, "content_hash", pa.array(altered)))
    elif harm == "missing leaves":
        lake.remove(leaves)
    elif harm == "head":
        lake.write_json(head, lake.read_json(head) | {"signature": "00" * 64})
    known = answers(1, 2, 3, 4, 5) if harm == "answer without leaf" else answers(1, 2, 3, 4)
    assert list(problems(lake, ROUND, SOURCE, [known]))


def test_a_head_signed_with_another_key_is_named(lake: Lake, key: Path, tmp_path: Path):
    head = append(lake, ROUND, SOURCE, answers(1, 2, 3), key)
    assert head.is_signature_valid
    assert not replace(head, ledger="another/ledger").is_signature_valid
    assert not replace(head, public=new_key(tmp_path / "other.pem")).is_signature_valid


def test_a_key_is_never_overwritten_and_a_wrong_one_is_refused(tmp_path: Path, key: Path, lake: Lake):
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError):
        new_key(key)
    shutil.copy(Path(__file__), tmp_path / "not-a-key.pem")
    with pytest.raises(InputError, match="signing key"):
        append(lake, ROUND, SOURCE, answers(1), tmp_path / "not-a-key.pem")
