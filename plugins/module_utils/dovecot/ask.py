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
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Session,
    lenient_context,
    look,
)

_PATIENCE: t.Final = 10.0
_AT_ONCE: t.Final = 4
_PROTOCOLS: t.Final = {"imap": "imap", "pop3": "pop3", "submission": "smtp"}


@dataclass(frozen=True)
class Port:
    """A port of Dovecot and an address at which this host reaches it."""

    login: Login
    address: str
    proxy_protocol: bool = False

    def __str__(self) -> str:
        return f"{self.login.protocol} on port {self.login.port}"


def ports(view: DovecotView, listening: t.Collection[tuple[str, int]]) -> tuple[Port, ...]:
    """Return the ports of the configuration on which Dovecot listens."""
    found = []
    for login in view.logins:
        addresses = sorted(address for address, port in listening if port == login.port)
        if addresses:
            address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(addresses[0], addresses[0])
            found.append(Port(login, address, _proxy(view, login)))
    return tuple(found)


def _proxy(view: DovecotView, login: Login) -> bool:
    service = "managesieve-login" if login.protocol == "sieve" else f"{login.protocol}-login"
    return any(
        one.name == login.name and one.value("haproxy") == "yes"
        for one in view.listeners(service, "inet_listener")
    )


def ask_all(asked: t.Sequence[Port], *, deadline: float = _PATIENCE) -> dict[Port, Session]:
    """Return what every port does, a few at a time, one connection each of at most *deadline* seconds."""

    def ask(port: Port) -> Session:
        if port.login.protocol == "sieve":
            return _sieve(port, deadline=deadline)
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


def _sieve(port: Port, *, deadline: float) -> Session:
    """Look at a ManageSieve port (RFC 5804), which the prober does not speak."""
    facts: dict[str, t.Any] = {"stage": "connect"}
    try:
        with socket.create_connection((port.address, port.login.port), deadline) as sock:
            greeting = _until_ok(sock, deadline)
            facts.update(
                answered=True, banner=greeting[0], capabilities=tuple(greeting), stage="starttls"
            )
            if not any(line.upper().startswith('"STARTTLS"') for line in greeting):
                return Session(**facts)
            facts["starttls_offered"] = True
            sock.sendall(b"STARTTLS\r\n")
            _until_ok(sock, deadline)
            facts["stage"] = "handshake"
            with lenient_context().wrap_socket(sock) as secured:
                cipher = secured.cipher()
                facts.update(
                    tls_established=True,
                    tls_version=secured.version(),
                    tls_cipher=cipher[0] if cipher else None,
                    leaf_certificate=secured.getpeercert(binary_form=True),
                    stage="done",
                )
    except (OSError, ssl.SSLError, EOFError) as error:
        facts["problem"] = f"{facts['stage']}: {error}"
    return Session(**facts)


def _until_ok(sock: socket.socket, seconds: float) -> list[str]:
    until, data = time.monotonic() + seconds, b""
    while True:
        lines = data.decode("utf-8", "replace").splitlines()
        if data.endswith(b"\n") and lines and lines[-1].startswith(("OK", "NO", "BYE")):
            if not lines[-1].startswith("OK"):
                raise EOFError(lines[-1][:200])
            return lines
        sock.settimeout(max(until - time.monotonic(), 0.01))
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
        if not problem or time.monotonic() > until:
            return problem
        time.sleep(0.05)


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
        sock.settimeout(max(until - time.monotonic(), 0.5))
        sock.connect(path)
        # 2.4 says nothing before it is greeted.
        sock.sendall(f"VERSION\t1\t2\nCPID\t{os.getpid()}\n".encode())
        data = b""
        while b"DONE\n" not in data:
            more = sock.recv(4096)
            if not more:
                raise OSError("the connection ended before the greeting was complete")
            data += more
    lines = [line.split("\t") for line in data.decode("ascii", "replace").splitlines()]
    return {line[1] for line in lines if line[0] == "MECH" and len(line) > 1}


__all__ = ("Port", "ask_all", "failures", "ports", "socket_problem")
