"""All of it or nothing, and the next run brings what was cut off to its end."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.changes import engine as engines
from cmp_bundle.changes.engine import Engine
from cmp_bundle.changes.journal import Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.changes.plan import Plan
from cmp_bundle.changes.state import FileState, FolderState
from cmp_bundle.changes.step import Change, LeftError, NotBegunError, Reload, Removal, Step
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership
from cmp_bundle.report import Silent

from .carried import killed_before_it_settles

OWNER = FileOwnership(-1, -1, 0o644)


@dataclass
class Heard(Silent):
    said: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(f"warning: {text}")


@dataclass
class Service:
    """Each reload takes the next of ``answers``; None is a good one."""

    answers: list[Exception | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lost: str | None = None

    def reload(self, line: str) -> None:
        self.asked.append(line)
        if self.answers and (answer := self.answers.pop(0)):
            raise answer

    def worse(self) -> str | None:
        return self.lost


@dataclass(frozen=True)
class Act:
    """A step that does what it is told to."""

    done: Callable[[], Any] = lambda: None
    undone: Callable[[], Any] = lambda: None
    reached: Callable[[], Any] = lambda: None

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {"kind": "act"}

    def carry_out(self, disk: Disk, service: Any) -> None:
        del disk, service
        self.done()

    def undo(self, disk: Disk, service: Any) -> None:
        del disk, service
        self.undone()

    def reach(self) -> None:
        self.reached()


@dataclass
class Bench:
    """``act`` is what an Act in a journal is read as."""

    folder: Path
    disk: Disk = field(default_factory=Disk)
    service: Service = field(default_factory=Service)
    heard: Heard = field(default_factory=Heard)
    act: Act = field(default_factory=Act)

    @property
    def journal(self) -> Journal:
        kinds = {"act": lambda _: self.act}
        return Journal(memory("bench", Disk()), (self.folder,), kinds)

    @property
    def engine(self) -> Engine:
        return Engine(self.journal, self.disk, self.heard, self.service)

    def run(self, *steps: Step, verify: Callable[[], Any] = lambda: None, **rest: Any) -> None:
        with self.engine.alone():
            self.engine.carry_out(Plan("deploy", steps, **rest), verify)

    def recover(self) -> str:
        self.heard.said.clear()
        with self.engine.alone():
            pass
        return "\n".join(self.heard.said)

    def new(self, name: str, data: bytes = b"new") -> Change:
        return Change(self.folder / name, None, FileState(data, OWNER))

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture(name="at")
def _at(tmp_path: Path) -> Bench:
    (tmp_path / "server").mkdir()
    return Bench(tmp_path / "server")


def raising(error: BaseException) -> Callable[[], Any]:
    def fails() -> None:
        raise error

    return fails


def test_all_of_it(at: Bench) -> None:
    at.run(at.new("a"), Reload("x"), at.new("b"))
    assert at.content() == {"a": b"new", "b": b"new"}
    assert at.service.asked == ["x"]
    assert at.recover() == ""


@pytest.mark.parametrize(
    "how", [CmpBundleError("a-code", "no room", hint="make some"), KeyboardInterrupt()]
)
def test_or_nothing(at: Bench, how: BaseException) -> None:
    with pytest.raises(CmpBundleError, match="everything was put back as it was before the deploy"):
        at.run(at.new("a"), Reload("x"), Act(raising(how)), at.new("b"), Reload("y"))
    assert at.content() == {}
    assert at.service.asked == ["x", "x"], "what was not read needs no other look"
    assert at.recover() == ""


def test_a_look_that_fails_undoes_it_too(at: Bench) -> None:
    with pytest.raises(CmpBundleError, match="serves nothing; everything was put back") as caught:
        at.run(at.new("a"), verify=raising(CmpBundleError("a-code", "serves nothing", hint="look")))
    assert caught.value.hint == "look"
    assert at.content() == {}


def test_a_bug_comes_out_as_it_is_and_all_is_put_back(at: Bench) -> None:
    with pytest.raises(ValueError, match="a bug"):
        at.run(at.new("a"), Act(raising(ValueError("a bug"))))
    assert at.content() == {}
    assert at.recover() == ""


def test_a_bug_is_not_hidden_by_what_could_not_be_put_back(at: Bench) -> None:
    stuck = Act(undone=raising(CmpBundleError("a-code", "the database is down")))
    with pytest.raises(ValueError, match="a bug"):
        at.run(stuck, Act(raising(ValueError("a bug"))))
    assert "not all could be put back: the database is down" in at.heard.said[0]
    assert at.journal.read() is not None


def test_a_step_that_did_not_begin_is_not_undone(at: Bench) -> None:
    never = Act(
        raising(NotBegunError("a-code", "somebody was quicker")), raising(AssertionError("undone"))
    )
    with pytest.raises(CmpBundleError, match="somebody was quicker"):
        at.run(at.new("a"), never)
    assert at.content() == {}


def failure(kind: type[Exception], text: str) -> Exception:
    return CmpBundleError("a-code", text) if kind is CmpBundleError else kind(text)


@pytest.mark.parametrize("kind", [CmpBundleError, ValueError])
def test_what_cannot_be_undone_stays_to_be_and_the_others_are_undone(
    at: Bench, kind: type[Exception]
) -> None:
    stuck = Act(
        raising(CmpBundleError("a-code", "refused")), raising(failure(kind, "the database is down"))
    )
    with pytest.raises(kind, match="the database is down") as caught:
        at.run(at.new("a"), stuck, at.new("b"))
    if kind is CmpBundleError:
        assert "refused; and not all could be put back" in str(caught.value)
    assert at.content() == {}
    at.act = Act(undone=raising(failure(kind, "still down")))
    with pytest.raises(kind, match="still down"):
        at.recover()
    at.act = Act()
    assert "is undone" in at.recover()
    assert at.recover() == ""


def cut_off(at: Bench, *steps: Step) -> None:
    with killed_before_it_settles():
        at.run(*steps)


def test_what_is_out_of_reach_is_said_and_nothing_else_changed(at: Bench) -> None:
    """Half of it put back, the database's half not, would be one more state that nobody meant."""
    cut_off(at, at.new("a"), Act())
    at.act = Act(
        reached=raising(CmpBundleError("a-code", "access denied", hint="give its password"))
    )
    with pytest.raises(CmpBundleError, match="access denied; so the deploy before") as caught:
        at.recover()
    assert (caught.value.hint or "").startswith("give its password; then run any command")
    assert at.content() == {"a": b"new"}
    assert at.service.asked == []
    at.act = Act()
    assert at.recover() == "the deploy before was cut off halfway; now it is undone"
    assert at.content() == {}


def test_what_somebody_else_changed_since_is_left_and_said_once(at: Bench) -> None:
    """A journal that stayed for it would stop every command for good."""
    cut_off(at, at.new("a"), Act())
    at.act = Act(
        undone=raising(LeftError("a-code", "was changed by somebody else since", hint="look"))
    )
    assert "warning: was changed by somebody else since (look)" in at.recover()
    assert at.content() == {}
    assert at.recover() == ""


def test_the_service_is_asked_again_when_a_cut_off_run_is_undone(at: Bench) -> None:
    """Whether the killed run had asked it is not known, nor who has restarted it since."""
    cut_off(at, at.new("a"), Reload("x"), Reload("y"), Reload("x"))
    at.service.asked.clear()
    at.recover()
    assert at.service.asked == ["x", "y"]


def test_a_reload_that_fails_while_putting_back_is_said_first(at: Bench) -> None:
    at.service.answers = [
        None,
        CmpBundleError("a-code", "Asterisk does not answer", hint="see its log"),
    ]
    with pytest.raises(CmpBundleError) as caught:
        at.run(at.new("a"), Reload("x"), Act(raising(CmpBundleError("a-code", "refused"))))
    assert caught.value.message.startswith("Asterisk does not answer (see its log)")
    assert "What led to it: refused" in caught.value.message
    assert at.content() == {}
    assert at.recover() == ""


def test_what_works_no_more_after_putting_back_is_said_first(at: Bench) -> None:
    at.service.lost = "/ws does not answer any more"
    with pytest.raises(CmpBundleError, match=r"^/ws does not answer any more\. What led to it"):
        at.run(Reload("x"), Act(raising(CmpBundleError("a-code", "refused"))))
    cut_off(at, Reload("x"))
    assert at.recover().startswith("warning: /ws does not answer any more")


def test_cleaning_up_leaves_what_is_somebody_else_s(at: Bench) -> None:
    old = at.folder / "old"
    old.mkdir()
    for name in ("1.bin", "theirs.txt"):
        (old / name).write_bytes(b"")
    at.run(
        Change(at.folder / "a", None, FolderState(OWNER.with_mode(0o755))),
        cleanup=(Removal(old, "*.bin"),),
    )
    assert [path.name for path in old.iterdir()] == ["theirs.txt"]
    assert f"something that is not cmp-bundle's: {old}" in at.heard.said[0]
    assert at.recover() == ""


def test_cut_off_while_it_tidied_up(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (at.folder / "old").write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(Removal, "carry_out", lambda *_: raising(KeyboardInterrupt())())
        with pytest.raises(KeyboardInterrupt):
            at.run(at.new("a"), cleanup=(Removal(at.folder / "old"),))
    assert set(at.content()) == {"a", "old"}
    assert "cut off when it was done; now it is tidied up" in at.recover()
    assert set(at.content()) == {"a"}


def test_a_run_killed_while_it_undoes_what_was_almost_settled(at: Bench) -> None:
    """The journal may say already that all is done, when that could not be brought to the disk."""
    written: list[bool] = []
    write, undo = Journal.write, Engine._put_back

    def failing(self: Journal, entry: Any, disk: Disk) -> None:
        write(self, entry, disk)
        written.append(entry.finishing)
        if entry.finishing:
            raise CmpBundleError("a-code", "the disk does not answer")

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "write", failing)
        patch.setattr(Engine, "_put_back", killed)
        with pytest.raises(KeyboardInterrupt):
            at.run(at.new("a"))
    assert Engine._put_back is undo
    assert written == [False, True, False]
    assert "is undone" in at.recover()
    assert at.content() == {}


def test_a_journal_half_written_is_swept_away(at: Bench) -> None:
    """It holds passwords, whether or not there is a whole one beside it."""
    for whole in (False, True):
        if whole:
            cut_off(at, at.new("a"))
        partial = Disk.partial(at.journal.path)
        partial.write_bytes(b"half")
        at.recover()
        assert list(at.journal.folder.iterdir()) == []


@pytest.mark.parametrize("number", range(12))
def test_a_stop_at_any_step_is_old_or_new(at: Bench, number: int) -> None:
    (at.folder / "theirs").write_bytes(b"1")
    left = [number]

    def before(_step: str, _path: Path) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise KeyboardInterrupt

    at.disk = Disk(before)
    state = FileState(b"1", FileOwnership.of(at.folder / "theirs"))
    edit = Change(at.folder / "theirs", state, FileState(b"2", state.owner), theirs=True)
    stopped = False
    try:
        at.run(edit, Reload("x"), at.new("a"))
    except (KeyboardInterrupt, CmpBundleError):
        stopped = True
    at.disk = Disk()
    at.recover()
    old, new = {"theirs": b"1"}, {"theirs": b"2", "a": b"new"}
    assert at.content() in ((old, new) if stopped else (new,))
    assert list(at.journal.folder.iterdir()) == []


def test_two_runs_at_once_wait_for_each_other(at: Bench) -> None:
    order: list[str] = []
    inside, go = threading.Event(), threading.Event()

    def first() -> None:
        with at.engine.alone():
            inside.set()
            go.wait(60)
            order.append("first")

    def second() -> None:
        with at.engine.alone():
            order.append("second")

    runs = [threading.Thread(target=run) for run in (first, second)]
    runs[0].start()
    assert inside.wait(60)
    runs[1].start()
    go.set()
    for run in runs:
        run.join(60)
    assert order == ["first", "second"]


def test_a_run_that_stays_too_long_is_said(at: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 0)
    with at.engine.alone(), pytest.raises(CmpBundleError, match="another cmp-bundle is running"):
        at.run(at.new("a"))
    assert at.content() == {}


def test_a_killed_run_holds_no_lock(at: Bench) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with at.engine.alone():
            os.write(writing, b"in")
            signal.pause()
        os._exit(0)
    assert select.select([reading], [], [], 60)[0]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for descriptor in (reading, writing):
        os.close(descriptor)
    at.run(at.new("a"))
