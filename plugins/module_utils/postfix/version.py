# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of Postfix and of the TLS library that it runs with, and which parameters they have."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

_VERSION = later(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:-\S*)?")
_LIBRARY = later(r"([A-Za-z][\w-]*)\s+(\d+(?:\.\d+)*)")


# What is newer than 3.5.0, in the notation of Version.has.
SINCE: t.Final[t.Mapping[str, str]] = {
    name: releases
    for releases, names in (
        (
            "3.5.20 3.6.10 3.7.6 3.8.1 3.9",
            "smtpd_forbid_unauth_pipelining tls_config_file tls_config_name",
        ),
        (
            "3.5.23 3.6.13 3.7.9 3.8.4 3.9",
            "smtpd_forbid_bare_newline smtpd_forbid_bare_newline_exclusions",
        ),
        (
            "3.5.24 3.6.14 3.7.10 3.8.5 3.9",
            "cleanup_replace_stray_cr_lf smtpd_forbid_bare_newline_reject_code",
        ),
        (
            "3.6",
            """
            local_login_sender_maps postscreen_allowlist_interfaces postscreen_denylist_action
            smtpd_relay_before_recipient_restrictions smtpd_sasl_mechanism_filter
            """,
        ),
        (
            "3.7",
            """
            smtp_bind_address_enforce smtp_min_data_rate smtp_per_request_deadline
            smtpd_min_data_rate smtpd_per_request_deadline
            """,
        ),
        ("3.8", "smtpd_client_ipv4_prefix_length tls_ffdhe_auto_groups use_srv_lookup"),
        (
            "3.9",
            """
            lmtp_tls_enable_rpk smtp_tls_enable_rpk smtpd_tls_enable_rpk tlsproxy_tls_enable_rpk
            smtp_sasl_password_result_delimiter lmtp_sasl_password_result_delimiter
            """,
        ),
        (
            "3.10",
            """
            smtp_tlsrpt_enable smtp_tlsrpt_skip_reused_handshakes smtp_tlsrpt_socket_name
            smtpd_hide_client_session tls_required_enable
            """,
        ),
        ("3.10.5", "smtp_tls_enforce_sts_mx_patterns"),
        (
            "3.11",
            """
            requiretls_enable smtp_log_tls_feature_status lmtp_log_tls_feature_status
            smtp_requiretls_policy lmtp_requiretls_policy default_cache_db_type
            """,
        ),
    )
    for name in names.split()
}


class Version(t.NamedTuple):
    """A Postfix version, as ``mail_version`` spells it; a snapshot counts as patch 0 of its branch."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version in ``text``, such as ``3.10.13`` or the snapshot ``3.12-20260821``.

        Raises ValueError when ``text`` is not a Postfix version.
        """
        found = _VERSION.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a Postfix version, such as 3.10.13")
        major, minor, patch = found.groups(default="0")
        return cls(int(major), int(minor), int(patch))

    def has(self, releases: str) -> bool:
        """Tell whether this version has what first appeared in ``releases``.

        Postfix adds some parameters to the patch levels of older branches as well: ``3.5.20 3.7.6 3.9``
        means 3.9.0 and later, and the branches 3.5 and 3.7 from these patch levels on.
        """
        *backports, first = _versions(releases)
        if self >= first:
            return True
        return any(
            (self.major, self.minor) == (one.major, one.minor) and self.patch >= one.patch
            for one in backports
        )

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@functools.lru_cache(maxsize=256)
def _versions(releases: str) -> tuple[Version, ...]:
    """Return the versions in a text; the same few are asked for again and again."""
    return tuple(Version.parse(word) for word in releases.split())


class TlsLibrary(t.NamedTuple):
    """The TLS library that Postfix runs with, as ``postconf -T run-version`` names it."""

    name: str
    version: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> TlsLibrary:
        """Return the library in ``text``, such as ``OpenSSL 3.5.6 7 Apr 2026``; 1.1.1w is (1, 1, 1).

        Raises ValueError when ``text`` names no library.
        """
        found = _LIBRARY.match(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a TLS library, such as 'OpenSSL 3.5.6 7 Apr 2026'")
        return cls(found.group(1), tuple(int(part) for part in found.group(2).split(".")))

    def is_openssl(
        self, *, since: tuple[int, ...] = (), before: tuple[int, ...] = (1 << 16,)
    ) -> bool:
        """Tell whether this is OpenSSL of a version from ``since`` on and below ``before``."""
        return self.name == "OpenSSL" and since <= self.version < before

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(str(part) for part in self.version)}"


def since(parameter: str) -> t.Optional[Version]:
    """Return the first release with ``parameter`` when it is newer than 3.5.0, else None.

    Patch levels of older branches may have it too; ``available`` knows them.
    """
    releases = SINCE.get(parameter)
    return Version.parse(releases.split()[-1]) if releases else None


def available(parameter: str, *, postfix: Version) -> bool:
    """Tell whether this Postfix is new enough for ``parameter``; True for names that are not known here."""
    releases = SINCE.get(parameter)
    return releases is None or postfix.has(releases)


__all__ = ("SINCE", "TlsLibrary", "Version", "available", "since")
