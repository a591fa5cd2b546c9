"""Finds texts by a part of them without reading all texts.

The database function `event_ngrams`, created by a migration, returns all pieces of up to three
characters of a text, in upper case. A text that contains a pattern has all pieces of the pattern,
so an index of the pieces finds it.

`pg_trgm` isn't used: not every PostgreSQL has that extension, it finds nothing shorter than three
characters, and it only considers what the locale calls letters and digits.
"""

from django.db.models import BooleanField, F, Func, IntegerField, TextField, Value

_LONGEST = 3


def name_ngrams() -> Func:
    """What the index holds: all pieces of an event's name."""
    return _ngrams(F("name"), shortest=1)


def name_has_ngrams_of(pattern: str) -> Func:
    """Whether an event's name may contain `pattern`, in either case. Check the name itself as well:
    the pieces may occur in another order."""
    # The pattern's longest pieces are enough, unless the pattern itself is shorter.
    of_pattern = _ngrams(Value(pattern, output_field=TextField()), shortest=_LONGEST)
    return Func(
        name_ngrams(),
        of_pattern,
        template="%(expressions)s",
        arg_joiner=" @> ",
        output_field=BooleanField(),
    )


def _ngrams(text: F | Value, *, shortest: int) -> Func:
    return Func(
        text,
        Value(shortest, output_field=IntegerField()),
        function="event_ngrams",
        output_field=TextField(),
    )
