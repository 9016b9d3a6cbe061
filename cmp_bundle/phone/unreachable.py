"""The one failure that a caller may know another way around."""

from __future__ import annotations

from cmp_bundle.errors import CmpBundleError


class UnreachableError(CmpBundleError):
    """An origin that could not be had: no network, no such address, no permission.

    Content that came and is wrong is never one of these.
    """
