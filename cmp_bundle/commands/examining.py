"""The use case of looking for what stands between a browser and Asterisk. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle import __version__
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.loaded_accounts import with_secrets
from cmp_bundle.doctor.catalogue import CHECKS
from cmp_bundle.doctor.diagnosis import diagnose
from cmp_bundle.doctor.evidence import Live
from cmp_bundle.doctor.gather import Target, gather
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Level, known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class FindingPlace:
    """``place`` is as people write it, ``pjsip.conf:12``, or a row of a database, which has no ``file``."""

    place: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class DoctorFinding:
    """``message`` is what is so, ``seen`` what tells it in the server's own words, ``user_sees`` the
    symptom, ``fix`` what to do. ``subject`` is whom or what it is about, such as an account's id.
    """

    code: str
    level: Level
    title: str
    message: str
    seen: str | None
    user_sees: str
    fix: str | None
    where: FindingPlace | None
    subject: str | None


@dataclass(frozen=True)
class NotLookedAt:
    """That ``code`` could not be decided: for a ``reason``, or ``because`` of another finding."""

    code: str
    reason: str | None = None
    because: str | None = None


@dataclass(frozen=True)
class Examination:
    """``ok`` is whether there is no error. Each code is in one of ``findings``, ``passed``, ``unknown``
    and ``not_reached``.
    """

    tool: str
    version: str
    target: str | None
    asterisk: str | None
    ok: bool
    findings: tuple[DoctorFinding, ...]
    passed: tuple[str, ...]
    unknown: tuple[NotLookedAt, ...]
    not_reached: tuple[NotLookedAt, ...]


def doctor(
    context: Context,
    *,
    url: str = "",
    accounts: Sequence[str] = (),
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> Examination:
    """What stands between a browser and the Asterisk of this machine, or of ``url`` alone where there is
    none here.

    ``accounts`` are ids to be looked at alone, ``only`` and ``skip`` codes. Raises CmpBundleError.
    """
    _refuse_unknown((*only, *skip))
    where = _installation(context)
    target = _target(context, url, accounts)
    evidence = gather(target, where)

    def is_wanted(code: str) -> bool:
        return code not in skip and (not only or code in only)

    found = diagnose(evidence, CHECKS, is_wanted)
    live = evidence.live
    return Examination(
        tool="cmp-bundle",
        version=__version__,
        target=target.url or None,
        asterisk=live.version_text if isinstance(live, Live) else None,
        ok=not found.errors,
        findings=tuple(map(_told, found.findings)),
        passed=found.passed,
        unknown=tuple(NotLookedAt(one.code, reason=one.reason) for one in found.unknown),
        not_reached=tuple(NotLookedAt(one.code, because=one.because) for one in found.not_reached),
    )


def _refuse_unknown(codes: Sequence[str]) -> None:
    for code in codes:
        if code not in known():
            raise CmpBundleError(
                "option-value",
                f"there is no finding {code!r}",
                hint="docs/findings.md lists all codes",
            )


def _installation(context: Context) -> Installation | None:
    return server.look(context)


def _target(context: Context, url: str, only: Sequence[str]) -> Target:
    settings = context.settings
    parts = urlsplit(url or settings.site.url)
    return Target(
        url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
        page=parts.path if url and parts.path.strip("/") else settings.site.redirect,
        echo=settings.provision.echo,
        accounts=_accounts(context),
        only=tuple(only),
        authorities=(),
    )


def _accounts(context: Context) -> tuple[Account, ...]:
    """Those of the account file, with what they register with; none where there is no file."""
    file = read(context)
    have = {account.id: account for account in with_secrets(context, file, file.accounts)}
    return tuple(have.get(account.id, account) for account in file.accounts)


def _told(one: Finding) -> DoctorFinding:
    kind = known()[one.code]
    return DoctorFinding(
        code=one.code,
        level=one.level,
        title=kind.title,
        message=one.message,
        seen=one.seen or None,
        user_sees=kind.people_see,
        fix=one.hint or kind.what_to_do,
        where=FindingPlace(str(one.place), one.file, one.line) if one.place else None,
        subject=one.subject or None,
    )
