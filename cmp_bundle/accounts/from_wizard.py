"""The endpoints in a pjsip_wizard.conf, as res/res_pjsip_config_wizard.c makes them.

A wizard's own lines (``transport``, ``accepts_auth``) come after what it passes on
(``endpoint/transport``, ``endpoint/auth``) and so win over it. The prefixes are compared with
case, as nothing else is. A wizard that is there twice is made twice, and the last one stays of
those that can be made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.endpoint import Endpoints, Option, aor, auth, endpoint, last, value
from cmp_bundle.accounts.from_pjsip import options
from cmp_bundle.asterisk import category_filter
from cmp_bundle.asterisk.values import is_true

if TYPE_CHECKING:
    from cmp_bundle.accounts.endpoint import Aor, Auth, Endpoint
    from cmp_bundle.asterisk.configuration import Category, Configuration

#: How the module looks for its categories.
_WIZARDS = category_filter.parse("type=^wizard$")

#: The longest of the suffixes that are put behind a wizard's name.
_INBOUND = "-iauth"


def found(configuration: Configuration, base: Endpoints) -> Endpoints:
    """What a pjsip_wizard.conf that was read makes, beside the pjsip.conf that made ``base``.

    The endpoints are the wizards' alone; the auths and transports that they may name are both's.
    """
    endpoints: dict[str, Endpoint] = {}
    auths: dict[str, Auth] = dict(base.auths)
    aors: dict[str, Aor] = dict(base.aors or {})
    for category in configuration.categories:
        if category.template or not _WIZARDS.accepts(template=False, variables=category.variables):
            continue
        lines = options(category)
        wizard = _endpoint(category, lines)
        endpoints[wizard.id] = wizard
        aors[wizard.id] = aor(wizard.id, _passed_on(lines, "aor/"), category.place)
        if is_true(value(lines, "accepts_auth")):
            inbound = _passed_on(lines, "inbound_auth/")
            # Without a username the module makes no auth, though it says inbound_auth to it.
            if last(inbound, "username"):
                name = wizard.id + _INBOUND
                another = auth(name, inbound)
                if name not in auths or another.loaded:
                    auths[name] = another
    return Endpoints(endpoints, auths, base.transports, base.realm, aors=aors)


def _endpoint(category: Category, lines: tuple[Option, ...]) -> Endpoint:
    added = [Option("aors", category.name, category.place)]
    transport = last(lines, "transport")
    if transport and transport.value:
        added.append(transport)
    place = category.place
    if is_true(value(lines, "accepts_auth")):
        added.append(Option("auth", category.name + _INBOUND, place))
    made = endpoint(category.name, (*_passed_on(lines, "endpoint/"), *added), place)
    # remote_hosts makes an aor with fixed contacts, and an identify.
    return replace(made, trunk=bool(value(lines, "remote_hosts")))


def _passed_on(lines: tuple[Option, ...], prefix: str) -> tuple[Option, ...]:
    return tuple(
        Option(line.name.removeprefix(prefix), line.value, line.where)
        for line in lines
        if line.name.startswith(prefix) and line.name != prefix
    )
