from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.phone.cache import Cache, CacheDamagedError
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone

from . import stored_by_another
from .phones import PAGE, SMALL, VARIED, as_tar
from .servers import Answer

if TYPE_CHECKING:
    from .servers import HttpsServer, Trust

PHONE = Phone.of(VARIED, source="https://example.org/p.zip", revision="abc")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "not" / "there" / "yet")


def entry(cache: Cache) -> Path:
    return cache.root / "phones" / PHONE.tree


def test_what_is_stored_is_loaded(cache: Cache) -> None:
    assert cache.load(PHONE.tree) is None
    cache.store(PHONE)
    assert cache.load(PHONE.tree) == VARIED
    assert cache.load("0" * 40) is None


def test_nobody_s_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMP_BUNDLE_CACHE", "~nobody-of-that-name/cache")
    with pytest.raises(CmpBundleError, match="the user has no home folder"):
        Cache.of_user()


def test_how_it_lies_there(cache: Cache) -> None:
    cache.store(PHONE)
    there = {p.relative_to(cache.root).as_posix() for p in cache.root.rglob("*") if p.is_file()}
    files = {f"phones/{PHONE.tree}/{path}" for path in VARIED}
    assert there == files | {f"phones/{PHONE.tree}.json"}
    record = json.loads((cache.root / "phones" / f"{PHONE.tree}.json").read_bytes())
    assert record.pop("fetched")
    assert record == {"format": 1, "source": "https://example.org/p.zip", "revision": "abc"}


def test_what_is_there_stays(cache: Cache) -> None:
    cache.store(PHONE)
    before = entry(cache).stat().st_ino
    cache.store(PHONE)
    assert entry(cache).stat().st_ino == before


def change(path: Path) -> None:
    path.write_bytes(b"changed")


def forbid(path: Path) -> None:
    path.chmod(0o755)


def lead_out(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def add(path: Path) -> None:
    path.with_name("more").write_bytes(b"")


@pytest.mark.parametrize("damage", [change, forbid, lead_out, Path.unlink, add])
def test_what_is_damaged_is_never_loaded_and_is_stored_anew(cache: Cache, damage: object) -> None:
    assert callable(damage)
    cache.store(PHONE)
    damage(entry(cache) / "lib" / "sip.js")
    with pytest.raises(CacheDamagedError, match="damaged") as raised:
        cache.load(PHONE.tree)
    assert raised.value.file == str(entry(cache))
    assert "--offline" in str(raised.value.hint)
    cache.store(PHONE)
    assert cache.load(PHONE.tree) == VARIED


def test_what_a_source_held(cache: Cache) -> None:
    assert cache.recall("a") is None
    cache.remember("a", PHONE)
    known = cache.recall("a")
    assert known is not None
    assert (known.tree, known.revision) == (PHONE.tree, "abc")
    assert known.fetched.startswith("20")
    assert known.fetched.endswith("+00:00")
    assert cache.recall("b") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"tree": 1, "revision": null, "fetched": ""}',
        '{"tree": "../..", "revision": null, "fetched": ""}',
        "\xff",
    ],
)
def test_a_record_that_cannot_be_read_is_none(cache: Cache, text: str) -> None:
    cache.remember("a", PHONE)
    (record,) = (cache.root / "sources").iterdir()
    record.write_text(text, encoding="latin-1")
    assert cache.recall("a") is None


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMP_BUNDLE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Cache.of_user().root == tmp_path / "cmp-bundle"
    monkeypatch.setenv("CMP_BUNDLE_CACHE", str(tmp_path / "elsewhere"))
    assert Cache.of_user().root == tmp_path / "elsewhere"
    monkeypatch.setenv("CMP_BUNDLE_CACHE", "here")
    assert Cache.of_user().root == Path.cwd() / "here"
    monkeypatch.setenv("CMP_BUNDLE_CACHE", "")
    assert Cache.of_user().root == tmp_path / "cmp-bundle"


def test_no_room_for_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CmpBundleError, match="cache folder cannot be created") as raised:
        Cache(tmp_path / "file" / "cache").store(PHONE)
    assert "CMP_BUNDLE_CACHE=" in str(raised.value.hint)


def test_a_disk_that_changes_what_it_is_given(tmp_path: Path) -> None:
    """As one without modes, or one that writes é in two letters."""

    class Dull(Disk):
        def write(self, path: Path, data: bytes, *_: object, **__: object) -> None:
            super().write(path, data)

    cache = Cache(tmp_path, Dull())
    with pytest.raises(CmpBundleError, match="does not keep the names and modes"):
        cache.store(PHONE)
    assert cache.load(PHONE.tree) is None


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """It is not left fuller than it was."""

    class Full(Disk):
        def write(self, path: Path, data: bytes, *more: Any, **rest: Any) -> None:
            if len(data) > 1000:
                raise CmpBundleError("a-code", "no space left", file=path)
            super().write(path, data, *more, **rest)

    cache = Cache(tmp_path, Full())
    with pytest.raises(CmpBundleError, match="no space left"):
        cache.store(PHONE)
    assert list(entry(cache).parent.iterdir()) == []


def test_a_name_like_that_of_a_file_being_written(cache: Cache) -> None:
    names = {**SMALL, Disk.partial(Path("index.html")).name: PhoneFile(b"other")}
    phone = Phone.of(names, source="x")
    with pytest.raises(CmpBundleError, match="does not keep the names"):
        cache.store(phone)
    assert cache.load(phone.tree) is None


def another(*arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.phone.stored_by_another", *arguments],
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def begin_and_end(*processes: subprocess.Popen[str]) -> list[str]:
    """Let all of them begin at once; what they printed."""
    printed = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints
        printed.append(out)
    return printed


@pytest.mark.slow
def test_killed_at_any_step_it_holds_all_or_nothing(tmp_path: Path) -> None:
    (out,) = begin_and_end(another("killed", str(tmp_path)))
    results = [json.loads(line) for line in out.splitlines()]
    steps = [result["step"] for result in results]
    assert len(steps) > 15
    assert any(step.startswith("write .sip.js") for step in steps)
    stored = steps.index(f"rename {stored_by_another.PHONE.tree}")
    for n, result in enumerate(results):
        assert result["signal"] == 9, result
        assert result["left"] == ("nothing" if n <= stored else "all"), result
        assert result["known"] in (None, stored_by_another.PHONE.tree), result
        assert result["after"], result
        tree = stored_by_another.PHONE.tree
        expected = [f"phones/{tree}/{path}" for path in stored_by_another.FILES]
        assert result["there"] == sorted([*expected, f"phones/{tree}.json"]), result
    assert results[stored]["known"] is None


@pytest.mark.slow
def test_many_at_once(tmp_path: Path) -> None:
    begin_and_end(*(another("steadily", str(tmp_path), "10") for _ in range(3)))
    assert Cache(tmp_path).load(stored_by_another.PHONE.tree) == stored_by_another.FILES


@pytest.mark.slow
def test_two_fetches_at_once(tmp_path: Path, server: HttpsServer, trust: Trust) -> None:
    url = server.give("/p.tgz", Answer(as_tar(VARIED, "phone-1/")))
    arguments = ("fetched", str(tmp_path), url, "a" * 40, PHONE.tree)
    trusting = {"SSL_CERT_FILE": str(trust.authority)}
    printed = begin_and_end(*(another(*arguments, **trusting) for _ in range(2)))
    assert printed == [f"{PHONE.tree}\n"] * 2
    assert Cache(tmp_path).load(PHONE.tree) == VARIED


def test_a_folder_that_another_run_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cmp_bundle.files import locked
    from cmp_bundle.phone import cache as module

    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    with (
        locked(tmp_path, 0.0),
        pytest.raises(CmpBundleError, match="another cmp-bundle is running"),
    ):
        Cache(tmp_path).store(Phone.of({"index.html": PAGE}, source="x"))
