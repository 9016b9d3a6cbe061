"""Accounts, and files of them as people write them, for hypothesis to draw."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st

from cmp_bundle.accounts.model import Account, IceServer

#: For what takes long to draw or to try.
FEW = settings(max_examples=30)

#: Ids that are told apart by more than their case.
IDS = st.from_regex(r"[a-z][a-z0-9_.!~*'+=?$-]{0,11}", fullmatch=True)

#: One line of anything that can be printed, as names and passwords may be.
LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
PASSWORDS = st.builds(
    lambda one, gap, other: one + gap + other, LINES, st.sampled_from(["", " "]), LINES
)
#: What people take care not to write, and programs fall over.
HOSTILE = st.sampled_from(
    ['"', "'", '"""', "'''", "\\", "#", "a # b", "[[account]]", "= x", "{", "]", ",", ";", "a,b",
     "</script>", "é漢😀", "a b", "%s", "${x}", '""', "''", "\\u0041", "=cmd()"]
)  # fmt: skip
NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters='":\\'), min_size=1, max_size=9
)
HA1 = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
ICE = st.lists(
    st.one_of(
        st.just(IceServer("stun:stun.example.com:3478")),
        st.builds(IceServer, st.just("turn:t.example.com"), LINES, PASSWORDS),
    ),
    max_size=3,
).map(tuple)


def own_extension(name: str) -> str:
    """One that no account of another id has."""
    return f"x{name.encode().hex()}"


@st.composite
def accounts(draw: st.DrawFn, name: str | None = None) -> Account:
    """An account that any file of accounts may hold."""
    kind = draw(st.sampled_from(["none", "password", "ha1", "source"]))
    parts: dict[str, object] = {"id": name or draw(IDS)}
    if kind == "password":
        parts["password"] = draw(st.one_of(PASSWORDS, HOSTILE))
    elif kind == "ha1":
        parts |= {"ha1": draw(HA1), "realm": draw(NAMES)}
    elif kind == "source":
        parts["source"] = draw(st.sampled_from(["pjsip.conf", "./a.conf", "mysql://u@h/d"]))
    if kind != "source" and draw(st.booleans()):
        parts["auth_name"] = draw(NAMES)
    optional = {
        "display_name": st.one_of(LINES, HOSTILE),
        "extension": st.just(own_extension(str(parts["id"]))),
        "dial": st.sampled_from(["246", "*98", "alice"]),
        "register": st.booleans(),
        "host": st.sampled_from(["pbx.example.com", "192.0.2.1"]),
        "port": st.integers(1, 65535),
        "path": st.sampled_from(["/ws", "/a/b"]),
        "ice": ICE,
    }
    for key, values in optional.items():
        if draw(st.booleans()):
            parts[key] = draw(values)
    return Account(**parts)  # type: ignore[arg-type]


@st.composite
def some_accounts(draw: st.DrawFn, most: int = 4) -> tuple[Account, ...]:
    """Accounts, each with an id of its own."""
    names = draw(st.lists(IDS, unique=True, max_size=most))
    return tuple(draw(accounts(name)) for name in names)


@dataclass(frozen=True)
class Line:
    """A pair of a TOML file: lines above it, what stands before its value, that, and the rest."""

    field: str
    value: str
    above: str
    before: str
    literal: str
    after: str

    def text(self) -> str:
        return self.above + self.before + self.literal + self.after

    def gone(self) -> Line:
        return replace(self, before="", literal="", after="")


@dataclass(frozen=True)
class Block:
    """An account as somebody wrote it: what stands above, its header, its lines, what follows."""

    above: str
    header: str
    lines: list[Line]
    blank: str

    @property
    def id(self) -> str:
        return next(line.value for line in self.lines if line.field == "id")


@dataclass(frozen=True)
class Document:
    """A whole accounts.toml in pieces, so that what an edit should give can be put together."""

    head: str
    blocks: list[Block] = field(default_factory=list)
    newline: str = "\n"

    def text(self) -> str:
        return self.head + "".join(
            block.above + block.header + "".join(line.text() for line in block.lines) + block.blank
            for block in self.blocks
        )


_COMMENTS = st.sampled_from(["", "# a comment", "# [[account]]", '# id = "x"', "#"])


@st.composite
def literals(draw: st.DrawFn, value: str) -> str:
    """``value`` in one of TOML's ways to write it."""
    escaped = "".join(f"\\U{ord(char):08X}" for char in value)
    ways = [f'"{escaped}"', json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")]
    if "'" not in value and value.isprintable():
        ways.append(f"'{value}'")
    if "'''" not in value and value.isprintable() and not value.endswith("'"):
        ways.append(f"'''{value}'''")
    if not set('"\\') & set(value) and value.isprintable():
        ways.append(f'"""{value}"""')
    return draw(st.sampled_from(ways))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """accounts.toml in somebody's own hand."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    bom = draw(st.sampled_from(["", "\ufeff"]))
    head = bom + draw(
        st.sampled_from(
            ["", f"# who has a phone{newline}{newline}", f'[defaults]{newline}host = "h"{newline}']
        )
    )
    names = draw(st.lists(IDS, unique=True, min_size=1, max_size=4))
    blocks = [draw(_blocks(name, newline)) for name in names]
    return Document(head, blocks, newline)


@st.composite
def _blocks(draw: st.DrawFn, name: str, newline: str) -> Block:
    indent = draw(st.sampled_from(["", "  ", "\t"]))
    values = {"id": name, "password": draw(st.one_of(PASSWORDS, HOSTILE))}
    if draw(st.booleans()):
        values["display_name"] = draw(st.one_of(LINES, HOSTILE))
    if draw(st.booleans()):
        values["dial"] = "246"
    if draw(st.booleans()):
        values["extension"] = own_extension(name)
    lines = []
    for key in draw(st.permutations(list(values))):
        gap = draw(st.sampled_from(["", " ", "  "]))
        written = draw(st.sampled_from([key, f'"{key}"']))
        comment = draw(_COMMENTS)
        after = draw(st.sampled_from([" ", "", "\t"])) + comment + newline
        literal = draw(literals(values[key]))
        # Comments and blank lines between the pairs belong to the pair that they stand above.
        above = draw(st.sampled_from(["", "", newline, f"{indent}# {key}{newline}"]))
        before = f"{indent}{written}{gap}={gap}"
        lines.append(Line(key, values[key], above, before, literal, after))
    above = draw(_COMMENTS.map(lambda text: text + newline))
    header = indent + draw(st.sampled_from(["[[account]]", "[[ account ]]", '[["account"]]']))
    blank = draw(st.sampled_from(["", newline, newline * 2, f"  {newline}"]))
    return Block(above, header + draw(_COMMENTS) + newline, lines, blank)
