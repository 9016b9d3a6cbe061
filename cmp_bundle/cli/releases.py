from __future__ import annotations

import time

from cmp_bundle.cli import server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import kilobytes
from cmp_bundle.deploy.layout import made_at
from cmp_bundle.deploy.survey import survey


@make(flags=server.FLAGS)
def command(run: Run) -> Result:
    """List what is deployed and what can be rolled back to."""
    where = server.installation(run)
    found = survey(where, run.settings.site.name)
    rows, data = [], []
    for release in found.releases:
        current = release == found.current
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(made_at(release)))
        damaged = found.damaged.get(release)
        if damaged is None:
            about = found.manifest(release)
            phone: str | None = about.phone.source
            text = f"{phone}, {kilobytes(about.visit.bytes)} a visit"
        else:
            phone, text = None, f"damaged: {damaged}"
        rows.append(f"{'*' if current else ' '} {release}  {when}  {text}")
        data.append(
            {"release": release, "current": current, "phone": phone, "damaged": damaged is not None}
        )
    if not rows:
        rows.append("nothing of cmp-bundle is deployed here")
    return Result("\n".join(rows), {"site": found.site.name, "releases": data})
