# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server on loopback that says what a test wants, signed as it was asked; dnspython reads and writes its messages."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
import typing as t

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.update

ZONE: t.Final = "example.org."
SECRET: t.Final = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
RING: t.Final = dns.tsigkeyring.from_text({"k.": ("hmac-sha256", SECRET)})

#: What a server says to a message: a message, bytes that are none, or nothing, and then it closes the connection.
Said = t.Union[dns.message.Message, bytes, None]


def said(query: dns.message.Message, *sets: dns.rrset.RRset, rcode: int = 0) -> dns.message.Message:
    """Return an authoritative answer."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    answer.set_rcode(dns.rcode.Rcode(rcode))
    answer.answer += sets
    return answer


def rrset(name: str, type_: str, *data: str, ttl: int = 300) -> dns.rrset.RRset:
    """Return a set of records."""
    return dns.rrset.from_text(name, ttl, "IN", type_, *data)


class Zones:
    """Zones in memory: they answer questions and make updates as RFC 2136 says, all changes or none.

    The sets are those of all zones, each in the nearest one. ``asked`` are the questions that came, ``conditions`` and
    ``updates`` count messages without and with a change. With ``condition_rcode`` conditions are answered with nothing else.
    """

    def __init__(
        self, *sets: dns.rrset.RRset, apexes: t.Sequence[str] = (ZONE,), condition_rcode: int = 0
    ) -> None:
        self._sets: dict[str, dict[tuple[str, str], dns.rrset.RRset]] = {one: {} for one in apexes}
        self._serial = 1
        self._condition_rcode = condition_rcode
        self.asked: list[tuple[str, str]] = []
        self.conditions = self.updates = 0
        for one in sets:
            name = one.name.to_text()
            self._sets[self._apex(name)][name, dns.rdatatype.to_text(one.rdtype)] = one

    def data(self, name: str, type_: str) -> list[str]:
        """Return what a set holds."""
        return _texts(self._sets[self._apex(name)].get((name, type_)))

    def __call__(self, query: dns.message.Message) -> Said:
        """Answer a message."""
        if isinstance(query, dns.update.UpdateMessage):
            return said(query, rcode=self._update(query))
        (question,) = query.question
        name, type_ = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, type_))
        apex = self._apex(name)
        soa = rrset(apex, "SOA", f"ns1.{apex} h.{apex} {self._serial} 2 3 4 5")
        if (name, type_) == (apex, "SOA"):
            return said(query, soa)
        sets = self._sets[apex]
        source = self._source(name, apex)
        for one in (type_, "CNAME"):
            if (source, one) in sets:
                return said(query, rrset(name, one, *_texts(sets[source, one])))
        answer = said(query)
        answer.authority.append(soa)
        return answer

    def _apex(self, name: str) -> str:
        return max((one for one in self._sets if f".{name}".endswith(f".{one}")), key=len)

    def _source(self, name: str, apex: str) -> str:
        """Return the name whose sets answer: the name itself, or a wildcard (RFC 4592)."""
        names = {one for one, _type in self._sets[apex]} | {apex}
        source = name
        while not any(f".{one}".endswith(f".{source}") for one in names):
            source = source.partition(".")[2]
        return name if source == name else f"*.{source}"

    def _update(self, query: dns.update.UpdateMessage) -> int:
        sets = self._sets[query.zone[0].name.to_text()]
        if not query.update:
            self.conditions += 1
            if self._condition_rcode:
                return self._condition_rcode
        for one in query.prerequisite:
            name, type_ = one.name.to_text(), dns.rdatatype.to_text(one.rdtype)
            if type_ == "ANY":
                there = any(at == name for at, _type in sets)
            else:
                there = (name, type_) in sets
            if one.deleting == dns.rdataclass.NONE and there:
                return int(dns.rcode.YXDOMAIN if type_ == "ANY" else dns.rcode.YXRRSET)
            if one.deleting != dns.rdataclass.NONE and not there:
                return int(dns.rcode.NXRRSET)
            if one.deleting is None and set(one) != set(sets[name, type_]):
                return int(dns.rcode.NXRRSET)
        for one in query.update:
            _change(sets, one)
        self.updates += bool(query.update)
        self._serial += bool(query.update)
        return 0


def _texts(one: t.Optional[dns.rrset.RRset]) -> list[str]:
    return sorted(record.to_text() for record in one or ())


def _change(sets: dict[tuple[str, str], dns.rrset.RRset], one: dns.rrset.RRset) -> None:
    name, type_ = one.name.to_text(), dns.rdatatype.to_text(one.rdtype)
    if one.deleting == dns.rdataclass.ANY:
        sets.pop((name, type_), None)
        return
    others = {kind for at, kind in sets if at == name and kind != type_}
    # What cannot stand beside the other is left out without a word (RFC 2136 section 3.4.2.2).
    if "CNAME" not in others and not (type_ == "CNAME" and others):
        texts = {*_texts(sets.get((name, type_))), *_texts(one)}
        sets[name, type_] = rrset(name, type_, *sorted(texts), ttl=one.ttl)


def _both(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return sockets for TCP and UDP on one port, any that is free for both when it is 0."""
    for turn in range(50):
        tcp = socket.create_server((address, port), backlog=50)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            if port or turn == 49:
                raise
        else:
            return tcp, udp
    raise AssertionError


class NameServer:
    """Serves TCP and UDP on one port of loopback until the end of the block.

    ``answers_each`` is how many messages a TCP connection is good for, ``late`` how many seconds each answer takes.
    """

    def __init__(
        self,
        answer: t.Callable[[dns.message.Message], Said],
        *,
        answers_each: t.Optional[int] = None,
        late: float = 0.0,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._answer, self._each, self._late = answer, answers_each, late
        self._tcp, self._udp = _both(address, port)
        self.port: int = self._tcp.getsockname()[1]
        self.connections = 0
        self.messages = 0
        for serve in (self._serve_tcp, self._serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def __enter__(self) -> NameServer:
        """Return the server, which ends with the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Take no more."""
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.close()

    def _reply(self, octets: bytes) -> t.Optional[bytes]:
        query = dns.message.from_wire(octets, keyring=RING)
        self.messages += 1
        time.sleep(self._late)
        answer = self._answer(query)
        return answer.to_wire(max_size=65535) if isinstance(answer, dns.message.Message) else answer

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                octets, client = self._udp.recvfrom(65535)
                reply = self._reply(octets)
                if reply is not None:
                    self._udp.sendto(reply, client)

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _client = self._tcp.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(conn,), daemon=True).start()

    def _talk(self, conn: socket.socket) -> None:
        conn.settimeout(30)
        with conn, conn.makefile("rb") as stream, contextlib.suppress(OSError, struct.error):
            number = 0
            while number != self._each:
                (length,) = struct.unpack("!H", stream.read(2))
                reply = self._reply(stream.read(length))
                if reply is None:
                    return
                conn.sendall(struct.pack("!H", len(reply)) + reply)
                number += 1
