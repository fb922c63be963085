"""Whose name was told: somebody with a name that is only alike is somebody else (rules C-21)."""

import pytest

from agents.detectors import plain_words
from agents.voice_call.hearing import hear
from agents.voice_call.names import Named, told
from graphs.voice_call.course import Heard, Progress, Question
from recovery.voice_script import VoiceScript
from tests.agents.voice_call.talk import NoClassifier

# As people spell one name, and as speech to text does.
ONE_NAME = """
    maya/maia maya/mya john/jon sara/sarah steven/stephen ann/anne brian/bryan eric/erik philip/phillip
    sofia/sophia isabel/isabelle elisabeth/elizabeth nicolas/nicholas teresa/theresa marc/mark zoe/zoey sean/shawn
    carl/karl kathryn/catherine mohammed/muhammad jeff/geoff lucas/lukas megan/meghan thomas/tomas anthony/antony
    hanna/hannah oskar/oscar victor/viktor erika/erica matthew/mathew chris/kris noah/noa rebecca/rebekah
    camila/camilla
"""
TWO_NAMES = """
    tim/tom john/joan dawn/dan ruby/rob mario/maria jay/jo erica/eric carol/carl jack/jake tina/dina dom/tom
    maya/mary maya/mia anna/anne carla/carl paul/paula don/dan sam/sim julia/julie gary/cary maddy/matty
    marco/mark lily/lola martin/martina jean/john jane/joan jan/jen ron/ryan robert/roberta alex/alexa
    victor/victoria daniel/danielle emil/emily gene/jenny ted/todd rose/ross luke/luca nick/nico
"""


@pytest.mark.parametrize("pair", ONE_NAME.split())
def test_one_name_in_two_spellings(pair: str) -> None:
    ours, heard = pair.split("/")
    assert told(f"this is {heard}", ours) is told(f"this is {ours}", heard) is Named.OURS


@pytest.mark.parametrize("pair", TWO_NAMES.split())
def test_a_name_that_is_only_alike_is_somebody_else_s(pair: str) -> None:
    ours, heard = pair.split("/")
    assert Named.OURS not in {told(f"this is {heard}", ours), told(f"this is {ours}", heard), told(heard, ours)}


def heard(text: str) -> Heard:
    asked = Progress(asked=Question.IDENTITY)
    return hear(text, asked, VoiceScript(), NoClassifier(), first_name="Maya").kind


@pytest.mark.parametrize(
    "text",
    [
        "It's Maya, what is this about?",
        "This is Maya but I am busy.",
        "Speaking, this is Maya.",
        "No, this is Maya.",
        "Maya. What is this about?",
        "Maya, go ahead.",
        "I'm sorry, this is Maya.",
        "Yes, hello, this is Maya. Why do you call?",
    ],
)
def test_the_name_is_understood_with_more_around_it(text: str) -> None:
    assert heard(text) is Heard.NAMED


@pytest.mark.parametrize(
    "text",
    [
        "Maya? Who is this?",
        "Maya? She's out.",
        "Maya, my wife, is asleep.",
        "Maya. I'll get Maya for you.",
        "This is Maya's, um, brother.",
        "This is Mayas, um, brother.",
        "It's Maya, she can't talk.",
        "I'm her sister, it's Maya you want.",
        "You think this is Maya, no.",
        "This is Carl, not Maya.",
        "Maya, who?",
        "It's Maya?",
        "So, it's Maya?",
        "It's Maya, isn't it?",
        "It's Maya. I'm Tom.",
        "It's Maya, gone.",
        "My spouse, it's Maya.",
        "I think, it's Maya.",
        "Maya, please come.",
        "That's Maya, please hold.",
        "That's Maya. One moment.",
        "That's Maya, and I am Tom.",
        "I'm Tom, it's Maya.",
        "I'm the receptionist, it's Maya.",
        "It's Maya. No, just kidding, it's Tom.",
        "It's not me, it's Maya.",
        "Maya, can I help you instead?",
        "Maya, may I ask who's calling for Maya?",
        "Maya, please pick up.",
        "Oh, it's Maya you're after, hello.",
        "This is Maya Salon, how can I help?",
        "Maya residence, hello.",
        "Hi Maya, how can I help?",
        "This is Maya's boyfriend.",
        "Maya's assistant speaking.",
        "Maya's nanny.",
        "It's Maya’s cousin, who are you?",
        "Hi, this is Maya. Leave a message after the tone.",
        "You've reached Maya's voicemail.",
    ],
)
def test_the_name_of_somebody_who_is_spoken_of_is_not_the_speaker_s(text: str) -> None:
    assert heard(text) is not Heard.NAMED


@pytest.mark.parametrize("text", ["This is Alexis.", "Alexis Smith speaking.", "Alexis."])
def test_a_name_may_end_as_a_possessive_does(text: str) -> None:
    assert told(plain_words(text), "Alexis") is Named.OURS
