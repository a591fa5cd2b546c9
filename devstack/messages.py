"""Translations: collects the texts of each app into its catalogue of messages, and compiles that.

Each app of the services and of `shared` has its own, in `locale/`. The English text is the key.
"""

import contextlib
import re
import sys
from pathlib import Path

import polib
from django.core.management import call_command
from django.core.management.commands.makemessages import Command

from devstack import packages
from devstack.environment import ROOT
from devstack.errors import DevstackError

LANGUAGE = "th"
PARENTS = ("booking_project", "event_project", "shared")
_CATALOGUE = Path("locale") / LANGUAGE / "LC_MESSAGES" / "django.po"
_SOURCES = {".py", ".html", ".txt"}
_MARKED = re.compile(rb"\bn?p?gettext(_lazy|_noop)?\b|{% *(block)?trans(late)?\b")
# The rest of what gettext writes there changes from run to run and from version to version.
_HEADERS = ("Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")


class Collect(Command):
    # Without guesses at the translations of new texts.
    msgmerge_options = [*Command.msgmerge_options, "--no-fuzzy-matching"]


def apps(root: Path) -> list[Path]:
    """Those that have texts to translate."""
    all_of_them = [app for parent in PARENTS for app in (root / parent).iterdir()]
    return [app for app in sorted(all_of_them) if _has_texts(app)]


def catalogue_of(app: Path) -> Path:
    return app / _CATALOGUE


def compiled_of(app: Path) -> Path:
    return catalogue_of(app).with_suffix(".mo")


def collect(app: Path) -> None:
    """Brings the app's catalogue up to date with its code and templates."""
    catalogue = catalogue_of(app)
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(app):
        call_command(
            Collect(), locale=[LANGUAGE], add_location="file", no_obsolete=True, verbosity=0
        )
    texts = polib.pofile(str(catalogue), wrapwidth=100)
    texts.header, texts.metadata_is_fuzzy = "", False
    texts.metadata = {name: texts.metadata[name] for name in _HEADERS} | {"Language": LANGUAGE}
    texts.save()


def main() -> None:
    packages.require("xgettext", "gettext")
    for app in apps(ROOT):
        collect(app)
        texts = polib.pofile(str(catalogue_of(app)))
        texts.save_as_mofile(str(compiled_of(app)))
        for entry in texts.untranslated_entries():
            print(f"{catalogue_of(app).relative_to(ROOT)}: no translation of {entry.msgid!r}")


def _has_texts(app: Path) -> bool:
    sources = (file for file in app.rglob("*") if file.suffix in _SOURCES)
    return any(_MARKED.search(file.read_bytes()) for file in sources)


if __name__ == "__main__":
    try:
        main()
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
