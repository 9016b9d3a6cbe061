"""firewalld: a service of our name, and the same ports at runtime.

A new service is known at runtime after a reload alone, and that would drop what the admin has opened
at runtime. So the ports themselves are opened there, by rules that our priority tells from others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.provision import system_program
from cmp_bundle.provision.firewall import NAME, Firewall, Gate, Ports, Range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Where the service is, also while firewalld is off.
SERVICE = Path("/etc/firewalld/services", f"{NAME}.xml")

_RUNNING = ("firewall-cmd",)
_PERMANENT = ("firewall-cmd", "--permanent")
_OFF = ("firewall-offline-cmd",)

_RULE = 'rule priority="8089" port port="{}" protocol="{}" accept'
_OURS = re.compile(re.escape(_RULE).replace(r"\{\}", "([a-z0-9-]+)"))

#: Zones that let all in, and those that let nothing in, which is what a ban is made with.
_OPEN = ("ACCEPT",)
_SHUT = ("DROP", "%%REJECT%%", "REJECT")


@dataclass(frozen=True)
class Zone:
    """As firewalld lists it. ``rules`` are those of ours, ``service`` is whether it has ours; ``gate`` is
    what else it lets in.
    """

    name: str
    target: str = "default"
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    service: bool = False
    rules: tuple[Range, ...] = ()
    gate: Gate = field(default=Gate(), compare=False)

    def lets_in(self, service: Ports | None, ports: Ports) -> bool:
        """Whether ``ports`` are open here, ``service`` being those that our service has."""
        opened = service.ranges if service and self.service else frozenset()
        return opened.union(self.rules) == ports.ranges


@dataclass(frozen=True)
class Firewalld(Firewall):
    """``runtime`` and ``permanent`` are its zones, ``entrances`` the names of those that phones come in
    by, ``service`` the ports of our service, None where there is none.
    """

    runtime: tuple[Zone, ...] = ()
    permanent: tuple[Zone, ...] = ()
    entrances: tuple[str, ...] = ()
    service: Ports | None = None

    def opening(self, ports: Ports) -> tuple[tuple[str, ...], ...]:
        ranges = sorted(ports.ranges)
        rules = [f"--add-rich-rule={_RULE.format(one.numbers, one.protocol)}" for one in ranges]
        return (
            (*_PERMANENT, f"--new-service={NAME}"),
            (*_PERMANENT, f"--service={NAME}", *(f"--add-port={one}" for one in ranges)),
            *((*_PERMANENT, f"--zone={z}", f"--add-service={NAME}") for z in self.entrances),
            *((*_RUNNING, f"--zone={z}", *rules) for z in self.entrances),
        )

    def closing(self) -> tuple[tuple[str, ...], ...]:
        written = _PERMANENT if self.active else _OFF
        remove = "--remove-service" if self.active else "--remove-service-from-zone"
        return (
            *_emptied(_RUNNING, self.runtime, "--remove-service"),
            *_emptied(written, self.permanent, remove),
            *(((*written, f"--delete-service={NAME}"),) if self.service is not None else ()),
        )


def _emptied(
    program: tuple[str, ...], zones: tuple[Zone, ...], remove: str
) -> Iterator[tuple[str, ...]]:
    for zone in zones:
        where = (*program, f"--zone={zone.name}")
        if zone.service:
            yield (*where, f"{remove}={NAME}")
        for rule in zone.rules:
            yield (*where, f"--remove-rich-rule={_RULE.format(rule.numbers, rule.protocol)}")


def look() -> Firewalld | None:
    """None where it is neither at work nor has anything of ours, or cannot be asked."""
    default = system_program.answer(*_RUNNING, "--get-default-zone")
    active, is_ours = default is not None, _is_there(SERVICE)
    if not active and not is_ours:
        return None
    written = _PERMANENT if active else _OFF
    runtime = system_program.answer(*_RUNNING, "--list-all-zones") if active else ""
    permanent = system_program.answer(*written, "--list-all-zones")
    if runtime is None or permanent is None:
        return None
    return seen(
        tuple(zones(runtime)),
        tuple(zones(permanent)),
        system_program.answer(*written, f"--service={NAME}", "--get-ports") if is_ours else None,
        (default or "").strip(),
        _interfaces(),
        active=active,
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _interfaces() -> set[str]:
    """The names of this machine's, without those that belong to a bridge or the like."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    names = {line.partition(":")[0].strip() for line in lines if ":" in line} - {"lo"}
    return {name for name in names if not Path("/sys/class/net", name, "master").exists()}


def seen(
    runtime: tuple[Zone, ...],
    permanent: tuple[Zone, ...],
    service: str | None,
    default: str,
    interfaces: Collection[str],
    *,
    active: bool,
) -> Firewalld:
    """What these zones come to, with our ``service``'s ports as listed, None for no service.

    ``default`` is the zone of those ``interfaces`` of the machine that are in no other.
    """
    ports = None if service is None else Ports.of(map(Range.parsed, service.split()))
    used = [zone for zone in (*runtime, *permanent) if zone.service]
    ranges = {rule for zone in (*runtime, *permanent) for rule in zone.rules}
    if ports and used:
        ranges |= ports.ranges
    nothing = ports is None and not used and not ranges
    opened = None if nothing else Ports.of(ranges)
    entrances = tuple(_entrances(runtime, default, interfaces))
    by_name = {zone.name: zone for zone in permanent}
    here = [zone for zone in runtime if zone.name in entrances]
    # One that was made at runtime has no permanent form.
    here += [by_name[zone.name] for zone in here if zone.name in by_name]
    return Firewalld(
        "firewalld",
        active,
        opened,
        opened is None or all(zone.lets_in(ports, opened) for zone in here),
        runtime,
        permanent,
        entrances,
        ports,
        gates=tuple(_gate(zone, ports) for zone in runtime if zone.name in entrances),
    )


#: Services that have no port of a phone's.
_OTHERS = {"ssh", "dhcpv6-client", "cockpit", "mdns", "samba-client", "ipp-client"}
_PORTS = {"http": Range("tcp", 80, 80), "https": Range("tcp", 443, 443)}


def _gate(zone: Zone, service: Ports | None) -> Gate:
    """What a zone lets in, with all that is ours there."""
    ours = service.ranges if service and zone.service else frozenset()
    return Gate(zone.gate.open | ours | set(zone.rules), zone.gate.narrow, zone.gate.unclear)


def _listed(values: dict[str, str], lines: list[str]) -> Gate:
    """What a zone's own ports and services let in; what else it has is not understood here."""
    services = set(values.get("services", "").split()) - {NAME}
    ranges = [
        *map(Range.parsed, values.get("ports", "").split()),
        *(_PORTS[name] for name in services if name in _PORTS),
    ]
    rules = [
        line
        for line in lines
        if line.strip().startswith("rule ") and not _OURS.fullmatch(line.strip())
    ]
    unclear = bool(services - _OTHERS - _PORTS.keys()) or any("accept" in line for line in rules)
    return Gate(frozenset(one for one in ranges if one), unclear=unclear)


def _entrances(
    runtime: tuple[Zone, ...], default: str, interfaces: Collection[str]
) -> Iterator[str]:
    """Those that something comes in by, and that are neither open to all nor shut to some."""
    bound = {name for zone in runtime for name in zone.interfaces}
    for zone in runtime:
        has_interface = bool(zone.interfaces) or (
            zone.name == default and (not bound.issuperset(interfaces) or not interfaces)
        )
        banned = zone.target in _SHUT and not has_interface
        if (has_interface or zone.sources) and zone.target not in _OPEN and not banned:
            yield zone.name


def zones(listed: str) -> Iterator[Zone]:
    """From what ``--list-all-zones`` prints."""
    for block in re.split(r"\n(?=\S)", listed.strip("\n")):
        name, _, rest = block.partition("\n")
        if not name.strip():
            continue
        lines = [line.partition(":") for line in rest.split("\n") if line.startswith("  ")]
        values = {key.strip(): value.strip() for key, _, value in lines}
        rules = (_OURS.fullmatch(line.strip()) for line in rest.split("\n"))
        ranges = (Range.parsed(f"{found[1]}/{found[2]}") for found in rules if found)
        yield Zone(
            name.split()[0],
            values.get("target", "default"),
            tuple(values.get("interfaces", "").split()),
            tuple(values.get("sources", "").split()),
            NAME in values.get("services", "").split(),
            tuple(one for one in ranges if one is not None),
            _listed(values, rest.split("\n")),
        )
