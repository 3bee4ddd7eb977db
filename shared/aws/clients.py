"""botocore clients: one session and one client per service and process. boto3's resource layer isn't needed.

A client keeps its connections between invocations. Calls time out early and are repeated by botocore's standard retry
mode, which resends the same bytes: a transaction therefore keeps its token.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session

MAX_ATTEMPTS = 8
"""Of one call. Where three in ten are refused for congestion, three attempts would fail one read in forty."""

PATIENT = "patient "
"""Put before a service's name, it names a client that waits long for an answer: for work that nobody stands by for."""

_READ_SECONDS = {"bedrock-runtime": 12, f"{PATIENT}bedrock-runtime": 35}
_OTHERS_READ_SECONDS = 10
# A model thinks long. Whoever waits for it has a deadline and can be answered later.

_ATTEMPTS_OF = {"batch": 2, "bedrock-runtime": 1}
# They stand behind a breaker, which counts the calls that ended: they must do so within their function's time.


@cache
def _session() -> "Session":
    import botocore.session

    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The process' client of an AWS service, by botocore's name of it (`dynamodb`, `s3`, …); see `PATIENT`."""
    from botocore import __version__
    from botocore.config import Config

    name = service.removeprefix(PATIENT)
    return _session().create_client(
        name,
        config=Config(
            # Left to itself botocore presigns S3 with Signature Version 2, which newer regions refuse.
            signature_version="s3v4" if name == "s3" else None,
            connect_timeout=2,
            read_timeout=_READ_SECONDS.get(service, _OTHERS_READ_SECONDS),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS_OF.get(name, MAX_ATTEMPTS)},
            max_pool_connections=16,
            # A third of what a call costs here are the next two. What is sent comes from typed rows and is validated by
            # the service; and botocore would put together a description of this process anew for each call.
            parameter_validation=False,
            user_agent=f"visionscope botocore/{__version__}",
        ),
    )


def error_code(error: Any) -> str:
    """The code by which a service names why it refused a call, from botocore's `ClientError`."""
    code: str = error.response["Error"]["Code"]
    return code


def is_outage(error: Any) -> bool:
    """Whether a `ClientError` says that the service has no capacity or failed itself, rather than that we erred."""
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error_code(error) in _NO_CAPACITY


_NO_CAPACITY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
