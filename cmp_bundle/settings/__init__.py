"""The keys that there are, and for each its value and where that came from."""

from cmp_bundle.settings.load import Loaded, load
from cmp_bundle.settings.model import Settings

__all__ = ["Loaded", "Settings", "load"]
