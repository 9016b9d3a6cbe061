"""Which endpoints browsers use, and all that files and the running Asterisk have of each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.browsers import is_for_browsers
from cmp_bundle.accounts.endpoint import names
from cmp_bundle.accounts.endpoint_account import account as account_of
from cmp_bundle.asterisk.answers import realtime, table
from cmp_bundle.asterisk.answers.pjsip import contacts as contacts_of
from cmp_bundle.doctor.evidence import Live, Missing, Phone, PjsipObject, Written
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.control import Control
    from cmp_bundle.places import Place, Row

#: Endpoints of which the running Asterisk is asked one by one: 10 ms for each question, four questions.
MOST: Final = 150
#: Questions at once: what takes time is the start of each ``asterisk -rx``, and two take half of it.
_AT_ONCE: Final = 2


def phones(
    written: Written | Missing,
    live: Live | Missing,
    control: Control | None,
    accounts: Sequence[Account],
    only: Sequence[str] = (),
) -> tuple[Phone, ...] | Missing:
    """Those of ``accounts``, then all others in the files that are for browsers, then those that only
    the running Asterisk has; the ids in ``only`` alone, if there are any.
    """
    if isinstance(written, Missing) and isinstance(live, Missing):
        return Missing(written.reason, written.broken)
    known = {one.id: one for one in accounts}
    objects = {} if isinstance(written, Missing) else written.objects
    ids = only or _ids(known, objects, live)
    asked = control if isinstance(live, Live) else None
    family = _family(written, live)
    has_failed = threading.Event()

    def look(name: str, control: Control | None) -> Phone | None:
        one = _phone(name, objects, control, known.get(name), family)
        if not isinstance(written, Missing):
            if one.account is None:
                one = _with_account(one, written)
            one = replace(one, listed=name in known, homes=dict(_homes(one, written)))
        if name in known or name in only or _is_a_phone(one, written):
            return _with_protocol(one, written, control)
        return None

    def look_and_ask(name: str) -> Phone | None:
        if not has_failed.is_set():
            try:
                return look(name, asked)
            except CmpBundleError:
                # It has answered before, if slowly: the others are taken as they are written.
                has_failed.set()
        return look(name, None)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(look_and_ask, ids[:MOST]))
    found += [look(name, None) for name in ids[MOST:]]
    return tuple(filter(None, found))


def _family(written: Written | Missing, live: Live | Missing) -> str:
    """The table that endpoints are taken from; empty where there is none."""
    if isinstance(written, Missing) or isinstance(live, Missing):
        return ""
    lines = (line.value.split(",") for line in written.realtime.lines("endpoint"))
    named = (p[1].strip() for p in lines if p[0].strip() == "realtime" and len(p) > 1)
    return next((name for name in named if name in live.families), "")


def _ids(
    accounts: Iterable[str],
    objects: Mapping[tuple[str, str], PjsipObject],
    live: Live | Missing,
) -> tuple[str, ...]:
    in_files = [
        n for (kind, n), o in objects.items() if kind == "endpoint" and is_for_browsers(o.options)
    ]
    listed = () if isinstance(live, Missing) else live.listed
    others = {n for kind, n in objects if kind == "endpoint"}
    only_live = [one.name for one in listed if one.whole and one.name not in others]
    return tuple(dict.fromkeys((*accounts, *in_files, *only_live)))


def _phone(
    name: str,
    objects: Mapping[tuple[str, str], PjsipObject],
    control: Control | None,
    account: Account | None,
    family: str,
) -> Phone:
    written = objects.get(("endpoint", name))
    if control is None:
        return Phone(name, written, asked=False, loaded=None, account=account)

    def ask(kind: str, name: str) -> Mapping[str, str] | None:
        return table.options(control.ask(f"pjsip show {kind} {name}") or "")

    loaded = ask("endpoint", name)
    shown = loaded or {}
    told = {n: control.ask(f"pjsip show aor {n}") or "" for n in names(shown.get("aors", ""))}
    return Phone(
        name,
        written,
        asked=True,
        loaded=loaded,
        auths={n: ask("auth", n) for n in names(shown.get("auth", ""))},
        aors={n: table.options(text) for n, text in told.items()},
        account=account,
        contacts=tuple(one for n, text in told.items() for one in contacts_of(text, n)),
        row=realtime.row(control.ask(f"realtime load {family} id {name}") or "")
        if family
        else None,
    )


def _homes(phone: Phone, written: Written) -> Iterator[tuple[tuple[str, str], Place | Row]]:
    """Where it stands, and what it names. What Asterisk has, and no file, is a row."""
    have: dict[tuple[str, str], object] = {("endpoint", phone.id): phone.loaded}
    have |= {("auth", name): one for name, one in phone.auths.items()}
    have |= {("aor", name): one for name, one in phone.aors.items()}
    by_wizard = written.endpoints
    for (kind, name), loaded in have.items():
        made = {
            "endpoint": by_wizard.endpoints,
            "auth": by_wizard.auths,
            "aor": by_wizard.aors or {},
        }
        if (kind, name) in written.objects:
            yield (kind, name), written.objects[kind, name].place
        elif loaded is not None and name not in made[kind]:
            row = written.realtime.row(kind, name)
            if row is not None:
                yield (kind, name), row


def _is_a_phone(phone: Phone, written: Written | Missing) -> bool:
    """Whether it is for browsers, and leads to no other server."""
    if not is_for_browsers(phone.options):
        return False
    endpoint = None if isinstance(written, Missing) else written.endpoints.endpoints.get(phone.id)
    fixed = any(aor and aor.get("contact") for aor in phone.aors.values())
    return not fixed and not (endpoint and endpoint.trunk)


def _with_protocol(phone: Phone, written: Written | Missing, control: Control | None) -> Phone:
    """With what its transport is, by the running Asterisk, or else by the files."""
    name = phone.option("transport")
    if not name:
        return phone
    if control is not None and phone.asked:
        shown = table.options(control.ask(f"pjsip show transport {name}") or "") or {}
        return replace(phone, protocol=shown.get("protocol", "").lower())
    if isinstance(written, Missing) or written.endpoints.transports is None:
        return phone
    return replace(phone, protocol=written.endpoints.transports.get(name, ""))


def _with_account(phone: Phone, written: Written) -> Phone:
    """With what the files have to register with."""
    endpoint = written.endpoints.endpoints.get(phone.id)
    if endpoint is None:
        return phone
    made = account_of(endpoint, written.endpoints, "")
    if isinstance(made, Finding):
        return phone
    return replace(phone, account=made)


def contexts(phones: Iterable[Phone]) -> Iterator[str]:
    """Each context that phones call from, once."""
    yield from dict.fromkeys(phone.option("context", "default") for phone in phones)
