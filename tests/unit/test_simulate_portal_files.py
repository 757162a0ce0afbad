"""What the portals of a simulated round hold: records of KoboToolbox, ODK Central and LimeSurvey."""

import json
from datetime import datetime

import yaml
from simulated_kit import PROVINCE, submissions

from pipelines.simulate.specs import FAULTS


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


def test_portal_edit_keeps_its_root_and_names_what_it_replaced(commune_files):
    edited = [submission for submission in submissions(commune_files) if "meta/deprecatedID" in submission]
    before = {submission["_id"]: submission for submission in submissions(commune_files, "portal-before-edits/kobo")}
    assert len(edited) == FAULTS.revised
    for after in edited:
        old = before[after["_id"]]
        assert after["meta/deprecatedID"] == old["meta/instanceID"] != after["meta/instanceID"]
        assert after["meta/rootUuid"] == old["meta/rootUuid"]
        assert after["g_a/a1"] != old.get("g_a/a1")


def test_odk_submissions_have_the_keys_of_documented_ones(province_files, reference):
    page = json.loads((reference / "portals" / "odk" / "apidoc_submissions.json").read_text(encoding="utf-8"))
    documented = set(page["value"][0]) - {"age", "name"}
    found = submissions(province_files, "portal/odk")
    for submission in found:
        assert documented <= set(submission) and submission["__id"].startswith("uuid:")
    sent = [submission["__system"]["submissionDate"] for submission in found]
    assert sent == sorted(sent) and all(moment.endswith("Z") for moment in sent)
    assert len({submission["__id"] for submission in found}) == len(found)


def test_odk_answers_stand_in_their_groups_as_text_and_blanks_are_null(province_files):
    found = [one for one in submissions(province_files, "portal/odk") if "g_q9" in one]
    given = [one["g_q9"]["g_pa"]["pa1"] for one in found]
    assert None in given and {"4", "5"} <= set(given)
    assert any(len((one["q2"] or "").split(" ")) > 2 for one in found)


def test_question_has_another_name_in_the_first_version_of_the_form_and_the_mapping_knows_both(province_files):
    by_version: dict[str, set[str]] = {}
    for one in submissions(province_files, "portal/odk"):
        by_version.setdefault(one["__system"]["formVersion"], set()).update(one.get("g_profile", {}))
    assert set(by_version) == {"2023.1-0", "2023.1-1", "2023.1-2"}
    assert "gioi_tinh" in by_version["2023.1-1"] and "sex" not in by_version["2023.1-1"]
    assert "sex" in by_version["2023.1-2"] and "gioi_tinh" not in by_version["2023.1-2"]
    (content,) = [file for path, file in province_files.items() if path.endswith("mappings/odk.yml")]
    first, second = yaml.safe_load(content)
    assert first["when"]["__system/formVersion"] == ["2023.1-1"] and first["headings"]["gioi_tinh"] == "sex"
    assert second["when"]["__system/formVersion"] == ["2023.1-2"] and second["headings"]["sex"] == "sex"


def test_odk_edit_keeps_its_identity_and_what_is_deleted_was_there_before(province, province_files):
    after = {one["__id"]: one for one in submissions(province_files, "portal/odk")}
    before = {one["__id"]: one for one in submissions(province_files, "portal-before-edits/odk")}
    edited = [one for one in after if after[one] != before[one]]
    assert len(edited) == province.ledger.edited["odk"] == FAULTS.revised
    for one in edited:
        assert (before[one]["__system"]["edits"], after[one]["__system"]["edits"]) == (0, 1)
        assert before[one]["meta"]["instanceID"] == one != after[one]["meta"]["instanceID"]
    gone = {f"uuid:{identity}" for identity in province.ledger.planted["deleted"]["odk"]}
    assert before.keys() - after.keys() == gone and len(gone) == FAULTS.deleted


def test_limesurvey_responses_hold_codes_of_its_own_in_local_time(province_files):
    found = submissions(province_files, "portal/limesurvey")
    assert [one["id"] for one in found] == sorted({one["id"] for one in found})
    assert {one["gpa[pa1]"] for one in found} - {"A7"} <= {"", "A1", "A2", "A3", "A4", "A5"}
    assert {one["q2[1]"] for one in found} == {"Y", "N"} or {one["q2[1]"] for one in found} == {"Y", "N", ""}
    for one in found:
        datetime.strptime(one["startdate"], "%Y-%m-%d %H:%M:%S")
        assert all("_" not in heading for heading in one)


def test_incomplete_responses_have_no_submit_date_and_a_deleted_one_leaves_a_gap(province, province_files):
    found = submissions(province_files, "portal/limesurvey")
    assert sum(one["submitdate"] == "" for one in found) == FAULTS.incomplete
    gone = set(range(1, len(found) + FAULTS.deleted + 1)) - {one["id"] for one in found}
    assert sorted(map(str, gone)) == province.ledger.planted["deleted"]["limesurvey"] and len(gone) == FAULTS.deleted


def test_answer_codes_that_limesurvey_has_are_those_that_its_mapping_knows(province_files):
    (content,) = [file for path, file in province_files.items() if path.endswith("mappings/limesurvey.yml")]
    (mapping,) = yaml.safe_load(content)
    known = set(mapping["headings"]) | set(mapping["ignore"])
    for one in submissions(province_files, "portal/limesurvey"):
        assert set(one) <= known
    assert mapping["codes"]["satisfaction"] == {f"A{code}": code for code in range(1, 6)}
