"""The demonstration estimates a round after the one that it is compared with."""

from types import SimpleNamespace

from pipelines.demo.flow import in_order


def waves(**previous: str) -> list[list[str]]:
    found = [SimpleNamespace(id=name, previous=before) for name, before in previous.items()]
    return [[one.id for one in wave] for wave in in_order(found)]


def test_a_round_waits_for_the_one_before_it_and_for_nothing_else():
    assert waves(c="b", b="a", a="", p="", q="elsewhere") == [["a", "p", "q"], ["b"], ["c"]]


def test_rounds_that_name_each_other_are_estimated_all_the_same():
    assert waves(a="b", b="a") == [["a", "b"]]
