# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dns_update says of servers that fail; those that work are in tests/integration_lab/test_dns_real.py."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import threading
import time
import typing as t

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rrset
import dns.tsigkeyring
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.modules import dns_served_info, dns_update

SECRET: t.Final = "bm90aGluZyBidXQgYSB0ZXN0IG9mIGtleXM="
KEYRING: t.Final = dns.tsigkeyring.from_text({"update": ("hmac-sha256.", SECRET)})
UNKNOWN: t.Final = "Whether this zone was changed is not known; run it again."


class FakeServer:
    """A name server on loopback that keeps what it is sent, and that fails in one way at the update of a zone.

    ``fails`` has a response code, ``silent``, ``closes``, ``babbles`` or ``unsigned`` for the names of zones.
    ``steps`` is what an update adds to the serial number.
    """

    def __init__(self, fails: t.Mapping[str, str], *, steps: int = 1) -> None:
        self.fails = fails
        self.steps = steps
        self.updates: list[str] = []
        self._sets: dict[tuple[t.Any, t.Any], t.Any] = {}
        self._serial = 1
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> FakeServer:
        """Serve until the end of the block."""
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Serve no more."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            stream = connection.makefile("rb")
            while True:
                size = stream.read(2)
                if len(size) < 2:
                    return
                asked = dns.message.from_wire(
                    stream.read(struct.unpack("!H", size)[0]), keyring=KEYRING
                )
                octets = self._answer(asked)
                connection.sendall(struct.pack("!H", len(octets)) + octets)

    def _answer(self, asked: t.Any) -> bytes:
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.AA
        if asked.opcode() == dns.opcode.UPDATE:
            zone = asked.zone[0].name.to_text()
            self.updates.append(zone)
            if zone in self.fails:
                return self._failure(self.fails[zone], answer)
            self._serial += self.steps
            for one in asked.update:
                self._sets[one.name, one.rdtype] = one
            return bytes(answer.to_wire())
        (question,) = asked.question
        name = question.name.to_text()
        found = self._sets.get((question.name, question.rdtype))
        if question.rdtype == dns.rdatatype.SOA:
            text = f"ns1.{name} root.{name} {self._serial} 1 1 1 1"
            found = dns.rrset.from_text(name, 60, "IN", "SOA", text)
        if found is not None:
            answer.answer.append(found)
        return bytes(answer.to_wire())

    @staticmethod
    def _failure(kind: str, answer: t.Any) -> bytes:
        if kind == "silent":
            time.sleep(3)
        if kind in ("silent", "closes"):
            raise EOFError
        if kind == "babbles":
            return b"\0" * 5
        if kind == "unsigned":
            return bytes(dns.message.make_response(dns.message.make_query(".", "SOA")).to_wire())
        answer.set_rcode(dns.rcode.from_text(kind))
        return bytes(answer.to_wire())


def publish(port: int, *names: str) -> dict[str, t.Any]:
    """Publish an address for each of the names; return what the module says."""
    printed = io.StringIO()
    options = {
        "server": "127.0.0.1",
        "port": port,
        "key_name": "update",
        "key_secret": SECRET,
        "timeout": 2,
        "zones": ["one.example", "two.example"],
        "records": [{"name": one, "type": "A", "data": ["192.0.2.1"]} for one in names],
    }
    with (
        patch_module_args(options),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        dns_update.main()
    result: dict[str, t.Any] = json.loads(printed.getvalue().strip().splitlines()[-1])
    return result


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("NOTAUTH", "not the primary server of one.example. (NOTAUTH): by its SOA record the primary is ns1.one.example."),
        ("NOTZONE", "a name is not in the zone one.example. (NOTZONE)"),
        ("REFUSED", "does not take the update of one.example. (REFUSED)"),
        ("NOTIMP", "does not take the update of one.example. (NOTIMP)"),
        ("SERVFAIL", "could not make the update of one.example. (SERVFAIL)"),
        ("NXRRSET", "are not as they were read a moment ago (NXRRSET)"),
        ("FORMERR", "answers FORMERR to the update of one.example."),
    ],
)  # fmt: skip
def test_a_refusal_is_said_in_words_and_changed_nothing(kind: str, words: str) -> None:
    with FakeServer({"one.example.": kind}) as server:
        result = publish(server.port, "a.one.example")
    assert words in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert result["changed"] is False


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("silent", "no answer within 2 seconds"),
        ("closes", "it closed the connection without an answer"),
        ("babbles", "Cannot update one.example. on"),
        ("unsigned", "requires a TSIG"),
    ],
)
def test_an_update_without_an_answer_may_have_been_made(kind: str, words: str) -> None:
    with FakeServer({"one.example.": kind}) as server:
        result = publish(server.port, "a.one.example")
        assert server.updates == ["one.example."]
    assert words in result["msg"]
    assert result["msg"].endswith(UNKNOWN)


def test_a_server_that_goes_half_way_leaves_one_zone_changed_and_one_unknown() -> None:
    with FakeServer({"two.example.": "closes"}) as server:
        result = publish(server.port, "a.one.example", "a.two.example")
    assert result["msg"].endswith(f"Changed already: one.example. {UNKNOWN}")
    assert result["changed"] is True
    assert [one["zone"] for one in result["zones"]] == ["one.example."]


def test_a_server_that_is_not_there_changed_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert publish(port, "a.one.example")["msg"].endswith("Nothing was changed.")


@pytest.mark.parametrize("steps", [0, 1])
def test_a_serial_number_that_stays_is_told(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(dns_update.AnsibleModule, "warn", lambda _self, text: told.append(text))
    with FakeServer({}, steps=steps) as server:
        result = publish(server.port, "a.one.example")
    assert result["changed"] is True
    assert result["zones"][0]["serial_after"] == 1 + steps
    words = "one.example: the records are changed, but the serial number is still 1"
    assert [one.partition(", and")[0] for one in told] == ([words] if steps == 0 else [])


@pytest.mark.parametrize(
    ("written", "kind"),
    [("txt", "TXT"), ("TYPE16", "TXT"), ("type257", "CAA"), ("TYPE65280", "TYPE65280")],
)
def test_a_type_has_one_name(written: str, kind: str) -> None:
    record = {
        "name": "a.example",
        "type": written,
        "ttl": 60,
        "data": [],
        "state": "absent",
        "exclusive": True,
    }
    (wish,) = dns_update.wishes_of([record])
    assert wish.type == kind


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("TXTT", "a.example.: the type is 'TXTT': expected one such as TXT"),
        ("TYPE99999999", "the type is 'TYPE99999999'"),
        ("", "the type is ''"),
        ("TYPE2", "NS: sets of this type belong to the zone"),
        ("TYPE6", "SOA: sets of this type belong to the zone"),
        ("TYPE252", "AXFR: sets of this type belong to the zone"),
    ],
)
def test_a_type_that_is_none_or_not_ours_is_refused(written: str, problem: str) -> None:
    record = {
        "name": "a.example",
        "type": written,
        "ttl": 60,
        "data": [],
        "state": "absent",
        "exclusive": True,
    }
    with pytest.raises(RecordError, match=problem):
        dns_update.wishes_of([record])
    wanted = {"name": "a.example", "type": written, "ttl": 60, "data": ['"x"']}
    if "the type" in problem:
        with pytest.raises(RecordError, match="the type is"):
            dns_served_info.wanted_of(wanted)
