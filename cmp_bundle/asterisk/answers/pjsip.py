"""What PJSIP tells of its objects."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ListedEndpoint:
    """A line of ``pjsip show endpoints``. ``name`` may be cut off where ``whole`` is false: long ones
    are, to the width of the table. ``contacts`` are how many phones are registered.
    """

    name: str
    whole: bool
    contacts: int


def transports(text: str) -> tuple[str, ...]:
    """The names of those of ``pjsip show transports``, which is not cut off."""
    return tuple(re.findall(r"^Transport:  ([^\s<]\S*)", text, re.MULTILINE))


#: The columns of a name with its caller id.
_WIDTH = 48


def endpoints(text: str) -> tuple[ListedEndpoint, ...]:
    """Those of ``pjsip show endpoints``."""
    found: list[ListedEndpoint] = []
    for line in text.splitlines():
        header = re.match(r" Endpoint:  (?!<)(.{1,48})", line)
        if header:
            shown = header[1]
            name = shown.rstrip().partition("/")[0]
            found.append(ListedEndpoint(name, "/" in shown or len(shown.rstrip()) < _WIDTH, 0))
        elif found and re.match(r"      Contact:  (?!<)", line):
            last = found[-1]
            found[-1] = ListedEndpoint(last.name, last.whole, last.contacts + 1)
    return tuple(found)


@dataclass(frozen=True)
class Contact:
    """A registered phone, of ``pjsip show aor``. ``uri`` may be cut off; ``status`` is one of Avail,
    Unavail, NonQual, Unknown and the like.
    """

    uri: str
    status: str

    @property
    def gone(self) -> bool:
        """Whether it does not answer Asterisk's questions."""
        return self.status.startswith("Unavail")


def contacts(text: str, aor: str) -> tuple[Contact, ...]:
    """Those of ``pjsip show aor NAME``."""
    found = []
    for line in text.splitlines():
        _, begun, rest = line.partition("Contact:  ")
        if begun and rest.startswith(f"{aor}/"):
            # The address, a hash, the status and a time.
            uri, *others = rest.removeprefix(f"{aor}/").split() or ("",)
            if len(others) == len(("hash", "status", "time")):
                found.append(Contact(uri, others[1]))
    return tuple(found)


@dataclass(frozen=True)
class Identify:
    """A ``type=identify``: from the networks of ``matches`` everything is taken for ``endpoint``. Names
    may be cut off. What is no network, such as a header, stands there as well.
    """

    name: str
    endpoint: str
    matches: tuple[str, ...]


def identifies(text: str) -> tuple[Identify, ...]:
    """Those of ``pjsip show identifies``."""
    found: list[Identify] = []
    for line in text.splitlines():
        what, colon, rest = line.strip().partition(": ")
        rest = rest.strip()
        if not colon or rest.startswith("<"):
            continue
        if what == "Identify":
            name, _, endpoint = rest.partition("/")
            found.append(Identify(name, endpoint, ()))
        elif what == "Match" and found:
            found[-1] = replace(found[-1], matches=(*found[-1].matches, rest))
    return tuple(found)
