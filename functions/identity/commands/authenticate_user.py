from functions.entry import http_function
from functions.identity.adapters.rows import CLAIM, USER, EmailClaimRow, UserRow, email_partition, user_partition
from functions.identity.adapters.sessions import Sessions, TokenPair
from functions.identity.domain.accounts import Email, GivenPassword, WrongCredentials, account_of
from functions.resources import TOKENS_SIGN, TOKENS_VERIFY
from shared.cqrs.messages import Command
from shared.cqrs.policy import Limit, Per, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store
from shared.security.passwords import password_matches


class AuthenticateUser(Command[TokenPair]):
    email: Email
    password: GivenPassword


class AuthenticateUserHandler:
    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    def __call__(self, command: AuthenticateUser) -> Result[TokenPair]:
        claim = self._store.get(EmailClaimRow, email_partition(command.email), CLAIM)
        user = self._store.get(UserRow, user_partition(claim.user_id), USER) if claim else None
        known_hash = user.password_hash if user else None
        if not password_matches(command.password.get_secret_value(), known_hash) or claim is None:
            return Failure(WrongCredentials())
        return Success(self._sessions.start(claim.user_id))


def build(scope: WriteScope) -> AuthenticateUserHandler:
    return AuthenticateUserHandler(scope.store, Sessions(scope))


GUESSING = RateLimit(
    feature="log-in",
    limits=(
        # One network trying many accounts: enough for an office behind one address.
        Limit(per=Per.SOURCE, requests=300, window_seconds=60),
        # One network guessing at one account. Nobody else is kept from logging in to it.
        Limit(per=Per.SOURCE_AND_ACCOUNT, requests=20, window_seconds=300, spares_successes=True),
        # Many networks guessing at one account: at most the 100 failures that NIST SP 800-63B §5.2.2 allows, an hour.
        Limit(per=Per.ACCOUNT, requests=100, window_seconds=3600, spares_successes=True),
    ),
    account=account_of,
)

ENDPOINT = command(
    "POST",
    "/v1/sessions",
    AuthenticateUser,
    build,
    status=201,
    policy=Policy(public=True, rate_limit=GUESSING),
    summary="Log in",
    needs=FunctionNeeds(grants=(TOKENS_SIGN, TOKENS_VERIFY), memory_mb=1024),
    location=lambda _path, pair: f"/v1/sessions/{pair.session_id}",
)
lambda_handler = http_function(ENDPOINT)
