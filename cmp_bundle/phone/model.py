"""A phone: the files of one browser phone, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.tree import tree_id
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.phone.file import PhoneFile

#: The page that makes a folder of files a phone.
PAGE = "index.html"


@dataclass(frozen=True)
class Phone:
    """The files of a phone, unchanged, and where they came from.

    ``files`` maps relative POSIX paths to files, sorted by path, and cannot be changed. ``tree``
    is their git tree id (40 hexadecimal digits), ``source`` what a user would write to name the
    same origin, ``revision`` the commit that the files belong to, None where nobody knows one.
    Raises CmpBundleError when there is no ``index.html`` at the top.
    """

    files: Mapping[str, PhoneFile]
    tree: str
    source: str
    revision: str | None = None

    def __post_init__(self) -> None:
        if PAGE not in self.files:
            raise CmpBundleError(
                "phone-unfit",
                f"has no {PAGE} in its top folder, so it is not a phone",
                file=self.source,
                hint=_where_the_page_may_be(self.files),
            )
        object.__setattr__(self, "files", MappingProxyType(dict(sorted(self.files.items()))))

    @classmethod
    def of(
        cls, files: Mapping[str, PhoneFile], *, source: str, revision: str | None = None
    ) -> Phone:
        """The phone made of these files, its tree id computed from them."""
        return cls(files, tree_id(files), source, revision)


def _where_the_page_may_be(files: Mapping[str, PhoneFile]) -> str:
    deeper = sorted(path for path in files if path.endswith(f"/{PAGE}"))
    if deeper:
        return f"there is {deeper[0]}; name the folder that contains the phone"
    top = sorted({path.split("/", 1)[0] for path in files})
    return f"its top folder contains {some(top) or 'nothing'}; name the folder of the phone"
