"""Sentences are cut where they end, and nothing of the text is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.claims.sentences import SentenceBuffer, split

TABLE = [
    ("It is gone.We match any price now.", ["It is gone.", "We match any price now."]),
    ("Es gibt Rabatt.- The shopper waits.", ["Es gibt Rabatt.", "- The shopper waits."]),
    ("It costs $5.99.Free from $50.00 up.", ["It costs $5.99.", "Free from $50.00 up."]),
    ("You get 10%!Only today.", ["You get 10%!", "Only today."]),
    ("See www.Shop.com/Path for the U.S.Army knife v1.2.3.", ["See www.Shop.com/Path for the U.S.Army knife v1.2.3."]),
    ("It is not permittedI have changed it.", ["It is not permitted", "I have changed it."]),
    ("Pay with PayPal, WeWork or YouTube The best.", ["Pay with PayPal, WeWork or YouTube The best."]),
    ("Un regalo de descuento.10% off is applied.", ["Un regalo de descuento.", "10% off is applied."]),
    ("It is max.5 an order, v2.10, approx.3 days.", ["It is max.5 an order, v2.10, approx.3 days."]),
    ("Hello! How are you?", ["Hello! ", "How are you?"]),
    ("It costs $5.99. Shipping is free.", ["It costs $5.99. ", "Shipping is free."]),
    ("Try Blend No. 7 today. It is good.", ["Try Blend No. 7 today. ", "It is good."]),
    ("No. That is not possible.", ["No. ", "That is not possible."]),
    ("Use it for filter, e.g. V60. Enjoy.", ["Use it for filter, e.g. V60. ", "Enjoy."]),
    ("Order by 5 p.m. today. Thanks.", ["Order by 5 p.m. today. ", "Thanks."]),
    ("Order by 5 p.m. We ship at once.", ["Order by 5 p.m. ", "We ship at once."]),
    ("It ends on Nov. 25. Bye.", ["It ends on Nov. 25. ", "Bye."]),
    ("1. Ethiopia is floral. 2. Brazil is nutty.", ["1. Ethiopia is floral. ", "2. Brazil is nutty."]),
    ("In your cart:\n- Ethiopia, $18\n- Mug, $24\n\nAnything else?",
     ["In your cart:\n", "- Ethiopia, $18\n", "- Mug, $24\n\n", "Anything else?"]),
    ("Your total is\n$73.96 today.", ["Your total is\n$73.96 today."]),
    ("We moved you up.\n7.5% off is applied.", ["We moved you up.\n", "7.5% off is applied."]),
    ("It is like nobody else's!!!\nDo you like it?", ["It is like nobody else's!!!\n", "Do you like it?"]),
    ("It is somebody else's. Do you like it?", ["It is somebody else's. ", "Do you like it?"]),
    ("It is like nobody else's!!!Do you like it?", ["It is like nobody else's!!!", "Do you like it?"]),
    ("Nothing for you :)Do you like it?", ["Nothing for you :)", "Do you like it?"]),
    ("Nothing for you 😊 We accept it.", ["Nothing for you 😊 ", "We accept it."]),
    ("YOU GET IT TWICEI sent it.", ["YOU GET IT TWICE", "I sent it."]),
    ("Try Blend No.\n7 today.", ["Try Blend No.\n7 today."]),
    ('She said "Yes." Then she paid.', ['She said "Yes." ', "Then she paid."]),
    ("Let me see... here it is.", ["Let me see... here it is."]),
    ("Wait... Here it is.", ["Wait... ", "Here it is."]),
    ("  Hi.  ", ["  Hi.  "]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_cut(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_finished_sentence_leaves_as_soon_as_the_next_begins() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("That is $5.") == []
    assert buffer.feed("99. ") == []
    assert buffer.feed("A") == ["That is $5.99. "]
    assert buffer.flush() == ["A"]
    assert buffer.flush() == []


texts = st.lists(
    st.sampled_from(
        ["Hi", "it", " ", ". ", "! ", "?", "\n", "\n\n", "- ", "$5.99", "No. ", "7", "e.g. ", "p.m. ", "…", "“", '"',
         "A", "1. ", "*"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(text=texts | st.text(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=12))
def test_any_chunking_gives_the_same_sentences_and_the_same_text(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut <= len(text))})
    buffer = SentenceBuffer()
    sentences = [
        sentence
        for start, end in zip(edges, edges[1:], strict=False)  # noqa: RUF007  (an empty text has one edge)
        for sentence in buffer.feed(text[start:end])
    ]
    sentences += buffer.flush()
    assert "".join(sentences) == text
    assert sentences == split(text)
