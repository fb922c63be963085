from datetime import date

from knowledge.parsing import ParsedEntry, Problem, parse_file


def read(text: str) -> tuple[list[ParsedEntry], list[Problem]]:
    parsed = parse_file("faq.md", text.encode())
    return parsed.entries, parsed.problems


def test_headings_make_categories_and_questions() -> None:
    entries, problems = read(
        "# Delivery\n\nAll about parcels.\n\n## What does it cost?\n\nNothing.\n\n### And express?\nTen.\n"
        "# Returns\n## How?\nBy post.\n"
    )
    assert problems == []
    assert [(entry.category, entry.question, entry.answer) for entry in entries] == [
        ("Delivery", "What does it cost?", "Nothing."),
        ("Delivery", "And express?", "Ten."),
        ("Returns", "How?", "By post."),
    ]


def test_a_second_level_without_text_above_a_third_is_a_category() -> None:
    entries, problems = read("# Shop FAQ\n## Delivery\n### Cost?\nNone.\n### Time?\nA day.\n## Where?\nHere.\n")
    assert problems == []
    assert [(entry.category, entry.question) for entry in entries] == [
        ("Delivery", "Cost?"),
        ("Delivery", "Time?"),
        ("Shop FAQ", "Where?"),
    ]


def test_a_comment_sets_key_locale_and_days() -> None:
    (entry,), problems = read(
        "## Cost?\n<!-- effective: 2026-01-01..2026-12-31 key: shipping-cost locale: de-AT -->\nNone.\n"
    )
    assert problems == []
    assert entry == ParsedEntry("shipping-cost", "Cost?", "None.", "", "de_AT", date(2026, 1, 1), date(2026, 12, 31))


def test_a_range_of_days_may_be_open() -> None:
    entries, problems = read(
        "## A?\n<!-- effective: 2026-01-01.. -->\nB\n## C? <!-- effective: ..2026-06-30 key: c -->\nD\n"
        "## E?\n<!-- just a remark -->\nF\n"
    )
    assert problems == []
    assert [(entry.key, entry.effective_from, entry.effective_to) for entry in entries] == [
        ("a", date(2026, 1, 1), None),
        ("c", None, date(2026, 6, 30)),
        ("e", None, None),
    ]


def test_a_bad_range_is_refused() -> None:
    assert read("## A?\n<!-- effective: January -->\nB\n") == (
        [],
        [Problem(1, 'The date "January" is not known; write it as 2026-01-31.')],
    )


def test_lists_tables_links_and_quotes_stay_readable() -> None:
    (entry,), problems = read(
        "## How?\n"
        "Do *this* `now`,\nsee [the page](https://shop.example/help) or <mail@shop.example>.\\\nThen:\n\n"
        "- open the order\n  and look\n- print\n\n"
        "3. pack\n4. send\n   - by post\n   - by courier\n\n"
        "| Size | Days |\n|---|---|\n| S | 1 |\n| L | |\n\n"
        "> Keep the slip.\n\n```\ncode 12\n```\n\n#### Note\n<b>Bold</b> text\n"
    )
    assert problems == []
    assert entry.answer == (
        "Do this now, see the page (https://shop.example/help) or mail@shop.example.\nThen:\n\n"
        "- open the order and look\n- print\n\n"
        "3. pack\n4. send\n  - by post\n  - by courier\n\n"
        "Size | Days\nS | 1\nL | \n\n"
        "Keep the slip.\n\ncode 12\n\nNote\n\nBold text"
    )


def test_what_stands_under_no_question_is_named_with_its_line() -> None:
    entries, problems = read("Hello\n\n# Delivery\nFree.\n\n# Returns\n## How?\n\n## Why?\nSo.\n")
    assert [entry.question for entry in entries] == ["Why?"]
    say = "This text stands under no question; write the question as a ## heading above it."
    assert problems == [
        Problem(1, say),
        Problem(3, say),
        Problem(7, "The answer is empty; fill it or remove the row."),
    ]
