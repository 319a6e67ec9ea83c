# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules for ports look at: the answers of starttls_info about one port (pure)."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Unanswered

Purpose = t.Literal["mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp"]
PURPOSES: t.Final[tuple[Purpose, ...]] = t.get_args(Purpose)
_BY_PORT: t.Final[t.Mapping[int, Purpose]] = {
    24: "lmtp",
    25: "mx",
    110: "pop3",
    143: "imap",
    465: "submissions",
    587: "submission",
    993: "imaps",
    995: "pop3s",
}
_IMPLICIT: t.Final = frozenset({"submissions", "imaps", "pop3s"})
_LOOPBACK: t.Final = ("127.", "::1")
_TOO_LATE: t.Final = "no answer in time"

Json = t.Any


def purpose_of(port: int) -> Purpose:
    """Return what a port is for by its number; any other one is for mail between servers."""
    return _BY_PORT.get(port, "mx")


@dataclass(frozen=True)
class WireView:
    """One port as it was seen. ``report`` is what starttls_info returned."""

    report: t.Mapping[str, Json]
    host: str
    port: int
    purpose: Purpose
    profile: str
    now: datetime.datetime
    broken: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The port as a finding names it."""
        return f"port {self.port}"

    @property
    def where(self) -> str:
        """The port as a message names it."""
        return f"port {self.port} of {self.host}"

    @property
    def people(self) -> bool:
        """Whether mail programs of people connect, which verify and log in; other servers do neither."""
        return self.purpose not in ("mx", "lmtp")

    @property
    def smtp(self) -> bool:
        """Whether the port speaks SMTP, and so is Postfix's in this collection."""
        return self.purpose in ("mx", "submission", "submissions")

    @property
    def implicit_tls(self) -> bool:
        """Whether TLS starts at once."""
        return self.purpose in _IMPLICIT

    @property
    def from_this_host(self) -> bool:
        """Whether the port was asked from its own host, to which servers are more open."""
        address = str(self.report.get("address") or "")
        return address.startswith(_LOOPBACK) or self.report.get("from_itself") is True

    def answer(self, question: str) -> Json:
        """Return a whole answer. Raises Unanswered."""
        found = self.report.get(question)
        if question not in self.report:
            raise Unanswered(f"{self.where}: {question} was not asked")
        if isinstance(found, dict) and "incomplete" in found:
            raise Unanswered(f"{self.where}: {found['incomplete']}")
        return found

    def parts(self, question: str) -> t.Iterator[tuple[str, Json]]:
        """Yield the parts of an answer. Raises Unanswered at the end when one of them is not whole.

        What an enumeration saw before it stopped is yielded too: it can be bad already.
        """
        found = self.report.get(question)
        lacking = ""
        if isinstance(found, dict) and isinstance(found.get("seen"), dict):
            lacking = str(found["incomplete"])
            found = found["seen"]
        else:
            found = self.answer(question)
        if not isinstance(found, dict):
            raise Unanswered(f"{self.where}: {question} is no answer of starttls_info")
        for name, value in found.items():
            if isinstance(value, dict) and "incomplete" in value:
                lacking = lacking or str(value["incomplete"])
                if "seen" in value:
                    yield name, value["seen"]
            else:
                yield name, value
        if lacking:
            raise Unanswered(f"{self.where}: {lacking}")

    def part(self, question: str, name: str) -> Json:
        """Return one part of an answer. Raises Unanswered when it is not whole."""
        value = self.answer(question).get(name)
        if isinstance(value, dict) and "incomplete" in value:
            raise Unanswered(f"{self.where}: {value['incomplete']}")
        return value

    @property
    def before_tls(self) -> list[str]:
        """What is announced in clear text. Raises Unanswered."""
        return list(self.part("capabilities", "before_tls") or ())

    @property
    def after_tls(self) -> list[str]:
        """What is announced inside TLS. Raises Unanswered."""
        return list(self.part("capabilities", "after_tls") or ())

    @property
    def without_tls(self) -> bool:
        """Whether the port is known to have no TLS at all."""
        capabilities = self.report.get("capabilities")
        if self.implicit_tls or not isinstance(capabilities, dict):
            return False
        before = capabilities.get("before_tls")
        return isinstance(before, list) and not {"STARTTLS", "STLS"} & set(before)

    @property
    def failing(self) -> str:
        """Why TLS is announced but cannot be had, empty when that is not known."""
        capabilities = self.report.get("capabilities")
        after = capabilities.get("after_tls") if isinstance(capabilities, dict) else None
        reason = str(after.get("incomplete", "")) if isinstance(after, dict) else ""
        if reason.startswith(("STARTTLS: refused", "TLS handshake: ")) and _TOO_LATE not in reason:
            seen = self.report.get("protocols")
            speaks = isinstance(seen, dict) and any(value is True for value in seen.values())
            return "" if speaks else reason
        return ""

    @property
    def chains(self) -> t.Iterator[tuple[str, list[t.Mapping[str, Json]]]]:
        """Yield kind of key and certificates, the server's own first. Raises Unanswered at the end."""
        lacking = ""
        for kind, chain in self.parts("chains"):
            readable = [one for one in chain if "incomplete" not in one]
            unread = [one for one in chain if "incomplete" in one]
            lacking = lacking or (str(unread[0]["incomplete"]) if unread else "")
            if readable and chain[0] is readable[0]:
                yield kind, readable
        if lacking:
            raise Unanswered(f"{self.where}: a certificate is {lacking}")


__all__ = ("PURPOSES", "Purpose", "WireView", "purpose_of")
