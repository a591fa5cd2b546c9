"""Query parameters that filter a list. Each is optional."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from shared.api.problems import InvalidInput
from shared.api.query_params import query_text
from shared.formats.fields import TextField

_BOOLEANS = {"true": True, "false": False}


def boolean_filter(request: Request, name: str) -> bool | None:
    """Raises 400 `invalid_{name}` unless it is `true` or `false`."""
    text = query_text(request, name)
    if text is None:
        return None
    if text not in _BOOLEANS:
        raise InvalidInput(f"{name} must be true or false", code=f"invalid_{name}")
    return _BOOLEANS[text]


def text_filter(request: Request, name: str, *, max_length: int) -> str | None:
    """Text that a `TextField` accepts. Raises 400 `invalid_{name}` for other text."""
    text = query_text(request, name)
    if text is None:
        return None
    try:
        found: str = TextField(max_length=max_length).run_validation(text)
    except ValidationError as error:
        reasons = " ".join(str(reason) for reason in error.detail)
        raise InvalidInput(f"{name}: {reasons}", code=f"invalid_{name}") from None
    return found
