"""The value of an `Idempotency-Key` header."""

import re

LONGEST_KEY = 255

# Visible ASCII. Two headers arrive as one with a comma between, which is why a bare key has none.
_BARE = re.compile(r"[!#-+\--~]+", re.ASCII)
# RFC 9651, 3.3.3; the draft of the header asks for it, and most clients send the bare key.
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])+)"', re.ASCII)
_ESCAPED = re.compile(r"\\(.)")


def parse_key(header: str) -> str | None:
    """1 to 255 visible ASCII characters; None for anything else.

    `abc` and `"abc"` are the same key. In double quotes, `"` and `\\` are escaped with a `\\`, and
    only there the key may hold commas and double quotes.
    """
    text = header.strip(" \t")
    if quoted := _QUOTED.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        return None
    return key if len(key) <= LONGEST_KEY else None
