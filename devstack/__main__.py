"""`python -m devstack`: the commands behind the Makefile."""

import argparse
import os
import sys
from collections.abc import Sequence

from devstack import admins, apps, private, signals
from devstack.errors import DevstackError, Interrupted
from devstack.stack import Stack

COMMANDS = {
    "run": "start everything, show the logs, stop everything at Ctrl-C",
    "start": "start everything in the background",
    "stop": "stop everything",
    "status": "what runs, where and as which process",
    "logs": "follow the logs of the services",
    "monitor": "start Prometheus beside it",
    "clean": "stop everything and delete its data",
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signals.raise_interrupted()
    # Only their owner may read logs, mails and configuration.
    umask = os.umask(0o077)
    try:
        if options.command == "exec":
            return private.execute(options.words, os.environ, fast=options.fast, umask=umask)
        stack = Stack.configured(os.environ)
        match options.command:
            case "start-part":
                stack.start_part(options.name)
            case "stop-part":
                stack.stop_part(options.name)
            case "manage":
                return apps.manage(options.service, options.words, stack.client_environ())
            case "admin":
                return admins.create(stack, os.environ)
            case command:
                getattr(stack, command)()
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        # `run` and `logs` can't be ended any other way, so for them this counts as success.
        return 0 if options.command in ("run", "logs") else 128 + interrupted.number
    except BrokenPipeError:  # `make status | head`; everything was stopped by then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    for name in ("start-part", "stop-part"):
        part = commands.add_parser(name, help="one part, by its name in `status`")
        part.add_argument("name")
    manage = commands.add_parser("manage", help="a management command of a running service")
    manage.add_argument("service", choices=apps.MANAGE)
    manage.add_argument("words", nargs="*", metavar="command", help="after --")
    commands.add_parser("admin", help="make a superuser of both services")
    execute = commands.add_parser("exec", help="run a command with its own private servers")
    execute.add_argument("--fast", action="store_true", help="databases that may lose data")
    execute.add_argument("words", nargs="+", metavar="command", help="after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
