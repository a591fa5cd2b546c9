"""Finding part of a text without reading all texts.

The function `event_ngrams` of the database, made by a migration, returns all pieces of up to three
characters of a text, in upper case. A text that contains a pattern has all pieces of the pattern,
and an index of the pieces finds it.

Not `pg_trgm`: that extension is not part of every PostgreSQL, finds nothing shorter than three
characters, and counts only what the locale takes for letters and digits.
"""

from django.db.models import BooleanField, F, Func, IntegerField, TextField, Value

_LONGEST = 3


def name_ngrams() -> Func:
    """What the index has: all pieces of an event's name."""
    return _ngrams(F("name"), shortest=1)


def name_has_ngrams_of(pattern: str) -> Func:
    """Whether an event's name may contain `pattern`, in either case. To be asked together with a
    look at the name itself: the pieces may be there in another order."""
    # Of the pattern the longest pieces are enough, where it is not shorter itself.
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
