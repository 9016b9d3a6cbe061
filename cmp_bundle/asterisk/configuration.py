"""A configuration as Asterisk holds it after reading: categories, their variables, and findings."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cmp_bundle.places import Place

if TYPE_CHECKING:
    from cmp_bundle.findings import Finding

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@lru_cache(1024)
def folded(name: str) -> str:
    """A name to compare by: Asterisk ignores the case of ASCII letters, and of no others.

    The names of options are few, and asked for millions of times where there are ten thousand phones.
    """
    return name.lower() if name.isascii() else name.translate(_SMALL)


def same_name(one: str, other: str) -> bool:
    """Whether Asterisk takes two names for one."""
    return folded(one) == folded(other)


@dataclass(frozen=True, slots=True)
class Variable:
    """``name = value``, where it was written, and whether it came out of a template."""

    name: str
    value: str
    file: str
    line: int
    inherited: bool

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


@dataclass(frozen=True)
class Category:
    """``[name]`` with all that was put into it, templates first unless added later.

    ``file`` and ``line`` tell where it was opened; ``[name](+)`` elsewhere may have added to it.
    """

    name: str
    template: bool
    templates: tuple[str, ...]
    variables: tuple[Variable, ...]
    file: str
    line: int

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


#: What a finding means for the rest: Asterisk writes it to its log, at most, and reads on;
IGNORED = "conf-ignored"
#: the rest of an included file is left out, and the file that included it is read on;
CUT = "conf-cut"
#: Asterisk loads nothing of the whole configuration;
REFUSED = "conf-refused"
#: what Asterisk makes of this line cannot be told from files.
UNKNOWN = "conf-unknown"


@dataclass(frozen=True)
class Include:
    """An ``#include`` or ``#tryinclude`` line that Asterisk obeyed, and the files it led to.

    ``argument`` is as written, without its quotes; ``files`` are paths as Asterisk sees them.
    """

    argument: str
    optional: bool
    files: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True)
class Configuration:
    """What ``ast_config_load`` gives for one file name.

    ``missing``: this file does not exist, or is closed. ``refused``: Asterisk reports "invalid format", or would
    never come to an end; it then has nothing, and so ``categories`` is empty. The same where we
    gave up, because there was too much; then there is something in ``unknowns``. ``files`` are all
    files that were read, in order, ``closed`` those that are there and may not be read: by this user,
    or where root reads, by Asterisk's. ``open_comment`` is where a block comment begins that was not
    closed when the last of the named file was read (or the ``--;`` that closed one too many):
    whatever is written at the end of that file will not be read either.
    """

    name: str
    categories: tuple[Category, ...]
    problems: tuple[Finding, ...]
    includes: tuple[Include, ...]
    files: tuple[str, ...]
    closed: tuple[str, ...] = ()
    missing: bool = False
    refused: bool = False
    open_comment: Place | None = None

    @property
    def unknowns(self) -> tuple[Finding, ...]:
        """The lines because of which Asterisk may hold something else than this."""
        return tuple(p for p in self.problems if p.code == UNKNOWN)

    def category(self, name: str) -> Category | None:
        """The first category of that name that is no template: what ``ast_category_get`` gives.

        Most of Asterisk's modules look at no other, however often the name comes again.
        """
        for category in self.categories:
            if not category.template and same_name(category.name, name):
                return category
        return None

    def named(self, name: str) -> tuple[Category, ...]:
        """Every category of that name that is no template, for those that look at all of them."""
        return tuple(c for c in self.categories if not c.template and same_name(c.name, name))

    def browse(self, name: str) -> tuple[Variable, ...]:
        """The variables of ``category(name)``, in order; none where there is no such category."""
        found = self.category(name)
        return () if found is None else found.variables

    def last(self, category: str, variable: str) -> Variable | None:
        """The variable that is left for a module that goes through a category and sets as it goes.

        That is what nearly all do. ``ast_variable_retrieve`` is the exception: before Asterisk 23
        it took the first.
        """
        found = None
        for candidate in self.browse(category):
            if same_name(candidate.name, variable):
                found = candidate
        return found
