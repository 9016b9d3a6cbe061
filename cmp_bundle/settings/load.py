"""The effective settings: defaults, then the file, then the environment, then flags."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import owned
from cmp_bundle.files.rights import is_there, unreadable
from cmp_bundle.hostname import url_in_ascii
from cmp_bundle.settings.doctor_skips import Skip, problem, skips
from cmp_bundle.settings.model import KEYS, Key, Settings, sections
from cmp_bundle.settings.toml_places import entry_lines, line_of
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The file that is looked for in the current folder.
FILE_NAME = "cmp-bundle.toml"

#: Names the file in place of ``--config``.
VARIABLE = "CMP_BUNDLE_CONFIG"

#: What settings of earlier versions are called now.
_RENAMED = {"account.extension": "account.dial"}

#: What can be wrong with the file itself.
_WRONG = {"not-toml", "not-utf8", "unknown-setting", "setting-value"}

#: Bytes. Nobody has so much to say.
LARGEST = 1 << 20

#: Addresses that are connected to; what Python connects with knows IDNA 2003 alone.
_ASKED = {"asterisk.url", "serve.pbx"}

_YES = {"true", "yes", "on", "1"}
_NO = {"false", "no", "off", "0"}
_WORDS = {str: "text", Path: "text", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Origin:
    """Where a value came from: ``kind`` is default, file, environment or flag."""

    kind: str
    name: str = ""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "file" and self.line is not None:
            return f"{self.name}:{self.line}"
        return self.name or self.kind


@dataclass(frozen=True)
class Loaded:
    """Settings with the origin of each, by dotted key, and the file they came from, if any.

    ``written`` is what the file itself says, by dotted key; ``broken`` what is wrong with it, if it
    is only to be replaced. It need not exist then.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    file: Path | None
    written: Mapping[str, Any] = field(default_factory=dict)
    broken: CmpBundleError | None = None

    def base(self, dotted: str) -> Path:
        """The folder from which a path in this setting is seen."""
        if self.origins[dotted].kind == "file" and self.file is not None:
            return self.file.parent
        return _here()


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    replaced: bool = False,
) -> Loaded:
    """The effective settings.

    ``file`` is the one that the user named; without it ``cmp-bundle.toml`` of the current folder
    is read where it exists. ``flags`` maps dotted keys to values of their type; None is unset.
    Where the file is to be ``replaced``, it may be missing or wrong.
    Raises CmpBundleError with file and line for whatever is wrong.
    """
    environment = os.environ if environment is None else environment
    found = _file(file, environment, replaced=replaced)
    home = found.parent if found else _here()
    values = {name: _settled(key, key.default, home) for name, key in KEYS.items()}
    origins = dict.fromkeys(KEYS, Origin("default"))
    written: list[tuple[str, Any, int | None]] = []
    broken = None
    try:
        if found is not None and (not replaced or is_there(found)):
            written = _from_file(found)
    except CmpBundleError as error:
        if not replaced or error.code not in _WRONG:
            raise
        broken = error
    for name, value, line in written:
        values[name] = _settled(KEYS[name], value, home)
        origins[name] = Origin("file", str(found), line)
    for name, text in _from_environment(environment):
        key = KEYS[name]
        value = _parsed(key, text)
        _check(key, value, key.variable, None)
        values[name] = _settled(key, value, _here())
        origins[name] = Origin("environment", key.variable)
    for name, value in (flags or {}).items():
        if value is not None:
            key = KEYS[name]
            _check(key, value, f"the value of {name}", None)
            values[name] = _settled(key, value, _here())
            origins[name] = Origin("flag")
    said = {name: value for name, value, _ in written}
    return Loaded(_assemble(values), origins, found, said, broken)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise CmpBundleError(
            "no-file", "the current folder no longer exists", hint="cd to another one"
        ) from error


def _file(named: Path | None, environment: Mapping[str, str], *, replaced: bool) -> Path | None:
    hint = f"write one: cmp-bundle init --config {word(named or FILE_NAME)}"
    if named is None and (text := environment.get(VARIABLE)):
        problem = _no_path(text)
        if problem:
            raise CmpBundleError("setting-value", f"{VARIABLE} {problem}")
        named = Path(text).expanduser()
        hint = f"{VARIABLE} names it; unset that, or write one: cmp-bundle init"
    path = named or _here() / FILE_NAME
    try:
        path.stat()
        # Paths in it are seen from where it is found, be it a link to another folder.
        return path.parent.resolve() / path.name
    except FileNotFoundError:
        if replaced:
            return path.absolute()
        if named is None:
            return None
        raise CmpBundleError("no-file", "this file does not exist", file=named, hint=hint) from None
    except OSError as error:
        raise unreadable(path, error) from error


def _from_file(path: Path) -> list[tuple[str, Any, int | None]]:
    try:
        text = owned.read(path, LARGEST).data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise CmpBundleError("not-utf8", "is not UTF-8 text", file=path) from error
    except (ValueError, RecursionError) as error:
        # tomllib says "… (at line 3, column 7)"; numbers of thousands of digits and lists in
        # lists in lists go beyond Python itself.
        message, _, place = str(error).partition(" (at line ")
        line = int(place.split(",")[0]) if place and place[0].isdigit() else None
        raise CmpBundleError(
            "not-toml", f"is not TOML: {message[:1].lower()}{message[1:]}", file=path, line=line
        ) from error
    known = sections()
    result = []
    for section, content in document.items():
        line = line_of(text, section)
        if section not in known:
            raise CmpBundleError(
                "unknown-setting",
                f"[{section}] is not a section{_nearest(section, known)}",
                file=path,
                line=line,
            )
        if not isinstance(content, dict):
            raise CmpBundleError(
                "setting-value",
                f"{section} is a section: write [{section}] on a line of its own",
                file=path,
                line=line,
            )
        names = [key.name for key in known[section][1]]
        for name, value in content.items():
            line = line_of(text, section, name)
            renamed = KEYS.get(_RENAMED.get(f"{section}.{name}", ""))
            if renamed:
                raise CmpBundleError(
                    "unknown-setting",
                    f"[{section}] {name} is called {renamed.name} since this version",
                    hint=f"write {renamed.name} in place of {name}",
                    file=path,
                    line=line,
                )
            if name not in names:
                raise CmpBundleError(
                    "unknown-setting",
                    f"[{section}] has no setting {name}{_nearest(name, names)}",
                    file=path,
                    line=line,
                )
            key = KEYS[f"{section}.{name}"]
            lines = entry_lines(text, section, name)
            _check(key, value, path, line, lines)
            result.append((key.dotted, skips(value, lines) if key.kind is Skip else value, line))
    return result


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    by_variable = {key.variable: key for key in KEYS.values()}
    renamed = {
        f"CMP_BUNDLE_{old.replace('.', '_')}".upper(): KEYS[new].variable
        for old, new in _RENAMED.items()
    }
    prefixes = tuple(f"CMP_BUNDLE_{section.upper()}_" for section in sections())
    result = []
    for variable, text in environment.items():
        if variable in by_variable:
            result.append((by_variable[variable].dotted, text))
        elif variable in renamed:
            raise CmpBundleError(
                "unknown-setting",
                f"{variable} is called {renamed[variable]} since this version",
                hint=f"set {renamed[variable]} in its place; and: unset {variable}",
            )
        elif variable.startswith(prefixes):
            raise CmpBundleError(
                "unknown-setting",
                f"the environment variable {variable} is not a setting"
                f"{_nearest(variable, by_variable)}",
                hint=f"cmp-bundle config lists all settings; or: unset {variable}",
            )
    return result


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


def _parsed(key: Key, text: str) -> Any:
    """The value that an environment variable's ``text`` stands for."""
    if key.kind is bool:
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise CmpBundleError("setting-value", f"{key.variable} must be true or false, not {text!r}")
    if key.kind is int:
        try:
            return int(text)
        except ValueError:
            raise CmpBundleError(
                "setting-value", f"{key.variable} must be a whole number, not {text!r}"
            ) from None
    if key.kind in (tuple, Skip):
        try:
            return json.loads(text) if text.startswith("[") else shlex.split(text)
        except ValueError as error:
            raise CmpBundleError(
                "setting-value", f"{key.variable} is not a list of words: {error}"
            ) from None
    return text


def _check(
    key: Key, value: Any, where: Path | str, line: int | None, lines: Sequence[int] = ()
) -> None:
    """Raise if ``value`` has the wrong type or breaks the key's own rule. ``lines`` are those of the
    tables in it, where it is a list of these.
    """
    file, prefix = (where, "") if isinstance(where, Path) else (None, f"{where}: ")
    wrong = None
    if key.kind is Skip:
        found = problem(value)
        wrong = found.words if found else None
        line = lines[found.entry] if found and found.entry is not None and lines else line
    elif key.kind is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            wrong = 'must be a list of words: ["docker", "exec", "pbx", "asterisk"]'
    elif key.kind is Path:
        if not isinstance(value, str | Path):
            wrong = f"must be {_WORDS[Path]}, not {_as_json(value)}"
        else:
            wrong = _no_path(str(value))
    elif not isinstance(value, key.kind) or (key.kind is int and isinstance(value, bool)):
        wrong = f"must be {_WORDS[key.kind]}, not {_as_json(value)}"
    elif isinstance(value, str) and not _is_text(value):
        wrong = "must be text in UTF-8"
    if wrong is None and key.validate is not None:
        wrong = key.validate(value)
    if wrong:
        raise CmpBundleError("setting-value", f"{prefix}{key.dotted} {wrong}", file=file, line=line)


def _no_path(text: str) -> str | None:
    if not text:
        return "must not be empty"
    if "\0" in text:
        return "holds a character that no path can have"
    try:
        Path(text).expanduser()
    except RuntimeError:
        return f"begins with {text.partition('/')[0]}, but that user does not exist"
    return None


def _is_text(value: str) -> bool:
    """False for bytes of the environment or the command line that are no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _settled(key: Key, value: Any, base: Path) -> Any:
    """Paths become absolute, seen from ``base``; lists become tuples; hosts to be asked, ASCII."""
    if key.kind is Path:
        # Here its links are followed, so here it is seen who has set them.
        return owned.resolved(base / Path(value).expanduser())
    if key.kind is tuple:
        return tuple(value)
    if key.kind is Skip:
        made = all(isinstance(one, Skip) for one in value)
        return tuple(value) if made else skips(value)
    return url_in_ascii(value) if key.dotted in _ASKED else value


def _assemble(values: Mapping[str, Any]) -> Settings:
    parts = {}
    for section, (_, keys) in sections().items():
        cls = type(getattr(Settings(), section))
        parts[section] = cls(**{key.name: values[key.dotted] for key in keys})
    return Settings(**parts)
