"""Simulated rounds as folders of files: planted faults and ledger; what is written is what the ledger says."""

import unicodedata
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest
from simulated_kit import (
    COMMUNE,
    PROVINCE,
    SIPAS,
    TTHC,
    exported_rows,
    keyed_rows,
    kiosk_events,
    kiosk_lines,
    submissions,
)

from pipelines.lake import Lake
from pipelines.methods import check_mappings
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError, StateError
from pipelines.model.source import Fault, RawRows
from pipelines.rounds import load_frame, load_plan, load_round, load_units
from pipelines.simulate import Faults, files_of, simulate_answers, simulate_round, spec_named, write_round
from pipelines.simulate.specs import FAULTS
from pipelines.sources import source as connector

BROKEN = 1  # of the spreadsheets that are no spreadsheet, the others are refused for what stands in them
ONLY = {
    "broken_lines": ["kiosk"],
    "half_lines": ["kiosk"],
    "repeated_numbers": ["kiosk"],
    "clock_back": ["kiosk"],
    "unregistered": ["kiosk"],
    "tampered": ["kiosk"],
    "unfinished": ["kiosk"],
    "outside_window": ["kiosk", "kobo", "postal"],
    "late": ["kiosk", "postal"],
    "exact_duplicates": ["kiosk", "postal", "spreadsheet"],
    "content_duplicates": ["kiosk", "kobo", "odk", "postal"],
    "revised": ["kobo", "limesurvey", "odk", "postal"],
    "refused_at_source": ["kobo", "odk"],
    "on_hold": ["kobo", "odk"],
    "deleted": ["kobo", "limesurvey", "odk"],
    "encrypted": ["odk"],
    "unmapped": ["odk"],
    "incomplete": ["limesurvey"],
    "bad_times": ["spreadsheet"],
    "broken_files": ["spreadsheet"],
}  # a fault that is not here can occur in every source


@pytest.mark.parametrize(("spec", "method"), [(COMMUNE, TTHC), (PROVINCE, SIPAS)], ids=["commune", "province"])
def test_same_seed_gives_the_same_bytes_and_another_seed_others(spec, method):
    first, again = (files_of(simulate_round(spec, method, seed=7)) for _ in range(2))
    assert first == again
    other = files_of(simulate_round(spec, method, seed=8))
    same = {path for path in first if other.get(path) == first[path]}
    fixed = {f"rounds/{spec.round_id}/{name}" for name in ("round.yml", "units.csv", "frame.csv")}
    fixed |= {f"rounds/{spec.round_id}/{name}" for name in ("owners.csv", "targets.csv")}
    fixed |= {f"rounds/{spec.round_id}/devices.csv"} & set(first)
    fixed |= {path for path in first if path.startswith(f"rounds/{spec.round_id}/mappings/")}
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


@pytest.mark.parametrize("which", ["commune", "province"])
def test_round_folder_is_read_as_a_round(lake: Lake, request, which):
    simulated = request.getfixturevalue(which)
    write_round(lake, simulated)
    survey = load_round(lake, simulated.spec.round_id)
    assert survey.design == simulated.spec.design
    assert (survey.window_from, survey.window_to) == (simulated.spec.window_from, simulated.spec.window_to)
    assert not any(config.self_selected for config in survey.sources)
    for config in survey.sources:
        check_mappings(config.mappings, simulated.population.method, f"{config.source}.yml")
    assert sum(load_frame(lake, survey)["population"].to_pylist()) == simulated.spec.population
    assert sum(load_plan(lake, survey)["planned"].to_pylist()) >= (500 if which == "commune" else 4 * 36)
    assert load_units(lake, survey).num_rows == len(simulated.spec.units)
    for config in survey.sources:
        if "inbox" in config.options:
            assert lake.glob(f"{config.options['inbox']}/*")
        else:
            names = {"kobo": "asset", "odk": "form_id", "limesurvey": "survey"}
            assert lake.exists(f"portal/{config.source}/{config.options[names[config.source]]}.jsonl")


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


@pytest.mark.parametrize("which", ["commune", "province"])
def test_ledger_counts_the_rows_that_are_written(request, which):
    simulated, files = request.getfixturevalue(which), request.getfixturevalue(f"{which}_files")
    lines = {
        "kiosk": sum(map(len, kiosk_lines(files).values())),
        "postal": len(list(keyed_rows(files))),
        "kobo": len(submissions(files)),
        "odk": len(submissions(files, "portal/odk")),
        "limesurvey": len(submissions(files, "portal/limesurvey")),
        "spreadsheet": len(list(exported_rows(files))) + BROKEN,
    }
    for source, account in simulated.ledger.sources.items():
        assert account.rows == lines[source]
        assert account.rows == account.accepted + sum(account.duplicate.values()) + sum(account.rejected.values())


@pytest.mark.parametrize("which", ["commune", "province"])
def test_every_fault_is_planted_as_often_as_asked_and_accepted_is_who_answered(request, which):
    simulated = request.getfixturevalue(which)
    faults = simulated.spec.faults
    no_record = ("sequence_gaps", "repeated_files")
    counted = [f.name for f in fields(Faults) if f.type == "int" and f.name not in no_record]
    sources = simulated.ledger.sources
    for fault in counted:
        found = simulated.ledger.planted.get(fault, {})
        if fault in ("personal_data", "decomposed"):
            at_least = getattr(faults, fault)
            assert sum(map(len, found.values())) >= at_least, fault
            continue
        for source in [name for name in ONLY.get(fault, sources) if name in sources]:
            twice = 2 if (fault, source) == ("revised", "postal") else 1
            assert len(found[source]) == twice * getattr(faults, fault), (fault, source)
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
    of_odk = province.ledger.sources["odk"].rejected
    assert (of_odk["R305_REFUSED_AT_SOURCE"], of_odk["R306_AWAITS_REVIEW"]) == (2, 2)
    assert (of_odk["R111_ENCRYPTED"], of_odk["R108_UNKNOWN_FORM"]) == (1, 2)
    assert province.ledger.sources["limesurvey"].rejected["R201_MISSING_FIELD"] == 3
    of_sheets = province.ledger.sources["spreadsheet"]
    assert of_sheets.duplicate == {"D401_SAME_RECORD": 4}
    assert (of_sheets.rejected["R101_UNREADABLE_FILE"], of_sheets.rejected["R204_BAD_TIME"]) == (2, 2)
    assert province.ledger.deleted == {"kobo": 2, "limesurvey": 2, "odk": 2}
    assert province.ledger.edited == {"kobo": 3, "limesurvey": 3, "odk": 3}
    assert "R205_UNKNOWN_PROCEDURE" not in province.ledger.sources["postal"].rejected


@pytest.mark.parametrize("seed", range(5))
def test_no_two_files_are_equal_even_where_they_hold_a_line_or_two(seed):
    files = files_of(simulate_round(spec_named("commune", scale=0.2), TTHC, seed))
    contents = [content for path, content in files.items() if path.startswith("inbox/")]
    assert len(set(contents)) == len(contents)


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
