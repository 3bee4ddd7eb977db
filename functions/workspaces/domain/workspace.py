from typing import Annotated

from pydantic import StringConstraints

from shared.kernel.errors import DuplicateEntity

MAX_FREE_WORKSPACES = 3
"""How many workspaces of the Free tier one user may own."""

WorkspaceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class TooManyFreeWorkspaces(DuplicateEntity):
    def __init__(self) -> None:
        super().__init__(
            f"A user may own {MAX_FREE_WORKSPACES} free workspaces. Change the tier of one, or delete one."
        )
