"""A small phone of the tests' own that keeps the page contract, written as upstream is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone

PAGE = """\
<!DOCTYPE html>
<!-- A phone for tests, Copyright (C) 2026 Nobody -->
<html lang="en">
<head>
<meta charset="utf-8">
<title>Phone &amp; test</title>
<link rel="stylesheet" href="css/phone.css">
<style>p { color: red; }</style>
<script src="lib/one.js"></script>
<script>
var order = ["inline"].concat(one());
</script>
<script type="text/template"><p>kept</p></script>
</head>
<body>
<input type="button" id="account" value="Account" onclick="show('account-modal')">
<input id="connect" type="button" value="Connect"><input id="call" type="button" value="Call">
<div id="account-modal"><form>
<input id="accountId"><input id="accountName"><input id="accountPassword">
<input id="accountHost"><input type="checkbox" id="accountRegister"><input id="extension">
</form></div>
<div id="calling"></div><div id="media-views"></div>
<script src="two.js" defer></script>
<script>function show(id) { document.getElementById(id).style.display = "block"; }</script>
</body>
</html>
"""

FILES = {
    "index.html": PAGE,
    "css/phone.css": "/*! phone.css, MIT License */\nbody { background: url(../img/sky.png); }\n",
    "img/sky.png": "not really a picture",
    "lib/one.js": "/* one.js\n * Copyright (C) 2026 Nobody */\nfunction one() { return ['one']; }\n",
    "two.js": "'use strict'\nundeclared = order.concat('two')",
    "LICENSE": "MIT License\n\nCopyright (c) 2026 Nobody\n",
    "README.md": "# A phone for tests\n",
    ".gitignore": "node_modules\n",
}


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def phone(changes: Mapping[str, str | None] | None = None) -> Phone:
    """The phone, some of its files changed; None takes one away."""
    files = {**FILES, **(changes or {})}
    return Phone.of(
        {p: PhoneFile(t.encode()) for p, t in files.items() if t is not None}, source="a test"
    )
