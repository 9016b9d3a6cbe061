"""What is done to a trust store: data that is shown first and carried out then."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import FileOwnership

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.files import Disk
    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.desktop_user import DesktopUser


@dataclass(frozen=True)
class Command:
    """A program run as ``person``, or as whoever runs this; ``fed`` is what it reads."""

    words: tuple[str, ...]
    person: DesktopUser | None = None
    fed: Anchor | None = None

    def __str__(self) -> str:
        line = shlex.join(self.words)
        if self.person is not None and self.person.behind_sudo:
            line = f"sudo -u {self.person.name} {line}"
        return line if self.fed is None else f"{line} < {shlex.quote(str(self.fed.path))}"


@dataclass(frozen=True)
class InstallFile:
    """A copy of an authority's certificate that everybody can read."""

    path: Path
    anchor: Anchor

    def __str__(self) -> str:
        return shlex.join(("install", "-m", "644", str(self.anchor.path), str(self.path)))


@dataclass(frozen=True)
class RemoveFile:
    """A file that goes."""

    path: Path

    def __str__(self) -> str:
        return shlex.join(("rm", "-f", str(self.path)))


#: Each is, as text, the line for a shell that does the same.
Step = Command | InstallFile | RemoveFile


def carry_out(step: Step, disk: Disk) -> None:
    """Do it. Raises CmpBundleError."""
    match step:
        case Command():
            output_of(step)
        case InstallFile():
            disk.write(step.path, step.anchor.pem, FileOwnership(-1, -1, 0o644))
        case RemoveFile():
            disk.remove_partial(step.path)
            disk.remove(step.path)


def output_of(command: Command) -> str:
    """What a program writes. Raises CmpBundleError where it fails, with its own words."""
    person = command.person
    # As the person itself, never as root in that person's folders: what is made there is theirs,
    # and no symlink of theirs leads root anywhere.
    other = person if person is not None and person.uid != os.geteuid() else None
    environment = os.environ | {"LC_ALL": "C"}
    if person is not None:
        environment["HOME"] = str(person.home)
    try:
        done = subprocess.run(  # noqa: S603 - a program of the stores' own
            command.words,
            input=b"" if command.fed is None else command.fed.pem,
            capture_output=True,
            env=environment,
            check=False,
            user=other.uid if other else None,
            group=other.gid if other else None,
            extra_groups=[] if other else None,
        )
    except FileNotFoundError as error:
        raise CmpBundleError("program-missing", f"{command.words[0]} is not installed") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise CmpBundleError(
            "program-failed",
            f"{command.words[0]} failed: {lines[-1] if lines else f'code {done.returncode}'}",
            hint=f"by hand: {command}",
        )
    return str(done.stdout.decode(errors="replace"))
