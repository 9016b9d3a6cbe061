"""JSON from elsewhere, as a dataclass: every field is there, of its type, and nothing else is."""

from __future__ import annotations

import unicodedata
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

#: Characters; a path of any system is shorter. And what every reader of JSON has exactly.
_LONGEST = 4096
_HIGHEST = 2**53 - 1


def shaped(kind: Any, value: Any, called: str = "") -> Any:
    """``value`` as a ``kind``: a dataclass, a tuple of one type, text, text or None, or a count.

    Text holds nothing that a terminal would act on. Raises ValueError that names the field.
    """
    if is_dataclass(kind):
        return _object(kind, value, called)
    if get_origin(kind) is tuple:
        if type(value) is not list:
            raise ValueError(f"its {called} must be a list")
        return tuple(shaped(get_args(kind)[0], one, called) for one in value)
    if kind == str | None:
        return None if value is None else shaped(str, value, called)
    if kind is int:
        if type(value) is not int or not 0 <= value <= _HIGHEST:
            raise ValueError(f"its {called} must be a number, 0 or more")
        return value
    if type(value) is not str or len(value) > _LONGEST or not _is_plain(value):
        raise ValueError(f"its {called} must be text without control characters, not too long")
    return value


def _object(kind: Any, value: Any, called: str) -> Any:
    if type(value) is not dict:
        raise ValueError(f"its {called or 'content'} must be an object")
    hints = _hints(kind)
    needed = {f.name for f in fields(kind) if f.default is MISSING}
    for name in sorted(needed - value.keys()):
        raise ValueError(f"it has no {_below(called, name)}")
    if not hints.keys() >= value.keys():
        raise ValueError(f"its {called or 'content'} has an unknown field")
    return kind(
        **{name: shaped(hints[name], one, _below(called, name)) for name, one in value.items()}
    )


def _below(called: str, name: str) -> str:
    return f"{called}.{name}" if called else name


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_plain(text: str) -> bool:
    return not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}
