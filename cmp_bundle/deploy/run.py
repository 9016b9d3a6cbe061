"""Carrying out a plan: checkpoint, changes, reload, look; else everything back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.control import NOT_BOUND
from cmp_bundle.deploy import change as changes
from cmp_bundle.deploy import checkpoint, live
from cmp_bundle.deploy.change import Change
from cmp_bundle.deploy.checkpoint import Checkpoint
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Owner, locked

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.deploy.steps import Plan
    from cmp_bundle.files import Disk
    from cmp_bundle.report import Reporter

#: Seconds to wait for another run on the same server.
PATIENCE = 60


@dataclass(frozen=True)
class Outcome:
    """``url`` is where the live server was looked at; None where none was running."""

    plan: Plan
    url: str | None


@dataclass(frozen=True)
class Executor:
    """Carries plans out on one installation. ``url`` is the operator's, or empty."""

    installation: Installation
    disk: Disk
    reporter: Reporter
    url: str = ""

    @property
    def folder(self) -> Path:
        """Our folder under Asterisk's configuration."""
        return self.installation.etc_folder / includes.FOLDER

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other runs out. Raises CmpBundleError when one stays too long."""
        return locked(self.installation.etc_folder, PATIENCE)

    def recover(self) -> str | None:
        """Bring a run that was cut off to its end; one sentence on what was done.

        To be called with the lock held, before anything is looked at.
        """
        left = checkpoint.read(self.folder)
        self._sweep()
        if left is None:
            return None
        if left.phase == "finishing":
            checkpoint.finish(left, self.folder, self.disk)
            return f"the {left.action} before was cut off when it was done; now it is tidied up"
        self._put_back(left)
        return f"the {left.action} before was cut off halfway; now it is undone"

    def carry_out(self, plan: Plan) -> Outcome:
        """Do what ``plan`` says. With the lock held. Raises CmpBundleError after undoing it."""
        url = self._base_url()
        if not plan.steps and not plan.then:
            return Outcome(plan, self._look(plan, url))
        self.disk.make_folder(self.folder, Owner.of(self.installation.etc_folder))
        point = Checkpoint(plan.action, plan.changes, plan.reloads, plan.then)
        try:
            checkpoint.write(point, self.folder, self.disk)
        except CmpBundleError:
            self.disk.remove_folder(self.folder)
            raise
        asked: list[str] = []
        try:
            for step in plan.steps:
                if isinstance(step, Change):
                    self.reporter.detail(f"{step.path}")
                    changes.make(step.path, step.before, step.after, self.disk)
                else:
                    asked.append(step.line)
                    self._reload(step.line)
            url = self._look(plan, url)
            # From here on it stays: a run that is cut off now is brought to its end.
            checkpoint.write(checkpoint.finishing(point), self.folder, self.disk)
        except (CmpBundleError, KeyboardInterrupt) as error:
            try:
                # What Asterisk was not asked to read, it need not be asked to forget.
                self._put_back(replace(point, reload=tuple(asked)))
            except CmpBundleError as worse:
                raise _stuck(error, worse) from worse
            raise _undone(plan, error) from error
        checkpoint.finish(point, self.folder, self.disk)
        return Outcome(plan, url)

    def _base_url(self) -> str | None:
        if not self.installation.running:
            return None
        return live.base_url(self.url, self.installation.control.listener())

    def _look(self, plan: Plan, url: str | None) -> str | None:
        """Where the server was seen to do as planned; None where none is running."""
        if not self.installation.running:
            return None
        # A listener that this very plan turned on was not there to be seen before.
        url = url or self._base_url()
        if url is None and self.installation.control.listener() == NOT_BOUND:
            if plan.expected.page is None:
                return None  # nothing is served, so nothing of ours is
            raise CmpBundleError(
                f"Asterisk does not listen on {plan.expected.listener}, where http.conf puts HTTPS",
                hint="another program has that port, or Asterisk cannot read the certificate or"
                " its key: Asterisk's log says which",
            )
        url = url or live.base_url("", plan.expected.listener)
        if url is None:
            raise CmpBundleError(
                "Asterisk's web server listens on no TLS port",
                hint="asterisk -rx 'http show status' tells what it listens on",
            )
        try:
            live.check(url, plan.expected)
        except CmpBundleError as error:
            if self.installation.control.ask("core show uptime") is None:
                raise _stopped() from error
            raise
        if plan.expected.echo is not None:
            extension, context = plan.expected.echo
            said = self.installation.control.ask(f"dialplan show {extension}@{context}") or ""
            if "StreamEcho" not in said:
                raise CmpBundleError(
                    f"the dialplan does not lead {extension} in [{context}] to the echo",
                    hint="another extension of that number comes first; choose another number",
                )
        return url

    def _reload(self, line: str) -> None:
        if not self.installation.running:
            return
        self.disk.announce("reload", self.folder)
        self.reporter.detail(f"asterisk -rx {line!r}")
        if self.installation.control.ask(line) is None:
            raise _stopped()

    def _put_back(self, point: Checkpoint) -> None:
        checkpoint.undo(point, self.disk)
        for line in point.reload if self.installation.running else ():
            self.disk.announce("reload", self.folder)
            self.installation.control.ask(line)
        self.disk.remove(self.folder / checkpoint.NAME)
        self.disk.remove_folder(self.folder)

    def _sweep(self) -> None:
        """What a run that was killed before its first change, or after its last, left behind."""
        if not self.folder.is_dir():
            return
        for path in self.folder.glob(self.disk.partial(self.folder / "*").name):
            self.disk.remove(path)
        self.disk.remove_folder(self.folder)


def _stopped() -> CmpBundleError:
    """A reload of http.conf can end Asterisk where somebody connects just then."""
    return CmpBundleError(
        "Asterisk stopped when it was asked to read its configuration again",
        hint="its log says why; start it, then do this again",
    )


def _stuck(error: BaseException, worse: CmpBundleError) -> CmpBundleError:
    """The checkpoint is still there."""
    return CmpBundleError(
        f"{getattr(error, 'message', 'stopped')}; and not all could be put back: {worse}",
        hint="mend that, then run cmp-bundle undeploy or deploy: either first undoes what is left",
    )


def _undone(plan: Plan, error: BaseException) -> CmpBundleError:
    if isinstance(error, CmpBundleError):
        return CmpBundleError(
            f"{error.message}; everything was put back as it was before the {plan.action}",
            hint=error.hint,
            file=error.file,
            line=error.line,
        )
    return CmpBundleError(f"stopped; everything was put back as it was before the {plan.action}")
