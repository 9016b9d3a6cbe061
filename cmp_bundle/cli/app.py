"""The group of commands, each imported when it is asked for, and how a run ends."""

from __future__ import annotations

import importlib

import click

from cmp_bundle import __version__
from cmp_bundle.cli import output, usage
from cmp_bundle.errors import CmpBundleError

#: Every command and its one-line description, in the order in which people need them; the
#: module of the same name (with _ for -) holds it.
COMMANDS = {
    "init": "Detect this machine's Asterisk and write cmp-bundle.toml.",
    "config": "Show the settings in effect, and where each comes from.",
    "fetch": "Fetch the phone and check it against its pin.",
    "accounts": "Manage accounts: each account is one user's phone.",
    "build": "Make the bundle: the phone with its settings, packed.",
    "fixes": "List what is fixed in upstream's phone, and why.",
    "certs": "Create certificates, and make browsers trust them.",
    "serve": "Try the phone on this machine, and reload it with every edit.",
    "provision": "Make Asterisk ready for browser phones.",
    "deploy": "Put the bundle on Asterisk's web server.",
    "link": "Show the link that opens a user's phone, ready to use.",
    "links": "Show the links of all users.",
    "key": "Back up, restore or replace the key of all links.",
    "releases": "List the releases on the server.",
    "rollback": "Go back to the previous release, or to another one.",
    "undeploy": "Take the phone off the server again.",
    "doctor": "Find out what stands between a browser and Asterisk.",
}

#: How a run ends: done, the user's to fix, called wrongly, a bug, stopped with Ctrl-C.
DONE, MISTAKE, USAGE, BUG, STOPPED = 0, 1, 2, 3, 130


class Commands(usage.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cmp_bundle.cli.{cmd_name.replace('-', '_')}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The descriptions above, so that listing the commands imports none of them.
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: cmp-bundle init, which looks at the server and names the next step.",
)
@click.version_option(__version__, message="cmp-bundle %(version)s")
def group() -> None:
    """Puts a browser phone on Asterisk's own web server."""


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    output.prepare()
    try:
        result = group.main(arguments, prog_name="cmp-bundle", standalone_mode=False)
    except CmpBundleError as error:
        output.error(error, as_json="--json" in arguments)
        return STOPPED if error.code == "interrupted" else MISTAKE
    except click.UsageError as error:
        output.error(usage.problem(error), as_json="--json" in arguments)
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        output.stopped()
        return STOPPED
    except Exception as error:  # noqa: BLE001 - the one place where a bug is met
        output.bug(error, as_json="--json" in arguments)
        return BUG
    return result if isinstance(result, int) else DONE
