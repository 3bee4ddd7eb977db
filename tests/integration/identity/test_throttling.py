"""How often the routes that anybody may call can be called."""

from functions.identity.commands import authenticate_user, register_user
from shared.http.endpoint import Endpoint
from tests.support.aws import Aws
from tests.support.http import Answer, Caller


def send(aws: Aws, endpoint: Endpoint, body: object) -> Answer:
    return Caller(aws.runtime).send(endpoint, endpoint.path, body)


def guess(aws: Aws, email: str = "ann@example.org") -> Answer:
    # Too long for a password, so that no time goes into comparing hashes.
    return send(aws, authenticate_user.ENDPOINT, {"email": email, "password": "x" * 2000})


def test_guessing_at_an_account_is_refused_with_the_time_to_wait(aws: Aws) -> None:
    answers = [guess(aws) for _ in range(20)]
    assert {answer.status for answer in answers} == {422}
    refused = guess(aws, " ANN@example.org")
    assert (refused.status, refused.problem) == (429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 600
    assert guess(aws, "bob@example.org").status == 422
    aws.clock.advance(seconds=int(refused.headers["retry-after"]))
    assert guess(aws).status == 422


def test_one_network_tries_only_so_many_accounts(aws: Aws) -> None:
    statuses = [guess(aws, f"user{number}@example.org").status for number in range(310)]
    assert (statuses.count(422), statuses.count(429)) == (300, 10)
    assert send(aws, register_user.ENDPOINT, {}).status == 422, "another feature"


def test_registration_is_throttled_and_keeps_no_address(aws: Aws) -> None:
    statuses = [send(aws, register_user.ENDPOINT, {"email": "ann@example.org"}).status for _ in range(301)]
    assert (statuses.count(422), statuses[-1]) == (300, 429)
    guess(aws)
    kept = str(aws.items("ephemeral"))
    assert "192.0.2.1" not in kept
    assert "example.org" not in kept
