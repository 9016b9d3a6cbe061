"""What an authority may vouch for: its name constraints, as browsers hold it to them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.hosts import host
from cmp_bundle.tls.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp_bundle.tls.hosts import Address, Host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Names that nobody on the Internet can own, so that vouching for them harms nobody: RFC 6761,
#: RFC 6762 (with its appendix G), RFC 8375, ICANN's resolution 2024.07.29.06 on .internal, and
#: the domain that Debian gives to machines without one.
PRIVATE = (
    "localhost",
    "test",
    "local",
    "home.arpa",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "localdomain",
)

#: Addresses at which no server on the Internet can be: loopback, RFC 1918, RFC 6598 (carriers, and
#: overlay networks such as Tailscale's), link-local, RFC 4193.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

#: How many names or networks are listed for a person; a stranger's authority may have thousands.
_MANY = 20


@dataclass(frozen=True)
class Bounds:
    """Subtrees of names and addresses, in the order of the certificate; None for any at all.

    A name stands for itself and all below it, one with a dot before it (``.dev``) only for what
    is below. What is excluded is so even where it is permitted.
    """

    permitted: tuple[str, ...] | None = None
    networks: tuple[Network, ...] | None = None
    excluded: tuple[str, ...] = ()
    excluded_networks: tuple[Network, ...] = ()

    def allow(self, host: Host) -> bool:
        """Whether browsers will believe who ``host`` is."""
        address = host.address
        if address is not None:
            inside = self.networks is None or _contains(self.networks, address)
            return inside and not _contains(self.excluded_networks, address)
        inside = self.permitted is None or _covers(self.permitted, host.text)
        return inside and not _covers(self.excluded, host.text)

    @property
    def domains(self) -> tuple[str, ...] | None:
        """The names that stand for all below them too; None for any."""
        if self.permitted is None or "" in self.permitted:
            return None
        return tuple(p for p in self.permitted if p not in self.alone)

    @property
    def alone(self) -> tuple[str, ...]:
        """The names that stand for themselves and nothing below."""
        return tuple(p for p in self.permitted or () if f".{p}" in self.excluded)

    @property
    def bounded(self) -> bool:
        """Whether this is what ``around`` makes."""
        networks = [n for n in self.networks or () if n not in PRIVATE_NETWORKS]
        texts = [
            *(p for p in self.permitted or () if p not in PRIVATE),
            *(str(n.network_address) for n in networks),
        ]
        try:
            bounds = around((), [host(text) for text in texts])
        except CmpBundleError:
            return False  # no host could be called so
        return self == bounds

    @property
    def extension(self) -> x509.NameConstraints:
        permitted = [x509.DNSName(p) for p in self.permitted or ()]
        addresses = [x509.IPAddress(n) for n in self.networks or ()]
        return x509.NameConstraints(
            [*permitted, *addresses],
            [
                *(x509.DNSName(e) for e in self.excluded),
                *(x509.IPAddress(n) for n in self.excluded_networks),
            ]
            or None,
        )

    def __str__(self) -> str:
        return f"{self._names}; {self._addresses}"

    @property
    def _names(self) -> str:
        domains, alone = self.domains, self.alone
        words = []
        if domains is None:
            words.append("any name")
        else:
            private = set(PRIVATE) <= set(domains)
            others = [d for d in domains if not private or d not in PRIVATE]
            words += ["private names"] if private else []
            words += [f"{_listed(others)} and all below"] if others else []
        if alone:
            words.append(f"{_listed(alone)} and nothing below")
        excluded = [e for e in self.excluded if e not in {f".{a}" for a in alone}]
        if excluded:
            words.append(f"not {_listed(excluded)}")
        return "; ".join(words) or "no name"

    @property
    def _addresses(self) -> str:
        networks = self.networks
        if networks is None:
            return "any address"
        words = []
        if set(PRIVATE_NETWORKS) <= set(networks):
            words.append("private addresses")
            networks = tuple(n for n in networks if n not in PRIVATE_NETWORKS)
        if networks:
            words.append(_listed([_as_typed(n) for n in networks]))
        return "; ".join(words) or "no address"


def bounds_of(certificate: x509.Certificate) -> Bounds:
    """Those of any authority, whoever made it."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return Bounds()
    permitted, excluded = found.permitted_subtrees or (), found.excluded_subtrees or ()
    # One kind of name is bound only where some of this kind are permitted (RFC 5280, 4.2.1.10).
    return Bounds(
        _names(permitted) or None,
        _networks(permitted) or None,
        _names(excluded),
        _networks(excluded),
    )


def around(asked: Iterable[Host], also: Iterable[Host] = ()) -> Bounds:
    """Bounds that hold what was ``asked`` for, whatever of ``also`` fits in, and what is private.

    A name of one label, such as this machine's, is held alone: ``dev`` may be a machine here, and
    all below it is a public top-level domain. Raises CmpBundleError where what was asked for
    cannot be held together.
    """
    asked = tuple(asked)
    hosts = (*also, *asked)
    bounds = _around(
        [h.domain for h in hosts if h.address is None],
        [ipaddress.ip_network(h.address) for h in hosts if h.address is not None],
    )
    for one in asked:
        if not bounds.allow(one):
            below = dict.fromkeys(h.text for h in hosts if h.domain.endswith(f".{one}"))
            raise CmpBundleError(
                "authority-limits",
                f"no authority can sign for {one} alone and also for {', '.join(below)}",
                hint=f"leave out one of them; {one}.local or {one}.lan would do for the machine",
            )
    return bounds


def _around(names: Iterable[str], networks: Iterable[Network]) -> Bounds:
    """The most general alone, in an order that making them again keeps."""
    wanted = tuple(dict.fromkeys((*PRIVATE, *names)))
    domains = tuple(n for n in wanted if "." in n or n in PRIVATE)
    # An exclusion is stronger than any permission: where a name below it is meant too, one label
    # cannot be held alone, and is left out.
    alone = tuple(
        n for n in wanted if n not in domains and not any(d.endswith(f".{n}") for d in domains)
    )
    top = tuple(n for n in domains if not any(n.endswith(f".{d}") for d in domains))
    kept = [*PRIVATE_NETWORKS]
    for network in networks:
        if not any(_within(network, k) for k in kept):
            kept.append(network)
    return Bounds((*top, *alone), tuple(kept), tuple(f".{n}" for n in alone))


def _covers(subtrees: Iterable[str], name: str) -> bool:
    """RFC 5280, and what every verifier makes of a dot at the beginning: docs/decisions has which."""
    return any(
        not s or name == s or name.endswith(s if s.startswith(".") else f".{s}") for s in subtrees
    )


def _contains(networks: Iterable[Network], address: Address) -> bool:
    return any(address in network for network in networks)


def _within(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _names(subtrees: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    return tuple(n.value.lower() for n in subtrees if isinstance(n, x509.DNSName))


def _networks(subtrees: Iterable[x509.GeneralName]) -> tuple[Network, ...]:
    return tuple(
        n.value
        for n in subtrees
        if isinstance(n, x509.IPAddress)
        and isinstance(n.value, ipaddress.IPv4Network | ipaddress.IPv6Network)
    )


def _as_typed(network: Network) -> str:
    one = network.prefixlen == network.max_prefixlen
    return str(network.network_address if one else network)


def _listed(names: Sequence[str]) -> str:
    listed = [printable(name) for name in names[:_MANY]]
    rest = len(names) - len(listed)
    return ", ".join(listed) + (f" and {rest} more" if rest else "")
