# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""THE table of hardened settings: what Postfix gets, why, and from where the knowledge is.

Every parameter here is owned by one role: it has a value or it is removed. A setting has rules; the first
rule whose condition holds gives the value. A condition is a list of words that must all hold: the facts of
``policy.resolve`` (``inbound:interop``, ``certificates``), ``postfix>=3.6``, ``openssl<3``; ``!`` negates.
"""

from __future__ import annotations

import enum
import typing as t

Area = t.Literal["inbound", "outbound", "lmtp", "shared", "logging", "hygiene", "removed"]
AREAS: t.Final[t.Mapping[Area, str]] = {
    "inbound": "Port 25 in: the SMTP server, postscreen and tlsproxy",
    "outbound": "Port 25 out: the SMTP client",
    "lmtp": "The LMTP client",
    "shared": "Server and clients",
    "logging": "What the log and the Received header show",
    "hygiene": "SMTP hygiene",
    "removed": "Superseded spellings, always removed",
}

# Releases that the laboratory has; the others are from the documentation.
LABORATORY: t.Final = frozenset({(3, 5), (3, 7), (3, 10), (3, 11)})

# With TLS 1.2 and later it leaves ECDHE with AES-GCM or ChaCha20-Poly1305, and nothing else.
AEAD_ONLY: t.Final = (
    "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
)
CONFIG_FILE: t.Final = "openssl-postfix.cnf"


class Action(enum.Enum):
    """What a rule does when it gives no value."""

    REMOVE = "remove"
    KEEP = "keep"


class Edit(t.NamedTuple):
    """A change of the site's own list: words that must be in it, and words that must not."""

    first: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


REMOVE: t.Final = Action.REMOVE
KEEP: t.Final = Action.KEEP
Value = t.Union[str, Action, Edit]


class Rule(t.NamedTuple):
    """A value for the hosts where ``when`` holds; an empty ``reason`` means the setting's own.

    ``{name}`` in a value is filled in from the host and the choices. ``ran`` is False when no daemon of
    the laboratory has run it.
    """

    when: str
    value: Value
    reason: str = ""
    cost: t.Optional[str] = None
    ran: bool = True


class Setting(t.NamedTuple):
    """One parameter: its rules, why it is so, and the source besides its entry in postconf(5).

    ``judge`` names the way to compare a site's value with ours (``policy.floor``), "" when any value is
    as safe. ``like`` names the parameter whose value is the floor, when it is not this one.
    """

    parameter: str
    area: Area
    rules: tuple[Rule, ...]
    reason: str
    source: str = ""
    judge: str = ""
    like: str = ""


def _all(
    names: str,
    area: Area,
    *rules: Rule,
    reason: str,
    source: str = "",
    judge: str = "",
    like: str = "",
) -> tuple[Setting, ...]:
    """Return one setting per name; ``{}`` in ``like`` stands for the name after its first ``_tls_``."""
    return tuple(
        Setting(name, area, rules, reason, source, judge, like.format(name.partition("_tls_")[2]))
        for name in names.split()
    )


_COST_IN: t.Final = (
    "Peers may use TLS 1.0 and 1.1, CBC suites and suites without forward secrecy, which RFC 8996 and "
    "RFC 9325 forbid."
)
_OLD_IN: t.Final = "TLS 1.0 and later, so that an old peer need not send in clear text."
_OLD_OUT: t.Final = "Where clear text is allowed, TLS 1.0 still beats clear text."
_COST_OUT: t.Final = (
    "An old server may still get TLS 1.0 or 1.1, CBC or a suite without forward secrecy; "
    "refusing these was measured to end in clear text."
)
_KEPT: t.Final = "The host already had this level, and hardening does not lower it."
_ENCRYPT_COST: t.Final = "A host without TLS cannot deliver mail here."

_INBOUND: t.Final = (
    *_all(
        "smtpd_tls_security_level",
        "inbound",
        Rule(
            "inbound-level:encrypt",
            "encrypt",
            "You chose to demand TLS; RFC 3207 section 4 forbids that on the MX of a public domain.",
            _ENCRYPT_COST,
        ),
        Rule("found-inbound:encrypt", "encrypt", _KEPT, _ENCRYPT_COST),
        Rule(
            "no-certificate",
            "none",
            "There is no certificate, and STARTTLS without one only fails.",
            "Mail arrives in clear text until there is a certificate.",
        ),
        Rule("", "may"),
        reason="Offers STARTTLS to everybody and demands it of nobody, as a public MX must.",
        source="RFC 3207 section 4",
        judge="server_level",
    ),
    *_all(
        "smtpd_tls_auth_only",
        "inbound",
        Rule("", "yes"),
        reason="Never offers AUTH before TLS, whatever a service does with SASL.",
        source="RFC 4954 section 4",
        judge="yes",
    ),
    *_all(
        "smtpd_tls_chain_files",
        "inbound",
        Rule("certificates", "{chain_files}"),
        Rule("", KEEP),
        reason="The certificates that you gave, each key before its chain.",
        source="TLS_README, Configuring the server certificate and key files",
    ),
    *_all(
        """
        smtpd_tls_cert_file smtpd_tls_key_file smtpd_tls_eccert_file smtpd_tls_eckey_file
        smtpd_tls_dcert_file smtpd_tls_dkey_file
        """,
        "inbound",
        Rule("certificates", REMOVE),
        Rule("", KEEP),
        reason="smtpd_tls_chain_files replaces it; Postfix would ignore it with a warning.",
        source="postconf(5) smtpd_tls_chain_files",
    ),
    *_all(
        "tls_server_sni_maps",
        "inbound",
        Rule("sni", "{sni_maps}"),
        Rule("own-sni site-sni", "{sni_maps}", "The site's own tables, without rows of sni."),
        Rule("own-sni", REMOVE, "There are no names of sni any more."),
        Rule("", KEEP),
        reason="Shows each name that a client asks for its own certificate; the files are read in place.",
    ),
    *_all(
        "smtpd_tls_protocols",
        "inbound",
        Rule("inbound:interop postfix>=3.6", ">=TLSv1", _OLD_IN, _COST_IN),
        Rule("inbound:interop", "!SSLv2, !SSLv3", _OLD_IN, _COST_IN),
        Rule("postfix>=3.6", ">=TLSv1.2"),
        Rule("", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
        reason="TLS 1.2 and later; naming no protocol alone keeps TLS 1.3 on.",
        source="RFC 8996; RFC 9325 section 3.1.1",
        judge="protocols",
    ),
    *_all(
        "smtpd_tls_mandatory_protocols",
        "inbound",
        Rule("postfix>=3.6", ">=TLSv1.2"),
        Rule("", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
        reason="The same floor for services that demand TLS, such as submission.",
        source="RFC 8997; RFC 9325 section 3.1.1",
        judge="protocols",
    ),
    *_all(
        "smtpd_tls_ciphers",
        "inbound",
        Rule("inbound:interop", "medium", "The grade that Postfix takes by default.", _COST_IN),
        Rule("", "high"),
        reason="Strong suites only; the exclusions below narrow them further.",
        source="RFC 9325 section 4.1",
        judge="grade",
    ),
    *_all(
        "smtpd_tls_mandatory_ciphers",
        "inbound",
        Rule("", "high"),
        reason="Strong suites only, where TLS is demanded.",
        source="RFC 9325 section 4.1",
        judge="grade",
    ),
    *_all(
        "smtpd_tls_exclude_ciphers",
        "inbound",
        Rule(
            "inbound:interop",
            "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS",
            "Old suites stay for old peers, but none without a certificate and none that is broken.",
            _COST_IN,
        ),
        Rule("", AEAD_ONLY),
        reason="Leaves ECDHE with AEAD: six suites of TLS 1.2, and those of TLS 1.3.",
        source="RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
        judge="exclude",
    ),
    *_all(
        "smtpd_tls_mandatory_exclude_ciphers",
        "inbound",
        Rule("", AEAD_ONLY),
        reason="The same suites where TLS is demanded; Postfix adds this list to the one above.",
        source="RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
        judge="exclude",
    ),
    *_all(
        "smtpd_tls_ask_ccert smtpd_tls_req_ccert",
        "inbound",
        Rule("client-certificates", KEEP),
        Rule("", REMOVE),
        reason="Strangers are not asked for a certificate: some clients stumble over the question.",
        source="TLS_README, Client certificate verification",
    ),
    *_all(
        "smtpd_tls_fingerprint_digest",
        "inbound",
        Rule("client-certificates", KEEP),
        Rule("", "sha256"),
        reason="MD5 and SHA-1 fingerprints can be forged.",
        source="RFC 6151; RFC 6194",
        judge="digest",
    ),
    *_all(
        "smtpd_tls_session_cache_database",
        "inbound",
        Rule("", REMOVE),
        reason="Session tickets resume sessions without a cache on the server.",
        source="RFC 8446 section 4.6.1; TLS_README, Server-side TLS session cache",
    ),
    *_all(
        "smtpd_tls_wrappermode",
        "inbound",
        Rule("", REMOVE),
        reason="Belongs to the service on port 465 in master.cf; here it silences port 25.",
        source="TLS_README, Supporting AUTH over TLS only",
    ),
    *_all(
        "smtpd_discard_ehlo_keywords",
        "inbound",
        Rule(
            "smuggling-workaround",
            Edit(first=("chunking", "silent-discard"), drop=("starttls",)),
            "Without BDAT the workaround against SMTP smuggling is whole on this old patch level.",
            ran=False,
        ),
        Rule("", Edit(drop=("starttls",))),
        reason="Hiding STARTTLS from clients means mail in clear text.",
        source="RFC 3207 section 4; postfix.org/smtp-smuggling.html",
    ),
    *_all(
        """
        postscreen_tls_security_level tlsproxy_tls_security_level
        tlsproxy_tls_protocols tlsproxy_tls_mandatory_protocols tlsproxy_tls_ciphers
        tlsproxy_tls_mandatory_ciphers tlsproxy_tls_exclude_ciphers
        tlsproxy_tls_mandatory_exclude_ciphers tlsproxy_tls_fingerprint_digest
        """,
        "inbound",
        Rule("", REMOVE),
        reason="Removed, postscreen and tlsproxy take the value of the SMTP server.",
        source="POSTSCREEN_README, postscreen(8) TLS configuration",
        judge="like",
        like="smtpd_tls_{}",
    ),
    *_all(
        """
        tlsproxy_tls_ask_ccert tlsproxy_tls_req_ccert tlsproxy_tls_loglevel tlsproxy_tls_eecdh_grade
        tlsproxy_tls_dh1024_param_file tlsproxy_tls_dh512_param_file
        """,
        "inbound",
        Rule("", REMOVE),
        reason="Removed, tlsproxy takes the value of the SMTP server.",
        source="tlsproxy(8)",
    ),
    *_all(
        """
        tlsproxy_tls_chain_files tlsproxy_tls_cert_file tlsproxy_tls_key_file
        tlsproxy_tls_eccert_file tlsproxy_tls_eckey_file tlsproxy_tls_dcert_file
        tlsproxy_tls_dkey_file
        """,
        "inbound",
        Rule("certificates", REMOVE),
        Rule("", KEEP),
        reason="Removed, tlsproxy takes the certificates of the SMTP server.",
        source="tlsproxy(8)",
    ),
)


def _client(prefix: str, area: Area) -> tuple[Setting, ...]:
    """Return the settings that the SMTP and the LMTP client have alike."""
    tls = f"{prefix}_tls_"
    return (
        *_all(
            tls + "protocols",
            area,
            Rule("outbound:interop postfix>=3.6", ">=TLSv1", _OLD_OUT, _COST_OUT),
            Rule("outbound:interop", "!SSLv2, !SSLv3", _OLD_OUT, _COST_OUT),
            Rule("postfix>=3.6", ">=TLSv1.2"),
            Rule("", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
            reason="TLS 1.2 and later, also where clear text is allowed.",
            source="RFC 9325 section 5.2",
            judge="protocols",
        ),
        *_all(
            tls + "mandatory_protocols",
            area,
            Rule("postfix>=3.6", ">=TLSv1.2"),
            Rule("", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
            reason="TLS 1.2 and later wherever TLS is demanded, by DANE too.",
            source="RFC 8996; RFC 9325 section 3.1.1",
            judge="protocols",
        ),
        *_all(
            tls + "ciphers",
            area,
            Rule(
                "outbound:interop",
                "medium",
                "The grade that Postfix takes by default, where clear text is allowed.",
                _COST_OUT,
            ),
            Rule("", "high"),
            reason="Strong suites only, also where clear text is allowed.",
            source="RFC 9325 section 5.2",
            judge="grade",
        ),
        *_all(
            tls + "mandatory_ciphers",
            area,
            Rule("", "high"),
            reason="Strong suites only, wherever TLS is demanded.",
            source="RFC 9325 section 4.1",
            judge="grade",
        ),
        *_all(
            tls + "exclude_ciphers",
            area,
            Rule(
                "outbound:interop",
                REMOVE,
                "Where clear text is allowed, a weak suite still beats clear text.",
                _COST_OUT,
            ),
            Rule("", AEAD_ONLY),
            reason="Leaves ECDHE with AEAD, also where clear text is allowed.",
            source="RFC 9325 sections 4.2 and 5.2",
            judge="exclude",
        ),
        *_all(
            tls + "mandatory_exclude_ciphers",
            area,
            Rule("", AEAD_ONLY),
            reason="Leaves ECDHE with AEAD wherever TLS is demanded, by DANE too.",
            source="RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
            judge="exclude",
        ),
        *_all(
            tls + "fingerprint_digest",
            area,
            Rule(f"fingerprints:{prefix}", KEEP),
            Rule("", "sha256"),
            reason="MD5 and SHA-1 fingerprints can be forged.",
            source="RFC 6151; RFC 6194",
            judge="digest",
        ),
        *_all(
            tls + "note_starttls_offer",
            area,
            Rule("", REMOVE),
            reason="Notes the offers of STARTTLS that are not taken; now they are taken.",
        ),
        *_all(
            tls + "per_site",
            "removed",
            Rule(
                f"site-table:{prefix}",
                KEEP,
                "The only per-destination rules of this host are in it.",
            ),
            Rule("", REMOVE),
            reason=f"{tls}policy_maps replaced it in Postfix 2.3.",
            source="DEPRECATION_README",
        ),
    )


_OUTBOUND: t.Final = (
    *_all(
        "smtp_tls_security_level",
        "outbound",
        Rule("outbound-level:may found-outbound:stronger", "{found_outbound_level}", _KEPT),
        Rule(
            "outbound-level:may wrapper",
            "encrypt",
            "smtp_tls_wrappermode speaks TLS from the first byte and works with nothing weaker.",
        ),
        Rule("outbound-level:may", "may"),
        Rule("", "{outbound_level}", "The level that you chose."),
        reason="Encrypts whenever the other side can, and delivers in clear text only when it cannot.",
        source="RFC 7435; TLS_README, Opportunistic TLS",
        judge="client_level",
    ),
    *_all(
        "smtp_tls_wrappermode",
        "outbound",
        Rule("wrapper:yes", "yes"),
        Rule("wrapper:no", REMOVE, "You chose STARTTLS."),
        Rule("", KEEP),
        reason="You chose TLS from the first byte, as a relay on port 465 wants it.",
        source="RFC 8314 section 3.3",
    ),
    *_client("smtp", "outbound"),
    *_all(
        "smtp_tls_policy_maps",
        "outbound",
        Rule("policies", "{policy_maps}"),
        Rule(
            "own-rows site-maps",
            "{policy_maps}",
            "The site's own tables, without rows of policies.",
        ),
        Rule("own-rows", REMOVE, "There are no policies any more."),
        Rule("", KEEP),
        reason="Your per-destination levels, then the site's own tables.",
        source="TLS_README, SMTP Client specific settings",
    ),
    *_all(
        "smtp_dns_support_level",
        "outbound",
        Rule("dane", "dnssec", ran=False),
        Rule("", KEEP),
        reason="DANE needs DNSSEC lookups through a local validating resolver; without, it is only may.",
        source="RFC 7672 section 2.2; TLS_README, DANE TLS authentication",
        judge="dns",
    ),
    *_all(
        "smtp_tlsrpt_enable",
        "outbound",
        Rule("tlsrpt postfix>=3.10", "yes"),
        Rule("", KEEP),
        reason="Tells the domains that ask for it which deliveries had good TLS and which had not.",
        source="TLSRPT_README; RFC 8460",
    ),
    *_all(
        "smtp_tlsrpt_socket_name",
        "outbound",
        Rule("tlsrpt postfix>=3.10", "{tlsrpt_socket}"),
        Rule("", KEEP),
        reason="The socket of your reporter, which collects and sends the reports.",
        source="TLSRPT_README",
    ),
    *_all(
        "smtp_tls_CAfile",
        "outbound",
        Rule("verifies no-site-ca", "{ca_file}"),
        Rule("", KEEP),
        reason="Verification needs CA certificates, and the site named none.",
        source="TLS_README, Mandatory server certificate verification",
    ),
    *_all(
        "smtp_tls_session_cache_database",
        "outbound",
        Rule("map:lmdb", "lmdb:${data_directory}/smtp_scache"),
        Rule("map:btree", "btree:${data_directory}/smtp_scache"),
        Rule("", REMOVE, "This Postfix has no table type that can be written."),
        reason="Resuming a session saves a handshake per delivery.",
        source="TLS_README, Client-side TLS session cache",
    ),
    *_all(
        "tlsproxy_client_security_level tlsproxy_client_level",
        "outbound",
        Rule("", REMOVE),
        reason="Removed, tlsproxy takes the value of the SMTP client.",
        source="tlsproxy(8)",
        judge="like",
        like="smtp_tls_security_level",
    ),
    *_all(
        """
        tlsproxy_client_policy_maps tlsproxy_client_policy tlsproxy_client_loglevel
        tlsproxy_client_fingerprint_digest
        """,
        "outbound",
        Rule("", REMOVE),
        reason="Removed, tlsproxy takes the value of the SMTP client.",
        source="tlsproxy(8)",
    ),
)

_LMTP: t.Final = (
    *_all(
        "lmtp_tls_security_level",
        "lmtp",
        Rule(
            "old-switches:lmtp", "{found_lmtp_level}", "The level that the removed switches gave."
        ),
        Rule("", KEEP),
        reason="The site's: LMTP mostly talks to a socket on the same host.",
    ),
    *_client("lmtp", "lmtp"),
    *_all(
        "lmtp_tls_session_cache_database",
        "lmtp",
        Rule("", REMOVE),
        reason="Deliveries to the same few servers reuse connections.",
    ),
)

_SHARED: t.Final = (
    *_all(
        "tls_preempt_cipherlist",
        "shared",
        Rule(
            "inbound:interop",
            "yes",
            "With old suites still on, the server's order keeps peers that can do better from them.",
        ),
        Rule("", "no"),
        reason="All suites left are strong, so the peer may choose the one that its hardware is fast at.",
        source="Mozilla Server Side TLS 6.0, intermediate",
    ),
    *_all(
        "tls_ssl_options",
        "shared",
        Rule(
            "postfix<3.8 openssl<3",
            "NO_RENEGOTIATION",
            "This Postfix with this OpenSSL lets a client renegotiate as often as it likes.",
        ),
        Rule("", REMOVE),
        reason="Postfix 3.8, or OpenSSL 3, refuses renegotiation by itself.",
        source="RFC 9325 section 3.5",
        judge="options",
    ),
    *_all(
        "tls_eecdh_auto_curves",
        "shared",
        Rule(
            "postfix>=3.10 postfix<3.11 openssl>=3.5",
            "X25519 X25519MLKEM768 prime256v1 secp384r1",
            "Adds post-quantum key exchange; X25519 first keeps the ClientHello small.",
        ),
        Rule("", REMOVE),
        reason="The default is good; Postfix 3.11 with OpenSSL 3.5 has post-quantum key exchange in it.",
        source="Mozilla Server Side TLS 6.0, intermediate; draft-ietf-tls-ecdhe-mlkem",
        judge="curves",
    ),
    *_all(
        "tls_ffdhe_auto_groups",
        "shared",
        Rule("inbound:interop", REMOVE, "Old peers may need a finite-field group."),
        Rule("postfix>=3.11 openssl>=3.5", "-ffdhe2048 -ffdhe3072"),
        Rule("postfix>=3.8", ""),
        Rule("", REMOVE, "This Postfix has no finite-field groups in TLS 1.3."),
        reason="No finite-field key exchange in TLS 1.3, as there is none in TLS 1.2.",
        source="NCSC-NL TLS guidelines 2025-05; Mozilla Server Side TLS 6.0, intermediate",
        judge="groups",
    ),
    *_all(
        "tls_config_file",
        "shared",
        Rule(
            "strict",
            "{config_directory}/" + CONFIG_FILE,
            cost="Holds for both directions: at level may, a server that signs with SHA-1 only gets "
            "clear text.",
        ),
        Rule(
            "own-config-file", REMOVE, "Only the profile strict has an OpenSSL configuration file."
        ),
        Rule("", KEEP),
        reason="Refuses handshake signatures with SHA-1, which no Postfix parameter does.",
        source="RFC 9155; RFC 9325 section 4.1",
        judge="same",
    ),
    *_all(
        "tls_config_name",
        "shared",
        Rule("strict", "postfix"),
        Rule(
            "own-config-file", REMOVE, "Only the profile strict has an OpenSSL configuration file."
        ),
        Rule("", KEEP),
        reason="The section of that file.",
        judge="same",
    ),
    *_all(
        "tls_high_cipherlist tls_medium_cipherlist tls_null_cipherlist",
        "shared",
        Rule("", REMOVE),
        reason="Postfix strongly advises against own lists; grades and exclusions do the work.",
        judge="empty",
    ),
    *_all(
        "tls_append_default_CA",
        "shared",
        Rule("default-ca-only", KEEP),
        Rule("", REMOVE),
        reason="With it, permit_tls_all_clientcerts relays for whoever bought a certificate.",
        judge="no",
    ),
    *_all(
        "tls_session_ticket_cipher tls_random_source tls_disable_workarounds",
        "shared",
        Rule("", REMOVE),
        reason="The default is right; an old value can only be worse.",
    ),
)

_LOGGING: t.Final = (
    *_all(
        "smtpd_tls_loglevel smtp_tls_loglevel lmtp_tls_loglevel",
        "logging",
        Rule("", "1"),
        reason="One line per handshake: protocol, suite and trust; 2 and more is for debugging.",
        source="TLS_README, Server-side TLS activity logging",
    ),
    *_all(
        "smtpd_tls_received_header",
        "logging",
        Rule("", "yes"),
        reason="Shows protocol and suite in the Received header of each message.",
        source="TLS_README, Server-side TLS activity logging",
    ),
)

_HYGIENE: t.Final = (
    *_all(
        "disable_vrfy_command",
        "hygiene",
        Rule("!hygiene", KEEP),
        Rule("", "yes"),
        reason="VRFY tells harvesters which addresses exist.",
        source="RFC 5321 section 7.3",
        judge="yes",
    ),
    *_all(
        "smtpd_helo_required",
        "hygiene",
        Rule("!hygiene", KEEP),
        Rule("", "yes"),
        reason="A mail client must say HELO or EHLO; much malware does not.",
        source="RFC 5321 section 4.1.4",
        judge="yes",
    ),
    *_all(
        "smtpd_forbid_bare_newline",
        "hygiene",
        Rule("!hygiene", KEEP),
        Rule("newline:reject", "reject", "The host already refuses every bare newline."),
        Rule("newline:normalize", "normalize"),
        Rule("newline:yes", "yes", ran=False),
        Rule("", KEEP),
        reason="Ends a message only at CR LF . CR LF, which closes SMTP smuggling.",
        source="postfix.org/smtp-smuggling.html; RFC 5321 section 2.3.8",
        judge="newline",
    ),
    *_all(
        "smtpd_forbid_unauth_pipelining",
        "hygiene",
        Rule("!hygiene", KEEP),
        Rule("pipelining", "yes"),
        Rule("", KEEP),
        reason="Hangs up on clients that talk before it is their turn.",
        source="RFC 2920 section 3.1",
        judge="yes",
    ),
    *_all(
        "smtpd_data_restrictions",
        "hygiene",
        Rule(
            "smuggling-workaround !pipelining", Edit(first=("reject_unauth_pipelining",)), ran=False
        ),
        Rule("", KEEP),
        reason="The workaround against SMTP smuggling for this old patch level.",
        source="postfix.org/smtp-smuggling.html",
    ),
    *_all(
        "cleanup_replace_stray_cr_lf",
        "hygiene",
        Rule("!hygiene", KEEP),
        Rule("", REMOVE),
        reason="The default (yes) keeps this host from sending what others can smuggle with.",
        source="postfix.org/smtp-smuggling.html",
        judge="yes",
    ),
)

_REMOVED: t.Final = (
    *_all(
        """
        smtpd_use_tls smtpd_enforce_tls smtp_use_tls smtp_enforce_tls lmtp_use_tls lmtp_enforce_tls
        smtp_tls_enforce_peername lmtp_tls_enforce_peername postscreen_use_tls postscreen_enforce_tls
        tlsproxy_use_tls tlsproxy_enforce_tls tlsproxy_client_use_tls tlsproxy_client_enforce_tls
        """,
        "removed",
        Rule("", REMOVE),
        reason="The security level replaced it in Postfix 2.3, and wins over it.",
        source="DEPRECATION_README",
    ),
    *_all(
        "tlsproxy_client_per_site",
        "removed",
        Rule("", REMOVE),
        reason="smtp_tls_policy_maps replaced it.",
        source="DEPRECATION_README",
    ),
    *_all(
        "smtpd_tls_dh1024_param_file",
        "removed",
        Rule("", REMOVE),
        reason="Postfix or OpenSSL chooses a good group; an own file can only be weak or slow.",
        source="DEPRECATION_README",
    ),
    *_all(
        """
        smtpd_tls_dh512_param_file smtpd_tls_eecdh_grade tls_eecdh_strong_curve tls_eecdh_ultra_curve
        """,
        "removed",
        Rule("", REMOVE),
        reason="Ignored since Postfix 3.6; before that, the default is right.",
        source="DEPRECATION_README",
    ),
    *_all(
        "tls_low_cipherlist tls_export_cipherlist",
        "removed",
        Rule("", REMOVE),
        reason="Ignored since Postfix 3.8; these grades are not used.",
        source="postconf(5)",
    ),
    *_all(
        "smtpd_tls_cipherlist smtp_tls_cipherlist",
        "removed",
        Rule("", REMOVE),
        reason="Postfix 2.3 replaced it; it has no effect.",
    ),
)

SETTINGS: t.Final[tuple[Setting, ...]] = (
    *_INBOUND,
    *_OUTBOUND,
    *_LMTP,
    *_SHARED,
    *_LOGGING,
    *_HYGIENE,
    *_REMOVED,
)
BY_NAME: t.Final[t.Mapping[str, Setting]] = {one.parameter: one for one in SETTINGS}

__all__ = (
    "AEAD_ONLY",
    "AREAS",
    "BY_NAME",
    "CONFIG_FILE",
    "KEEP",
    "LABORATORY",
    "REMOVE",
    "SETTINGS",
    "Action",
    "Area",
    "Edit",
    "Rule",
    "Setting",
    "Value",
)
