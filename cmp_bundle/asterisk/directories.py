"""Where asterisk.conf says that things are.

After ``load_asterisk_conf`` of main/options.c: the first
[directories] that is no template counts, and in it the last line of a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import Configuration, Variable, folded, same_name
from cmp_bundle.asterisk.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.asterisk.conf_files import Files


@dataclass(frozen=True)
class Directories:
    """What [directories] says, by names in small letters like ``astdatadir``.

    ``ignored`` is what it says as a template, ``[directories](!)``, which Asterisk does not look
    at: it takes what was compiled in. Debian and Ubuntu ship such a template, and what stands in
    it is what they compiled in. ``run_user`` is ``runuser`` of [options]. ``configuration`` is
    the whole of asterisk.conf.
    """

    effective: Mapping[str, Variable]
    ignored: Mapping[str, Variable]
    run_user: Variable | None
    configuration: Configuration


def read_directories(files: Files, name: str = "asterisk.conf") -> Directories:
    """Of the asterisk.conf among ``files``, where empty if there is none.

    Its includes start from the folder compiled into Asterisk, whatever ``astetcdir`` says.
    """
    found = read(name, files)
    ignored = (
        variable
        for category in found.categories
        if category.template and same_name(category.name, "directories")
        for variable in category.variables
    )
    return Directories(
        effective=_by_name(found.browse("directories")),
        ignored=_by_name(ignored),
        run_user=found.last("options", "runuser"),
        configuration=found,
    )


def _by_name(variables: Iterable[Variable]) -> dict[str, Variable]:
    return {folded(variable.name): variable for variable in variables}
