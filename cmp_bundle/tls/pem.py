"""Certificates and keys out of PEM files, or a sentence on why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def certificates_in(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file in their order, at least one. Raises CmpBundleError."""
    data = _content(path)
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except ValueError as error:
        raise CmpBundleError(
            "cannot be read: it is no certificate in PEM",
            file=path,
            hint="it must hold -----BEGIN CERTIFICATE-----; from DER: openssl x509 -inform der",
        ) from error


def key_in(path: Path) -> PrivateKeyTypes:
    """The first private key of a PEM file, whatever else it holds. Raises CmpBundleError."""
    found = _KEY.search(_content(path))
    if found is None:
        raise CmpBundleError(
            "holds no private key in PEM",
            file=path,
            hint="it must hold -----BEGIN PRIVATE KEY-----, or RSA or EC before PRIVATE",
        )
    try:
        return load_pem_private_key(found[0], password=None)
    except TypeError as error:
        raise CmpBundleError(
            "the key is encrypted, and nobody is there to type its passphrase",
            file=path,
            hint=f"take the passphrase off: openssl pkey -in {path} -out plain-key.pem",
        ) from error
    except ValueError as error:
        raise CmpBundleError("the private key in it is damaged", file=path) from error


def is_there(path: Path) -> bool:
    """Whether there is such a file. Raises CmpBundleError where nobody may tell us."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    return True


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CmpBundleError("there is no such file", file=path) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> CmpBundleError:
    hint = None
    if isinstance(error, PermissionError):
        hint = f"see whose it is: ls -l {path}; then run this as that user, or with sudo"
    reason = (error.strerror or str(error)).lower()
    return CmpBundleError(f"cannot be read: {reason}", file=path, hint=hint)
