import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.security.tokens import Claims, InvalidToken, TokenKey
from tests.support.clock import FakeClock


class FakeKms:
    """A key that signs as KMS does."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())

    def sign(self, **request: Any) -> dict[str, bytes]:
        assert request["MessageType"] == "RAW"
        return {"Signature": self._key.sign(request["Message"], ECDSA(SHA256()))}

    def get_public_key(self, **_request: Any) -> dict[str, bytes]:
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


CLAIMS = Claims("user", "session")


def encoded(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_tells_whose_it_is_until_it_expires() -> None:
    clock = FakeClock()
    key = TokenKey(FakeKms(), "key", clock)
    token = key.issue(CLAIMS)
    assert key.verify(token) == CLAIMS
    clock.advance(minutes=15)
    with pytest.raises(InvalidToken, match="expired"):
        key.verify(token)


def test_forged_and_garbled_tokens_are_refused() -> None:
    clock = FakeClock()
    key, other = TokenKey(FakeKms(), "key", clock), TokenKey(FakeKms(), "key", clock)
    head, body, signature = key.issue(CLAIMS).split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = [
        other.issue(CLAIMS),
        f"{encoded({'alg': 'none'})}.{body}.",
        f"{encoded({'alg': 'HS256'})}.{body}.{signature}",
        f"{head}.{encoded(payload | {'sub': 'another'})}.{signature}",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}",
        "a.b.c",
        "..",
        "é.é.é",
    ]
    for token in forged:
        with pytest.raises(InvalidToken, match="isn't one of ours"):
            key.verify(token)


def test_a_signature_is_checked_by_the_published_key() -> None:
    import jwt

    key = TokenKey(FakeKms(), "key", FakeClock())
    token = key.issue(CLAIMS)
    published = jwt.PyJWKSet.from_dict(key.jwks())[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, published.key, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})
    assert (claims["sub"], claims["iss"]) == ("user", "visionscope")
