"""Opening an address in a browser so that it stands in no process's arguments."""

from __future__ import annotations

import html
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def opened(url: str) -> Iterator[str]:
    """What a browser may be started with to end up at ``url``, until the block is left.

    Every user of a machine can read what programs were started with. So where there is something
    behind a # it is a file, for this user alone, that leads on.
    """
    if "#" not in url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="cmp-bundle-") as folder:
        page = Path(folder) / "open.html"
        page.write_text(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={html.escape(url)}">\n'
        )
        yield page.as_uri()
