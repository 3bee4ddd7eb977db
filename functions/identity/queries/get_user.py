from functions.entry import http_function
from functions.identity.adapters.rows import USER, UserRow, user_partition
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope


class UserView(View):
    user_id: str
    email: str
    name: str
    registered_at: str


class GetUser(Query[UserView]):
    """The caller's own profile."""


class GetUserHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetUser) -> Result[UserView]:
        caller = self._scope.context.principal
        if not isinstance(caller, User):
            return Failure(NotFound())
        row = self._scope.store.get(UserRow, user_partition(caller.user_id), USER)
        if row is None:
            return Failure(NotFound())
        return Success(
            UserView(user_id=caller.user_id, email=row.email, name=row.name, registered_at=row.registered_at)
        )


def build(scope: ReadScope) -> GetUserHandler:
    return GetUserHandler(scope)


ENDPOINT = query("/v1/users/me", GetUser, build, policy=Policy(), summary="The caller's profile")
lambda_handler = http_function(ENDPOINT)
