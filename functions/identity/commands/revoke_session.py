from functions.entry import http_function
from functions.identity.adapters.sessions import Sessions, is_active, read_session
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy
from shared.http.endpoint import command
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class RevokeSession(Command[None]):
    """End one of the caller's own sessions; its access tokens are refused from the next request on."""

    session_id: Uuid


class RevokeSessionHandler:
    def __init__(self, scope: WriteScope, sessions: Sessions) -> None:
        self._scope = scope
        self._sessions = sessions

    def __call__(self, command: RevokeSession) -> Result[None]:
        caller = self._scope.context.principal
        if not isinstance(caller, User):
            return Failure(NotFound())
        session = read_session(self._scope.store, caller.user_id, command.session_id)
        if not is_active(session, self._scope.runtime.clock):
            return Failure(NotFound())
        self._sessions.revoke(caller.user_id, command.session_id, "revoked_by_user")
        return Success(None)


def build(scope: WriteScope) -> RevokeSessionHandler:
    return RevokeSessionHandler(scope, Sessions(scope))


ENDPOINT = command(
    "DELETE",
    "/v1/sessions/{session_id}",
    RevokeSession,
    build,
    status=204,
    policy=Policy(audit="RevokeSession"),
    summary="End a session",
)
lambda_handler = http_function(ENDPOINT)
