"""What stands against a plan, each with its reason, place and way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import REFUSED, UNKNOWN, Configuration, same_name
from cmp_bundle.asterisk.http_conf import HttpServer, http_server
from cmp_bundle.changes.state import FileState, FolderState
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.loadable import check_reload

if TYPE_CHECKING:
    from cmp_bundle.asterisk.includes import Https
    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.deploy.expected import Expected
    from cmp_bundle.deploy.survey import Survey

_LINES = """\
add these lines to [general] in http.conf, with a certificate of your own:
         tlsenable = yes
         tlsbindaddr = 0.0.0.0:8089
         tlscertfile = /etc/asterisk/keys/asterisk.pem
         tlsprivatekey = /etc/asterisk/keys/asterisk.pem
       or let cmp-bundle do it in its own file: --enable-https --cert FILE --key FILE"""


def before_deploy(found: Survey, site: str, redirect: str, https: Https | None) -> None:
    """Raises CmpBundleError where a deploy would not work, or would take something away."""
    if found.redirect is not None and site != found.site.name:
        raise CmpBundleError(
            "other-site",
            f"the phone is deployed here already, as {found.site.name}, and the bundle's site is"
            f" {site}",
            file=found.site.link,
            hint="cmp-bundle undeploy first, or build with that [site] name",
        )
    before_any(found)
    _static_files(found)
    _prefix_in_a_url(found)
    _no_other_redirect(found, found.server, redirect)
    if https is not None:
        error = found.new_pair.first
        if error is not None:
            raise CmpBundleError(
                error.code,
                error.message,
                hint=f"{error.hint}; --cert and --key are paths as Asterisk sees them",
                file=error.file,
                line=error.line,
            )
    elif found.server.tls_address is None:
        raise CmpBundleError(
            "https-off",
            "HTTPS is not enabled, and without it browsers give no page a camera or a microphone",
            file=found.path("http.conf"),
            hint=_LINES,
        )


def before_reload(found: Survey) -> None:
    """What stands against any reload of http.conf, whoever asks for it."""
    if found.installation.running:
        check_reload(found.pair)


def before_any(found: Survey) -> None:
    """What stands against every change of http.conf."""
    before_reload(found)
    found.their("http.conf")
    _readable(found.http)
    _not_from_a_database(found)


def after(found: Survey, plan: Plan, expected: Expected) -> None:
    """Reads the configuration as it would be, and raises if it would not do what was planned."""
    contents = {
        c.path: c.after.data if isinstance(c.after, FileState) else None
        for c in plan.changes
        if c.path.suffix == ".conf"
    }
    if not contents:
        return
    files = found.with_changes(contents)
    http = reader.read("http.conf", files)
    _readable(http)
    server = http_server(http)
    redirect = server.redirect(expected.redirect)
    if redirect is None and http.open_comment is not None:
        raise CmpBundleError(
            "open-comment",
            "a block comment that begins here is never closed, so Asterisk reads nothing that is"
            " added at the end of the file",
            file=http.open_comment.file,
            line=http.open_comment.line,
            hint="close it with --;",
        )
    if redirect is None or redirect.destination != expected.page:
        raise CmpBundleError(
            "redirect-ineffective",
            f"the redirect {expected.redirect} would not take effect",
            file=found.path("http.conf"),
            hint="look at what is written behind cmp-bundle's line, or move that line to the end",
        )
    _no_other_redirect(found, server, expected.redirect)


def _static_files(found: Survey) -> None:
    """Where Asterisk's own files say that its data lies, root makes nothing in a folder of root's."""
    if found.site.static in found.states:
        return
    _ = found.static_owner  # raises where there is no data folder either
    if found.may_make_static:
        return
    data = found.installation.data
    raise CmpBundleError(
        "no-static-folder",
        f"static-http is not there, in the data folder by {data.origin}",
        file=found.site.static,
        hint=f"if {data.value} is right: mkdir it, or name the data folder: [asterisk] data_dir",
    )


def our_folder(found: Survey) -> None:
    """Where our files for Asterisk's configuration go there has to be a folder, or nothing."""
    if not isinstance(found.folder, FolderState | None):
        raise CmpBundleError(
            "in-the-way",
            "is not a folder, and stands where cmp-bundle needs one for its files",
            file=found.our_folder,
            hint="look at who put it there, and move it away",
        )


def _readable(http: Configuration) -> None:
    if not http.refused:
        return
    problem = next(p for p in reversed(http.problems) if p.code in (REFUSED, UNKNOWN))
    raise CmpBundleError(
        "conf-refused",
        f"Asterisk would refuse this file: {problem.message}",
        file=problem.file,
        line=problem.line,
        hint="fix this first; nothing was changed",
    )


def _prefix_in_a_url(found: Survey) -> None:
    """Asterisk compares the prefix before it decodes a path, so it cannot be percent-encoded."""
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*", found.server.prefix):
        line = found.server.origins["prefix"]
        raise CmpBundleError(
            "prefix-unusable",
            f"the prefix {line.value!r} cannot stand in a URL, so no browser can ask for it",
            file=line.file,
            line=line.line,
            hint="take letters and digits alone",
        )


def _not_from_a_database(found: Survey) -> None:
    """extconfig.conf can take http.conf from a database; then the file counts for nothing."""
    line = found.from_a_database
    if line is not None:
        raise CmpBundleError(
            "http-conf-in-database",
            "http.conf comes from a database here, so what the file says counts for nothing",
            file=line.file,
            line=line.line,
            hint="take this line out, or add the redirect to the database yourself",
        )


def _no_other_redirect(found: Survey, server: HttpServer, target: str) -> None:
    ours = found.inside("http.conf")
    for redirect in server.redirects:
        if same_name(redirect.target, target) and redirect.origin.file != ours:
            raise CmpBundleError(
                "redirect-taken",
                f"there is a redirect of {target} already, to {redirect.destination}",
                file=redirect.origin.file,
                line=redirect.origin.line,
                hint="take it out, or choose another path: [site] redirect",
            )
