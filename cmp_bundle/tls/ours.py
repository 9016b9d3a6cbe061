"""Whether an authority is one that cmp-bundle made on this machine, for whoever asks.

Only such a one is put among those that programs here believe. A ``ca.pem`` that lies in a folder
of certificates may have come with it, from somebody who has its key.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import OTHERS
from cmp_bundle.files.rights import unreadable
from cmp_bundle.shell import word
from cmp_bundle.tls.anchor import CERTIFICATE, Anchor, anchor_in
from cmp_bundle.tls.authority import KEY, ORGANIZATION, YEARS, profile
from cmp_bundle.tls.desktop_user import entry_of
from cmp_bundle.tls.made_here import is_noted, note_of
from cmp_bundle.tls.opening import opened
from cmp_bundle.tls.pem import MOST, certificates_of, key_of
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmp_bundle.tls.desktop_user import DesktopUser

_NEW = "make one of your own: cmp-bundle certs ca --new"


class _Foreign(Exception):  # noqa: N818 - never leaves this file
    """Why it is not ours, and what would make it so where that is not a new one."""

    def __init__(self, why: str, fix: str | None = None) -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True)
class _Content:
    certificate: bytes
    key: bytes


def to_be_trusted(folder: Path, person: DesktopUser) -> Anchor | None:
    """The authority of ``folder``, read once, for ``person``'s and the system's stores; None where
    there is none.

    Raises CmpBundleError, which says what it may vouch for, where it is not one that cmp-bundle
    made here: with the profile and the bounds that ours have, and with its key beside it; file,
    key and folder are this user's (or, with sudo, those of whoever called it), no link is among
    them, nobody else may write to them or read the key.
    """
    anchor = anchor_in(folder)
    if anchor is None:
        return None
    try:
        with as_owner(folder):
            return _checked(folder, frozenset((os.getuid(), person.uid)))
    except _Foreign as reason:
        raise _refused(anchor, str(reason), reason.fix) from reason
    except CmpBundleError as error:
        raise _refused(anchor, str(error), error.hint) from error


def _refused(anchor: Anchor, why: str, fix: str | None) -> CmpBundleError:
    return CmpBundleError(
        "authority-foreign",
        f"cmp-bundle makes no browser trust {anchor.name!r}: {why}; it can sign for"
        f" {anchor.bounds}, until {anchor.not_after:%Y-%m-%d}",
        file=anchor.path,
        hint=fix
        or f"{_NEW}; or, if you know whose it is and every program here should trust it, add it by"
        " hand: with the system's own tool (update-ca-certificates, update-ca-trust) or in the"
        " browser's settings",
    )


def _checked(folder: Path, allowed: frozenset[int]) -> Anchor:
    content = _read(folder, allowed)
    path = folder / CERTIFICATE
    found = certificates_of(content.certificate, path)
    certificate = found[0]
    key = key_of(content.key, folder / KEY)
    public = key.public_key()
    if len(found) != 1 or public != certificate.public_key():
        raise _Foreign(f"{KEY} beside it is not its key")
    anchor = Anchor(path, certificate)
    _look(anchor)
    if not is_noted(public):
        raise _Foreign(f"this user did not make it here: {note_of(public)} would say so")
    return anchor


def _look(anchor: Anchor) -> None:
    """Raise _Foreign where it has not exactly the profile that ours have."""
    certificate, bounds = anchor.certificate, anchor.bounds
    organization = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if [a.value for a in organization] != [ORGANIZATION] or not anchor.signed(certificate):
        raise _Foreign("cmp-bundle did not make it")
    if not bounds.bounded:
        raise _Foreign("its limits are not those of an authority that this version makes")
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
        raise _Foreign("cmp-bundle did not make its key")
    found = {e.oid: (e.value, e.critical) for e in certificate.extensions}
    expected = {value.oid: (value, critical) for value, critical in profile(public, bounds)}
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if found != expected or lasts > YEARS:
        raise _Foreign("it does not look like an authority that this version makes")


def _read(folder: Path, allowed: frozenset[int]) -> _Content:
    with _folder(folder) as descriptor:
        about = os.fstat(descriptor)
        if about.st_uid not in allowed:
            name = _name(about.st_uid)
            raise _Foreign(
                f"{folder} belongs to {name}",
                f"run this as {name}, or name a folder of your own: --folder FOLDER",
            )
        _shut(folder, about, stat.S_IWGRP | stat.S_IWOTH, "go-w")
        owner = about.st_uid
        return _Content(
            _of(folder / CERTIFICATE, descriptor, owner, stat.S_IWGRP | stat.S_IWOTH, "go-w"),
            _of(folder / KEY, descriptor, owner, OTHERS, "go="),
        )


@contextmanager
def _folder(folder: Path) -> Iterator[int]:
    if folder.is_symlink():
        target = folder.resolve()
        raise _Foreign(f"{folder} is a link", f"name the folder itself: --folder {word(target)}")
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise unreadable(folder, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _of(path: Path, folder: int, owner: int, forbidden: int, shut: str) -> bytes:
    try:
        file = opened(path, folder)
    except FileNotFoundError as error:
        raise _Foreign(f"its key, {path.name}, is not beside it") from error
    except OSError as error:
        raise unreadable(path, error) from error
    with file:
        about = os.fstat(file.fileno())
        # Not root's either, in a folder of somebody else: that user may have given a file of
        # root's this name as well.
        if about.st_uid != owner:
            raise _Foreign(f"{path} belongs to {_name(about.st_uid)}, its folder does not")
        _shut(path, about, forbidden, shut)
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise _Foreign(f"{path} is too large")
    return data


def _shut(path: Path, about: os.stat_result, forbidden: int, shut: str) -> None:
    if about.st_mode & forbidden:
        raise _Foreign(
            f"others may {'read' if shut == 'go=' else 'write to'} {path}",
            f"if nobody did: chmod {shut} {word(path)}; otherwise {_NEW}",
        )


def _name(uid: int) -> str:
    entry = entry_of(uid)
    return f"user {uid}" if entry is None else entry.pw_name
