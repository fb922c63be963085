"""What an utterance is taken for: a yes above all must be one, for it gives and sends."""

import pytest

from agents.detectors import plain_words
from agents.voice_call.hearing import hear
from agents.voice_call.names import Named, can_be_told, told
from db.tables.customers import SuppressionScope
from db.tables.recovery import CartAbandonmentReason
from graphs.voice_call.course import Heard, Hearing, Progress, Question
from policy.redaction.rules import redact
from recovery.voice_script import FollowUp, ObjectionHandling, VoiceScript
from tests.agents.voice_call.talk import NoClassifier

SCRIPT = VoiceScript()


def heard(text: str, asked: Question, *, script: VoiceScript = SCRIPT) -> Hearing:
    progress = Progress(asked=asked, identified=asked is not Question.IDENTITY)
    return hear(redact(text).text, progress, script, NoClassifier(), first_name="Maya")


@pytest.mark.parametrize("asked", [Question.OFFER, Question.LINK])
@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "Yeah, sure.",
        "Okay.",
        "Uh, yes please.",
        "Sure, at that price.",
        "That sounds good to me",
        "Oui.",
        "Please do.",
    ],
)
def test_a_yes(text: str, asked: Question) -> None:
    expected = Heard.OTHER if text.startswith("That") else Heard.YES
    assert heard(text, asked).kind is expected


@pytest.mark.parametrize("asked", [Question.OFFER, Question.LINK])
@pytest.mark.parametrize(
    "text",
    [
        "Well, it is what it is.",
        "I do wonder about that.",
        "Yes, but I have doubts.",
        "Good question.",
        "I am at work.",
        "Right now I am driving.",
        "Okay so tell me about it",
        "It is raining.",
    ],
)
def test_no_yes(text: str, asked: Question) -> None:
    assert heard(text, asked).kind is not Heard.YES


@pytest.mark.parametrize(
    "text", ["No.", "No thanks.", "Yes, no, thank you, not now.", "Okay, no thanks.", "I'd rather not.", "Nein."]
)
def test_a_no(text: str) -> None:
    assert heard(text, Question.OFFER).kind is Heard.NO


@pytest.mark.parametrize(
    "text",
    [
        "Maya.",
        "This is Maya.",
        "Hi, Maya speaking.",
        "Yes, sure, it's Maya.",
        "My name is Maya Lopez.",
        "Um, I'm Maya.",
        "Maia here.",
        "You're speaking with Mya.",
        "Good morning, this is Maya, thank you.",
    ],
)
def test_who_says_the_name_is_the_person(text: str) -> None:
    assert heard(text, Question.IDENTITY).kind is Heard.NAMED


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "Speaking.",
        "Yes, it's she.",
        "That's me.",
        "Hello?",
        "You want Maya?",
        "Maya is out.",
        "Maya's phone.",
        "I'm Maya's husband.",
        "Maya, my wife, is asleep.",
        "Who is Maya?",
        "I can get Maya for you.",
        "I'm Mark.",
        "It's Paul.",
        "I'm sorry?",
        "It is late.",
        "",
    ],
)
def test_who_does_not_say_it_is_not(text: str) -> None:
    assert heard(text, Question.IDENTITY).kind is not Heard.NAMED


@pytest.mark.parametrize(
    ("first_name", "text"),
    [
        ("Noah", "Nah."),
        ("Noah", "Nah, thanks."),
        ("Noah", "Now?"),
        ("Hugh", "Huh?"),
        ("Hugh", "How?"),
        ("Hugh", "Uh huh."),
        ("Maya", "May I ask?"),
        ("Maya", "Ma'am?"),
        ("Maya", "Yes, ma'am."),
        ("Maya", "This is Mary."),
        ("Hope", "I hope so."),
        ("Carl", "Call."),
        ("Will", "Will you stop?"),
        ("Will", "Will is out."),
    ],
)
def test_an_ordinary_answer_is_no_name_however_it_sounds(first_name: str, text: str) -> None:
    assert hear(text, Progress(asked=Question.IDENTITY), SCRIPT, NoClassifier(), first_name=first_name).kind is not (
        Heard.NAMED
    )


@pytest.mark.parametrize("first_name", [None, "", "  ", "?", "42", "\u30de\u30e4"])
@pytest.mark.parametrize("text", ["Maya.", "This is Maya.", "Yes.", "42.", ""])
def test_nobody_is_known_by_a_name_that_there_is_not(text: str, first_name: str | None) -> None:
    assert not can_be_told(first_name)
    asked = Progress(asked=Question.IDENTITY)
    assert hear(text, asked, SCRIPT, NoClassifier(), first_name=first_name).kind is not Heard.NAMED


@pytest.mark.parametrize(
    ("first_name", "text"),
    [
        ("Mary Ann", "It's Mary."),
        ("Mary Ann", "Maryann speaking."),
        ("Jos\u00e9", "Soy... Jose."),
        ("Catherine", "This is Kathryn."),
        ("O'Neil", "O'Neil here."),
        ("Bo", "Bo."),
        ("Will", "Yes, this is Will speaking."),
        ("Hope", "It's Hope."),
        ("May", "May here."),
        ("Bryan", "This is Brian."),
    ],
)
def test_names_are_compared_by_their_sound(first_name: str, text: str) -> None:
    assert told(plain_words(text.removeprefix("Soy...")), first_name) is Named.OURS


@pytest.mark.parametrize(
    "text",
    [
        "No.",
        "Wrong number.",
        "I'm not Maya.",
        "This is her husband.",
        "She isn't here.",
        "There's no Maya here.",
        "You have the wrong person.",
        "This is Bob.",
        "My name is Greg.",
    ],
)
def test_it_is_not_the_person(text: str) -> None:
    assert heard(text, Question.IDENTITY).kind in {Heard.NO, Heard.WRONG_PERSON}


@pytest.mark.parametrize("text", ["Yes, I'm here.", "I am still here.", "Still here.", "Yeah, I'm listening."])
@pytest.mark.parametrize("asked", [Question.IDENTITY, Question.MORE, Question.OFFER])
def test_somebody_is_there_and_has_answered_nothing(text: str, asked: Question) -> None:
    assert heard(text, asked).kind is Heard.PRESENT


SCREENERS = [
    "Hi. If you record your name and reason for calling, I'll see if this person is available.",
    "Hi, the person you're calling is using a screening service from Google. Go ahead and say your name, and why.",
    "Please state your name and the purpose of your call.",
]


@pytest.mark.parametrize("text", SCREENERS)
def test_a_machine_screens_the_call(text: str) -> None:
    assert heard(text, Question.IDENTITY).kind is Heard.SCREENING
    assert heard(text, Question.REASON).kind is not Heard.SCREENING


@pytest.mark.parametrize("text", ["Hello?", "Who wants to know?", "Maybe.", "It is late.", "I'm Bob."])
def test_it_is_not_known_who_it_is(text: str) -> None:
    assert heard(text, Question.IDENTITY).kind in {Heard.OTHER, Heard.QUESTION}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It was too expensive.", CartAbandonmentReason.TOO_EXPENSIVE),
        ("No, the price was a lot.", CartAbandonmentReason.TOO_EXPENSIVE),
        ("The shipping cost too much.", CartAbandonmentReason.SHIPPING_COST),
        ("I found it cheaper somewhere else.", CartAbandonmentReason.COMPARING_OPTIONS),
        ("Just looking, really.", CartAbandonmentReason.JUST_BROWSING),
        ("I'm too busy.", None),
    ],
)
def test_an_objection_and_its_reason(text: str, reason: CartAbandonmentReason | None) -> None:
    found = heard(text, Question.REASON)
    assert (found.kind, found.reason) == (Heard.OBJECTION, reason)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How long does delivery take?", Heard.QUESTION),
        ("not interested", Heard.NOT_INTERESTED),
        ("I'd like to speak to a human.", Heard.HUMAN),
        ("Could you call me back later?", Heard.CALLBACK),
        ("Are you a real person?", Heard.BOT_QUESTION),
        ("It's 4111 1111 1111 1111.", Heard.CARD),
        ("Okay bye.", Heard.GOODBYE),
        ("Purple monkeys.", Heard.OTHER),
    ],
)
def test_the_rest(text: str, kind: Heard) -> None:
    assert heard(text, Question.REASON).kind is kind


def test_calls_alone_are_stopped_where_calls_alone_are_named() -> None:
    assert heard("Stop calling me.", Question.REASON) == Hearing(Heard.OPT_OUT, scope=SuppressionScope.VOICE)
    assert heard("Take me off your list.", Question.REASON) == Hearing(Heard.OPT_OUT, scope=SuppressionScope.ALL)
    assert heard("Stop sending me emails.", Question.REASON) == Hearing(Heard.OPT_OUT, scope=SuppressionScope.ALL)


def test_a_merchant_adds_triggers_of_their_own() -> None:
    wait = FollowUp(trigger="payday|end of the month", response="That's fine.", reason=CartAbandonmentReason.OTHER)
    script = VoiceScript(objection_handling=ObjectionHandling(patterns=(wait,)))
    expected = Hearing(Heard.OBJECTION, reason=CartAbandonmentReason.OTHER, response="That's fine.")
    assert heard("Maybe after payday.", Question.REASON, script=script) == expected


def test_no_trigger_keeps_anybody_on_the_line() -> None:
    trap = FollowUp(trigger="stop calling me|not interested", response="That's fine.")
    script = VoiceScript(objection_handling=ObjectionHandling(patterns=(trap,)))
    assert heard("Stop calling me.", Question.REASON, script=script).kind is Heard.OPT_OUT
    assert heard("I'm not interested.", Question.REASON, script=script).kind is Heard.NOT_INTERESTED
