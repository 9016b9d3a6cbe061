"""The use case of renewals that nobody has to remember: what certbot, acme.sh or systemd is to run."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.changes.memory import VARIABLE as STATE
from cmp_bundle.commands.authority import folder_of
from cmp_bundle.commands.given_certificate import LIVE, lineage, site_host
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary
from cmp_bundle.files.owned import TRUST
from cmp_bundle.shell import word
from cmp_bundle.tls.desktop_user import entry_of, is_root

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context

#: What renews certificates, and has us called.
KINDS = ("certbot", "acme.sh", "systemd")

#: The program's name, where it was installed under that.
_PROGRAM = "cmp-bundle"

_CERTBOT = """\
#!/bin/sh
# certbot runs this after each renewal. Made by: cmp-bundle certs hook certbot
set -eu
case "${{RENEWED_LINEAGE:-}}" in
    */{name}) ;;
    *) exit 0 ;;
esac
{exports}cd /
exec {command}
"""

_CERTBOT_TO_DO = """\
have certbot run it, as root:
  {again} > {hooks}/cmp-bundle
  chmod 755 {hooks}/cmp-bundle
the present certificate, once: cmp-bundle provision --certbot {name}"""

_ACME = """\
acme.sh --install-cert -d {name} --reloadcmd {reload}
"""

_ACME_TO_DO = "run this once, as root; acme.sh remembers it for each renewal"

_SYSTEMD = """\
set -eu
cat > /etc/systemd/system/cmp-bundle-renew.service <<'END'
[Unit]
Description=Renew the certificate of Asterisk's HTTPS when it is time
After=asterisk.service

[Service]
Type=oneshot
{exports}ExecStart={command}
END
cat > /etc/systemd/system/cmp-bundle-renew.timer <<'END'
[Unit]
Description=Look every day whether it is time to renew the certificate of Asterisk's HTTPS

[Timer]
OnCalendar=daily
RandomizedDelaySec=6h
Persistent=true

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable --now cmp-bundle-renew.timer
"""

_SYSTEMD_TO_DO = """\
this writes a service and its timer; read it, then have it done, as root:
  {again} | sh
to see whether it works: systemctl start cmp-bundle-renew && systemctl status cmp-bundle-renew"""


@dataclass(frozen=True)
class CertificateHook:
    """``text`` is what ``kind`` (certbot, acme.sh, systemd) is to have, ``instructions`` say how it
    gets it. ``name`` is the certificate; None for the one of the local authority.
    """

    kind: str
    name: str | None
    text: str
    instructions: str


def certificate_hook(
    context: Context, kind: str, name: str | None = None, *, folder: Path | None = None
) -> CertificateHook:
    """What makes each renewal reach Asterisk: with certbot and acme.sh, or with systemd, which has the
    local authority in ``folder`` renew its own.

    ``name`` is what certbot or acme.sh calls the certificate, by default the host of [site] url. The
    text has the whole paths of this program and its settings. Raises CmpBundleError.
    """
    config = context.loaded.file
    settings = ["--config", str(config)] if config else []
    variables = _variables(context)
    _tell_of_settings(context)
    if kind == "systemd":
        name = None
        renew = [*_program(), "certs", "renew", *settings]
        renew += ["--folder", str(folder_of(context, folder).absolute())]
        text = _SYSTEMD.format(
            exports="".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in variables.items()),
            command=" ".join(_quoted(word).replace("$", "$$") for word in renew),
        )
        to_do = _SYSTEMD_TO_DO
    else:
        name = name or _name(context)
        install = shlex.join([*_program(), "certs", "install", *settings])
        assigned = [f"{k}={shlex.quote(v)}" for k, v in variables.items()]
        if kind == "certbot":
            _tell_of_lineage(context, name)
            exports = "".join(f"export {one}\n" for one in assigned)
            text = _CERTBOT.format(name=shlex.quote(name), exports=exports, command=install)
            to_do = _CERTBOT_TO_DO
        else:
            # acme.sh says in its command's environment where it has both.
            files = '--cert "$CERT_FULLCHAIN_PATH" --key "$CERT_KEY_PATH"'
            reload = " ".join([*assigned, install, files])
            text = _ACME.format(name=shlex.quote(name), reload=shlex.quote(reload))
            to_do = _ACME_TO_DO
    same = [name] if name else ["--folder", str(folder)] if folder else []
    again = shlex.join([*_program(), "certs", "hook", kind, *same, *settings])
    hooks = LIVE.parent / "renewal-hooks/deploy"
    return CertificateHook(
        kind, name, text, to_do.format(again=again, hooks=hooks, name=shlex.quote(name or ""))
    )


def _name(context: Context) -> str:
    host = site_host(context)
    if host is None:
        raise CmpBundleError(
            "options-conflict",
            "nothing says which certificate",
            hint="name it as certbot or acme.sh does: cmp-bundle certs hook certbot pbx.example.com",
        )
    return str(host)


def _program() -> list[str]:
    """What was started, or the module, without whatever lies in the folder where it is started."""
    started = Path(sys.argv[0])
    if started.name == _PROGRAM and started.is_file():
        return [str(started.absolute())]
    return [sys.executable, "-P", "-m", "cmp_bundle"]


def _variables(context: Context) -> dict[str, str]:
    """What this run has of its environment, and a later one needs as well."""
    found = {STATE: os.environ[STATE]} if os.environ.get(STATE) else {}
    config = context.loaded.file
    if config is None:
        return found
    owners = {path.stat().st_uid for path in (config, config.parent)} - {0}
    if owners:
        # They were read, so whoever runs this trusts their owner, as with sudo; there is no sudo then.
        uid = owners.pop()
        found[TRUST] = str(uid)
        context.reporter.warn(
            f"{config} belongs to {_who(uid)}, so {_who(uid)} decides what root does at each renewal;"
            f" to change that: chown root {word(config)} and its folder, then run this"
            " again"
        )
    return found


def _tell_of_settings(context: Context) -> None:
    """What is not there any more when somebody else runs the program, and who could replace it."""
    origins = context.loaded.origins
    passing = [name for name, one in origins.items() if one.kind in ("environment", "flag")]
    if passing:
        context.reporter.warn(
            f"{', '.join(passing)}: set for this run alone, and not at a renewal; write it into"
            f" {context.loaded.file or 'a settings file (cmp-bundle init), and name that: --config'}"
        )
    program = Path(_program()[0])
    rights = Boundary().rights(program)
    if is_root() and not rights.are_roots:
        context.reporter.warn(
            f"root will run {program} at each renewal, and {rights.name or rights.uid} could replace"
            " it: install cmp-bundle in a folder of root's"
        )


def _tell_of_lineage(context: Context, name: str) -> None:
    try:
        lineage(name)
    except CmpBundleError as error:
        # Whether it is there is for root alone to see.
        if error.code == "no-file":
            context.reporter.warn(error.with_hint)


def _who(uid: int) -> str:
    entry = entry_of(uid)
    return f"user {uid}" if entry is None else entry.pw_name


def _quoted(word: str) -> str:
    """As systemd.service(5) wants it: a specifier begins with a percent sign."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if set(escaped) & set(" \t'\"\\;") else escaped
