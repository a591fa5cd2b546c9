"""Ids in paths: positive integers in ASCII digits."""

import re

from shared.api.problems import InvalidInput

_POSITIVE_INTEGER = re.compile(r"[1-9][0-9]*", re.ASCII)
LARGEST_ID = 2**63 - 1


def parse_id(text: str, *, what: str) -> int:
    """The id in a path. Raises 400 `invalid {what} id` for what isn't a positive integer.

    A number too large for the column is well-formed, but no row has it. It comes back as
    `LARGEST_ID`, which the sequence never reaches, so that looking it up gives 404 and not a
    database error.
    """
    if not _POSITIVE_INTEGER.fullmatch(text):
        raise InvalidInput(f"invalid {what} id", code=f"invalid_{what}_id")
    return min(int(text), LARGEST_ID) if len(text) < 20 else LARGEST_ID
