"""The one edge where exceptions end."""

from typing import Any

from shared.aws.clients import is_outage
from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread, operation
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

    def __call__(self, proceed: Proceed) -> Proceed:
        def bounded(message: Message | Unread, context: Context) -> Result[Any]:
            from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

            try:
                return proceed(message, context)
            except DomainError as error:
                if error.__cause__ is not None:
                    log().warning("refused", exc_info=error.__cause__, extra=_about(message, context))
                return Failure(error)
            except (ConnectionError, HTTPClientError, TransactionUnavailable):
                return _unavailable(message, context)
            except ClientError as error:
                return _unavailable(message, context) if is_outage(error) else _bug(message, context)
            except Exception:  # noqa: BLE001 - the one edge
                return _bug(message, context)

        return bounded


def _unavailable(message: Message | Unread, context: Context) -> Failure:
    log().exception("dependency unavailable", extra=_about(message, context))
    return Failure(DependencyUnavailable("A service that this needs doesn't answer.", retry_after_seconds=2))


def _bug(message: Message | Unread, context: Context) -> Failure:
    log().exception("unexpected exception", extra=_about(message, context))
    return Failure(InternalError())


def _about(message: Message | Unread, context: Context) -> dict[str, str]:
    return {"operation": operation(message), "correlation_id": context.correlation_id}
