"""What nobody publishes: names of files that hold keys, passwords and settings, or copies of some.

A phone's folder is often a working folder. What is told by its name here lies beside phones, is
needed by none, and is left out of every bundle, whoever made it.
"""

from __future__ import annotations

import re

#: Names that begin with a dot hold credentials (.env, .npmrc, .netrc, .htpasswd, .ssh, .aws) or
#: what tools note for themselves. This one is for the public (RFC 8615).
_PUBLIC = ".well-known"

_FOLDERS = {"certs"}

_FILES = re.compile(
    r"cmp-bundle.*\.toml|accounts.*\.(toml|csv)|id_(rsa|dsa|ecdsa|ed25519)(_sk)?(\..*)?|.*\.env"
    r"|.*\.(key|pem|p12|pfx|p8|pk8|der|jks|keystore|ppk|kdbx|gpg|jwk|ovpn)"
    # Asterisk's own configuration.
    r"|.*\.conf"
    # What editors and tools leave of a file that was something else.
    r"|.*(~|\.(bak|backup|old|orig|rej|save|sw[a-z]))|#.*#|.*\.bak\..*",
    re.IGNORECASE | re.DOTALL,
)


def is_private(path: str) -> bool:
    """Whether a file of this path inside a phone is one that nobody publishes."""
    *folders, name = path.split("/")
    parts = [part.casefold() for part in (*folders, name)]
    if any(part.startswith(".") and part != _PUBLIC for part in parts):
        return True
    return bool(_FOLDERS & set(parts[:-1])) or _FILES.fullmatch(name) is not None
