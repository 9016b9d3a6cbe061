"""``make demo``: the built-in phone with a practice PBX, on this machine, in one line.

Its folder is kept, so that a browser which was told to believe its certificates goes on so.
"""

from __future__ import annotations

import argparse
import os
import sys

from platformdirs import user_cache_path

from cmp_bundle.cli.app import DONE, STOPPED, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--port", default="8443", help="0 takes any that is free")
    port = parser.parse_args().port
    folder = user_cache_path("cmp-bundle-demo", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    # Nobody's settings: it shows what there is without any.
    for name in [n for n in os.environ if n.startswith("CMP_BUNDLE_")]:
        del os.environ[name]
    code = run(["serve", "--practice", "--source", "builtin", "--port", port])
    return DONE if code == STOPPED else code


if __name__ == "__main__":
    sys.exit(main())
