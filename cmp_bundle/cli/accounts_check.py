from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts.source_name import PJSIP, WIZARD
from cmp_bundle.asterisk import reader
from cmp_bundle.bundle.build import known
from cmp_bundle.bundle.client import client
from cmp_bundle.checks.accounts import against_asterisk, passwords
from cmp_bundle.cli import people, source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result, line
from cmp_bundle.cli.sizes import count
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.open_source import Opener
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.findings import Finding

#: What is told of all accounts at once.
_NOT_COMPARED = "not-compared"


@make(people.ALLOW_LOOSE, flags=people.FLAGS, name="check")
def check(run: Run, *, allow_loose: bool) -> Result:
    """Compare the accounts with what Asterisk has, and tell what will not work.

    Looks at Asterisk's own files and at the sources of the accounts: does the endpoint exist, is
    it for browsers (webrtc=yes), is the password the same, can it be rung? Ends with 1 if there
    is a problem; notes are for information.
    """
    book = people.read(run, allow_loose=allow_loose)
    if not book.accounts:
        return Result(f"there are no accounts in {book.path}", {"findings": []})
    open_source = people.opener(run, book)
    found = [*_compared(book.accounts, open_source), *passwords(book.accounts, _public(run))]
    lines = [line(f) for f in found if f.code != _NOT_COMPARED]
    alone = sum(f.code == _NOT_COMPARED for f in found)
    if alone:
        whose = count(alone, "account")
        lines.append(f"note {_NOT_COMPARED}: no Asterisk was found here to compare {whose} with")
    if not found:
        lines.append(f"{count(len(book.accounts), 'account')}, all as Asterisk has them")
    failed = any(f.level is Level.ERROR for f in found)
    return Result("\n".join(lines), {"findings": [f.to_json() for f in found]}, failed=failed)


def _compared(accounts: tuple[Account, ...], open_source: Opener) -> Iterator[Finding]:
    """Each account beside its endpoint."""

    def held(name: str) -> Endpoints | CmpBundleError:
        try:
            return open_source(name).found()
        except CmpBundleError as error:
            return error

    sources = {name: held(name) for name in dict.fromkeys(a.source for a in accounts if a.source)}
    files = None
    complete = False
    if open_source.asterisk is not None:
        both = [sources.get(name) or held(name) for name in (PJSIP, WIZARD)]
        files = [each for each in both if not isinstance(each, CmpBundleError)]
        complete = not _in_database(open_source.asterisk)
    yield from against_asterisk(accounts, sources, files, complete=complete)


def _in_database(files: ConfFolder) -> bool:
    """Whether Asterisk takes endpoints from a database as well (sorcery.conf)."""
    mapping = reader.read("sorcery.conf", files).browse("res_pjsip")
    return any(v.name == "endpoint" and v.value.startswith("realtime") for v in mapping)


def _public(run: Run) -> list[bytes]:
    """The code that everybody can fetch, if the phone is in the cache."""
    try:
        return known(source.phone(run, offline=True), client())
    except CmpBundleError:
        return []
