"""`manage_booking.py` as a process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]


def manage(*arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run it with the variables of this process, those in `environment` changed or (None) gone."""
    changed = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "manage_booking.py", *arguments],
        cwd=ROOT,
        env={name: value for name, value in changed.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
