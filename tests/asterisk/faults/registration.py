"""R: endpoints, auths and aors."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from cmp_bundle.commands import Context
from cmp_bundle.commands.account_files import read
from tests.serving import until

from .fault import Fault, Server, write
from .held_phone import hold

if TYPE_CHECKING:
    from cmp_bundle.accounts.model import Account

_OURS = "cmp-bundle/pjsip.conf"
_PHONE = "[alice](cmp-phone)\n"

#: A third phone.
_ZOE = "[zoe]\ntype=endpoint\nwebrtc=yes\ncontext=cmp-phones\ndisallow=all\nallow=opus\n"

_ELSEWHERE = "[carol]\ntype=endpoint\ncontext=cmp-phones\ndisallow=all\nallow=opus\n"


def _in_alice(server: Server, line: str) -> None:
    server.replace(_OURS, _PHONE, f"{_PHONE}{line}\n")


def _account(server: Server, name: str = "alice") -> Account:
    file = read(Context.load(server.work / "cmp-bundle.toml"))
    return next(account for account in file.accounts if account.id == name)


def _unwritten(server: Server) -> None:
    """Out of the file and out of Asterisk."""
    text = (server.etc / _OURS).read_text()
    server.replace(_OURS, text[text.index("[bob](cmp-phone)") :], "")


def _refused(server: Server) -> None:
    """Written before the last reload; Asterisk makes nothing of the value, and says so in its log alone."""
    server.append("pjsip.conf", f"{_ZOE}max_video_streams=many")
    _later(server)


def _later(server: Server) -> None:
    """Whoever looks at the files sees that they are older than the last reload."""
    for path in (server.etc / "pjsip.conf", server.ours / "pjsip.conf"):
        os.utime(path, (time.time() - 60, time.time() - 60))


def _unknown_option(server: Server) -> None:
    _in_alice(server, "aor = alice")


def _unknown_option_of_an_aor(server: Server) -> None:
    server.replace(_OURS, "[alice](cmp-aor)\n", "[alice](cmp-aor)\nmax_contact = 5\n")


def _unknown_option_and_restart(server: Server) -> None:
    _unknown_option(server)
    server.restart()


def _unknown_option_of_all(server: Server) -> None:
    server.append("pjsip.conf", "[all]\ntype=global\nnat=yes")


def _no_driver(server: Server) -> None:
    write(server, "extconfig.conf", "[settings](+)\nvoicemail => mysql,general")


def _no_certificate(server: Server) -> None:
    _in_alice(server, "dtls_cert_file = /nosuch.crt")


def _no_certificate_and_restart(server: Server) -> None:
    _no_certificate(server)
    server.restart()


def _not_reloaded(server: Server) -> None:
    """A third phone, written and not read."""
    write(server, "pjsip.conf", _ZOE)


def _other_context(server: Server) -> None:
    path = server.etc / _OURS
    path.write_text(path.read_text().replace(_PHONE, f"{_PHONE}context = elsewhere\n"))


def _other_password(server: Server) -> None:
    path = server.etc / _OURS
    password = _account(server).password
    path.write_text(path.read_text().replace(password, "Another-one-99"))


def _taken_out(server: Server) -> None:
    path = server.etc / _OURS
    text = path.read_text()
    path.write_text(text[: text.index("[bob](cmp-phone)")])


def _other_file(server: Server) -> None:
    write(server, "pjsip_web.conf", _ELSEWHERE)
    write(
        server,
        "sorcery.conf",
        "[res_pjsip]\nendpoint = config,pjsip_web.conf,criteria=type=endpoint",
    )
    server.restart()


def _by_address_alone(server: Server) -> None:
    _in_alice(server, "identify_by = ip")


def _by_no_name(server: Server) -> None:
    server.append("pjsip.conf", "[global]\ntype=global\nendpoint_identifier_order=ip,anonymous")


def _another_id(server: Server) -> None:
    """The account is called as its auth's username, the endpoint otherwise."""
    text = (server.etc / _OURS).read_text()
    changed = text.replace("[bob](", "[room102](").replace("aors = bob", "aors = room102")
    server.replace(_OURS, text, changed.replace("auth = bob", "auth = room102"))


def _other_account(server: Server, **changes: str) -> None:
    """Changed in the file of accounts."""
    path = server.work / "accounts.toml"
    mode, before = path.stat().st_mode & 0o777, path.read_text()
    server.put_back(path)
    text = before
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    path.chmod(mode)


def _account_password(server: Server) -> None:
    _other_account(server, **{_account(server).password: "Another-one-99"})


def _account_name(server: Server) -> None:
    _other_account(server, **{'id = "alice"': 'id = "alice"\nauth_name = "alice.b"'})


def _digest_of_another_realm(server: Server) -> None:
    from cmp_bundle.accounts.model import ha1

    password = _account(server).password
    server.replace(
        _OURS,
        f"username = alice\npassword = {password}\n",
        f"username = alice\nauth_type = md5\nrealm = pbx\n"
        f"md5_cred = {ha1('alice', 'asterisk', password)}\n",
    )


def _ghost_auth(server: Server) -> None:
    server.replace(_OURS, "auth = alice\n", "auth = ghost\n")


def _no_auth(server: Server) -> None:
    server.replace(_OURS, "auth = alice\n", "")


def _no_max_contacts(server: Server) -> None:
    server.replace(_OURS, "[alice](cmp-aor)\n", "[alice](cmp-aor)\nmax_contacts = 0\n")


def _no_aors(server: Server) -> None:
    server.replace(_OURS, "aors = alice\n", "")


def _another_aor(server: Server) -> None:
    server.replace(_OURS, "aors = alice\n", "aors = bob\n")


def _ghost_aor(server: Server) -> None:
    server.replace(_OURS, "aors = alice\n", "aors = alice,ghost\n")
    text = (server.etc / _OURS).read_text()
    server.replace(_OURS, text, text.replace("[alice](cmp-aor)\n", "[other](cmp-aor)\n"))


def _full(server: Server) -> None:
    server.replace(
        _OURS, "[alice](cmp-aor)\n", "[alice](cmp-aor)\nmax_contacts = 1\nremove_existing = no\n"
    )
    contact = {
        "via_addr": "10.9.8.7", "via_port": "4001", "uri": "sip:x@10.9.8.7:4001;transport=ws",
        "endpoint": "alice", "expiration_time": str(int(time.time()) + 600), "prune_on_boot": "yes",
        "qualify_frequency": "0", "qualify_timeout": "3.0", "authenticate_qualify": "no", "path": "",
        "outbound_proxy": "", "user_agent": "", "reg_server": "", "call_id": "1",
    }  # fmt: skip
    value = json.dumps(contact).replace('"', '\\"')
    server.pbx.rx(f'database put registrar/contact "alice;@1" "{value}"')
    server.ask_at_the_end("database deltree registrar")


def _no_md5(server: Server) -> None:
    server.replace(_OURS, "type = auth\n", "type = auth\nsupported_algorithms_uas = SHA-256\n")


def _md5_first(server: Server) -> None:
    server.replace(_OURS, "type = auth\n", "type = auth\nsupported_algorithms_uas = MD5,SHA-256\n")


def _nobody_let_in(server: Server) -> None:
    _in_alice(server, "deny = 0.0.0.0/0.0.0.0")


def _nobody_at_all(server: Server) -> None:
    server.append("pjsip.conf", "[closed]\ntype=acl\ndeny=0.0.0.0/0")


def _named_list(server: Server) -> None:
    (server.etc / "acl.conf").write_text("[closed]\ndeny=0.0.0.0/0\n")
    server.pbx.rx("module reload acl")
    server.ask_at_the_end("module reload acl")
    _in_alice(server, "acl = closed")


def _identified(server: Server) -> None:
    server.append(
        "pjsip.conf",
        "[trunk]\ntype=endpoint\nallow=ulaw\n[of-trunk]\ntype=identify\nendpoint=trunk\nmatch=0.0.0.0/0",
    )


def _very_brief(server: Server) -> None:
    server.replace(_OURS, "max_contacts = 5\n", "max_contacts = 5\nmaximum_expiration = 10\n")


def _silent(server: Server) -> None:
    """Registered, and frozen."""
    _asked_often(server)
    server.at_the_end(hold(f"wss://127.0.0.1:{server.pbx.ports.https}/ws", _account(server)))
    until(lambda: "Unavail" in server.pbx.rx("pjsip show aor alice"), 20.0)


def _silent_beside_another(server: Server) -> None:
    _asked_often(server)
    url = f"wss://127.0.0.1:{server.pbx.ports.https}/ws"
    server.at_the_end(hold(url, _account(server)))
    until(lambda: "Unavail" in server.pbx.rx("pjsip show aor alice"), 20.0)
    server.replace(_OURS, "qualify_timeout = 0.2\n", "qualify_timeout = 30\n")
    server.at_the_end(hold(url, _account(server)))


def _asked_often(server: Server) -> None:
    server.replace(
        _OURS,
        "qualify_frequency = 60\nremove_unavailable = yes\n"
        if "qualify_frequency = 60\nremove_unavailable" in (server.etc / _OURS).read_text()
        else "qualify_frequency = 60\n",
        "qualify_frequency = 1\nqualify_timeout = 0.2\n",
    )


FAULTS = [
    Fault("R102", _unknown_option_of_all, ("'nat' of type=global",), name="global"),
    Fault("R118", _no_driver, ("res_config_mysql.so", "voicemail"), name="others"),
    Fault("R101", _unwritten, ("Asterisk has no endpoint bob", "Unable to find object")),
    Fault("R101", _refused, ("zoe", "has not loaded it"), name="bad-value"),
    Fault("R102", _unknown_option, ("'aor'", "alice")),
    Fault("R102", _unknown_option_of_an_aor, ("'max_contact'", "aor alice"), name="aor"),
    Fault("R102", _unknown_option_and_restart, ("'aor'", "loads no"), name="restart"),
    Fault("R103", _no_certificate, ("/nosuch.crt", "alice")),
    Fault("R103", _no_certificate_and_restart, ("/nosuch.crt", "loads no"), name="restart"),
    Fault("R104", _not_reloaded, ("zoe", "is not loaded")),
    Fault("R104", _other_context, ("context", "alice", "cmp-phones"), name="changed"),
    Fault("R104", _other_password, ("password of the auth alice",), name="password"),
    Fault("R104", _taken_out, ("bob is in no file",), name="gone"),
    Fault("R105", _other_file, ("alice, bob", "pjsip_web.conf"), name="file"),
    Fault("R106", _by_address_alone, ("alice", "identify_by: ip")),
    Fault("R106", _by_no_name, ("endpoint_identifier_order: ip,anonymous",), name="order"),
    Fault("R106", _another_id, ("bob", "room102"), name="another-id"),
    Fault("R107", _account_password, ("password of alice",)),
    Fault("R107", _account_name, ("'alice.b'", "'alice'"), name="username"),
    Fault("R108", _ghost_auth, ("alice", "'ghost'")),
    Fault("R109", _no_auth, ("alice", "anybody")),
    Fault("R110", _no_max_contacts, ("alice", "max_contacts")),
    Fault("R111", _no_aors, ("alice", "no aor of its own name")),
    Fault("R111", _another_aor, ("alice", "no aor of its own name"), name="another"),
    Fault("R111", _ghost_aor, ("alice", "which Asterisk does not have"), name="ghost"),
    Fault("R112", _full, ("alice", "max_contacts: 1", "one contact")),
    Fault("R113", _digest_of_another_realm, ("alice", "'asterisk'", "'pbx'")),
    Fault("R114", _no_md5, ("SHA-256",), never=("16",)),
    Fault("R114", _md5_first, ("MD5,SHA-256",), never=("16",), name="md5-first"),
    Fault("R115", _nobody_let_in, ("alice", "deny 0.0.0.0/0")),
    Fault("R115", _nobody_at_all, ("[closed]",), name="all"),
    Fault("R115", _named_list, ("acl closed",), name="named"),
    Fault("R116", _identified, ("every phone", "trunk", "0.0.0.0/0")),
    Fault("R117", _very_brief, ("alice", "10 seconds")),
    Fault("R123", _silent_beside_another, ("alice", "Unavail")),
    Fault("R124", _silent, ("alice", "Unavail")),
    Fault(
        "duplicate-object", lambda s: s.append("pjsip.conf", "[alice]\ntype=endpoint"), ("alice",)
    ),
]
