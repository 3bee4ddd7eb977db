"""Parses the fields into the message and applies its own rules; tells every broken field by its JSON pointer."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from shared.cqrs.messages import Message, Query
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.kernel.errors import FieldError, MalformedRequest, NotFound, ValidationFailed
from shared.kernel.result import Failure, Result


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
            return Failure(ValidationFailed(broken)) if broken else proceed(message, context)

        return validated


def _parse(unread: Unread, path_fields: frozenset[str]) -> Message | Failure:
    strict = not issubclass(unread.type, Query)
    try:
        text = json.dumps(unread.read_fields(), ensure_ascii=False, allow_nan=False)
        return unread.type.model_validate_json(text.encode(), strict=strict)
    except UnicodeEncodeError:
        return Failure(MalformedRequest("The request holds text that isn't valid Unicode."))
    except ValidationError as invalid:
        if any(error["loc"] and error["loc"][0] in path_fields for error in invalid.errors()):
            return Failure(NotFound())
        return Failure(ValidationFailed([_field_error(error) for error in invalid.errors()]))


def _field_error(error: Any) -> FieldError:
    message = error["msg"]
    return FieldError(pointer(error["loc"]), error["type"].replace("_", "-"), message[:1].upper() + message[1:])


def pointer(location: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) of a location in nested fields."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
