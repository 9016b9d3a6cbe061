"""The names and addresses that a certificate can be for: those that browsers accept."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import idna
from cryptography import x509

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.hostname import in_ascii

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: RFC 1035, in octets, without the root's dot.
_LONGEST_NAME, _LONGEST_LABEL = 253, 63

#: Firefox matches no label that begins or ends with a hyphen; underscores, which no host name
#: should have, both Firefox and Chromium take (seen in 153 and 156).
_LABEL = re.compile(r"(?!-)[a-z0-9_-]+(?<!-)")

#: What a URL parser takes for the end of an IPv4 address (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

#: Chromium takes no wildcard for a registry's own domain. Its list of those is long; this is the
#: shape of nearly all that have two labels.
_REGISTRY = re.compile(r"(ac|co|com|edu|go|gov|mil|ne|net|or|org)\.[a-z]{2}")


@dataclass(frozen=True)
class Host:
    """A name or an address as it stands in a certificate; made by ``host`` alone.

    ``text`` is in small letters and ASCII (``xn--bcher-kva.example``), an IPv6 address without
    brackets; ``*.example.com`` stands for all names with one label before ``example.com``.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def address(self) -> Address | None:
        """None where it is a name."""
        try:
            return ipaddress.ip_address(self.text)
        except ValueError:
            return None

    @property
    def domain(self) -> str:
        """The name without its wildcard."""
        return self.text.removeprefix("*.")

    @property
    def general_name(self) -> x509.GeneralName:
        address = self.address
        return x509.DNSName(self.text) if address is None else x509.IPAddress(address)

    def covers(self, other: Host) -> bool:
        """Whether a certificate for this one is good for ``other`` too."""
        if self == other:
            return True
        if not self.text.startswith("*.") or other.address is not None:
            return False
        first, _, rest = other.text.partition(".")
        return first != "*" and rest == self.domain


def host(text: str) -> Host:
    """What somebody typed, as a Host. Raises CmpBundleError where no browser would accept it."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return _of_address(text, ipaddress.ip_address(bare))
    except ValueError:
        return _of_name(text)


def hosts(texts: Iterable[str]) -> tuple[Host, ...]:
    """Each once, in the order given. Raises CmpBundleError where one is refused, or none given."""
    found = tuple(dict.fromkeys(host(text) for text in texts))
    if not found:
        raise CmpBundleError(
            "no-host",
            "a certificate needs a host",
            hint="name a host: pbx.example.com, 192.0.2.7",
        )
    return found


def file_of(host: str) -> str:
    """The name of the file for the certificate of ``host``."""
    return f"{host.replace('*', '_wildcard').replace(':', '_')}.pem"


def _of_address(text: str, address: Address) -> Host:
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        _refuse(
            text, "browsers do not open addresses with a zone", "leave out the % and all after it"
        )
    if address.is_unspecified or address.is_multicast:
        _refuse(text, "nobody can open this address", "name one of the machine's own")
    return Host(str(address))


def _of_name(text: str) -> Host:
    _not_a_url(text)
    name = _ascii(text)
    # A URL's trailing dot is dropped before names are compared; in a certificate Firefox takes none.
    name = name.removesuffix(".")
    wildcard = name.startswith("*.")
    labels = name.removeprefix("*.").split(".")
    if "*" in "".join(labels):
        _refuse(text, "a wildcard must be the whole first label", "*.example.com, once")
    for label in labels:
        if not label:
            _refuse(text, "one part of the name is empty", "it has a dot too many")
        if len(label) > _LONGEST_LABEL:
            _refuse(text, f"a part of it is longer than {_LONGEST_LABEL} characters")
        if not _LABEL.fullmatch(label):
            _refuse(
                text,
                f"{label!r} cannot be part of a host name",
                "use letters, digits and hyphens, with no hyphen at either end",
            )
        if label.startswith("xn--") and not _encodes_a_name(label):
            _refuse(text, f"{label!r} is not a valid encoded name")
    if len(name) > _LONGEST_NAME:
        _refuse(text, f"it is longer than {_LONGEST_NAME} characters")
    if _NUMBER.fullmatch(labels[-1]):
        _refuse(text, "browsers read it as an address, but it is not a valid one")
    if wildcard and (len(labels) == 1 or _REGISTRY.fullmatch(".".join(labels))):
        _refuse(
            text,
            "browsers do not accept a wildcard for a whole top-level domain",
            "name the hosts, or a domain below it: *.example.com",
        )
    return Host(name)


def _without_port(text: str) -> str:
    """The host of ``host:port``; empty where there is no port."""
    found = re.fullmatch(r"([^:]+|\[.*\]):\d+", text)
    return found[1] if found else ""


def _not_a_url(text: str) -> None:
    if not text.strip(" ."):
        _refuse(text, "it is empty")
    if "://" in text or "/" in text:
        inner = re.sub(r"^[a-z]+://|[/?#].*$", "", text, flags=re.IGNORECASE)
        inner = _without_port(inner) or inner
        _refuse(text, "a certificate is for a host, not for a URL", f"name the host alone: {inner}")
    if inner := _without_port(text):
        _refuse(text, "a certificate is for a host on every port", f"leave it out: {inner}")
    if "@" in text:
        _refuse(text, "a certificate is for a host, not for a person")


def _ascii(text: str) -> str:
    try:
        return in_ascii(text)
    except ValueError:
        _refuse(
            text,
            "it has characters that no host name can have",
            "use letters, digits and hyphens, or the encoded form: xn--…",
        )


def _encodes_a_name(label: str) -> bool:
    try:
        return idna.alabel(idna.ulabel(label)).decode() == label
    except idna.IDNAError:
        return False


def _refuse(text: str, why: str, hint: str | None = None) -> NoReturn:
    raise CmpBundleError("host-name", f"a certificate cannot be for {text!r}: {why}", hint=hint)
