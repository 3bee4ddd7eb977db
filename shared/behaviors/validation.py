"""Parses the fields into the message and applies its own rules; tells every broken field by its JSON pointer.

No value is ever repeated, since it may be a secret.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from shared.cqrs.messages import Message, Query
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.kernel.errors import FieldError, MalformedRequest, NotFound, ValidationFailed
from shared.kernel.result import Failure, Result

MAX_ERRORS = 100
"""How many broken fields one answer tells."""

_LONGEST_STEP = 200


class Validation:
    """A field that came from the path and doesn't fit names a resource that can't exist: that is `not-found`.

    Commands are parsed strictly (`"5"` is no number); queries come as text and are converted.
    """

    def __call__(self, proceed: Proceed) -> Proceed:
        def validated(message: Message | Unread, context: Context) -> Result[Any]:
            if isinstance(message, Unread):
                parsed = _parse(message, context.path_fields)
                if isinstance(parsed, Failure):
                    return parsed
                message = parsed
            broken = tuple(message.rules())
            return _failed(broken) if broken else proceed(message, context)

        return validated


def _parse(unread: Unread, path_fields: frozenset[str]) -> Message | Failure:
    strict = not issubclass(unread.type, Query)
    fields = unread.read_fields()
    try:
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
        return unread.type.model_validate_json(text.encode(), strict=strict)
    except UnicodeEncodeError:
        return Failure(MalformedRequest("The request holds text that isn't valid Unicode."))
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_input=False)
        if any(error["loc"] and error["loc"][0] in path_fields for error in found):
            return Failure(NotFound())
        # The branches of a union may each say the same of one field.
        told = list(dict.fromkeys(_field_error(error, fields) for error in found))
        return _failed(told)


def _failed(errors: Sequence[FieldError]) -> Failure:
    if len(errors) <= MAX_ERRORS:
        return Failure(ValidationFailed(errors))
    detail = f"The request has {len(errors)} invalid fields, of which these are the first {MAX_ERRORS}."
    return Failure(ValidationFailed(errors[:MAX_ERRORS], detail))


def _field_error(error: Any, fields: Mapping[str, object]) -> FieldError:
    code = error["type"]
    message = error["msg"]
    if code in _QUOTING:
        message = _QUOTING[code]
    steps = _steps_into(fields, error["loc"], is_missing=code == "missing")
    return FieldError(pointer(steps), code.replace("_", "-"), message[:1].upper() + message[1:])


_QUOTING: Mapping[str, str] = {
    "assertion_error": "The value isn't valid",
    "union_tag_invalid": "The tag is none of those that are known here",
    "uuid_parsing": "Input should be a valid UUID",
    "value_error": "The value isn't valid",
}
"""What is said instead of pydantic's messages that quote the value: it may be a secret. A validator that has more to
say raises a `PydanticCustomError`.
"""


def _steps_into(fields: object, location: Sequence[str | int], *, is_missing: bool) -> list[str | int]:
    """The steps of pydantic's location that are steps into the fields themselves.

    Others name the branch of a union or the key of a mapping as a thing of its own. What is missing is named by the
    last step. A name that goes on for ever isn't repeated: what holds it is pointed at.
    """
    steps: list[str | int] = []
    within = fields
    for position, step in enumerate(location):
        if len(str(step)) > _LONGEST_STEP:
            break
        names_missing = is_missing and position == len(location) - 1
        match within, step:
            case Mapping(), str() if step in within:
                within = within[step]
            case list(), int() if step < len(within):
                within = within[step]
            case _ if not names_missing:
                continue
        steps.append(step)
    return steps


def pointer(steps: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) along steps into nested fields; `""` is the whole."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
