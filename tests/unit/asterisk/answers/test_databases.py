"""What Asterisk tells of its databases and of its lists of addresses, as recorded of 22.10 and 16.28."""

from __future__ import annotations

from cmp_bundle.asterisk.answers.acl import Rule, names, rules
from cmp_bundle.asterisk.answers.realtime import Odbc, families, odbc, row

_MAPPINGS = """\
Config Engine: odbc
===> ps_endpoints (db=phones, table=ps_endpoints)
Config Engine: curl
Config Engine: sqlite3
===> ps_auths (db=asterisk, table=ps_auths)
===> ps_endpoints (db=asterisk, table=ps_endpoints)
"""

_ODBC_22 = """
ODBC DSN Settings
-----------------

  Name:   phones
  DSN:    nowhere
    Last fail connection attempt: 2026-11-28 10:43:01
    Number of active connections: 0 (out of 1)
    Cache Type: stack (last release, first re-use)
    Cache Usage: 0 cached out of 1
    Logging: Disabled

  Name:   asterisk
  DSN:    asterisk
    Number of active connections: 1 (out of 1)
    Cache Type: stack (last release, first re-use)
    Cache Usage: 1 cached out of 1
    Logging: Disabled

"""

_ODBC_16 = """
ODBC DSN Settings
-----------------

  Name:   phones
  DSN:    nowhere
    Last fail connection attempt: 2026-11-28 12:03:29
    Number of active connections: 0 (out of 1)
    Logging: Disabled

"""

_ROW = """
                   Column Name  Column Value                  
          --------------------  --------------------          
                            id  dora                          
                      callerid  Dora, of the desk <102>       
                outbound_proxy                                
mwi_subscribe_replaces_unsolicited                                
                  max_contacts  1                             
"""  # fmt: skip  # noqa: W291


def test_families() -> None:
    assert families(_MAPPINGS) == {"ps_endpoints": ("odbc", "sqlite3"), "ps_auths": ("sqlite3",)}
    assert families("Config Engine: curl\n") == {}


def test_connections() -> None:
    assert odbc(_ODBC_22) == (
        Odbc("phones", "nowhere", 0, "2026-11-28 10:43:01"),
        Odbc("asterisk", "asterisk", 1),
    )
    assert odbc(_ODBC_16) == (Odbc("phones", "nowhere", 0, "2026-11-28 12:03:29"),)
    assert odbc("No such command 'odbc show all'\n") == ()


def test_a_row() -> None:
    assert row(_ROW) == {
        "id": "dora",
        "callerid": "Dora, of the desk <102>",
        "outbound_proxy": "",
        "mwi_subscribe_replaces_unsolicited": "",
        "max_contacts": "1",
    }
    assert row("No rows found matching search criteria.\n") is None


def test_lists_of_addresses() -> None:
    assert names("\nacl\n---\noffice\nclosed\n") == ("office", "closed")
    assert names("\nacl\n---\n") == ()
    text = """
ACL: office
---------------------------------------------
  0:  deny - 0.0.0.0/0.0.0.0
  1: allow - 10.0.0.0/255.0.0.0
"""
    assert rules(text) == (Rule(False, "0.0.0.0/0.0.0.0"), Rule(True, "10.0.0.0/255.0.0.0"))
