"""What the called customer does: for each scenario, what they answer to what they hear."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.simulator.twilio import Phone


class ScenarioName(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    OPT_OUT = "opt-out"
    WRONG_PERSON = "wrong-person"
    BARGE_IN = "barge-in"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no-answer"


@dataclass(frozen=True)
class Answer:
    """Said once somebody was heard to say something that `when` is found in. `press` is a key instead of words.

    `talking_over_s`: does not wait for the end of what is being said, but speaks so long after it began.
    """

    when: str
    text: str = ""
    press: str = ""
    talking_over_s: float | None = None
    once: bool = False

    def fits(self, heard: str) -> bool:
        return re.search(self.when, heard, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Scenario:
    """`answers` are tried in their order. `over_the_opening` is said while the disclosure is being spoken.

    `interrupts` is said into the first thing that we say after so many answers.
    """

    phone: Phone = Phone.PERSON
    answers: tuple[Answer, ...] = ()
    over_the_opening: str = ""
    interrupts: tuple[int, str] | None = None


WHO_IS_IT = r"first name|your name|right person"
IT_IS_ME = Answer(WHO_IS_IT, "This is {name}.")
# Speech to text may lose the end of a question.
NOTHING_MORE = Answer(r"anything else|is there any\b|what is it\b", "No, that is all. Thank you.")
STILL_HERE = Answer(r"still there", "Yes, I am here.")
AGAIN = Answer(r"didn't catch|say that again|repeat", "It is too expensive for me.")

_ABOUT_THE_CART = r"moment|minute|pause|hesitate|your order"

_BUYS = (
    STILL_HERE,
    NOTHING_MORE,
    Answer(r"would you like", "Yes please, send me the link."),
    Answer(r"pause|hesitate|your order", "It is too expensive for me."),
    Answer(r"moment|minute", "Yes, I have a moment."),
    IT_IS_ME,
    AGAIN,
)

SCENARIOS = {
    ScenarioName.ACCEPT: Scenario(Phone.PERSON, _BUYS),
    ScenarioName.DECLINE: Scenario(
        Phone.PERSON,
        (
            STILL_HERE,
            Answer(_ABOUT_THE_CART, "No thank you, I am not interested."),
            IT_IS_ME,
        ),
    ),
    ScenarioName.OPT_OUT: Scenario(
        Phone.PERSON,
        (STILL_HERE, Answer(_ABOUT_THE_CART, "Please stop calling me."), IT_IS_ME),
    ),
    ScenarioName.WRONG_PERSON: Scenario(Phone.PERSON, (Answer(WHO_IS_IT, "No, you have the wrong number."),)),
    ScenarioName.BARGE_IN: Scenario(
        Phone.PERSON,
        _BUYS,
        over_the_opening="Hello? Who is this?",
        interrupts=(2, "It is too expensive for me."),
    ),
    ScenarioName.VOICEMAIL: Scenario(Phone.MACHINE),
    ScenarioName.NO_ANSWER: Scenario(Phone.RINGS_OUT),
}

OPT_OUT_BY_KEY = Scenario(answers=(Answer(_ABOUT_THE_CART, press="9"), IT_IS_ME))
