"""What a person gets to read when the API refuses something."""

import httpx

from infra.local.client import ApiRefused


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
