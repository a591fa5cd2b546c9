"""`python -m devstack.cluster`: the commands behind `make cluster` and its siblings."""

import argparse
import os
import sys
from collections.abc import Sequence

from devstack import signals
from devstack.cluster.stack import Cluster
from devstack.errors import DevstackError, Interrupted

COMMANDS = {
    "start": "start everything in the background",
    "stop": "stop everything",
    "status": "what runs, where, and who is the primary",
    "clean": "stop everything and delete its data",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="devstack.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    options = parser.parse_args(arguments)
    signals.raise_interrupted()
    os.umask(0o077)
    try:
        getattr(Cluster.configured(os.environ), options.command)()
    except DevstackError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except BrokenPipeError:  # `make cluster-status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
