"""The titles of error statuses, in the words of RFC 9110."""

from http import HTTPStatus

# Python has them since 3.13. Answers and schemas must not change with its version.
_OF_RFC_9110 = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def title_of(status: int) -> str:
    """Raises `ValueError` for a status that is not registered."""
    return _OF_RFC_9110.get(status) or HTTPStatus(status).phrase
