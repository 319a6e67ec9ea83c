# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this host's resolver is on this host and checks DNSSEC (effects: reads files, asks it)."""

from __future__ import annotations

import os
import secrets
import socket
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import dnssec_question
from ansible_collections.hardened.mail.plugins.module_utils.starttls.deadline import seconds_until

RESOLV_CONF: t.Final = "/etc/resolv.conf"
_SECONDS: t.Final = 5.0
_TRIES: t.Final = 2


def problem(*, queue_directory: str, name: str = ".", port: int = 53) -> str:
    """Return why DANE would not hold with the resolver of this host, empty when it does.

    ``name`` is one that is signed; its answer must say that DNSSEC was checked.
    """
    text = _read(RESOLV_CONF)
    servers = dnssec_question.nameservers(text or "")
    remote = [one for one in servers if not dnssec_question.is_local(one)]
    if remote:
        return (
            f"nameserver {', '.join(remote)} in {RESOLV_CONF} is another host, and whoever sits between "
            "can forge its word that DNSSEC was checked"
        )
    # A daemon in the chroot reads the copy that was made when Postfix was started.
    copy = os.path.join(queue_directory, RESOLV_CONF.lstrip("/"))
    copied = _read(copy)
    if copied is not None and dnssec_question.nameservers(copied) != servers:
        return f"{copy} names other resolvers than {RESOLV_CONF}: restart Postfix, which copies it"
    return problem_of(servers, name=name, port=port)


def problem_of(servers: t.Iterable[str], *, name: str = ".", port: int = 53) -> str:
    """Return why one of the resolvers is not fit for DANE, empty when all are."""
    for server in servers:
        why = _does_not_check(server, name=name, port=port)
        if why:
            return f"the resolver {server} {why}"
    return ""


def _read(path: str) -> t.Optional[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read(1 << 16)
    except OSError:
        return None


def _does_not_check(server: str, *, name: str, port: int) -> str:
    try:
        answer = _ask(server, name=name, port=port)
    except OSError as error:
        return f"does not answer ({error.strerror or error})"
    if answer.rcode != "NOERROR":
        return f"answers {answer.rcode} for the name {name!r}, which must be one that is signed"
    if not answer.authentic:
        return f"does not check DNSSEC (no AD bit in its answer for {name!r})"
    return ""


def _ask(server: str, *, name: str, port: int) -> dnssec_question.Answer:
    """Return the answer of a resolver over UDP. Raises OSError."""
    number = secrets.randbelow(1 << 16)
    asked = dnssec_question.question(name, number=number)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    for turn in range(_TRIES):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((server, port))
            sock.send(asked)
            until = time.monotonic() + _SECONDS
            try:
                while True:
                    sock.settimeout(seconds_until(until))
                    try:
                        return dnssec_question.answer(sock.recv(1 << 16), number=number)
                    except dnssec_question.AnswerError:
                        # Somebody else's packet, or one that came late.
                        continue
            except socket.timeout:
                if turn + 1 == _TRIES:
                    raise
    raise OSError("no answer")


__all__ = ("problem", "problem_of")
