"""Access tokens: JWTs signed with ES256 by a KMS key, so no process ever holds the private key (RFC 7515, 7518)."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.kernel.clock import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

LIFETIME_SECONDS = 15 * 60
ISSUER = "visionscope"
_COORDINATE_BYTES = 32


class InvalidToken(Exception):
    """Not a token of ours, or no longer good; the text tells the caller which."""


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str


class TokenKey:
    """The signing key of a stage."""

    def __init__(self, kms: Any, key_id: str, clock: Clock) -> None:
        self._kms = kms
        self._key_id = key_id
        self._clock = clock

    def issue(self, claims: Claims) -> str:
        """A signed access token, good for 15 minutes."""
        now = int(self._clock.now().timestamp())
        payload = {
            "iss": ISSUER,
            "sub": claims.user_id,
            "sid": claims.session_id,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        signed = f"{_encode_json({'alg': 'ES256', 'typ': 'JWT', 'kid': self._kid})}.{_encode_json(payload)}"
        answer = self._kms.sign(
            KeyId=self._key_id,
            Message=signed.encode(),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return f"{signed}.{_encode(_raw_signature(answer['Signature']))}"

    def verify(self, token: str) -> Claims:
        """The claims of a token. Raises `InvalidToken` for one that is malformed, forged or expired."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            head, body, signature = token.split(".")
            raw = _decode(signature)
            header, payload = json.loads(_decode(head)), json.loads(_decode(body))
            if header["alg"] != "ES256" or len(raw) != 2 * _COORDINATE_BYTES:
                raise InvalidToken("The access token isn't one of ours.")
            r, s = int.from_bytes(raw[:_COORDINATE_BYTES]), int.from_bytes(raw[_COORDINATE_BYTES:])
            self._public_key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ECDSA(SHA256()))
            if payload["iss"] != ISSUER:
                raise InvalidToken("The access token isn't one of ours.")
            if payload["exp"] <= self._clock.now().timestamp():
                raise InvalidToken("The access token has expired.")
            return Claims(user_id=payload["sub"], session_id=payload["sid"])
        except (ValueError, KeyError, TypeError, RecursionError, InvalidSignature) as error:
            raise InvalidToken("The access token isn't one of ours.") from error

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [{**self._jwk, "kid": self._kid, "use": "sig", "alg": "ES256"}]}

    @cached_property
    def _public_key(self) -> "EllipticCurvePublicKey":
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        key = load_der_public_key(self._kms.get_public_key(KeyId=self._key_id)["PublicKey"])
        if not isinstance(key, EllipticCurvePublicKey):
            raise TypeError("the token key isn't an elliptic curve key")
        return key

    @cached_property
    def _jwk(self) -> dict[str, str]:
        numbers = self._public_key.public_numbers()
        return {
            "crv": "P-256",
            "kty": "EC",
            "x": _encode(numbers.x.to_bytes(_COORDINATE_BYTES)),
            "y": _encode(numbers.y.to_bytes(_COORDINATE_BYTES)),
        }

    @cached_property
    def _kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        canonical = json.dumps(self._jwk, sort_keys=True, separators=(",", ":"))
        return _encode(hashlib.sha256(canonical.encode()).digest())


def _raw_signature(der: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _encode_json(value: dict[str, object]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
