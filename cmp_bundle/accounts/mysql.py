"""A connection to MySQL or MariaDB that gives the password to nobody but the server that was meant.

A server says how it wants the password, and pymysql does as it is told, whoever answered: in clear,
or encrypted for a key that comes over the same wire. Here that takes TLS with a certificate that was
checked, or a socket of this machine. Without either there remain the ways that prove a password
without showing it.
"""

from __future__ import annotations

import ssl
from typing import Any

from pymysql.connections import Connection
from pymysql.constants import CR
from pymysql.err import OperationalError

#: The ways that show nobody the password. Old ones that give it away to who listens are not here.
_PROVING = ("mysql_native_password", "client_ed25519", "caching_sha2_password")


class InClearError(OperationalError):
    """The server asked for the password itself, and nothing keeps it secret on the way."""

    def __init__(self, way: str) -> None:
        super().__init__(
            CR.CR_AUTH_PLUGIN_ERR,
            f"the server asked for the password itself ({way}), which cmp-bundle sends only over"
            " TLS with a checked certificate",
        )


class FileAskedForError(OperationalError):
    """The server answered a question by asking for a file of this machine, as any may."""

    def __init__(self) -> None:
        super().__init__(
            CR.CR_MALFORMED_PACKET,
            "the server asked for a file of this machine, and cmp-bundle sent none",
        )


class CarefulConnection(Connection):
    """pymysql's, but for what it does when it is asked for the password itself."""

    @property
    def _secure(self) -> bool:
        """Whether only the server that was meant can read along, whatever it says of itself."""
        if self.unix_socket:
            return True
        # Required, since a server may also say that it knows no TLS.
        return bool(self._ssl_required) and self.ctx.verify_mode == ssl.CERT_REQUIRED

    @_secure.setter
    def _secure(self, value: bool) -> None:
        """To pymysql it is any TLS, also with a certificate that anybody made."""

    @property
    def server_public_key(self) -> Any:
        """What the password is encrypted for. Over the wire comes anybody's."""
        if self._known_key is None:
            raise InClearError("encrypted with a key from the server")
        return self._known_key

    @server_public_key.setter
    def server_public_key(self, key: Any) -> None:
        self._known_key = key

    def query(self, *what: Any, **how: Any) -> Any:
        try:
            return super().query(*what, **how)
        except RuntimeError:  # pymysql's word for it
            raise FileAskedForError from None

    _auth_plugin_name: str

    def _get_server_information(self) -> None:
        super()._get_server_information()
        if self._auth_plugin_name not in _PROVING and not self._secure:
            # The answer to this one would hold the password; a server asks again for what it needs.
            self._auth_plugin_name = "mysql_native_password"

    def _process_auth(self, plugin_name: bytes, *rest: Any) -> Any:
        way = plugin_name.decode("ascii", "replace")
        if way not in _PROVING and not self._secure:
            raise InClearError(way)
        return super()._process_auth(plugin_name, *rest)
