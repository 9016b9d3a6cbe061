"""The phone that the package carries: compiled from client/phone when the package is built."""

from __future__ import annotations

from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.intake import Intake
from cmp_bundle.phone.model import PAGE

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cmp_bundle.phone.file import PhoneFile

#: What a user writes for it.
BUILTIN = "builtin"


def read_builtin(package: Traversable | None = None) -> dict[str, PhoneFile]:
    """The files of the built-in phone.

    ``package`` is where to look for ``client/phone/``; without it, this package. Raises
    CmpBundleError when the package was never built.
    """
    folder = (package or package_files("cmp_bundle")).joinpath("client", "phone")
    if not folder.joinpath(PAGE).is_file():
        raise CmpBundleError(
            "client-not-built",
            "the built-in phone is missing: this copy of cmp-bundle was never built",
            file=str(folder),
            hint="in a clone of the project: make setup; otherwise: pip install cmp-bundle",
        )
    intake = Intake(BUILTIN)
    _enter(folder, "", intake)
    return intake.files()


def _enter(folder: Traversable, prefix: str, intake: Intake) -> None:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        inside = f"{prefix}{entry.name}"
        if entry.is_dir():
            _enter(entry, f"{inside}/", intake)
        else:
            data = entry.read_bytes()
            intake.admit(inside, len(data))
            intake.fill(inside, data)
