"""Watching by itself: what is noticed, through which eyes, and what is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from cmp_bundle.devserver import watching as watching_module
from cmp_bundle.devserver.watching import LOOK_OFTEN, Watching

from .saving import replace_folder

PATIENCE = 20.0


def in_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        asyncio.run(test(**fixtures))

    return run


async def edited(watching: Watching) -> None:
    await asyncio.wait_for(watching.edited(), PATIENCE)


@in_loop
async def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    settings = tmp_path / "cmp-bundle.toml"

    async with contextlib.aclosing(Watching([settings])) as watching:
        for change in (settings.touch, settings.unlink, settings.touch):
            change()
            await edited(watching)


@pytest.mark.slow
@in_loop
async def test_a_folder_that_becomes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watched folder itself, a folder in it, and one that was not there before."""
    # Events tell of everything: nobody looks at the files in between.
    monkeypatch.setattr(watching_module, "LOOK_EVERY", 3600.0)
    phone = tmp_path / "phone"
    (phone / "lib").mkdir(parents=True)

    async with contextlib.aclosing(Watching([phone])) as watching:
        for number in range(5):
            for folder in (phone, phone / "lib", phone / f"new{number}/deep"):
                if folder.exists():
                    replace_folder(folder, {})
                else:
                    folder.mkdir(parents=True)
                await edited(watching)
                (folder / "file").write_text(str(number))
                await edited(watching)


@in_loop
async def test_a_folder_behind_a_link(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    link = tmp_path / "phone"
    link.symlink_to("one")

    async with contextlib.aclosing(Watching([link])) as watching:
        (tmp_path / "one/file").touch()
        await edited(watching)
        other_link = tmp_path / "other-link"
        other_link.symlink_to("two")
        other_link.replace(link)
        await edited(watching)
        (tmp_path / "two/file").touch()
        await edited(watching)


@in_loop
async def test_what_concerns_nobody(tmp_path: Path) -> None:
    phone, settings = tmp_path / "phone", tmp_path / "cmp-bundle.toml"
    phone.mkdir()

    async with contextlib.aclosing(Watching([phone, settings])) as watching:
        for name in (phone / "a", phone / "a/b", settings, tmp_path):
            assert watching.concerns(str(name)), name
        for name in (tmp_path / "other", tmp_path / "phones", phone / ".git/index",
                     phone / "a/node_modules/x.js"):  # fmt: skip
            assert not watching.concerns(str(name)), name


@in_loop
async def test_reading_is_no_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = tmp_path / "last"
    (tmp_path / "file").write_text("x")
    reported: set[str] = set()
    concerns = Watching.concerns

    def hear(watching: Watching, name: str) -> bool:
        reported.add(name)
        return concerns(watching, name)

    monkeypatch.setattr(Watching, "concerns", hear)

    def read() -> None:
        for _ in range(20):
            (tmp_path / "file").read_text()
            list(tmp_path.iterdir())

    async with contextlib.aclosing(Watching([tmp_path])) as watching:
        read()
        last.touch()  # the system tells of things in their order
        await edited(watching)
        assert reported == {str(last)}


@pytest.mark.parametrize("polling", [False, True])
@in_loop
async def test_a_file_that_is_given_another_mode(tmp_path: Path, polling: bool) -> None:
    """It may be what somebody was told to do: chmod 600 accounts.toml."""
    file = tmp_path / "accounts.toml"
    file.touch(0o644)

    async with contextlib.aclosing(Watching([file], polling=polling)) as watching:
        file.chmod(0o600)
        await edited(watching)


@in_loop
async def test_a_system_that_allows_no_more_watching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editors and browsers may have used up fs.inotify.max_user_instances."""

    def full() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watching_module, "Observer", full)

    async with contextlib.aclosing(Watching([tmp_path])) as watching:
        assert watching.trouble == "inotify instance limit reached"
        assert watching.pause == LOOK_OFTEN
        (tmp_path / "file").touch()
        await edited(watching)


@pytest.mark.slow
@in_loop
async def test_eyes_that_fail(tmp_path: Path) -> None:
    """Whatever becomes of the thread that tells of events: edits are noticed, and soon again."""
    file = tmp_path / "file"

    async with contextlib.aclosing(Watching([tmp_path])) as watching:
        file.write_text("one")
        await edited(watching)
        assert watching._observed
        watching._observed.close()
        for text in ("two", "three"):
            file.write_text(text)
            await edited(watching)
        assert watching.pause == LOOK_OFTEN


@pytest.mark.slow
@in_loop
async def test_the_system_s_threads_survive_checkouts(tmp_path: Path) -> None:
    """Watchdog's own recursion dies of this within a hundred: a folder goes, another comes."""
    folder = tmp_path / "phone/lib"
    folder.mkdir(parents=True)
    (folder / "file").touch()

    async with contextlib.aclosing(Watching([tmp_path / "phone"])) as watching:

        async def follow() -> None:
            while True:
                await watching.edited()

        following = asyncio.create_task(follow())

        def checkouts() -> None:
            for number in range(2000):
                replace_folder(folder, {"file": str(number)})

        await asyncio.to_thread(checkouts)
        following.cancel()
        assert any("Inotify" in type(t).__name__ for t in threading.enumerate())
