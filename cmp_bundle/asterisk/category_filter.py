"""The filter in ``[name](+filter)``, which picks one of several categories of a name.

After ``does_category_match`` of main/config.c: conditions ``name=value`` joined by ``&``, each
two extended regular expressions that must both be found in one variable, or
``TEMPLATES=include`` (templates too) or ``TEMPLATES=restrict`` (templates only).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.lines import BLANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.asterisk.configuration import Variable

#: The regular expressions that mean the same to regcomp(3) and to Python. The header that a
#: filter stands in cannot hold a comma or a closing parenthesis, so there are no groups.
_PLAIN = r"[^\\^$.\[\](){}*+?|'\"]"
_SET = r"\[\^?(?:[A-Za-z0-9_]-[A-Za-z0-9_]|[A-Za-z0-9_ .:/@])+\]"
_ATOM = rf"(?:{_PLAIN}|\.|{_SET})[*+?]?"
_BRANCH = rf"\^?(?:{_ATOM})+\$?"
_SHARED = re.compile(rf"{_BRANCH}(?:\|{_BRANCH})*")


class FilterError(Exception):
    """A filter whose meaning is left to the C library, or is not the same in 16 and in 22."""


@dataclass(frozen=True)
class CategoryFilter:
    """One filter, ready to be asked."""

    conditions: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = ()
    templates: bool = False
    templates_only: bool = False
    never: bool = False

    def accepts(self, template: bool, variables: Sequence[Variable]) -> bool:
        """Whether a category, or a template, that holds these variables is picked."""
        if self.never or (template and not self.templates) or (self.templates_only > template):
            return False
        return all(
            any(name.search(v.name) and value.search(v.value) for v in variables)
            for name, value in self.conditions
        )


def parse(text: str) -> CategoryFilter:
    """The filter of ``[name](+text)``. Raises FilterError."""
    if not text:
        return CategoryFilter()
    if any(sign in text for sign in "\\'\""):
        raise FilterError
    conditions = []
    templates = templates_only = never = False
    for condition in text.split("&"):
        name, equals, rest = condition.partition("=")
        name = name.strip(BLANKS)
        value = rest.partition("=")[0].strip(BLANKS)
        if not condition or (equals and not rest):
            # Where nothing is left to split, ast_strsep gave NULL up to Asterisk 16, and has
            # given an empty string since: once this never matched, now it may.
            raise FilterError
        if not equals:
            never = True
        elif name == "TEMPLATES":
            restrict = folded(value) == "restrict"
            never = never or not (restrict or folded(value) == "include")
            templates = True
            templates_only = templates_only or restrict
        else:
            conditions.append((_compiled(name), _compiled(value)))
    return CategoryFilter(tuple(conditions), templates, templates_only, never)


def _compiled(expression: str) -> re.Pattern[str]:
    if expression and not _SHARED.fullmatch(expression):
        raise FilterError
    return re.compile(expression, re.DOTALL)
