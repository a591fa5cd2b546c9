"""The translations that are committed are complete and belong to the texts of today."""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from devstack import packages
from devstack.environment import ROOT
from devstack.messages import apps, catalogue_of, collect, compiled_of

APPS = apps(ROOT)
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%[sd]|{\w*}")
Key = tuple[str | None, str, str]

of_each_app = pytest.mark.parametrize("app", APPS, ids=[app.name for app in APPS])


def key(entry: polib.POEntry | polib.MOEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def translations(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    return [*entry.msgstr_plural.values()] if entry.msgid_plural else [entry.msgstr]


def wrong_placeholders(entry: polib.POEntry) -> Iterator[str]:
    """The translations that lack a value of the English text, or ask for one it doesn't have. Of a
    plural and its singular, only one may have the number."""
    english = [{*PLACEHOLDER.findall(text)} for text in (entry.msgid, entry.msgid_plural) if text]
    for translation in translations(entry):
        found = {*PLACEHOLDER.findall(translation)}
        if not set.intersection(*english) <= found <= set.union(*english):
            yield translation


@of_each_app
def test_every_text_has_a_translation_with_the_same_values(app: Path) -> None:
    texts = polib.pofile(str(catalogue_of(app)))

    assert [entry.msgid for entry in texts if not entry.translated()] == []
    assert [entry.msgid for entry in texts if entry.obsolete or entry.fuzzy] == []
    assert [wrong for entry in texts for wrong in wrong_placeholders(entry)] == []


@of_each_app
def test_the_catalogue_has_the_texts_of_the_code_and_of_the_templates(
    app: Path, tmp_path: Path
) -> None:
    packages.require("xgettext", "gettext")
    copy = tmp_path / app.name
    shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__"))

    collect(copy)

    committed, collected = (polib.pofile(str(catalogue_of(each))) for each in (app, copy))
    assert {*map(key, committed)} == {*map(key, collected)}, "type `make messages`"


@of_each_app
def test_the_compiled_catalogue_is_that_of_the_translations(app: Path) -> None:
    committed = {key(entry): translations(entry) for entry in polib.pofile(str(catalogue_of(app)))}
    compiled = {key(entry): translations(entry) for entry in polib.mofile(str(compiled_of(app)))}

    assert committed == compiled, "type `make messages`"


@pytest.mark.parametrize("service", ["booking_project", "event_project"])
def test_a_text_has_one_translation_in_a_service(service: str) -> None:
    """Django merges the catalogues of all apps of a service, so that the last one would win."""
    said: defaultdict[Key, set[tuple[str, ...]]] = defaultdict(set)
    for app in APPS:
        if app.parent.name in (service, "shared"):
            for entry in polib.pofile(str(catalogue_of(app))):
                said[key(entry)].add(tuple(translations(entry)))

    assert {text: found for text, found in said.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("views.py", 'gettext("Bring a friend")'),
        ("page.html", '{% load i18n %}{% translate "Bring a friend" %}'),
        ("mail.txt", "{% load i18n %}{% blocktranslate %}Bring a friend{% endblocktranslate %}"),
    ],
)
def test_a_new_text_is_found_and_gets_no_guess(tmp_path: Path, file: str, text: str) -> None:
    packages.require("xgettext", "gettext")
    app = tmp_path / "booking_project" / "guests"
    app.mkdir(parents=True)
    for parent in ("event_project", "shared"):
        (tmp_path / parent).mkdir()
    (app / "other.py").write_text('gettext("Bring a friend or two")')
    collect(app)
    texts = polib.pofile(str(catalogue_of(app)))
    texts[0].msgstr = "พาเพื่อนมาสักคนสองคน"
    texts.save()

    (app / file).write_text(text)
    collect(app)

    assert apps(tmp_path) == [app]
    found = {entry.msgid: entry.msgstr for entry in polib.pofile(str(catalogue_of(app)))}
    assert found == {"Bring a friend or two": "พาเพื่อนมาสักคนสองคน", "Bring a friend": ""}
