"""What an account may say: every field, its limits, and the words for what is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle import extension
from cmp_bundle.accounts import fields, sip_id, source_name
from cmp_bundle.accounts.model import Account, ha1, with_ha1
from cmp_bundle.errors import FindingsError, refuse
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place, Row
from tests.unit.accounts import drawn

HERE = Place("accounts.toml", 7)


def looked_at(**values: Any) -> tuple[Account | None, list[Finding]]:
    findings: list[Finding] = []
    row = fields.AccountFields({"id": "a"} | values, HERE, {})
    return fields.account(row, findings), findings


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", 5, "id must be text"),
        ("id", "", "this account has no id"),
        ("display_name", "a\nb", "control characters"),
        ("auth_name", 'a"b', "must not hold"),
        ("auth_name", " a", "nor begin or end with a blank"),
        ("auth_name", "a:b", "must not hold"),
        ("password", "a\nb", "text on one line"),
        ("password", " a", "must not begin or end with a blank: Asterisk drops it"),
        ("password", 12345, "password must be text"),
        ("ha1", "xyz", "32 hexadecimal digits"),
        ("ha1", "0" * 32, "a ha1 needs the realm"),
        ("extension", "_1X", "extension must be a number or name such as 101"),
        ("extension", 101, "extension must be text"),
        ("dial", "2 4", "must be one word"),
        ("dial", 246, "dial must be text"),
        ("register", "yes", "register must be true or false"),
        ("host", "a b", "must be a host name"),
        ("host", "pbx:8089", "the port has a setting of its own"),
        ("port", True, "port must be a whole number"),
        ("port", 70000, "must be a port"),
        ("path", "ws", "must be a path such as /ws"),
        ("ice", "stun:x", "ice must be a list"),
        ("ice", [5], "ice must be a list of URLs"),
        ("ice", ["http://x"], "must look like stun:"),
        ("ice", ["turn:x"], "needs a username and a credential"),
        ("ice", [{"url": "stun:x", "user": "u"}], "unknown field 'user' in a server in ice"),
        ("source", "somewhere", "must be pjsip.conf, pjsip_wizard.conf, a path"),
        ("source", "mysql://u:p@h/d", "must not hold a password"),
        ("passwrod", "x", "did you mean password?"),
        ("zzz", "x", "possible fields: id, display_name"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(field: str, value: Any, message: str) -> None:
    result, findings = looked_at(**{field: value})
    assert result is None
    assert any(message in wrong.message for wrong in findings), findings
    assert all(wrong.place == HERE for wrong in findings)


def test_empty_text_is_the_same_as_none() -> None:
    result, findings = looked_at(password="", auth_name="", source="")
    assert findings == []
    assert result == Account("a", place=HERE)


def test_a_password_and_its_digest_exclude_each_other() -> None:
    _, findings = looked_at(password="x", ha1="0" * 32, realm="r")
    assert "a password or a ha1, not both" in findings[0].message


def test_what_the_source_has_cannot_stand_here_too() -> None:
    _, findings = looked_at(source="pjsip.conf", password="x", auth_name="y")
    assert [w.message for w in findings] == [
        "auth_name comes from this account's source",
        "password comes from this account's source",
    ]


@pytest.mark.parametrize("name", ["alice", "al.ice-1_2", "+15551234", "a!~*'=?$"])
def test_ids_that_are_fine(name: str) -> None:
    assert sip_id.problem(name) is None
    assert sip_id.instead(name) in (name, name.strip("-."))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("Alice Smith", "Alice.Smith"),
        ("sip:alice@pbx", "alice"),
        ("PJSIP/bob", "bob"),
        ("Zoë", "Zoe"),
        ("a;b", "a-b"),
        ("é" * 3 + "(x)", "eee-x"),
        ("漢字", "phone1"),
        ("", "phone1"),
        ("x" * 100, "x" * 79),
    ],
)
def test_what_to_write_instead(name: str, instead: str) -> None:
    assert sip_id.problem(name)
    assert sip_id.instead(name) == instead


@given(st.text(max_size=120))
def test_what_is_offered_instead_is_always_fine(name: str) -> None:
    assert sip_id.problem(sip_id.instead(name)) is None


@given(st.text(max_size=90))
def test_an_id_is_one_word_for_everybody(name: str) -> None:
    if sip_id.problem(name) is None:
        assert name.isascii()
        assert not set(name) & set(' ",;/&()<>@:\\[]{}|#%^`')
        assert 0 < len(name) < 80


@pytest.mark.parametrize("text", ["101", "+4.5", "*98#", "a_b", "-_x", "Alice", "hh", "1" * 39])
def test_extensions_that_are_fine(text: str) -> None:
    assert extension.problem(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a number or name"),
        ("_101", "not beginning with _"),
        ("1 2", "letters, digits"),
        ("1,1", "letters, digits"),
        ("1/2", "letters, digits"),
        ("${x}", "letters, digits"),
        ("101\n", "letters, digits"),
        ("\u0661\u0660\u0661", "letters, digits"),
        ("1" * 40, "not be longer than 39"),
        ("h", "have a meaning to Asterisk"),
        ("T", "have a meaning to Asterisk"),
        ("-i", "have a meaning to Asterisk"),
    ],
)
def test_extensions_that_are_not(text: str, says: str) -> None:
    assert says in (extension.problem(text) or "")


@given(st.text(max_size=45))
def test_an_extension_stands_in_a_dialplan_as_it_is(text: str) -> None:
    if extension.problem(text) is None:
        assert text.isascii()
        assert text[0] != "_"
        assert not set(text) & set(" ,;/&()<>@:\\[]{}|%^`$\"'=!?~\t\r\n")
        assert 0 < len(text) < 40


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ("101", "the extension '101' is already used at accounts.toml:7"),
        ("10-1", "the extension '10-1' is the same to Asterisk as '101' at accounts.toml:7"),
    ],
)
def test_an_extension_leads_to_one_account(others: str, message: str) -> None:
    rows = [Account("a", extension="101", place=HERE), Account("b"), Account("c"),
            Account("d", extension=others, place=Place("accounts.toml", 9))]  # fmt: skip
    (found,) = fields.duplicates(rows)
    assert (found.code, found.message, found.place) == ("account-duplicate", message, rows[3].place)
    assert "that is called dial now" in (found.hint or "")
    assert fields.duplicates(Account(name, dial="246") for name in "ab") == []


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("pjsip.conf", True),
        ("pjsip_wizard.conf", True),
        ("./pjsip.conf", True),
        ("/etc/asterisk/pjsip.conf", True),
        ("extensions.conf", False),
        ("mysql://asterisk@localhost/asterisk", True),
        ("mysql+pymysql://asterisk@localhost/asterisk", True),
        ("postgresql://u@h:5432/d", True),
        ("sqlite:////var/lib/a.db", True),
        ("oracle://u@h/d", False),
        ("mysql://u:secret-of-db@h/d", False),
        ("mysql://u:@h/d", False),
        ("mysql://u@h/d?password=secret-of-db", False),
        ("mysql://u@h/d?Passwd=secret-of-db", False),
        ("mysql://[", False),
    ],
)
def test_sources(text: str, fine: bool) -> None:
    problem = source_name.problem(text)
    assert (problem is None) == fine
    assert "secret-of-db" not in (problem or "")


def test_one_wrong_thing_is_an_error_at_its_place() -> None:
    with pytest.raises(FindingsError) as caught:
        refuse([finding("account-value", "is odd", HERE, "make it even")])
    assert (str(caught.value.finding.place), caught.value.hint) == (
        "accounts.toml:7",
        "make it even",
    )
    with pytest.raises(FindingsError) as caught:
        refuse([finding("account-value", "is odd", Row("mysql://u@h/d", "ps_auths", "a"))])
    assert str(caught.value) == "mysql://u@h/d ps_auths a: is odd"
    refuse([])


def test_several_are_all_told() -> None:
    findings = [
        finding("account-value", "one", HERE),
        finding("account-value", "two", None, "do it"),
    ]
    with pytest.raises(FindingsError) as caught:
        refuse(findings, "nothing was imported")
    assert caught.value.message == (
        "2 things are wrong, and nothing was imported:\n  accounts.toml:7: one [account-value]\n  two; do it [account-value]"
    )


def test_ha1_is_that_of_the_rfc() -> None:
    # RFC 2617, 3.5.
    digest = ha1("Mufasa", "testrealm@host.com", "Circle Of Life")
    assert digest == "939e7578ed9e3c518a452acee763bce9"
    one = with_ha1(Account("Mufasa", password="Circle Of Life"), "testrealm@host.com")
    assert (one.password, one.ha1, one.realm) == ("", digest, "testrealm@host.com")
    assert with_ha1(Account("a", password="x"), "") == Account("a", password="x")
    assert with_ha1(Account("a"), "r") == Account("a")


@drawn.FEW
@given(drawn.accounts())
def test_nothing_of_an_account_is_shown_but_its_id(account: Account) -> None:
    assert re.fullmatch(r"Account\(id='.*'\)|Account\(id=\".*\"\)", repr(account))
