"""Whatever rows come in, in whatever files: each ends as one response, one duplicate or one reject."""

from collections import Counter
from tempfile import TemporaryDirectory

from collect_kit import MAPPING, ROUND, SCREEN, accepted, conform, lines, row
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.collect.months import all_months
from pipelines.collect.rejects import read_rejects
from pipelines.collect.screen import screen_month
from pipelines.lake import Lake

CELLS = {
    "id": st.sampled_from(["r1", "r2", "r3", "r4", " ", None]),
    "rev": st.sampled_from(["1", "2", None, "x"]),
    "unit": st.sampled_from(["22243", "22243", "06978", "1", None]),
    "device": st.sampled_from(["K1", "K2", None]),
    "end": st.sampled_from(["2023-05-04", "2023-06-04", "2023-06-05T10:00Z", "2022-01-01", "2023-02-30", "", None]),
    "version": st.sampled_from(["2017.1", "2017.1", "2017.1", "1", None]),
    "state": st.sampled_from([None, "approved", "rejected"]),
    "answers/A1": st.sampled_from(["1", "5", "9", "", None]),
    "answers/media": st.sampled_from(["1", "1 2", "1,9", None]),
    "answers/age": st.sampled_from(["17", "30", "x", None]),
    "comment": st.none() | st.text(max_size=8),
    "unknown": st.sampled_from([None, None, None, "x"]),
}
ROWS = st.fixed_dictionaries(CELLS).map(lambda cells: {k: v for k, v in (row() | cells).items() if v is not None})
FILES = st.lists(st.lists(st.one_of(ROWS, ROWS, ROWS, st.just("{broken"), st.just("[1,")), max_size=12), max_size=3)


@settings(max_examples=15, deadline=None)
@given(FILES)
def test_random_rows_always_balance(files):
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        contents = list(dict.fromkeys(lines(*rows) for rows in files))
        _, conformed = conform(lake, *contents)
        screened = [screen_month(lake, SCREEN, "kiosk", month) for month in all_months(lake, ROUND.id, "kiosk")]
        rows = sum(content.count(b"\n") for content in contents)
        rejects = Counter(read_rejects(lake, ROUND.id)["stage"].to_pylist())
        assert sum(report.rows_in for report in conformed) == rows
        assert sum(report.accepted for report in conformed) == sum(report.rows_in for report in screened)
        assert rejects["conform"] == sum(report.rejected for report in conformed)
        assert rejects["screen"] == sum(report.rejected + report.duplicate for report in screened)
        responses = accepted(lake)
        assert len(responses) == sum(report.accepted for report in screened)
        assert len(responses) + rejects["conform"] + rejects["screen"] == rows
        assert len({response["response_id"] for response in responses}) == len(responses)


def test_the_mapping_of_the_tests_leaves_no_heading_out():
    assert set(CELLS) - {"version", "unknown"} <= set(MAPPING.headings)
