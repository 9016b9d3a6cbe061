"""Pages of Asterisk's web server beside the phone's, asked for where they tell what strangers can have."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cmp_bundle.checks.live import get
from cmp_bundle.doctor.evidence import Live, Missing
from cmp_bundle.doctor.way import Part

if TYPE_CHECKING:
    from cmp_bundle.checks.live import HttpAnswer
    from cmp_bundle.doctor.reach import Reached

#: A word that no page has, and what a browser would take for an element of it.
MARK: Final = "<cmp-bundle>"
_ESCAPED: Final = "%3Ccmp-bundle%3E"
#: Where the phone provisioning of Asterisk is asked for a file that it does not have.
PHONEPROV: Final = "/phoneprov/"

_MOST: Final = 1 << 12
#: Seconds for one of them.
_PATIENCE: Final = 5.0


def pages(inside: Reached | Missing, live: Live | Missing) -> dict[str, HttpAnswer] | Missing:
    """What a few paths answer, by the path without a prefix.

    Never /httpstatus: one request for it ends some versions of Asterisk where HTTPS is alone (K102; seen on
    16.28).
    """
    if isinstance(inside, Missing):
        return inside
    if isinstance(live, Missing):
        return live
    if inside.stopped not in (None, Part.WEBSOCKET):
        return Missing(inside.trouble, inside.stopped)
    wanted = []
    if f"{PHONEPROV}..." in live.http.paths:
        wanted.append(f"{PHONEPROV}{_ESCAPED}")
    location = urlsplit(inside.answer.location or "").path if inside.answer else ""
    folder = posixpath.dirname(location.removeprefix(live.http.prefix))
    if folder.startswith("/static/"):
        wanted += [f"{folder}/.git/{name}" for name in ("HEAD", "config")]
    found = {}
    for path in wanted:
        with suppress(OSError, HTTPException, ValueError):
            found[path] = get(
                inside.base,
                f"{live.http.prefix}{path}",
                _MOST,
                address=inside.connected,
                patience=_PATIENCE,
            )
            if path.endswith("/HEAD") and found[path].status != HTTPStatus.OK:
                break
    return found


def is_history(answer: HttpAnswer) -> bool:
    """Whether it is the HEAD of a git repository."""
    found = re.match(rb"ref: refs/|[0-9a-f]{40}\s", answer.body)
    return answer.status == HTTPStatus.OK and found is not None
