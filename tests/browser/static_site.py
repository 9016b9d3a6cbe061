"""A build's files on a port of this machine, without an Asterisk: quick, and as hostile as needed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from cmp_bundle.accounts.keyring import Keyring
from cmp_bundle.accounts.model import Account
from cmp_bundle.bundle import manifest, sealed
from cmp_bundle.bundle.build import BundledAccounts, build
from cmp_bundle.bundle.client import client
from cmp_bundle.phone.model import Phone
from cmp_bundle.settings.model import Settings

#: Gives a real phone by its source.
Phones = Callable[[str], Phone]

KEY = Keyring(bytes(range(32)))

TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "application/x-javascript",
    "bin": "application/octet-stream",
}


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """Files by their path, from this machine: browsers trust it as they trust https."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).removeprefix("/")
            data = files.get(path)
            self.send_response(200 if data is not None else 404)
            kind = TYPES.get(path.rpartition(".")[2], "text/plain")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            pass  # a frame that was thrown away takes its connection with it

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def site(folder: str, made: Phone, accounts: list[Account], settings: Settings) -> dict[str, bytes]:
    """A build of these accounts, with everything that a build does, below ``folder``."""
    secrets = tuple(sealed.secrets(accounts, KEY))
    built = build(
        made, settings, client(), BundledAccounts(sealed.profiles(accounts, KEY), secrets)
    )
    return {f"{folder}/{path}": data for path, data in manifest.published(built.bundle).items()}
