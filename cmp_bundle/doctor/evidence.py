"""What the checks go by. All of it was gathered before the first of them looks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.x509 import Certificate

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.answers.acl import Rule
    from cmp_bundle.asterisk.answers.calls import Channel
    from cmp_bundle.asterisk.answers.conference import Bridge
    from cmp_bundle.asterisk.answers.core import Process, Version
    from cmp_bundle.asterisk.answers.dialplan import Dialplan
    from cmp_bundle.asterisk.answers.http import HttpStatus
    from cmp_bundle.asterisk.answers.logger import LogChannel
    from cmp_bundle.asterisk.answers.media import Rtp
    from cmp_bundle.asterisk.answers.pjsip import Contact, Identify, ListedEndpoint
    from cmp_bundle.asterisk.answers.realtime import Odbc
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.checks.call import Proof
    from cmp_bundle.checks.live import HttpAnswer
    from cmp_bundle.checks.networks import NetworkRule
    from cmp_bundle.checks.websocket import Handshake
    from cmp_bundle.doctor.reach import Reached
    from cmp_bundle.doctor.sockets import Connections, Program
    from cmp_bundle.doctor.way import Part
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row
    from cmp_bundle.provision.firewall import Firewall
    from cmp_bundle.provision.realtime import Realtime
    from cmp_bundle.server.configuration import ServerConfiguration
    from cmp_bundle.tls.readable import Unread


@dataclass(frozen=True)
class Missing:
    """Evidence that could not be had, and why: a clause such as "no Asterisk was found here".

    ``broken`` is the part of the way that has to work before there can be any; None where it is not
    the way that is broken, but nothing can be known from here. ``finding`` is what keeps it from being
    had, where that is a fault itself.
    """

    reason: str
    broken: Part | None = None
    finding: Finding | None = None


@dataclass(frozen=True)
class PjsipObject:
    """An object in the files: its options by their names in small letters, the last of a name. ``rules`` are
    all of its permit and deny lines, in their order.
    """

    kind: str
    id: str
    options: Mapping[str, str]
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)
    rules: tuple[NetworkRule, ...] = ()


@dataclass(frozen=True)
class Page:
    """A file of static-http, ``file`` as it is called on this machine; ``unread`` is why Asterisk's user
    cannot read it.
    """

    file: Path
    unread: Unread | None = None


@dataclass(frozen=True)
class Written:
    """What stands in the files, as Asterisk would read them now. ``files`` has each by its name,
    http.conf among them; ``objects`` are those of PJSIP in the files that sorcery.conf leads to, by kind
    and id, ``uncounted`` those of pjsip.conf where it does not lead there.

    ``unreadable`` says of the files that endpoints name for DTLS why Asterisk cannot read one. ``changed``
    is when one of PJSIP's files was changed last, in seconds since 1970. ``open_keys`` are files of keys that
    every user of the machine can read; ``trunk_certificates`` are those of PJSIP's transports for TLS by
    the transport's id. ``page`` is the file that the redirect of the page leads to, if it does to one.
    """

    configured: ServerConfiguration
    files: Mapping[str, Configuration]
    objects: Mapping[tuple[str, str], PjsipObject]
    endpoints: Endpoints
    realtime: Realtime
    open_keys: tuple[Path, ...] = ()
    trunk_certificates: Mapping[str, Certificate] = field(default_factory=dict)
    page: Page | None = None
    uncounted: Mapping[tuple[str, str], PjsipObject] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    changed: float = 0.0

    @cached_property
    def access_lists(self) -> tuple[PjsipObject, ...]:
        """The objects of ``type=acl``, which all of PJSIP must pass."""
        return tuple(one for (kind, _), one in self.objects.items() if kind == "acl")


@dataclass(frozen=True)
class Live:
    """What the running Asterisk answered. ``listed`` are all its endpoints, ``options`` the names of
    all options that this version knows for each kind of object; ``contexts`` are the phones' own, that of
    strangers, and all that these include, None for those that do not exist. ``settings`` are PJSIP's as a
    whole, ``transports`` the options of each of its transports. ``guest_context`` is where calls from the
    endpoint ``anonymous`` go, empty where there is none.

    ``channels`` are the calls that there were before any test call. ``opus`` is what it can turn Opus
    into, None where that is not known; ``bridges`` are the profiles of conferences that the phones'
    dialplan names, None for those that do not exist. ``stun_answers`` is whether the STUN server of
    ``rtp`` answers this machine, None where there is none.

    ``acls`` are the rules of the named lists, ``families`` the drivers of each table of a database, ``pgsql`` what that
    for PostgreSQL says of its connection.
    ``moment`` is when it was asked, in seconds since 1970.
    """

    version: Version | None
    version_text: str
    process: Process
    modules: Mapping[str, bool]
    http: HttpStatus
    rtp: Rtp | None
    settings: Mapping[str, str]
    listed: tuple[ListedEndpoint, ...]
    options: Mapping[str, frozenset[str]]
    contexts: Mapping[str, Dialplan | None]
    log_channels: tuple[LogChannel, ...] = ()
    channels: tuple[Channel, ...] = ()
    opus: frozenset[str] | None = None
    bridges: Mapping[str, Bridge | None] = field(default_factory=dict)
    stun_answers: bool | None = None
    transports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    guest_context: str = ""
    identifies: tuple[Identify, ...] = ()
    acls: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    odbc: tuple[Odbc, ...] = ()
    pgsql: str = ""
    moment: float = 0.0

    def runs(self, module: str) -> bool:
        """Whether the module of that name, without .so, is loaded and runs."""
        return self.modules.get(module, False)


@dataclass(frozen=True)
class Phone:
    """An endpoint that a browser uses, or is meant to.

    ``written`` is its object in the files, None where it is in none. ``loaded`` are all its options as
    they are in force, ``auths`` and ``aors`` those of the objects that it names; None where Asterisk has
    no such object. ``account`` is what it takes to register, if it is known; ``listed`` is whether that is
    in the account file. ``protocol`` is that of the
    transport that it names, empty where there is no such transport, None where it names none. ``contacts``
    are the phones that are registered, ``row`` is what its database has of it, None where that was not
    asked or has none. ``homes`` are where it and the objects that it names stand, by kind and id, as far
    as that is known.
    """

    id: str
    written: PjsipObject | None
    asked: bool
    loaded: Mapping[str, str] | None
    auths: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict, repr=False)
    aors: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    account: Account | None = None
    listed: bool = False
    protocol: str | None = None
    contacts: tuple[Contact, ...] = ()
    row: Mapping[str, str] | None = field(default=None, repr=False)
    homes: Mapping[tuple[str, str], Place | Row] = field(default_factory=dict)

    def option(self, name: str, default: str = "") -> str:
        """What is in force, else what is written."""
        if self.loaded is not None:
            return self.loaded.get(name, default)
        return self.written.options.get(name, default) if self.written else default

    @property
    def options(self) -> Mapping[str, str]:
        """All that is in force, else all that is written."""
        if self.loaded is not None:
            return self.loaded
        return self.written.options if self.written else {}

    @property
    def codecs(self) -> tuple[str, ...]:
        """What it allows, in order, in small letters, such as ulaw and vp8."""
        return tuple(re.findall(r"[a-z][a-z0-9]*", self.option("allow").lower()))

    @property
    def place(self) -> Place | Row | None:
        return self.written.place if self.written else self.homes.get(("endpoint", self.id))

    def place_of(self, name: str) -> Place | Row | None:
        """Where an option stands, or else the whole."""
        return (self.written.places.get(name) if self.written else None) or self.place


@dataclass(frozen=True)
class Calls:
    """Test calls: one proof for each phone that could be tried, and what it called. ``base`` is the
    address that they went to. ``long`` is one more call, with an offer of as many attributes as Chrome
    sends; None where no call came about. ``left_out`` says of phones why they were not tried: nothing that
    is wrong is ever sent.
    """

    base: str
    proofs: tuple[Proof, ...]
    extensions: Mapping[str, str]
    long: Proof | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Connects:
    """Where phones connect to by the settings, [server], and by single accounts; empty, and 0, is where the
    page came from. ``paths`` and ``ports`` are all that are named, each with its place if that is an
    account. ``handshake`` is what came of it at the public address, if there is one.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    paths: tuple[tuple[str, Place | Row | None], ...] = ()
    ports: tuple[tuple[int, Place | Row | None], ...] = ()
    handshake: Handshake | None = None


@dataclass(frozen=True)
class Log:
    """What Asterisk's log has of notices, warnings and errors since its start, or of the last hours: old
    ones first. ``path`` is as Asterisk sees it.

    A line is never a finding by itself, for it may be about what was mended since; it is for ``seen``.
    """

    path: str
    lines: tuple[str, ...] = field(repr=False)

    def last(self, pattern: str) -> str:
        """The newest line in which the regular expression ``pattern`` is found; empty if there is none."""
        wanted = re.compile(pattern)
        return next((line for line in reversed(self.lines) if wanted.search(line)), "")


@dataclass(frozen=True)
class Machine:
    """What this machine tells beside Asterisk. ``name_resolves`` is whether it can look up its own name.

    ``own`` are those of the public name's addresses that are this machine's. ``listeners`` has the
    program at each port of Asterisk's web server that could be seen, ``connections`` what is connected
    there. ``banned`` are the addresses that fail2ban keeps away from Asterisk, None where it cannot be asked.
    ``service`` are properties of systemd's service, empty where there is none; ``refused`` is what SELinux
    refused to Asterisk a short while ago, None where that cannot be told.
    """

    name: str
    name_resolves: bool
    firewall: Firewall | None
    own: frozenset[str] = frozenset()
    listeners: Mapping[int, Program] = field(default_factory=dict)
    connections: Mapping[int, Connections] = field(default_factory=dict)
    banned: tuple[str, ...] | None = None
    service: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] | None = ()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything. ``outside`` is how far one gets to the public address, ``inside`` to the same server
    over the loopback; ``calls`` go the shorter way, ``public_calls`` the public one. ``log`` was read after
    the calls, and has what they met. ``pages`` are answers of the web server inside, by path.
    """

    now: dt.datetime
    written: Written | Missing
    live: Live | Missing
    machine: Machine | Missing
    phones: tuple[Phone, ...] | Missing
    outside: Reached | Missing
    inside: Reached | Missing
    calls: Calls | Missing
    public_calls: Calls | Missing
    log: Log | Missing = Missing("the log was not looked at")
    pages: Mapping[str, HttpAnswer] | Missing = Missing("no other pages were asked for")
    connects: Connects | Missing = Missing("where phones connect to was not looked at")
