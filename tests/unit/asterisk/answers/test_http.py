"""What Asterisk tells of its web server."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.http import HttpStatus, http_status

#: As handle_show_http of main/http.c writes it, 16 and 22: of HTTPS alone it tells nothing.
ALONE = """\
HTTP Server Status:
Prefix: {prefix}
Server: Asterisk/16.28.0~dfsg-0+deb11u4
Server Disabled

Enabled URI's:
{prefix}/httpstatus => Asterisk HTTP General Status
{prefix}/phoneprov/... => Asterisk HTTP Phone Provisioning Tool
{prefix}/ws => Asterisk HTTP WebSocket

Enabled Redirects:
  None.
"""


@pytest.mark.parametrize("prefix", ["", "/pbx"])
def test_paths_are_told_without_the_prefix(prefix: str) -> None:
    paths = ("/httpstatus", "/phoneprov/...", "/ws")
    assert http_status(ALONE.format(prefix=prefix)) == HttpStatus(prefix=prefix, paths=paths)
