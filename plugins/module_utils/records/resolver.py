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
    import dns.resolver

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
        said, reason = self._ask(name, type_)
        if said is None:
            return Answer("failed", reason=reason)
        code = said.rcode()
        if code == dns.rcode.SERVFAIL:
            # With checking disabled the resolver hands out what it would not believe.
            unchecked, _reason = self._ask(name, type_, checking=False)
            bogus = unchecked is not None and unchecked.rcode() != dns.rcode.SERVFAIL
            why = "DNSSEC: the signatures do not fit" if bogus else "SERVFAIL"
            return Answer("failed", reason=f"{why} (asked of {self.addresses[0]})", bogus=bogus)
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Answer(
                "failed", reason=f"{dns.rcode.to_text(code)} (asked of {self.addresses[0]})"
            )
        return _read(
            said,
            name,
            type_,
            secure=bool(said.flags & dns.flags.AD) if self.validates else None,
        )

    def _ask(self, name: str, type_: str, *, checking: bool = True) -> tuple[t.Any, str]:
        """Return the message and no reason, or nothing and the reason."""
        query = dns.message.make_query(name, type_, want_dnssec=True, payload=1232)
        query.flags |= dns.flags.AD if checking else dns.flags.CD
        reason = "no time is left"
        for _turn in range(_TRIES):
            for address in self.addresses:
                left = min(self.left(), _SECONDS_PER_TRY)
                if not left:
                    return None, reason
                try:
                    answer, _tcp = dns.query.udp_with_fallback(
                        query, address, timeout=left, port=self.port
                    )
                except dns.exception.Timeout:
                    reason = f"no answer from {address} port {self.port}"
                except (OSError, EOFError, ValueError, dns.exception.DNSException) as error:
                    reason = f"{address} port {self.port}: {error or type(error).__name__}"
                else:
                    return answer, ""
        return None, reason

    def _flags(self, name: str, type_: str) -> bool:
        said, _reason = self._ask(name, type_)
        return said is not None and bool(said.flags & dns.flags.AD)


def _of_this_host() -> tuple[str, ...]:
    try:
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
    return Answer("found", data, int(one.ttl), secure=secure, aliases=tuple(aliases))


__all__ = ("Resolver", "ResolverProblem")
