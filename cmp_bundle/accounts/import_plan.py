"""What an import makes of a file of accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.edits import Edits
from cmp_bundle.accounts.fields import AT_THE_SOURCE, duplicates
from cmp_bundle.accounts.filled import at_source
from cmp_bundle.accounts.model import Account, with_ha1
from cmp_bundle.accounts.source import placed
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cmp_bundle.accounts.edits import Change
    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.source import AccountSource

#: The fields that an import has to do with; all others are the operator's.
_FIELDS = ("display_name", "source", *AT_THE_SOURCE)


@dataclass(frozen=True)
class Candidates:
    """What a source has: accounts, and why there are not more of them. ``left_out`` are what else is for
    browsers and is nobody's phone.
    """

    accounts: tuple[Account, ...]
    findings: tuple[Finding, ...] = ()
    left_out: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ImportPlan:
    """What becomes of each account offered. ``kept`` are those that stay other than offered."""

    edits: Edits
    added: tuple[Account, ...]
    updated: tuple[Account, ...]
    kept: tuple[Account, ...]
    same: tuple[Account, ...]


def candidates(
    source: AccountSource, found: Endpoints, names: Collection[str] = (), realm: str = ""
) -> Candidates:
    """The endpoints for browsers in a source that holds ``found``: all but trunks, or those named.

    ``realm`` is that of the server's challenges, where neither the auth nor the source tells.
    """
    accounts: list[Account] = []
    findings = list(found.findings)
    left_out: list[Finding] = []
    for name in names:
        endpoint = found.endpoints.get(name)
        if endpoint is None:
            findings.append(finding("R101", f"{source.name} has no endpoint {name!r}"))
        elif not endpoint.webrtc:
            text = f"the endpoint {name!r} has no webrtc=yes"
            findings.append(finding("S101", text, endpoint.where, None, name))
    for endpoint in found.endpoints.values():
        if not endpoint.webrtc or (names and endpoint.id not in names):
            continue
        if endpoint.trunk and not names:
            text = f"{endpoint.id} leads to another server, so it is left out"
            hint = f"to import it all the same: --only {endpoint.id}"
            left_out.append(finding("trunk", text, endpoint.where, hint, endpoint.id))
            continue
        result = at_source(source, found, endpoint.id, realm)
        if isinstance(result, Finding):
            findings.append(result)
        else:
            accounts.append(result)
    return Candidates(
        tuple(accounts),
        tuple(placed(source, one) for one in findings),
        tuple(placed(source, one) for one in left_out),
    )


def row(offered: Account, *, copy: bool) -> Account:
    """What is written of an account: a reference to its source, or a copy of what is there.

    A copy holds HA1 where the realm is known: it is good for this server alone.
    """
    if not copy:
        return Account(offered.id, display_name=offered.display_name, source=offered.source)
    copied = with_ha1(offered, offered.realm)
    return replace(copied, source="", place=None, secret=None)


def plan(before: Iterable[Account], rows: Iterable[Account], *, update: bool) -> ImportPlan:
    """How ``rows`` come into a file that holds ``before``.

    Raises CmpBundleError with all ids that differ by nothing but case.
    """
    by_id = {account.id: account for account in before}
    added, updated, kept, same = [], [], [], []
    change: dict[str, Change] = {}
    for offered in rows:
        existing = by_id.get(offered.id)
        if existing is None:
            added.append(offered)
            continue
        different = _difference(existing, offered)
        if not different:
            same.append(existing)
        elif update:
            updated.append(offered)
            change[existing.id] = different
        else:
            kept.append(existing)
    refuse(duplicates((*by_id.values(), *added)))
    edits = Edits(tuple(added), change=change)
    return ImportPlan(edits, tuple(added), tuple(updated), tuple(kept), tuple(same))


def _difference(existing: Account, offered: Account) -> Change:
    """The fields that would change; a name that the source does not have stays."""
    return {
        name: new or None
        for name in _FIELDS
        if (new := getattr(offered, name)) != getattr(existing, name)
        and (new or name != "display_name")
    }
