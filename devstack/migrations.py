"""Whether the running version goes on working while and after a service's migrations are applied.

django-migration-linter reads the SQL of each migration. Its warnings count as errors.
"""

import logging
import os
import sys

# By name, each with its reason. A new migration doesn't belong here: see CONTRIBUTING.md.
ACCEPTED = {
    "0001_initial": "indexes of tables that are new: nobody can wait for them",
    "0002_cancellations_and_notifications": "the index is of events, whose number is small",
    "0003_event_not_cancelled_by_end": "the same",
    "0002_set_aside": "the outbox is small: what is published is deleted",
    "0003_entries": "an index of a new table",
}
OTHERS = ["admin", "auth", "axes", "contenttypes", "sessions"]


def main() -> int:
    import django

    django.setup()
    from django_migration_linter import MigrationLinter

    logging.getLogger("django_migration_linter").setLevel(logging.WARNING)
    linter = MigrationLinter(
        exclude_apps=OTHERS,
        ignore_name=list(ACCEPTED),
        all_warnings_as_errors=True,
        quiet=["ok", "ignore"],
        analyser_string="postgresql",  # our database backend has a name that it doesn't know
        no_cache=True,
    )
    linter.lint_all_migrations()
    if linter.has_errors:
        linter.print_summary()
        print(f"{os.environ['DJANGO_SETTINGS_MODULE']}: see Migrations in CONTRIBUTING.md")
    return int(linter.has_errors)


if __name__ == "__main__":
    sys.exit(main())
