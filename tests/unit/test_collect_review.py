"""What a reviewer said at the source decides whether a record counts, waits or is refused; each by its own code."""

from dataclasses import replace

import pytest
from collect_kit import CONFIG, SCREEN, accepted, collect, lines, row

from pipelines.collect.rejects import read_rejects
from pipelines.collect.review import review_rules
from pipelines.model.errors import InputError

STATES = ("approved", "on_hold", "rejected", None)


def rules(**review):
    return review_rules(replace(CONFIG, options={"review": review}))


def test_without_a_setting_what_is_rejected_is_refused_and_what_is_on_hold_waits():
    assert review_rules(CONFIG) == (("rejected",), ("on_hold",))
    assert (SCREEN.refused_states, SCREEN.waiting_states) == review_rules(CONFIG)


@pytest.mark.parametrize(
    ("review", "counted"),
    [
        ({}, ["approved", None]),
        ({"unreviewed": "wait"}, ["approved"]),
        ({"on_hold": "accept", "unreviewed": "refuse"}, ["approved", "on_hold"]),
        ({"rejected": "accept", "approved": "wait", "on_hold": "refuse"}, ["rejected", None]),
    ],
)
def test_the_setting_decides_what_counts_and_everything_else_has_a_code(lake, review, counted):
    refused, waiting = rules(**review)
    screen = replace(SCREEN, refused_states=refused, waiting_states=waiting)
    content = lines(*(row(id=str(number), state=state, device=f"K{number}") for number, state in enumerate(STATES)))
    collect(lake, content, screen=screen)
    assert sorted(map(str, (one["review_state"] for one in accepted(lake)))) == sorted(map(str, counted))
    found = {one["value"]: one["code"] for one in read_rejects(lake, "tthc-2023").to_pylist()}
    codes = {"refuse": "R305_REFUSED_AT_SOURCE", "wait": "R306_AWAITS_REVIEW"}
    default = {"unreviewed": "accept", "approved": "accept", "on_hold": "wait", "rejected": "refuse"}
    assert found == {state: codes[said] for state, said in (default | review).items() if said != "accept"}


def test_what_waited_counts_once_a_later_revision_is_approved(lake):
    collect(lake, lines(row(state="on_hold")))
    assert accepted(lake) == []
    collect(lake, lines(row(rev="2", state="approved")))
    assert [one["revision"] for one in accepted(lake)] == [2]


@pytest.mark.parametrize("review", [{"held": "wait"}, {"on_hold": "keep"}])
def test_an_unknown_state_or_decision_is_told_with_those_there_are(review):
    with pytest.raises(InputError, match=r"options\.review.*use "):
        rules(**review)


def test_rules_that_are_no_table_are_told():
    with pytest.raises(InputError, match="no table"):
        review_rules(replace(CONFIG, options={"review": "strict"}))
