# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of the values of TLS, SASL and hygiene parameters, per Postfix version.

``postfix check`` accepts any value, and a daemon that meets a bad one turns TLS off or dies. What is
written here is what the daemons do with a value: postconf(5), and for protocol lists, cipher grades and
exclusions the source of the TLS library of Postfix.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import SPACE
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
    available,
    since,
)

PROTOCOLS: t.Final = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
MASK: t.Final = "********"

_CODES: t.Final = dict(zip((name.lower() for name in PROTOCOLS), range(0x2FF, 0x305)))
# Postfix knows no white space but that of ASCII; a no-break space from a web page is a character.
_WORDS: t.Final = later(r"[\s,]+", re.ASCII)
_WORDS_OR_COLONS: t.Final = later(r"[\s,:]+", re.ASCII)
_BRACE_WORDS: t.Final = later(r"[{}]|[\s,]+|[^{}\s,]+", re.ASCII)


class ValueProblem(ValueError):
    """A value that Postfix does not understand; the message says what was found and what is expected."""


class _Host(t.NamedTuple):
    postfix: Version
    tls_library: TlsLibrary
    map_types: t.AbstractSet[str]
    restriction_classes: t.Optional[t.AbstractSet[str]]


def protocols(value: str, *, postfix: Version) -> frozenset[str]:
    """Return the protocols that ``value`` leaves on, from ``PROTOCOLS``.

    A name alone allows this protocol and none of the others, ``!name`` forbids one, and from Postfix 3.6
    on ``>=name`` and ``<=name`` set the limits (a name, ``None`` or the hexadecimal version). Raises
    ValueProblem when this Postfix would answer with "Invalid TLS protocol list" and disable TLS.
    """
    only: set[int] = set()
    never: set[int] = set()
    lowest, highest = 0, 0xFFFF
    for word in _split(value, _WORDS_OR_COLONS):
        if word.startswith(">="):
            lowest = _limit(word, postfix=postfix)
        elif word.startswith("<="):
            highest = _limit(word, postfix=postfix) or 0xFFFF
        elif word.startswith("!"):
            never.add(_protocol(word, word[1:], postfix=postfix))
        else:
            only.add(_protocol(word, word, postfix=postfix))
    return frozenset(
        name
        for name, code in zip(PROTOCOLS, _CODES.values())
        if lowest <= code <= highest and code not in never and (not only or code in only)
    )


def _protocol(word: str, name: str, *, postfix: Version) -> int:
    code = _CODES.get(name.lower())
    if code is None:
        limits = ", or '>=TLSv1.2'" if postfix.has("3.6") else ""
        raise ValueProblem(
            f"{word!r} is not a protocol, and Postfix turns TLS off for it: "
            f"expected {', '.join(PROTOCOLS)}, one of them after '!'{limits}"
        )
    return code


def _limit(word: str, *, postfix: Version) -> int:
    if not postfix.has("3.6"):
        raise ValueProblem(
            f"{word!r} needs Postfix 3.6, and Postfix {postfix} turns TLS off for it: "
            "write '!SSLv2, !SSLv3, !TLSv1, !TLSv1.1' for TLS 1.2 and later"
        )
    name = word[2:]
    if name.lower() == "none":
        return 0
    if name.lower() in _CODES and name.lower() != "sslv2":
        return _CODES[name.lower()]
    if re.fullmatch(r"(?:0[xX])?[0-9a-fA-F]{0,7}", name):
        return int(name or "0", 16)
    raise ValueProblem(
        f"{word!r} is not a protocol limit, and Postfix turns TLS off for it: "
        "expected '>=' or '<=' before SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3 or a number such as 0303"
    )


def _split(value: str, pattern: t.Pattern[str] = _WORDS) -> list[str]:
    return [word for word in pattern.split(value) if word]


def _brace_words(value: str) -> list[str]:
    """Return the words of ``value``; what stands in braces is one word. Raises ValueProblem."""
    words, depth, current = [], 0, ""
    for piece in _BRACE_WORDS.findall(value):
        depth += (piece == "{") - (piece == "}")
        if depth < 0:
            break
        if depth == 0 and _WORDS.fullmatch(piece):
            words.append(current)
            current = ""
        else:
            current += piece
    if depth:
        raise ValueProblem(f"{value!r} has a '{{' or '}}' without its partner")
    return [word for word in [*words, current] if word]


def _one_of(value: str, names: t.Collection[str], what: str) -> t.Optional[str]:
    if value.lower() in names:
        return None
    return f"{value!r} is not {what}: expected {', '.join(names)}"


def _each_of(words: t.Iterable[str], names: t.Collection[str], what: str) -> t.Optional[str]:
    return next((found for word in words if (found := _one_of(word, names, what))), None)


def _check_protocols(value: str, host: _Host) -> t.Optional[str]:
    try:
        left = protocols(value, postfix=host.postfix)
    except ValueProblem as problem:
        return str(problem)
    if not left & {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}:
        return f"{value!r} leaves no TLS protocol on"
    return None


_GRADES: t.Final = ("high", "medium", "low", "export", "null")


def _check_grade(value: str, _host: _Host) -> t.Optional[str]:
    found = _one_of(value, _GRADES, "a cipher grade")
    return found and found + "; Postfix fails every TLS handshake for it"


# The classes of ciphers(1) from OpenSSL 1.1.1 to 3.6, and older ones that old texts exclude.
_CIPHER_CLASSES: t.Final = frozenset(
    """
    ALL COMPLEMENTOFALL COMPLEMENTOFDEFAULT DEFAULT FIPS HIGH MEDIUM LOW EXP EXPORT EXPORT40 EXPORT56
    NULL aNULL eNULL ADH AECDH RSA kRSA aRSA DH kDH kDHE kEDH kDHr kDHd DHE EDH aDH ECDH kECDH kECDHE
    kEECDH kECDHr kECDHe aECDH ECDHE EECDH ECDSA aECDSA DSS aDSS PSK kPSK aPSK kRSAPSK kDHEPSK kECDHEPSK
    SRP kSRP aSRP KRB5 kKRB5 aKRB5 FZA kGOST kGOST18 aGOST aGOST01 aGOST12 GOST89 GOST89MAC GOST89MAC12
    GOST94 GOST12 GOST2012 AES AES128 AES256 AESGCM AESCCM AESCCM8 CHACHA20 ARIA ARIA128 ARIA256 ARIAGCM
    CAMELLIA CAMELLIA128 CAMELLIA256 DES 3DES RC2 RC4 RC5 IDEA SEED CBC MD5 SHA SHA1 SHA224 SHA256 SHA384
    SSLv2 SSLv3 TLSv1 TLSv1.0 TLSv1.2 SUITEB128 SUITEB128ONLY SUITEB192
    """.split()
)
_CIPHER_NAME: t.Final = later(
    r"(?:(?:TLS|EXP|EXP1024|ECDHE|ECDH|EDH|DHE|DH|ADH|AECDH|RSA|ECDSA|DSS|PSK|SRP|KRB5|NULL|AES128|AES256|AES"
    r"|GCM|CCM|CCM8|CBC|CBC3|CHACHA20|POLY1305|ARIA128|ARIA256|ARIA|CAMELLIA128|CAMELLIA256|DES|RC2|RC4|IDEA"
    r"|SEED|3DES|EDE|40|56|128|256|WITH|MD5|SHA|SHA256|SHA384|GOST\w*|LEGACY|GOST89)(?:[-_]|$)){2,}"
)


def _check_exclude(value: str, _host: _Host) -> t.Optional[str]:
    for word in _split(value, _WORDS_OR_COLONS):
        if word[0] in "!+-@":
            return (
                f"{word!r} starts with {word[0]!r}, and Postfix fails every TLS handshake for it: "
                "expected names without '!', '+', '-' or '@'"
            )
        for name in word.split("+"):
            if name not in _CIPHER_CLASSES and not _CIPHER_NAME.fullmatch(name):
                right = next((one for one in _CIPHER_CLASSES if one.lower() == name.lower()), None)
                hint = f": OpenSSL spells it {right}" if right else ""
                return (
                    f"{name!r} is no cipher and no class of ciphers that OpenSSL knows, "
                    f"so it excludes nothing{hint}"
                )
    return None


def _check_server_level(value: str, _host: _Host) -> t.Optional[str]:
    if value.lower() in ("", "none", "may", "encrypt"):
        return None
    if value.lower() in ("fingerprint", "verify", "secure"):
        does = "Postfix uses encrypt instead"
    else:
        does = "the server dies of it"
    return f"{value!r} is not a level of the server, {does}: expected none, may or encrypt"


_CLIENT_LEVELS: t.Final = (
    "",
    "none",
    "may",
    "encrypt",
    "dane",
    "dane-only",
    "fingerprint",
    "verify",
    "secure",
)


def _check_client_level(value: str, _host: _Host) -> t.Optional[str]:
    if value.lower() in _CLIENT_LEVELS:
        return None
    return (
        f"{value!r} is not a TLS security level, and the client dies of it: "
        f"expected {', '.join(_CLIENT_LEVELS[1:])}"
    )


def _check_bool(value: str, _host: _Host) -> t.Optional[str]:
    found = _one_of(value, ("yes", "no"), "a yes or no")
    return found and found + "; the daemon dies of it"


_LOG_WORDS: t.Final = (
    *"0123456789",
    *(
        "none",
        "routine",
        "debug",
        "ssl-expert",
        "ssl-developer",
        "summary",
        "untrusted",
        "peercert",
    ),
    *("certmatch", "verbose", "cache", "dane", "ssl-debug"),
    *("ssl-handshake-packet-dump", "ssl-session-packet-dump"),
)


def _check_loglevel(value: str, _host: _Host) -> t.Optional[str]:
    found = _each_of(_split(value), _LOG_WORDS, "a TLS log level")
    return found and f"{value!r} is not a TLS log level: expected a number from 0 to 4"


_SSL_OPTIONS: t.Final = (
    *("no_renegotiation", "no_compression", "no_ticket", "legacy_server_connect"),
    *("no_session_resumption_on_renegotiation", "prioritize_chacha", "enable_middlebox_compat"),
)


def _check_ssl_options(value: str, _host: _Host) -> t.Optional[str]:
    words = [
        word
        for word in _split(value, _WORDS_OR_COLONS)
        if not re.fullmatch(r"0[xX][0-9a-fA-F]+", word)
    ]
    found = _each_of(words, _SSL_OPTIONS, "an option of tls_ssl_options")
    return found and found + ", or a bit mask such as 0x40"


def _check_curves(value: str, host: _Host) -> t.Optional[str]:
    if not value and not host.postfix.has("3.6.17 3.7.13 3.8.8 3.9.2 3.10"):
        return (
            f"an empty list of curves: the server of Postfix {host.postfix} dies of it; "
            "remove the parameter instead"
        )
    return None


_DIGESTS: t.Final = (
    *("sha256", "sha384", "sha512", "sha224", "sha1", "md5", "sha512-256", "sha3-256", "sha3-384"),
    *("sha3-512", "blake2b512", "blake2s256", "ripemd160", "sm3"),
)


def _check_digest(value: str, _host: _Host) -> t.Optional[str]:
    return _one_of(value, _DIGESTS, "a message digest")


def _check_dns_support(value: str, _host: _Host) -> t.Optional[str]:
    if not value:
        return None
    return _one_of(value, ("disabled", "enabled", "dnssec"), "a level of DNS support")


def _check_bare_newline(value: str, host: _Host) -> t.Optional[str]:
    names = ["yes", "no"]
    if host.postfix.has("3.5.24 3.6.14 3.7.10 3.8.5 3.9"):
        names = ["normalize", "yes", "reject", *names[1:]]
    if host.postfix.has("3.9"):
        names.append("note")
    return _one_of(value, names, f"known to Postfix {host.postfix}")


def _check_security_options(value: str, _host: _Host) -> t.Optional[str]:
    names = (
        *("noanonymous", "noplaintext", "noactive", "nodictionary"),
        *("forward_secrecy", "mutual_auth"),
    )
    return _each_of(_split(value), names, "a SASL security option")


def _check_sasl_type(value: str, _host: _Host) -> t.Optional[str]:
    return _one_of(value, ("cyrus", "dovecot"), "a SASL type")


def _check_eecdh_grade(value: str, _host: _Host) -> t.Optional[str]:
    return _one_of(value, ("auto", "strong", "ultra", "none"), "an ECDH grade")


def _check_number(value: str, _host: _Host) -> t.Optional[str]:
    return None if re.fullmatch(r"[0-9]{1,9}", value) else f"{value!r} is not a whole number"


def _check_time(value: str, _host: _Host) -> t.Optional[str]:
    if re.fullmatch(r"[0-9]{1,9}[smhdw]?", value):
        return None
    return f"{value!r} is not a time: expected a number with s, m, h, d or w"


def _check_file(value: str, _host: _Host) -> t.Optional[str]:
    if value in ("", "none", "auto") or value.startswith("/"):
        return None
    return f"{value!r} is not the absolute name of a file"


def _check_files(value: str, host: _Host) -> t.Optional[str]:
    return next((found for word in _split(value) if (found := _check_file(word, host))), None)


def _check_config_file(value: str, _host: _Host) -> t.Optional[str]:
    if value in ("default", "none") or value.startswith("/"):
        return None
    return (
        f"{value!r}: expected default, none or the absolute name of a file; Postfix turns TLS off"
    )


def _table_problem(word: str, host: _Host) -> t.Optional[str]:
    kind, colon, name = word.partition(":")
    if not colon or not name:
        return f"{word!r} is not a table: expected type:name, such as hash:/etc/postfix/table"
    if host.map_types and kind.lower() not in host.map_types:
        known = ", ".join(sorted(host.map_types))
        return f"this Postfix has no table type {kind!r} ({word!r}): it has {known}"
    if kind.lower() == "proxy":
        return _table_problem(name, host)
    return None


def _check_tables(value: str, host: _Host) -> t.Optional[str]:
    try:
        words = _brace_words(value)
    except ValueProblem as problem:
        return str(problem)
    return next((found for word in words if (found := _table_problem(word, host))), None)


# smtpd_check.c of Postfix 3.5 to 3.11; check_*_access take a table, the others listed with "+" a word.
_RESTRICTIONS: t.Final = frozenset(
    """
    defer defer_if_permit defer_if_reject defer_unauth_destination permit permit_auth_destination
    permit_inet_interfaces permit_mx_backup permit_mynetworks permit_naked_ip_address
    permit_sasl_authenticated permit_tls_all_clientcerts permit_tls_clientcerts reject
    reject_authenticated_sender_login_mismatch reject_invalid_helo_hostname reject_invalid_hostname
    reject_known_sender_login_mismatch reject_multi_recipient_bounce reject_non_fqdn_helo_hostname
    reject_non_fqdn_hostname reject_non_fqdn_recipient reject_non_fqdn_sender reject_plaintext_session
    reject_sender_login_mismatch reject_unauth_destination reject_unauth_pipelining
    reject_unauthenticated_sender_login_mismatch reject_unknown_address reject_unknown_client
    reject_unknown_client_hostname reject_unknown_forward_client_hostname reject_unknown_helo_hostname
    reject_unknown_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
    reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender
    reject_unverified_recipient reject_unverified_sender warn_if_reject check_relay_domains
    check_recipient_maps reject_maps_rbl
    """.split()
)
_RESTRICTIONS_WITH_WORD: t.Final = frozenset(
    """
    check_policy_service permit_dnswl_client permit_rhswl_client reject_rbl reject_rbl_client
    reject_rhsbl_client reject_rhsbl_helo reject_rhsbl_recipient reject_rhsbl_reverse_client
    reject_rhsbl_sender sleep
    """.split()
)
_ACCESS: t.Final = later(
    r"check_(?:ccert|etrn|sasl|(?:client|helo|recipient|reverse_client_hostname|sender)(?:_(?:a|mx|ns))?)_access"
)


def _check_restrictions(value: str, host: _Host) -> t.Optional[str]:
    try:
        words = iter(_brace_words(value))
    except ValueProblem as problem:
        return str(problem)
    for word in words:
        name = word.lower()
        found = None
        if _ACCESS.fullmatch(name) or name in _RESTRICTIONS_WITH_WORD:
            argument = next(words, "")
            if not argument:
                found = f"{word} needs a word after it"
            elif name not in _RESTRICTIONS_WITH_WORD:
                found = _table_problem(argument, host)
        elif ":" in word and not word.startswith("{"):
            found = _table_problem(word, host)
        elif name not in _RESTRICTIONS:
            found = _unknown_restriction(word, host)
        if found:
            return found
    return None


def _unknown_restriction(word: str, host: _Host) -> t.Optional[str]:
    classes = host.restriction_classes
    if classes is None or word in classes or word.startswith("{"):
        return None
    return f"{word!r} is not a restriction, and Postfix refuses all mail for it with 451"


_Checker = t.Callable[[str, _Host], t.Optional[str]]


def _grammar() -> dict[str, _Checker]:
    servers = ("smtpd_tls", "tlsproxy_tls", "postscreen_tls")
    clients = ("smtp_tls", "lmtp_tls")
    tls = (
        (_check_protocols, "protocols mandatory_protocols"),
        (_check_grade, "ciphers mandatory_ciphers"),
        (_check_exclude, "exclude_ciphers mandatory_exclude_ciphers"),
        (_check_loglevel, "loglevel"),
        (_check_digest, "fingerprint_digest"),
        (_check_number, "ccert_verifydepth scert_verifydepth"),
        (_check_time, "session_cache_timeout"),
        (_check_files, "chain_files"),
        (_check_eecdh_grade, "eecdh_grade"),
        (
            _check_file,
            """
            CAfile CApath cert_file key_file eccert_file eckey_file dcert_file dkey_file
            dh512_param_file dh1024_param_file
            """,
        ),
        (
            _check_bool,
            """
            ask_ccert req_ccert auth_only received_header wrappermode always_issue_session_ids
            enable_rpk enforce_peername note_starttls_offer block_early_mail_reply connection_reuse
            enforce_sts_mx_patterns force_insecure_host_tlsa_lookup
            """,
        ),
    )
    table: dict[str, _Checker] = {
        f"{prefix}_{name}": checker
        for prefix in servers + clients
        for checker, names in tls
        for name in names.split()
    }
    table.update({f"{prefix}_security_level": _check_server_level for prefix in servers})
    table.update({f"{prefix}_security_level": _check_client_level for prefix in clients})
    for checker, names in _SINGLE:
        table.update(dict.fromkeys(names.split(), checker))
    return table


_SINGLE: t.Final[tuple[tuple[_Checker, str], ...]] = (
    (_check_client_level, "tlsproxy_client_security_level tlsproxy_client_level"),
    (
        _check_bool,
        """
        smtpd_use_tls smtpd_enforce_tls smtp_use_tls smtp_enforce_tls lmtp_use_tls lmtp_enforce_tls
        tlsproxy_use_tls tlsproxy_enforce_tls postscreen_use_tls postscreen_enforce_tls
        tlsproxy_client_use_tls tlsproxy_client_enforce_tls
        tls_append_default_CA tls_preempt_cipherlist tls_wildcard_matches_multiple_labels
        tls_fast_shutdown_enable tls_legacy_public_key_fingerprints tls_required_enable
        smtp_tlsrpt_enable smtp_tlsrpt_skip_reused_handshakes requiretls_enable
        smtpd_sasl_auth_enable smtpd_sasl_authenticated_header broken_sasl_auth_clients
        smtp_sasl_auth_enable lmtp_sasl_auth_enable smtp_sender_dependent_authentication
        disable_vrfy_command smtpd_helo_required smtpd_forbid_unauth_pipelining
        cleanup_replace_stray_cr_lf smtpd_delay_reject smtpd_reject_unlisted_recipient
        smtpd_reject_unlisted_sender strict_rfc821_envelopes smtpd_hide_client_session
        smtpd_relay_before_recipient_restrictions
        """,
    ),
    (_check_ssl_options, "tls_ssl_options"),
    (_check_curves, "tls_eecdh_auto_curves"),
    (_check_config_file, "tls_config_file"),
    (_check_dns_support, "smtp_dns_support_level lmtp_dns_support_level"),
    (_check_bare_newline, "smtpd_forbid_bare_newline"),
    (_check_sasl_type, "smtpd_sasl_type smtp_sasl_type lmtp_sasl_type"),
    (
        _check_security_options,
        """
        smtpd_sasl_security_options smtpd_sasl_tls_security_options smtp_sasl_security_options
        smtp_sasl_tls_security_options smtp_sasl_tls_verified_security_options
        lmtp_sasl_security_options lmtp_sasl_tls_security_options
        lmtp_sasl_tls_verified_security_options
        """,
    ),
    (
        _check_number,
        """
        smtpd_client_auth_rate_limit smtpd_client_new_tls_session_rate_limit
        smtpd_sasl_response_limit
        """,
    ),
    (
        _check_time,
        """
        smtpd_starttls_timeout smtp_starttls_timeout lmtp_starttls_timeout
        tlsproxy_tls_session_cache_timeout
        """,
    ),
    (
        _check_restrictions,
        """
        smtpd_client_restrictions smtpd_helo_restrictions smtpd_sender_restrictions
        smtpd_relay_restrictions smtpd_recipient_restrictions smtpd_data_restrictions
        smtpd_end_of_data_restrictions smtpd_etrn_restrictions
        """,
    ),
    (_check_tables, "relay_clientcerts smtpd_command_filter smtp_tls_per_site lmtp_tls_per_site"),
)
_GRAMMAR: t.Final = _grammar()
# These lists name parameters, not tables.
_NO_TABLES: t.Final = frozenset({"proxy_read_maps", "proxy_write_maps"})


def check(
    parameter: str,
    value: str,
    *,
    postfix: Version,
    tls_library: TlsLibrary,
    map_types: t.AbstractSet[str],
    restriction_classes: t.Optional[t.AbstractSet[str]] = None,
) -> t.Optional[str]:
    """Return what is wrong with ``value`` in plain words, None when fine or when there is no grammar.

    A value with ``$`` is fine: check it after expansion. An empty ``map_types`` means that they are not
    known. ``restriction_classes`` are the names in ``smtpd_restriction_classes``; with None an unknown
    name in a restriction list may be one of them.
    """
    if "$" in value:
        return None
    checker = _GRAMMAR.get(parameter)
    if checker is None:
        if not parameter.endswith(("_maps", "_database")) or parameter in _NO_TABLES:
            return None
        checker = _check_tables
    return checker(value.strip(SPACE), _Host(postfix, tls_library, map_types, restriction_classes))


_SECRET_NAME: t.Final = later(r"(?:passw(?:or)?d|passphrase|secret|bind_?pw|api_?key|token)$")
_SECRET_TABLE_NAME: t.Final = later(r"passw|secret")
_SECRET_WORD: t.Final = later(
    r"((?:passw(?:or)?d|passphrase|secret|bind_?pw|api_?key|token)\s*[=:]\s*)[^\s,}]+",
    re.IGNORECASE,
)
_URL_SECRET: t.Final = later(r"(//)[^\s/@]+:[^\s@]+(@)")
_STATIC_SECRET: t.Final = later(r"(static:)(?!all\b)[^\s,{}:]*:[^\s,}]+")
_STATIC: t.Final = later(r"(static:)(?:\{[^}]*\}|[^\s,]+)")
_INLINE: t.Final = later(r"(inline:)\s*\{.*\}", re.DOTALL)


def masked(parameter: str, value: str) -> str:
    """Return ``value`` with what looks like a secret replaced by ``MASK``.

    Masked are passwords in ``static:`` and ``inline:`` tables, after ``password=`` and in
    ``//user:password@host``, and the whole value of a parameter that is named like a password.
    """
    name = parameter.lower()
    if _SECRET_NAME.search(name) and value:
        return MASK
    if ":" not in value and "=" not in value:
        # Whatever is masked below has one of them.
        return value
    if _SECRET_TABLE_NAME.search(name):
        value = _INLINE.sub(rf"\1{{ {MASK} }}", value)
        value = _STATIC.sub(rf"\1{MASK}", value)
    value = _STATIC_SECRET.sub(rf"\1{MASK}", value)
    value = _URL_SECRET.sub(rf"\1{MASK}\2", value)
    return _SECRET_WORD.sub(rf"\1{MASK}", value)


def unknown_name(name: str, *, postfix: Version, known: t.Iterable[str]) -> str:
    """Say why Postfix does not use the parameter *name*: too new, misspelt, or simply unknown.

    *known* are the names that it uses.
    """
    first = since(name)
    if first is not None and first > postfix:
        return f"needs Postfix {first}; this host has {postfix}"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    if close:
        return f"Postfix {postfix} does not know it; did you mean {close[0]}"
    return f"Postfix {postfix} does not know it and nothing refers to it"


__all__ = (
    "MASK",
    "PROTOCOLS",
    "ValueProblem",
    "available",
    "check",
    "masked",
    "protocols",
    "since",
    "unknown_name",
)
