"""The use case of settings: which are in effect, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_bundle.settings.model import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@dataclass(frozen=True)
class Setting:
    """A value, where it comes from, and the environment variable that would set it."""

    value: Any
    origin: str
    environment: str


@dataclass(frozen=True)
class SettingsInEffect:
    """All settings by their dotted names, and the file that they were read from, if any."""

    file: Path | None
    settings: Mapping[str, Setting]


def show_settings(context: Context) -> SettingsInEffect:
    """The settings in effect and where each comes from."""
    return SettingsInEffect(
        context.loaded.file,
        {
            name: Setting(
                getattr(getattr(context.settings, key.section), key.name),
                str(context.loaded.origins[name]),
                key.variable,
            )
            for name, key in KEYS.items()
        },
    )
