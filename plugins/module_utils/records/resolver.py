# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a resolver, and believes of DNSSEC what it says (effects; needs dnspython)."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.dns_client import canonical
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer

with contextlib.suppress(ImportError):
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdatatype

_TRIES: t.Final = 2
_SECONDS_PER_TRY: t.Final = 5.0


class ResolverProblem(Exception):
    """There is no resolver to ask."""


class Resolver:
    """A ``Lookup`` that asks a resolver over UDP, over TCP when the answer is long, and once for each question.

    ``validates`` tells whether the resolver checks DNSSEC; None asks it for the root, which is signed.
    """

    def __init__(
        self,
        addresses: t.Sequence[str],
        *,
        port: int,
        timeout: float,
        validates: t.Optional[bool] = None,
    ) -> None:
        self.addresses = tuple(addresses) or _of_this_host()
        self.port = port
        self._deadline = time.monotonic() + timeout
        self._answers: dict[tuple[str, str], Answer] = {}
        self.validates = validates
        if validates is None:
            self.validates = self._flags(".", "SOA")

    def __call__(self, name: str, type_: str, /) -> Answer:
        """Return the answer; a failure is one too."""
        key = (name, type_)
        if key not in self._answers:
            self._answers[key] = self._look(name, type_)
        return self._answers[key]

    def asked(self) -> dict[tuple[str, str], Answer]:
        """Return all questions so far, with their answers."""
        return dict(self._answers)

    def left(self) -> float:
        """Return how many seconds are left for everything."""
        return max(0.0, self._deadline - time.monotonic())

    def _look(self, name: str, type_: str) -> Answer:
        """Ask one address after the other; one that cannot answer leaves the question to the next, as in the C library."""
        reasons: dict[str, str] = {}
        refused: set[str] = set()
        for address in self.addresses * _TRIES:
            if address in refused or not self.left():
                continue
            said, reasons[address] = self._ask(address, name, type_)
            if said is None:
                continue
            code = said.rcode()
            if code in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                secure = bool(said.flags & dns.flags.AD) if self.validates else None
                return _read(said, name, type_, secure=secure)
            if code == dns.rcode.SERVFAIL and self._is_bogus(address, name, type_):
                reason = f"DNSSEC: the signatures do not fit (asked of {address})"
                return Answer("failed", reason=reason, bogus=True)
            refused.add(address)
            reasons[address] = f"{dns.rcode.to_text(code)} (asked of {address})"
        return Answer("failed", reason="; ".join(reasons.values()) or "no time is left")

    def _is_bogus(self, address: str, name: str, type_: str) -> bool:
        """Return whether a resolver hands out with checking disabled what it does not believe."""
        said, _reason = self._ask(address, name, type_, checking=False)
        return said is not None and said.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)

    def _ask(
        self, address: str, name: str, type_: str, *, checking: bool = True
    ) -> tuple[t.Any, str]:
        """Return the message and no reason, or nothing and the reason."""
        query = dns.message.make_query(name, type_, want_dnssec=True, payload=1232)
        query.flags |= dns.flags.AD if checking else dns.flags.CD
        left = min(self.left(), _SECONDS_PER_TRY)
        try:
            answer, _tcp = dns.query.udp_with_fallback(query, address, timeout=left, port=self.port)
        except dns.exception.Timeout:
            return None, f"no answer from {address} port {self.port}"
        except (OSError, EOFError, ValueError, dns.exception.DNSException) as error:
            return None, f"{address} port {self.port}: {error or type(error).__name__}"
        return answer, ""

    def _flags(self, name: str, type_: str) -> bool:
        for address in self.addresses * _TRIES:
            if self.left():
                said, _reason = self._ask(address, name, type_)
                if said is not None:
                    return bool(said.flags & dns.flags.AD)
        return False


def _of_this_host() -> tuple[str, ...]:
    try:
        import dns.resolver  # noqa: PLC0415 - a tenth of a short run, and for this alone

        return tuple(map(str, dns.resolver.Resolver().nameservers))
    except dns.exception.DNSException as error:
        raise ResolverProblem(f"/etc/resolv.conf names no resolver ({error})") from error


def _read(said: t.Any, name: str, type_: str, *, secure: t.Optional[bool]) -> Answer:
    """Return the answer in a message, along its CNAME records."""
    at = dns.name.from_text(name)
    aliases: list[str] = []
    by_name = {
        (one.name, dns.rdatatype.to_text(one.rdtype)): one
        for one in said.answer
        if one.rdtype != dns.rdatatype.RRSIG
    }
    while type_ != "CNAME" and (at, "CNAME") in by_name and len(aliases) < len(by_name):
        at = by_name[at, "CNAME"][0].target
        aliases.append(at.to_text().lower())
    one = by_name.get((at, type_))
    if one is None:
        status = "no_name" if said.rcode() == dns.rcode.NXDOMAIN else "no_data"
        return Answer(t.cast("t.Any", status), secure=secure, aliases=tuple(aliases))
    data = tuple(sorted(canonical(type_, record.to_text()) for record in one))
    signed = any(every.rdtype == dns.rdatatype.RRSIG for every in said.answer)
    return Answer("found", data, int(one.ttl), secure=secure, aliases=tuple(aliases), signed=signed)


__all__ = ("Resolver", "ResolverProblem")
