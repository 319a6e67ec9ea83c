# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hardened servers say to clients that are rude, old, or a danger to others."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from email.message import Message

    from conftest import Host

    Talk = t.Callable[..., list[str]]
    Delivered = t.Callable[..., list[Message]]

EHLO: t.Final = {"send": "EHLO client.example\r\n"}
FROM: t.Final = {"send": "MAIL FROM:<somebody@client.example>\r\n"}
QUIT: t.Final = {"send": "QUIT\r\n", "rest": True}


def to(host: Host) -> dict[str, t.Any]:
    """Return the step that names the recipient."""
    return {"send": f"RCPT TO:<receiver@{host.address}>\r\n"}


def data(text: str) -> list[dict[str, t.Any]]:
    """Return the steps that send a message."""
    return [{"send": "DATA\r\n"}, {"send": text}]


def codes(replies: t.Iterable[str]) -> list[str]:
    """Return the first three letters of each reply."""
    return [reply[:3] for reply in replies]


def test_old_client_may_still_deliver_in_clear_text(
    mx: Host, talk: Talk, delivered: Delivered, token: str
) -> None:
    replies = talk(mx, EHLO, FROM, to(mx), *data(f"Subject: {token}\r\n\r\nold\r\n.\r\n"), QUIT)
    assert codes(replies) == ["220", "250", "250", "250", "354", "250", "221", ""]
    assert len(delivered(mx, token)) == 1


def test_vrfy_is_refused(mx: Host, talk: Talk) -> None:
    replies = talk(mx, EHLO, {"send": "VRFY receiver\r\n"}, QUIT)
    assert replies[2].startswith("502 ")
    assert "VRFY" not in replies[1]


def test_mail_without_helo_is_refused(mx: Host, talk: Talk) -> None:
    assert talk(mx, FROM, QUIT)[1].startswith("503 ")


def test_auth_is_not_offered_on_port_25(mx: Host, talk: Talk) -> None:
    replies = talk(mx, EHLO, {"send": "STARTTLS\r\n"}, {"tls": True}, EHLO, QUIT)
    assert codes(replies) == ["220", "250", "220", "250", "221", ""]
    assert "AUTH" not in replies[1] + replies[3]


def test_relaying_is_refused(mx: Host, talk: Talk) -> None:
    replies = talk(mx, EHLO, FROM, {"send": "RCPT TO:<victim@elsewhere.example>\r\n"}, QUIT)
    assert replies[3][:1] in "45", replies


@pytest.mark.parametrize("end", ["\n.\n", "\n.\r\n"], ids=["lf-dot-lf", "lf-dot-crlf"])
def test_smuggled_message_does_not_come_through(
    mx: Host, talk: Talk, delivered: Delivered, token: str, end: str
) -> None:
    smuggled = (
        f"MAIL FROM:<admin@{mx.address}>\r\nRCPT TO:<receiver@{mx.address}>\r\nDATA\r\n"
        f"Subject: smuggled {token}\r\n\r\nsmuggled\r\n.\r\n"
    )
    text = f"Subject: {token}\r\n\r\nbody{end}{smuggled}"
    replies = talk(mx, EHLO, FROM, to(mx), *data(text), QUIT)
    assert codes(replies) == ["220", "250", "250", "250", "354", "250", "221", ""]
    messages = delivered(mx, token)
    assert len(messages) == 1
    assert "smuggled" not in messages[0]["Subject"]


def test_client_that_does_not_wait_for_its_turn_is_cut_off(mx: Host, talk: Talk) -> None:
    replies = talk(
        mx, {"send": "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n", "rest": True}
    )
    assert "SMTP protocol synchronization" in replies[-2]
    assert replies[-1] == ""


def test_text_injected_behind_starttls_is_not_obeyed(mx: Host, talk: Talk) -> None:
    replies = talk(
        mx,
        EHLO,
        {"send": "STARTTLS\r\nEHLO injected.example\r\n"},
        {"tls": True},
        {"send": "NOOP\r\n"},
        QUIT,
    )
    assert codes(replies) == ["220", "250", "220", "250", "221", ""]
    # The answer to NOOP, not to EHLO.
    assert "\n" not in replies[3]
