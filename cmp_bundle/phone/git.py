"""Runs git so that nothing but the asked-for command happens: no hook, prompt or other protocol."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError, reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Seconds for a command that looks at a repository on this machine, and for one that fetches.
LOCAL_PATIENCE = 60.0
REMOTE_PATIENCE = 600.0

#: What would turn git to another repository than the one named (``git rev-parse
#: --local-env-vars``): set whenever cmp-bundle is started from a hook or an alias. Traces would
#: be taken for messages.
_MISLEADING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_WORK_TREE",
)

_OPTIONS = (
    # Hooks come from the template of new repositories and from the user's configuration, too.
    *("-c", f"core.hooksPath={os.devnull}"),
    # A temporary repository is gone before its housekeeping is done.
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)


class GitFailedError(Exception):
    """git said no; the text is its own last complaint."""


def git(
    repository: Path,
    *arguments: str,
    given: bytes = b"",
    patience: float = LOCAL_PATIENCE,
    protocols: Sequence[str] = (),
) -> bytes:
    """What ``git arguments`` prints, run on the git directory ``repository``.

    ``given`` is its standard input, ``protocols`` those that it may use to reach others; without
    any it reaches nobody, so a partial clone cannot fetch what it lacks. Raises GitFailedError, and
    CmpBundleError where there is no git at all.
    """
    # Named outright, the repository may also be another user's: git checks the owner of those that
    # it finds by itself only, because of what their configuration makes it run (safe.directory in
    # git-config(1)). Reading objects runs nothing of that.
    command = ["git", *_OPTIONS, f"--git-dir={repository}", *arguments]
    try:
        process = subprocess.Popen(  # noqa: S603 - the arguments are checked where they come in
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(protocols),
            # Away from the terminal: ssh asks there for passwords, whatever git is told. And one
            # group, so that what git has started ends with it.
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CmpBundleError(
            "program-missing",
            "git is not installed, but this phone is in a git repository",
            hint="install git, or name an archive or a folder of the phone",
        ) from None
    except OSError as error:
        raise CmpBundleError(
            "program-failed",
            f"git cannot be run: {reason(error)}",
            hint="check the program: type -a git",
        ) from error
    with process:
        try:
            out, complaints = process.communicate(given, timeout=patience)
        except subprocess.TimeoutExpired:
            raise GitFailedError(f"git did not end within {patience:.0f} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise GitFailedError(_complaint(complaints) or f"git ended with {process.returncode}")
    return out


def _environment(protocols: Sequence[str]) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    environment |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        # Replaced objects are not what the commit says.
        "GIT_NO_REPLACE_OBJECTS": "1",
        # Stands above every configuration. An empty list allows none: gitprotocol in git(1).
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
    }
    trusted = environment.get("SSL_CERT_FILE")
    if trusted:
        # One variable for both ways of fetching: some builds of git do not look at it.
        environment.setdefault("GIT_SSL_CAINFO", trusted)
    return environment


def _complaint(complaints: bytes) -> str:
    lines = [line.strip() for line in complaints.decode("utf-8", "replace").splitlines()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    complaint = (fatal or [line for line in lines if line] or [""])[0]
    return complaint.removeprefix("fatal: ").removeprefix("error: ")
