from functions.entry import http_function
from functions.identity.adapters.sessions import is_active, read_session
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope


class SessionView(View):
    session_id: str
    started_at: str
    active: bool
    current: bool


class GetSession(Query[SessionView]):
    """One of the caller's own sessions."""

    session_id: Uuid


class GetSessionHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetSession) -> Result[SessionView]:
        caller = self._scope.context.principal
        if not isinstance(caller, User):
            return Failure(NotFound())
        session = read_session(self._scope.store, caller.user_id, query.session_id)
        if session is None:
            return Failure(NotFound())
        return Success(
            SessionView(
                session_id=query.session_id,
                started_at=session.started_at,
                active=is_active(session, self._scope.runtime.clock),
                current=query.session_id == caller.session_id,
            )
        )


def build(scope: ReadScope) -> GetSessionHandler:
    return GetSessionHandler(scope)


ENDPOINT = query(
    "/v1/sessions/{session_id}", GetSession, build, policy=Policy(), summary="One of the caller's sessions"
)
lambda_handler = http_function(ENDPOINT)
