"""What a bundle says of itself, and the bundle read back from its folder."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from cmp_bundle.accounts import sip_id
from cmp_bundle.bundle import shape
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import owned
from cmp_bundle.files.rights import unreadable
from cmp_bundle.phone.archive import MAX_ARCHIVE, read_archive
from cmp_bundle.phone.intake import MAX_FILE, Intake, printable
from cmp_bundle.settings.model import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: The name of the file in the bundle's folder; its format, raised when readers must change.
NAME = "manifest.json"
FORMAT = 1

#: Bytes. The longest list of the longest paths is shorter.
LARGEST = 1 << 24

#: What a build makes: the page, and below a folder all that it loads.
ENTRY = "index.html"
ASSETS = "assets/"

#: The folder of the sealed profiles under a site; client/overlay/profile.ts looks there.
PROFILES = "p"
_PROFILE = re.compile(r"[0-9a-f]{32}\.bin")
_LARGEST_PROFILE = 1 << 16

_AGAIN = "build the bundle again"


@dataclass(frozen=True)
class PublishedFile:
    """A published file: its path under the site, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class PhoneOrigin:
    """The phone that a bundle was made from. ``tree`` is its git tree id."""

    source: str
    revision: str | None
    tree: str


@dataclass(frozen=True)
class Visit:
    """What somebody who opens the page downloads: everything that it loads by itself."""

    requests: int
    bytes: int


@dataclass(frozen=True)
class Profiles:
    """The sealed profiles of a bundle: how many, and one digest over all of them."""

    count: int
    sha256: str

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Profiles:
        total = hashlib.sha256()
        for name, data in sorted(files.items()):
            total.update(name.encode() + hashlib.sha256(data).digest())
        return cls(len(files), total.hexdigest())


@dataclass(frozen=True)
class Manifest:
    """``manifest.json``. ``site`` and ``redirect`` are where the bundle was made to appear.

    ``id`` is made of ``files`` alone: profiles come, change and go without a new release.
    ``plain`` is the account whose profile everybody can read in the page, if there is one.
    """

    id: str
    made_by: str
    site: str
    redirect: str
    entry: str
    visit: Visit
    phone: PhoneOrigin
    licences: tuple[str, ...]
    profiles: Profiles
    files: tuple[PublishedFile, ...]
    plain: str = ""

    def to_json(self) -> bytes:
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n").encode()


@dataclass(frozen=True)
class Bundle:
    """A phone ready for a web server: ``files`` by their path under the site, and its manifest.

    ``profiles`` are the sealed ones, by the names that their links lead to.
    """

    files: Mapping[str, bytes]
    manifest: Manifest
    profiles: Mapping[str, bytes] = field(default_factory=dict)


def published(bundle: Bundle) -> dict[str, bytes]:
    """All that a deploy would put where somebody may read it, by path, the manifest included."""
    profiles = {f"{PROFILES}/{name}": data for name, data in bundle.profiles.items()}
    return {**bundle.files, **profiles, NAME: bundle.manifest.to_json()}


def listed(files: Mapping[str, bytes]) -> tuple[PublishedFile, ...]:
    return tuple(
        PublishedFile(path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
    )


def bundle_id(files: tuple[PublishedFile, ...]) -> str:
    """What identifies a bundle's content: 12 hexadecimal digits."""
    text = "".join(f"{f.sha256}  {f.path}\n" for f in files)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def from_json(data: bytes, name: Path | str) -> Manifest:
    """Raises CmpBundleError if ``data`` is not a manifest of this format, true in every part.

    A bundle may come from another machine, and a deploy, which is often root's, takes names from it.
    """
    try:
        document = json.loads(data)
        if shape.shaped(int, document.pop("format"), "format") != FORMAT:
            raise CmpBundleError(
                "other-version",
                "was written by another version of cmp-bundle",
                file=name,
                hint=_AGAIN,
            )
        read: Manifest = shape.shaped(Manifest, document)
        check(read)
        return read
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CmpBundleError(
            "bundle-damaged",
            f"is not a manifest of cmp-bundle: {error}",
            file=name,
            hint=_AGAIN,
        ) from error


def check(manifest: Manifest) -> None:
    """Raises ValueError where a deploy could not rely on it."""
    for key, value in {"site.name": manifest.site, "site.redirect": manifest.redirect}.items():
        validate = KEYS[key].validate
        problem = validate(value) if validate else None
        if problem:
            raise ValueError(f"its {key} {problem}")
    _check_files(manifest)
    if manifest.id != bundle_id(manifest.files):
        raise ValueError("its id does not match its files")
    digests = [manifest.profiles.sha256, *(f.sha256 for f in manifest.files)]
    if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        raise ValueError("one of its SHA-256 values is not 64 hexadecimal digits")
    if not re.fullmatch("[0-9a-f]{40}", manifest.phone.tree):
        raise ValueError("its phone.tree is not a git tree id")
    problem = sip_id.problem(manifest.plain) if manifest.plain else None
    if problem:
        raise ValueError(problem)


def _check_files(manifest: Manifest) -> None:
    """Every path is one that a build could have made, and a disk can hold all of them at once."""
    intake = Intake(NAME)
    for file in manifest.files:
        if file.path != ENTRY and not file.path.startswith(ASSETS):
            raise ValueError(f"{printable(file.path)} is neither {ENTRY} nor below {ASSETS}")
        try:
            intake.admit(file.path, file.size)
        except CmpBundleError as error:
            raise ValueError(error.message) from error
    paths = {file.path for file in manifest.files}
    if manifest.entry != ENTRY or ENTRY not in paths:
        raise ValueError(f"its entry must be {ENTRY}, and its files must include {ENTRY}")
    if not paths.issuperset(manifest.licences):
        raise ValueError("its files do not include all of its licences")


def read(path: Path) -> Bundle:
    """The bundle in a folder, or in an archive of one, every byte checked.

    Raises CmpBundleError.
    """
    try:
        content, names = _archive(path) if path.is_file() else _folder(path)
        manifest = from_json(content(NAME, LARGEST), path / NAME)
        files = {}
        for file in manifest.files:
            data = content(file.path, MAX_FILE)
            if hashlib.sha256(data).hexdigest() != file.sha256 or len(data) != file.size:
                raise _altered(path / file.path)
            files[file.path] = data
        found = names()
        if len(found) != manifest.profiles.count or not all(map(_PROFILE.fullmatch, found)):
            raise _altered(path / PROFILES)
        profiles = {name: content(f"{PROFILES}/{name}", _LARGEST_PROFILE) for name in sorted(found)}
    except OSError as error:
        raise unreadable(error.filename or path, error) from error
    if Profiles.of(profiles) != manifest.profiles:
        raise _altered(path / PROFILES)
    return Bundle(files, manifest, profiles)


#: How to read one file of a bundle, of at most so many bytes, and the names of all its profiles.
_Reading = tuple["Callable[[str, int], bytes]", "Callable[[], list[str]]"]


def _folder(path: Path) -> _Reading:
    def content(name: str, largest: int) -> bytes:
        try:
            return owned.content(path / name, largest)
        except (FileNotFoundError, NotADirectoryError):
            raise _absent(path, name) from None

    return content, lambda: [p.name for p in (path / PROFILES).glob("*")]


def _archive(path: Path) -> _Reading:
    files = read_archive(owned.content(path.resolve(), MAX_ARCHIVE), str(path))

    def content(name: str, largest: int) -> bytes:
        if name not in files:
            raise _absent(path, name)
        data = files[name].data
        if len(data) > largest:
            raise _altered(path / name)
        return data

    beginning = f"{PROFILES}/"
    return content, lambda: [
        name.removeprefix(beginning) for name in files if name.startswith(beginning)
    ]


def _absent(path: Path, name: str) -> CmpBundleError:
    if name == NAME:
        return CmpBundleError(
            "no-bundle", "holds no bundle", file=path, hint="build one: cmp-bundle build"
        )
    return CmpBundleError(
        "bundle-damaged", "is missing from the bundle", file=path / name, hint=_AGAIN
    )


def _altered(path: Path) -> CmpBundleError:
    return CmpBundleError(
        "bundle-damaged",
        "was changed after the build: it does not match the manifest",
        file=path,
        hint=_AGAIN,
    )
