"""What the answers to a registration and a call mean, in words (each seen on Asterisk 16 and 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.findings import Finding, finding
from cmp_bundle.practice.message import PHRASES
from cmp_bundle.shell import word
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.checks.websocket import Handshake


#: Characters of what a server says that are shown.
_MOST_SHOWN = 60


def registration(account: Account, status: int) -> Finding:
    """Of a REGISTER whose final answer was no success, after a challenge was answered or not."""
    name = account.id
    show = f"pjsip show endpoint {name}"
    match status:
        case 401 | 407:
            return _of(
                account,
                "registration-refused",
                f"the server refuses the password of {name}: it has another, or no such endpoint",
                f"look whether it has it: asterisk -rx {word(show)}; if not,"
                " Asterisk's log says why when res_pjsip.so is loaded again",
            )
        case 403:
            return _of(
                account,
                "registration-forbidden",
                f"the server knows {name}, and lets no phone register as {name} (403)",
                f"give the endpoint {name} aors={name}, and that aor max_contacts=1 or more",
            )
        case 404:
            return _of(
                account,
                "R111",
                f"the endpoint {name} has no aor of the same name (404)",
                f"name its aor {name}, and write aors={name} into the endpoint",
            )
        case 500:
            return _of(
                account,
                "R108",
                f"the server has nothing to compare the password of {name} with (500)",
                f"let auth= of the endpoint {name} name an object of type=auth that is there",
            )
    return _of(
        account,
        "registration-failed",
        f"the server answers {_words(status)} to the registration of {name}",
        "read Asterisk's log at this time",
    )


def unguarded(account: Account) -> Finding:
    """Of a request that was granted without a challenge."""
    return _of(
        account,
        "R109",
        f"the server asks {account.id} for no password: anybody can register and call as it",
        f"give the endpoint {account.id} an auth",
    )


def challenge(account: Account, realm: str | None) -> Finding:
    """Of a challenge that the account cannot meet; ``realm`` where its HA1 is for another one."""
    if realm is not None:
        return _of(
            account,
            "R113",
            f"the ha1 of {account.id} is for the realm {account.realm!r}, the server asks for"
            f" {_shown(realm)!r}",
            "import the account again",
        )
    return _of(
        account,
        "R114",
        f"the server asks {account.id} for a digest that browser phones do not know",
        "let supported_algorithms_uas of the auth end with MD5",
    )


def call(account: Account, extension: str, status: int) -> Finding:
    """Of an INVITE whose final answer was no success."""
    name, what = account.id, f"the call of {account.id} to {extension}"
    match status:
        case 488:
            return _of(
                account,
                "call-incompatible",
                f"the server takes nothing of what a browser offers in {what} (488)",
                f"give the endpoint {name} webrtc=yes and allow=opus,ulaw,vp8; if it has both, look"
                " whether res_srtp.so is loaded, and whether rtp.conf has ports left",
            )
        case 500:
            return _of(
                account,
                "S105",
                f"the server has no transport to answer {what} with (500)",
                f"take transport= out of the endpoint {name}",
            )
        case 422:
            return _of(
                account,
                "session-timer",
                f"the server wants longer session timers than browser phones have in {what} (422)",
                f"take timers_min_se out of the endpoint {name}, or write 90",
            )
        case 404:
            return _of(
                account,
                "S107",
                f"{extension} does not exist where {name} calls (404)",
                f"add {extension} in extensions.conf to the context of the endpoint {name}",
            )
    return _of(
        account,
        "call-refused",
        f"the server answers {_words(status)} to {what}",
        "read Asterisk's log at this time",
    )


def no_sound(account: Account, extension: str) -> Finding:
    """Of an answer without sound for a browser."""
    return _of(
        account,
        "call-incompatible",
        f"the server answers the call of {account.id} to {extension} without sound for a browser",
        f"give the endpoint {account.id} webrtc=yes and allow=opus,ulaw,vp8",
    )


def no_candidates(account: Account, extension: str) -> Finding:
    """Of an answer that names no address for media."""
    return _of(
        account,
        "M110",
        f"the server answers the call of {account.id} to {extension} without an address for sound",
        "take icesupport=no out of rtp.conf",
    )


def slow(account: Account, extension: str, seconds: float) -> Finding:
    """Of an answer that took its time."""
    return _of(
        account,
        "call-slow",
        f"the server took {seconds:.0f} s to answer the call of {account.id} to {extension}",
        "look whether this machine can look up its own name at once (getent hosts $(hostname)), and"
        " whether stunaddr in rtp.conf, if there is one, answers",
    )


def ended(account: Account, extension: str) -> Finding:
    """Of a call that the server answered and hung up at once."""
    return _of(
        account,
        "call-ended",
        f"the server answers the call of {account.id} to {extension} and hangs up at once",
        "look whether what the extension runs is loaded: asterisk -rx 'core show application"
        " StreamEcho'",
    )


def unconfirmed(account: Account, extension: str) -> Finding:
    """Of a call that the server answers again and again."""
    return _of(
        account,
        "S113",
        f"the server answers the call of {account.id} to {extension} again and again: the ACK does not get"
        " there, and after 32 seconds it will hang up",
        "let the proxy on the way pass all messages of the WebSocket on, ACK too",
    )


def unanswered(account: Account, extension: str, seconds: float, trying: bool) -> Finding:
    """Of a call that was not answered in time; ``trying`` is whether the server began to."""
    hint = (
        "let the extension begin with Answer(); look whether this machine can look up its own name"
        " at once (getent hosts $(hostname)), and whether stunaddr in rtp.conf, if there is one, answers"
        if trying
        else f"if the endpoint {account.id} has timers_min_se above 90, take it out"
    )
    return _of(
        account,
        "call-unanswered",
        f"the server did not answer the call of {account.id} to {extension} within {seconds:.0f} s",
        hint,
    )


def failed(account: Account, what: str) -> Finding:
    """Of a line that was of no use (any more); ``what`` the server did."""
    return _of(
        account,
        "line-failed",
        f"{account.id} could not be tried to its end: the server {what}",
        "check whether Asterisk is overloaded or hangs, and read its log at this time",
    )


def no_line(account: Account, handshake: Handshake) -> Finding:
    """Of a server that lets no phone in."""
    return _of(account, "line-failed", f"{handshake.url} {handshake}", "see the web server's log")


def not_tried(ids: Sequence[str]) -> Finding:
    """Of all accounts that are left out, since those before them failed, or took long."""
    return finding(
        "not-tried",
        f"{count(len(ids), 'account')} not tried ({some(ids)}): those before failed or took long",
        hint="do what is said of those, then try again",
    )


def no_password(account: Account) -> Finding:
    """Of an account that cannot prove who it is."""
    return _of(
        account,
        "not-tried",
        f"{account.id} was not tried: it has no password",
        f"cmp-bundle accounts rotate {word(account.id)}",
    )


def _of(account: Account, code: str, message: str, hint: str | None) -> Finding:
    return finding(code, message, account.place, hint, account.id)


def _words(status: int) -> str:
    """The number and its usual words: what the server itself says of it may be anything."""
    return f"{status} {PHRASES[status]}" if status in PHRASES else str(status)


def _shown(text: str) -> str:
    """Of what the server said, as much as a line takes."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
