"""Configuration files at random: all that Asterisk's format allows, and all that breaks it.

A case is made from a seed alone, so that a failing one can be made again. Names come from short
lists, so that categories and variables meet each other.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

#: The folder under Asterisk's configuration folder that a case lies in, and its main file there.
FOLDER = "agree"
MAIN = f"{FOLDER}/main.conf"

#: Files that may be there to be included, by their path under Asterisk's configuration folder.
INCLUDED = tuple(
    f"{FOLDER}/{name}"
    for name in (
        "a.conf",
        "b.conf",
        "c.conf",
        "d/1.conf",
        "d/2.conf",
        "d/10.conf",
        "d/.hidden.conf",
        "d/éé.conf",
        "d/x y.conf",
        "d/{a,b}.conf",
        "e/1.conf",
        "e/[1].conf",
    )
)

#: What else an include may name in that folder.
TARGETS = (
    *("*.conf", "d/*.conf", "d/*", "d/?.conf", "d/x ?.conf", "*/1.conf", "*/*.conf/", "d/.*"),
    *("d/[0-9].conf", "d/[!12]*", "d/[^12]*", "d/[[:digit:]]*.conf", "[de]/*.conf", "e/[1].conf"),
    *("e/\\[1].conf", "e/[1", "e/[]1-].conf", "e/[1-]*.conf", "e/[3-1].conf", "d/\\1.conf"),
    *("d/{1,2,10}.conf", "{b,a}.conf", "{a,b,{c,d/1}}.conf", "{a,nowhere}.conf", "d/{a,b}.conf"),
    *("{d/1,{no,where}}.conf", "{a.conf", "nowhere/*.conf", "nowhere.conf", "x" * 250, ""),
    *("main.conf", "deep0.conf", "deep0.conf", "link.conf", "link.conf", "link.conf/1.conf"),
    *("d", "d/", "a.conf/", "d/../a.conf", "./b.conf"),
)

_SPECIAL = [bytes((b,)) for b in b"[](){}+!,=;-#\\\"'<>&^$.*?|/:~ \t\r\0\x0b\x1f\x7fabAB10"] + [
    b"\xc3\xa9",
    b"\xff",
    b"\xa0",
    b"\xef\xbb\xbf",
    b"--;",
    b";--",
]


@dataclass(frozen=True)
class Flavour:
    """The words of one kind of configuration file."""

    categories: tuple[bytes, ...]
    names: tuple[bytes, ...]
    values: tuple[bytes, ...]


HTTP = Flavour(
    (b"general", b"General", b"GENERAL", b"/static/x", b"post_mappings", b"tls"),
    (
        b"enabled",
        b"Enabled",
        b"bindaddr",
        b"bindport",
        b"tlsenable",
        b"prefix",
        b"redirect",
        b"enablestatic",
        b"enable_static",
        b"type",
    ),
    (
        b"yes",
        b"no",
        b"127.0.0.1",
        b"8088",
        b"/ /static/cmp2k/index.html",
        b"restriction",
        b"phones",
    ),
)
PJSIP = Flavour(
    (
        b"1001",
        b"1002",
        b"alice",
        b"Alice",
        b"webrtc",
        b"endpoint-basic",
        b"transport-wss",
        b"global",
    ),
    (
        b"type",
        b"auth",
        b"aors",
        b"context",
        b"allow",
        b"disallow",
        b"webrtc",
        b"transport",
        b"Type",
    ),
    (b"endpoint", b"auth", b"aor", b"all", b"opus,ulaw,vp8", b"yes", b"1001", b'"Alice" <1001>'),
)
EXTENSIONS = Flavour(
    (b"general", b"globals", b"phones", b"default", b"macro-x", b"sub_y"),
    (b"exten", b"same", b"include", b"switch", b"static", b"ignorepat", b"TRUNK"),
    (
        b"246,1,Answer()",
        b" n,StreamEcho(4)",
        b"_X.,1,Dial(PJSIP/${EXTEN},20)",
        b'n,Set(A=$["${B}"="c"]\\;d)',
        b"phones",
        b"s,1,NoOp(;not this)",
    ),
)
FLAVOURS = (HTTP, PJSIP, EXTENSIONS)


@dataclass
class Case:
    """Files by their path under Asterisk's configuration folder, and symlinks by theirs."""

    seed: str
    files: dict[str, bytes]
    links: dict[str, str] = field(default_factory=dict)


def case(seed: str, inside: str) -> Case:
    """The case of ``seed``. ``inside`` is Asterisk's configuration folder as it sees it."""
    return _Maker(seed, inside).case()


class _Maker:
    def __init__(self, seed: str, inside: str) -> None:
        self._seed = seed
        self._inside = inside
        self._random = random.Random(seed)
        self._flavour = self._random.choice(FLAVOURS)
        # How much of a case is meant to break it, so that most are read to the end.
        self._harm = self._random.choice((0.0, 0.0, 0.01, 0.05))
        # Either "+=" or comments: asked over AMI, Asterisk keeps comments, and the last ones of a
        # file it hangs onto the last variable, which "+=" may have freed (last_var in
        # config_text_file_load). Asterisk 16 was seen to die of it.
        self._appends = self._random.random() < 0.4
        self._there = [path for path in INCLUDED if self._random.random() < 0.4]
        # Names of categories, and of templates, that were opened so far.
        self._opened: list[bytes] = []
        self._templates: list[bytes] = []

    def case(self) -> Case:
        chance = self._random.random
        files = {MAIN: self._file(self._random.randint(0, 25), main=True)}
        links = {}
        for path in self._there:
            files[path] = self._file(self._random.randint(0, 8))
        if chance() < 0.2:
            for depth in range(self._random.choice((8, 9, 10, 11, 12))):
                line = f"#include {FOLDER}/deep{depth + 1}.conf\n".encode()
                files[f"{FOLDER}/deep{depth}.conf"] = b"[deep]\nbefore=1\n" + line + b"after=1\n"
            files[f"{FOLDER}/deep{depth + 1}.conf"] = b"the=end\n"
        if chance() < 0.2:
            links[f"{FOLDER}/link.conf"] = self._random.choice(
                ("a.conf", f"{self._inside}/{FOLDER}/b.conf", "nowhere.conf", "link.conf", "d")
            )
        return Case(self._seed, files, links)

    def _file(self, lines: int, *, main: bool = False) -> bytes:
        choice, chance = self._random.choice, self._random.random
        ending = choice((b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b" \t\n"))
        first = self._category()
        if main:
            self._opened.append(first)
        made = [self._line() for _ in range(lines)]
        if lines and chance() < (0.97 if main else 0.4):
            made.insert(0, b"[" + first + b"]")
        text = b"".join(line + (b"\r\n" if chance() < 0.02 else ending) for line in made)
        text = _without_comments(text) if self._appends else text.replace(b"+=", b"=+")
        if chance() < 0.15:
            text = b"\xef\xbb\xbf" * choice((1, 1, 2)) + text
        return text.rstrip(b"\r\n") if chance() < 0.2 else text

    def _line(self) -> bytes:
        if self._random.random() < self._harm:
            return self._random.choice((self._broken, self._garbage))()
        kinds = (
            (self._variable, 50),
            (self._header, 16),
            (self._comment, 10),
            (self._include, 10),
            (self._block_comment, 6),
            (self._directive, 1),
            (self._escaped, 2),
            (self._long, 1),
            (self._nul, 1),
        )
        make = self._random.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        line = make()
        if self._random.random() < 0.1:
            line = self._random.choice((b" ", b"\t", b"  \x01", b"\x0c")) + line
        if self._random.random() < 0.1:
            line += self._random.choice((b"; end", b" ;end", b"\t ; a;b", b";--x--;", b" ;-- y"))
        return line

    def _category(self) -> bytes:
        odd = (b"a", b"A", b"", b" a ", b"x y", b"\xc3\xa9", b"\xff", b"a=b", b"n" * 79, b"n" * 80)
        return self._random.choice(self._flavour.categories if self._luck() else odd)

    def _luck(self) -> bool:
        return self._random.random() < 0.93

    def _known(self) -> bytes:
        """A category or template that is probably there, to inherit from."""
        known = self._opened + self._templates
        if known and self._random.random() >= self._harm:
            return self._random.choice(known)
        return self._category()

    def _header(self) -> bytes:
        choice = self._random.choice
        kind = self._random.random()
        if kind < 0.15:
            return self._added()
        name = self._category()
        if kind < 0.6:
            self._opened.append(name)
            return b"[" + name + b"]" + choice((b"", b"", b"", b" ", b" (!)", b"junk", b";c", b"]"))
        options = [self._option() for _ in range(self._random.randint(1, 3))]
        if kind < 0.75:
            options = [b"!"]
        (self._templates if b"!" in options else self._opened).append(name)
        return b"[" + name + b"](" + b",".join(options) + b")" + choice((b"", b"", b" ", b"x"))

    def _added(self) -> bytes:
        """``[name](+)`` and what else may stand there."""
        if self._templates and self._random.random() < 0.04:
            return b"[" + self._random.choice(self._templates) + b"](+)"
        if self._random.random() < 0.3:
            more = b",".join(self._option() for _ in range(self._random.randint(0, 2)))
            return (
                b"[" + self._known() + b"](" + self._condition() + (b"," + more) * bool(more) + b")"
            )
        if self._opened and self._random.random() < 0.7:
            return b"[" + self._random.choice(self._opened) + b"](+)"
        return b"[" + self._known() + b"](+TEMPLATES=include)"

    def _condition(self) -> bytes:
        return self._random.choice(
            (
                b"+TEMPLATES=include",
                b"+TEMPLATES=include",
                b"+Templates=include",
                b"+TEMPLATES=restrict",
                b"+type=endpoint",
                b"+type=^e.*t$",
                b"+[a-t]ype=a[ou][rt]h*",
                b"+=yes",
                b"+type",
                b"+type=auth&TEMPLATES=include",
                b"+a|e=o",
                b"+ ",
                b"+=",
                b"+type=aor&",
            )
        )

    def _option(self) -> bytes:
        choice = self._random.random()
        if choice < 0.25:
            return b"!"
        if choice < 0.25 + self._harm:
            return self._condition()
        if choice < 0.35:
            return b""
        if choice < 0.35 + self._harm:
            return self._random.choice((b" ", b" !", b"! ", b"+ ", b"!!"))
        return self._known()

    def _variable(self) -> bytes:
        choice = self._random.choice
        name = choice(
            self._flavour.names if self._luck() else (b"a", b"A", b"", b"x+", b">", b"1 ")
        )
        sign = choice((b"=", b"=", b" = ", b"=>", b" => ", b"+=", b" += ", b"+=>", b"==", b" =\t"))
        value = choice(self._flavour.values)
        if self._random.random() < 0.2:
            value = choice(
                (b"", b"a=b", b"a\\;b", b"a\\\\;b", b"\\;", b"> x", b"+", b"x\ty", b'"q;q"')
            )
        return name + sign + value

    def _escaped(self) -> bytes:
        return b"\\" + self._random.choice(
            (b"[a]=b", b"#include=x", b"=a=b", b"+=c", b"a+=c", b";x=1", b"\\y=1", b"a")
        )

    def _comment(self) -> bytes:
        return self._random.choice(
            (
                b"",
                b" ",
                b";",
                b"; text",
                b";;;",
                b";---",
                b";-------;",
                b";- x",
                b"a=b ; c",
                b"\t;x",
            )
        )

    def _block_comment(self) -> bytes:
        opened = self._random.choice(
            (b";--", b";--", b";-- text", b"a=b ;-- c", b";--;--", b";--;")
        )
        closed = self._random.choice((b"--;", b"--;", b"x --;", b"--; a=b", b"--;--;", b"---;"))
        between = b"\n".join(
            self._variable() for _ in range(self._random.choice((0, 0, 1, 2)))
        ).join((b"\n", b"\n"))
        kind = self._random.random()
        if kind < 0.6:
            return opened + between + closed
        if kind < 0.8:
            return opened + b" mid " + closed
        return opened if kind < 0.95 else closed

    def _include(self) -> bytes:
        if self._there and self._random.random() < 0.4:
            word = self._random.choice((b"#include", b"#Include"))
            target = self._random.choice(self._there).encode()
        else:
            word = b"#include" if self._random.random() < self._harm else b"#tryinclude"
            target = self._target().encode()
        if self._random.random() < self._harm:
            word += self._random.choice((b"\xc3\xa9", b"\xff", b"d", b'"x"'))
        opening, closing = self._random.choice(
            (
                (b"", b""),
                (b"", b""),
                (b'"', b'"'),
                (b"<", b">"),
                (b"'", b"'"),
                (b'"', b""),
                (b"<", b'"'),
            )
            if self._random.random() < self._harm
            else ((b"", b""), (b'"', b'"'), (b"<", b">"))
        )
        gap = self._random.choice((b" ", b" ", b"\t", b"   "))
        return word + gap + opening + target + closing

    def _target(self) -> str:
        choice = self._random.choice
        targets = [f"{FOLDER}/{target}" for target in TARGETS]
        name = choice(choice((INCLUDED, targets)))
        return f"{self._inside}/{name}" if self._random.random() < 0.15 else name

    def _directive(self) -> bytes:
        return self._random.choice(
            (
                b"#exec /bin/true",
                b"#exec",
                b"#include",
                b"#tryinclude ",
                b"#nothing x",
                b"#",
                b"# x",
            )
        )

    def _long(self) -> bytes:
        size = self._random.choice((8180, 8189, 8190, 8191, 8192, 8193, 16381, 16382, 16383, 20000))
        filler = self._random.choice((b"x", b"ab=", b" ", b"\\;", b"a\n" if size > 20000 else b"y"))
        return (b"long=" + filler * size)[: size - self._random.choice((0, 0, 1))]

    def _nul(self) -> bytes:
        line = self._variable()
        at = self._random.randint(0, len(line))
        middle = self._random.choice((b"\0", b"\0", b"\0" * 3, b"\0" + b"z" * 8185))
        return line[:at] + middle + line[at:]

    def _broken(self) -> bytes:
        return self._random.choice(
            (
                b"[a",
                b"[a](",
                b"[a](!",
                b"[a](nowhere)",
                b"[nowhere](+)",
                b"\\",
                b"\\ x=1",
                b"\\\xc3=1",
            )
        )

    def _garbage(self) -> bytes:
        return b"".join(self._random.choices(_SPECIAL, k=self._random.randint(0, 20)))


def _without_comments(text: bytes) -> bytes:
    """Nor blank lines, which are kept as comments too."""
    text = re.sub(rb"(?<!\\);", b"", text.replace(b"\0", b""))
    return re.sub(rb"(?m)^(?:\xef\xbb\xbf)?[ \t\r]*(?:\n|\Z)", b"", text)
