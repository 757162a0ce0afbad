"""Whatever the order in which files arrive, the same responses count and the same rows are refused."""

from tempfile import TemporaryDirectory

from collect_kit import ROUND, SCREEN, collect, conform, lines, row
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.collect.months import all_months
from pipelines.collect.rejects import read_rejects
from pipelines.collect.screen import screen_month
from pipelines.lake import Lake

CELLS = {
    "id": st.sampled_from(["r1", "r2", "r3"]),
    "rev": st.sampled_from(["1", "2", None]),
    "device": st.sampled_from(["K1", "K2", None]),
    "end": st.sampled_from(["2023-05-04T09:00Z", "2023-05-04T10:00Z", "2023-06-04T09:00Z", "2022-01-01"]),
    "state": st.sampled_from([None, None, "approved", "rejected", "on_hold"]),
    "answers/A1": st.sampled_from(["1", "5"]),
}
ROWS = st.fixed_dictionaries(CELLS).map(lambda cells: {k: v for k, v in (row() | cells).items() if v is not None})
FILE = st.lists(ROWS, min_size=1, max_size=5).map(lambda rows: lines(*rows))
FILES = st.lists(FILE, min_size=2, max_size=3, unique=True)


def outcome(files, one_by_one):
    """Return what counts and what was refused, screened after every file or once at the end."""
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        if one_by_one:
            for content in files:
                collect(lake, content)
        else:
            conform(lake, *files)
            for month in all_months(lake, ROUND.id, "kiosk"):
                screen_month(lake, SCREEN, "kiosk", month)
        responses = {path: lake.read_bytes(path) for path in lake.glob("responses/*/*/*/*/*")}
        rejects = read_rejects(lake, ROUND.id).drop_columns(["file"]).to_pylist()
        return responses, rejects


@settings(max_examples=3, deadline=None)
@given(FILES.flatmap(lambda files: st.tuples(st.just(files), st.permutations(files))))
def test_the_order_of_arrival_never_matters(orders):
    first, second = orders
    assert outcome(first, one_by_one=True) == outcome(second, one_by_one=False)
