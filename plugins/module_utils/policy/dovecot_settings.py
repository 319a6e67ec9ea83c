# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of settings for Dovecot: what 2.3 and 2.4 call them, what they get, why, and from where that is known (pure).

A setting has rules; the first rule whose words all hold gives the value, and a setting without such a rule
is not written. The words are those of ``dovecot_resolve.facts``; ``!`` negates one. ``{name}`` is filled in.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import Rule

Area = t.Literal["tls", "certificates", "login", "limits", "socket"]
AREAS: t.Final[t.Mapping[Area, str]] = {
    "tls": "TLS on IMAP, POP3, LMTP and ManageSieve",
    "certificates": "Certificates",
    "login": "Logging in",
    "limits": "Limits",
    "socket": "The login socket of Postfix",
}

#: ECDHE with AES-GCM or ChaCha20-Poly1305, the suites of the profile in Postfix.
SUITES: t.Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
SUITES_TLS13: t.Final = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
GROUPS: t.Final = "X25519:prime256v1:secp384r1"
#: For each thing that is repeated, the facts that fill it in.
Each = t.Literal["", "sni", "protocol"]


@dataclass(frozen=True)
class DovecotSetting:
    """One setting: its name in 2.3 and in 2.4, empty where that version has none.

    ``section`` are the titles around it; with ``each`` it is written once for each name of SNI or each
    protocol that is switched on.
    """

    old: str
    new: str
    area: Area
    rules: tuple[Rule, ...]
    reason: str
    source: str
    section: tuple[str, ...] = ()
    each: Each = ""


_CONNECTIONS: t.Final = "Dovecot, Settings reference: mail_max_userip_connections"
_PAIR_SOURCE: t.Final = "Dovecot, SSL/TLS configuration"
_SOCKET: t.Final = ("service auth", "unix_listener {socket}")
_SOCKET_SOURCE: t.Final = "Dovecot, Postfix and Dovecot SASL; postconf(5) smtpd_sasl_path"


def _pair(
    old: str,
    new: str,
    *,
    fact: str,
    path: str,
    reason: str,
    section: tuple[str, ...] = (),
    each: Each = "",
) -> DovecotSetting:
    """Return a setting that names a file; 2.3 reads what stands behind ``<``."""
    rules = (Rule(f"{fact} 2.4", f"{{{path}}}"), Rule(fact, f"<{{{path}}}"))
    return DovecotSetting(old, new, "certificates", rules, reason, _PAIR_SOURCE, section, each)


SETTINGS: t.Final[tuple[DovecotSetting, ...]] = (
    DovecotSetting(
        "ssl",
        "ssl",
        "tls",
        (Rule("", "required"),),
        "Nobody logs in without TLS; who sits between mail program and server cannot take it away.",
        "RFC 8314 section 4.1; Dovecot, SSL/TLS configuration",
    ),
    DovecotSetting(
        "disable_plaintext_auth",
        "auth_allow_cleartext",
        "tls",
        (Rule("2.4", "no"), Rule("", "yes")),
        "No password is taken on a connection that can be read.",
        "RFC 8314 section 3; Dovecot, Authentication mechanisms",
    ),
    DovecotSetting(
        "ssl_min_protocol",
        "ssl_min_protocol",
        "tls",
        (Rule("", "TLSv1.2"),),
        "TLS 1.2 and later.",
        "RFC 8996; RFC 9325 section 3.1.1",
    ),
    DovecotSetting(
        "ssl_cipher_list",
        "ssl_cipher_list",
        "tls",
        (
            Rule(
                "strict",
                f"{SUITES}:@SECLEVEL=2",
                "And no signature with SHA-1, no key below 112 bits.",
            ),
            Rule("", SUITES),
        ),
        "ECDHE with AEAD: six suites of TLS 1.2.",
        "RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
    ),
    DovecotSetting(
        "ssl_cipher_suites",
        "ssl_cipher_suites",
        "tls",
        (Rule("", SUITES_TLS13),),
        "The three suites of TLS 1.3 that mail programs have.",
        "RFC 8446 section 9.1",
    ),
    DovecotSetting(
        "ssl_curve_list",
        "ssl_curve_list",
        "tls",
        (
            Rule(
                "openssl>=3.5",
                f"X25519MLKEM768:{GROUPS}",
                "The hybrid with ML-KEM first: what is recorded today stays closed to a quantum computer.",
            ),
            Rule("", GROUPS),
        ),
        "Groups that mail programs have and that are strong.",
        "RFC 9325 section 4.2.1; Mozilla Server Side TLS 6.0",
    ),
    DovecotSetting(
        "ssl_prefer_server_ciphers",
        "ssl_server_prefer_ciphers",
        "tls",
        (Rule("2.4", "client"), Rule("", "no")),
        "All suites are good, so the client takes the one that suits its hardware.",
        "Mozilla Server Side TLS 6.0, intermediate",
    ),
    DovecotSetting(
        "ssl_dh",
        "ssl_server_dh_file",
        "tls",
        (Rule("", ""),),
        "No suite with classic Diffie-Hellman is offered, so its parameters are not needed.",
        "Dovecot, SSL/TLS configuration",
    ),
    _pair(
        "ssl_cert",
        "ssl_server_cert_file",
        fact="certificates",
        path="certificate",
        reason="The certificate that you gave.",
    ),
    _pair(
        "ssl_key", "ssl_server_key_file", fact="certificates", path="key", reason="Its private key."
    ),
    _pair(
        "ssl_alt_cert",
        "ssl_server_alt_cert_file",
        fact="second-certificate",
        path="certificate2",
        reason="The certificate with the other type of key.",
    ),
    _pair(
        "ssl_alt_key",
        "ssl_server_alt_key_file",
        fact="second-certificate",
        path="key2",
        reason="Its private key.",
    ),
    _pair(
        "ssl_cert",
        "ssl_server_cert_file",
        fact="",
        path="certificate",
        reason="For mail programs that ask for this name.",
        section=("local_name {name}",),
        each="sni",
    ),
    _pair(
        "ssl_key",
        "ssl_server_key_file",
        fact="",
        path="key",
        reason="Its private key.",
        section=("local_name {name}",),
        each="sni",
    ),
    *(
        DovecotSetting(
            f"ssl_alt_{part}",
            f"ssl_server_alt_{part}_file",
            "certificates",
            (Rule("", ""),),
            "Else the other certificate of the host would be sent for this name as well.",
            _PAIR_SOURCE,
            ("local_name {name}",),
            "sni",
        )
        for part in ("cert", "key")
    ),
    DovecotSetting(
        "auth_mechanisms",
        "auth_mechanisms",
        "login",
        (Rule("", "{mechanisms}"),),
        "The mechanisms that you chose; inside TLS a password needs no other protection on its way.",
        "RFC 8314 section 3; RFC 6331",
    ),
    DovecotSetting(
        "auth_username_chars",
        "auth_username_chars",
        "login",
        (Rule("unusual-names", "{username_chars}"),),
        "Dovecot refuses a name with any other character, and some of your users have them.",
        "Dovecot, Settings reference: auth_username_chars",
    ),
    DovecotSetting(
        "auth_verbose_passwords",
        "auth_verbose_passwords",
        "login",
        (Rule("", "no"),),
        "A password that was mistyped does not belong into a log.",
        "Dovecot, Settings reference: auth_verbose_passwords",
    ),
    DovecotSetting(
        "auth_failure_delay",
        "auth_failure_delay",
        "limits",
        (Rule("", "{failure_delay} secs"),),
        "Whoever guesses waits after each wrong password.",
        "Dovecot, Settings reference: auth_failure_delay",
    ),
    DovecotSetting(
        "mode",
        "mode",
        "limits",
        (Rule("penalty", "0600"), Rule("", "0")),
        "An address from which wrong passwords came waits longer each time, for at most 15 seconds.",
        "Dovecot, Authentication penalty",
        ("service anvil", "unix_listener anvil-auth-penalty"),
    ),
    DovecotSetting(
        "mail_max_userip_connections",
        "mail_max_userip_connections",
        "limits",
        (Rule("", "{max_connections}"),),
        "One user from one address does not take up the server.",
        _CONNECTIONS,
        ("protocol {name}",),
        "protocol",
    ),
    DovecotSetting(
        "vsz_limit",
        "vsz_limit",
        "limits",
        (Rule("hashes", "2G"),),
        "ARGON2 takes more memory for one password than the default limit leaves.",
        "Dovecot, Password schemes",
        ("service auth",),
    ),
    DovecotSetting(
        "vsz_limit",
        "vsz_limit",
        "limits",
        (Rule("hashes", "2G"),),
        "Some databases are asked by workers, which then check the password.",
        "Dovecot, Password schemes",
        ("service auth-worker",),
    ),
    DovecotSetting(
        "",
        "process_min_avail",
        "limits",
        (Rule("hashes", "1"),),
        "One worker is there from the start: until the first has told 2.4.1 how many there may be, it asks for any number of "
        "them, and logins that wait for one too many are forgotten.",
        "Dovecot, Service configuration",
        ("service auth-worker",),
    ),
    DovecotSetting(
        "",
        "process_limit",
        "limits",
        (Rule("hashes", "8"),),
        "A hash of ARGON2ID takes 64 MiB: with Dovecot's own limit of 30, guesses at known names would fill the memory of a small host.",
        "Dovecot, Service configuration",
        ("service auth-worker",),
    ),
    DovecotSetting(
        "mode",
        "mode",
        "socket",
        (Rule("socket", "{mode}"),),
        "Postfix may ask, nobody else.",
        _SOCKET_SOURCE,
        _SOCKET,
    ),
    DovecotSetting(
        "user",
        "user",
        "socket",
        (Rule("socket", "{owner}"),),
        "Postfix's account.",
        _SOCKET_SOURCE,
        _SOCKET,
    ),
    DovecotSetting(
        "group",
        "group",
        "socket",
        (Rule("socket", "{group}"),),
        "Its group.",
        _SOCKET_SOURCE,
        _SOCKET,
    ),
)

__all__ = ("AREAS", "GROUPS", "SETTINGS", "SUITES", "SUITES_TLS13", "Area", "DovecotSetting")
