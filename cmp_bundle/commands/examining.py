"""The use case of looking for what stands between a browser and Asterisk. It changes nothing."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.asterisk.control import Patience
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.authority import folder_of
from cmp_bundle.commands.examination import Examination, examination, whole
from cmp_bundle.commands.loaded_accounts import with_secrets
from cmp_bundle.doctor import report as reports
from cmp_bundle.doctor.catalogue import CHECKS
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.diagnosis import diagnose
from cmp_bundle.doctor.evidence import Connects, Live
from cmp_bundle.doctor.gather import Target, gather
from cmp_bundle.doctor.prometheus import metrics
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership, owned
from cmp_bundle.findings import Level, finding, known
from cmp_bundle.places import Place
from cmp_bundle.settings.model import names_a_place
from cmp_bundle.tls.anchor import anchor_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding, Kind
    from cmp_bundle.settings.doctor_skips import Skip


#: Seconds for one answer of the running Asterisk, and for all: nothing is reloaded, which takes longer.
_ANSWER = 10.0
_ANSWERS = 25.0
#: Seconds between two looks, where something is wrong that may be right in a moment.
_AGAIN = 2.0


def doctor(
    context: Context,
    *,
    url: str = "",
    accounts: Sequence[str] = (),
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    wait: float = 0.0,
    prometheus: Path | None = None,
    report: Path | None = None,
    addresses: bool = True,
) -> Examination:
    """What stands between a browser and the Asterisk of this machine, or of ``url`` alone where there is
    none here.

    ``accounts`` are ids to be looked at alone, ``only`` and ``skip`` codes. While there is an error, it
    looks again for ``wait`` seconds. ``prometheus`` and ``report`` are files that are written; without
    ``addresses`` the report has none. Raises CmpBundleError.
    """
    only, skip = ([kind_of(code).code for code in codes] for codes in (only, skip))
    _refuse_no_address(url)
    target = _target(context, url, accounts)

    # Who asks for one by name wants to see it.
    skipped = [one for one in _skipped(context) if one.code not in only]
    left_out = {*skip, *(one.code for one in skipped)}

    def is_wanted(code: str) -> bool:
        return code not in left_out and (not only or code in only)

    deadline = time.monotonic() + wait
    while True:
        evidence = gather(target, server.look(context, Patience(_ANSWER, _ANSWERS)))
        found = diagnose(evidence, _checks(context), is_wanted)
        if not found.errors or time.monotonic() + _AGAIN > deadline:
            break
        time.sleep(_AGAIN)
    live = evidence.live
    version = live.version_text if isinstance(live, Live) else None
    result = examination(target.url, version, found, skipped)
    if prometheus is not None:
        Disk().write(owned.resolved(prometheus), metrics(evidence, found).encode())
    if report is not None:
        written = reports.report(evidence, whole(result, everything=True), addresses=addresses)
        Disk().write(owned.resolved(report), written.encode(), FileOwnership(-1, -1, 0o600))
    return result


def look_over(
    context: Context, where: Installation | None = None, *, notes: bool = False
) -> tuple[Finding, ...]:
    """What the doctor finds without a call: errors and warnings, for the end of a command that is about
    the server, or about ``where``; ``notes`` as well if they are asked for. What stands against looking is
    no error by then, and nothing is said.
    """
    try:
        evidence = gather(_target(context, "", ()), where or server.look(context), calling=False)
    except CmpBundleError as error:
        context.reporter.detail(f"the server was not looked over: {error}")
        return ()
    left_out = {one.code for one in _skipped(context)}
    found = diagnose(evidence, _checks(context), lambda code: code not in left_out).findings
    return tuple(one for one in found if notes or one.level is not Level.NOTE)


def kind_of(code: str) -> Kind:
    """What is known of a code, in whatever case. Raises CmpBundleError."""
    names = {name.lower(): name for name in known()}
    name = names.get(code.lower())
    if name is None:
        near = difflib.get_close_matches(code.lower(), names, 1)
        raise CmpBundleError(
            "option-value",
            f"there is no finding {code!r}",
            hint=f"did you mean {names[near[0]]}?" if near else "docs/findings.md lists all codes",
        )
    return known()[name]


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _skipped(context: Context) -> list[Skip]:
    """What the operator has decided to leave out, until a day that has not passed."""
    return [one for one in context.settings.doctor.skip if one.until >= _today()]


def _checks(context: Context) -> tuple[Check, ...]:
    return (*CHECKS, Check((), (), lambda: _expired(context, _today())))


def _expired(context: Context, today: dt.date) -> Iterator[Finding]:
    """What somebody was to look at again by now."""
    for one in context.settings.doctor.skip:
        if one.until < today:
            origin = context.loaded.origins["doctor.skip"]
            yield finding(
                "skip-expired",
                f"{one.code} was to be left out until {one.until}, and is not left out any more;"
                f" the reason was {one.why!r}",
                Place(origin.name, one.line) if origin.kind == "file" else None,
                "take the entry out of [doctor] skip, or give it a later until",
                one.code,
            )


def _refuse_no_address(url: str) -> None:
    if url and not (re.fullmatch(r"https?://[^\s?#]+", url) and names_a_place(url)):
        raise CmpBundleError(
            "option-value",
            f"--url {url!r} is no address of a phone",
            hint="name it as people type it: https://pbx.example.com:8089/cmp2k",
        )


def _target(context: Context, url: str, only: Sequence[str]) -> Target:
    settings = context.settings
    parts = urlsplit(url or settings.site.url)
    named = bool(url and parts.path.strip("/"))
    accounts = _accounts(context)
    return Target(
        url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
        page=parts.path if named else settings.site.redirect,
        page_named=named,
        echo=settings.provision.echo,
        accounts=accounts,
        only=tuple(only),
        authorities=_authorities(context),
        connects=_connects(context, [one for one in accounts if not one.host]),
    )


def _connects(context: Context, accounts: Sequence[Account]) -> Connects:
    """By the settings, and by those ``accounts`` that have something of their own."""
    server = context.settings.server
    return Connects(
        server.host,
        server.port,
        server.path,
        paths=(
            *([(server.path, None)] if server.path else []),
            *((a.path, a.place) for a in accounts if a.path),
        ),
        ports=(
            *([(server.port, None)] if server.port else []),
            *((a.port, a.place) for a in accounts if a.port),
        ),
    )


def _authorities(context: Context) -> tuple[bytes, ...]:
    """Our own, where there is one: what browsers are told to trust (``cmp-bundle certs trust``)."""
    try:
        anchor = anchor_in(folder_of(context, None))
    except CmpBundleError:
        return ()
    return (anchor.pem,) if anchor else ()


def _accounts(context: Context) -> tuple[Account, ...]:
    """Those of the account file, with what they register with; none where there is no file.

    What a source holds is left out where it cannot be read, as a database that is down: what else is
    wrong then is to be told all the same.
    """
    file = read(context)
    own = tuple(account for account in file.accounts if not account.source)
    try:
        found = with_secrets(context, file, file.accounts)
    except CmpBundleError:
        found = with_secrets(context, file, own)
    have = {account.id: account for account in found}
    return tuple(have.get(account.id, account) for account in file.accounts)
