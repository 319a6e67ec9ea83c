# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""THE table of parameters that Postfix is giving up or has given up (pure data).

From DEPRECATION_README and the tables of postconf(1), held against postconf 3.5, 3.7, 3.10 and 3.11.
"""

from __future__ import annotations

import typing as t

Kind = t.Literal["switch", "table", "elsewhere", "other"]


class Obsolete(t.NamedTuple):
    """One name: since which release postconf warns, and since which it is gone; empty for not yet.

    ``kind`` is ``switch`` for the yes-or-no parameters that security levels replaced, ``table`` for the old
    per-destination tables, ``elsewhere`` for what rules about keys or suites tell of. ``instead`` is the parameter to use, empty when none is needed.
    """

    parameter: str
    warned: str = ""
    removed: str = ""
    instead: str = ""
    kind: Kind = "other"


def _renamed(warned: str, pairs: str) -> tuple[Obsolete, ...]:
    words = pairs.split()
    return tuple(
        Obsolete(old, warned=warned, instead=new) for old, new in zip(words[::2], words[1::2])
    )


def _switches() -> t.Iterator[Obsolete]:
    for prefix, level in (
        ("smtpd", "smtpd_tls_security_level"),
        ("smtp", "smtp_tls_security_level"),
        ("lmtp", "lmtp_tls_security_level"),
        ("postscreen", "postscreen_tls_security_level"),
        ("tlsproxy", "tlsproxy_tls_security_level"),
        ("tlsproxy_client", "tlsproxy_client_security_level"),
    ):
        for name in ("use_tls", "enforce_tls"):
            yield Obsolete(f"{prefix}_{name}", warned="3.9", instead=level, kind="switch")
    for prefix in ("smtp", "lmtp"):
        yield Obsolete(
            f"{prefix}_tls_enforce_peername",
            warned="3.11",
            instead=f"{prefix}_tls_security_level",
            kind="switch",
        )


_ALL: t.Final = (
    *_switches(),
    Obsolete("smtp_tls_per_site", warned="3.9", instead="smtp_tls_policy_maps", kind="table"),
    Obsolete("lmtp_tls_per_site", warned="3.9", instead="lmtp_tls_policy_maps", kind="table"),
    Obsolete(
        "tlsproxy_client_per_site",
        warned="3.9",
        instead="tlsproxy_client_policy_maps",
        kind="table",
    ),
    Obsolete("disable_dns_lookups", warned="3.9", instead="smtp_dns_support_level"),
    Obsolete("smtpd_tls_dh1024_param_file", warned="3.9", kind="elsewhere"),
    Obsolete("smtpd_tls_eecdh_grade", warned="3.9", kind="elsewhere"),
    Obsolete("smtpd_tls_cipherlist", removed="2.3", instead="smtpd_tls_ciphers"),
    Obsolete("smtp_tls_cipherlist", removed="2.3", instead="smtp_tls_ciphers"),
    Obsolete("tls_legacy_public_key_fingerprints", removed="3.11"),
    Obsolete("smtp_cname_overrides_servername", warned="3.11"),
    Obsolete("lmtp_cname_overrides_servername", warned="3.11"),
    *_renamed(
        "3.11",
        """
        authorized_verp_clients smtpd_authorized_verp_clients
        fallback_relay smtp_fallback_relay
        lmtp_per_record_deadline lmtp_per_request_deadline
        postscreen_blacklist_action postscreen_denylist_action
        postscreen_dnsbl_ttl postscreen_dnsbl_max_ttl
        postscreen_dnsbl_whitelist_threshold postscreen_dnsbl_allowlist_threshold
        postscreen_whitelist_interfaces postscreen_allowlist_interfaces
        smtpd_client_connection_limit_exceptions smtpd_client_event_limit_exceptions
        smtpd_per_record_deadline smtpd_per_request_deadline
        smtp_per_record_deadline smtp_per_request_deadline
        tlsproxy_client_level tlsproxy_client_security_level
        tlsproxy_client_policy tlsproxy_client_policy_maps
        virtual_maps virtual_alias_maps
        """,
    ),
)
OBSOLETE: t.Final[t.Mapping[str, Obsolete]] = {one.parameter: one for one in _ALL}

__all__ = ("OBSOLETE", "Obsolete")
