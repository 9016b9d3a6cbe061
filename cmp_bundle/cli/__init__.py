"""The command line. Everything but the version waits until a command is known."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from cmp_bundle import __version__  # noqa: PLC0415 - nothing else is to be imported

        print(f"cmp-bundle {__version__}")  # noqa: T201 - the one place that needs no output.py
        return
    from cmp_bundle.cli.app import run  # noqa: PLC0415

    sys.exit(run(arguments))
