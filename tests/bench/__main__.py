"""``make bench``: what is told by a clock, each figure beside another's from the same run.

Nothing here passes or fails: a busy machine is slow, and only the ratios mean something.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent

from . import accounts, doctors, reload, visits


def main() -> int:
    phone, name = the_phone()
    with tempfile.TemporaryDirectory(prefix="cmp-bundle-bench-") as base:
        print(f"\nFrom an edit to the new page in hand ({name} phone)\n", flush=True)
        table(reload.measured(phone, Path(base)))
        print(f"\nVisits a second to a real Asterisk ({name} phone)\n", flush=True)
        table(visits.measured(name, Path(base)))
        print("\nA build, a provision and a deploy for very many accounts (processor time)\n")
        table(accounts.measured(Path(base)))
        print("\nA look of the doctor at a real Asterisk\n", flush=True)
        table(doctors.measured(Path(base)))
    return 0


def the_phone() -> tuple[Phone, str]:
    """Upstream's where it is in the cache, else the built-in one."""
    for name in ("upstream", "builtin"):
        try:
            return fetch(parse(name), Cache.of_user(), Silent(), offline=True), name
        except CmpBundleError:
            continue
    raise CmpBundleError("a-code", "no phone is in the cache")


def table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            c.ljust(w) if n == 0 else c.rjust(w)
            for n, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "   ".join(cells).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
