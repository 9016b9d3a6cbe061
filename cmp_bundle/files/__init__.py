"""The one room that changes the disk: atomically, durably, one named step at a time, and as whom."""

from cmp_bundle.files.boundary import Boundary
from cmp_bundle.files.disk import Disk
from cmp_bundle.files.locking import locked
from cmp_bundle.files.open_folder import Content, OpenFolder
from cmp_bundle.files.owner import OTHERS, FileOwnership
from cmp_bundle.files.rights import Rights

__all__ = [
    "OTHERS",
    "Boundary",
    "Content",
    "Disk",
    "FileOwnership",
    "OpenFolder",
    "Rights",
    "locked",
]
