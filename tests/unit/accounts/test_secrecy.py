"""No message ever holds a password, whatever is wrong around it."""

from __future__ import annotations

import json
import re
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmp_bundle.accounts import csv_file, import_plan, keyring, store, toml_file
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.csv_records import quoted
from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from cmp_bundle.accounts.edits import Edits, Parsed
from cmp_bundle.accounts.model import Account
from cmp_bundle.accounts.password_change import planned
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.checks import accounts as checks
from cmp_bundle.checks.endpoints import surprises
from cmp_bundle.errors import CmpBundleError
from tests.unit.accounts import drawn

pytestmark = pytest.mark.slow

#: Nothing that stands in a message of its own accord holds this. The rest of a password is what
#: makes files hard to read.
MARK = "XyzzyPlugh"
SECRETS = st.builds(
    lambda before, after: f"{before}{MARK}{after}",
    st.text(st.sampled_from(" \t\n\"'\\#;,[]{}=:@/é\x00\x7f"), max_size=4),
    st.text(st.sampled_from(" \t\n\"'\\#;,[]{}=:@/é\x00\x7f"), max_size=4),
)
#: What may be wrong beside it.
NOISE = st.lists(
    st.sampled_from(
        ["id = 'a b'", "port = 'x'", "[[account]]", "ice = [1]", "zzz = 1", "ha1 = 'x'", "[", "=",
         "realm = 'r'", "source = 'pjsip.conf'", "[defaults]", "id = 'a'", "id = 'A'", '"', "]]"]
    ),
    max_size=5,
)  # fmt: skip


def silent(act: Callable[..., object], *arguments: object) -> None:
    """Run something that may fail as a user may see it, and look at all that is then shown."""
    try:
        act(*arguments)
    except CmpBundleError as error:
        printed = "".join(traceback.format_exception(error))
        # A traceback shows lines of code, never values.
        assert MARK not in f"{error}{error.hint}{error.message}{printed}"


@example("[" + MARK + "]", [], "password")
@example(MARK + "=[]", [], "password")
@given(SECRETS, NOISE, st.sampled_from(["password", "ha1", "credential", "pasword", "realm"]))
def test_a_file_of_accounts(secret: str, noise: list[str], field: str) -> None:
    literal = json.dumps(secret, ensure_ascii=False).replace("\x7f", "\\u007f")
    value = f"[{{ url = 'turn:x', username = 'u', credential = {literal} }}]"
    secret_line = f"ice = {value}" if field == "credential" else f"{field} = {literal}"
    if field == "realm":
        secret_line = f"password = {literal}\nha1 = {literal}"
    text = "\n".join(("[[account]]", "id = 'x'", secret_line, *noise))
    silent(toml_file.parse, text.encode(), "accounts.toml")
    silent(toml_file.edited, text.encode(), Edits(change={"x": {"password": "p"}}), "a.toml")
    for raw in (f"{field} = {secret}", f'{field} = "{secret}', secret):
        broken = "\n".join(("[[account]]", "id = 'x'", raw, *noise))
        silent(toml_file.parse, broken.encode(), "accounts.toml")


@given(SECRETS, st.lists(st.sampled_from(["a b", "", "x", '"', "1", "stun:x", "a,b"]), max_size=5))
def test_a_spreadsheet(secret: str, cells: list[str]) -> None:
    # Behind an end of line that quotes do not hold stands an id, whatever it was meant to be.
    secret = secret.replace("\n", " ")
    for between in ",;\t":
        for cell in (quoted(secret, between), secret, f'"{secret}'):
            row = between.join((*cells[:1], cell, *cells[1:])) if cells else f"x{between}{cell}"
            head = between.join(("id", "password", "port", "ice", "register"))
            silent(csv_file.parse, f"{head}\n{row}\n".encode(), "a.csv")
            # The first line may be somebody's account, where the names of the columns are missing.
            silent(csv_file.parse, f"{row}\n{row}\n".encode(), "a.csv")


@settings(max_examples=30, deadline=None)
@given(SECRETS, st.sampled_from(["[a", "[b](c)", "#include x", "auth_type=odd", "username=", ""]))
def test_asterisks_files(secret: str, noise: str) -> None:
    text = (
        f"[a]\ntype=endpoint\nwebrtc=yes\nauth=a\n[a]\ntype=auth\nusername=a\n{noise}\n"
        f"password={secret}\nmd5_cred={secret}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pjsip.conf").write_bytes(text.encode())
        (folder / "pjsip_wizard.conf").write_bytes(
            "[w]\ntype=wizard\naccepts_auth=yes\nendpoint/webrtc=yes\ninbound_auth/username=w\n"
            f"inbound_auth/password={secret}\n{noise}\n".encode()
        )
        for file in ("pjsip.conf", "pjsip_wizard.conf"):
            source = ConfSource(file, ConfFolder(folder), file)
            silent(source.endpoints)
            silent(_all_messages, source)
            silent(planned, source, {"a": "x", "w": "x"})


def _all_messages(source: ConfSource) -> None:
    found = source.endpoints()
    messages = [str(one) for one in import_plan.candidates(source, found).findings]
    for name, endpoint in found.endpoints.items():
        messages += [str(one) for one in surprises(endpoint, found)]
        other = Account(name, password=f"{MARK}-other")
        messages += [str(f) for f in checks.against(other, found)]
    assert MARK not in "\n".join(messages)


@pytest.mark.parametrize("where", ["user:{}@host", "user@host/db?password={}", "user@host/{}"])
@settings(max_examples=30, deadline=None)
@given(secret=st.text(st.sampled_from("%@:/?#[]&=é "), max_size=4))
def test_the_password_of_a_database(where: str, secret: str) -> None:
    for kind in ("mysql", "postgresql"):
        url = f"{kind}://{where.format(f'{secret}{MARK}')}"
        if where != "user@host/{}":
            silent(DatabaseSource(Database(url)).endpoints)
        # The one that is given beside the URL, repeated by a driver.
        database = Database(f"{kind}://user@127.0.0.1:1/d", f"{secret}{MARK}")
        error = database._problem(RuntimeError(f"cannot log in with {secret}{MARK}"))
        assert MARK not in f"{error}{error.hint}"


@given(st.binary(max_size=40))
def test_the_key_of_all_links(data: bytes) -> None:
    text = b'{"key": "' + MARK.encode() + b'", ' + data
    silent(keyring.parse, text, Path("cmp-bundle.key"))


@given(drawn.accounts())
def test_what_is_shown_of_values(account: Account) -> None:
    marked = Account(**vars(account) | {"password": MARK, "ha1": MARK})
    file = store.AccountFile(Path("a"), Parsed((marked,)), MARK.encode())
    for printed in (repr(marked), repr(file), repr(Edits(add=(marked,)))):
        assert not re.search(MARK, printed)
