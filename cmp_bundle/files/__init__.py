"""The one room that changes the disk: atomically, durably, and one named step at a time."""

from cmp_bundle.files.disk import Disk, Owner
from cmp_bundle.files.locking import locked

__all__ = ["Disk", "Owner", "locked"]
