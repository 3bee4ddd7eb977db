"""Who isn't let in, and what isn't there."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from infra.local.client import ApiClient
from shared.security.tokens import Claims, TokenKey
from tests.e2e.customers import Customer
from tests.e2e.stacks import LocalStack
from tests.support.clock import FakeClock

NOWHERE = "01890000-0000-7000-8000-000000000000"


def _announced(customer: Customer) -> str:
    body = {"file_name": "a.mp4", "content_type": "video/mp4", "size_bytes": 1_000}
    video_id: str = customer.api.post(f"{customer.workspace}/videos", body)["video"]["video_id"]
    return video_id


def _requests(workspace_id: str, video_id: str) -> list[tuple[str, str, object]]:
    workspace = f"/v1/workspaces/{workspace_id}"
    video, conversation = f"{workspace}/videos/{video_id}", f"{workspace}/conversations/{NOWHERE}"
    return [
        ("GET", workspace, None),
        ("GET", f"{workspace}/credits", None),
        ("GET", f"{workspace}/ledger", None),
        ("POST", f"{workspace}/videos", {"file_name": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}),
        ("GET", video, None),
        ("GET", f"{video}/analyses", None),
        ("POST", f"{video}/analyses", {}),
        ("POST", f"{video}/analyses/estimate", {}),
        ("GET", f"{video}/analyses/{NOWHERE}", None),
        ("GET", f"{video}/timeline", None),
        ("GET", f"{video}/transcript", None),
        ("GET", f"{video}/moments?q=bird", None),
        ("POST", f"{workspace}/conversations", {"video_ids": [video_id]}),
        ("GET", conversation, None),
        ("POST", f"{conversation}/questions", {"question": "Why?"}),
        ("GET", f"{workspace}/projects", None),
        ("POST", f"{workspace}/projects", {"name": "Mine"}),
        ("GET", f"{workspace}/projects/{NOWHERE}", None),
        ("POST", f"{workspace}/conversations", {"project_id": NOWHERE}),
    ]


def test_another_workspace_looks_like_one_that_never_was(customer: Customer, stranger: Customer) -> None:
    video_id = _announced(customer)
    differing: list[str] = []
    for (method, path, body), (_, absent, _) in zip(
        _requests(customer.workspace_id, video_id), _requests(NOWHERE, NOWHERE), strict=True
    ):
        foreign = stranger.api.send(method, path, body, key=secrets.token_hex(8))
        missing = stranger.api.send(method, absent, body, key=secrets.token_hex(8))
        told = [
            (answer.status_code, {**answer.json(), "instance": "", "trace_id": ""}) for answer in (foreign, missing)
        ]
        if told[0] != told[1] or told[0][0] != 404:
            differing.append(f"{method} {path}: {told}")
    assert differing == []


def test_a_video_of_another_workspace_is_not_found_in_ones_own(customer: Customer, stranger: Customer) -> None:
    video_id = _announced(customer)
    for method, path, body in _requests(stranger.workspace_id, video_id):
        if video_id in path or (isinstance(body, dict) and "video_ids" in body):
            answer = stranger.api.send(method, path, body, key=secrets.token_hex(8))
            assert answer.status_code == 404, f"{method} {path}: {answer.text}"


def _expired(customer: Customer, stack: LocalStack) -> str:
    """A token that the stage's own key signed for this very session, an hour ago."""
    environment = stack.client("lambda").get_function_configuration(
        FunctionName="visionscope-local-identity-authenticate-user"
    )["Environment"]["Variables"]
    user_id = customer.api.get("/v1/users/me")["user_id"]
    key = TokenKey(stack.client("kms"), environment["TOKEN_KEY_ID"], FakeClock(datetime.now(UTC) - timedelta(hours=1)))
    return key.issue(Claims(user_id, customer.session["session_id"]))


def test_a_token_that_is_no_longer_good_is_answered_with_a_challenge(
    customer: Customer, local_stack: LocalStack
) -> None:
    good = customer.session["access_token"]
    head, body, signature = good.split(".")
    refused = {
        "nothing": None,
        "no token": "Bearer x",
        "another scheme": f"Basic {good}",
        "forged": f"Bearer {head}.{body}.{signature[::-1]}",
        "unsigned": f"Bearer {head}.{body}.",
        "expired": f"Bearer {_expired(customer, local_stack)}",
    }
    with ApiClient(local_stack.outputs["api_url"]) as api:
        for what, authorization in refused.items():
            headers = {"authorization": authorization} if authorization else {}
            answer = api.send("GET", customer.workspace, headers=headers)
            assert answer.status_code == 401, what
            assert answer.headers["www-authenticate"].startswith("Bearer"), what
            assert answer.headers["content-type"] == "application/problem+json", what
            assert answer.json()["type"] == "/problems/unauthenticated", what
        # Before anything is read, so an anonymous caller learns nothing of a body's mistakes.
        assert api.send("POST", "/v1/workspaces", {"nonsense": 1}).status_code == 401
    assert customer.api.send("GET", customer.workspace).status_code == 200


def test_a_revoked_session_is_over_at_once(customer: Customer) -> None:
    assert customer.api.send("DELETE", f"/v1/sessions/{customer.session['session_id']}").status_code == 204
    answer = customer.api.send("GET", customer.workspace)
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
    refreshed = customer.api.send("POST", "/v1/sessions/refresh", {"refresh_token": customer.session["refresh_token"]})
    assert refreshed.status_code == 401


def test_a_workspace_that_asks_too_often_waits_and_no_other_does(customer: Customer, stranger: Customer) -> None:
    def ask(someone: Customer) -> httpx.Response:
        path = f"{someone.video_path(NOWHERE)}/analyses"
        return someone.api.send("POST", path, {}, key=secrets.token_hex(8))

    # Sixty a minute are let through. More at a time than one by one, so that a minute is enough on a busy machine.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [customer] * 90))
    assert {answer.status_code for answer in answers} == {404, 429}
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.json()["type"] == "/problems/rate-limited"
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert ask(stranger).status_code == 404
    assert customer.api.send("GET", customer.workspace).status_code == 200
    assert customer.api.send("POST", f"{customer.workspace}/projects", {"name": "Others"}).status_code == 201


def test_what_no_endpoint_serves_is_a_problem_too(customer: Customer) -> None:
    unknown = customer.api.send("GET", "/v1/no-such-thing")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    wrong = customer.api.send("PUT", customer.workspace, {})
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
    assert "GET" in wrong.headers["allow"]
    ledger = customer.api.send("DELETE", f"{customer.workspace}/ledger")
    assert ledger.status_code == 405


def test_an_api_key_is_good_for_its_scopes_until_it_is_revoked(customer: Customer, local_stack: LocalStack) -> None:
    keys = f"{customer.workspace}/api-keys"
    key = customer.api.post(keys, {"name": "CI", "scopes": ["workspace:read"]})
    sent = {"x-api-key": key["secret"]}
    with ApiClient(local_stack.outputs["api_url"]) as software:
        assert software.send("GET", customer.workspace, headers=sent).status_code == 200
        assert software.send("GET", f"{customer.workspace}/credits", headers=sent).status_code == 403
        assert software.send("GET", f"/v1/workspaces/{NOWHERE}", headers=sent).status_code == 404
        assert customer.api.send("DELETE", f"{keys}/{key['api_key_id']}").status_code == 204
        refused = software.send("GET", customer.workspace, headers=sent)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    trail = customer.api.get(f"{customer.workspace}/audit?action=RevokeApiKey")
    assert [entry["state"] for entry in trail["items"]] == ["succeeded", "attempted"]
    usage = [customer.api.get(f"{customer.workspace}/usage") for _ in range(2)]
    assert usage[0] == usage[1], "the report is made once"
