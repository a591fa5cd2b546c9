"""The value of an `Idempotency-Key` header."""

import re

LONGEST_KEY = 255

# Visible ASCII. Two headers arrive as one with a comma in between, so a bare key may not have one.
_BARE = re.compile(r"[!#-+\--~]+", re.ASCII)
# RFC 9651, 3.3.3. The header's draft asks for it, but most clients send the bare key.
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])+)"', re.ASCII)
_ESCAPED = re.compile(r"\\(.)")


def parse_key(header: str) -> str | None:
    """1 to 255 visible ASCII characters; None for anything else.

    `abc` and `"abc"` are the same key. In double quotes, `"` and `\\` are escaped with a `\\`; only
    there may the key contain commas and double quotes.
    """
    text = header.strip(" \t")
    if quoted := _QUOTED.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        return None
    return key if len(key) <= LONGEST_KEY else None
