"""Options and settings that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

#: The settings that say which phone it is, as flags.
PHONE = ("phone.source", "phone.revision", "phone.pin")

#: The settings that say which Asterisk it is, as flags.
SERVER = ("asterisk.root", "asterisk.etc_dir", "asterisk.data_dir", "asterisk.url")

PATH = click.Path(path_type=Path)

OFFLINE = click.option("--offline", is_flag=True, help="Use the cache; fetch nothing.")
DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing."
)
CERTIFICATE = (
    click.option("--cert", type=PATH, help="A certificate with its chain (PEM)."),
    click.option("--key", type=PATH, help="Its private key (PEM)."),
    click.option(
        "--certbot",
        metavar="NAME",
        help="The certificate that certbot calls so, or the folder that certbot has it in.",
    ),
)
FOLDER = click.option(
    "--folder",
    type=PATH,
    help="The folder of the certificates; by default certs, beside the settings.",
)
