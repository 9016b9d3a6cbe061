from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.settings import load
from cmp_bundle.settings.model import KEYS, Settings
from cmp_bundle.settings.template import literal, render
from cmp_bundle.settings.toml_places import line_of


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wrong(text: str, tmp_path: Path) -> CmpBundleError:
    file = tmp_path / "cmp-bundle.toml"
    file.write_text(text)
    with pytest.raises(CmpBundleError) as caught:
        load(environment={})
    return caught.value


def test_without_anything_there_are_the_defaults(tmp_path: Path) -> None:
    loaded = load(environment={})
    assert loaded.file is None
    assert loaded.settings.site == Settings().site
    assert loaded.settings.build.out == tmp_path / "dist"
    assert {o.kind for o in loaded.origins.values()} == {"default"}


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "cmp-bundle.toml"
    file.write_text('[site]\nname = "a"\nredirect = "/a"\n[account]\nid = "a"\n')
    loaded = load(
        environment={"CMP_BUNDLE_SITE_NAME": "b", "CMP_BUNDLE_ACCOUNT_ID": "b"},
        flags={"account.id": "c", "site.name": None},
    )
    assert (loaded.settings.site.redirect, str(loaded.origins["site.redirect"])) == (
        "/a",
        f"{file}:3",
    )
    assert (loaded.settings.site.name, str(loaded.origins["site.name"])) == (
        "b",
        "CMP_BUNDLE_SITE_NAME",
    )
    assert (loaded.settings.account.id, str(loaded.origins["account.id"])) == ("c", "flag")


def test_paths_in_the_file_are_seen_from_the_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    file = elsewhere / "mine.toml"
    file.write_text('[build]\nout = "out"\n')
    assert load(file, {}).settings.build.out == elsewhere / "out"
    assert load(file, {"CMP_BUNDLE_BUILD_OUT": "here"}).settings.build.out == tmp_path / "here"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[site]\nredirct = "/x"\n', 2, "did you mean redirect?"),
        ('\n[sight]\nname = "x"\n', 2, "did you mean site?"),
        ('[account]\n\nextension = "246"\n', 3, "[account] extension is called dial since this"),
        ("[site]\n\nredirect = 5\n", 3, "must be text, not 5"),
        ("[account]\nregister = 1\n", 2, "must be true or false, not 1"),
        ("[server]\nport = true\n", 2, "must be a whole number, not true"),
        ("[server]\nport = 70000\n", 2, "must be a port"),
        ('[asterisk]\ncommand = "asterisk"\n', 2, "must be a list of words"),
        ('site.name = ".hidden"\n', 1, "not beginning with a dot"),
        ('[site]\nredirect = "/static/x"\n', 2, "one of Asterisk's own paths"),
        ('[site]\nredirect = "cmp2k"\n', 2, "begins with a slash"),
        ("[deploy]\nkeep = 0\n", 2, "at least 1"),
        ("site = 1\n", 1, "write [site] on a line of its own"),
        ("[site\n", 1, "is not TOML"),
        ("[build]\nout = 1\n", 2, "must be text, not 1"),
        ('[build]\nout = "a\\u0000b"\n', 2, "no path can have"),
        ('[build]\n\nout = "~no-such-user/dist"\n', 3, "that user does not exist"),
        (f"[server]\nport = {'9' * 5000}\n", None, "is not TOML"),
        (f"x = {'[' * 5000}", None, "is not TOML"),
    ],
)
def test_what_is_wrong_names_file_and_line(
    text: str, line: int | None, says: str, tmp_path: Path
) -> None:
    error = wrong(text, tmp_path)
    assert (error.file, error.line) == (str(tmp_path / "cmp-bundle.toml"), line)
    assert says in error.message


def test_a_misspelt_variable_is_told() -> None:
    with pytest.raises(CmpBundleError, match="did you mean CMP_BUNDLE_SITE_REDIRECT"):
        load(environment={"CMP_BUNDLE_SITE_REDIRCT": "/x"})


def test_a_setting_that_was_renamed_says_how_it_is_called() -> None:
    with pytest.raises(
        CmpBundleError, match="ACCOUNT_EXTENSION is called CMP_BUNDLE_ACCOUNT_DIAL"
    ) as caught:
        load(environment={"CMP_BUNDLE_ACCOUNT_EXTENSION": "246"})
    assert "unset CMP_BUNDLE_ACCOUNT_EXTENSION" in str(caught.value.hint)
    assert load(environment={"CMP_BUNDLE_ACCOUNT_DIAL": "246"}).settings.account.dial == "246"


@pytest.mark.parametrize(
    "text", ['["docker", "exec", "pbx", "asterisk"]', "docker exec pbx asterisk"]
)
def test_a_list_in_the_environment(text: str) -> None:
    loaded = load(environment={"CMP_BUNDLE_ASTERISK_COMMAND": text})
    assert loaded.settings.asterisk.command == ("docker", "exec", "pbx", "asterisk")


@pytest.mark.parametrize(
    "place",
    [
        "pbx:https",
        "pbx:70000",
        "pbx:0",
        "[::1",
        "a:b@pbx",
        ":8089",
        "pbx..example",
        "x" * 64,
        "💩.example",
        "ü" * 60,
    ],
)
def test_an_address_is_one_that_can_be_asked(place: str) -> None:
    for name, scheme in {"ASTERISK_URL": "https", "SITE_URL": "https", "SERVE_PBX": "wss"}.items():
        variable = f"CMP_BUNDLE_{name}"
        with pytest.raises(CmpBundleError, match=f"{variable}.* must look like {scheme}://"):
            load(environment={variable: f"{scheme}://{place}"})
        load(environment={variable: f"{scheme}://[::1]:8089"})
    with pytest.raises(CmpBundleError, match="must be a host name"):
        load(environment={"CMP_BUNDLE_SERVE_HOST": place})


def test_an_address_in_another_script_is_asked_as_browsers_ask() -> None:
    settings = load(
        environment={
            "CMP_BUNDLE_ASTERISK_URL": "https://straße.de:8089",
            "CMP_BUNDLE_SERVE_PBX": "wss://straße.de/ws",
            "CMP_BUNDLE_SITE_URL": "https://straße.de",
        }
    ).settings
    assert settings.asterisk.url == "https://xn--strae-oqa.de:8089"
    assert settings.serve.pbx == "wss://xn--strae-oqa.de/ws"
    assert settings.site.url == "https://straße.de", "people read it"


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("OFF", False), ("1", True)])
def test_a_yes_or_no_in_the_environment(text: str, value: bool) -> None:
    loaded = load(environment={"CMP_BUNDLE_ACCOUNT_REGISTER": text})
    assert loaded.settings.account.register is value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CMP_BUNDLE_ACCOUNT_REGISTER", "perhaps"),
        ("CMP_BUNDLE_SERVER_PORT", "https"),
        ("CMP_BUNDLE_ASTERISK_COMMAND", '["unclosed'),
        ("CMP_BUNDLE_SITE_NAME", "../x"),
        ("CMP_BUNDLE_ACCOUNT_ID", "\udcff"),
        ("CMP_BUNDLE_BUILD_OUT", "~no-such-user"),
    ],
)
def test_a_bad_variable_is_named(variable: str, text: str) -> None:
    with pytest.raises(CmpBundleError, match=variable):
        load(environment={variable: text})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="this file does not exist"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("a" * 300, "cannot be read: file name too long"),
        ("loop.toml", "cannot be read: too many levels of symbolic links"),
        ("cmp-bundle.toml/below", "cannot be read: not a directory"),
        (".", "is a folder, but must be a file"),
    ],
)
def test_a_named_file_that_cannot_be_read(named: str, says: str, tmp_path: Path) -> None:
    Path("loop.toml").symlink_to("loop.toml")
    (tmp_path / "cmp-bundle.toml").touch()
    with pytest.raises(CmpBundleError, match=says):
        load(Path(named), {})


def test_the_current_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(CmpBundleError, match="the current folder no longer exists"):
        load(None, {})


def test_a_path_that_leads_nowhere() -> None:
    with pytest.raises(CmpBundleError, match=r"build\.out must not be empty"):
        load(None, {"CMP_BUNDLE_BUILD_OUT": ""})
    Path("loop").symlink_to("loop")
    # Since Python 3.13 such a path is taken as it stands, and whoever opens it tells.
    if sys.version_info < (3, 13):
        with pytest.raises(CmpBundleError, match="is a symlink that leads back to itself"):
            load(None, {"CMP_BUNDLE_BUILD_OUT": "loop/x"})


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[site]\nname = "mine"\n')
    loaded = load(environment={"CMP_BUNDLE_CONFIG": "mine.toml"})
    assert (loaded.file, loaded.settings.site.name) == (file, "mine")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert load(other, {"CMP_BUNDLE_CONFIG": "mine.toml"}).file == other, "what is typed wins"


def test_the_environment_s_file_may_lie_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    named = {"CMP_BUNDLE_CONFIG": "~/mine.toml"}
    with pytest.raises(CmpBundleError, match="this file does not exist") as caught:
        load(environment=named)
    assert "CMP_BUNDLE_CONFIG names it" in (caught.value.hint or "")
    (tmp_path / "mine.toml").write_text("")
    assert load(environment=named).file == tmp_path / "mine.toml"
    with pytest.raises(CmpBundleError, match="CMP_BUNDLE_CONFIG begins with ~nobody-here"):
        load(environment={"CMP_BUNDLE_CONFIG": "~nobody-here/x"})


def test_paths_are_seen_from_where_the_file_is_found(tmp_path: Path) -> None:
    """A link to another folder's is read as if it lay here, named or not."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there/shared.toml").write_text('[build]\nout = "out"\n')
    link = tmp_path / "cmp-bundle.toml"
    link.symlink_to("there/shared.toml")
    for found in (load(environment={}), load(link, {})):
        assert found.file == link
        assert found.settings.build.out == tmp_path / "out"


@pytest.mark.parametrize(("content", "says"), [(b"\xff\xfe", "not UTF-8"), (None, "is a folder")])
def test_a_file_that_is_no_text(content: bytes | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(CmpBundleError, match=says) as caught:
        load(file, {})
    assert caught.value.file == str(file)


def test_as_windows_editors_save_it(tmp_path: Path) -> None:
    (tmp_path / "cmp-bundle.toml").write_bytes(b'\xef\xbb\xbf[site]\r\nname = "x"\r\n')
    loaded = load(environment={})
    assert loaded.settings.site.name == "x"
    assert loaded.origins["site.name"].line == 2


def test_from_where_a_path_is_seen(tmp_path: Path) -> None:
    """A setting that holds a path among other things is seen from where it was written."""
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    (elsewhere / "mine.toml").write_text('[build]\nout = "out"\n')
    assert load(elsewhere / "mine.toml", {}).base("build.out") == elsewhere
    assert load(elsewhere / "mine.toml", {}).base("site.name") == tmp_path
    loaded = load(elsewhere / "mine.toml", {}, {"build.out": Path("here")})
    assert loaded.base("build.out") == tmp_path
    assert loaded.settings.build.out == tmp_path / "here"


def test_what_was_found_stands_in_the_template() -> None:
    import tomllib

    found = {"site.redirect": ("/phone", "http.conf:3"), "build.out": (Path("/srv/x"), "asked")}
    text = render(found)
    assert '\nredirect = "/phone"  # ' in text
    assert "; http.conf:3\n" in text
    assert tomllib.loads(text)["build"] == {"out": "/srv/x"}
    command = ("docker", "exec", "a b")
    assert tomllib.loads(f"x = {literal(command)}") == {"x": list(command)}


def test_the_template_says_nothing_but_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "cmp-bundle.toml").write_text(render({}))
    assert load(environment={}).settings == load(Path("cmp-bundle.toml"), {}).settings
    every_line_active = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in render({}).splitlines()[2:]
    )
    (tmp_path / "cmp-bundle.toml").write_text(every_line_active)
    active = load(environment={})
    assert {o.kind for o in active.origins.values()} == {"file"}
    for name, key in KEYS.items():
        section, _, attribute = name.partition(".")
        got = getattr(getattr(active.settings, section), attribute)
        assert got == (tmp_path / key.default if isinstance(key.default, Path) else key.default)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_template(text: str) -> None:
    import tomllib

    assert tomllib.loads(f"x = {literal(text)}")["x"] == text


def test_lines_are_found_however_keys_are_written() -> None:
    text = '# [a]\n[a]  # b = 1\nb = 1\n"c" = 2\n[d.e]\nf = 3\na.g = 1\n'
    assert line_of(text, "a") == 2
    assert line_of(text, "a", "b") == 3
    assert line_of(text, "a", "c") == 4
    assert line_of(text, "d", "e") is not None
    assert line_of(text, "nothing") is None
    assert line_of(text, "a", "nothing") is None
