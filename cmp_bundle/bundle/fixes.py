"""Which fixes of upstream's phone a build leaves out, and what of its files nobody needs then."""

from __future__ import annotations

import difflib
import hashlib
from typing import TYPE_CHECKING

from cmp_bundle.bundle.client import fixes
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Scripts that a fix makes useless, by the SHA-256 of their text. sdp-interop converts session
#: descriptions for versions of Chrome that knew plan B alone (before 72); another content at the
#: same path is somebody's change, and stays.
_DEAD = {"a04dc1042a5ffab57ed3294ed398dfb06666419b36aef633a41d4a77ed7720c2": "D19"}


def chosen(ids: Sequence[str]) -> tuple[str, ...]:
    """The fixes to leave out, sorted, each once. Raises CmpBundleError for an unknown one."""
    known = [fix.id for fix in fixes()] if ids else []
    wanted = {name.upper() for name in ids}
    for name in sorted(wanted - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0)
        raise CmpBundleError(
            "unknown-fix",
            f"the fix {name} does not exist; did you mean {close[0]}?",
            hint="list all fixes: cmp-bundle fixes",
        )
    return tuple(sorted(wanted, key=known.index))


def dead(without: Sequence[str]) -> frozenset[str]:
    """The digests of scripts that no browser needs with the fixes that are left."""
    return frozenset(digest for digest, fix in _DEAD.items() if fix not in without)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
