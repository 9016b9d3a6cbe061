"""The file of accounts on the disk: who may read it, which of two counts, replaced whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cmp_bundle.accounts import generate, store
from cmp_bundle.accounts.edits import Edits
from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, owned

TEXT = b'# mine\n[[account]]\nid = "alice"\npassword = "wonder1and"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.toml"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def written(path: Path, data: bytes = TEXT, bits: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(bits)
    return path


def test_there_may_be_none_yet(path: Path) -> None:
    file = store.read(path)
    assert (file.accounts, file.data, file.loose) == ((), b"", False)
    file.edited(Edits(add=(Account("a", password="x"),))).write(Disk())
    assert path.read_bytes() == b'[[account]]\nid = "a"\npassword = "x"\n'
    assert mode(path) == 0o600
    # Its passwords may come later.
    other = path.with_name("other.toml")
    store.read(other).edited(Edits(add=(Account("a"),))).write(Disk())
    assert mode(other) == 0o600


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o660, 0o601])
def test_a_password_that_others_may_read_is_refused(path: Path, bits: int) -> None:
    written(path, bits=bits)
    with pytest.raises(CmpBundleError) as caught:
        store.read(path)
    assert (caught.value.file, caught.value.line) == (str(path), None)
    assert f"mode {bits:04o}" in caught.value.message
    assert caught.value.hint == f"chmod 600 {path}; or allow it: --allow-loose"
    assert store.read(path, allow_loose=True).loose


@pytest.mark.parametrize(
    "data",
    [
        b'[[account]]\nid = "a"\nha1 = "0123456789abcdef0123456789abcdef"\nrealm = "r"\n',
        b'[[account]]\nid="a"\nice=[{url="turn:t",username="u",credential="c"}]\n',
        b'[defaults]\nice=[{url="turn:t",username="u",credential="c"}]\n',
    ],
)
def test_digests_and_credentials_are_passwords_too(path: Path, data: bytes) -> None:
    with pytest.raises(CmpBundleError, match="other users than its owner"):
        store.read(written(path, data, 0o644))


def test_without_passwords_everybody_may_read_it(path: Path) -> None:
    file = store.read(written(path, b'[[account]]\nid = "a"\nsource = "pjsip.conf"\n', 0o644))
    assert not file.loose
    file.edited(Edits(add=(Account("b"),))).write(Disk())
    assert mode(path) == 0o644


def test_with_a_first_password_it_becomes_private(path: Path) -> None:
    file = store.read(written(path, b'[[account]]\nid = "a"\n', 0o664))
    after = file.completed()
    assert [len(a.password) for a in after.accounts] == [generate.LENGTH]
    assert path.read_bytes() == b'[[account]]\nid = "a"\n'
    after.write(Disk())
    assert mode(path) == 0o600
    assert store.read(path).accounts[0].password == after.accounts[0].password
    # Whoever has one keeps it.
    assert store.read(path).completed().data == after.data


def test_who_insists_keeps_the_mode(path: Path) -> None:
    file = store.read(written(path, bits=0o640), allow_loose=True)
    file.edited(Edits(change={"alice": {"password": "y"}})).write(Disk())
    assert mode(path) == 0o640


def test_a_symlink_is_followed_and_stays(tmp_path: Path, path: Path) -> None:
    real = written(tmp_path / "elsewhere.toml")
    path.symlink_to(real)
    store.read(path).edited(Edits(add=(Account("b"),))).write(Disk())
    assert path.is_symlink()
    assert b'"b"' in real.read_bytes()


def test_a_write_that_is_stopped_leaves_the_old(path: Path) -> None:
    file = store.read(written(path)).edited(Edits(add=(Account("b"),)))

    def stop(step: str, _path: Path) -> None:
        if step == "rename":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        file.write(Disk(stop))
    assert path.read_bytes() == TEXT
    # What was half done was never anybody else's to read.
    assert {mode(entry) for entry in path.parent.iterdir()} == {0o600}
    file.write(Disk())
    assert list(path.parent.iterdir()) == [path]


def test_the_csv_beside_counts_where_it_is_alone(path: Path) -> None:
    beside = path.with_suffix(".csv")
    assert store.find(path, named=False) == path
    beside.write_text("id\na\n")
    assert store.find(path, named=False) == beside
    assert store.find(path, named=True) == path
    assert [a.id for a in store.read(beside).accounts] == ["a"]
    path.write_bytes(TEXT)
    with pytest.raises(CmpBundleError) as caught:
        store.find(path, named=False)
    assert "accounts.csv exists beside it" in caught.value.message
    assert caught.value.hint == 'remove one, or name it: [accounts] file = "accounts.csv"'
    assert store.find(beside, named=True) == beside


def test_a_folder_is_no_file_of_accounts(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="is a folder, but must be a file"):
        store.read(tmp_path)


@pytest.mark.slow
def test_too_large_to_be_one(path: Path) -> None:
    written(path)
    os.truncate(path, owned.LARGEST + 1)  # a hole: it takes no room
    with pytest.raises(CmpBundleError, match="too large"):
        store.read(path)


def test_a_password_out_of_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "password", b"correct horse\r\nmore\n")
    assert store.read_password(path) == "correct horse"
    path.chmod(0o644)
    with pytest.raises(CmpBundleError) as caught:
        store.read_password(path)
    assert "correct" not in f"{caught.value}{caught.value.hint}"
    assert store.read_password(path, allow_loose=True) == "correct horse"
    for data, text in ((b"\nx\n", "is empty"), (b"\xff", "is not UTF-8")):
        with pytest.raises(CmpBundleError, match=text):
            store.read_password(written(path, data))
    with pytest.raises(CmpBundleError, match="no such file"):
        store.read_password(tmp_path / "nothing")


def test_a_password_as_windows_saves_it(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"\xef\xbb\xbfwonder1and\r\n")
    path.chmod(0o600)
    assert store.read_password(path) == "wonder1and"


def test_a_password_out_of_a_pipe() -> None:
    # As a shell's <(pass show pbx) gives it: nobody's mode is to be asked.
    out, into = os.pipe()
    with os.fdopen(into, "wb") as pipe:
        pipe.write(b"correct horse\n")
    try:
        assert store.read_password(Path(f"/dev/fd/{out}")) == "correct horse"
    finally:
        os.close(out)


def test_generated_passwords_stand_for_themselves() -> None:
    passwords = {generate.password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(generate.is_plain(one) and len(one) == 24 for one in passwords)
    assert set("".join(passwords)) == set(generate.ALPHABET)
    for odd in ("", "a b", "a;b", "a'b", 'a"b', "ü", "a" * 81, "a\n", "a$b", "a%b"):
        assert not generate.is_plain(odd)
