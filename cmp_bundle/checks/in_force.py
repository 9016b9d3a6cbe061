"""Which options are in force otherwise than they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.endpoint import names
from cmp_bundle.asterisk.values import integer, is_true

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Options by kind that Asterisk shows as they were written, but for the spelling: yes or true, a number,
#: names between commas. Of all others, as allow or callerid, it makes something else; and what
#: webrtc=yes sets is not what is written.
_SAID: Final = {
    "endpoint": ["context", "transport", "from_user", "from_domain", "language", "accountcode"],
    "aor": (),
    "auth": ["username", "password", "realm"],
}
_LISTED: Final = {"endpoint": ("aors", "auth"), "aor": (), "auth": ()}
_YES: Final = {
    "endpoint": [
        "webrtc",
        "direct_media",
        "force_rport",
        "rewrite_contact",
        "rtp_symmetric",
        "send_pai",
        "send_rpid",
    ],
    "aor": ["remove_existing", "remove_unavailable", "support_path", "authenticate_qualify"],
    "auth": (),
}
_NUMBERS: Final = {
    "endpoint": ["max_audio_streams", "max_video_streams", "rtp_timeout", "timers_sess_expires"],
    "aor": [
        "max_contacts",
        "maximum_expiration",
        "minimum_expiration",
        "default_expiration",
        "qualify_frequency",
    ],
    "auth": (),
}

#: What is never shown.
SECRETS: Final = frozenset(("password",))

_MOST: Final = 1 << 32


def differences(
    kind: str, written: Mapping[str, str], loaded: Mapping[str, str]
) -> tuple[str, ...]:
    """The names of the options that are ``written`` one way and ``loaded`` another, of those that can be
    compared. What is not written, or not shown, is no difference.
    """
    both = written.keys() & loaded.keys()
    return (
        *(n for n in _SAID[kind] if n in both and written[n].strip() != loaded[n].strip()),
        *(n for n in _LISTED[kind] if n in both and names(written[n]) != names(loaded[n])),
        *(n for n in _YES[kind] if n in both and is_true(written[n]) != is_true(loaded[n])),
        *(n for n in _NUMBERS[kind] if n in both and _differ(written[n], loaded[n])),
    )


def _differ(one: str, other: str) -> bool:
    """Of what is no number, Asterisk makes nothing at all."""
    wanted = integer(one, 0, _MOST)
    return wanted is None or wanted != integer(other, 0, _MOST)
