# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the ports and the login socket of the running Dovecot what they do (effects: sockets)."""

from __future__ import annotations

import concurrent.futures
import grp
import os
import pwd
import socket
import ssl
import stat
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_choices import (
    SocketChoice,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotView,
    Login,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import probe
from ansible_collections.hardened.mail.plugins.module_utils.postfix.processes import listening
from ansible_collections.hardened.mail.plugins.module_utils.starttls.deadline import seconds_until
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Session,
    lenient_context,
    look,
)

_PATIENCE: t.Final = 10.0
_OPEN_SECONDS: t.Final = 5.0
_POLL_SECONDS: t.Final = 0.05
_AT_ONCE: t.Final = 4
_SERVICES: t.Final = {"sieve": "managesieve-login", "lmtp": "lmtp"}
_PROTOCOLS: t.Final = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}


@dataclass(frozen=True)
class Port:
    """A port of Dovecot and an address at which this host reaches it."""

    login: Login
    address: str
    proxy_protocol: bool = False

    def __str__(self) -> str:
        return f"{self.login.protocol} on port {self.login.port}"


def ports(view: DovecotView, pid: int) -> tuple[Port, ...]:
    """Return the ports of the configuration on which Dovecot, whose main process is *pid*, listens."""
    found = []
    ends = listening(pid)
    for login in (*view.logins, *view.mail_ports):
        addresses = sorted(address for address, port in ends if port == login.port)
        if addresses:
            address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(addresses[0], addresses[0])
            found.append(Port(login, address, _proxy(view, login)))
    return tuple(found)


def _proxy(view: DovecotView, login: Login) -> bool:
    service = _SERVICES.get(login.protocol, f"{login.protocol}-login")
    return any(
        one.name == login.name and one.value("haproxy") == "yes"
        for one in view.listeners(service, "inet_listener")
    )


def await_ports(view: DovecotView, pid: int) -> tuple[tuple[Port, ...], list[int]]:
    """Wait a while until Dovecot listens on all its ports; return them, and those that are absent."""
    wanted = {login.port for login in (*view.logins, *view.mail_ports)}
    until = time.monotonic() + _OPEN_SECONDS
    while True:
        found = ports(view, pid)
        absent = sorted(wanted - {one.login.port for one in found})
        if not absent or time.monotonic() > until:
            return found, absent
        time.sleep(0.05)


def ask_all(asked: t.Sequence[Port], *, deadline: float = _PATIENCE) -> dict[Port, Session]:
    """Return what every port does, a few at a time, one connection each of at most *deadline* seconds."""

    def ask(port: Port) -> Session:
        if port.login.protocol in _STARTTLS:
            return _look(port, deadline=deadline)
        return look(
            port.address,
            port=port.login.port,
            protocol=t.cast(t.Any, _PROTOCOLS[port.login.protocol]),
            implicit_tls=port.login.implicit_tls,
            proxy_protocol=port.proxy_protocol,
            deadline=deadline,
        )

    if not asked:
        return {}
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(asked, pool.map(ask, asked)))


@dataclass(frozen=True)
class _Speech:
    """A protocol that the prober does not speak.

    ``good`` and ``bad`` are how the last line of such a reply begins; ``hello`` asks what the server offers, where it
    does not say so at once.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    hello: bytes = b""


#: ManageSieve (RFC 5804) and LMTP (RFC 2033).
_STARTTLS: t.Final[t.Mapping[str, _Speech]] = {
    "sieve": _Speech(("OK",), ("NO", "BYE")),
    "lmtp": _Speech(("220 ", "250 "), ("4", "5"), b"LHLO localhost\r\n"),
}


def _look(port: Port, *, deadline: float) -> Session:
    """Look at a port whose protocol the prober does not speak."""
    speech = _STARTTLS[port.login.protocol]
    facts: dict[str, t.Any] = {"stage": "connect"}
    try:
        with socket.create_connection((port.address, port.login.port), deadline) as plain:
            sock = plain
            if port.proxy_protocol:
                sock.sendall(b"PROXY UNKNOWN\r\n")
            if port.login.implicit_tls:
                sock = _secured(plain, facts)
            told = _reply(sock, speech, deadline)
            facts.update(answered=True, banner=told[0], stage="starttls")
            if speech.hello:
                sock.sendall(speech.hello)
                told = _reply(sock, speech, deadline)
            facts["capabilities"] = tuple(told)
            if not port.login.implicit_tls and any("STARTTLS" in line.upper() for line in told):
                facts["starttls_offered"] = True
                sock.sendall(b"STARTTLS\r\n")
                _reply(sock, speech, deadline)
                sock = _secured(sock, facts)
            if port.login.implicit_tls or facts.get("starttls_offered"):
                facts["stage"] = "done"
                sock.close()
    except (OSError, ssl.SSLError, EOFError) as error:
        facts["problem"] = f"{facts['stage']}: {error}"
    return Session(**facts)


def _secured(sock: socket.socket, facts: dict[str, t.Any]) -> ssl.SSLSocket:
    """Make the connection one with TLS, and note of what kind."""
    facts["stage"] = "handshake"
    secured = lenient_context().wrap_socket(sock)
    cipher = secured.cipher()
    facts.update(
        tls_established=True,
        tls_version=secured.version(),
        tls_cipher=cipher[0] if cipher else None,
        leaf_certificate=secured.getpeercert(binary_form=True),
    )
    return secured


def _reply(sock: socket.socket, speech: _Speech, seconds: float) -> list[str]:
    """Return the lines of a good reply. Raises OSError, and EOFError for a bad one."""
    until, data = time.monotonic() + seconds, b""
    while True:
        lines = data.decode("utf-8", "replace").splitlines()
        if data.endswith(b"\n") and lines:
            if lines[-1].startswith(speech.bad):
                raise EOFError(lines[-1][:200])
            if lines[-1].startswith(speech.good):
                return lines
        sock.settimeout(seconds_until(until))
        more = sock.recv(4096)
        if not more or len(data) > 65536:
            raise EOFError("the server ended the conversation")
        data += more


def failures(before: t.Mapping[Port, Session], after: t.Mapping[Port, Session]) -> list[str]:
    """Say what is wrong with each port, measured by what it did before; nothing of one that was dead before."""
    by_number = {port.login.port: session for port, session in before.items()}
    found = []
    for port, now in after.items():
        was = by_number.get(port.login.port)
        problem = probe.lost(was, now) if was else probe.unfit(now)
        if problem:
            found.append(f"{port}: {problem}")
    return found


def socket_problem(
    wanted: SocketChoice, mechanisms: t.Iterable[str], *, seconds: float = 5.0
) -> str:
    """Say what is wrong with the login socket, empty when Postfix gets what it needs there.

    It is asked until it answers, for at most *seconds*.
    """
    until = time.monotonic() + seconds
    while True:
        problem = _socket_problem(wanted, mechanisms, until=until)
        if not problem or time.monotonic() + _POLL_SECONDS > until:
            return problem
        time.sleep(_POLL_SECONDS)


def _socket_problem(wanted: SocketChoice, mechanisms: t.Iterable[str], *, until: float) -> str:
    try:
        status = os.stat(wanted.path)
        found = (
            pwd.getpwuid(status.st_uid).pw_name,
            grp.getgrgid(status.st_gid).gr_name,
            f"{stat.S_IMODE(status.st_mode):04o}",
        )
        if found != (wanted.owner, wanted.group, wanted.mode):
            return (
                f"the login socket {wanted.path} is {' '.join(found)}, not "
                f"{wanted.owner} {wanted.group} {wanted.mode}"
            )
        offered = _mechanisms(wanted.path, until=until)
    except (OSError, KeyError) as error:
        return f"the login socket {wanted.path} does not answer ({error})"
    lacking = sorted(one for one in mechanisms if one.upper() not in offered)
    return f"the login socket {wanted.path} does not offer {', '.join(lacking)}" if lacking else ""


def _mechanisms(path: str, *, until: float) -> set[str]:
    """Return the mechanisms that Dovecot tells a client of its authentication protocol."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds_until(until))
        sock.connect(path)
        # 2.4 says nothing before it is greeted.
        sock.sendall(f"VERSION\t1\t2\nCPID\t{os.getpid()}\n".encode())
        data = b""
        while b"DONE\n" not in data:
            sock.settimeout(seconds_until(until))
            more = sock.recv(4096)
            if not more:
                raise OSError("the connection ended before the greeting was complete")
            data += more
    lines = [line.split("\t") for line in data.decode("ascii", "replace").splitlines()]
    return {line[1] for line in lines if line[0] == "MECH" and len(line) > 1}


__all__ = ("Port", "ask_all", "await_ports", "failures", "ports", "socket_problem")
