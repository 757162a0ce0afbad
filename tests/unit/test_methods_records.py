"""Methods of dossiers and of indicators: each way in which their parts may not fit is told with place and remedy."""

import shutil
from pathlib import Path

import pytest

from pipelines.methods import load_method
from pipelines.methods.library import BUILT_IN
from pipelines.model.errors import InputError

ONE_STOP, PORTAL, GOVERNANCE = "one_stop/2018", "portal_766/2022", "governance/2021"
LAST_SCORE = '    "9": {code: online, points: [0, 1, 2], status: unknown, source: Thông tư 01/2018/TT-VPCP}\n'


def complaint(tmp_path: Path, method: str, old: str, new: str) -> InputError:
    folder = tmp_path / method
    shutil.copytree(BUILT_IN / method, folder)
    path = folder / "method.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_method(*method.split("/"), [tmp_path])
    assert caught.value.remedy and str(path) in caught.value.where
    return caught.value


@pytest.mark.parametrize(
    ("method", "old", "new", "what", "where"),
    [
        (ONE_STOP, "compare: [finished_on, due_on]", "compare: [finished_on, due]", "no field 'due'", "scores.1"),
        (ONE_STOP, "[finished_on, due_on]", "[finished_on, contacts]", "a day is compared", "scores.1"),
        (ONE_STOP, "count: contacts", "count: agency_days", "is of kind number", "scores.3"),
        (ONE_STOP, "points: [2, 1, 0]", "points: [2, 0]", "2 points", "scores.1"),
        (ONE_STOP, 'count: contacts\n      points: [2, 1, 0]', "count: contacts", "is not valid", "scores['3']"),
        (ONE_STOP, '    "9": {code', '    "10": {code', "the index has no leaf '10'", "scores"),
        (ONE_STOP, '    - code: "9"', '    - code: "Z"', "the index has no leaf '9'", "scores"),
        (ONE_STOP, LAST_SCORE, "", "leaf '9' has no rule", "scores"),
        (ONE_STOP, "day: finished_on", "day: contacts", "is of kind count", "dossiers.day"),
        (ONE_STOP, "bounds: [15, 12, 9, 6, 0]", "bounds: [15, 12, 12, 6, 0]", "bounds do not fall", "classes"),
        (ONE_STOP, "    contacts: {kind: count}", "    contacts: {kind: count}\n    channel: {kind: text}",
         "every dossier has a field 'channel'", "fields"),
        (ONE_STOP, "input: dossiers", "input: scores", "the input is scores", "dossiers"),
        (ONE_STOP, "      maximum: 2\n", "      maximum: -1\n", "minimum 0 is above maximum -1", "node '1'"),
        (PORTAL, "any_of: [complaint, disliked]", "any_of: [complaint, due_on]", "is of kind day", "faults.disliked"),
        (PORTAL, "      full_points: 6\n", "", "is not valid", "scores"),
        (GOVERNANCE, "weight: 0.5", "weight: 0.4", "the weights below add up to 0.9", "node '1.1'"),
        (GOVERNANCE, "              maximum: 2\n", "              maximum: 0\n", "'1.1.1' has no scale", "node '1.1'"),
        (GOVERNANCE, "              minimum: 0\n", "", "'1.1.1' has no scale", "node '1.1'"),
        (GOVERNANCE, "  combination: sum\n", "  combination: pooled\n", "pools indicators", "tree"),
        (GOVERNANCE, "input: indicators", "input: scores", "is scaled, but its input is scores", "tree"),
        (GOVERNANCE, 'code: "1.1.2"', 'code: "D1"', "code 'D1' occurs more than once", "tree"),
        (GOVERNANCE, "year_to: 2022", "year_to: 2020", "year_from 2021 is above year_to 2020", "node 'GOV'"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, method: str, old: str, new: str, what: str, where: str):
    error = complaint(tmp_path, method, old, new)
    assert what in error.what
    assert where in error.where
