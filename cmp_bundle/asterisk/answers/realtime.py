"""What Asterisk tells of its databases: ``core show config mappings``, ``odbc show all``,
``realtime load``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


def families(text: str) -> dict[str, tuple[str, ...]]:
    """The drivers (``sqlite3``) of each family (``ps_endpoints``) of ``core show config mappings``, in
    the order in which they are listed.
    """
    found: dict[str, tuple[str, ...]] = {}
    driver = ""
    for line in text.splitlines():
        if line.startswith("Config Engine: "):
            driver = line.removeprefix("Config Engine: ").strip()
        elif line.startswith("===> "):
            family = line.removeprefix("===> ").partition(" (")[0]
            found[family] = (*found.get(family, ()), driver)
    return found


@dataclass(frozen=True)
class Odbc:
    """A connection of res_odbc.conf. ``active`` are how many are open; ``failed`` is the time of the last
    attempt that failed, empty where none did.
    """

    name: str
    dsn: str = ""
    active: int = 0
    failed: str = ""


def odbc(text: str) -> tuple[Odbc, ...]:
    """Those of ``odbc show all``."""
    found: list[Odbc] = []
    for line in text.splitlines():
        what, _, value = line.strip().partition(":")
        value = value.strip()
        if what == "Name":
            found.append(Odbc(value))
        elif found and what == "DSN":
            found[-1] = replace(found[-1], dsn=value)
        elif found and what == "Last fail connection attempt":
            found[-1] = replace(found[-1], failed=value)
        elif found and what == "Number of active connections":
            count = value.partition(" ")[0]
            found[-1] = replace(
                found[-1], active=int(count) if count.isascii() and count.isdigit() else 0
            )
    return tuple(found)


def row(text: str) -> dict[str, str] | None:
    """The columns of ``realtime load ps_endpoints id NAME``, empty where there is NULL; some drivers leave
    those out. None where there is no such row, or no answer of the database.
    """
    _, rule, table = text.partition("--------------------  --------------------")
    if not rule:
        return None
    found = {}
    for line in table.splitlines():
        name, _, value = line.strip().partition(" ")
        if name:
            found[name] = value.strip()
    return found
