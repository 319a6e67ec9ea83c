# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of Dovecot's files, and sections switched off and on again."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.dovecot.config_text import (
    items,
    sections,
    switched_off,
    switched_on,
)

DEBIAN = """# comment
!include auth.conf.ext
passdb {
  driver = pam
  # args = dovecot
  args = \\
    session=yes dovecot
}

userdb passwd {
}
  #passdb {
protocol imap {
  mail_plugins = $mail_plugins
  inner {
    x = y # z
  }
}
ssl = yes
"""


def test_items_are_in_order_with_their_sections() -> None:
    found = [(one.kind, one.name, one.first + 1, one.sections) for one in items(DEBIAN)]
    assert found == [
        ("include", "auth.conf.ext", 2, ()),
        ("open", "passdb", 3, ()),
        ("setting", "driver", 4, ("passdb",)),
        ("setting", "args", 6, ("passdb",)),
        ("close", "", 8, ()),
        ("open", "userdb passwd", 10, ()),
        ("close", "", 11, ()),
        ("open", "protocol imap", 13, ()),
        ("setting", "mail_plugins", 14, ("protocol imap",)),
        ("open", "inner", 15, ("protocol imap",)),
        ("setting", "x", 16, ("protocol imap", "inner")),
        ("close", "", 17, ("protocol imap",)),
        ("close", "", 18, ()),
        ("setting", "ssl", 19, ()),
    ]


def test_sections_have_driver_and_lines() -> None:
    found = [(one.kind, one.driver, one.first + 1, one.last + 1) for one in sections(DEBIAN)]
    assert found == [
        ("passdb", "pam", 3, 8),
        ("userdb", "passwd", 10, 11),
        ("protocol", "imap", 13, 18),
    ]


def test_switched_off_is_on_again_byte_for_byte() -> None:
    off = switched_off(DEBIAN, [one for one in sections(DEBIAN) if one.kind != "protocol"])
    assert [one.kind for one in sections(off)] == ["protocol"]
    assert off.count("#hardened.mail# ") == 8
    assert switched_on(off) == DEBIAN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("passdb {\n driver = x\n deny = yes\n}", True),
        ("passdb x {\n passdb_deny = yes\n}", True),
        ("passdb x {\n deny = no\n}", False),
    ],
)
def test_section_says(text: str, says: bool) -> None:
    assert sections(text)[0].says("deny") is says


@pytest.mark.parametrize("text", ["", "}\n}\n", "passdb {\n", "{\n", "a\\", "= x", "\x00"])
def test_any_text_will_do(text: str) -> None:
    assert switched_off(text, sections(text)) == text
