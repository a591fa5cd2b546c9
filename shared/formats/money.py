import re
from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency
from django.utils.translation import get_language

_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


def money_text(amount: Decimal, currency: str) -> str:
    """`THB 2,500` or `฿2,500`, as the page's language writes it."""
    locale = Locale.parse(get_language() or "en")
    pattern = locale.currency_formats["standard"].pattern
    is_whole = amount == amount.to_integral_value()
    text: str = format_currency(
        amount,
        currency,
        pattern.replace(".00", "") if is_whole else pattern,
        locale=locale,
        currency_digits=not is_whole,
    )
    return _LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text)
