"""An Asterisk's folders as packages leave them, to be made ready without an Asterisk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import Configuration
from cmp_bundle.files import Disk
from cmp_bundle.provision.database import look
from cmp_bundle.provision.plan import Planned, to_provision, to_undo
from cmp_bundle.provision.row_step import ProvisionedRows
from cmp_bundle.provision.rows import Tables
from cmp_bundle.provision.survey import Abilities, Found, survey
from cmp_bundle.provision.wanted import Listener, Wanted
from cmp_bundle.settings.model import ProvisionSettings
from tests.unit.deploy.trees import Server, pem, tree

#: As packages have them, without their comments.
FILES = {
    "pjsip_conf": b"; nothing yet\n",
    "extensions_conf": b"[general]\nstatic=yes\n[internal]\nexten => 246,1,Answer()\n",
    "confbridge_conf": b"[general]\n\n[default_bridge]\ntype=bridge\n",
    "rtp_conf": b"[general]\nrtpstart=10000\nrtpend=20000\n",
    "modules_conf": b"[modules]\nautoload=yes\n\n[global]\n",
}
#: As an Asterisk has them that takes phones from files and from a database in a file.
REALTIME = {
    "sorcery_conf": b"[res_pjsip]\n"
    b"endpoint=config,pjsip.conf,criteria=type=endpoint\nendpoint=realtime,ps_endpoints\n"
    b"auth=config,pjsip.conf,criteria=type=auth\nauth=realtime,ps_auths\n"
    b"aor=config,pjsip.conf,criteria=type=aor\naor=realtime,ps_aors\n",
    "extconfig_conf": b"[settings]\nps_endpoints => sqlite3,asterisk\n"
    b"ps_auths => sqlite3,asterisk,ps_auths\nps_aors => sqlite3,asterisk,ps_aors\n",
}
HTTP_CONF = b"[general]\nservername=Asterisk\nbindaddr=127.0.0.1\n"

ALICE = Account("alice", "Alice", password="wonder;land", extension="101")
BOB = Account("bob", ha1="0123456789abcdef0123456789abcdef", realm="asterisk", extension="102")


def packaged(root: Path, http: bytes = HTTP_CONF, **files: bytes) -> ReadyServer:
    """A new one at ``root``; ``files`` as ``tree`` takes them."""
    return ReadyServer(tree(root, http, **(FILES | files)))


class ReadyServer(Server):
    """``provision`` and its undo, as the command line does them. ``abilities`` are those that an Asterisk
    would tell of if it ran.
    """

    abilities: Abilities | None = None

    def __init__(
        self, root: Path, disk: Disk | None = None, password: str = "", **settings: object
    ) -> None:
        super().__init__(root, disk, **settings)
        kinds = {
            "provisioned rows": lambda value: ProvisionedRows.from_json(
                value, Database(value["database"], password)
            )
        }
        self.engine = replace(self.engine, journal=replace(self.engine.journal, kinds=kinds))

    def look(self) -> Found:
        found = survey(self.installation)
        return replace(found, abilities=self.abilities) if self.abilities else found

    def to_provision(
        self,
        *accounts: Account,
        update: bool = False,
        chosen: frozenset[str] | None = None,
        listener: Listener | None = None,
        database: Database | None = None,
        accounts_file: str = "",
        loaded: frozenset[str] = frozenset(),
        proxied: bool = False,
        **settings: str,
    ) -> Planned:
        found = self.look()
        if (
            not proxied
            and listener is None
            and (found.our_http.https or found.server.tls_address is None)
        ):
            listener = Listener("0.0.0.0:8089", None if found.certificate else pem())
        wanted = Wanted(
            everyone=accounts or (ALICE, BOB),
            settings=ProvisionSettings(**settings),
            chosen=chosen,
            update=update,
            listener=listener,
            tables=_tables(database, found, accounts) if database else None,
            accounts_file=accounts_file,
            loaded=loaded,
            proxied=proxied,
        )
        return to_provision(wanted, found)

    def provision(self, *accounts: Account, **how: object) -> Planned:
        return self._done(self.to_provision(*accounts, **how))  # type: ignore[arg-type]

    def undo(self, *databases: Database) -> Planned:
        found = self.look()
        return self._done(to_undo(found, tables=[_tables(one, found, ()) for one in databases]))

    def _done(self, planned: Planned) -> Planned:
        with self.engine.alone():
            self.engine.carry_out(planned, lambda: None)
        return planned

    def read(self, name: str) -> Configuration:
        """As Asterisk does."""
        return reader.read(name, self.installation.files)

    def text(self, name: str) -> str:
        return (self.root / "etc/asterisk" / name).read_text()


def _tables(database: Database, found: Found, accounts: tuple[Account, ...]) -> Tables:
    ids = [account.id for account in accounts or (ALICE, BOB)]
    return look(database, ids, found.remembered.rows)
