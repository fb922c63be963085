from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunking import chunk_texts, split_answer
from knowledge.embedding import MAX_TOKENS, get_embedder
from knowledge.parsing import MAX_QUESTION_CHARS

words = st.sampled_from(["tea", "coffee.", "Why?", "now!", "beans"])
answers = st.lists(st.lists(words, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=8).flatmap(
    lambda parts: st.sampled_from(["\n\n", "\n", " "]).map(lambda glue: glue.join(parts))
)


def count_words(text: str) -> int:
    return len(text.split())


@given(answer=answers, budget=st.integers(1, 30))
def test_no_word_is_lost_and_no_part_is_over_the_budget(answer: str, budget: int) -> None:
    parts = split_answer(answer, budget, count_words)
    assert " ".join(parts).split() == answer.split()
    assert all(1 <= len(part.split()) <= budget for part in parts)


def test_paragraphs_are_kept_together_then_sentences_then_words() -> None:
    answer = (
        "One two.\n\nThree four five.\n\nSix. Seven eight nine ten. Eleven twelve thirteen fourteen fifteen sixteen"
    )
    assert split_answer(answer, 5, count_words) == [
        "One two.\n\nThree four five.",
        "Six. Seven eight nine ten.",
        "Eleven twelve thirteen fourteen fifteen",
        "sixteen",
    ]


def test_a_chunk_carries_its_question_and_fits_the_model() -> None:
    count = get_embedder().count_tokens
    question = "How do I care for " + "leather " * 30 + "boots?"
    assert len(question) <= MAX_QUESTION_CHARS
    answer = "\n\n".join(
        f"Step {number}: brush the boots and let them dry at room temperature." for number in range(60)
    )
    texts = chunk_texts(question, answer, count)
    assert len(texts) > 3
    assert all(text.startswith(question + "\n") for text in texts)
    assert all(count(text) <= MAX_TOKENS for text in texts)
    assert " ".join(text.removeprefix(question + "\n") for text in texts).split() == answer.split()


def test_a_short_answer_is_one_chunk() -> None:
    assert chunk_texts("Cost?", "None.", get_embedder().count_tokens) == ["Cost?\nNone."]
