"""Commands in messages: whoever copies one gets what was meant, whatever a file is called."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import cmp_bundle
from cmp_bundle.shell import word

PACKAGE = Path(cmp_bundle.__file__).parent

#: What stands before a file or a name in a command that is shown.
_COMMAND = re.compile(
    r"(\b(chmod [\w=+-]+|chown [\w]*|mv|-in|restorecon -R|asterisk -rx)"
    r"|cmp-bundle (accounts \w+|link|key \w+|certs \w+|init|rollback)"
    r"|--(out|cert|key|folder|config|allow|database)) $"
)

#: Names of users and releases, and numbers: made here, or by the system's own rules.
_PLAIN = {
    "_user(os.geteuid())",
    "os.geteuid()",
    "take",
    "shut",
    "reader.name",
    "name",
    "others[-1]",
}
#: Words that were quoted where they were put together.
_QUOTED = {"allowed", "place"}


@pytest.mark.parametrize("text", ["a", "a b", "it's", "$(x)", "-x", "", "zoë", "a\nb"])
def test_a_word_comes_out_as_it_was(text: str) -> None:
    assert shlex.split(f"chmod 600 {word(text)}") == ["chmod", "600", text]
    assert word(Path("/etc/asterisk")) == "/etc/asterisk"


def bare() -> Iterator[str]:
    """Values in commands that are no single words for a shell."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            before = ""
            for part in parts:
                if isinstance(part, ast.Constant):
                    before += str(part.value)
                    continue
                assert isinstance(part, ast.FormattedValue)
                code = ast.unparse(part.value)
                quoted = code.startswith(("word(", "shlex.")) or "map(word, " in code
                if _COMMAND.search(before) and not quoted and code not in _PLAIN | _QUOTED:
                    yield f"{path.relative_to(PACKAGE)}:{part.lineno}: {before[-30:]}{{{code}}}"
                before += "X"


def test_every_command_that_is_shown_is_quoted() -> None:
    assert not list(bare())
