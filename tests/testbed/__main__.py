"""``make testbed``: two real Asterisks on free loopback ports, with the chapter's configuration.

python -m tests.testbed build    make both trees, and install what the real tests need
python -m tests.testbed start    start both, say where they are, stop them on Ctrl-C
python -m tests.testbed clean    throw the trees away
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

from . import machine, roots


def build() -> int:
    machine.install()
    reason = roots.why_not()
    if reason:
        print(f"testbed: {reason}")
        return 0
    for release in roots.RELEASES.values():
        try:
            roots.build(release)
        except subprocess.CalledProcessError as error:
            print(f"testbed: no Asterisk {release.version}: {error}", file=sys.stderr)
            return 1
        try:
            roots.complete(release)
        except subprocess.CalledProcessError as error:
            print(f"testbed: no databases for Asterisk {release.version}: {error}", file=sys.stderr)
    return 0


def start() -> int:
    # What it imports is in .venv alone, and "clean" is for whoever has none any more.
    from .server import ACCOUNTS, running

    if build():
        return 1
    reason = roots.why_not()
    if reason:
        return 1
    with contextlib.ExitStack() as both, contextlib.suppress(KeyboardInterrupt):
        for release in roots.RELEASES.values():
            pbx = both.enter_context(running(release))
            print(f"Asterisk {release.version}: {pbx.url}")
            print(f"  configuration  {pbx.etc}")
            print(f"  static files   {pbx.static}")
            print(f"  console        {' '.join(pbx.command)} -r")
        print(f"accounts: {', '.join(f'{n} ({p})' for n, p in ACCOUNTS.items())}; echo: 246")
        print("Ctrl-C stops both")
        signal.pause()
    return 0


def clean() -> int:
    roots.clean()
    return 0


if __name__ == "__main__":
    verbs = {"build": build, "start": start, "clean": clean}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    sys.exit(verbs[sys.argv[1]]())
