"""What docs/ has of the doctor's codes: the indexes in findings.md, and a page for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp_bundle.doctor.way import Part, part_of
from cmp_bundle.findings import Kind, known, symptoms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Where the numbers of issues, and of advisories, lead.
_ISSUE = "https://github.com/{}/issues/{}"
_ADVISORY = "https://github.com/asterisk/asterisk/security/advisories/{}"


def kinds() -> list[Kind]:
    return [kind for kind in known().values() if kind.on_the_way]


def by_symptom() -> Iterator[str]:
    """Each thing that people say, with the codes that it may be."""
    for key, sentence in symptoms().items():
        may_be = [kind.code for kind in kinds() if key in kind.symptoms]
        links = ", ".join(f"[{code}](findings/{code}.md)" for code in may_be)
        yield f"- {sentence}: {links}"


def by_part() -> Iterator[str]:
    """A table for each part of the way."""
    for part in Part:
        yield from (
            "",
            f"### {_named(part)}",
            "",
            "| code | what is wrong | level |",
            "|---|---|---|",
        )
        for kind in kinds():
            if part_of(kind.code) is part:
                yield f"| [{kind.code}](findings/{kind.code}.md) | {kind.title} | {kind.level} |"


def _named(part: Part) -> str:
    return part.title[0].upper() + part.title[1:]


def pages() -> Mapping[str, str]:
    """What each page has to hold, by its file's name."""
    return {f"{kind.code}.md": _page(kind) for kind in kinds()}


def _page(kind: Kind) -> str:
    lines = [
        f"# {kind.code}: {kind.title}",
        "",
        f"{kind.level.capitalize()}, since {kind.since}. {_named(part_of(kind.code))}.",
    ]
    for heading, text in (
        ("What people see", kind.people_see),
        ("Why", kind.why),
        ("How to find out", kind.looks),
        ("What to do", kind.what_to_do),
        ("Versions of Asterisk", kind.versions),
    ):
        if text:
            lines += ["", f"## {heading}", "", _linked(text, kind.code)]
    if kind.sources:
        lines += ["", "## Sources", "", *(f"- {_source(source)}" for source in kind.sources)]
    lines += ["", "[All findings](../findings.md)"]
    return "\n".join(lines) + "\n"


def _linked(text: str, own: str) -> str:
    """With a link for each other code in it, and commands as such."""
    text = re.sub(r"asterisk -rx '[^']*'", r"`\g<0>`", text)
    return re.sub(
        r"\b[A-Z]\d{3}\b",
        lambda found: (
            f"[{found[0]}]({found[0]}.md)" if found[0] != own and found[0] in known() else found[0]
        ),
        text,
    )


def _source(source: str) -> str:
    if source.startswith("https://"):
        return f"<{source}>"
    repository, number, issue = source.partition("#")
    where = _ISSUE.format(repository, issue) if number else _ADVISORY.format(source)
    return f"[{source}]({where})"
