from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that somebody should look at, on the first page of a desk. `command` is what an
    operator types to find out more; `url` is a page."""

    text: str
    grave: bool = True
    command: str = ""
    url: str = ""
