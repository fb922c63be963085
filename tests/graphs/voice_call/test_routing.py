"""The course of a call, as a pure function: tried from every place with every input."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.tables.customers import SuppressionScope
from db.tables.recovery import CartAbandonmentReason
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call import routing
from graphs.voice_call.course import CallState, Changed, Ending, Heard, Hearing, Line, Move, Progress, Question

GRANT = UUID(int=7)
CART_TOOLS = {"get_cart", "apply_discount", "send_resume_link", "record_diagnosis", "search_faq"}
TELLS_OF_A_CART = {Line.INTRODUCTION, Line.RESPONSE, Line.ACCEPTED, Line.DECLINED, Line.GOODBYE}

questions = st.sampled_from(Question)
endings = st.builds(
    Ending, outcome=st.sampled_from(VoiceCallOutcome), end_reason=st.sampled_from(EndReason), at_once=st.booleans()
)
hearings = st.builds(
    Hearing,
    kind=st.sampled_from(Heard),
    scope=st.sampled_from([SuppressionScope.ALL, SuppressionScope.VOICE]),
    reason=st.none() | st.sampled_from(CartAbandonmentReason),
    response=st.none() | st.just("I understand."),
)
talking = st.builds(
    Progress,
    asked=questions,
    asked_at=st.none() | st.integers(1, 50),
    identified=st.booleans(),
    retries=st.integers(0, 4),
    silences=st.integers(0, 3),
    objections=st.lists(st.sampled_from(CartAbandonmentReason), max_size=3, unique=True).map(tuple),
    accepted=st.none() | st.just(GRANT),
)
places = st.one_of(st.just(Progress()), talking, st.builds(Progress, asked=questions, ended=endings))
changes = st.builds(Changed, *[st.booleans()] * 4)


def decide(progress: Progress, hearing: Hearing, done: Changed, *, retries: int = 2) -> Move:
    return routing.decide(progress, hearing, done, quote="It was dear.", max_retries=retries)


@given(progress=places, hearing=hearings, done=changes, retries=st.integers(0, 5))
def test_there_is_one_way_on_and_it_asks_or_ends(
    progress: Progress, hearing: Hearing, done: Changed, retries: int
) -> None:
    move = decide(progress, hearing, done, retries=retries)
    assert (move.asks is None) == (move.ends is not None)
    after = routing.after(progress, hearing, move, asked_at=9)
    assert (after.state is CallState.ENDED) == (move.ends is not None)
    assert after.state is not CallState.DISCLOSURE


@given(progress=places, scope=st.sampled_from([SuppressionScope.ALL, SuppressionScope.VOICE]), done=changes)
def test_an_opt_out_ends_from_anywhere_without_a_word(
    progress: Progress, scope: SuppressionScope, done: Changed
) -> None:
    move = decide(progress, Hearing(Heard.OPT_OUT, scope=scope), done)
    assert move.ends == Ending(outcome=VoiceCallOutcome.DECLINED, end_reason=EndReason.OPT_OUT, at_once=True)
    assert move.lines == ()
    assert not move.phrased
    wanted = [] if done.opted_out else [("set_opt_out", {"scope": scope.value})]
    assert [(step.tool, dict(step.arguments)) for step in move.tools] == wanted
    assert routing.after_move(move, pending=bool(move.tools), has_model=True) == "stop"


@given(hearing=hearings.filter(lambda each: each.kind is not Heard.OPT_OUT))
def test_the_disclosure_comes_before_everything_else(hearing: Hearing) -> None:
    move = decide(Progress(), hearing, Changed())
    assert move.lines == (Line.DISCLOSURE,)
    assert move.asks is Question.IDENTITY
    assert move.tools == ()
    assert not move.phrased


@given(progress=talking, hearing=hearings, done=changes)
def test_nothing_of_a_cart_before_it_is_known_who_answers(progress: Progress, hearing: Hearing, done: Changed) -> None:
    stranger = progress.model_copy(update={"identified": False, "asked": Question.IDENTITY, "accepted": None})
    move = decide(stranger, hearing, done)
    assert not CART_TOOLS & {step.tool for step in move.tools}
    assert not move.phrased
    if not move.identifies:
        assert not TELLS_OF_A_CART & set(move.lines)
        assert move.asks in {Question.IDENTITY, None}
        assert not routing.after(stranger, hearing, move, asked_at=1).identified
    else:
        assert hearing.kind is Heard.NAMED
    assert not CART_TOOLS & routing.TOOLS[stranger.state]


@given(progress=talking, hearing=hearings, done=changes)
def test_money_is_asked_for_once_for_a_cost_that_was_objected_to(
    progress: Progress, hearing: Hearing, done: Changed
) -> None:
    move = decide(progress, hearing, done)
    if "apply_discount" in {step.tool for step in move.tools}:
        assert progress.identified
        assert hearing.kind is Heard.OBJECTION
        assert hearing.reason in {CartAbandonmentReason.TOO_EXPENSIVE, CartAbandonmentReason.SHIPPING_COST}
        assert hearing.reason not in progress.objections
        assert progress.accepted is None


@pytest.mark.parametrize("asked", [each for each in Question if each is not Question.IDENTITY])
@pytest.mark.parametrize("reason", sorted(routing.MONEY))
def test_the_same_objection_again_gets_no_more_money(asked: Question, reason: CartAbandonmentReason) -> None:
    objection = Hearing(Heard.OBJECTION, reason=reason)
    fresh = decide(Progress(asked=asked, identified=True), objection, Changed())
    again = decide(Progress(asked=asked, identified=True, objections=(reason,)), objection, Changed())
    assert [step.tool for step in fresh.tools] == ["record_diagnosis", "apply_discount"]
    assert again.tools == ()


@given(progress=talking, hearing=hearings, done=changes)
def test_only_a_yes_to_the_offer_accepts_it(progress: Progress, hearing: Hearing, done: Changed) -> None:
    move = decide(progress, hearing, done)
    if move.accepts:
        assert (hearing.kind, progress.asked, progress.identified) == (Heard.YES, Question.OFFER, True)


@given(progress=talking, kind=st.sampled_from([Heard.NOT_INTERESTED, Heard.WRONG_PERSON, Heard.GOODBYE]), done=changes)
def test_who_wants_to_go_is_let_go_and_offered_nothing(progress: Progress, kind: Heard, done: Changed) -> None:
    move = decide(progress, Hearing(kind), done)
    assert move.ends is not None
    assert move.tools == ()
    assert not move.phrased


@given(progress=talking, hearing=hearings.filter(lambda each: each.kind is not Heard.OPT_OUT), done=changes)
def test_declined_is_only_what_was_said_no_to(progress: Progress, hearing: Hearing, done: Changed) -> None:
    """Who says goodbye, took the link or was not understood may be called about another cart."""
    move = decide(progress, hearing, replace(done, opted_out=False))
    if move.ends is not None and move.ends.end_reason is EndReason.DECLINED:
        no = hearing.kind is Heard.NO and progress.identified and progress.asked in {Question.OFFER, Question.LINK}
        assert no or hearing.kind is Heard.NOT_INTERESTED


@pytest.mark.parametrize("kind", [Heard.GOODBYE, Heard.CALLBACK])
def test_a_strangers_goodbye_says_no_more_than_hanging_up(kind: Heard) -> None:
    move = decide(Progress(asked=Question.IDENTITY), Hearing(kind), Changed())
    assert move.ends == Ending(outcome=VoiceCallOutcome.DISCONNECTED, end_reason=EndReason.HUNG_UP)


@given(progress=talking, hearing=hearings, done=changes, fresh=changes)
def test_what_tools_changed_bends_only_how_a_move_ends(
    progress: Progress, hearing: Hearing, done: Changed, fresh: Changed
) -> None:
    move = decide(progress, hearing, done)
    bent = routing.after_tools(move, fresh, accepted=progress.accepted is not None)
    assert (bent.asks is None) == (bent.ends is not None)
    if fresh.opted_out:
        assert bent == Move(asks=None, ends=routing.OPTED_OUT)
    elif move.ends is not None:
        assert bent == move
    if bent.asks is Question.OFFER and move.asks is not Question.OFFER:
        assert fresh.granted


@pytest.mark.parametrize("kind", [Heard.YES, Heard.NO])
def test_a_question_that_was_not_heard_is_not_answered(kind: Heard) -> None:
    assert routing.as_heard(Hearing(kind), question_was_heard=False) == Hearing(Heard.EARLY)
    assert routing.as_heard(Hearing(kind), question_was_heard=True) == Hearing(kind)
    assert decide(Progress(asked=Question.OFFER, identified=True), Hearing(Heard.EARLY), Changed()) == Move(
        asks=Question.OFFER, retries=True
    )


@given(progress=talking, done=changes, reason=st.sampled_from([EndReason.HUNG_UP, EndReason.PROCESS_LOST]))
def test_a_lost_line_ends_as_the_call_stood(progress: Progress, done: Changed, reason: EndReason) -> None:
    ending = routing.ending_if_lost(progress, done, reason)
    expected = VoiceCallOutcome.DISCONNECTED
    if done.person_asked:
        expected = VoiceCallOutcome.ESCALATED
    if progress.accepted is not None:
        expected = VoiceCallOutcome.DISCOUNT_ACCEPTED
    if done.opted_out:
        expected, reason = VoiceCallOutcome.DECLINED, EndReason.OPT_OUT
    assert (ending.outcome, ending.end_reason) == (expected, reason)


@given(hearings=st.lists(hearings, min_size=40, max_size=40))
def test_a_call_of_unclear_answers_and_silence_comes_to_an_end(hearings: list[Hearing]) -> None:
    progress = Progress()
    for each in hearings:
        unclear = Hearing(Heard.SILENCE if each.kind is Heard.SILENCE else Heard.OTHER)
        progress = routing.after(progress, unclear, decide(progress, unclear, Changed()), asked_at=1)
    assert progress.ended is not None


@given(progress=talking.filter(lambda each: not each.identified), done=changes.filter(lambda each: not each.opted_out))
def test_a_machine_that_screens_is_told_once_who_calls_and_left(progress: Progress, done: Changed) -> None:
    move = decide(progress, Hearing(Heard.SCREENING), done)
    assert (move.asks, move.lines, move.tools, move.phrased) == (None, (Line.SCREENED,), (), False)
    assert move.ends == Ending(outcome=VoiceCallOutcome.NO_ANSWER, end_reason=EndReason.CALL_SCREENING)


@given(
    place=talking, kinds=st.lists(st.sampled_from([Heard.SILENCE, Heard.PRESENT, Heard.OTHER, Heard.EARLY]), min_size=9)
)
def test_a_call_that_leads_nowhere_ends(place: Progress, kinds: list[Heard]) -> None:
    """Whoever is there, and says so, and says no more: nobody is asked for ever."""
    progress = place
    for kind in kinds:
        progress = routing.after(progress, Hearing(kind), decide(progress, Hearing(kind), Changed()), asked_at=9)
    assert progress.ended is not None
