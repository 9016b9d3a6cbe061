"""Whether strangers can have what is not for them."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.model import ha1
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.reloads import HTTP, PJSIP
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.pages import is_history
from cmp_bundle.doctor.together import for_all
from cmp_bundle.findings import finding
from cmp_bundle.places import Row
from cmp_bundle.shell import word
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp_bundle.accounts.endpoint import Auth, Endpoints
    from cmp_bundle.checks.live import HttpAnswer
    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place

#: Paths that Asterisk's web server may have beside those of the phone, and what they are.
_OTHERS: Final = {
    "/ari": "the REST interface",
    "/manager": "AMI", "/rawman": "AMI", "/mxml": "AMI",
    "/amanager": "AMI", "/arawman": "AMI", "/amxml": "AMI",
    "/metrics": "measurements", "/phoneprov": "phone provisioning",
    "/media": "streams of calls", "/httpstatus": "its state",
}  # fmt: skip

#: Options of an endpoint that keep strangers out in another way.
_KEPT_OUT: Final = ("auth", "acl", "permit", "deny", "contact_acl", "outbound_auth")

#: Phones that one command is for.
_MOST_NAMED: Final = 20

#: What rings somebody who is named by the number that was dialled: ``Dial(PJSIP/${EXTEN}@trunk)``.
_OUT: Final = re.compile(r"\bDial\([^)]*\$\{(EXTEN|dest|ARG\d|number)[^}]*\}", re.IGNORECASE)

_LOCAL: Final = re.compile(r"127\.|\[::1\]")

#: A public repository, which everybody may have.
_PUBLIC: Final = re.compile(r"https://(github|gitlab)\.com/[\w.-]+/[\w.-]+")


@functools.cache
def known() -> frozenset[str]:
    """Passwords that everybody knows, in small letters."""
    text = (files("cmp_bundle.doctor") / "known_passwords.txt").read_text("utf-8")
    lines = (line.strip().lower() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def open_endpoints(written: Written, phones: tuple[Phone, ...] | Missing) -> Iterator[Finding]:
    """Those that are no phones for browsers, of which R109 tells."""
    own = set() if isinstance(phones, Missing) else {phone.id for phone in phones}
    told_by_address = {
        one.options.get("endpoint", "")
        for (kind, _), one in written.objects.items()
        if kind == "identify"
    }
    told = own | told_by_address | {"anonymous"}
    for (kind, name), one in written.objects.items():
        if kind != "endpoint" or name in told:
            continue
        by = one.options.get("identify_by", "username").lower()
        leads = _leads_somewhere(written, one.options.get("context", "default"))
        if leads and "username" in by and not any(map(one.options.get, _KEPT_OUT)):
            yield finding(
                "X101",
                f"the endpoint {name} has no auth, and no identify tells it by an address: whoever says to"
                f" be {name} can call as it",
                one.place,
                f"give it an auth with a password: auth={name}; or an identify with match= and its address;"
                f" then {PJSIP}",
                name,
            )


def _leads_somewhere(written: Written, context: str) -> bool:
    """Whether a context has anything in extensions.conf. FreePBX has an endpoint whose context is none."""
    return any(
        folded(line.name) in ("exten", "same", "include", "switch")
        for one in written.files["extensions.conf"].categories
        if one.name == context and not one.template
        for line in one.variables
    )


def passwords(
    written: Written | Missing, phones: tuple[Phone, ...] | Missing
) -> Iterator[Finding | Unknown]:
    """Compared here, and never shown."""
    if isinstance(written, Missing) and isinstance(phones, Missing):
        yield Unknown("X102", written.reason)
        return
    weak: dict[str, tuple[str, Place | Row | None]] = {}
    whose: dict[str, Phone] = {}
    if not isinstance(written, Missing):
        for auth in _inbound(written.endpoints):
            realm = auth.realm or written.endpoints.realm
            if why := is_known(auth.username, auth.password, auth.ha1, realm):
                weak[auth.id] = (why, auth.secret.where if auth.secret else None)
    for phone in () if isinstance(phones, Missing) else phones:
        for name, loaded in phone.auths.items():
            whose.setdefault(name, phone)
            username, password, digest, realm = (
                (loaded or {}).get(option, "")
                for option in ("username", "password", "md5_cred", "realm")
            )
            why = is_known(username, password, digest, realm)
            if why and name not in weak:
                weak[name] = (why, phone.homes.get(("auth", name)) or phone.place)
    yield from _weak(weak, whose)


def _weak(
    found: Mapping[str, tuple[str, Place | Row | None]], whose: Mapping[str, Phone]
) -> Iterator[Finding]:
    """One finding for each kind of weakness."""
    kinds: dict[str, dict[str, Place | Row | None]] = {}
    for name, (why, place) in found.items():
        kinds.setdefault(why, {})[name] = place
    for why, places in kinds.items():
        name = next(iter(places))
        if len(places) == 1:
            text = f"the password of the auth {name} {why}, and is"
        else:
            text = f"the password of each of the auths {some(list(places))} {why}, and is"
        where = [str(place) for place in places.values() if place]
        yield finding(
            "X102",
            f"{text} tried first by whoever looks for servers",
            places[name],
            _other_passwords([whose.get(one) for one in places]),
            name if len(places) == 1 else "",
            seen=some(where) if len(places) > 1 else "",
        )


def _other_passwords(phones: Sequence[Phone | None]) -> str | None:
    """How the phones get other passwords, and their users, too; None is for what is no phone for browsers."""
    ours = [phone for phone in phones if phone is not None][:_MOST_NAMED]
    ids = [phone.id for phone in ours]
    if not ours:
        by_hand = f"write a long one by hand, there and into its phone; then {PJSIP}"
        return for_all(by_hand, len(phones))
    hint = f"cmp-bundle accounts rotate {' '.join(map(word, ids))}"
    unlisted = next((phone for phone in ours if not phone.listed), None)
    if unlisted is not None:
        place = " --database mysql://USER@HOST/NAME" if isinstance(unlisted.place, Row) else ""
        hint = f"cmp-bundle accounts import{place}; then {hint}"
    return for_all(hint, 1 + len(phones) - len(ours))


def is_known(username: str, password: str, digest: str, realm: str) -> str:
    """What is wrong with a password, or the password behind a digest (HA1); empty where nothing is."""
    of_user = {username, username[::-1], f"{username}{username}", f"{username}123"} - {""}
    if digest:
        tries = (*of_user, *known())
        realms = {realm or "asterisk", "asterisk"}
        made = {ha1(username, one, word).lower() for one in realms for word in tries}
        return "is one that everybody knows" if digest.rpartition(":")[2].lower() in made else ""
    if not password:
        return ""
    if password.lower() in {one.lower() for one in of_user}:
        return "is made of its own name"
    return "is one that everybody knows" if password.lower() in known() else ""


def _inbound(found: Endpoints) -> Iterable[Auth]:
    """The auths by which endpoints prove who they are: not those for a provider."""
    names = dict.fromkeys(name for one in found.endpoints.values() for name in one.auths)
    return (found.auths[name] for name in names if name in found.auths)


def strangers(live: Live) -> Iterator[Finding]:
    """What calls without an account reach."""
    if not live.guest_context:
        return
    waiting, seen = [live.guest_context], {live.guest_context}
    while waiting:
        name = waiting.pop(0)
        context = live.contexts.get(name)
        if context is None:
            continue
        for extension, steps in context.applications.items():
            step = next((one for one in steps if _OUT.search(one)), None)
            if step is not None:
                yield finding(
                    "X103",
                    f"the endpoint anonymous takes calls from everybody, and its context"
                    f" {live.guest_context} lets them dial on: {extension} of {name}",
                    hint="give it a context with no more than strangers may reach, or remove it; then"
                    f" {PJSIP}",
                    subject="anonymous",
                    seen=f"dialplan show {name}: '{extension}' => {step}",
                )
                return
        for one in context.includes:
            if one not in seen:
                seen.add(one)
                waiting.append(one)


def others(live: Live) -> Iterator[Finding]:
    paths = {path.removesuffix("/...") for path in live.http.paths}
    restricted = {path.rstrip("/") for path in live.http.restrictions}
    found = {
        path: what
        for path, what in _OTHERS.items()
        if path in paths and f"{live.http.prefix}{path}" not in restricted
    }
    # A proxy alone comes to an address of this machine, and it passes on what it is told to.
    listeners = [one for one in (live.http.plain, live.http.secure) if one]
    if listeners and all(map(_LOCAL.match, listeners)):
        return
    if found:
        shown = [f"{path} ({what})" for path, what in found.items()]
        yield finding(
            "X104",
            f"whoever can open the phone can also ask for {some(shown, len(shown))}",
            hint="leave out the modules that you do not need, with noload lines in modules.conf; since"
            " 20.19, 22.9 and 23.3 http.conf can restrict each: [/ari] type=restriction,"
            " deny=0.0.0.0/0, permit=127.0.0.1",
            seen=f"http show status: Enabled URI's: {' '.join(found)}",
        )


def published(live: Live, pages: Mapping[str, HttpAnswer] | Missing) -> Iterator[Finding | Unknown]:
    """What is there for all to read: a repository that is no public one, and AMI's passwords."""
    if isinstance(pages, Missing):
        yield Unknown("X105", pages.reason, pages.broken)
    else:
        yield from _history(pages)
    ami = [path for path in live.http.paths if path.removesuffix("/...") in _AMI]
    plain = live.http.plain or ""
    if ami and plain and not _LOCAL.match(plain):
        yield finding(
            "X105",
            f"AMI can be used over plain HTTP at {plain}: its passwords go over the network in the clear",
            hint="write bindaddr=127.0.0.1 into http.conf, and an address of its own into tlsbindaddr; or"
            " webenabled=no into manager.conf; then "
            f"{HTTP}",
            seen=f"http show status: Server Enabled and Bound to {plain}; {' '.join(ami)}",
        )


_AMI: Final = tuple(path for path, what in _OTHERS.items() if what == "AMI")


def _history(pages: Mapping[str, HttpAnswer]) -> Iterator[Finding]:
    for path, answer in pages.items():
        if not path.endswith("/.git/HEAD") or not is_history(answer):
            continue
        config = pages.get(path.replace("HEAD", "config"))
        text = config.body.decode(errors="replace") if config else ""
        remotes = re.findall(r"^\s*url *= *(\S+)", text, re.MULTILINE)
        if remotes and all(_PUBLIC.fullmatch(one) for one in remotes):
            continue  # of which everybody has a copy
        folder = path.removesuffix("/HEAD")
        yield finding(
            "X105",
            f"the web server gives the whole history of a git repository to everybody: {folder}",
            hint="move .git out of static-http; cmp-bundle deploy publishes no such folder",
            seen=f"GET {path}: {answer.status}, {answer.body[:40].decode(errors='replace').strip()}",
        )


CHECKS = (
    Check(("X101",), ("written",), open_endpoints, also=("phones",)),
    Check(("X102",), (), passwords, also=("written", "phones")),
    Check(("X103",), ("live",), strangers),
    Check(("X104",), ("live",), others),
    Check(("X105",), ("live",), published, also=("pages",)),
)
