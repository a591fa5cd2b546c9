"""`python -m devstack.early_check`: refuses taken ports before anything is installed.

Runs with a bare Python, so it and what it imports use the standard library only.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack import ports
from devstack.errors import DevstackError

# A line of `.env` that could matter here. python-dotenv reads the full syntax later.
_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+_(?:PORT|URL))[ \t]*=[ \t]*["']?([^"'#\s]+)""", re.MULTILINE
)


def main(root: Path, environ: Mapping[str, str]) -> int:
    file = root / ".env"
    known = dict(_LINE.findall(file.read_text())) if file.exists() else {}
    known |= {name: value for name, value in environ.items() if value}
    try:
        ports.require_free(ports.configured(known), ports.required(known))
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, os.environ))
