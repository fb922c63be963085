"""What was heard of what we said, against an account kept by hand."""

from hypothesis import given
from hypothesis import strategies as st

from graphs.voice_call.events import Say
from voice.line import Line

steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.booleans()),
        st.tuples(st.just("back"), st.integers(1, 12)),
        st.tuples(st.just("interrupt"), st.none()),
    ),
    max_size=30,
)


@given(steps)
def test_a_sentence_is_heard_whole_only_if_its_own_mark_came_back_before_it_was_cut(
    steps: list[tuple[str, bool | int | None]],
) -> None:
    line = Line()
    said: dict[int, Say] = {}
    gone: set[int] = set()
    for what, value in steps:
        waiting = {mark: say for mark, say in said.items() if mark not in gone}
        if what == "say":
            say = Say(len(said), "Words.", interruptible=bool(value))
            said[line.say(say)] = say
        elif what == "back":
            mark = int(value or 0)
            assert line.returned(mark) == waiting.get(mark)
            gone.add(mark) if mark in said else None
        else:
            cut = {mark: say for mark, say in waiting.items() if say.interruptible}
            assert line.interrupted() == list(cut.values())
            gone |= set(cut)
        left = [say for mark, say in said.items() if mark not in gone]
        assert line.silent.is_set() == (not left)
        assert line.uninterruptible == any(not say.interruptible for say in left)
        assert line.must_be_heard == (not said or any(not say.interruptible for say in left))


def test_the_farewell_and_all_before_the_first_word_must_be_heard() -> None:
    line = Line()
    must = [line.must_be_heard]
    mark = line.say(Say(1, "Hello.", interruptible=True))
    must.append(line.must_be_heard)
    line.leave()
    must.append(line.must_be_heard)
    line.returned(mark)
    must.append(line.must_be_heard)
    assert must == [True, False, True, True]


def test_cutting_leaves_nothing_pending_not_even_the_disclosure() -> None:
    line = Line()
    disclosure = Say(1, "An automated call.", interruptible=False)
    line.say(disclosure)
    assert line.cut() == [disclosure]
    assert (line.cut_off, line.silent.is_set(), line.uninterruptible) == (True, True, False)
