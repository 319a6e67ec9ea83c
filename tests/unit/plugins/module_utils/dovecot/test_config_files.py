# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in the files of Dovecot, and secrets among them; schemes of stored passwords."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.config_files import (
    Unnamed,
    Written,
    scan,
)
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.passwd_file import (
    LOCKED,
    UNPREFIXED,
    scheme_of,
    schemes,
)
from hypothesis import given
from hypothesis import strategies as st

TEXT = """\
# ssl = no
!include conf.d/*.conf
!include_try local.conf
ssl = required
passdb {
  driver = passwd-file   # inside
  args = scheme=PLAIN \\
    /etc/dovecot/users
}
passdb pam {
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
  }
  user = root
}
userdb { # 2.3
}
ssl_key = </etc/key.pem
"""


def test_lines_sections_and_includes_are_found() -> None:
    found = scan(TEXT, file="/d.conf")
    assert found.settings == (
        Written("/d.conf", 4, "ssl"),
        Written("/d.conf", 6, "driver", "passdb"),
        Written("/d.conf", 7, "args", "passdb"),
        Written("/d.conf", 14, "mode", "unix_listener"),
        Written("/d.conf", 16, "user", "service"),
        Written("/d.conf", 20, "ssl_key"),
    )
    assert found.unnamed == (Unnamed("/d.conf", 5, "passdb"), Unnamed("/d.conf", 18, "userdb"))
    assert found.includes == ("conf.d/*.conf", "local.conf")


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("ssl_key_password = geheimnis", True),
        ("ssl_server_key_password = geheimnis", True),
        ("doveadm_password = geheimnis", True),
        ("password = geheimnis", True),
        ("dnpass = geheimnis", True),
        ("connect = host=db password=geheimnis user=x", True),
        ("args = password=geheimnis", True),
        ("args = pass=geheimnis", True),
        ("ssl_key = MIIx", True),
        ("ssl_server_key_file = inline:MIIx", True),
        ("ssl_key_password =", False),
        ("ssl_key_password = </etc/secret", False),
        ("ssl_key = </etc/key.pem", False),
        ("ssl_server_key_file = /etc/key.pem", False),
        ("#password = geheimnis", False),
        ("connect = host=db user=x", False),
        ("args = scheme=PLAIN /etc/dovecot/passwd", False),
        ("password_query = SELECT password FROM users", False),
        ("pass_attrs = uid=user,userPassword=password", False),
        ("password = %{passwd_file:secret}", False),
        ("auth_verbose_passwords = plain", False),
    ],
)
def test_a_secret_in_a_line_is_seen(line: str, secret: bool) -> None:
    found = scan(line + "\n", file="/d.conf").settings
    assert [one.secret for one in found] == ([] if line.startswith("#") else [secret])
    assert "geheimnis" not in repr(found)


@pytest.mark.parametrize(
    ("field", "scheme"),
    [
        ("{PLAIN}word", "PLAIN"),
        ("{plain.b64}d29yZA==", "PLAIN"),
        ("{ARGON2ID}$argon2id$v=19$x", "ARGON2ID"),
        ("$argon2id$v=19$x", "ARGON2ID"),
        ("{CRYPT}$6$salt$hash", "SHA512-CRYPT"),
        ("{CRYPT}$2y$05$hash", "BLF-CRYPT"),
        ("{CRYPT}$y$j9T$hash", "YESCRYPT"),
        ("{CRYPT}ab01FAX.bQRSU", "DES-CRYPT"),
        ("{MD5}$1$salt$hash", "MD5-CRYPT"),
        ("{SHA256.HEX}00", "SHA256"),
        ("$1$salt$hash", "MD5-CRYPT"),
        ("word", UNPREFIXED),
        ("{geheimnis}word", UNPREFIXED),
        ("{", UNPREFIXED),
        ("*", LOCKED),
        ("!", LOCKED),
        ("", LOCKED),
    ],
)
def test_a_stored_password_is_known_by_its_scheme(field: str, scheme: str) -> None:
    assert scheme_of(field) == scheme


def test_schemes_are_counted_and_nothing_else_is_kept() -> None:
    text = "# comment\n\nann:{PLAIN}word:::\nbob:{PLAIN}word\ncarl:*:\nnothing\n dan:$6$x$y\n"
    assert schemes(text) == {"PLAIN": 2, LOCKED: 1, "SHA512-CRYPT": 1}


@given(st.text())
def test_any_text_is_scanned(text: str) -> None:
    scan(text, file="/d.conf")


@given(st.lists(st.text(alphabet="geh{}$!:*1256y-", max_size=12)))
def test_no_part_of_a_password_is_kept(fields: list[str]) -> None:
    known = {UNPREFIXED, LOCKED}
    for scheme in schemes("\n".join(f"user:{field}" for field in fields)):
        assert scheme in known or scheme.isupper() or "-" in scheme
        assert "geh" not in scheme
