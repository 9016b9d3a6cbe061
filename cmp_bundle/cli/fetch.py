from __future__ import annotations

from cmp_bundle.cli import source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import kilobytes


@make(source.OFFLINE, source.REFRESH, flags=source.FLAGS)
def command(run: Run, *, offline: bool, refresh: bool) -> Result:
    """Fetch the phone and check it against its pin.

    The source is upstream (Cyber Mega Phone 2K at the commit that cmp-bundle is tested with),
    builtin (the phone that comes with cmp-bundle), a folder, an archive (.tar.gz, .zip, by path
    or https), or a git repository (by path or URL). A later build finds it in the cache.
    """
    phone = source.phone(run, offline=offline, refresh=refresh)
    size = sum(len(file.data) for file in phone.files.values())
    revision = f" at {phone.revision[:12]}" if phone.revision else ""
    pinned = run.settings.phone.pin == phone.tree
    lines = [
        f"{phone.source}{revision}: {len(phone.files)} files, {kilobytes(size)}",
        f"git tree {phone.tree}",
    ]
    if not pinned and phone.source not in ("upstream", "builtin"):
        lines.append(f'to insist on this very content: pin = "{phone.tree}" under [phone]')
    data = {
        "source": phone.source,
        "revision": phone.revision,
        "tree": phone.tree,
        "files": {path: len(file.data) for path, file in phone.files.items()},
    }
    return Result("\n".join(lines), data)
