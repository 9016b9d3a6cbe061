"""What stands against a plan: checks asked in the order in which people can do something about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.checks import http_conf
from cmp_bundle.checks.conf_file import refused
from cmp_bundle.errors import CmpBundleError, refuse, refuse_first
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.server.refusals import against_editing, against_reload

if TYPE_CHECKING:
    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.checks.expected import Expected
    from cmp_bundle.deploy.survey import Survey
    from cmp_bundle.findings import Finding


_NOTHING = "nothing was changed"


def before_deploy(found: Survey, site: str, redirect: str, *, proxied: bool) -> None:
    """Raises CmpBundleError with all because of which a deploy would not work, or would take something
    away.
    """
    against = [_other_site(found, site), *_against_any(found), _static_files(found)]
    if not (found.http.missing or found.http.refused):
        against += [
            http_conf.prefix_unusable(found.server),
            http_conf.redirect_taken(found.server, redirect, found.inside("http.conf")),
            http_conf.https_off(found.server, found.path("http.conf"), proxied=proxied),
        ]
    refuse([one for one in against if one], _NOTHING)


def before_any(found: Survey) -> None:
    """Raises CmpBundleError with all that stands against any change of http.conf."""
    refuse([one for one in _against_any(found) if one], _NOTHING)


def _against_any(found: Survey) -> tuple[Finding | None, ...]:
    return against_reload(found), *against_editing(found)


def after(found: Survey, plan: Plan, expected: Expected) -> None:
    """Reads the configuration as it would be, and raises if it would not do what was planned."""
    if not any(change.path.suffix == ".conf" for change in plan.changes):
        return
    http = reader.read("http.conf", found.with_changes(found.after(plan)))
    server = http_server(http)
    target, file = expected.redirect, found.path("http.conf")
    refuse_first(
        refused(http),
        http_conf.redirect_ineffective(http, server, target, expected.page, file),
        http_conf.redirect_taken(server, target, found.inside("http.conf")),
    )


def _other_site(found: Survey, site: str) -> Finding | None:
    if found.redirect is None or site == found.site.name:
        return None
    text = (
        f"the phone is already deployed here as {found.site.name}, but the bundle's site is {site}"
    )
    hint = "run cmp-bundle undeploy first, or build with that [site] name"
    return finding("other-site", text, Place(str(found.site.link)), hint)


def _static_files(found: Survey) -> Finding | None:
    """Where Asterisk's own files say that its data lies, root makes nothing in a folder of root's."""
    if found.site.static in found.states:
        return None
    try:
        _ = found.static_owner
    except CmpBundleError as error:  # there is no data folder either
        return error.finding
    if found.may_make_static:
        return None
    data = found.installation.data
    text = f"static-http does not exist in the data folder (from {data.origin})"
    hint = (
        f"if {data.value} is right, make it with mkdir; otherwise name the data folder:"
        " [asterisk] data_dir"
    )
    return finding("no-static-folder", text, Place(str(found.site.static)), hint)
