# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches an MTA-STS policy over HTTPS, as RFC 8461 section 3.3 wants it (effects)."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    POLICY_PATH,
    policy_host,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import shown

_MOST_OCTETS: t.Final = 65536


def fetch_policy(
    domain: str,
    addresses: t.Sequence[str],
    *,
    timeout: float,
    ca_file: t.Optional[str] = None,
    port: int = 443,
) -> tuple[t.Optional[str], str]:
    """Return the text of the policy and no reason, or nothing and the reason.

    *addresses* are those of the policy host. Redirects are not followed.
    """
    host = shown(policy_host(domain))
    if not addresses:
        return None, f"{host} has no address"
    reason = ""
    for address in addresses:
        try:
            return _fetch(host, address, timeout=timeout, ca_file=ca_file, port=port)
        except ssl.SSLCertVerificationError as error:
            reason = f"{host}: its certificate is not valid: {error.verify_message}"
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            reason = f"{host} ({address}): {error or type(error).__name__}"
    return None, reason


def _fetch(
    host: str, address: str, *, timeout: float, ca_file: t.Optional[str], port: int
) -> tuple[t.Optional[str], str]:
    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection((address, port), timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        connection = http.client.HTTPConnection(host)
        connection.sock = secured
        connection.request("GET", POLICY_PATH, headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(_MOST_OCTETS).decode("utf-8")
        kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if answer.status != 200:
        return None, f"{host} answers {answer.status} for {POLICY_PATH}"
    if kind != "text/plain":
        return None, f"{host} serves the policy as {kind or 'no type at all'}, not as text/plain"
    return text, ""


__all__ = ("fetch_policy",)
