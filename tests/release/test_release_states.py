"""The transition table, exhaustively, and the rule that two people publish."""

import itertools

import pytest

from pipelines.model.errors import StateError
from pipelines.release.states import Action, State, states_markdown, transition

ALLOWED = {
    ("DRAFT", "CHECK"): "CHECKED",
    ("DRAFT", "REJECT"): "DRAFT",
    ("CHECKED", "APPROVE"): "APPROVED",
    ("CHECKED", "REJECT"): "DRAFT",
    ("APPROVED", "PUBLISH"): "PUBLISHED",
    ("APPROVED", "REJECT"): "DRAFT",
    ("PUBLISHED", "SUPERSEDE"): "SUPERSEDED",
    ("PUBLISHED", "WITHDRAW"): "WITHDRAWN",
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)), ids=str)
def test_every_pair_of_state_and_action_is_allowed_or_refused_as_written(state, action):
    expected = ALLOWED.get((state.value, action.value))
    if expected:
        assert transition(state.value, action.value, "Bình", "An") == expected
        return
    with pytest.raises(StateError) as refused:
        transition(state.value, action.value, "Bình", "An")
    possible = [step for before, step in ALLOWED if before == state.value]
    assert refused.value.remedy
    assert all(step in refused.value.remedy for step in possible)


@pytest.mark.parametrize(
    "second",
    [
        "Nguyễn Văn An",
        "  Nguyễn Văn An ",
        "NGUYỄN VĂN AN",
        "Nguye\u0302\u0303n Va\u0306n An",
        "NGUYE\u0302\u0303N VĂN AN",
    ],
)
def test_who_froze_cannot_approve_however_the_name_is_typed(second):
    with pytest.raises(StateError, match="second person"):
        transition("CHECKED", "APPROVE", second, "Nguyễn Văn An")


def test_names_that_differ_in_a_tone_mark_are_two_people():
    assert transition("CHECKED", "APPROVE", "Nguyễn Văn Ân", "Nguyễn Văn An") == "APPROVED"


@pytest.mark.parametrize("person", ["", "   ", "\u00a0"])
@pytest.mark.parametrize(("state", "action"), ALLOWED)
def test_nobody_can_do_nothing(state, action, person):
    with pytest.raises(StateError, match="without a person"):
        transition(state, action, person, "An")


def test_approval_is_refused_when_it_is_not_known_who_froze():
    with pytest.raises(StateError, match="nobody is named"):
        transition("CHECKED", "APPROVE", "Bình", " ")


def test_who_froze_may_take_back_and_publish_what_another_approved():
    assert transition("CHECKED", "REJECT", "An", "An") == "DRAFT"
    assert transition("APPROVED", "PUBLISH", "An", "An") == "PUBLISHED"


def test_unknown_state_and_action_are_named():
    with pytest.raises(StateError, match="LOST"):
        transition("LOST", "CHECK", "An", "An")
    with pytest.raises(StateError, match="TIMEOUT"):
        transition("CHECKED", "TIMEOUT", "An", "An")


def test_the_diagram_shows_every_transition_and_every_state():
    page = states_markdown()
    for (before, action), after in ALLOWED.items():
        assert f"    {before} --> {after}: {action}\n" in page
    assert page.count("-->") - page.count("<!--") == len(ALLOWED) + 3  # a start and two ends, and the comment's arrow
    assert all(state.value in page for state in State)
