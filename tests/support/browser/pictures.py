"""Pictures of pages."""

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.support.end_to_end.processes import ROOT

LONGEST = 1600  # pixels; what is below is left out
COLOURS = 128


def keep_picture(page: Page, test: str) -> Path:
    """Of a failed test."""
    folder = ROOT / "build" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[^a-z0-9-]+', '-', test, flags=re.IGNORECASE)}-{id(page)}.png"
    page.screenshot(path=path)
    return path


def write_picture(page: Page, path: Path) -> None:
    """For the documentation: of the whole page and small."""
    width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, LONGEST)}
    picture = page.screenshot(full_page=True, clip=clip, scale="css", animations="disabled")
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS).save(path, optimize=True)
