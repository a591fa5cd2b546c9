"""When a release may be made."""

import pytest

from devstack.errors import DevstackError
from devstack.release import notes

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-25

### Added

- A second service.

## [1.1.0] - 2026-10-01

### Added

- A service.
"""


def test_the_notes_are_what_the_changelog_says_about_this_version() -> None:
    assert (
        notes("v1.2.0", changelog=CHANGELOG, version="1.2.0") == "### Added\n\n- A second service."
    )


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "reason"),
    [
        ("v1.3.0", "1.2.0", CHANGELOG, "version in pyproject.toml"),
        ("1.2.0", "1.2.0", CHANGELOG, "version in pyproject.toml"),
        ("v1.3.0", "1.3.0", CHANGELOG, "lacks"),
        ("v1.1.0", "1.1.0", CHANGELOG, "newest"),
        (
            "v1.2.0",
            "1.2.0",
            CHANGELOG.replace("d]\n", "d]\n\n- A third service.\n", 1),
            "Unreleased",
        ),
        ("v1.2.0", "1.2.0", CHANGELOG.replace(" - 2026-11-25", ""), "date"),
        (
            "v1.2.0",
            "1.2.0",
            CHANGELOG.replace("### Added\n\n- A second service.\n", ""),
            "says nothing",
        ),
    ],
)
def test_a_release_is_refused(tag: str, version: str, changelog: str, reason: str) -> None:
    with pytest.raises(DevstackError, match=reason):
        notes(tag, changelog=changelog, version=version)
