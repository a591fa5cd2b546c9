"""Query parameters as they were sent."""

from urllib.parse import unquote_to_bytes

from rest_framework.request import Request

from shared.api.problems import InvalidInput


def query_text(request: Request, name: str) -> str | None:
    """None if it is absent. Raises 400 `invalid_{name}` if it is given twice, because one of them
    would silently win, or isn't UTF-8, because Django replaces what it can't decode."""
    found = request.GET.getlist(name)
    if not found:
        return None
    if len(found) > 1:
        raise InvalidInput(f"{name} must be given only once", code=f"invalid_{name}")
    text: str = found[0]
    if "\ufffd" in text and not _is_utf8(request.META["QUERY_STRING"]):
        raise InvalidInput(f"{name} must be UTF-8", code=f"invalid_{name}")
    return text


def _is_utf8(query: str) -> bool:
    try:
        unquote_to_bytes(query.encode("latin-1")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
