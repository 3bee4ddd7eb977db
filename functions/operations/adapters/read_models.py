"""The read models that can be rebuilt."""

from collections.abc import Mapping
from typing import Any

import functions.billing.public as billing
import functions.conversations.public as conversations
import functions.videos.public as videos
import functions.workspaces.public as workspaces
from shared.messaging.projections import Projection


def read_models() -> Mapping[str, Projection[Any]]:
    return {
        projection.name: projection
        for context in (billing, conversations, videos, workspaces)
        for projection in context.PROJECTIONS
    }
