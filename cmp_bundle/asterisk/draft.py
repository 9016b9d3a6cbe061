"""A configuration while it is being read: categories that can still be added to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import Category, Variable, folded
from cmp_bundle.asterisk.lines import BLANKS, NeverEndsError, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cmp_bundle.asterisk.category_filter import CategoryFilter
    from cmp_bundle.asterisk.read_budget import ReadBudget
    from cmp_bundle.places import Place

#: Asterisk keeps the name of a category in 80 bytes, the last of which is a NUL.
_LONGEST_NAME = 79


@dataclass(eq=False)
class OpenCategory:
    """A category that is being filled. Two of one name are two: they compare by identity."""

    name: str
    place: Place
    template: bool = False
    templates: list[str] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    #: What inheriting from this category gives, while that is known.
    _heirlooms: list[Variable] | None = None

    @classmethod
    def opened(cls, name: str, place: Place) -> OpenCategory:
        return cls(cut(name, _LONGEST_NAME), place)

    def add(self, variables: Iterable[Variable]) -> None:
        self.variables.extend(variables)
        self._heirlooms = None

    def inherit(self, base: OpenCategory, work: ReadBudget, place: Place) -> None:
        """Take over the variables of ``base``. Raises NeverEndsError and OverBudgetError."""
        if base is self and self.variables:
            raise NeverEndsError("a category inherits from itself", place)
        work.charge(len(base.variables) + 1)
        self.templates.append(base.name)
        self.add(base.heirlooms())

    def heirlooms(self) -> list[Variable]:
        """The variables as a category has them that inherits from this one."""
        if self._heirlooms is None:
            self._heirlooms = [
                v if v.inherited else replace(v, inherited=True) for v in self.variables
            ]
        return self._heirlooms

    def append_to(self, name: str, more: str, work: ReadBudget) -> bool:
        """``name += more``: whether there was a variable to append to. Raises OverBudgetError.

        The value comes from the last variable of exactly this name, but the variable that is
        replaced is the first with that name and that value in any case; with an empty value, the
        first of that name whatever it holds (``ast_variable_update`` up to Asterisk 22; 23 takes
        the last instead).
        """
        work.charge((len(self.variables) >> 4) + 1)
        last = next((v for v in reversed(self.variables) if v.name == name), None)
        if last is None:
            return False
        value = cut((last.value + more).strip(BLANKS))
        work.charge(len(value) >> 8)
        for index, old in enumerate(self.variables):
            if folded(old.name) == folded(name) and (
                not last.value or folded(old.value) == folded(last.value)
            ):
                self.variables[index] = Variable(name, value, old.file, old.line, inherited=False)
                self._heirlooms = None
                break
        return True


class ConfigurationDraft:
    """The categories read so far, and the one that a file read next begins in."""

    def __init__(self, work: ReadBudget) -> None:
        self.current: OpenCategory | None = None
        self._work = work
        self._categories: list[OpenCategory] = []
        self._by_name: dict[str, list[OpenCategory]] = {}

    def append(self, category: OpenCategory) -> None:
        self._categories.append(category)
        self._by_name.setdefault(folded(category.name), []).append(category)
        self.current = category

    def find(self, name: str, accepts: Callable[[OpenCategory], bool]) -> OpenCategory | None:
        """The first category of that name that is accepted; an empty name is any name."""
        candidates = self._by_name.get(folded(name), []) if name else self._categories
        for candidate in candidates:
            self._work.charge(1)
            if accepts(candidate):
                return candidate
        return None

    def find_filtered(self, name: str, wanted: CategoryFilter) -> OpenCategory | None:
        """The first category of that name that passes a filter. Raises OverBudgetError."""

        def accepts(category: OpenCategory) -> bool:
            if wanted.conditions:
                self._work.charge(len(category.variables))
            return wanted.accepts(category.template, category.variables)

        return self.find(name, accepts)

    def finished(self) -> tuple[Category, ...]:
        """All categories in order."""
        return tuple(
            Category(
                name=category.name,
                template=category.template,
                templates=tuple(category.templates),
                variables=tuple(category.variables),
                file=category.place.file,
                line=category.place.line or 0,
            )
            for category in self._categories
        )
