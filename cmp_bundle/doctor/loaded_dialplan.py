"""Whether the running Asterisk has the dialplan that stands in extensions.conf.

After ``pbx_load_config`` (pbx/pbx_config.c). AEL, Lua and databases may have more, which is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.asterisk.answers.dialplan import Dialplan
    from cmp_bundle.asterisk.configuration import Configuration, Variable
    from cmp_bundle.places import Place

#: Longer steps may be cut off in what Asterisk shows.
_LONGEST: Final = 200


@dataclass(frozen=True)
class Difference:
    """``what`` stands at ``place`` and is not what runs; ``seen`` is what is shown in its place."""

    what: str
    place: Place
    seen: str


@dataclass
class _Extension:
    """``steps`` are those by priority, as Asterisk shows them; ``sure`` is whether they can be told."""

    place: Place
    steps: dict[int, str] = field(default_factory=dict)
    sure: bool = True


def not_loaded(plan: Configuration, context: str, shown: Dialplan | None) -> Difference | None:
    """The first thing of ``context`` in ``plan`` that is not ``shown``; None where there is none, and
    where the context is not of this file.
    """
    found = [one for one in plan.categories if one.name == context and not one.template]
    if not found:
        return None
    if shown is None:
        return Difference(
            "nothing", found[0].place, f"There is no existence of '{context}' context."
        )
    loaded = {_plain(name): steps for name, steps in shown.applications.items()}
    written = _extensions(variable for one in found for variable in one.variables)
    for name, one in written.items():
        steps = loaded.get(_plain(name))
        if steps is None:
            if one.steps:
                return Difference(f"extension {name}", one.place, f"no '{name}'")
        elif one.sure and (step := _differs(one.steps, steps)) is not None:
            return Difference(f"extension {name}", one.place, f"'{name}' => {step}")
    return None


def _differs(written: Mapping[int, str], loaded: tuple[str, ...]) -> str | None:
    """What is loaded and stands there otherwise; others may have added steps."""
    expected = [written[priority] for priority in sorted(written)]
    if len(loaded) > len(expected):
        return None
    if len(loaded) < len(expected):
        return f"{len(loaded)} priorities"
    for number, (ours, theirs) in enumerate(zip(expected, loaded, strict=True), 1):
        if len(ours) < _LONGEST and _plain(ours) != _plain(theirs):
            return f"{number}. {theirs}"
    return None


def _extensions(lines: Iterable[Variable]) -> dict[str, _Extension]:
    found: dict[str, _Extension] = {}
    name, priority = "", -2
    for line in lines:
        kind, rest = folded(line.name), line.value
        if kind == "exten":
            name, _, rest = rest.partition(",")
            name = name.strip()
        elif not kind.startswith("same"):
            continue
        if not name or "/" in name or "$" in name:
            continue  # for a caller alone, or made of variables
        one = found.setdefault(name, _Extension(line.place))
        said, _, step = rest.partition(",")
        said = re.sub(r"\(.*", "", said).strip()
        if said == "hint":
            continue
        number = priority + 1 if said in ("n", "next") and priority > 0 else None
        if said.isdecimal():
            number = int(said)
        if number is None or number < 1:
            one.sure = False
            continue
        priority = number
        one.steps.setdefault(number, _shown(step))
    return found


def _shown(step: str) -> str:
    """As ``dialplan show`` has it: with parentheses."""
    application, opened, data = step.strip().partition("(")
    if not opened:
        return f"{application}()"
    inside, closed, _ = data.rpartition(")")
    return f"{application}({inside if closed else data})"


def _plain(text: str) -> str:
    """To compare by: blanks, and dashes in a number, count for nothing."""
    return re.sub(r"[\s-]", "", text)
