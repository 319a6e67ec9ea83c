# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions and updates for one name server over TCP, signed with TSIG (effects; needs dnspython)."""

from __future__ import annotations

import contextlib
import socket
import time
import traceback
import types
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import TsigKey
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    Change,
    Found,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.deadline import (
    dial,
    seconds_until,
)

#: Why dnspython cannot be used; None when it can.
DNSPYTHON_MISSING: t.Optional[str] = None
try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.opcode
    import dns.query
    import dns.rcode
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rrset
    import dns.tsig
    import dns.update
except ImportError:
    DNSPYTHON_MISSING = traceback.format_exc()
else:
    #: What a server says when a condition of an update does not hold (RFC 2136 section 2.2).
    _DO_NOT_HOLD: t.Final = (
        dns.rcode.NXRRSET,
        dns.rcode.YXRRSET,
        dns.rcode.YXDOMAIN,
        dns.rcode.NXDOMAIN,
    )

#: Conditions in one message, which must not grow beyond 64 KiB.
_CONDITIONS: t.Final = 100

#: What may stand at a name where an alias is wished.
_BESIDE: t.Final = (
    "A",
    "AAAA",
    "MX",
    "TXT",
    "SRV",
    "CAA",
    "TLSA",
    "PTR",
    "NS",
    "SOA",
    "HTTPS",
    "SVCB",
)


class ServerProblem(Exception):
    """The server could not be asked, or said no; the text says what and what to do.

    ``unknown`` tells that an update was sent and its answer never came.
    """

    unknown = False


class Changed(ServerProblem):
    """A prerequisite did not hold: what was read is not what is there now."""


def canonical(type_: str, data: str) -> str:
    """Return record data as the server's answers are compared: parsed, names in lower case.

    Raises ValueError with what is wrong.
    """
    try:
        kind = dns.rdatatype.from_text(type_)
        read = dns.rdata.from_text(
            dns.rdataclass.IN, kind, data, origin=dns.name.root, relativize=False
        )
        octets = read.to_digestable(dns.name.root)
        again = dns.rdata.from_wire(dns.rdataclass.IN, kind, octets, 0, len(octets))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(
            f"{type_} {data!r} is no record: {error or type(error).__name__}"
        ) from None
    return str(again.to_text())


def type_of(type_: str) -> str:
    """Return a type as it is written here: ``TXT`` for ``txt`` and ``TYPE16`` (RFC 3597). Raises ValueError."""
    try:
        return str(dns.rdatatype.to_text(dns.rdatatype.from_text(type_)))
    except (dns.exception.DNSException, ValueError):
        raise ValueError(
            f"the type is {type_!r}: expected one such as TXT, or TYPE and its number"
        ) from None


class CnameThere(ServerProblem):
    """The name is an alias, beside which nothing can stand."""


class NoWord(ServerProblem):
    """The server does not say whether a condition holds."""


class Unsure(ServerProblem):
    """No answer came to what was sent."""

    unknown = True


class Server:
    """A name server on one TCP connection that lasts as long as the block.

    Every question and answer is signed with the key, if there is one.
    """

    def __init__(
        self, host: str, *, port: int, timeout: float, key: t.Optional[TsigKey] = None
    ) -> None:
        self.host, self.port = host, port
        self.where = f"{host} port {port}"
        self._deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._key = key
        self._socket: t.Optional[socket.socket] = None
        # The zone of each name, as far as an answer has told.
        self._zones: dict[str, str] = {}
        # Zones of which the server does not say whether a condition holds, and why.
        self._mute: dict[str, NoWord] = {}
        # Whether the last message may have reached the server.
        self._sent = False

    def __enter__(self) -> Server:
        """Return the server; the connection is made with the first question."""
        return self

    def __exit__(
        self,
        kind: t.Optional[type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def left(self) -> float:
        """Return how many seconds are left for everything."""
        return max(0.0, self._deadline - time.monotonic())

    def read(self, name: str, type_: str) -> Found:
        """Return the set as the server has it. Raises ServerProblem, for a CNAME in the way too."""
        answer = self._ask(name, type_)
        data: list[str] = []
        ttl = 0
        for one in answer.answer:
            kind = dns.rdatatype.to_text(one.rdtype)
            if one.name != dns.name.from_text(name):
                continue
            if kind == "CNAME" and type_ != "CNAME":
                raise CnameThere(
                    f"{name} is a CNAME for {one[0].to_text()}, and nothing can stand beside a CNAME:"
                    f" remove the CNAME, or publish {type_} at the name it points to"
                )
            if kind == type_:
                ttl = one.ttl
                data += (canonical(type_, record.to_text()) for record in one)
        return Found(ttl, tuple(sorted(data))) if data else Found()

    def zone_of(self, name: str) -> str:
        """Return the zone of this server that has the name; it is asked once. Raises ServerProblem."""
        if name not in self._zones:
            answer = self._ask(name, "SOA")
            own = dns.name.from_text(name)
            if any(one.rdtype == dns.rdatatype.SOA and one.name == own for one in answer.answer):
                self._zones[name] = name
            elif answer.answer and "." in name.rstrip("."):
                # An alias is answered in place of the question, and is never the apex of a zone.
                self._zones[name] = self.zone_of(name.partition(".")[2])
        if name not in self._zones:
            raise ServerProblem(f"{self.where} named no zone for {name}")
        return self._zones[name]

    def zone_told(self, name: str) -> t.Optional[str]:
        """Return the zone of a name, None as long as no answer has told it."""
        return self._zones.get(name)

    def soa(self, zone: str) -> tuple[str, int]:
        """Return the primary server that the SOA record names, and the serial number. Raises ServerProblem."""
        for one in self._ask(zone, "SOA").answer:
            if one.rdtype == dns.rdatatype.SOA:
                return str(one[0].mname.to_text()).lower(), int(one[0].serial)
        raise ServerProblem(
            f"{zone} is not the apex of a zone of {self.where}: look for its zone with dig SOA {zone}"
        )

    def update(self, zone: str, changes: t.Sequence[Change]) -> None:
        """Make all changes or none. Raises ServerProblem, Changed when the sets are not as they were read."""
        message = dns.update.UpdateMessage(zone)
        for change in changes:
            beside = {one.type for one in changes if one.name == change.name and not one.after.data}
            _require(message, change, beside)
        # A server makes them in this order, and an alias and other records may take each other's place.
        for change in changes:
            if change.before.data:
                message.delete(dns.name.from_text(change.name), change.type)
        for change in changes:
            for data in change.after.data:
                message.add(dns.name.from_text(change.name), change.after.ttl, change.type, data)
        answer = self._exchange(message, f"update {zone} on")
        code = answer.rcode()
        if code in _DO_NOT_HOLD:
            raise Changed(
                f"{self.where}: the records of {zone} are not as they were read a moment ago"
                f" ({dns.rcode.to_text(code)}): somebody else changes them too. Run it again"
            )
        if code != dns.rcode.NOERROR:
            raise ServerProblem(self._refusal(zone, code))

    def is_real(self, zone: str, name: str, type_: str) -> bool:
        """Return whether a name has a set of its own, and is not answered from a wildcard.

        Raises ServerProblem, NoWord among them.
        """
        message = dns.update.UpdateMessage(zone)
        message.present(dns.name.from_text(name), type_)
        return self._holds(zone, message)

    def are_real(self, zone: str, sets: t.Mapping[tuple[str, str], Found]) -> bool:
        """Return whether a zone itself has all of these sets as they are here. Raises ServerProblem, NoWord among them."""
        listed = list(sets.items())
        for start in range(0, len(listed), _CONDITIONS):
            message = dns.update.UpdateMessage(zone)
            for (name, type_), found in listed[start : start + _CONDITIONS]:
                data = (_rdata(type_, one) for one in found.data)
                message.present(dns.name.from_text(name), *data)
            if not self._holds(zone, message):
                return False
        return True

    def _holds(self, zone: str, conditions: t.Any) -> bool:
        """Return whether conditions hold: an update with conditions and without a change is a question.

        Raises ServerProblem, and NoWord when the server says neither.
        """
        if zone in self._mute:
            raise self._mute[zone]
        code = self._exchange(conditions, f"ask {zone} on").rcode()
        if code != dns.rcode.NOERROR and code not in _DO_NOT_HOLD:
            self._mute[zone] = NoWord(
                f"{self.where} answers {dns.rcode.to_text(code)} when it is asked which records of {zone} are there"
                " and which come from a wildcard: the key may not ask this (allow-update or update-policy of the zone),"
                " or the server is a secondary"
            )
            raise self._mute[zone]
        return bool(code == dns.rcode.NOERROR)

    def stands_at(self, zone: str, name: str) -> tuple[str, ...]:
        """Return the types of the sets that a name has of its own, those of DNSSEC left out. Raises ServerProblem.

        A server may refuse a question for all types (RFC 8482), so a condition tells whether there is one at all.
        """
        message = dns.update.UpdateMessage(zone)
        message.absent(dns.name.from_text(name))
        others: tuple[str, ...] = ()
        with contextlib.suppress(NoWord):
            if self._holds(zone, message):
                return ()
            others = ("other records",)
        return tuple(one for one in _BESIDE if self.read(name, one).data) or others

    def _ask(self, name: str, type_: str) -> t.Any:
        """Return an authoritative answer. Raises ServerProblem."""
        query = dns.message.make_query(name, type_, use_edns=0, payload=1232)
        query.flags &= ~dns.flags.RD
        answer = self._exchange(query, f"ask for {name} {type_} from")
        code = answer.rcode()
        if code == dns.rcode.REFUSED:
            raise ServerProblem(
                f"{self.where} refuses to answer for {name} (REFUSED): it has no zone with this name,"
                " or its allow-query does not let this host or key ask"
            )
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise ServerProblem(
                f"{self.where} answers {dns.rcode.to_text(code)} for {name} {type_}"
            )
        if not answer.flags & dns.flags.AA:
            raise ServerProblem(
                f"{self.where} is not authoritative for {name}: name the primary server of the zone"
            )
        if not answer.answer:
            # An answer that there is nothing comes with the SOA record of the zone (RFC 2308 section 3).
            for one in answer.authority:
                if one.rdtype == dns.rdatatype.SOA:
                    self._zones[name] = str(one.name.to_text()).lower()
        return answer

    def _refusal(self, zone: str, code: int) -> str:
        """Return in words why an update was turned down."""
        said = dns.rcode.to_text(code)
        if code == dns.rcode.NOTZONE:
            return f"{self.where} says that a name is not in the zone {zone} (NOTZONE): name the right zone"
        if code == dns.rcode.NOTAUTH:
            return (
                f"{self.where} is not the primary server of {zone} (NOTAUTH): {self._primary(zone)}"
            )
        if code in (dns.rcode.REFUSED, dns.rcode.NOTIMP):
            return (
                f"{self.where} does not take the update of {zone} ({said}):"
                " the key may not change these records (allow-update or update-policy of the zone),"
                " or the zone would be unsound, such as an MX whose host has no address, and its log says so,"
                f" or the server is a secondary; {self._primary(zone)}"
            )
        if code == dns.rcode.SERVFAIL:
            return (
                f"{self.where} could not make the update of {zone} (SERVFAIL): its log says why,"
                " often a zone file or journal that it may not write"
            )
        return f"{self.where} answers {said} to the update of {zone}"

    def _primary(self, zone: str) -> str:
        try:
            return f"by its SOA record the primary is {self.soa(zone)[0]}"
        except ServerProblem:
            return "which server is the primary could not be read"

    def _exchange(self, message: t.Any, doing: str) -> t.Any:
        """Send a message and return the answer, whose signature was checked. Raises ServerProblem."""
        what = f"Cannot {doing} {self.where}"
        if not self.left():
            raise ServerProblem(
                f"{what}: nothing is left of the {self._timeout:.3g} seconds for everything"
            )
        if self._key is not None:
            name = dns.name.from_text(self._key.name)
            key = dns.tsig.Key(name, self._key.secret, dns.name.from_text(self._key.algorithm))
            message.use_tsig(key)
        try:
            answer = self._send(message)
        except dns.tsig.PeerBadKey:
            raise ServerProblem(
                f"{what}: it does not know the key {self._name} with {self._algorithm} (BADKEY);"
                " is it the primary server of the zone?"
            ) from None
        except dns.tsig.PeerBadSignature:
            raise ServerProblem(
                f"{what}: its secret of the key {self._name} is another one (BADSIG)"
            ) from None
        except dns.tsig.PeerBadTime:
            raise ServerProblem(
                f"{what}: its clock and the one of this host are more than 300 seconds apart (BADTIME):"
                " set the clocks"
            ) from None
        except (dns.tsig.BadSignature, dns.tsig.BadTime, dns.message.UnknownTSIGKey) as error:
            raise Unsure(
                f"{what}: its answer is not signed with the key {self._name} ({type(error).__name__})"
            ) from None
        except (dns.exception.Timeout, socket.timeout):
            raise self._lost(f"{what}: no answer within {self._timeout:.3g} seconds") from None
        except (EOFError, ConnectionResetError, BrokenPipeError):
            raise self._lost(f"{what}: it closed the connection without an answer") from None
        except (OSError, dns.exception.DNSException) as error:
            raise self._lost(f"{what}: {str(error) or type(error).__name__}") from None
        if self._key is not None and not answer.had_tsig:
            raise Unsure(
                f"{what}: its answer ({dns.rcode.to_text(answer.rcode())}) is not signed, so it is not believed;"
                f" does it know the key {self._name}?"
            )
        return answer

    def _lost(self, text: str) -> ServerProblem:
        """Return the problem of an answer that did not come: without a connection nothing was sent."""
        return Unsure(text) if self._sent else ServerProblem(text)

    def _send(self, message: t.Any) -> t.Any:
        """Send on the open connection; a question once more on a new one when the server has closed it."""
        fresh = self._socket is None
        try:
            return self._send_once(message)
        except (EOFError, ConnectionError):
            self.close()
            # An update may have been made although its answer was lost; the conditions in it make a second one fail.
            if fresh or _changes(message):
                raise
            return self._send_once(message)

    def _send_once(self, message: t.Any) -> t.Any:
        self._sent = False
        if self._socket is not None and _changes(message):
            # A server may close a connection after any answer (RFC 7766 section 6.2.3), and an update is sent once.
            self.close()
        if self._socket is None:
            self._socket = dial(self.host, self.port, until=self._deadline)
            self._socket.setblocking(False)
        left = seconds_until(self._deadline)
        self._sent = True
        return dns.query.tcp(message, self.host, timeout=left, sock=self._socket)

    @property
    def _name(self) -> str:
        return self._key.name if self._key else ""

    @property
    def _algorithm(self) -> str:
        return self._key.algorithm if self._key else ""


def _changes(message: t.Any) -> bool:
    """Return whether a message changes something, and does not only ask."""
    return isinstance(message, dns.update.UpdateMessage) and bool(message.update)


def _require(message: t.Any, change: Change, going: t.AbstractSet[str]) -> None:
    """Make the update depend on the set being as it was read, and on nothing beside a CNAME but what is *going*."""
    name = dns.name.from_text(change.name)
    if change.before.data:
        message.present(name, *(_rdata(change.type, data) for data in change.before.data))
        return
    # A server leaves out a CNAME for a name that has other records, and makes the other changes (RFC 2136 section 3.4.2.2).
    if change.type == "CNAME" and not going:
        message.absent(name)
        return
    beside = _BESIDE if change.type == "CNAME" else ("CNAME",)
    for type_ in (change.type, *(one for one in beside if one not in going)):
        message.absent(name, type_)


def _rdata(type_: str, data: str) -> t.Any:
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(type_), data)


__all__ = (
    "DNSPYTHON_MISSING",
    "Changed",
    "CnameThere",
    "NoWord",
    "Server",
    "ServerProblem",
    "canonical",
    "type_of",
)
