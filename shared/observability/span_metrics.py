"""Spans that no collector has got."""

from prometheus_client import Counter

LOST_SPANS = Counter(
    "traces_lost_spans",
    "Spans dropped because too many waited (`queue_full`) or the collector failed (`not_taken`)",
    ["reason"],
)
