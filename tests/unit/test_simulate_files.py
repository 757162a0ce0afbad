"""Wire formats, planted faults and ledger of simulated rounds: what is written is what the ledger says."""

import csv
import io
import json
import unicodedata
from collections import Counter
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import jsonschema
import openpyxl
import pytest

from pipelines.lake import Lake
from pipelines.methods import check_mappings, load_method
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError, StateError
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows
from pipelines.rounds import load_devices, load_frame, load_plan, load_round, load_units
from pipelines.simulate import Faults, files_of, simulate_answers, simulate_round, spec_named, write_round
from pipelines.simulate.specs import FAULTS
from pipelines.sources import kiosk
from pipelines.sources import source as connector
from pipelines.sources.seals import check_seals

TTHC = load_method("tthc", "2017")
SIPAS = load_method("sipas", "2023")
COMMUNE = spec_named("commune")
PROVINCE = spec_named("province", communes=4, scale=0.1)
KIOSK_SCHEMA = Path(__file__).resolve().parents[2] / "pipelines" / "sources" / "kiosk.schema.json"


@pytest.fixture(scope="module")
def commune():
    return simulate_round(COMMUNE, TTHC, seed=7)


@pytest.fixture(scope="module")
def province():
    return simulate_round(PROVINCE, SIPAS, seed=7)


@pytest.fixture(scope="module")
def commune_files(commune):
    return files_of(commune)


@pytest.fixture(scope="module")
def province_files(province):
    return files_of(province)


def below(files, folder):
    return {path.rpartition("/")[2]: content for path, content in files.items() if f"{folder}/" in path}


def keyed_rows(files):
    """All rows of the keyed files, as text by heading."""
    for name, content in sorted(below(files, "postal").items()):
        if name.endswith(".csv"):
            assert content.startswith(b"\xef\xbb\xbf")
            table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active
            table = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for row in table[1:]:
            yield name, dict(zip(table[0], row, strict=True))


def kiosk_lines(files):
    """Lines of each whole file of the kiosk that are no seal."""
    whole = {name: content for name, content in below(files, "kiosk").items() if not name.endswith(".part")}
    return {
        name: [line for line in content.split(b"\n") if line and b'"seal"' not in line]
        for name, content in whole.items()
    }


def kiosk_events(files):
    """Every record of the kiosk's whole files that is JSON; the name of the file beside it."""
    for name, lines in kiosk_lines(files).items():
        for line in lines:
            try:
                yield name, json.loads(line)
            except ValueError:
                continue


def submissions(files, folder="portal"):
    return [json.loads(line) for content in below(files, folder).values() for line in content.splitlines()]


# The same seed, the same bytes.


@pytest.mark.parametrize(("spec", "method"), [(COMMUNE, TTHC), (PROVINCE, SIPAS)], ids=["commune", "province"])
def test_same_seed_gives_the_same_bytes_and_another_seed_others(spec, method):
    first, again = (files_of(simulate_round(spec, method, seed=7)) for _ in range(2))
    assert first == again
    other = files_of(simulate_round(spec, method, seed=8))
    same = {path for path in first if other.get(path) == first[path]}
    fixed = {f"rounds/{spec.round_id}/{name}" for name in ("round.yml", "units.csv", "frame.csv")}
    fixed |= {f"rounds/{spec.round_id}/{name}" for name in ("owners.csv", "targets.csv")}
    fixed |= {f"rounds/{spec.round_id}/mappings/postal.yml", f"rounds/{spec.round_id}/devices.csv"} & set(first)
    assert same - {f"rounds/{spec.round_id}/plan.csv"} == fixed


def test_writing_twice_changes_nothing_and_another_seed_is_refused(lake: Lake, commune):
    paths = write_round(lake, commune)
    root = Path(lake.root)
    written = {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert sorted(written) == paths
    write_round(lake, commune)
    assert {path: (root / path).stat().st_mtime_ns for path in files_of(commune)} == {
        path: written[path] for path in files_of(commune)
    }
    with pytest.raises(StateError, match="another seed"):
        write_round(lake, simulate_round(COMMUNE, TTHC, seed=8))


def test_truth_and_ledger_lie_outside_every_folder_that_is_collected(lake: Lake, commune):
    write_round(lake, commune)
    assert lake.read_table(f"truth/{COMMUNE.round_id}.parquet").equals(commune.truth)
    assert lake.read_json(f"truth/{COMMUNE.round_id}.json")["sources"]["kiosk"]["rows"] > 200
    assert not [path for path in lake.glob("**/*truth*") if path.split("/")[0] != "truth"]


# The round's folder.


@pytest.mark.parametrize("which", ["commune", "province"])
def test_round_folder_is_read_as_a_round(lake: Lake, request, which):
    simulated = request.getfixturevalue(which)
    write_round(lake, simulated)
    survey = load_round(lake, simulated.spec.round_id)
    assert survey.design == simulated.spec.design
    assert (survey.window_from, survey.window_to) == (simulated.spec.window_from, simulated.spec.window_to)
    assert not any(config.self_selected for config in survey.sources)
    check_mappings(survey.source("postal").mappings, simulated.population.method, "postal.yml")
    assert sum(load_frame(lake, survey)["population"].to_pylist()) == simulated.spec.population
    assert sum(load_plan(lake, survey)["planned"].to_pylist()) >= (500 if which == "commune" else 4 * 36)
    assert load_units(lake, survey).num_rows == len(simulated.spec.units)
    for config in survey.sources:
        if "inbox" in config.options:
            assert lake.glob(f"{config.options['inbox']}/*")
        else:
            assert lake.exists(f"portal/{config.options['asset']}.jsonl")


# Wire formats.


def test_kiosk_lines_fit_the_published_schema(commune_files):
    validator = jsonschema.Draft202012Validator(json.loads(KIOSK_SCHEMA.read_text(encoding="utf-8")))
    events = list(kiosk_events(commune_files))
    assert len(events) > 250
    for name, event in events:
        assert not list(validator.iter_errors(event)), name
        assert event["submitted_at"].endswith("+07:00")
        assert name.startswith(f"{event['device']}-")


def test_kiosk_file_holds_the_events_of_its_device_and_day_unless_they_came_late(commune, commune_files):
    ledger = commune.ledger.planted
    late = {*ledger["late"]["kiosk"], *ledger["exact_duplicates"]["kiosk"]}
    for name, event in kiosk_events(commune_files):
        if event["event_id"] not in late:
            assert name == f"{event['device']}-{event['submitted_at'][:10]}.jsonl"


def test_keyed_files_are_readable_with_vietnamese_headings_and_option_texts(commune_files):
    names, rows = zip(*keyed_rows(commune_files), strict=True)
    assert {name.rpartition(".")[2] for name in names} == {"csv", "xlsx"}
    assert {row["Mẫu phiếu"] for row in rows} == {"citizen 2017.1", "organisation 2017.1"}
    for row in rows:
        assert all(unicodedata.is_normalized("NFC", heading) for heading in row)
        datetime.strptime(row["Thời điểm nhận phiếu"], "%d/%m/%Y %H:%M")
    assert {row.get("23. Giới tính", "") for row in rows} <= {"", "Nam", "Nữ"}


def test_portal_submissions_have_the_keys_of_recorded_ones(commune_files, reference):
    page = json.loads((reference / "portals" / "kobo" / "data_validation_status.json").read_text(encoding="utf-8"))
    questions = {"today", "full_name", "pet_type"}
    recorded = set(page["results"][0]) - questions
    found = submissions(commune_files)
    for submission in found:
        assert recorded <= set(submission)
        assert submission["_uuid"] == submission["meta/instanceID"].removeprefix("uuid:")
        assert submission["g_profile/sex"] in "12"
        assert None not in (submission["start"], submission["end"])
        assert not submission["_submission_time"].endswith("Z")
    assert len({submission["_id"] for submission in found}) == len(found)


def test_portal_leaves_out_unanswered_questions_and_joins_several_ticks_by_spaces(province_files):
    found = submissions(province_files)
    assert any("g_q9/g_pa/pa1" not in submission for submission in found)
    assert any(len(submission.get("q2", "").split(" ")) > 2 for submission in found)
    villages = {row.psu_code for row in PROVINCE.frame}
    unknown = [submission for submission in found if submission["psu_code"] not in villages]
    assert len(unknown) == FAULTS.unknown_frame_codes


def test_two_forms_of_one_device_never_have_the_same_time(commune):
    own = [record for record in commune.records if record.fate is None]
    moments = Counter((record.device_id, record.submitted_at) for record in own if record.revision == 1)
    assert max(moments.values()) == 1
    assert all(record.started_at < record.submitted_at for record in own)


@pytest.mark.parametrize("name", ["kiosk", "postal"])
def test_the_real_connector_reads_every_row_and_finds_the_spoilt_lines(lake: Lake, commune, name):
    write_round(lake, commune)
    config = load_round(lake, COMMUNE.round_id).source(name)
    config = replace(config, options=config.options | {"inbox": lake.full(config.options["inbox"])})
    parts = [
        part
        for offer in connector(name).fetch(config, "")
        for part in connector(name).read(offer.open(), offer.name, config)
    ]
    account = commune.ledger.sources[name]
    faults = Counter(part.code.code for part in parts if isinstance(part, Fault))
    assert faults == {code: n for code, n in account.rejected.items() if code.startswith("R1")}
    rows = sum(len(part.lines) for part in parts if isinstance(part, RawRows))
    assert rows + sum(faults.values()) == account.rows


# Faults and their account.


@pytest.mark.parametrize("which", ["commune", "province"])
def test_ledger_counts_the_rows_that_are_written(request, which):
    simulated, files = request.getfixturevalue(which), request.getfixturevalue(f"{which}_files")
    lines = {
        "kiosk": sum(map(len, kiosk_lines(files).values())),
        "postal": len(list(keyed_rows(files))),
        "kobo": len(submissions(files)),
    }
    for source, account in simulated.ledger.sources.items():
        assert account.rows == lines[source]
        assert account.rows == account.accepted + sum(account.duplicate.values()) + sum(account.rejected.values())


@pytest.mark.parametrize("which", ["commune", "province"])
def test_every_fault_is_planted_as_often_as_asked_and_accepted_is_who_answered(request, which):
    simulated = request.getfixturevalue(which)
    counted = [f.name for f in fields(Faults) if f.type == "int" and f.name not in ("sequence_gaps",)]
    sources = simulated.ledger.sources
    only = {"broken_lines": ["kiosk"], "half_lines": ["kiosk"], "refused_at_source": ["kobo"]}
    devices = ("repeated_numbers", "clock_back", "unregistered", "tampered", "unfinished")
    only |= {fault: ["kiosk"] for fault in devices}
    only |= {"late": ["kiosk", "postal"], "exact_duplicates": ["kiosk", "postal"], "revised": ["kobo", "postal"]}
    for fault in counted:
        found = simulated.ledger.planted.get(fault, {})
        if fault in ("personal_data", "decomposed"):
            at_least = getattr(FAULTS, fault)
            assert sum(map(len, found.values())) >= at_least, fault
            continue
        for source in [name for name in only.get(fault, sources) if name in sources]:
            twice = 2 if (fault, source) == ("revised", "postal") else 1
            assert len(found[source]) == twice * getattr(FAULTS, fault), (fault, source)
    answered = simulate_answers(simulated.population, simulated.seed).member
    assert sum(account.accepted for account in sources.values()) == len(answered)


def test_rejected_codes_are_those_of_the_faults(commune, province):
    of_kiosk = commune.ledger.sources["kiosk"]
    assert of_kiosk.duplicate == {"D401_SAME_RECORD": 4, "D402_SAME_CONTENT": 3, "D404_SAME_NUMBER": 2}
    assert of_kiosk.rejected["R113_BAD_SIGNATURE"] == 3 and of_kiosk.rejected["R210_UNKNOWN_DEVICE"] == 2
    assert commune.ledger.unfinished == 3 and province.ledger.unfinished == 0
    assert of_kiosk.rejected["R106_TRUNCATED"] == 1 and of_kiosk.rejected["R107_BROKEN_LINE"] == 2
    assert commune.ledger.sources["postal"].duplicate["D403_SUPERSEDED"] == 3
    assert commune.ledger.sources["kobo"].rejected["R305_REFUSED_AT_SOURCE"] == 2
    assert province.ledger.sources["postal"].rejected["R206_UNKNOWN_PSU"] == 2
    assert "R205_UNKNOWN_PROCEDURE" not in province.ledger.sources["postal"].rejected


def test_spoilt_lines_are_no_json_and_a_half_one_ends_its_file(commune, commune_files):
    contents = [content for name, content in below(commune_files, "kiosk").items() if name.endswith(".jsonl")]
    cut = [content for content in contents if not content.endswith(b"\n")]
    assert len(cut) == FAULTS.half_lines
    whole = [line for content in contents for line in content.split(b"\n")[:-1]]
    broken = []
    for line in whole:
        try:
            json.loads(line)
        except ValueError:
            broken.append(line)
    assert len(broken) == FAULTS.broken_lines


def test_files_of_kiosks_are_sealed_as_the_contract_says_but_for_the_one_that_was_tampered_with(lake, commune):
    write_round(lake, commune)
    survey = load_round(lake, commune.spec.round_id)
    devices = load_devices(lake, survey)
    assert {device.device_id for device in devices} == {"K01", "K02", "K90"}
    for name, content in below(files_of(commune), "kiosk").items():
        seals, device = check_seals(io.BytesIO(content), devices), name[:3]
        assert bool(seals.problem) == (device == "K90"), name
        assert len(seals.lines) == (device in ("K01", "K02") and not name.endswith(".part")), name


def test_unfinished_file_breaks_off_and_has_another_ending(commune, commune_files):
    ((name, content),) = [item for item in below(commune_files, "kiosk").items() if item[0].endswith(".part")]
    assert name == "K01-2023-10-31.jsonl.part"
    assert not content.endswith(b"\n") and content.count(b"\n") == commune.ledger.unfinished - 1


def test_repeated_number_is_that_of_an_earlier_record_of_the_same_month_that_is_accepted(commune):
    kiosk = [record for record in commune.records if record.source == "kiosk"]
    for again in [record for record in kiosk if "repeated_numbers" in record.marks]:
        same = [r for r in kiosk if (r.device_id, r.sequence) == (again.device_id, again.sequence) and r.is_accepted]
        assert any(r.submitted_at < again.submitted_at and r.arrives.month == again.arrives.month for r in same)


def test_clock_set_back_puts_a_record_before_the_one_that_precedes_it_on_the_same_day(commune):
    numbers = {(r.device_id, r.sequence): r for r in commune.records if r.source == "kiosk" and r.is_accepted}
    for record in [one for one in numbers.values() if "clock_back" in one.marks]:
        before = numbers[record.device_id, record.sequence - 1]
        assert record.submitted_at < before.submitted_at
        assert record.submitted_at.date() == before.submitted_at.date()


def test_exact_duplicates_are_the_same_line_in_another_file(commune, commune_files):
    lines = Counter(line for own in kiosk_lines(commune_files).values() for line in own)
    repeated = [json.loads(line)["event_id"] for line, count in lines.items() if count == 2]
    assert sorted(repeated) == commune.ledger.planted["exact_duplicates"]["kiosk"]


@pytest.mark.parametrize("seed", range(5))
def test_no_two_files_are_equal_even_where_they_hold_a_line_or_two(seed):
    files = files_of(simulate_round(spec_named("commune", scale=0.2), TTHC, seed))
    contents = [content for path, content in files.items() if path.startswith("inbox/")]
    assert len(set(contents)) == len(contents)


def test_content_duplicates_differ_in_identity_and_number_only(commune_files):
    def content(event):
        return json.dumps({key: value for key, value in event.items() if key not in ("event_id", "sequence")})

    by_id = {event["event_id"]: event for _, event in kiosk_events(commune_files)}
    repeated = Counter(content(event) for event in by_id.values())
    assert sum(count - 1 for count in repeated.values()) == FAULTS.content_duplicates


def test_late_records_come_in_a_file_of_a_later_month(commune, commune_files):
    late = set(commune.ledger.planted["late"]["kiosk"])
    files = {event["event_id"]: (name, event) for name, event in kiosk_events(commune_files)}
    for event_id in late:
        name, event = files[event_id]
        assert name.removeprefix(f"{event['device']}-")[:7] > event["submitted_at"][:7]


def test_sequence_has_exactly_the_planted_gaps(commune):
    found = {}
    for record in commune.records:
        if record.source == "kiosk":
            found.setdefault(record.device_id, set()).add(record.sequence)
    missing = {
        (device, number) for device, own in found.items() for number in range(1, max(own) + 1) if number not in own
    }
    assert missing == set(commune.ledger.sequence_gaps)
    assert len(missing) == FAULTS.sequence_gaps


def test_portal_edit_keeps_its_root_and_names_what_it_replaced(commune_files):
    edited = [submission for submission in submissions(commune_files) if "meta/deprecatedID" in submission]
    before = {submission["_id"]: submission for submission in submissions(commune_files, "portal-before-edits")}
    assert len(edited) == FAULTS.revised
    for after in edited:
        old = before[after["_id"]]
        assert after["meta/deprecatedID"] == old["meta/instanceID"] != after["meta/instanceID"]
        assert after["meta/rootUuid"] == old["meta/rootUuid"]
        assert after["g_a/a1"] != old.get("g_a/a1")


def test_corrected_paper_form_is_keyed_again_with_its_number_in_a_later_file(commune_files):
    rows = [(name, row) for name, row in keyed_rows(commune_files) if row["Lần nhập"] == "2"]
    first = {row["Số phiếu"]: name for name, row in keyed_rows(commune_files) if row["Lần nhập"] == "1"}
    assert len(rows) == FAULTS.revised
    for name, row in rows:
        assert name.rpartition("-")[2][:2] > first[row["Số phiếu"]].rpartition("-")[2][:2]


def test_personal_data_stand_in_comments_as_the_ledger_says(commune, commune_files):
    comments = [event["comment"] or "" for _, event in kiosk_events(commune_files)]
    comments += [row["Ý kiến khác"] for _, row in keyed_rows(commune_files)]
    comments += [submission.get("comment", "") for submission in submissions(commune_files)]
    assert len(commune.ledger.personal_data) == FAULTS.personal_data
    for datum in commune.ledger.personal_data:
        assert any(datum.text in comment for comment in comments), datum


def test_all_kinds_of_personal_data_are_planted_over_some_seeds():
    faults = Faults(personal_data=40)
    spec = replace(spec_named("commune", scale=0.2), faults=faults)
    found = simulate_round(spec, TTHC, seed=1).ledger.personal_data
    assert {datum.kind for datum in found} == {"phone", "cccd", "email"}


def test_some_comments_are_in_decomposed_unicode(commune):
    decomposed = [r.comment for r in commune.records if not unicodedata.is_normalized("NFC", r.comment)]
    assert len(set(commune.ledger.planted["decomposed"])) >= 1
    assert len(decomposed) >= FAULTS.decomposed


def test_a_round_without_faults_is_accepted_whole():
    simulated = simulate_round(spec_named("commune", scale=0.2).without_faults(), TTHC, seed=1)
    for account in simulated.ledger.sources.values():
        assert account.rows == account.accepted
    assert simulated.ledger.planted == {} and simulated.earlier == []


def test_too_many_faults_for_the_records_of_a_source_are_refused():
    spec = replace(spec_named("commune", scale=0.2), faults=Faults(late=500))
    with pytest.raises(InputError, match="too few"):
        simulate_round(spec, TTHC, seed=1)


def test_fates_are_codes_that_a_pipeline_knows(commune):
    for account in commune.ledger.sources.values():
        assert {*account.duplicate, *account.rejected} <= {code.code for code in RejectCode}


def test_kiosk_files_read_a_batch_at_once_give_what_reading_one_by_one_gives(commune_files, monkeypatch):
    def read_all():
        config = SourceConfig("kiosk", "ward", "kiosk")
        files = sorted(below(commune_files, "kiosk").items())
        parts = [part for name, content in files for part in connector("kiosk").read(io.BytesIO(content), name, config)]
        faults = [part for part in parts if isinstance(part, Fault)]
        blocks = [part for part in parts if isinstance(part, RawRows)]
        return faults, [(list(one.lines), {h: list(cells) for h, cells in one.columns.items()}) for one in blocks]

    at_once = read_all()
    monkeypatch.setattr(kiosk, "_at_once", lambda batch, seals: None)
    assert read_all() == at_once and len(at_once[1]) > 20
