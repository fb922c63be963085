from datetime import date

import pytest

from knowledge.formats import MAX_FILE_BYTES, FileUnreadable
from knowledge.parsing import ParsedEntry, Problem, derived_key, parse_file

SHIPPING = ParsedEntry(
    key="shipping-cost",
    question="What does shipping cost?",
    answer="It costs 4.90.",
    category="Delivery",
    locale="en_US",
    effective_from=date(2026, 1, 1),
    effective_to=date(2026, 12, 31),
)
HEADER = "question,answer,category,locale,effective_from,effective_to,key\n"
ROW = "What does shipping cost?,It costs 4.90.,Delivery,en-us,2026-01-01,2026-12-31,shipping-cost\n"


def entries(text: str, name: str = "faq.csv") -> list[ParsedEntry]:
    parsed = parse_file(name, text.encode())
    assert parsed.problems == []
    return parsed.entries


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROW).encode(),
        (HEADER + ROW).encode("utf-8-sig"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        (HEADER + ROW).encode("utf-16"),
        (HEADER + ROW).replace(",", ";").encode(),
        (HEADER + ROW).replace(",", "\t").encode(),
        (HEADER + "\n,,,,,,\n" + ROW).encode(),
        (HEADER + ROW).replace("category", " Topic ").replace("effective_from", "Valid From").encode(),
        (HEADER + ROW).replace("question,answer", "Q,A").replace("effective-to", "until").encode(),
    ],
    ids=["plain", "mark", "crlf", "utf-16", "semicolon", "tab", "blank-rows", "other-names", "short-names"],
)
def test_csv_as_programs_write_it(content: bytes) -> None:
    parsed = parse_file("FAQ.CSV", content)
    assert parsed.entries == [SHIPPING]
    assert parsed.problems == []


def test_csv_in_windows_1252_keeps_its_accents() -> None:
    parsed = parse_file("faq.csv", "question,answer\nOù êtes-vous ?,À Paris\n".encode("cp1252"))
    assert [(entry.question, entry.answer) for entry in parsed.entries] == [("Où êtes-vous ?", "À Paris")]


def test_csv_cells_may_hold_commas_quotes_and_lines() -> None:
    (entry,) = entries('question,answer\n"What, exactly?","Say ""hello"",\n\n\n\nthen wait."\n')
    assert entry.question == "What, exactly?"
    assert entry.answer == 'Say "hello",\n\nthen wait.'
    assert entry.key == "what-exactly"
    assert (entry.category, entry.locale, entry.effective_from, entry.effective_to) == ("", None, None, None)


@pytest.mark.parametrize(
    ("row", "say"),
    [
        (",An answer,,,,,", "The question is empty; fill it or remove the row."),
        ("A question?,  ,,,,,", "The answer is empty; fill it or remove the row."),
        ("A?,B,,,31.01.2026,,", 'The date "31.01.2026" is not known; write it as 2026-01-31.'),
        ("A?,B,,,,2026-02-30,", 'The date "2026-02-30" is not known; write it as 2026-01-31.'),
        (
            "A?,B,,,,9999-12-31,",
            'The date "9999-12-31" is out of range; leave it empty if there is no limit.',
        ),
        (
            "A?,B,,,2026-03-02,2026-03-01,",
            "It ends (2026-03-01) before it starts (2026-03-02); swap the dates.",
        ),
        ("A?,B,,english,,,", 'The locale "english" is not known; write it as en or en_US.'),
        (
            "A?,B,,,,,two words",
            'The key "two words" may hold letters, digits and single hyphens, dots or underscores.',
        ),
        ("¿?,B,,,,,", "Give it a key: none can be made from this question's letters."),
        ("A?,B,,,,,k,more", "It has more cells than the header; put quotation marks around its texts."),
        (f"{'x' * 301},B,,,,,", "The question has 301 characters; 300 are allowed, so shorten it."),
        (f"A?,{'x' * 20_001},,,,,", "The answer has 20001 characters; 20000 are allowed, so shorten it."),
        ("A\x07?,B,,,,,", "The question holds characters that are not text; remove them."),
    ],
)
def test_a_bad_row_is_refused_with_its_number_and_the_others_count(row: str, say: str) -> None:
    parsed = parse_file("faq.csv", (HEADER + ROW + row + "\n").encode())
    assert parsed.problems == [Problem(3, say)]
    assert parsed.entries == [SHIPPING]


def test_a_day_may_start_and_end_an_entry() -> None:
    (entry,) = entries("question,answer,from,to\nA?,B,2026-03-01,2026-03-01\n")
    assert entry.effective_from == entry.effective_to == date(2026, 3, 1)


def test_a_key_counts_once_a_locale() -> None:
    parsed = parse_file("faq.csv", b"key,question,answer,lang\na,A?,1,en\na,A?,2,de\na,A?,3,en\n")
    assert [(entry.key, entry.locale, entry.answer) for entry in parsed.entries] == [
        ("a", "en", "1"),
        ("a", "de", "2"),
    ]
    assert parsed.problems == [
        Problem(4, 'The key "a" is that of row 2 too; remove one of them or give each a key of its own.')
    ]


@pytest.mark.parametrize(
    ("name", "content", "say"),
    [
        ("faq.pdf", b"x", r"Files of these kinds can be imported: \.csv, \.tsv, \.json, \.md, \.markdown"),
        ("faq.csv", b"", "The file is empty"),
        ("faq.csv", HEADER.encode(), "The file has no entries"),
        ("faq.csv", b"frage,antwort\nA?,B\n", "question and answer not found in: frage, antwort"),
        ("faq.csv", b'question,answer\nA?,"B\nC?,D\n', "Line 3: unexpected end of data.*quotation mark"),
        ("faq.csv", b"question,answer\nA?," + b"x" * 200_000 + b"\n", "Line 2: field larger than"),
        ("faq.csv", b"PK\x03\x04\0\0", "The file is not text"),
        ("faq.csv", b"\xff\xfe\x00", "The file's encoding is not known"),
        ("faq.csv", b"x" * (MAX_FILE_BYTES + 1), "The file has 20 MB; split it"),
        ("faq.json", b'[{"question": "A?"', "Line 1, column 19: Expecting ',' delimiter"),
        ("faq.json", b'{"questions": 1}', r"Expected a JSON list of objects"),
        ("faq.json", b"[" * 200_000, "The JSON is nested too deeply"),
        ("faq.json", b"[]", "The file has no entries"),
        ("faq.md", b"", "The file has no entries"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, content: bytes, say: str) -> None:
    with pytest.raises(FileUnreadable, match=say):
        parse_file(name, content)


@pytest.mark.parametrize("shape", ["[%s]", '{"entries": [%s]}', '{"faqs": [%s]}'])
def test_json_shapes(shape: str) -> None:
    item = (
        '{"Key": "shipping-cost", "question": "What does shipping cost?", "answer": "It costs 4.90.", '
        '"category": "Delivery", "locale": "en_US", "effectiveness": 3, '
        '"effective_from": "2026-01-01", "effective-to": "2026-12-31", "section": null}'
    )
    assert entries(shape % item, "faq.json") == [SHIPPING]


def test_json_items_that_are_no_entries_are_refused() -> None:
    parsed = parse_file(
        "faq.json", b'["A?", {"question": "A?", "answer": ["B"]}, {"key": 7, "q": "C?", "a": "\\ud800"}]'
    )
    assert parsed.entries == []
    assert parsed.problems == [
        Problem(1, "It is not an object with a question and an answer."),
        Problem(2, '"answer" must be text.'),
        Problem(3, "The answer holds characters that are not text; remove them."),
    ]


def test_derived_keys_fold_accents_and_punctuation() -> None:
    assert derived_key("Où êtes-vous, à Paris ?") == "ou-etes-vous-a-paris"
    assert derived_key("x" * 79 + " tail") == "x" * 79
