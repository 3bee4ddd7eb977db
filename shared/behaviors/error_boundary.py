"""The one edge where exceptions end."""

from typing import Any

from shared.aws.clients import is_outage
from shared.cqrs.pipeline import Invocation, Proceed
from shared.kernel.errors import DependencyUnavailable, DomainError
from shared.kernel.result import Failure, Result
from shared.observability.logger import log
from shared.persistence.unit_of_work import TransactionUnavailable


class InternalError(DomainError):
    """A bug or an outage without a better name. The caller learns where to point us, and nothing else."""

    code = "internal-error"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. Quote the trace id when you report it.")


class ErrorBoundary:
    """Turns a raised `DomainError` into a `Failure`, an outage into `dependency-unavailable` and anything else into
    `internal-error`, logged once with its stack.
    """

    def __call__(self, invocation: Invocation, proceed: Proceed) -> Result[Any]:
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        try:
            return proceed(invocation)
        except DomainError as error:
            if error.__cause__ is not None:
                log().warning("refused", exc_info=error.__cause__, extra=self._about(invocation))
            return Failure(error)
        except (ConnectionError, HTTPClientError, TransactionUnavailable):
            return self._unavailable(invocation)
        except ClientError as error:
            if is_outage(error):
                return self._unavailable(invocation)
            return self._bug(invocation)
        except Exception:  # noqa: BLE001 - the one edge
            return self._bug(invocation)

    def _unavailable(self, invocation: Invocation) -> Failure:
        log().exception("dependency unavailable", extra=self._about(invocation))
        return Failure(DependencyUnavailable("A service that this needs doesn't answer.", retry_after_seconds=2))

    def _bug(self, invocation: Invocation) -> Failure:
        log().exception("unexpected exception", extra=self._about(invocation))
        return Failure(InternalError())

    @staticmethod
    def _about(invocation: Invocation) -> dict[str, str]:
        return {
            "operation": invocation.message_type.__name__,
            "correlation_id": invocation.context.correlation_id,
        }
