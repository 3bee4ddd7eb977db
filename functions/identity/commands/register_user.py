from functions.entry import http_function
from functions.identity.adapters.rows import CLAIM, USER, EmailClaimRow, UserRow, email_partition, user_partition
from functions.identity.domain.accounts import Email, EmailTaken, NewPassword, PersonName
from functions.identity.events import UserRegistered
from functions.identity.queries.get_user import UserView
from shared.cqrs.messages import Command
from shared.cqrs.policy import Limit, Per, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope
from shared.security.passwords import hash_password


class RegisterUser(Command[UserView]):
    email: Email
    password: NewPassword
    name: PersonName


class RegisterUserHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: RegisterUser) -> Result[UserView]:
        uow = self._scope.uow
        user_id = self._scope.runtime.ids.new()
        registered_at = rfc3339(self._scope.runtime.clock.now())
        uow.insert(EmailClaimRow(pk=email_partition(command.email), sk=CLAIM, user_id=user_id), otherwise=EmailTaken())
        uow.insert(
            UserRow(
                pk=user_partition(user_id),
                sk=USER,
                email=command.email,
                name=command.name,
                password_hash=hash_password(command.password.get_secret_value()),
                registered_at=registered_at,
                version=1,
            )
        )
        uow.record(UserRegistered(user_id=user_id), user_id, version=1)
        return Success(UserView(user_id=user_id, email=command.email, name=command.name, registered_at=registered_at))


def build(scope: WriteScope) -> RegisterUserHandler:
    return RegisterUserHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/users",
    RegisterUser,
    build,
    status=201,
    # Each account gets credits, and each registration costs a password hash and tells whether an address is known.
    policy=Policy(
        public=True,
        rate_limit=RateLimit(feature="registration", limits=(Limit(per=Per.SOURCE, requests=300, window_seconds=60),)),
    ),
    summary="Register",
    # Argon2id takes 64 MiB and four lanes; a larger function has the processor for it.
    needs=FunctionNeeds(memory_mb=1024),
    location=lambda _path, _user: "/v1/users/me",
)
lambda_handler = http_function(ENDPOINT)
