"""The Asterisk that the settings name: what deploy, rollback, releases and undeploy share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.deploy.run import Executor
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.cli.command import Run
    from cmp_bundle.deploy.run import Outcome

#: The settings that say which Asterisk it is, as flags.
FLAGS = ("asterisk.root", "asterisk.etc_dir", "asterisk.data_dir", "asterisk.url")


def look(run: Run) -> Installation | None:
    """The Asterisk that the settings name, or this machine's; None where there is none."""
    said = run.settings.asterisk
    return find(Named(said.root, said.etc_dir, said.data_dir, said.user, said.command))


def installation(run: Run) -> Installation:
    """Raises CmpBundleError where there is none."""
    found = look(run)
    if found is None:
        raise CmpBundleError(
            "no Asterisk was found on this machine",
            hint="name its folders: [asterisk] etc_dir and data_dir, or --asterisk-root",
        )
    run.reporter.detail(f"configuration: {found.etc_folder} ({found.etc.origin})")
    run.reporter.detail(f"static files:  {found.static} ({found.data.origin})")
    return found


def executor(run: Run, where: Installation) -> Executor:
    """Raises CmpBundleError where it cannot be told whether Asterisk runs and has to be reloaded."""
    if where.unanswered is not None:
        raise where.unanswered
    return Executor(where, Disk(), run.reporter, run.settings.asterisk.url)


@contextmanager
def at_work(run: Run, work: Executor) -> Iterator[None]:
    """Alone on the server, and on firm ground: a run that was cut off is brought to its end."""
    with work.alone():
        said = work.recover()
        if said:
            run.reporter.note(said)
        yield


def when_active(outcome: Outcome, redirect: str) -> str:
    """Where the phone can be opened now, or when."""
    if outcome.url is None:
        return f"Asterisk is not running here: {redirect} will be active when it starts"
    return f"checked on the live server: {outcome.url}{redirect}"
