"""What a bundle says of itself, and the bundle read back from its folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.archive import read_archive_file
from cmp_bundle.settings.model import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: The name of the file in the bundle's folder; its format, raised when readers must change.
NAME = "manifest.json"
FORMAT = 1

ENTRY = "index.html"

#: The folder of the sealed profiles under a site; client/overlay/profile.ts looks there.
PROFILES = "p"


@dataclass(frozen=True)
class File:
    """A published file: its path under the site, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Origin:
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
    phone: Origin
    licences: tuple[str, ...]
    profiles: Profiles
    files: tuple[File, ...]
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


def listed(files: Mapping[str, bytes]) -> tuple[File, ...]:
    return tuple(
        File(path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
    )


def bundle_id(files: tuple[File, ...]) -> str:
    """What identifies a bundle's content: 12 hexadecimal digits."""
    text = "".join(f"{f.sha256}  {f.path}\n" for f in files)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def from_json(data: bytes, name: Path | str) -> Manifest:
    """Raises CmpBundleError if ``data`` is not a manifest of this format."""
    try:
        document: dict[str, Any] = json.loads(data)
        if document.pop("format") != FORMAT:
            raise CmpBundleError(
                "was written by another version of cmp-bundle", file=name, hint="build it again"
            )
        read = Manifest(
            **document
            | {
                "visit": Visit(**document["visit"]),
                "phone": Origin(**document["phone"]),
                "licences": tuple(document["licences"]),
                "profiles": Profiles(**document["profiles"]),
                "files": tuple(File(**f) for f in document["files"]),
            }
        )
        _check(read)
        return read
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CmpBundleError(
            f"is not a manifest of cmp-bundle: {error}", file=name, hint="build it again"
        ) from error


def _check(manifest: Manifest) -> None:
    """Raises ValueError where it would lead a deploy out of its own places.

    A bundle may come from another machine, and a deploy is often root's.
    """
    for key, value in {"site.name": manifest.site, "site.redirect": manifest.redirect}.items():
        must = KEYS[key].must
        problem = must(value) if must else None
        if problem:
            raise ValueError(f"its {key} {problem}")
    for path in (manifest.entry, *(file.path for file in manifest.files)):
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"{path!r} leads out of the bundle")


def read(path: Path) -> Bundle:
    """The bundle in a folder, or in an archive of one, every byte checked.

    Raises CmpBundleError.
    """
    content, names = _archive(path) if path.is_file() else _folder(path)
    manifest = from_json(content(NAME), path / NAME)
    files = {}
    for file in manifest.files:
        data = content(file.path)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise _altered(path / file.path)
        files[file.path] = data
    profiles = {name.removeprefix(f"{PROFILES}/"): content(name) for name in names()}
    if Profiles.of(profiles) != manifest.profiles:
        raise _altered(path / PROFILES)
    return Bundle(files, manifest, profiles)


#: How to read one file of a bundle, and the names of all its profiles.
_Reading = tuple["Callable[[str], bytes]", "Callable[[], list[str]]"]


def _folder(path: Path) -> _Reading:
    def content(name: str) -> bytes:
        try:
            return (path / name).read_bytes()
        except OSError:
            raise _absent(path, name) from None

    return content, lambda: [f"{PROFILES}/{p.name}" for p in (path / PROFILES).glob("*")]


def _archive(path: Path) -> _Reading:
    files = read_archive_file(path, str(path))

    def content(name: str) -> bytes:
        if name not in files:
            raise _absent(path, name)
        return files[name].data

    return content, lambda: [name for name in files if name.startswith(f"{PROFILES}/")]


def _absent(path: Path, name: str) -> CmpBundleError:
    if name == NAME:
        return CmpBundleError(
            "there is no bundle here", file=path, hint="make one: cmp-bundle build"
        )
    return CmpBundleError("is missing from the bundle", file=path / name, hint="build it again")


def _altered(path: Path) -> CmpBundleError:
    return CmpBundleError(
        "is not what was built: its SHA-256 differs from the manifest's",
        file=path,
        hint="build it again",
    )
