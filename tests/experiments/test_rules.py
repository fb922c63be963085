from hypothesis import given
from hypothesis import strategies as st

from experiments.rules import Arm, assign

PEOPLE = [f"person-{number}" for number in range(4000)]


def test_the_share_is_what_was_asked_for() -> None:
    held = sum(assign(person, experiment="recovery", holdout_share=0.1) is Arm.HOLDOUT for person in PEOPLE)
    assert 340 <= held <= 460  # 400 expected, more than three standard deviations each way


@given(person=st.text(), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_holdout_keeps_who_was_in_it(person: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    if assign(person, experiment="recovery", holdout_share=low) is Arm.HOLDOUT:
        assert assign(person, experiment="recovery", holdout_share=high) is Arm.HOLDOUT


def test_none_and_all() -> None:
    assert {assign(person, experiment="e", holdout_share=0) for person in PEOPLE} == {Arm.TREATED}
    assert {assign(person, experiment="e", holdout_share=1) for person in PEOPLE} == {Arm.HOLDOUT}


def test_experiments_are_independent_of_each_other() -> None:
    both = sum(
        assign(person, experiment="a", holdout_share=0.5) == assign(person, experiment="b", holdout_share=0.5)
        for person in PEOPLE
    )
    assert 1870 <= both <= 2130
