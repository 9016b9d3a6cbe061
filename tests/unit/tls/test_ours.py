"""Whom nothing here is told to believe: an authority that is not this user's own, made here."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import made_here, trust
from cmp_bundle.tls.anchor import CERTIFICATE, Anchor
from cmp_bundle.tls.authority import (
    KEY,
    ORGANIZATION,
    Authority,
    _make,
    ensure,
    profile,
    renew,
    usage,
)
from cmp_bundle.tls.bounds import PRIVATE, PRIVATE_NETWORKS, Bounds, around
from cmp_bundle.tls.desktop_user import DesktopUser, desktop_user
from cmp_bundle.tls.nss import NssStore
from cmp_bundle.tls.ours import to_be_trusted

from .made import DAY, NOW, an_authority, private

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for somebody else")
OURS = around(())
YEARS = dt.timedelta(days=3650)


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """A folder of certificates with an authority of ours."""
    an_authority(tmp_path, "pbx.example.com")
    return tmp_path / "certs"


def refused(folder: Path, whom: DesktopUser | None = None) -> CmpBundleError:
    with pytest.raises(CmpBundleError) as caught:
        to_be_trusted(folder, whom or desktop_user())
    error = caught.value
    # Whatever the reason: the file, what it might do and for how long, and a way on.
    assert error.file == str(folder / CERTIFICATE)
    assert "; it can sign for " in error.message
    assert ", until 2" in error.message
    assert error.hint
    return error


def planted(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    """As an archive unpacked by this user leaves it: the user's, and shut to others."""
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / KEY).write_bytes(private(key))
    (folder / KEY).chmod(0o600)


def test_what_was_made_here(certs: Path) -> None:
    found = to_be_trusted(certs, desktop_user())
    assert found is not None
    assert found.pem == (certs / CERTIFICATE).read_bytes()
    assert to_be_trusted(certs.with_name("none"), desktop_user()) is None


def test_a_new_one_in_its_place(certs: Path) -> None:
    """Of the old one nothing is left, its note included."""
    old = to_be_trusted(certs, desktop_user())
    made = renew(certs, (), NOW, Disk())
    assert to_be_trusted(certs, desktop_user()) == made.anchor
    assert old is not None
    assert not made_here.is_noted(old.certificate.public_key())


# Somebody else's ----------------------------------------------------------------------------------


@pytest.mark.parametrize("with_key", [False, True])
def test_one_that_lies_in_a_clone(with_key: bool, tmp_path: Path) -> None:
    """The attack of the issue: without bounds, and believed by every program of the machine."""
    folder, key = tmp_path / "certs", ec.generate_private_key(ec.SECP256R1())
    mallory = x509.Name.from_rfc4514_string("CN=Mallory\x1b[2J")
    builder = _builder(mallory, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    planted(folder, key, builder.sign(key, hashes.SHA256()))
    if not with_key:
        (folder / KEY).unlink()
    error = refused(folder)
    assert "'cmp-bundle" not in error.message
    assert "Mallory\N{REPLACEMENT CHARACTER}[2J" in error.message
    assert "any name; any address, until 2" in error.message
    assert "cmp-bundle certs ca --new" in str(error.hint)
    assert "update-ca-certificates" in str(error.hint)


def test_one_of_ours_that_was_made_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has its key, and hands it out with modes and all: it looks as ours do, and may
    vouch for what that somebody asked for.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mallory"))
    an_authority(tmp_path, "bank.com")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "alice"))
    error = refused(tmp_path / "certs")
    assert "this user did not make it here" in error.message
    assert f"{tmp_path}/alice/cmp-bundle/authorities/" in error.message
    assert "bank.com" in error.message


def test_a_key_of_a_stranger_s_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, without a certificate, so that a new one would be made around it, here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mallory"))
    an_authority(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "alice"))
    certs = tmp_path / "certs"
    (certs / CERTIFICATE).unlink()
    before = (certs / KEY).read_bytes()
    with pytest.raises(CmpBundleError, match="whoever made it may have a copy") as caught:
        an_authority(tmp_path)
    assert "certs ca --new" in str(caught.value.hint)
    assert [p.name for p in certs.iterdir()] == [KEY]
    made = renew(certs, (), NOW, Disk())
    assert private(made.key) != before
    assert to_be_trusted(certs, desktop_user()) == made.anchor


def test_a_note_is_good_for_its_own_key_alone(certs: Path, tmp_path: Path) -> None:
    """One of this user's files under another name is no note."""
    (tmp_path / "other").mkdir()
    other = an_authority(tmp_path / "other")
    ours, theirs = (
        made_here.note_of(a.certificate.public_key()) for a in (_anchor(certs), other.anchor)
    )
    theirs.unlink()
    ours.rename(theirs)
    assert "this user did not make it here" in refused(tmp_path / "other/certs").message
    assert "this user did not make it here" in refused(certs).message
    theirs.unlink()
    os.mkfifo(theirs)
    assert "this user did not make it here" in refused(tmp_path / "other/certs").message


def _anchor(folder: Path) -> Anchor:
    found = to_be_trusted(folder, desktop_user())
    assert found is not None
    return found


def test_where_nothing_can_be_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are made all the same; to be believed, a note is needed, and it says where."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert an_authority(tmp_path).fresh
    assert f"{tmp_path}/file/cmp-bundle/" in refused(tmp_path / "certs").message


# Of another form ----------------------------------------------------------------------------------


def _builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW - DAY + YEARS)
    )


Extensions = list[tuple[x509.ExtensionType, bool]]


def _of_ours(key: ec.EllipticCurvePrivateKey, bounds: Bounds = OURS) -> Extensions:
    return list(profile(key.public_key(), bounds))


def _without(kind: type[x509.ExtensionType]) -> Callable[[Extensions], Extensions]:
    return lambda found: [e for e in found if not isinstance(e[0], kind)]


def _instead(new: x509.ExtensionType, critical: bool) -> Callable[[Extensions], Extensions]:
    return lambda found: [(new, critical) if type(e[0]) is type(new) else e for e in found]


FORMS: dict[str, Callable[[Extensions], Extensions]] = {
    "as ours": lambda found: found,
    "no bounds": _without(x509.NameConstraints),
    "bounds that are not critical": _instead(OURS.extension, critical=False),
    "names alone": _instead(Bounds(PRIVATE).extension, critical=True),
    "addresses alone": _instead(Bounds(None, PRIVATE_NETWORKS).extension, critical=True),
    "a top-level domain": _instead(
        Bounds((*PRIVATE, "com"), PRIVATE_NETWORKS).extension, critical=True
    ),
    "mail too": _instead(
        x509.NameConstraints(
            [*(OURS.extension.permitted_subtrees or []), x509.RFC822Name("example.com")], None
        ),
        critical=True,
    ),
    "authorities below it": _instead(x509.BasicConstraints(ca=True, path_length=1), critical=True),
    "any depth": _instead(x509.BasicConstraints(ca=True, path_length=None), critical=True),
    "any purpose": _without(x509.ExtendedKeyUsage),
    "clients too": _instead(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        critical=False,
    ),
    "signatures too": _instead(
        usage(key_cert_sign=True, crl_sign=True, digital_signature=True), critical=True
    ),
    "something more": lambda found: [*found, (x509.OCSPNoCheck(), False)],
}


@pytest.mark.parametrize("form", FORMS)
def test_each_part_of_the_profile_counts(form: str, tmp_path: Path) -> None:
    """With a key that was made here, and everything else as it should be."""
    key = ec.generate_private_key(ec.SECP256R1())
    made_here.note(key.public_key(), Disk())
    name = x509.Name.from_rfc4514_string(f"CN=x,O={ORGANIZATION}")
    builder = _builder(name, key)
    for value, critical in FORMS[form](_of_ours(key)):
        builder = builder.add_extension(value, critical)
    planted(tmp_path / "certs", key, builder.sign(key, hashes.SHA256()))
    if form == "as ours":
        assert to_be_trusted(tmp_path / "certs", desktop_user()) is not None
    else:
        assert "that this version makes" in refused(tmp_path / "certs").message


@pytest.mark.parametrize(
    ("name", "lasts", "said"),
    [
        ("CN=x,O=Office", YEARS, "cmp-bundle did not make it"),
        (f"CN=x,O={ORGANIZATION}+O=Office", YEARS, "cmp-bundle did not make it"),
        ("CN=x", YEARS, "cmp-bundle did not make it"),
        (f"CN=x,O={ORGANIZATION}", YEARS + DAY, "does not look like an authority"),
    ],
)
def test_its_name_and_its_time(name: str, lasts: dt.timedelta, said: str, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made_here.note(key.public_key(), Disk())
    builder = _builder(x509.Name.from_rfc4514_string(name), key)
    builder._not_valid_after = None
    builder = builder.not_valid_after(NOW - DAY + lasts)
    for value, critical in _of_ours(key):
        builder = builder.add_extension(value, critical)
    planted(tmp_path / "certs", key, builder.sign(key, hashes.SHA256()))
    assert said in refused(tmp_path / "certs").message


def test_one_from_before_addresses_were_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    _make(folder, Bounds((*PRIVATE, "dev")), NOW, Disk())
    error = refused(folder)
    assert "private names; dev and all below; any address, until 2" in error.message
    assert "cmp-bundle certs ca --new" in str(error.hint)


def test_more_than_one_certificate(certs: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = an_authority(tmp_path / "other").anchor.pem
    (certs / CERTIFICATE).write_bytes((certs / CERTIFICATE).read_bytes() + other)
    assert "is not its key" in refused(certs).message


# Its key, and who can reach what ------------------------------------------------------------------


def test_without_its_key(certs: Path) -> None:
    (certs / KEY).unlink()
    assert "its key, ca-key.pem, is not beside it" in refused(certs).message


def test_beside_another_key(certs: Path) -> None:
    (certs / KEY).write_bytes(private(ec.generate_private_key(ec.SECP256R1())))
    assert "is not its key" in refused(certs).message
    (certs / KEY).write_bytes(private(rsa.generate_private_key(65537, 2048)))
    assert "is not its key" in refused(certs).message
    (certs / KEY).write_bytes(b"no key")
    assert "contains no private key" in refused(certs).message


@pytest.mark.parametrize(
    ("name", "bits", "fix"),
    [
        (KEY, 0o640, "chmod go="),
        (KEY, 0o604, "chmod go="),
        (KEY, 0o620, "chmod go="),
        (CERTIFICATE, 0o664, "chmod go-w"),
        (CERTIFICATE, 0o646, "chmod go-w"),
        ("", 0o770, "chmod go-w"),
        ("", 0o707, "chmod go-w"),
        ("", 0o1777, "chmod go-w"),
    ],
)
def test_what_others_can_reach(name: str, bits: int, fix: str, certs: Path) -> None:
    path = certs / name
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(bits)
    error = refused(certs)
    assert f"{path}" in error.message
    assert f"{fix} {path}" in str(error.hint)
    path.chmod(before)
    assert to_be_trusted(certs, desktop_user()) is not None


@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
def test_a_link_is_not_followed(name: str, certs: Path) -> None:
    (certs / name).rename(certs.with_name("moved"))
    (certs / name).symlink_to(certs.with_name("moved"))
    assert f"{certs / name}: is a symlink" in refused(certs).message


def test_a_folder_that_is_a_link(certs: Path) -> None:
    link = certs.with_name("link")
    link.symlink_to(certs)
    error = refused(link)
    assert error.hint == f"name the folder itself: --folder {certs}"


@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
def test_a_pipe_keeps_nobody_waiting(name: str, certs: Path) -> None:
    (certs / name).unlink()
    os.mkfifo(certs / name)
    with pytest.raises(CmpBundleError, match="is a pipe or a device"):
        to_be_trusted(certs, desktop_user())


@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
def test_a_file_without_end(name: str, certs: Path) -> None:
    os.truncate(certs / name, 1 << 40)
    with pytest.raises(CmpBundleError, match="too large"):
        to_be_trusted(certs, desktop_user())


# Whose --------------------------------------------------------------------------------------------


@contextmanager
def acting_as(whom: DesktopUser) -> Iterator[None]:
    """As a program that this user runs."""
    os.setresgid(whom.gid, whom.gid, 0)
    os.setresuid(whom.uid, whom.uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


@ROOT
def test_somebody_else_s_folder(nobody: DesktopUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's own, or that of whoever called sudo, and no third one's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(nobody.home / "state"))
    with acting_as(nobody):
        made = an_authority(nobody.home)
    folder = nobody.home / "certs"
    monkeypatch.setattr(made_here, "_state", lambda: nobody.home / "state")
    root = replace(nobody, uid=0, gid=0, behind_sudo=False)
    assert f"{folder} belongs to nobody" in refused(folder, root).message
    assert "belongs to nobody" in refused(folder, replace(nobody, uid=4242)).message
    assert to_be_trusted(folder, nobody) == made.anchor
    with acting_as(nobody):
        assert to_be_trusted(folder, replace(nobody, behind_sudo=False)) == made.anchor


@ROOT
@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
def test_a_file_of_root_s_in_the_folder_of_another(
    name: str, nobody: DesktopUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a second name for it that the other one gave it, where the system lets him."""
    monkeypatch.setattr(made_here, "_state", lambda: nobody.home / "state")
    with acting_as(nobody):
        an_authority(nobody.home)
    os.chown(nobody.home / "certs" / name, 0, 0)
    (nobody.home / "certs" / name).chmod(0o644 if name == CERTIFICATE else 0o600)
    said = refused(nobody.home / "certs", nobody).message
    assert "belongs to root" in said if name == CERTIFICATE else "permission denied" in said


@ROOT
def test_root_s_in_the_eyes_of_another(nobody: DesktopUser, certs: Path) -> None:
    folder = nobody.home / "certs"
    certs.rename(folder)
    folder.chmod(0o755)
    with acting_as(nobody):
        assert f"{folder} belongs to root" in refused(folder, nobody).message


# Between the look and the deed --------------------------------------------------------------------


def test_what_was_looked_at_is_what_is_believed(
    certs: Path, home: Path, somebody: DesktopUser, certutil: None
) -> None:
    """Whoever swaps the file afterwards has changed a file, and no store."""
    del certutil
    (home / ".pki/nssdb").mkdir(parents=True)
    store = NssStore("Chromium", home / ".pki/nssdb", somebody)
    anchor = _anchor(certs)
    mallory = home / "mallory"
    mallory.mkdir()
    theirs: Authority = ensure(mallory / "certs", (), NOW, Disk())
    (certs / CERTIFICATE).write_bytes(theirs.anchor.pem)
    (change,) = trust.to_trust(anchor, [store])
    trust.make(change, anchor, Disk(), lambda _: None)
    assert store.trusts(anchor)
    assert not store.trusts(theirs.anchor)


# Where it is noted --------------------------------------------------------------------------------

ENVIRONMENT = {"XDG_STATE_HOME": "/xdg", "HOME": "/home/alice"}


@ROOT
@pytest.mark.parametrize(
    ("real", "effective", "environment", "folder"),
    [
        (65534, 65534, ENVIRONMENT, "/xdg"),
        (65534, 65534, {"HOME": "/home/alice"}, "/home/alice/.local/state"),
        (65534, 65534, {"HOME": ""}, "/nonexistent/.local/state"),
        # What is root's is noted in root's own home, whatever sudo left of HOME.
        (0, 0, {"HOME": "/home/alice", "SUDO_UID": "65534"}, "/root/.local/state"),
        # With the rights of whoever called sudo, that one's environment counts where it was kept.
        (0, 65534, ENVIRONMENT | {"SUDO_UID": "65534"}, "/xdg"),
        (0, 65534, {"HOME": "/root", "SUDO_UID": "65534"}, "/nonexistent/.local/state"),
        # With those of a third one, nobody's environment counts.
        (0, 65534, ENVIRONMENT, "/nonexistent/.local/state"),
        (0, 65534, ENVIRONMENT | {"SUDO_UID": "4242"}, "/nonexistent/.local/state"),
    ],
)
def test_whose_state_folder(
    real: int,
    effective: int,
    environment: dict[str, str],
    folder: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    homes = {0: "/root", 65534: "/nonexistent"}
    monkeypatch.setattr(made_here, "entry_of", lambda uid: SimpleNamespace(pw_dir=homes[uid]))
    for name in ("XDG_STATE_HOME", "HOME", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    os.setresuid(real, effective, 0)
    try:
        assert str(made_here._state()) == folder
    finally:
        os.setresuid(0, 0, 0)


def test_without_any_home(monkeypatch: pytest.MonkeyPatch, certs: Path) -> None:
    monkeypatch.setattr(made_here, "entry_of", lambda _: None)
    for name in ("XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert "you have no home folder" in refused(certs).message
