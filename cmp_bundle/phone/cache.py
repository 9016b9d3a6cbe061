"""What was fetched before, by content; whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership, locked
from cmp_bundle.phone.folder import read_folder
from cmp_bundle.phone.tree import tree_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.phone.file import PhoneFile
    from cmp_bundle.phone.model import Phone

#: Names a folder to use in place of the user's cache folder.
VARIABLE = "CMP_BUNDLE_CACHE"

#: Seconds to wait for another run that is storing; one takes well below a second.
_PATIENCE = 60.0


class CacheDamagedError(CmpBundleError):
    """A phone in the cache that is not what it was when it was stored."""


@dataclass(frozen=True)
class Remembered:
    """What a source held when it was last fetched; ``fetched`` is a time in ISO 8601, UTC."""

    tree: str
    revision: str | None
    fetched: str


class Cache:
    """Fetched phones below ``root``.

    ``phones/<tree id>/`` holds a phone's files, ``phones/<tree id>.json`` says where they came
    from; ``sources/<hash>.json`` says which tree a source had that is not pinned. The folder
    can be thrown away at any time.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk = disk or Disk()

    @classmethod
    def of_user(cls) -> Cache:
        """The one in ``CMP_BUNDLE_CACHE``, else in the user's cache folder.

        Raises CmpBundleError where there is no such user, or one without a home.
        """
        named = os.environ.get(VARIABLE)
        try:
            return cls(
                Path(named).expanduser().absolute()
                if named
                else platformdirs.user_cache_path("cmp-bundle", appauthor=False)
            )
        except RuntimeError as error:
            raise CmpBundleError(
                "cache-unusable",
                "there is no cache, because the user has no home folder",
                hint=f"name a folder that you may write to: {VARIABLE}=/path cmp-bundle …",
            ) from error

    @property
    def root(self) -> Path:
        return self._root

    def load(self, tree: str) -> dict[str, PhoneFile] | None:
        """The files whose tree id is ``tree``, None if there are none here.

        Computes the id from the files once more. Raises CacheDamagedError when it is another one.
        """
        entry = self._entry(tree)
        if not entry.is_dir():
            return None
        try:
            files = read_folder(entry, str(entry))
            found = tree_id(files)
        except CmpBundleError as error:
            raise self._damaged(entry) from error
        if found != tree:
            raise self._damaged(entry)
        return files

    def store(self, phone: Phone) -> None:
        """Keep a phone; one that is here already stays, unless it is damaged."""
        entry = self._entry(phone.tree)
        self._make_folder(entry.parent)
        with locked(self._root, _PATIENCE):
            if self._holds(phone.tree):
                return
            # Also what a killed run left of its own copy.
            self._disk.remove_tree(entry)
            partial = Disk.partial(entry)
            try:
                self._copy(phone.files, partial)
                self._check(partial, phone.tree)
            except CmpBundleError:
                # A full disk is not to stay full of it.
                self._disk.remove_tree(entry)
                raise
            origin = {"source": phone.source, "revision": phone.revision, "fetched": _now()}
            self._write_record(self._root / "phones" / f"{phone.tree}.json", origin)
            self._disk.rename(partial, entry)

    def remember(self, source: str, phone: Phone) -> None:
        """Note that ``source``, a text that names it alone, held this phone just now."""
        record = {
            "source": phone.source,
            "tree": phone.tree,
            "revision": phone.revision,
            "fetched": _now(),
        }
        path = self._source(source)
        self._make_folder(path.parent)
        with locked(self._root, _PATIENCE):
            self._write_record(path, record)

    def recall(self, source: str) -> Remembered | None:
        """What ``source`` held when it was last fetched; None if nobody knows any more."""
        try:
            found = json.loads(self._source(source).read_bytes())
            tree, revision, fetched = found["tree"], found["revision"], found["fetched"]
        except (OSError, ValueError, KeyError, TypeError):
            # A record that cannot be read is as good as none: the source is asked again.
            return None
        sound = re.fullmatch("[0-9a-f]{40}", str(tree)) and isinstance(fetched, str)
        if not sound or not isinstance(revision, str | None):
            return None
        return Remembered(tree, revision, fetched)

    def _entry(self, tree: str) -> Path:
        return self._root / "phones" / tree

    def _source(self, source: str) -> Path:
        return self._root / "sources" / f"{hashlib.sha256(source.encode()).hexdigest()}.json"

    def _holds(self, tree: str) -> bool:
        try:
            return self.load(tree) is not None
        except CacheDamagedError:
            return False

    def _damaged(self, entry: Path) -> CacheDamagedError:
        return CacheDamagedError(
            "cache-damaged",
            "the cached phone is damaged",
            file=entry,
            hint="run it without --offline to fetch the phone again",
        )

    def _copy(self, files: Mapping[str, PhoneFile], to: Path) -> None:
        folders: set[Path] = set()
        for path, file in files.items():
            target = to / path
            for folder in reversed([p for p in target.parents if p.is_relative_to(to)]):
                if folder not in folders:
                    self._disk.make_folder(folder)
                    folders.add(folder)
            mode = 0o755 if file.executable else 0o644
            self._disk.write(target, file.data, FileOwnership(-1, -1, mode))

    def _check(self, partial: Path, tree: str) -> None:
        if tree_id(read_folder(partial, str(partial))) != tree:
            raise CmpBundleError(
                "cache-unusable",
                "this disk does not keep the names and modes of files",
                file=partial,
                hint=f"name a folder on another disk: {VARIABLE}=/path cmp-bundle …",
            )

    def _write_record(self, path: Path, record: dict[str, str | None]) -> None:
        text = json.dumps({"format": 1, **record}, indent=2, sort_keys=True) + "\n"
        self._disk.write(path, text.encode())

    def _make_folder(self, folder: Path) -> None:
        """Make ``folder`` and whatever is missing above it."""
        try:
            missing = [p for p in (folder, *folder.parents) if not p.is_dir()]
            for path in reversed(missing):
                self._disk.make_folder(path)
        except (CmpBundleError, OSError) as error:
            raise CmpBundleError(
                "cache-unusable",
                "the cache folder cannot be created",
                file=folder,
                hint=f"name a folder that you may write to: {VARIABLE}=/path cmp-bundle …",
            ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
