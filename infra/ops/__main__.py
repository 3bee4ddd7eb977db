"""`python -m infra.ops --stage dev outbox | dead-letters … | replay … | rebuild … | operation … | admins …`"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from functions.operations.commands import (
    discard_dead_letter,
    rebuild_read_model,
    redrive_dead_letter,
    redrive_queue,
    start_replay,
)
from functions.operations.queries import get_dead_letter, get_operation, get_outbox, list_dead_letters
from infra.local.layout import Layout
from infra.ops.administrators import dismiss_administrator, list_administrators, name_administrator
from infra.ops.stage import StageAccess, StageUnreachable, cloud_stage, local_stage
from shared.kernel.errors import DomainError
from shared.kernel.result import Failure, Result

_WATCHED_EVERY_SECONDS = 1.0
# How an operation ends that didn't do what was asked for.
_FAILED = ("failed", "compensated")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Refused(Exception):
    """The stage refused what was asked for."""

    def __init__(self, error: DomainError) -> None:
        broken: Any = error.members().get("errors", [])
        told = [error.detail, *(f"  {one['pointer']}: {one['message']}" for one in broken)]
        super().__init__("\n".join(told))


Command = Callable[[StageAccess, argparse.Namespace], object]


def _outbox(stage: StageAccess, _: argparse.Namespace) -> object:
    return _value(stage.send(get_outbox, get_outbox.GetOutbox()))


def _list(stage: StageAccess, given: argparse.Namespace) -> object:
    return _value(
        stage.send(list_dead_letters, list_dead_letters.ListDeadLetters(queue=given.queue, limit=given.limit))
    )


def _show(stage: StageAccess, given: argparse.Namespace) -> object:
    return _value(stage.send(get_dead_letter, get_dead_letter.GetDeadLetter(dead_letter_id=given.id)))


def _redrive(stage: StageAccess, given: argparse.Namespace) -> object:
    if given.queue is not None:
        started = _value(stage.send(redrive_queue, redrive_queue.RedriveQueue(queue=given.queue)))
        return _watched(stage, started, wait=given.wait)
    message = redrive_dead_letter.RedriveDeadLetter(dead_letter_id=given.id)
    return _value(stage.send(redrive_dead_letter, message))


def _discard(stage: StageAccess, given: argparse.Namespace) -> object:
    message = discard_dead_letter.DiscardDeadLetter(dead_letter_id=given.id, reason=given.reason)
    return _value(stage.send(discard_dead_letter, message))


def _replay(stage: StageAccess, given: argparse.Namespace) -> object:
    message = start_replay.StartReplay.model_validate(
        {"subscriber": given.subscriber, "from": given.begin, "to": given.end or datetime.now(UTC)}
    )
    return _watched(stage, _value(stage.send(start_replay, message)), wait=given.wait)


def _rebuild(stage: StageAccess, given: argparse.Namespace) -> object:
    message = rebuild_read_model.RebuildReadModel(name=given.name, accept_missing=given.accept_missing)
    return _watched(stage, _value(stage.send(rebuild_read_model, message)), wait=given.wait)


def _operation(stage: StageAccess, given: argparse.Namespace) -> object:
    started = _value(stage.send(get_operation, get_operation.GetOperation(operation_id=given.id)))
    return _watched(stage, started, wait=given.wait)


def _watched(stage: StageAccess, operation: Any, *, wait: bool) -> object:
    while wait and operation.ended_at is None:
        time.sleep(_WATCHED_EVERY_SECONDS)
        query = get_operation.GetOperation(operation_id=operation.operation_id)
        operation = _value(stage.send(get_operation, query))
    return operation


def _admins(stage: StageAccess, given: argparse.Namespace) -> object:
    match given.action:
        case "add":
            return _value(name_administrator(stage, given.user))
        case "remove":
            return _value(dismiss_administrator(stage, given.user))
        case _:
            return _value(list_administrators(stage))


def _value(result: Result[Any]) -> Any:
    if isinstance(result, Failure):
        raise Refused(result.error)
    return result.value


def moment(text: str) -> datetime:
    """A time as RFC 3339 writes it, or how long ago it was: `90m`, `6h`, `2d`."""
    if text[-1:] in _UNITS and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a time nor a duration such as 6h") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def parser() -> argparse.ArgumentParser:
    """Every command's namespace has the function that does it as `run`."""
    arguments = argparse.ArgumentParser(prog="python -m infra.ops", description="Operate a stage.")
    where = arguments.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", help="a deployed stage, with the credentials and region of your environment")
    where.add_argument("--local", action="store_true", help="the local stack of this checkout")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    commands = arguments.add_subparsers(required=True, metavar="COMMAND")

    _add(commands, "outbox", _outbox, "how many events are unpublished, and since when")

    letters = commands.add_parser("dead-letters", help="list, show, redrive or discard what failed")
    actions = letters.add_subparsers(required=True, metavar="ACTION")
    listed = _add(actions, "list", _list, "what waits, oldest first")
    listed.add_argument("--queue", help="of one queue only")
    listed.add_argument("--limit", type=int, default=100)
    _add(actions, "show", _show, "one, with its message").add_argument("id")
    redriven = _add(actions, "redrive", _redrive, "have one handled again, or all of a queue")
    which = redriven.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?")
    which.add_argument("--queue")
    _waits(redriven)
    discarded = _add(actions, "discard", _discard, "remove one for good")
    discarded.add_argument("id")
    discarded.add_argument("--reason", required=True)

    replayed = _add(commands, "replay", _replay, "send logged events to one subscriber again")
    replayed.add_argument("subscriber")
    replayed.add_argument("--from", dest="begin", type=moment, required=True, help="a time, or how long ago: 6h")
    replayed.add_argument("--to", dest="end", type=moment, help="now, unless given")
    _waits(replayed)

    rebuilt = _add(commands, "rebuild", _rebuild, "build a read model anew from the event log")
    rebuilt.add_argument("name")
    rebuilt.add_argument(
        "--accept-missing", action="store_true", help="switch to it although it lacks rows that no event explains"
    )
    _waits(rebuilt)

    operation = _add(commands, "operation", _operation, "how far a replay, a redrive or a rebuild is")
    operation.add_argument("id")
    _waits(operation)

    admins = commands.add_parser("admins", help="who may use the endpoints below /v1/admin")
    named = admins.add_subparsers(required=True, dest="action", metavar="ACTION")
    _add(named, "list", _admins, "all of them")
    for action, told in (("add", "name one"), ("remove", "dismiss one")):
        _add(named, action, _admins, told).add_argument("user", help="e-mail address or id")
    return arguments


def _add(commands: Any, name: str, run: Command, told: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=told, description=told)
    added.set_defaults(run=run)
    return added


def _waits(command: argparse.ArgumentParser) -> None:
    command.add_argument("--wait", action="store_true", help="until it has ended")


def shown(answer: object, *, as_json: bool) -> str:
    """An answer for people: a block of `name  value` lines for each thing."""
    fields: Any = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else {}
    if as_json:
        return json.dumps(fields, indent=2)
    if "items" not in fields:
        return _block(fields) or "Done."
    blocks = [_block(item) for item in fields["items"]]
    more = [] if fields.get("is_complete", True) else ["There are more than these."]
    return "\n\n".join([*blocks, *more]) or "None."


def _block(fields: Mapping[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if value not in (None, {}, [])}
    width = max(map(len, told), default=0)
    return "\n".join(f"{name:<{width}}  {_text(value)}" for name, value in told.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def exit_status(answer: object) -> int:
    """0, or 1 for an operation that ended without doing what was asked for."""
    return int(isinstance(answer, get_operation.OperationView) and answer.status in _FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    # What the code logs of its work is for the stage's logs; what goes wrong here is logged nowhere else.
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    try:
        stage = local_stage(Layout.of_this_checkout()) if given.local else cloud_stage(given.stage)
        answer = given.run(stage, given)
    except (Refused, StageUnreachable) as error:
        print(error, file=sys.stderr)
        return 1
    except ValidationError as invalid:
        for one in invalid.errors():
            print(f"{'.'.join(map(str, one['loc']))}: {one['msg']}", file=sys.stderr)
        return 2
    print(shown(answer, as_json=given.json))
    return exit_status(answer)


if __name__ == "__main__":
    sys.exit(main())
