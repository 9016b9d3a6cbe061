from __future__ import annotations

from dataclasses import asdict

from cmp_bundle.bundle import dist
from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import client
from cmp_bundle.cli import source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import kilobytes
from cmp_bundle.files import Disk

_FLAGS = (*source.FLAGS, "build.out", "build.pack", "build.pristine", "site.redirect")


@make(source.OFFLINE, flags=_FLAGS)
def command(run: Run, *, offline: bool) -> Result:
    """Make the bundle: the phone with its settings, packed.

    The phone is fetched first if it is not in the cache. The folder that is written holds all
    that a deploy needs; the same inputs give the same bytes.
    """
    phone = source.phone(run, offline=offline)
    built = build(phone, run.settings, client())
    for warning in built.warnings:
        run.reporter.warn(f"{warning.path}: {warning.message}")
    about = built.bundle.manifest
    out = run.settings.build.out
    fresh = dist.write(built.bundle, out, Disk())
    before, now = built.before, about.visit
    lines = [
        f"{out}: bundle {about.id} of {phone.source}{'' if fresh else ', the same as before'}",
        f"a visit takes {kilobytes(now.bytes)} in {_requests(now.requests)}"
        f" (the phone as it came: {kilobytes(before.bytes)} in {_requests(before.requests)})",
        f"it will be {about.redirect} on the server; next: cmp-bundle deploy --dry-run",
    ]
    data = {
        "out": out,
        "changed": fresh,
        "manifest": asdict(about),
        "before": asdict(before),
        "warnings": [asdict(w) for w in built.warnings],
    }
    return Result("\n".join(lines), data)


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"
