"""What holds for every page of ours."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = {"serious", "critical"}
_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width + 1)
    .map((each) => each.outerHTML.slice(0, 120));
}"""
_LAYOUT_SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  const add = (list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  };
  const observer = new PerformanceObserver(add);
  observer.observe({type: "layout-shift", buffered: true});
  // Two frames later, what happened until now has been reported.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    add({getEntries: () => observer.takeRecords()});
    resolve(sum);
  }));
})"""
_BYTES = """() => ["navigation", "resource"]
  .flatMap((type) => performance.getEntriesByType(type))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def check_accessibility(page: Page) -> None:
    """axe finds nothing serious or critical."""
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    grave = [
        f"{violation['id']}: {violation['help']}: {node['html']} ({node['failureSummary']})"
        for violation in violations
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]
    assert not grave, f"{page.url}:\n" + "\n".join(grave)


def check_width(page: Page) -> None:
    """Nobody has to scroll sideways."""
    culprits = page.evaluate(_TOO_WIDE)
    assert not culprits, f"{page.url} is wider than the screen:\n" + "\n".join(culprits)


def layout_shift(page: Page) -> float:
    """How much has moved by itself since the page began to load: the sum of its layout shifts."""
    shift: float = page.evaluate(_LAYOUT_SHIFT)
    return shift


def transferred_bytes(page: Page) -> int:
    """The page and its files, compressed and with headers. Files from the cache count nothing."""
    count: int = page.evaluate(_BYTES)
    return count
