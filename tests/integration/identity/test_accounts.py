import pytest

from functions.identity.authorizer import Authorizer
from functions.identity.commands import authenticate_user, refresh_session, register_user, revoke_session
from functions.identity.queries import get_session, get_user
from shared.http.entry import _read_principal
from shared.kernel.principals import Anonymous, Principal, User
from tests.support.aws import Aws
from tests.support.http import Answer, Caller

PASSWORD = "correct horse battery"


def register(aws: Aws, email: str = "ann@example.org", password: str = PASSWORD) -> Answer:
    body = {"email": email, "password": password, "name": "Ann"}
    return Caller(aws.runtime).send(register_user.ENDPOINT, "/v1/users", body)


def log_in(aws: Aws, email: str = "ann@example.org", password: str = PASSWORD) -> Answer:
    body = {"email": email, "password": password}
    return Caller(aws.runtime).send(authenticate_user.ENDPOINT, "/v1/sessions", body)


def refresh(aws: Aws, token: str) -> Answer:
    return Caller(aws.runtime).send(refresh_session.ENDPOINT, "/v1/sessions/refresh", {"refresh_token": token})


def resolve(aws: Aws, authorization: str | None) -> Principal:
    """Who the authorizer says is calling, as the functions behind it read it."""
    headers = {} if authorization is None else {"authorization": authorization}
    context = Authorizer(aws.runtime)({"headers": headers})["context"]
    return _read_principal({"requestContext": {"authorizer": {"lambda": context}}})


def bearer(answer: Answer) -> str:
    return f"Bearer {answer.json['access_token']}"


def test_a_registered_user_logs_in_and_is_recognised(aws: Aws) -> None:
    user = register(aws, email=" Ann@Example.ORG ")
    assert (user.status, user.headers["location"]) == (201, "/v1/users/me")
    session = log_in(aws, email="ANN@example.org")
    assert session.status == 201
    assert (session.json["token_type"], session.json["expires_in"]) == ("Bearer", 900)
    principal = resolve(aws, bearer(session))
    assert principal == User(user.json["user_id"], session.json["session_id"])
    caller = Caller(aws.runtime, principal)
    assert caller.send(get_user.ENDPOINT, "/v1/users/me").json == user.json
    shown = caller.send(get_session.ENDPOINT, session.headers["location"]).json
    assert (shown["active"], shown["current"]) == (True, True)


def test_an_address_is_one_account_even_in_a_race(aws: Aws) -> None:
    register(aws)
    refused = register(aws, email="ANN@example.org")
    assert (refused.status, refused.problem) == (409, "duplicate-entity")
    assert sum(item["sk"]["S"] == "USER" for item in aws.items("data")) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "tr0ub4d"),
        ("password", "aaaaaaaaaaaaaaa"),
        ("password", "x1y2z" * 60),
        ("email", "ann"),
        ("email", "ann@localhost"),
        ("email", "a\nb@example.org"),
        ("name", "   "),
    ],
)
def test_bad_fields_are_told_by_name_and_never_echoed(aws: Aws, field: str, value: str) -> None:
    body = {"email": "ann@example.org", "password": PASSWORD, "name": "Ann", field: value}
    refused = Caller(aws.runtime).send(register_user.ENDPOINT, "/v1/users", body)
    assert (refused.status, [one["pointer"] for one in refused.json["errors"]]) == (422, [f"/{field}"])
    if field == "password":
        assert value not in str(refused.json)


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(aws: Aws) -> None:
    register(aws)
    wrong, unknown = log_in(aws, password="wrong horse battery"), log_in(aws, email="bob@example.org")
    assert wrong.status == unknown.status == 401
    assert {**wrong.json, "trace_id": ""} == {**unknown.json, "trace_id": ""}


def test_no_secret_is_stored_or_logged_or_published(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    register(aws)
    session = log_in(aws).json
    logged = str([record.__dict__ for record in caplog.records])
    assert "AuthenticateUser" in logged
    kept = str([aws.items(table) for table in ("data", "outbox", "ephemeral")]) + logged
    for secret in (PASSWORD, session["access_token"], session["refresh_token"]):
        assert secret not in kept
    published = str(aws.items("outbox"))
    assert "ann@example.org" not in published
    assert "Ann" not in published


def test_credentials_that_are_no_longer_good_resolve_to_nobody_with_a_reason(aws: Aws) -> None:
    register(aws)
    session = log_in(aws)
    good = bearer(session)
    assert resolve(aws, None) == Anonymous()
    for bad in ("Basic abc", "Bearer", "Bearer a.b.c", good + "x"):
        assert isinstance(resolve(aws, bad), Anonymous)
    principal = resolve(aws, good)
    assert Caller(aws.runtime, principal).send(revoke_session.ENDPOINT, session.headers["location"]).status == 204
    assert resolve(aws, good) == Anonymous("The session is over. Log in again.")


def test_an_access_token_expires(aws: Aws) -> None:
    register(aws)
    good = bearer(log_in(aws))
    aws.clock.advance(minutes=15)
    assert resolve(aws, good) == Anonymous("The access token has expired.")


def test_a_session_is_its_users_alone(aws: Aws) -> None:
    register(aws)
    session = log_in(aws)
    stranger = Caller(aws.runtime, User(aws.ids.new(), aws.ids.new()))
    assert stranger.send(get_session.ENDPOINT, session.headers["location"]).problem == "not-found"
    assert stranger.send(revoke_session.ENDPOINT, session.headers["location"]).problem == "not-found"


def test_refresh_tokens_rotate_and_a_reused_one_ends_the_session(aws: Aws) -> None:
    register(aws)
    first = log_in(aws)
    second = refresh(aws, first.json["refresh_token"])
    assert (second.status, second.json["session_id"]) == (200, first.json["session_id"])
    assert isinstance(resolve(aws, bearer(second)), User)
    assert refresh(aws, first.json["refresh_token"]).status == 401
    assert isinstance(resolve(aws, bearer(second)), Anonymous)
    assert refresh(aws, second.json["refresh_token"]).status == 401
    assert [event.data["reason"] for event in aws.events("SessionRevoked")] == ["refresh_token_reused"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "." * 512])
def test_a_garbled_refresh_token_is_refused(aws: Aws, token: str) -> None:
    assert refresh(aws, token).status == 401
