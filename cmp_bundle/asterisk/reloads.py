"""What makes a running Asterisk read its files again."""

from __future__ import annotations

from typing import Final

#: What its control program is told, by the file.
BY_FILE: Final = {
    "http.conf": "module reload http",
    "extensions.conf": "dialplan reload",
    "pjsip.conf": "module reload res_pjsip.so",
    "confbridge.conf": "module reload app_confbridge.so",
    "rtp.conf": "module reload res_rtp_asterisk.so",
    "logger.conf": "logger reload",
}


def typed(file: str) -> str:
    """The same for ``file`` (http.conf), as somebody types it in a shell."""
    return f"asterisk -rx '{BY_FILE[file]}'"


HTTP: Final = typed("http.conf")
DIALPLAN: Final = typed("extensions.conf")
PJSIP: Final = typed("pjsip.conf")
CONFBRIDGE: Final = typed("confbridge.conf")
RTP: Final = typed("rtp.conf")
LOGGER: Final = typed("logger.conf")

#: What only a start changes, without ending a call.
RESTART: Final = "asterisk -rx 'core restart when convenient'"
