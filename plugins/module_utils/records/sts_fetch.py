# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches an MTA-STS policy over HTTPS, as RFC 8461 section 3.3 wants it (effects)."""

from __future__ import annotations

import http.client
import io
import ssl
import time
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    POLICY_PATH,
    policy_host,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import shown
from ansible_collections.hardened.mail.plugins.module_utils.starttls.deadline import (
    dial,
    seconds_until,
)

_MOST_OCTETS: t.Final = 65536
#: For the header fields of the answer and of those before it (100 Continue).
_MOST_BESIDE: t.Final = 65536


def fetch_policy(
    domain: str,
    addresses: t.Sequence[str],
    *,
    timeout: float,
    ca_file: t.Optional[str] = None,
    port: int = 443,
) -> tuple[t.Optional[str], str]:
    """Return the text of the policy and no reason, or nothing and the reason.

    *addresses* are those of the policy host; they share the *timeout*. Redirects are not followed.
    """
    host = shown(policy_host(domain))
    if not addresses:
        return None, f"{host} has no address"
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        return None, f"{host}: {ca_file or 'the roots'} cannot be used: {error}"
    reason = ""
    until = time.monotonic() + timeout
    for turn, address in enumerate(addresses):
        share = max(0.0, until - time.monotonic()) / (len(addresses) - turn)
        try:
            return _fetch(host, address, until=time.monotonic() + share, context=context, port=port)
        except ssl.SSLCertVerificationError as error:
            reason = f"{host}: its certificate is not valid: {error.verify_message}"
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            reason = f"{host} ({address}): {error or type(error).__name__}"
    return None, reason


def _fetch(
    host: str, address: str, *, until: float, context: ssl.SSLContext, port: int
) -> tuple[t.Optional[str], str]:
    with dial(address, port, until=until) as plain:
        plain.settimeout(seconds_until(until))
        with context.wrap_socket(plain, server_hostname=host) as secured:
            connection = http.client.HTTPConnection(host)
            connection.sock = secured
            connection.request("GET", POLICY_PATH, headers={"Connection": "close"})
            answer = http.client.HTTPResponse(t.cast("t.Any", _Incoming(secured, until=until)))
            answer.begin()
            text = answer.read(_MOST_OCTETS).decode("utf-8")
            kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if answer.status != 200:
        return None, f"{host} answers {answer.status} for {POLICY_PATH}"
    if kind != "text/plain":
        return None, f"{host} serves the policy as {kind or 'no type at all'}, not as text/plain"
    return text, ""


class _Incoming(io.RawIOBase):
    """What comes on a connection, until a moment and up to a length, however small its pieces are."""

    def __init__(self, sock: ssl.SSLSocket, *, until: float) -> None:
        super().__init__()
        self._sock, self._until = sock, until
        self._left = _MOST_OCTETS + _MOST_BESIDE

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a stream, as ``HTTPResponse`` asks a socket for it."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: t.Any) -> int:
        """Read some octets. Raises OSError."""
        self._sock.settimeout(seconds_until(self._until))
        number = self._sock.recv_into(buffer)
        self._left -= number
        if self._left < 0:
            raise OSError("its answer is too long")
        return number


__all__ = ("fetch_policy",)
