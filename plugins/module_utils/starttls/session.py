# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a mail server: greeting, capabilities, STARTTLS, handshake, capabilities again.

Import this file only where a connection is made: it imports ``ssl``.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    TALKS_EARLY,
    Dialogue,
    Event,
    Protocol,
    Session,
    Stage,
    Step,
    Target,
    printable,
)

# ssl.OP_LEGACY_SERVER_CONNECT has a name since Python 3.12 only.
_LEGACY_SERVER_CONNECT = 0x4
#: How the problem of a session ends whose time was over.
NO_ANSWER: t.Final = "no answer in time"


class WireError(Exception):
    """A connection could not be used; the text says why in plain words.

    ``refused``: the server gave a well-formed no, a TLS alert among them. ``stage``: the step, where it is known.
    """

    def __init__(
        self, text: str, *, refused: bool = False, stage: t.Optional[Stage] = None
    ) -> None:
        super().__init__(text)
        self.refused = refused
        self.stage = stage


class Wire:
    """A connected socket and the moment (``time.monotonic``) at which its use must end."""

    def __init__(self, sock: socket.socket, *, until: float) -> None:
        self.sock = sock
        self._until = until

    def send(self, data: bytes) -> None:
        """Send all of ``data``; raises WireError."""
        try:
            self._arm()
            self.sock.sendall(data)
        except (OSError, ValueError) as exc:
            raise WireError(words(exc)) from exc

    def receive(self, limit: int = 16384) -> bytes:
        """Return what arrived, at most ``limit`` bytes, ``b""`` when the peer closed; raises WireError."""
        try:
            self._arm()
            return self.sock.recv(limit)
        except (OSError, ValueError) as exc:
            raise WireError(words(exc)) from exc

    def peek(self, seconds: float = 0.0) -> t.Optional[bytes]:
        """Return the next byte without taking it, ``b""`` after the end, None when none comes."""
        if isinstance(self.sock, ssl.SSLSocket):
            return None
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return b""
        except OSError:
            return None

    def start_tls(self, context: ssl.SSLContext, *, server_name: t.Optional[str]) -> None:
        """Do the handshake; raises ssl.SSLCertVerificationError, or WireError for the rest."""
        try:
            secured = context.wrap_socket(
                self.sock, server_hostname=server_name, do_handshake_on_connect=False
            )
            self.sock = secured
            self._arm()
            secured.do_handshake()
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as exc:
            raise WireError(words(exc), refused="ALERT" in (exc.reason or "")) from exc
        except (OSError, ValueError) as exc:
            raise WireError(words(exc)) from exc

    def peer(self) -> t.Optional[str]:
        """Return the numeric address of the peer, None for a Unix socket."""
        try:
            address = self.sock.getpeername()
        except OSError:
            return None
        return address[0] if isinstance(address, tuple) else None

    def to_itself(self) -> bool:
        """Return whether this host is its own peer, at whatever address."""
        try:
            here, there = self.sock.getsockname(), self.sock.getpeername()
        except OSError:
            return False
        return isinstance(here, tuple) and here[0] == there[0]

    def hurry(self, seconds: float) -> None:
        """Allow at most ``seconds`` from now."""
        self._until = min(self._until, time.monotonic() + seconds)

    def close(self) -> None:
        """Close the connection, whatever its state."""
        try:
            self.sock.close()
        except OSError:
            return

    def _arm(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self.sock.settimeout(left)


def look(
    address: str,
    *,
    port: int,
    protocol: Protocol = "smtp",
    implicit_tls: bool = False,
    proxy_protocol: bool = False,
    unix_socket: t.Optional[str] = None,
    helo: str = "probe.invalid",
    deadline: float = 10.0,
) -> Session:
    """Look at a listener through one connection; trouble ends in ``problem``, never in an exception.

    ``deadline`` is in seconds and covers all steps. Nothing is verified and the oldest protocols
    and suites of the local library are offered, so that a badly configured server answers too.
    """
    target = Target(address, port, protocol, implicit_tls, proxy_protocol, unix_socket, helo, None)
    return look_at(target, until=time.monotonic() + deadline)


def look_at(target: Target, *, until: float, inside: bool = True) -> Session:
    """Like ``look``, for a Target and a moment of ``time.monotonic``.

    Without ``inside`` nothing is asked inside TLS.
    """
    facts: dict[str, t.Any] = {"stage": "connect"}
    wire: t.Optional[Wire] = None
    try:
        wire = connect(target, until=until)
        facts["peer"] = wire.peer()
        _walk(wire, target, facts, inside=inside)
    except (WireError, ssl.SSLError) as exc:
        facts["problem"] = describe(facts["stage"], target, str(exc))
    finally:
        if wire is not None:
            wire.close()
    return Session(**facts)


def _walk(wire: Wire, target: Target, facts: dict[str, t.Any], *, inside: bool) -> None:
    reach_tls(wire, target, facts)
    _handshake(wire, target, facts)
    if not inside:
        facts["stage"] = "done"
        return
    if target.implicit_tls:
        dialogue = _greet(wire, target, facts)
        facts["capabilities_tls"] = facts.pop("capabilities")
    else:
        facts["stage"] = "capabilities"
        dialogue = Dialogue(target.protocol, helo=target.helo, greeted=True)
        facts["capabilities_tls"] = converse(wire, dialogue, "capabilities").items
    facts["stage"] = "done"
    _leave(wire, dialogue)


def reach_tls(
    wire: Wire, target: Target, facts: dict[str, t.Any], *, injected: bytes = b""
) -> None:
    """Talk until the TLS handshake may start; raises WireError.

    ``facts`` is filled step by step with fields of Session, ``facts["stage"]`` is the step under
    way. ``injected`` goes out in one piece with the STARTTLS command.
    """
    if not target.implicit_tls:
        dialogue = _greet(wire, target, facts)
        facts["stage"] = "starttls"
        facts["starttls_offered"] = offers_starttls(target, facts["capabilities"])
        if not facts["starttls_offered"]:
            _leave(wire, dialogue)
            raise WireError("the server does not offer it")
        converse(wire, dialogue, "starttls", injected=injected)
    facts["stage"] = "handshake"
    if not injected and wire.peek():
        raise WireError(TALKS_EARLY)


def _greet(wire: Wire, target: Target, facts: dict[str, t.Any]) -> Dialogue:
    facts["stage"] = "greeting"
    dialogue = Dialogue(target.protocol, helo=target.helo)
    facts["banner"] = converse(wire, dialogue, "greeting").text
    facts["answered"] = True
    facts["stage"] = "capabilities"
    facts["capabilities"] = converse(wire, dialogue, "capabilities").items
    return dialogue


def _handshake(wire: Wire, target: Target, facts: dict[str, t.Any]) -> None:
    wire.start_tls(lenient_context(), server_name=target.server_name)
    secured = t.cast(ssl.SSLSocket, wire.sock)
    cipher = secured.cipher()
    facts["tls_established"] = True
    facts["tls_version"] = secured.version()
    facts["tls_cipher"] = cipher[0] if cipher else None
    facts["leaf_certificate"] = secured.getpeercert(binary_form=True)
    if hasattr(secured, "get_unverified_chain"):
        facts["chain"] = tuple(secured.get_unverified_chain() or ())


def lenient_context() -> ssl.SSLContext:
    """Return a client context that takes whatever the local TLS library can still speak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Names for old versions warn since Python 3.10, this one does not.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.options |= _LEGACY_SERVER_CONNECT
    # Anonymous suites last: a server that prefers the client's order shows its certificate.
    context.set_ciphers("ALL:+aNULL:@SECLEVEL=0")
    return context


def connect(target: Target, *, until: float) -> Wire:
    """Open the one connection and send the PROXY header if one is wanted; raises WireError."""
    if target.unix_socket is not None:
        wire = _dial(socket.AF_UNIX, target.unix_socket, until=until)
    else:
        wire = _dial_any(_resolve(target, until=until), until=until)
    if target.proxy_protocol:
        wire.send(_proxy_header(wire.sock))
    return wire


def _dial(family: int, address: t.Union[str, tuple[t.Any, ...]], *, until: float) -> Wire:
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as exc:
        raise WireError(words(exc)) from exc
    sock.settimeout(max(0.001, until - time.monotonic()))
    try:
        sock.connect(address)
    except (OSError, ValueError) as exc:
        sock.close()
        raise WireError(words(exc)) from exc
    return Wire(sock, until=until)


def _dial_any(found: list[tuple[t.Any, ...]], *, until: float) -> Wire:
    problem = WireError("the name has no address")
    for entry in found:
        try:
            return _dial(entry[0], entry[4], until=until)
        except WireError as exc:
            problem = exc
    raise problem


def _resolve(target: Target, *, until: float) -> list[tuple[t.Any, ...]]:
    """Ask the system's resolver in a thread of its own, because it knows no deadline."""
    try:
        return socket.getaddrinfo(
            target.address, target.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, ValueError, OverflowError):
        # A name, or nonsense that the resolver will name.
        found: list[tuple[t.Any, ...]] = []
    trouble: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(target.address, target.port, type=socket.SOCK_STREAM))
        except (OSError, ValueError, OverflowError) as exc:
            trouble.append(exc)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if trouble:
        raise WireError("the name has no address: " + words(trouble[0]))
    if thread.is_alive():
        raise WireError("the resolver gave no answer in time")
    return found


def _proxy_header(sock: socket.socket) -> bytes:
    """Return a PROXY protocol header, version 1, that tells the truth about this connection."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return b"PROXY UNKNOWN\r\n"
    here, there = sock.getsockname(), sock.getpeername()
    family = "TCP4" if sock.family == socket.AF_INET else "TCP6"
    addresses = " ".join(end[0].partition("%")[0] for end in (here, there))
    return f"PROXY {family} {addresses} {here[1]} {there[1]}\r\n".encode("ascii")


def converse(wire: Wire, dialogue: Dialogue, step: Step, *, injected: bytes = b"") -> Event:
    """Ask for ``step`` and return the server's yes; anything else is a WireError."""
    if step != "greeting":
        if wire.peek():
            raise WireError(TALKS_EARLY)
        wire.send(dialogue.ask(step) + injected)
    events: list[Event] = []
    while not events:
        # What follows the reply to an injection belongs to TLS and must stay in the socket.
        data = wire.receive(1) if injected else wire.receive()
        events = dialogue.feed(data) if data else [dialogue.closed()]
    bad = [event for event in events if event.kind in ("refused", "early", "broken")]
    if bad:
        said_no = bad[0].kind == "refused"
        raise WireError(("refused: " if said_no else "") + bad[0].text, refused=said_no)
    return events[0]


def _leave(wire: Wire, dialogue: Dialogue) -> None:
    """Say goodbye, so that the server's log shows no lost connection; the answer decides nothing."""
    wire.hurry(0.5)
    try:
        converse(wire, dialogue, "quit")
    except WireError:
        return


def offers_starttls(target: Target, capabilities: t.Iterable[str]) -> bool:
    """Tell whether ``capabilities`` name STARTTLS, which POP3 spells STLS (RFC 2595)."""
    return ("STLS" if target.protocol == "pop3" else "STARTTLS") in capabilities


def describe(stage: Stage, target: Target, text: str) -> str:
    """Return ``text`` with the step at which it happened."""
    where = target.unix_socket or f"{target.address} port {target.port}"
    label = {
        "connect": "connecting to " + where,
        "starttls": "STARTTLS",
        "handshake": "TLS handshake",
    }.get(stage, stage)
    return label + ": " + text


def words(exc: Exception) -> str:
    """Return what went wrong in plain words."""
    if isinstance(exc, socket.timeout):
        return NO_ANSWER
    if isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "the server closed the connection"
    if isinstance(exc, ssl.SSLError) and exc.reason == "WRONG_VERSION_NUMBER":
        return "the answer is not TLS"
    if isinstance(exc, ssl.SSLError) and exc.reason:
        return exc.reason.lower().replace("_", " ")
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    return printable(str(exc)) or type(exc).__name__


__all__ = (
    "NO_ANSWER",
    "Session",
    "Target",
    "Wire",
    "WireError",
    "connect",
    "converse",
    "describe",
    "lenient_context",
    "look",
    "look_at",
    "offers_starttls",
    "reach_tls",
    "words",
)
