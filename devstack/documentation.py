"""What `mkdocs.yml` needs beyond its plugins: pages from other files, and links that lead out."""

import posixpath
import re
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from openapidocs.mk.v3 import OpenAPIV3DocumentationHandler

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
MERMAID = ROOT / "site/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
# Files outside docs/, with the pages that they are on the site.
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "readme.md",
    "README.th.md": "readme-thai.md",
}
SERVICES = ["event", "booking"]

_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s#]+)(#[^()\s]+)?\)")
_IMAGE = re.compile(r'(<img [^>]*?\bsrc=")([^"]+)')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The menu has the decisions by their titles, which are in the files."""
    pages = [f"adr/{path.name}" for path in DECISIONS]
    config.nav = _replaced(config.nav, "adr", ["adr/index.md", *pages])
    if not MERMAID.exists():  # `make docs` has said so. The theme would fetch it from elsewhere.
        config.mdx_configs["pymdownx.superfences"]["custom_fences"] = []
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    for service in SERVICES:
        text = _reference(ROOT / "docs" / "openapi" / f"{service}-service.yaml")
        files.append(File.generated(config, f"{service}-service.md", content=text))
    titles = [(path.name, path.read_text().partition("\n")[0][2:]) for path in DECISIONS]
    index = "\n".join(f"- [{title}]({name})" for name, title in titles)
    files.append(File.generated(config, "adr/index.md", content=f"# Decisions\n\n{index}\n"))
    if MERMAID.exists():
        files.append(File.generated(config, "assets/mermaid.tiny.js", abs_src_path=str(MERMAID)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links as the repository needs them become links as the site needs them."""
    here = page.file.src_uri
    names = {new: old for old, new in ELSEWHERE.items() if page.file.generated_by}
    folder = posixpath.dirname(names.get(here, f"docs/{here}"))

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match.groups(default="")
        if re.match("[a-z]+:", target):
            return match[0]
        address = _on_site(posixpath.normpath(posixpath.join(folder, target)), here=here)
        return f"[{text}]({address}{anchor})" if address else text

    def image(match: re.Match[str]) -> str:
        return match[1] + str(
            _on_site(posixpath.normpath(posixpath.join(folder, match[2])), here=here)
        )

    parts = _FENCED.split(markdown)
    parts[::2] = [_IMAGE.sub(image, _LINK.sub(link, part)) for part in parts[::2]]
    return "".join(parts)


def _reference(schema: Path) -> str:
    document = yaml.safe_load(schema.read_text())
    del document["servers"]  # "/": each service describes itself
    return str(OpenAPIV3DocumentationHandler(document, style="MKDOCS", source=str(schema)).write())


def _on_site(path: str, *, here: str) -> str | None:
    """Where the page `here` finds a file of the checkout. None if the site doesn't have it."""
    if not (ROOT / path).exists():
        raise PluginError(f"{here} links to {path}, which does not exist")
    if path in ELSEWHERE:
        uri = ELSEWHERE[path]
    elif path == "docs/adr":
        uri = "adr/index.md"
    elif path.startswith("docs/") and (ROOT / path).is_file():
        uri = path.removeprefix("docs/")
    else:
        return None
    return posixpath.relpath(uri, posixpath.dirname(here) or ".")


def _replaced(menu: Any, entry: str, by: Any) -> Any:
    if isinstance(menu, dict):
        return {title: _replaced(each, entry, by) for title, each in menu.items()}
    if isinstance(menu, list):
        return [_replaced(each, entry, by) for each in menu]
    return by if menu == entry else menu
