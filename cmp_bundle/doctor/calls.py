"""The test calls: who is tried, what they call, and through which address."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from cmp_bundle.checks.call import AT_ONCE, SLOW, Proof, prove
from cmp_bundle.doctor.evidence import Calls, Missing
from cmp_bundle.doctor.way import Part

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from cmp_bundle.asterisk.answers.dialplan import Dialplan
    from cmp_bundle.doctor.evidence import Phone
    from cmp_bundle.doctor.reach import Reached

#: Seconds for all calls. Twenty phones at a server where all is well take five.
PATIENCE: Final = 25.0

#: Phones that are tried at the most, where nobody is named.
_MOST: Final = 20

#: Ports that a call takes: sound and a picture, two each, also where all go over one (seen on 16, 22).
PORTS: Final = 4

#: What answers and rings nobody.
_ECHO: Final = re.compile(r"(StreamEcho|Echo)\(")


def echo(contexts: Mapping[str, Dialplan | None], context: str, preferred: str) -> str:
    """An extension that ``context`` reaches and that is an echo, ``preferred`` if it is one; empty where
    there is none. Whatever else stands there may be somebody's phone.
    """
    found: list[str] = []
    seen: set[str] = set()
    waiting = [context]
    while waiting:
        name = waiting.pop(0)
        dialplan = contexts.get(name)
        if name in seen or dialplan is None:
            continue
        seen.add(name)
        found += [
            extension
            for extension, steps in dialplan.applications.items()
            if not extension.startswith("_") and any(map(_ECHO.match, steps))
        ]
        waiting += dialplan.includes
    return preferred if preferred in found else next(iter(found), "")


def calls(
    reached: Reached | Missing,
    phones: tuple[Phone, ...] | Missing,
    contexts: Mapping[str, Dialplan | None] | None,
    preferred: str,
    *,
    left_out: Mapping[str, Missing] | None = None,
    only: bool = False,
    patience: float = PATIENCE,
    at_once: int = AT_ONCE,
    trusting: ssl.SSLContext | None = None,
    media: bool = False,
) -> Calls | Missing:
    """Register and call, with all of ``phones`` whose password is known, or the first of them; not with
    those that are ``left_out``, each for a reason.

    Takes ``patience`` seconds, or not much more. No more than ``at_once``: each call takes ports, which
    calls that are in progress must not lack. ``contexts`` are None where nobody can be asked what an
    extension does; then ``preferred`` is called.

    ``trusting`` is for what may be another server than is meant: nobody proves a password to one that it
    does not trust. With ``media`` it is looked whether sound gets through.
    """
    if isinstance(reached, Missing):
        return reached
    if reached.stopped is not None:
        return Missing(reached.trouble, reached.stopped)
    if isinstance(phones, Missing):
        return phones
    if trusting is not None and (reached.tls is None or reached.tls.distrust):
        what = (
            "there is no TLS to" if reached.tls is None else "nobody here trusts the certificate of"
        )
        return Missing(f"{what} {reached.host}, so no password is proved to it", Part.TLS)
    kept = left_out or {}
    able = [phone for phone in phones if phone.account is not None]
    if not able:
        return Missing("no account is known whose password is known here; name one: --account")
    first = able[0]
    able = [phone for phone in able if phone.id not in kept]
    if not able:
        return kept[first.id]
    chosen = able if only else list(_spread(able))
    extensions = {
        phone.id: preferred
        if contexts is None
        else echo(contexts, phone.option("context", "default"), preferred)
        for phone in chosen
    }
    proofs: list[Proof] = []
    long: Proof | None = None
    end = time.monotonic() + patience
    for extension in dict.fromkeys(extensions.values()):
        group = [p.account for p in chosen if extensions[p.id] == extension and p.account]
        left = end - time.monotonic()
        if left < patience / 2:
            proofs += [Proof(account.id, tried=False) for account in group]
            continue
        found = prove(
            reached.base,
            reached.path,
            group,
            extension,
            at_once=at_once,
            address=reached.connected,
            patience=left,
            media=media,
            trusting=trusting,
        )
        proofs += found
        answered = [one.account for one in found if one.answered]
        left = end - time.monotonic()
        # One that waits for a STUN server would wait again.
        slow = max((one.seconds for one in found), default=0.0) >= SLOW
        if long is None and answered and not slow and left >= patience / 2:
            (long,) = prove(
                reached.base,
                reached.path,
                [account for account in group if account.id == answered[0]],
                extension,
                address=reached.connected,
                patience=left,
                long=True,
                trusting=trusting,
            )
    reasons = {name: why.reason for name, why in kept.items()}
    return Calls(reached.base, tuple(proofs), extensions, long, reasons)


def _spread(phones: list[Phone]) -> Iterable[Phone]:
    """Up to _MOST of them, one of each context first."""
    first: dict[str, Phone] = {}
    for phone in phones:
        first.setdefault(phone.option("context", "default"), phone)
    chosen = dict.fromkeys(phone.id for phone in (*first.values(), *phones))
    by_id = {phone.id: phone for phone in phones}
    return [by_id[name] for name in list(chosen)[:_MOST]]
