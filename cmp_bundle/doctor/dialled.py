"""The dialplan that phones reach, as the running Asterisk has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.answers.conference import Bridge, bridge
from cmp_bundle.asterisk.answers.dialplan import Dialplan, dialplan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp_bundle.asterisk.control import Control
    from cmp_bundle.doctor.evidence import Written
    from cmp_bundle.places import Place

#: Contexts and profiles that are asked for, 10 ms each: a dialplan may include any number.
_MOST: Final = 60
_MOST_PROFILES: Final = 20

#: What a conference has whose profile nobody named (apps/app_confbridge.c).
DEFAULT: Final = "default_bridge"

#: Names that are safe in a command.
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Step:
    """``application`` runs with ``arguments`` where ``extension`` is called in ``context``. ``line`` is as
    in Dialplan.
    """

    context: str
    extension: str
    application: str
    arguments: str
    line: str

    def __str__(self) -> str:
        return f"{self.application}({self.arguments})"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.arguments.split(","))


def contexts(control: Control, names: Iterable[str]) -> dict[str, Dialplan | None]:
    """Those of ``names`` and all that they include, by their names."""
    found: dict[str, Dialplan | None] = {}
    waiting = list(dict.fromkeys(names))
    while waiting and len(found) < _MOST:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = plan = dialplan(control.ask(f"dialplan show {name}") or "", name)
        waiting += plan.includes if plan else ()
    return found


def bridges(control: Control, plan: Mapping[str, Dialplan | None]) -> dict[str, Bridge | None]:
    """The profiles of all conferences in ``plan``, and those of the names that conferences have."""
    named: dict[str, None] = {}
    for step in steps(plan, "ConfBridge"):
        named |= dict.fromkeys((profile(step), step.parts[0]))
    names = [name for name in named if _NAME.fullmatch(name)][:_MOST_PROFILES]
    return {
        name: bridge(control.ask(f"confbridge show profile bridge {name}") or "", name)
        for name in names
    }


def profile(step: Step) -> str:
    """That of a conference's pictures: the second argument of ConfBridge()."""
    return (step.parts[1] if len(step.parts) > 1 else "") or DEFAULT


def reached(plan: Mapping[str, Dialplan | None], context: str) -> Iterator[Dialplan]:
    """``context`` and what it includes, each once; nothing of what does not exist."""
    waiting, seen = [context], set[str]()
    while waiting:
        name = waiting.pop(0)
        found = plan.get(name)
        if name in seen or found is None:
            continue
        seen.add(name)
        yield found
        waiting += found.includes


def steps(plan: Mapping[str, Dialplan | None], *applications: str) -> Iterator[Step]:
    """All steps that run one of ``applications``."""
    wanted = "|".join(applications)
    for context, found in plan.items():
        for extension, words in found.applications.items() if found else ():
            lines = found.lines.get(extension, ()) if found else ()
            for number, word in enumerate(words):
                step = re.fullmatch(rf"({wanted})\((.*)\)", word, re.DOTALL | re.IGNORECASE)
                if step:
                    line = lines[number] if number < len(lines) else ""
                    yield Step(context, extension, step[1], step[2], line)


def place(step: Step, written: Written) -> Place | None:
    """Where it stands, with its folder, by what the files have in that context at that line."""
    file, _, line = step.line.rpartition(":")
    plan = written.files.get("extensions.conf")
    for category in plan.categories if plan else ():
        if category.name != step.context or category.template:
            continue
        for variable in category.variables:
            base = variable.file.rpartition("/")[2]
            if base == file and str(variable.line) == line:
                return variable.place
    return None
