"""What the reader makes of single habits of Asterisk, and that nothing upsets it.

That these are Asterisk's habits is shown in tests/asterisk, where it is asked itself.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmp_bundle.asterisk import read_budget, reader
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.asterisk.configuration import CUT, IGNORED, REFUSED, UNKNOWN, Configuration
from cmp_bundle.places import Place
from tests.asterisk import grammar

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING = ConfFolder(Path("/nowhere/etc"), Path("/nowhere"))


def read(main: bytes, included: Mapping[str, bytes] | None = None) -> Configuration:
    """The configuration of /etc/main.conf, with other files beside it."""
    files = {"main.conf": main, **(included or {})}
    return reader.read("main.conf", Overlaid(NOTHING, {f"/etc/{n}": d for n, d in files.items()}))


def values(configuration: Configuration) -> list[tuple[str, list[str]]]:
    """Names of categories, with ``name=value`` of what is in them."""
    return [
        (c.name, [f"{v.name}={v.value}" for v in c.variables]) for c in configuration.categories
    ]


def kinds(configuration: Configuration) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.line) for problem in configuration.problems]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"a=b", "a=b"),
        (b"  a  =>  b c \t", "a=b c"),
        (b"a=b ; comment", "a=b"),
        (b"a=b\\;c ; comment", "a=b;c"),
        (b"a=\\\\;c", "a=\\;c"),
        (b"a= => b", "a==> b"),
        (b"a==b", "a==b"),
        (b"a=", "a="),
        (b"\\[a]=b", "[a]=b"),
        (b"\\=a=b", "=a=b"),
        (b"a=1;--x--;2", "a=12"),
        (b"a=1;-- x ;-- y --; z --; 2", "a=1 2"),
        (b"a=1;---x", "a=1"),
        (b"a=b\rc\r", "a=b\rc"),
        (b"a=b\0c", "a=b"),
        (b"\xc3\xa9=\xff", "é=\udcff"),
    ],
)
def test_one_variable(line: bytes, wanted: str) -> None:
    found = read(b"[x]\n" + line + b"\n")
    assert values(found) == [("x", [wanted])]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"[x]\nno sign\n", IGNORED),
        (b"[x]\n=b\n", IGNORED),
        (b"[x]\n#nothing\n", IGNORED),
        (b"[x]\n#include\n", IGNORED),
        (b"[x]\n" + b"a=" + b"x" * 8189 + b"\n", IGNORED),
        (b"[x]\n#exec /bin/date\n", UNKNOWN),
        (b"[x]\n[x](+a=\\d)\n", REFUSED),
        (b"[x]\n\\\n", REFUSED),
        (b"[x]\n[y\n", REFUSED),
        (b"[x]\n[y](z\n", REFUSED),
        (b"[x]\n[y](z)\n", REFUSED),
        (b"[x]\n[y](x, x)\n", REFUSED),
        (b"[x]\n[y](+)\n", REFUSED),
        (b"[x](!)\n[x](+)\n", REFUSED),
        (b"[x]\n#include y.conf\n", REFUSED),
        (b"\na=b\n", REFUSED),
    ],
)
def test_one_problem(text: bytes, kind: str) -> None:
    found = read(text)
    assert (kind, 2) in kinds(found)
    assert found.refused == (kind == REFUSED)
    assert bool(found.categories) != found.refused


def test_lines_just_short_enough_are_kept() -> None:
    found = read(b"[x]\na=" + b"y" * 8188 + b"\n")
    assert len(found.browse("x")[0].value) == 8188


def test_a_file_may_begin_with_a_byte_order_mark_and_end_without_a_newline() -> None:
    assert values(read(b"\xef\xbb\xbf[x]\r\na=b")) == [("x", ["a=b"])]


def test_templates() -> None:
    found = read(b"[base](!)\na=1\nb=2\n[more](!,base)\nc=3\n[x](more)\na=4\n[y](x)\n[more](x,!)\n")
    assert [(c.name, c.template, c.templates) for c in found.categories] == [
        ("base", True, ()),
        ("more", True, ("base",)),
        ("x", False, ("more",)),
        ("y", False, ("x",)),
        ("more", True, ("x",)),
    ]
    assert values(found)[2:4] == [
        ("x", ["a=1", "b=2", "c=3", "a=4"]),
        ("y", ["a=1", "b=2", "c=3", "a=4"]),
    ]
    assert [v.inherited for v in found.browse("x")] == [True, True, True, False]
    assert found.browse("x")[0].place == Place("/etc/main.conf", 2)
    last = found.last("X", "A")
    assert last is not None
    assert (last.value, last.line) == ("4", 7)


def test_adding_to_a_category() -> None:
    text = b"[x]\na=1\n[t](!)\nb=2\n[X](+)\nc=3\n[x](t,+)\n[x]\nd=4\n"
    found = read(text)
    assert values(found) == [("x", ["a=1", "c=3", "b=2"]), ("t", ["b=2"]), ("x", ["d=4"])]
    assert found.category("x") is found.categories[0]
    assert found.named("x") == (found.categories[0], found.categories[2])
    assert found.last("x", "d") is None
    assert found.browse("t") == ()


def test_adding_to_the_category_that_fits() -> None:
    text = b"[x]\ntype=auth\n[x]\ntype=endpoint\n[x](+type=end)\nallow=all\n"
    assert values(read(text)) == [("x", ["type=auth"]), ("x", ["type=endpoint", "allow=all"])]
    template = b"[x](!)\ntype=auth\n[x](+TEMPLATES=include)\na=b\n"
    assert values(read(template)) == [("x", ["type=auth", "a=b"])]


def test_appending_to_a_variable() -> None:
    # The space before the appended part stays, and the variable stays where it was.
    assert values(read(b"[x]\na=1\nb=2\na += 3\nc+=>4\n")) == [
        ("x", ["a=1 3", "b=2", "c=> 4".replace(" ", "")])
    ]
    # Of two with one value the first is replaced (ast_variable_update).
    assert values(read(b"[x]\na=1\na=1\na+=3\n")) == [("x", ["a=13", "a=1"])]


def test_names_are_cut_at_79_bytes() -> None:
    found = read(b"[" + b"n" * 90 + b"]\na=b\n")
    assert found.categories[0].name == "n" * 79
    assert read(b"[" + b"n" * 90 + b"]\n[" + b"n" * 90 + b"](+)\n").refused


def test_an_open_block_comment_swallows_what_follows() -> None:
    found = read(b"[x]\na=1\n;-- never closed\nb=2\n#tryinclude y.conf\n", {"y.conf": b"c=3\n"})
    assert values(found) == [("x", ["a=1"])]
    assert found.open_comment == Place("/etc/main.conf", 3)
    assert kinds(found) == [(IGNORED, 3)]
    stray = read(b"[x]\na=1 --;\nb=2\n;-- now it is even\nc=3\n")
    assert values(stray) == [("x", ["a=1 --;", "c=3"])]
    assert stray.open_comment is None
    assert read(b"[x]\n--;\n").open_comment == Place("/etc/main.conf", 2)


def test_an_included_file_keeps_its_open_comment_to_itself() -> None:
    found = read(b"[x]\n#include y.conf\na=1\n", {"y.conf": b"b=2\n;--\n"})
    assert values(found) == [("x", ["b=2", "a=1"])]
    assert found.open_comment is None
    assert kinds(found) == [(IGNORED, 2)]


def test_includes_go_on_in_the_category_opened_last() -> None:
    found = read(
        b"[x]\na=1\n#include y.conf\nb=2\n#include <z.conf>\nc=3\n",
        {"y.conf": b"in=x\n[y]\nin=y\n", "z.conf": b"in=y too\n"},
    )
    assert values(found) == [("x", ["a=1", "in=x", "b=2", "c=3"]), ("y", ["in=y", "in=y too"])]
    assert found.files == ("/etc/main.conf", "/etc/y.conf", "/etc/z.conf")
    assert [(i.argument, i.optional, i.files, i.line) for i in found.includes] == [
        ("y.conf", False, ("/etc/y.conf",), 3),
        ("z.conf", False, ("/etc/z.conf",), 5),
    ]
    assert found.browse("y")[1].place == Place("/etc/z.conf", 1)


def test_a_pattern_is_read_in_order_and_as_one() -> None:
    found = read(
        b'[x]\n#include d/*.conf\n#tryinclude "d/no*"\n',
        {
            "d/b.conf": b"b=2\n",
            "d/a.conf": b"\xef\xbb\xbfa=1\n[y]\n",
            "d/.c.conf": b"c=3\n",
            "d/e": b"e=5\n",
        },
    )
    assert values(found) == [("x", ["a=1"]), ("y", ["b=2"])]
    assert [i.files for i in found.includes] == [("/etc/d/a.conf", "/etc/d/b.conf"), ()]


def test_an_include_may_name_a_whole_path() -> None:
    assert values(read(b"[x]\n#include /etc/y.conf\n", {"y.conf": b"a=1\n"})) == [("x", ["a=1"])]


def test_what_breaks_an_included_file_leaves_the_rest() -> None:
    found = read(b"[x]\n#include y.conf\nc=3\n", {"y.conf": b"a=1\n#include nowhere.conf\nb=2\n"})
    assert not found.refused
    assert values(found) == [("x", ["a=1", "c=3"])]
    assert kinds(found) == [(CUT, 2)]
    assert found.problems[0].file == "/etc/y.conf"


def test_ten_broken_includes_use_up_all_levels() -> None:
    broken = {"y.conf": b"[\n", "z.conf": b"a=1\n"}
    assert values(read(b"[x]\n" + b"#include y.conf\n" * 9 + b"#include z.conf\n", broken)) == [
        ("x", ["a=1"])
    ]
    assert read(b"[x]\n" + b"#include y.conf\n" * 10 + b"#include z.conf\n", broken).refused


def test_a_file_that_includes_itself() -> None:
    found = read(b"[x]\na=1\n#include main.conf\nb=2\n")
    assert len(found.files) == 11
    assert not found.refused
    assert [c.name for c in found.categories] == ["x"] * 11
    assert found.last("x", "b") is not None
    assert found.categories[-1].variables[-1].name == "a"


def test_missing_and_empty() -> None:
    nothing = reader.read("main.conf", NOTHING)
    assert nothing.missing
    assert not nothing.refused
    empty = read(b"")
    assert (empty.missing, empty.refused, empty.categories) == (False, False, ())


@pytest.mark.parametrize(
    "text",
    [b"[x]\na=1\n[x](+,x)\n", b"[x]\na=1\n[x](+,)\n", b"[x]\n" + b";--\n" * 129],
)
def test_what_asterisk_never_finishes_is_refused(text: bytes) -> None:
    found = read(text)
    assert found.refused
    assert "never finishes" in found.problems[-1].message


def test_what_multiplies_itself_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_budget, "LIMIT", 20_000)
    doubling = b"[c0](!)\na=1\n" + b"".join(
        b"[c%d](c%d,c%d)\n" % (n, n - 1, n - 1) for n in range(1, 60)
    )
    braces = b"[x]\n#include " + b"{a,b}" * 40 + b"\n"
    wide = {f"{n}.conf": b"#tryinclude %d.conf\n" % (n + 1) * 20 for n in range(10)}
    for found in (read(doubling), read(braces), read(b"#tryinclude 0.conf\n" * 9, wide)):
        assert found.refused
        assert found.unknowns


BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [bytes((b,)) for b in b'[]()!+,=;\\#"<>&ab\n\r\0 \t{}*']
            + [b"--;", b";--", b"\n[a]", b"\n[a](+", b"#include ", b"a.conf", b"\xff", b"a=b\n"]
        ),
        max_size=60,
    ).map(b"".join),
)


@given(main=BYTES, other=BYTES)
@example(main=b"[a]\n#include {,,}*\n", other=b"")
@example(main=b'[a](+"', other=b"")
def test_no_bytes_upset_it(main: bytes, other: bytes) -> None:
    found = read(main, {"a.conf": other, "b/a.conf": other})
    assert found.missing is False
    assert not (found.refused and found.categories)
    for problem in found.problems:
        assert problem.line
        assert problem.line >= 1


@pytest.mark.slow
@given(seed=st.integers(0, 10_000))
@example(seed=1192)  # d/../a.conf, with no d
def test_a_plan_reads_like_the_same_files_written(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    etc = tmp_path_factory.mktemp("root") / "etc"
    etc.mkdir()
    folder = ConfFolder(etc, etc.parent)
    files = grammar.case(str(seed), "/etc").files
    planned = reader.read(
        grammar.MAIN, Overlaid(folder, {f"/etc/{name}": data for name, data in files.items()})
    )
    for name, data in files.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_bytes(data)
    assert reader.read(grammar.MAIN, folder) == planned


NAMES = st.sampled_from(["alpha", "beta", "gamma"])


@given(lines=st.lists(st.tuples(NAMES, st.sampled_from(["", "; x", ";--\n--;", "\n"]))))
def test_places_are_true(lines: list[tuple[str, str]]) -> None:
    text = "[x]\n" + "".join(f"{before}\n{name}=1\n" for name, before in lines)
    written = text.splitlines()
    variables = read(text.encode()).browse("x")
    assert [v.name for v in variables] == [name for name, _ in lines]
    for variable in variables:
        assert written[variable.line - 1] == f"{variable.name}=1"


@pytest.mark.slow
def test_a_large_configuration_takes_seconds_at_most() -> None:
    phones = b"".join(
        b"[%d](endpoint)\nauth=%d\naors=%d\n[%d]\ntype=auth\nusername=%d\n[%d]\ntype=aor\n"
        % ((n,) * 6)
        for n in range(5_000)
    )
    started = time.process_time()  # other programs may be at work
    found = read(b"[endpoint](!)\n" + b"a=1\n" * 20 + phones)
    assert len(found.categories) == 15_001
    assert time.process_time() - started < 10
