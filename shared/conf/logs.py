"""The environment variables of logging, which gunicorn and the settings both read."""

import logging

from shared.conf.env import Environment, OneOf
from shared.observability.logs import FORMATS, JSON


def read_log_level(env: Environment) -> int:
    return env.log_level("LOG_LEVEL", logging.INFO, help="The least severe messages to log.")


def read_log_format(env: Environment) -> str:
    return env.str(
        "LOG_FORMAT",
        JSON,
        validate=OneOf(FORMATS),
        help="`json`: one object a line, for programs. `console`: short lines for people, with "
        "colours on a terminal; `make run` sets it.",
    )
