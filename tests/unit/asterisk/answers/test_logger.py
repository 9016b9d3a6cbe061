"""``logger show channels``, as 22.10.1 and 16.28.0 answer it."""

from __future__ import annotations

from cmp_bundle.asterisk.answers.logger import LogChannel, log_channels

RECORDED = """\
Logger queue limit: 1000

Channel                             Type     Formatter  Status    Configuration
-------                             ----     ---------  ------    -------------
/srv/cmp-bundle/pbx-pcjaif_t/log/me File     default    Enabled    - NOTICE WARNING ERROR 
/var/log/asterisk/full              File     json       Disabled   - NOTICE VERBOSE(3) 
syslog.local0                       Syslog   default    Enabled    - ERROR 
                                    Console  default    Enabled    - NOTICE WARNING ERROR VERBOSE 

"""  # noqa: W291

TROUBLE = frozenset({"NOTICE", "WARNING", "ERROR"})


def test_channels() -> None:
    assert log_channels(RECORDED) == (
        LogChannel("/srv/cmp-bundle/pbx-pcjaif_t/log/me", False, "File", True, TROUBLE),
        LogChannel("/var/log/asterisk/full", True, "File", False, frozenset({"NOTICE", "VERBOSE"})),
        LogChannel("syslog.local0", True, "Syslog", True, frozenset({"ERROR"})),
        LogChannel("", True, "Console", True, TROUBLE | {"VERBOSE"}),
    )


def test_none() -> None:
    assert log_channels("No such command 'logger show channels'") == ()
