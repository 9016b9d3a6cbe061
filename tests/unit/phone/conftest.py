"""An authority, servers, and a git that no machine's own settings reach."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.unit.tls.made import a_leaf, an_authority
from tests.unit.tls.serving import serving_context

from .servers import HttpsServer, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _untouched_by_the_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name.startswith(("GIT_", "SSL_CERT", "CMP_")):
                patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "Somebody")
            patch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")
        yield


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority of our own and a certificate of it for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    authority = an_authority(folder)
    chain = folder / "server.pem"
    # With a name as well: git may use GnuTLS, which takes the subject for one where there is none.
    chain.write_bytes(a_leaf(authority, "127.0.0.1", "server.test").pem)
    authority_file = authority.anchor.path
    client_side = ssl.create_default_context(cafile=authority_file)
    return Trust(serving_context(chain), client_side, authority_file)


@pytest.fixture
def server(trust: Trust) -> Iterator[HttpsServer]:
    with HttpsServer(trust) as running:
        yield running
