"""Waiting out temporary failures: retries with growing, random pauses, until told to stop."""

import logging
import threading
from collections.abc import Callable

import tenacity

logger = logging.getLogger(__name__)


def retrying(
    *,
    errors: tuple[type[Exception], ...],
    shutdown: threading.Event,
    longest: float,
    sleep: Callable[[float], None] | None = None,
    on_failure: Callable[[BaseException], None] = lambda _: None,
) -> tenacity.Retrying:
    """Calls the given function until it raises none of `errors`. Once `shutdown` is set, the last
    error is raised instead. Pauses grow to `longest` seconds; `sleep` replaces the way to wait.
    `on_failure` is called with the error before each pause.
    """

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if error is not None and state.next_action is not None:
            logger.warning("%s; trying again in %.1f s", error, state.next_action.sleep)
            on_failure(error)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(errors),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=longest),
        sleep=sleep or tenacity.sleep_using_event(shutdown),
        stop=tenacity.stop_when_event_set(shutdown),
        before_sleep=before_sleep,
        reraise=True,
    )
