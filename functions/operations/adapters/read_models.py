"""The read models that can be rebuilt."""

from collections.abc import Mapping
from typing import Any

import functions.billing.public as billing
import functions.conversations.public as conversations
import functions.videos.public as videos
import functions.workspaces.public as workspaces
from functions.videos.public.moments import MomentIndexProjection
from shared.messaging.projections import Projection
from shared.persistence.scope import Runtime


def read_models(runtime: Runtime) -> Mapping[str, Projection[Any]]:
    found: list[Projection[Any]] = [
        projection for context in (billing, conversations, videos, workspaces) for projection in context.PROJECTIONS
    ]
    return {projection.name: projection for projection in (*found, MomentIndexProjection(runtime))}
