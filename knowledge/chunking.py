"""Splits long answers into parts that the embedding model can see whole. Pure."""

import re
from collections.abc import Callable, Iterator

PART_TOKENS = 180
TEXT_TOKENS = 250
LEAST_PART_TOKENS = 60

_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCES = re.compile(r"(?<=[.!?…。])\s+|\n")


def chunk_texts(question: str, answer: str, count_tokens: Callable[[str], int]) -> list[str]:
    """The texts to embed for an entry: the question with each part of its answer (platform.md: recall needs both)."""
    budget = min(PART_TOKENS, max(LEAST_PART_TOKENS, TEXT_TOKENS - count_tokens(question)))
    return [f"{question}\n{part}" for part in split_answer(answer, budget, count_tokens)]


def split_answer(answer: str, budget: int, count_tokens: Callable[[str], int]) -> list[str]:
    """Split at paragraphs, else sentences, else words, into parts of at most `budget` tokens.

    Neighbours are joined while they fit. No word is lost; a single word over the budget stays whole.
    """
    parts: list[str] = []
    for separator, piece in _pieces(answer, budget, count_tokens):
        joined = f"{parts[-1]}{separator}{piece}" if parts else piece
        if parts and count_tokens(joined) <= budget:
            parts[-1] = joined
        else:
            parts.append(piece)
    return parts


def _pieces(answer: str, budget: int, count_tokens: Callable[[str], int]) -> Iterator[tuple[str, str]]:
    """Pieces with what parts them from the piece before."""
    for paragraph in filter(str.strip, _PARAGRAPHS.split(answer)):
        if count_tokens(paragraph) <= budget:
            yield "\n\n", paragraph.strip()
            continue
        separator = "\n\n"
        for sentence in filter(None, map(str.strip, _SENTENCES.split(paragraph))):
            fits = count_tokens(sentence) <= budget
            for piece in [sentence] if fits else sentence.split():
                yield separator, piece
                separator = " "
