"""Card data is removed in every spelling; what only looks like it stays."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.redaction.rules import CARD_MARK, CODE_MARK, is_card_number, redact, redact_turns

CARD = CARD_MARK
CODE = CODE_MARK

# Test numbers that the card schemes publish.
PUBLISHED = [
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "3566002020360505",
    "6200000000000005",
    "6759649826438453",
    "2200000000000004",
]

LABELLED = [
    ("4111 1111 1111 1111４１１１１１１１１１１１１１１１", CARD),
    ("41111111111111115500005555555559", CARD),
    ("４７８７３７２７６０１０７３７９95 customers", f"{CARD} customers"),
    ("104787372760107379", CARD),
    ("4598 7369 4093 820110 %", f"{CARD} %"),
    ("it's 4111-1111-1111-11112 pieces", f"it's {CARD} pieces"),
    ("order 104111 1111 1111 1111", f"order {CARD}"),
    ("Amex 3782 822463 100052", f"Amex {CARD}"),
    ("my card is 4111 1111 1111 1111, thanks", f"my card is {CARD}, thanks"),
    ("4111-1111-1111-1111", CARD),
    ("4111.1111.1111.1111.", f"{CARD}."),
    ("4111\n1111\n1111\n1111", CARD),
    ("4111_1111_1111_1111", CARD),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", CARD),
    ("Amex 3782 822463 10005 please", f"Amex {CARD} please"),
    ("４１１１ １１１１ １１１１ １１１１", CARD),
    ("٤١١١١١١١١١١١١١١١", CARD),
    ("4111\u200b1111\u200b1111\u200b1111", CARD),
    ("⁴¹¹¹ ¹¹¹¹ ¹¹¹¹ ¹¹¹¹", CARD),
    ("four one one one one one one one one one one one one one one one", CARD),
    ("it's four triple one, double one double one, 1111 and then 1111", f"it's {CARD}"),
    ("forty-one eleven eleven eleven eleven eleven eleven eleven", CARD),
    ("five five double five, five five double five, five five double five, double four double four", CARD),
    ("three seven eight two eight two two four six three one oh oh oh five", CARD),
    ("three seven eight two eight two two four six three one double oh oh five", CARD),
    ("3782 822463 1 oh oh oh 5", CARD),
    ("4111 1111 let me see 1111 yeah 1111", CARD),
    ("four oh one two, triple eight eight, 8888 1881", CARD),
    ("4111 1111 1111 1111 exp 12/27 cvv 123", f"{CARD} exp 12/27 cvv {CODE}"),
    ("4111 1111 1111 1111 12/27 123", f"{CARD} 12/27 {CODE}"),
    ("cards 4111111111111111 and 5555555555554444", f"cards {CARD} and {CARD}"),
    ("https://shop.example/pay?pan=4111111111111111", f"https://shop.example/pay?pan={CARD}"),
    ("4111 1111 1111 and the last four digits are 1111", f"{CARD}"),
    ("first four one one one, then 1111 1111 and finally 1111", f"first {CARD}"),
    ("<b>4111</b> <b>1111</b> <b>1111</b> <b>1111</b>", f"<b>{CARD}</b>"),
    ("cvv 123", f"cvv {CODE}"),
    ("CVC: 1234", f"CVC: {CODE}"),
    ("security code is one two three", f"security code is {CODE}"),
    ("my security code's double two seven", f"my security code's {CODE}"),
    ("the three digits on the back are 737", f"the three digits on the back are {CODE}"),
    ("737 is the security code", f"{CODE} is the security code"),
    ("cvv is 1 2 3.", f"cvv is {CODE}."),
    ("cvv123", f"cvv{CODE}"),
    ("4111111111111111cvv 123", f"{CARD}cvv {CODE}"),
    ("4111 1111 1111 1111cvc2:123", f"{CARD}cvc2:{CODE}"),
    ("4111111111111111 1227 123", f"{CARD} 1227 {CODE}"),
    ("4111 (visa) 1111 1111 1111", CARD),
    ("4111&nbsp;1111&nbsp;1111&nbsp;1111", CARD),
    ("cuatro uno uno uno uno uno uno uno uno uno uno uno uno uno uno uno", CARD),
    ("vier eins eins eins eins eins eins eins eins eins eins eins eins eins eins eins", CARD),
    ("quatre un un un un un un un un un un un un un un un", CARD),
]

HARMLESS = [
    "Order 4111 1111 1111 1112 never came",  # check digit is wrong
    "order number 1042",
    "my order is #100000000000008",  # no issuer begins with 1
    "call me at +1 (415) 555-0132",
    "call 415-555-0132 or 628-555-0199",
    "UPS 1Z999AA10123456784",
    "USPS 9400111899223817576194",
    "$41.11 $11.11 $11.11 $11.11",
    "I paid $73.96 for 3 bags on 2026-11-25",
    "IBAN DE89 3704 0044 0532 0130 00",
    "4242 are the last four digits",
    "123",
    "I want 250 g of the No. 7",
    "my postcode is 1234",
    "verification code 123456",
    "do you need my security code?",
    "security code? I have 3 items in my cart",
    "one two three testing",
    "un deux trois",
    "my curriculum123 and cvvs 1234567",
    "buy two for one",
    "the last four are broken, I want 4111 instead",
    "",
]


@pytest.mark.parametrize(("text", "expected"), LABELLED)
def test_card_data_is_masked(text: str, expected: str) -> None:
    redacted = redact(text)
    assert (redacted.text, redacted.found) == (expected, True)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_card_data_stays(text: str) -> None:
    redacted = redact(text)
    assert (redacted.text, redacted.found) == (text, False)


@pytest.mark.parametrize("pan", PUBLISHED)
def test_numbers_that_the_schemes_publish_are_card_numbers(pan: str) -> None:
    assert is_card_number(pan)
    assert redact(f"use {pan} now").text == f"use {CARD} now"


SPLITS = [
    (["my card is 4111 1111"], "1111 1111", [f"my card is {CARD}"], CARD),
    (["4111", "1111", "1111"], "1111", [CARD, CARD, CARD], CARD),
    (["it's 4111 1111", "hold on"], "the rest is 1111 1111", [f"it's {CARD}", "hold on"], f"the rest is {CARD}"),
    (["4111", "1111 1111"], "the last four are 1111", [CARD, CARD], f"the last four are {CARD}"),
    (["part one: 4111 1111"], "part two: 1111 1111", [f"part one: {CARD}"], f"part two: {CARD}"),
    (["4111 1111", "well, " * 40], "1111 1111", [CARD, "well, " * 40], CARD),
    (["four one one one"], "1111 1111 1111", [CARD], CARD),
    (["my cvv is"], "123", ["my cvv is"], CODE),
    ([f"here: {CARD}"], "12/27 123", [f"here: {CARD}"], f"12/27 {CODE}"),
    (["4111 1111 1111 1111"], "and it's 123", [CARD], f"and it's {CODE}"),
]


@pytest.mark.parametrize(("previous", "text", "expected_previous", "expected"), SPLITS)
def test_what_is_split_over_turns_is_masked_in_each(
    previous: list[str], text: str, expected_previous: list[str], expected: str
) -> None:
    redacted = redact_turns(previous, text)
    assert (list(redacted.previous), redacted.text) == (expected_previous, expected)


def test_turns_that_do_not_make_a_card_number_stay() -> None:
    redacted = redact_turns(["my order is 4111 1111", "123"], "call 555 0132")
    assert redacted == redact_turns(["my order is 4111 1111", "123"], redacted.text)
    assert not redacted.found
    assert redacted.previous == ("my order is 4111 1111", "123")


def _check_digit(body: str) -> str:
    """Luhn by its published description: double every second digit from the right, add the digits of the products."""
    digits = [int(char) for char in reversed(body)]
    total = sum(sum(map(int, str(value * 2))) if place % 2 == 0 else value for place, value in enumerate(digits))
    return str(-total % 10)


ISSUERS = [
    ("4", 13), ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15),
    ("300", 14), ("36", 14), ("38", 14), ("3528", 16), ("3589", 16), ("6011", 16), ("644", 16), ("65", 19),
    ("62", 16), ("62", 19), ("5018", 13), ("6759", 19), ("2204", 16),
]  # fmt: skip
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SEPARATORS = ["", " ", "-", ".", "\n", " - ", ", ", "\u00a0", "\u200b", "/", "…", " and then ", "_", " (", ")\t"]


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefix, length = draw(st.sampled_from(ISSUERS))
    size = length - 1 - len(prefix)
    body = prefix + draw(st.text("0123456789", min_size=size, max_size=size))
    return body + _check_digit(body)


def _plain_digits(text: str) -> str:
    """Every digit of the text, spoken ones too, in order: what a thief would read."""
    words = re.sub("|".join(WORDS), lambda match: str(WORDS.index(match.group())), text.replace(CARD, "|"))
    return "".join(str(unicodedata.digit(c)) if unicodedata.digit(c, -1) >= 0 else "" for c in words)


def _assert_gone(pan: str, text: str) -> None:
    left = _plain_digits(text)
    assert not any(pan[i : i + 7] in left for i in range(len(pan) - 6))


@given(pan=card_numbers(), data=st.data())
def test_no_seven_digits_of_a_card_number_survive_any_separators(pan: str, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.sampled_from(SEPARATORS), min_size=len(pan) - 1, max_size=len(pan) - 1))
    zero = ord(data.draw(st.sampled_from("0０٠०")))
    shown = "".join(chr(zero + int(digit)) + gap for digit, gap in zip(pan, [*gaps, ""], strict=True))
    redacted = redact(f"Here you go: {shown} thank you")
    assert redacted.found
    _assert_gone(pan, redacted.text)


@given(pan=card_numbers(), spoken=st.lists(st.booleans(), min_size=19, max_size=19))
def test_no_seven_digits_survive_when_some_are_spoken(pan: str, spoken: list[bool]) -> None:
    shown = " ".join(WORDS[int(digit)] if said else digit for digit, said in zip(pan, spoken, strict=False))
    redacted = redact(f"Sure, {shown}. Thanks")
    assert redacted.found
    _assert_gone(pan, redacted.text)


@given(pan=card_numbers(), cuts=st.lists(st.integers(1, 12), max_size=4))
def test_no_seven_digits_survive_any_split_over_turns(pan: str, cuts: list[int]) -> None:
    edges = sorted({0, *cuts, len(pan)})
    turns = [pan[start:end] for start, end in pairwise(edges)]
    redacted = redact_turns([f"part: {turn}" for turn in turns[:-1]], turns[-1])
    assert redacted.found
    _assert_gone(pan, "".join([*redacted.previous, redacted.text]))


@given(text=st.text(alphabet="abc xyz.,!?\n", max_size=80))
def test_text_without_digits_is_untouched(text: str) -> None:
    assert redact(text).text == text


@given(pan=card_numbers(), place=st.integers(0, 12), by=st.integers(1, 9))
def test_one_wrong_digit_is_not_a_card_number(pan: str, place: int, by: int) -> None:
    wrong = pan[:place] + str((int(pan[place]) + by) % 10) + pan[place + 1 :]
    assert not is_card_number(wrong)
