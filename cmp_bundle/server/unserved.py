"""Why the live server does not serve what was deployed: each cause has another remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk.answers.http import http_status
from cmp_bundle.asterisk.conf_files import Absence
from cmp_bundle.checks.live import Asked
from cmp_bundle.checks.websocket import without_pjsip
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from cmp_bundle.asterisk.answers.http import HttpStatus
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.checks.expected import Expected
    from cmp_bundle.checks.live import Unserved
    from cmp_bundle.findings import Finding

#: A file that is mounted alone stays the one that it was, whatever takes its name outside.
_MOUNTED = (
    "in a container to which files are mounted one by one, a file that is replaced outside stays the"
    " old one inside: mount the folder instead"
)
_ELSEWHERE = "name Asterisk's own address, as seen from here: [asterisk] url"


def explained(
    unserved: Unserved, expected: Expected, installation: Installation, named: str
) -> Finding:
    """``unserved`` with its cause, as far as Asterisk and the files tell it. ``named`` is the address
    that the operator has named for Asterisk, or empty.
    """
    status = http_status(installation.control.ask("http show status") or "")
    cause, hint = _cause(unserved, expected, installation, status, named)
    text = f"the live server does not serve it: {unserved.text}"
    return finding("not-served", f"{text}; {cause}" if cause else text, hint=hint)


def _cause(
    unserved: Unserved,
    expected: Expected,
    installation: Installation,
    status: HttpStatus,
    named: str,
) -> tuple[str, str]:
    """A clause, empty where nothing tells it, and what to do."""
    match unserved.asked:
        case Asked.REDIRECT if dict(status.redirects).get(expected.redirect) != expected.page:
            file = installation.outside(f"{installation.etc.value}/http.conf")
            return (
                f"Asterisk was told to read http.conf again, and has not got what stands in {file}",
                f"{_MOUNTED}; if it reads another folder, name that: [asterisk] etc_dir",
            )
        case Asked.FILE if "/static/..." not in status.paths:
            return "Asterisk serves no static files", "see its log; then run this again"
        case Asked.FILE:
            return _file(unserved, installation)
        case Asked.SOCKET if closed := without_pjsip(installation.control):
            return closed.message, closed.hint or ""
        case Asked.SOCKET if "/ws" not in status.paths:
            return (
                "the module res_http_websocket.so is not loaded",
                "write load = res_http_websocket.so into [modules] of modules.conf; then restart"
                " Asterisk",
            )
        case Asked.SOCKET:
            return "", f"Asterisk's log says why; if another server is there: {_ELSEWHERE}"
        case Asked.NOTHING if not named:
            return "", f"if it has another address, as a container's may be: {_ELSEWHERE}"
    if named:
        return "", f"see that {named}, which [asterisk] url names, is the address of this Asterisk"
    return "Asterisk itself says otherwise, so another server answers at this address", _ELSEWHERE


def _file(unserved: Unserved, installation: Installation) -> tuple[str, str]:
    """Why a file is not what Asterisk sends at its path."""
    within = f"{installation.data.value}/static-http/{unserved.path.partition('/static/')[2]}"
    file, user = installation.outside(within), installation.user.value
    if installation.files.content(within) is Absence.UNREADABLE:
        return (
            f"Asterisk runs as {user}, who cannot read {file}",
            f"let {user} enter its folders and read it; with SELinux: restorecon -R there",
        )
    return (
        f"the file is {file}, so Asterisk serves another folder",
        f"name the one that it serves: [asterisk] data_dir; {_MOUNTED}",
    )
