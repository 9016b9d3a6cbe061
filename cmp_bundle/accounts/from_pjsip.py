"""The endpoints in a pjsip.conf, as Asterisk's sorcery takes them out of it.

After res/res_sorcery_config.c: a category is an endpoint if the first of its ``type`` lines says
so; ids are compared with case; two objects of one id and type make Asterisk refuse all of that
type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cmp_bundle.accounts.endpoint import (
    REALM,
    Aor,
    Auth,
    Endpoint,
    Endpoints,
    Option,
    aor,
    auth,
    endpoint,
    value,
)
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.asterisk.configuration import Category, Configuration

_Object = TypeVar("_Object", Aor, Auth, Endpoint, str)

#: The categories that are no templates, by the first of their types.
_Sorts = dict["str | None", list["Category"]]


def found(configuration: Configuration) -> Endpoints:
    """What a pjsip.conf that was read makes. Places name files as Asterisk sees them."""
    findings: list[Finding] = []
    sorts: _Sorts = {}
    for category in configuration.categories:
        if not category.template:
            sorts.setdefault(_type(category), []).append(category)
    endpoints = _objects(sorts, "endpoint", _endpoint, findings)
    return Endpoints(
        endpoints=_with_trunks(sorts, endpoints),
        auths=_objects(sorts, "auth", lambda c: auth(c.name, options(c)), findings),
        transports=_objects(sorts, "transport", _protocol, findings),
        realm=_realm(sorts),
        aors=_objects(sorts, "aor", _aor, findings),
        findings=tuple(findings),
    )


def _with_trunks(sorts: _Sorts, endpoints: dict[str, Endpoint]) -> dict[str, Endpoint]:
    """``endpoints``, with those marked that lead to another server: an identify knows them by their
    address and nothing asks them for a password, or an aor says itself where they are.
    """
    identified = {value(one.variables, "endpoint") for one in sorts.get("identify", ())}
    fixed = {one.name for one in sorts.get("aor", ()) if value(one.variables, "contact")}
    return {
        name: replace(one, trunk=True)
        if (name in identified and not one.auths) or not fixed.isdisjoint(one.aors)
        else one
        for name, one in endpoints.items()
    }


def options(category: Category) -> tuple[Option, ...]:
    """The lines of a category."""
    return tuple(Option(v.name, v.value, v.place) for v in category.variables)


def _endpoint(category: Category) -> Endpoint:
    return endpoint(category.name, options(category), category.place)


def _aor(category: Category) -> Aor:
    return aor(category.name, options(category), category.place)


def _protocol(category: Category) -> str:
    return folded(value(category.variables, "protocol", "udp"))


def _objects(
    sorts: _Sorts,
    kind: str,
    make: Callable[[Category], _Object],
    findings: list[Finding],
) -> dict[str, _Object]:
    objects: dict[str, _Object] = {}
    for category in sorts.get(kind, ()):
        another = make(category)
        before = objects.setdefault(category.name, another)
        if before is another or not _is_loaded(another):
            continue
        if _is_loaded(before):
            text = (
                f"two objects of type={kind} are named [{category.name}]: Asterisk loads no {kind}"
            )
            findings.append(
                finding("duplicate-object", text, category.place, "rename or remove one")
            )
        objects[category.name] = another
    return objects


def _is_loaded(found: Aor | Auth | Endpoint | str) -> bool:
    """Whether Asterisk loads it: what it does not load, as an auth may be, is no second one."""
    return found.loaded if isinstance(found, Auth) else True


def _type(category: Category) -> str | None:
    return next((v.value for v in category.variables if folded(v.name) == "type"), None)


def _realm(sorts: _Sorts) -> str:
    """``default_realm`` of the one object of type global, which [global] is even without a type."""
    untyped = [category for category in sorts.get(None, ()) if category.name == "global"]
    found = [*sorts.get("global", ()), *untyped]
    if len(found) != 1:
        return REALM
    return value(found[0].variables, "default_realm", REALM)
