"""What a person gets to read when the API refuses something."""

import json

import httpx

from infra.local.client import ApiClient, ApiRefused


def test_a_refusal_tells_what_the_problem_document_says() -> None:
    problem = {
        "type": "/problems/validation-failed",
        "title": "Validation failed",
        "status": 422,
        "detail": "The request has invalid fields.",
        "trace_id": "t-1",
        "errors": [{"pointer": "/name", "code": "missing", "message": "Field required"}],
    }
    answer = httpx.Response(422, json=problem, headers={"content-type": "application/problem+json"})
    refused = ApiRefused("POST /v1/workspaces", answer)
    assert refused.status == 422
    assert str(refused).splitlines() == [
        "POST /v1/workspaces answered 422 Validation failed: The request has invalid fields.",
        "  /name: Field required",
        "  trace id t-1",
    ]


def test_an_answer_that_is_no_problem_document_is_quoted() -> None:
    assert str(ApiRefused("GET /", httpx.Response(502, text="Bad Gateway"))) == "GET / answered 502: Bad Gateway"
    broken = httpx.Response(500, text="{", headers={"content-type": "application/json"})
    assert str(ApiRefused("GET /", broken)) == "GET / answered 500: {"
    assert str(ApiRefused("GET /", httpx.Response(500, json=["x"]))) == "GET / answered 500"


def test_a_session_is_refreshed_before_its_token_expires_and_each_refresh_token_is_used_once() -> None:
    elapsed = [0.0]
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, request.headers.get("authorization")))
        if request.url.path == "/v1/things":
            return httpx.Response(200, json={})
        given = json.loads(request.content).get("refresh_token", "refresh-0")
        number = int(given.removeprefix("refresh-")) + 1
        session = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 900}
        return httpx.Response(201 if request.url.path == "/v1/sessions" else 200, json=session)

    with ApiClient("http://api", transport=httpx.MockTransport(answer), now=lambda: elapsed[-1]) as api:
        api.log_in("a@example.com", "secret")
        for second in (10.0, 800.0, 810.0, 1_600.0):
            elapsed.append(second)
            api.get("/v1/things")
    assert seen == [
        ("/v1/sessions", None),
        ("/v1/things", "Bearer access-1"),
        ("/v1/sessions/refresh", "Bearer access-1"),
        ("/v1/things", "Bearer access-2"),
        ("/v1/things", "Bearer access-2"),
        ("/v1/sessions/refresh", "Bearer access-2"),
        ("/v1/things", "Bearer access-3"),
    ]


def test_a_query_in_the_path_is_kept() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=str(request.url.query, "ascii"))

    with ApiClient("http://api", transport=httpx.MockTransport(answer)) as api:
        assert api.send("GET", "/v1/moments?q=bird").json() == "q=bird"
        assert api.get("/v1/moments", q="bird") == "q=bird"
