from typing import Annotated

from pydantic import StringConstraints

from functions.entry import http_function
from functions.identity.adapters.sessions import Sessions, TokenPair
from functions.identity.domain.accounts import SessionOver
from functions.resources import TOKENS_SIGN, TOKENS_VERIFY
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy
from shared.http.endpoint import command
from shared.kernel.result import Result
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope, WriteScope


class RefreshSession(Command[TokenPair | None]):
    """Trade a refresh token for a new pair. A token that was traded before ends the session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class RefreshSessionHandler:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def __call__(self, command: RefreshSession) -> Result[TokenPair | None]:
        return self._sessions.refresh(command.refresh_token)


def build(scope: WriteScope) -> RefreshSessionHandler:
    return RefreshSessionHandler(Sessions(scope))


def present(_scope: ReadScope, pair: TokenPair | None) -> TokenPair:
    """A reused token had an effect, the revocation, and yet is refused."""
    if pair is None:
        raise SessionOver
    return pair


ENDPOINT = command(
    "POST",
    "/v1/sessions/refresh",
    RefreshSession,
    build,
    status=200,
    policy=Policy(public=True),
    summary="New tokens for a session",
    needs=FunctionNeeds(grants=(TOKENS_SIGN, TOKENS_VERIFY)),
    present=present,
)
lambda_handler = http_function(ENDPOINT)
