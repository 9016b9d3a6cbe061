from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.accounts.rotate import holds, renewal
from cmp_bundle.accounts.source_name import PJSIP, WIZARD
from cmp_bundle.changes.step import Reload
from cmp_bundle.cli import people, republish, server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.open_source import Opener
    from cmp_bundle.accounts.source import AccountSource

#: What makes Asterisk read the passwords in its files again. Those in a database it always reads.
_RELOAD = "module reload res_pjsip.so"


@make(
    click.argument("users", nargs=-1, metavar="[USER]..."),
    click.option("--all", "everybody", is_flag=True, help="All accounts."),
    people.ALLOW_LOOSE,
    flags=people.FLAGS,
    name="rotate",
)
def rotate(run: Run, *, users: tuple[str, ...], everybody: bool, allow_loose: bool) -> Result:
    """Give accounts new passwords. Their links stay the same.

    A new password is made, put where the old one stands (the file of accounts, pjsip.conf, the
    database), and sealed into the account's profile. On the server of this machine it is live at
    once; elsewhere with the next deploy. Phones that are connected go on until they register
    again; opening the link again is all that their users have to do.
    """
    if bool(users) == everybody:
        raise CmpBundleError(
            "options-conflict", "whose password is it to be?", hint="name accounts, or say --all"
        )
    at = republish.here(run)
    work = server.engine(run, at)
    with work.alone():
        # What was cut off before may have changed what is read here.
        book = people.read(run, allow_loose=allow_loose)
        ids = [a.id for a in book.accounts] if everybody else list(dict.fromkeys(users))
        unknown = [u for u in ids if u not in {a.id for a in book.accounts}]
        refuse(
            [finding("no-account", f"there is no account {u!r} in {book.path}") for u in unknown],
            "nothing was changed",
        )
        open_source = people.opener(run, book)
        beside = _beside(open_source)
        own = [a for a in book.accounts if a.id in ids and not a.source]
        alone = [a.id for a in own if not any(holds(a, found) for _, found in beside)]
        planned = renewal(book, ids, open_source, beside=[source for source, _ in beside])
        with work.transaction("accounts rotate") as changes:
            # A profile with a new password shall meet an Asterisk that knows it. All in one: a run
            # that is cut off before the reload is undone with one, since somebody may have
            # restarted Asterisk meanwhile.
            changes.do([*planned.steps, *([Reload(_RELOAD)] if planned.files else [])])
            everyone = people.everyone(run, allow_loose=allow_loose)
            done = republish.republish(run, everyone, at, changes)
    whose = ids[0] if len(ids) == 1 else f"{len(ids)} accounts"
    lines = [f"a new password for {whose}; the link stays the same", *done.lines]
    if alone:
        shown = ", ".join(alone[:5]) + (", …" if len(alone) > 5 else "")  # noqa: PLR2004 - a line
        run.reporter.warn(
            f"Asterisk's files did not hold the password that {shown} had here, so they do not"
            f" hold the new one: it stands in {book.path}; cmp-bundle accounts check"
            if open_source.asterisk
            else f"no Asterisk was found here to give {shown} the new password, and it has to get"
            f" it: it stands in {book.path}"
        )
    return Result("\n".join(lines), {"rotated": ids, "not_in_asterisk": alone, **done.data})


def _beside(open_source: Opener) -> list[tuple[AccountSource, Endpoints]]:
    """Asterisk's own files, as far as they are there and can be read."""
    found: list[tuple[AccountSource, Endpoints]] = []
    for name in (PJSIP, WIZARD) if open_source.asterisk else ():
        source = open_source(name)
        try:
            found.append((source, source.found()))
        except CmpBundleError:
            continue
    return found
