"""Our files for Asterisk's configuration, and the one line that makes it read each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk.reloads import BY_FILE
from cmp_bundle.changes.include_line import add_line, has_line, remove_line
from cmp_bundle.changes.state import FileState, FolderState
from cmp_bundle.changes.step import Change, Reload
from cmp_bundle.errors import refuse_first
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from cmp_bundle.asterisk.includes import OurHttp
    from cmp_bundle.changes.plan import Steps
    from cmp_bundle.files import FileOwnership
    from cmp_bundle.server.configuration import ServerConfiguration

#: What makes Asterisk read http.conf again, and its certificate.
HTTP = BY_FILE["http.conf"]

#: What makes it read all files, and load other modules.
RESTART = "core restart now"

#: The admin's files that may get a line, and what makes Asterisk read each again.
RELOADS = {
    name: BY_FILE[name]
    for name in ("http.conf", "extensions.conf", "pjsip.conf", "confbridge.conf", "rtp.conf")
}


def include(
    steps: Steps,
    found: ServerConfiguration,
    name: str,
    data: bytes,
    owner: FileOwnership | None = None,
) -> None:
    """``data`` is what the admin's file ``name`` includes of ours; ``owner`` that file's own, unless
    said otherwise.
    """
    theirs = found.their(name)
    before = len(steps)
    our_folder(steps, found)
    steps.add(found.our_folder / name, found.ours.get(name), FileState(data, owner or theirs.owner))
    if found.line_files[name].otherwise is None:
        line = FileState(add_line(theirs.data, name), theirs.owner)
        steps.edit(found.path(name), theirs, line, included=name)
    if len(steps) > before:
        reload(steps, name)


def exclude(steps: Steps, found: ServerConfiguration, name: str) -> None:
    """The line goes first, and Asterisk is told, so that it never looks for what is not there."""
    theirs = found.theirs.get(name)
    otherwise = found.line_files[name].otherwise
    if otherwise is not None and name in found.ours:
        text = f"a line that cmp-bundle did not write includes {found.our_folder / name}"
        hint = "take this line out, then run this again"
        refuse_first(finding("line-otherwise", text, Place(otherwise.file, otherwise.line), hint))
    if theirs is not None and has_line(theirs.data, name):
        after = FileState(remove_line(theirs.data, name), theirs.owner)
        steps.edit(found.path(name), theirs, after, included=name)
        reload(steps, name)
    steps.add(found.our_folder / name, found.ours.get(name), None)


def write_http(steps: Steps, found: ServerConfiguration, ours: OurHttp) -> None:
    """Our own http.conf with what a deploy and provision have there, or none where that is nothing."""
    if ours:
        exists = found.has_category("http.conf", "general")
        include(steps, found, "http.conf", ours.written(general_exists=exists))
    else:
        exclude(steps, found, "http.conf")


def notes(steps: Steps, found: ServerConfiguration) -> tuple[str, ...]:
    """Why lines that are added now may not last."""
    edited = {step.included for step in steps.steps if isinstance(step, Change)}
    return tuple(w.note for name, w in found.line_files.items() if w.note and name in edited)


def our_folder(steps: Steps, found: ServerConfiguration) -> None:
    """Where our files go there has to be a folder, or nothing. Raises CmpBundleError."""
    if not isinstance(found.folder, FolderState | None):
        text = "is not a folder, but cmp-bundle needs a folder here for its files"
        hint = "find out who put it there, and move it away"
        refuse_first(finding("in-the-way", text, Place(str(found.our_folder)), hint))
    if found.folder is None and not steps.makes(found.our_folder):
        steps.add(found.our_folder, None, FolderState(found.etc_owner))


def restart(steps: Steps) -> None:
    """Have Asterisk start anew in place of all reloads."""
    steps.steps = [step for step in steps.steps if not isinstance(step, Reload)]
    steps.reload(RESTART)


def reload(steps: Steps, name: str) -> None:
    """Have Asterisk read ``name`` again, where it ever does without being restarted."""
    if name in RELOADS:
        steps.reload(RELOADS[name])
