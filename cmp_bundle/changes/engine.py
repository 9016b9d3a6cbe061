"""Carrying changes out: journal, steps, a look whether they work; else everything back.

It knows nothing of what the changes are for. What has to be looked at after them is handed in.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from cmp_bundle.changes.journal import Entry, Journal
from cmp_bundle.changes.step import LeftError, NotBegunError, Reload
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.changes.step import Removal, Service, Step
    from cmp_bundle.files import Disk
    from cmp_bundle.report import Reporter

#: Seconds to wait for another run on the same server.
PATIENCE = 60

T = TypeVar("T")


class NoService:
    """Where there is no server, nobody reads what is changed."""

    def reload(self, line: str) -> None:
        del line

    def worse(self) -> str | None:
        return None


@dataclass(frozen=True)
class Engine:
    """Changes one server; all commands that do so use the same ``journal``."""

    journal: Journal
    disk: Disk
    reporter: Reporter
    service: Service

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other runs out, and first brings one that was cut off to its end.

        Raises CmpBundleError when another run stays too long, or what was cut off cannot be
        brought to an end.
        """
        with locked(self.journal.folder, PATIENCE):
            text = self.recover()
            if text:
                self.reporter.note(text)
            yield

    def recover(self) -> str | None:
        """Bring a run that was cut off to its end; one sentence on what was done.

        To be called with the lock held, before anything is looked at.
        """
        # What a run that was killed while it wrote its journal left behind.
        self.disk.within(Boundary()).remove_partial(self.journal.path)
        left = self.journal.read()
        if left is None:
            return None
        if left.finishing:
            self.clean(left.cleanup)
            return f"the {left.action} before was cut off when it was done; now it is tidied up"
        reloads = [step.line for step in left.steps if isinstance(step, Reload)]
        try:
            # Half of it put back would be one more state that nobody meant.
            for step in left.steps:
                step.reach()
            worse = self._put_back(left.steps, reloads)
        except CmpBundleError as stuck:
            raise CmpBundleError(
                "undo-failed",
                f"{stuck}; so the {left.action} before, which was cut off halfway, cannot be undone"
                " yet",
                hint=f"{stuck.hint or 'fix that'}; then run any command that changes this server:"
                f" it first undoes what is left, as {self.journal.path} has it",
            ) from stuck
        if worse:
            self.reporter.warn(worse)
        return f"the {left.action} before was cut off halfway; now it is undone"

    @contextmanager
    def transaction(self, action: str) -> Iterator[Transaction]:
        """All that is done in it, or nothing; with the lock held.

        Raises CmpBundleError after undoing, and says first what is worse than before in spite of
        that.
        """
        transaction = Transaction(self, Entry(action))
        try:
            yield transaction
            transaction.settle()
        except BaseException as error:
            if not transaction.entry.steps:
                raise
            self._undo(transaction, error)
            if _is_bug(error):
                raise
            raise _undone(action, error) from error
        if transaction.entry.finishing:
            self.clean(transaction.cleanup)

    def carry_out(self, plan: Plan, verify: Callable[[], T]) -> T:
        """Do what ``plan`` says, and what ``verify`` gives. Raises CmpBundleError after undoing it."""
        if not plan:
            return verify()
        with self.transaction(plan.action) as transaction:
            transaction.do(plan.steps)
            result = verify()
            transaction.cleanup += plan.cleanup
        return result

    def _undo(self, transaction: Transaction, error: BaseException) -> None:
        if transaction.settling:
            # It may say already that all is done, and a run cut off from here on is to undo.
            with suppress(CmpBundleError):
                self.journal.write(transaction.entry, self.disk)
        # What the service was not asked to read, it need not be asked to forget.
        asked = [step.line for step in transaction.begun if isinstance(step, Reload)]
        try:
            worse = self._put_back(transaction.begun, asked)
        except CmpBundleError as stuck:
            text = f"not all could be put back: {stuck}"
            hint = (
                "fix that, then run any command that changes this server: it first undoes what is"
                " left"
            )
            if _is_bug(error):
                self.reporter.warn(f"{text}; {hint}")
                return
            raise CmpBundleError(
                "undo-failed", f"{getattr(error, 'message', 'stopped')}; and {text}", hint=hint
            ) from stuck
        if worse and _is_bug(error):
            self.reporter.warn(worse)
        elif worse:
            raise CmpBundleError(
                "undone-with-loss",
                f"{worse}. What led to it: {getattr(error, 'message', 'it was stopped')};"
                f" but for that, everything was put back as it was before the {transaction.entry.action}",
                hint=getattr(error, "hint", None),
            ) from error

    def _put_back(self, steps: Sequence[Step], reloads: Sequence[str]) -> str | None:
        """Undo the steps, last one first, all that can be; a clause on what is not as before.

        Raises what stood against it where something cannot be undone; the journal then stays.
        """
        problems: list[Exception] = []
        left = []
        for step in reversed(steps):
            try:
                step.undo(self.disk, self.service)
            except LeftError as error:
                left.append(error.with_hint)
            except Exception as error:  # noqa: BLE001 - it comes out once the others are undone
                problems.append(error)
        if problems:
            raise problems[0]
        worse = None
        try:
            for line in dict.fromkeys(reloads):
                Reload(line).carry_out(self.disk, self.service)
        except CmpBundleError as error:
            worse = error.with_hint
        if reloads and not worse:
            worse = self.service.worse()
        self.journal.remove(self.disk)
        return "; ".join([*([worse] if worse else []), *left]) or None

    def clean(self, cleanup: Sequence[Removal]) -> None:
        """Throw away what is no longer needed, the journal last."""
        left = [removal.path for removal in cleanup if not removal.carry_out(self.disk)]
        if left:
            self.reporter.note(
                f"left where they are, since they hold something that is not cmp-bundle's:"
                f" {', '.join(map(str, left))}"
            )
        self.journal.remove(self.disk)


@dataclass
class Transaction:
    """Steps that are done as they come; ``cleanup`` is for the end."""

    engine: Engine
    entry: Entry
    begun: list[Step] = field(default_factory=list)
    cleanup: tuple[Removal, ...] = ()
    settling: bool = False

    def do(self, steps: Sequence[Step]) -> None:
        """Write down how to undo ``steps``, then do them. Raises CmpBundleError."""
        if not steps:
            return
        engine = self.engine
        entry = self.entry.with_steps(steps)
        engine.journal.write(entry, engine.disk)
        self.entry = entry
        for step in steps:
            for path in step.paths():
                engine.reporter.detail(f"{path}")
            self.begun.append(step)
            try:
                step.carry_out(engine.disk, engine.service)
            except NotBegunError:
                self.begun.pop()
                raise

    def settle(self) -> None:
        """From here on it stays: a run that is cut off now is brought to its end."""
        if self.entry.steps or self.cleanup:
            self.settling = True
            entry = self.entry.finished(self.cleanup)
            self.engine.journal.write(entry, self.engine.disk)
            self.entry = entry


def _is_bug(error: BaseException) -> bool:
    """It is to come out as it is, with its traceback."""
    return not isinstance(error, CmpBundleError | KeyboardInterrupt)


def _undone(action: str, error: BaseException) -> CmpBundleError:
    if isinstance(error, CmpBundleError):
        return CmpBundleError(
            error.code,
            f"{error.message}; everything was put back as it was before the {action}",
            hint=error.hint,
            file=error.file,
            line=error.line,
        )
    return CmpBundleError(
        "interrupted", f"stopped; everything was put back as it was before the {action}"
    )
