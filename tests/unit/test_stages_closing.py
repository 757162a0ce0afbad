"""A closed month changes only by a revision: numbered, once, with what changed, whatever breaks off in between."""

import shutil

import pytest
from desk_kit import ROUND, bring_in, context_of, drop, form, write_round

from pipelines.collect.closing import revisions
from pipelines.lake import Lake, closed_month
from pipelines.model.errors import InputError, StateError
from pipelines.stages import (
    close_month,
    closed_lines,
    collect,
    conform,
    pending_batches,
    screen,
    stale_partitions,
    tally,
)
from pipelines.stages.closing import closed_rows

MAY = "2023-05"
LATE = {"received_at": "02/06/2023 09:00"}


@pytest.fixture(scope="module")
def tallied(tmp_path_factory):
    """Three responses of May."""
    lake = Lake(str(tmp_path_factory.mktemp("desk")))
    write_round(lake)
    drop(lake, "a.csv", form(1), form(2), form(3, **LATE))
    context = context_of(lake)
    bring_in(context)
    return context


@pytest.fixture
def context(tallied, tmp_path):
    """The same round, to be changed."""
    shutil.copytree(tallied.lake.root, tmp_path / "data")
    return context_of(Lake(str(tmp_path / "data")))


def changes(context):
    found = revisions(context.lake, ROUND)
    return [(one.number, one.responses, one.late, one.added, one.changed, one.withdrawn) for one in found]


def test_a_month_that_nobody_closed_has_no_revisions(context):
    drop(context.lake, "b.csv", form(4))
    bring_in(context)
    assert changes(context) == [] and closed_lines(context, ROUND) == []


def test_closing_keeps_what_counts_and_who_closed_it(context):
    (revision,) = close_month(context, ROUND, MAY, "An", "đủ phiếu")
    assert str(revision) == ("closed month 2023-05: revision 0 of postal: 0 added, 0 changed, 0 withdrawn, 3 in all")
    assert changes(context) == [(0, 3, 1, 0, 0, 0)]
    (line,) = closed_lines(context, ROUND)
    assert line == (MAY, "postal", "0", "3", "1", "0", "0", "0", "An")


def test_late_revised_and_withdrawn_records_each_make_a_revision_that_says_what_changed(context):
    close_month(context, ROUND, MAY, "An")
    drop(context.lake, "b.csv", form(4, **LATE), form(1, revision="2", A1="1"))
    keys = bring_in(context)
    assert changes(context)[1:] == [(1, 4, 2, 1, 1, 0)]
    report = context.lake.read_json(f"runs/{ROUND}/tally/postal~{MAY}.json")
    assert report["messages"] == [
        "closed month 2023-05: revision 1 of postal: 1 added, 1 changed, 0 withdrawn, 4 in all"
    ]
    drop(context.lake, "c.csv", form(2, revision="2", submitted_at="01/06/2023 08:00"))
    bring_in(context)
    assert changes(context)[2:] == [(2, 3, 2, 0, 0, 1)]
    tally(context, screen(context, keys[0]))
    assert len(changes(context)) == 3, "the same responses are no revision"
    assert [row["revision"] for row in closed_rows(context, context.round(ROUND))] == [0, 1, 2]


def test_a_revision_broken_off_is_recorded_once(context, monkeypatch):
    close_month(context, ROUND, MAY, "An")
    drop(context.lake, "b.csv", form(4))
    collect(context, "postal", ROUND)
    for batch in pending_batches(context, "postal", ROUND):
        conform(context, batch)
    (key,) = stale_partitions(context, "postal", ROUND)
    screen(context, key)
    for broken in ("write_json", "remove"):
        with monkeypatch.context() as patch:
            patch.setattr(Lake, broken, _dies_at("closed/"))
            with pytest.raises(KeyboardInterrupt):
                tally(context, key)
    assert stale_partitions(context, "postal", ROUND) == [key]
    tally(context, key)
    assert changes(context)[1:] == [(1, 4, 1, 1, 0, 0)]


def _dies_at(folder):
    def die(self, path, *rest):
        assert path.startswith(folder)
        raise KeyboardInterrupt

    return die


def test_a_source_that_had_nothing_when_the_month_was_closed_begins_with_a_revision(context):
    close_month(context, ROUND, MAY, "An")
    shutil.rmtree(f"{context.lake.root}/closed/{ROUND}/{MAY}/postal")
    drop(context.lake, "b.csv", form(4))
    bring_in(context)
    assert changes(context) == [(0, 4, 1, 4, 0, 0)]


@pytest.mark.parametrize("month", ["2023-07", "2023-04", "05/2023", ""])
def test_only_months_of_the_round_are_closed(context, month):
    with pytest.raises(InputError, match="2023-05 to 2023-06"):
        close_month(context, ROUND, month, "An")


def test_a_month_is_closed_once_when_it_is_over_and_tallied(context):
    drop(context.lake, "b.csv", form(4))
    collect(context, "postal", ROUND)
    for batch in pending_batches(context, "postal", ROUND):
        conform(context, batch)
    with pytest.raises(StateError, match="not tallied"):
        close_month(context, ROUND, MAY, "An")
    assert not context.lake.exists(closed_month(ROUND, MAY))
    for key in stale_partitions(context, "postal", ROUND):
        tally(context, screen(context, key))
    close_month(context, ROUND, MAY, "An")
    with pytest.raises(StateError, match="closed by An"):
        close_month(context, ROUND, MAY, "Bình")


def test_a_month_that_is_not_over_stays_open(lake):
    write_round(lake, window={"from": "2023-05-01", "to": "2099-06-30"})
    with pytest.raises(StateError, match="not over yet"):
        close_month(context_of(lake), ROUND, "2099-06", "An")
