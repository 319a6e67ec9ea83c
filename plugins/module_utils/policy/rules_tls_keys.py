# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about key exchange, sessions, fingerprints and options of the TLS library (pure)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_in_force, tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import hit
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import AEAD_ONLY
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import (
    TlsServer,
    client_speaks,
    group,
    is_written,
    offering,
    servers,
    speakers,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Scope, View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

_CURVES = "tls_eecdh_auto_curves"
_SEPARATORS: t.Final = later(r"[\s,:]+", re.ASCII)
_OLD_SEPARATORS: t.Final = later(r"[\s,]+", re.ASCII)

# tls_dh.c asks OpenSSL; old Postfix knows the names of objects, not those of groups.
_OBJECT_NAMES: t.Final = frozenset(
    """
    p-192 p-224 p-256 p-384 p-521 x25519 x448 prime192v1 prime256v1 secp224r1 secp256k1 secp384r1
    secp521r1 secp160k1 secp160r1 secp160r2 secp192k1 secp224k1 brainpoolp256r1 brainpoolp384r1
    brainpoolp512r1
    """.split()
)
_GROUP_NAMES: t.Final = _OBJECT_NAMES | frozenset(
    """
    secp192r1 secp256r1 ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192
    """.split()
)
_NEW_NAMES: t.Final = frozenset(
    """
    default mlkem512 mlkem768 mlkem1024 x25519mlkem768 secp256r1mlkem768 secp384r1mlkem1024
    brainpoolp256r1tls13 brainpoolp384r1tls13 brainpoolp512r1tls13
    """.split()
)
_BINARY: t.Final = later(r"sect\d+[kr]\d|c2[pt]nb\w+|wap-wsg-\w+|[bk]-\d+")
_WEAK: t.Final = later(
    r"(?:secp|prime|p-|sect|b-|k-)(?:1\d\d|2(?:0\d|1\d|2[0-4]|3\d))\w*|wap-wsg-\w+|c2[pt]nb1\w+"
)
_SAME: t.Final = {"p-256": "prime256v1", "secp256r1": "prime256v1", "p-384": "secp384r1"}
_HYBRID: t.Final = later(r"mlkem|default")
_PQ_CURVES = "X25519 X25519MLKEM768 prime256v1 secp384r1"


def _all(view: View, name: str, *, written: bool = True) -> t.Iterator[Scope]:
    """Yield the lines of a parameter that every daemon with TLS reads."""
    if written and not is_written(view, name):
        return
    for scope in view.scopes(name, speakers(view)):
        if scope.origin != "default" or not written:
            yield scope


def _groups_by_name(view: View) -> bool:
    """Return whether Postfix gives OpenSSL names of groups (since 3.8) and not of objects."""
    return view.version.has("3.8")


def _curve_words(view: View, value: str) -> list[str]:
    """Return the names of curves as this Postfix splits them, in small letters, without marks."""
    pattern = _SEPARATORS if _groups_by_name(view) else _OLD_SEPARATORS
    words = (word.lower() for word in pattern.split(value) if word)
    if not _groups_by_name(view):
        return list(words)
    parts = (part for word in words for part in word.split("/"))
    return [part.lstrip("?*") for part in parts if part and part[0] != "-"]


def _openssl(view: View, *since: int) -> bool:
    return view.tls_library is not None and view.tls_library.is_openssl(since=since)


def _curve_known(view: View, word: str) -> bool:
    if _BINARY.fullmatch(word) or word in _OBJECT_NAMES:
        return True
    if not _groups_by_name(view):
        return False
    return word in _GROUP_NAMES or (word in _NEW_NAMES and _openssl(view, 3, 5))


def _can_hybrid(view: View) -> bool:
    """Return whether this host can exchange keys with a post-quantum group."""
    return view.version.has("3.10") and _openssl(view, 3, 5)


def _expected_curves(view: View) -> t.Optional[str]:
    return _PQ_CURVES if _can_hybrid(view) and not view.version.has("3.11") else None


def _curves_empty(view: View) -> t.Iterator[Hit]:
    if view.version.has("3.6.17 3.7.13 3.8.8 3.9.2 3.10"):
        return
    for scope in _all(view, _CURVES):
        if not scope.value.strip():
            yield hit(
                scope,
                f"an empty {_CURVES} kills {{services}} of Postfix {view.version} at every connection",
                expected=None,
            )


def _curves_unknown(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, _CURVES):
        words = _curve_words(view, scope.value)
        unknown = [word for word in words if not _curve_known(view, word)]
        if unknown:
            yield hit(
                scope,
                f"this Postfix with {view.tls_library} knows no curve {', '.join(unknown)} and leaves "
                "it out",
                expected=_expected_curves(view),
                severity="medium" if len(unknown) == len(words) else None,
            )


def _curves_weak(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, _CURVES):
        weak = [word for word in _curve_words(view, scope.value) if _WEAK.fullmatch(word)]
        if weak:
            yield hit(
                scope,
                f"{{services}} may exchange keys over {', '.join(weak)}",
                expected=_expected_curves(view),
            )


def _curves_few(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, _CURVES):
        known = {
            _SAME.get(word, word)
            for word in _curve_words(view, scope.value)
            if _curve_known(view, word)
        }
        if len(known) == 1 and "default" not in known:
            yield hit(
                scope,
                f"{{services}} exchanges keys over {', '.join(known)} alone",
                expected=_expected_curves(view),
            )


def _curves_pinned(view: View) -> t.Iterator[Hit]:
    if not view.version.has("3.11") or not _openssl(view, 3, 5):
        return
    for scope in _all(view, _CURVES):
        if "default" not in _curve_words(view, scope.value):
            yield hit(
                scope,
                "the curves of {services} are written down and do not follow Postfix and OpenSSL",
                expected=None,
            )


def _no_post_quantum(view: View) -> t.Iterator[Hit]:
    if not _can_hybrid(view):
        return
    clients = ("smtp", "lmtp")
    talking = (one for one in speakers(view) if one.daemon not in clients or client_speaks(one))
    for scope in view.scopes(_CURVES, talking):
        if scope.value.strip() and not _HYBRID.search(scope.value.lower()):
            yield hit(
                scope,
                "this host could exchange keys with a post-quantum group, and {services} has none",
                expected=_expected_curves(view),
            )


def _finite_fields(view: View) -> t.Iterator[Hit]:
    name = "tls_ffdhe_auto_groups"
    if not view.knows(name) or view.choices.inbound_profile == "interop":
        return
    moved = view.version.has("3.11") and _openssl(view, 3, 5)
    for scope in _all(view, name, written=False):
        words = scope.value.lower().replace(",", " ").replace(":", " ").split()
        on = [word for word in words if word[0] != "-"]
        taken = {word[1:] for word in words if word[0] == "-"}
        if moved and scope.value != "" and not on and {"ffdhe2048", "ffdhe3072"} <= taken:
            continue
        if on or (moved and "default" in view.value(_CURVES).lower()):
            yield hit(
                scope,
                "{services} offers finite-field groups in TLS 1.3",
                expected="-ffdhe2048 -ffdhe3072" if moved else "",
            )


def _dh_file(view: View) -> t.Iterator[Hit]:
    pairs = [
        (one.name("tls_dh1024_param_file"), one)
        for one in offering(view, internal=True)
        if one.value("tls_dh1024_param_file").strip()
    ]
    for scope, readers in group(view, pairs):
        used = any((one.suites or 0) & tls_suites.FINITE_FIELD for one in readers)
        auto = scope.value.strip() == "auto" and view.version.has("3.7")
        yield hit(
            scope,
            "auto is what Postfix does anyway"
            if auto
            else "{services} uses an own Diffie-Hellman group instead of a well-known one",
            expected=None,
            severity="info" if auto or not used else None,
        )


_IGNORED: t.Final = (
    "smtpd_tls_dh512_param_file",
    "smtpd_tls_eecdh_grade",
    "tls_eecdh_strong_curve",
    "tls_eecdh_ultra_curve",
)


def _ignored(view: View) -> t.Iterator[Hit]:
    names = _IGNORED if view.version.has("3.6") else _IGNORED[:1]
    for name in names:
        if not is_written(view, name):
            continue
        for scope in view.scopes(name, [one.endpoint for one in servers(view)]):
            if scope.origin != "default" and scope.value.strip():
                yield hit(scope, f"{name} has no effect in {{services}}", expected=None)


def _one_curve_by_grade(view: View) -> t.Iterator[Hit]:
    if view.version.has("3.6"):
        return
    pairs = [
        (one.name("tls_eecdh_grade"), one)
        for one in offering(view)
        if one.value("tls_eecdh_grade").strip().lower() != "auto"
    ]
    for scope, _readers in group(view, pairs):
        grade = scope.value.strip().lower()
        one = grade in ("strong", "ultra")
        yield hit(
            scope,
            f"the grade {grade} binds {{services}} to a single curve"
            if one
            else f"{scope.value!r} is no grade that this Postfix has",
            expected=None,
        )


def _digests(
    view: View, wrong: t.Callable[[str], bool]
) -> t.Iterator[tuple[Scope, tuple[TlsServer, ...]]]:
    pairs = [
        (one.name("tls_fingerprint_digest"), one)
        for one in offering(view, internal=True)
        if wrong(one.value("tls_fingerprint_digest").strip().lower())
    ]
    yield from group(view, pairs)


_WEAK_DIGESTS: t.Final = frozenset({"md5", "sha1", "ripemd160", "md4", "md5-sha1", "rmd160"})
_GOOD_DIGESTS: t.Final = frozenset(
    """
    sha224 sha256 sha384 sha512 sha512-224 sha512-256 sha3-224 sha3-256 sha3-384 sha3-512 blake2b512
    blake2s256 sm3 sha2-224 sha2-256 sha2-384 sha2-512 whirlpool
    """.split()
)
_FINGERPRINT_WORDS: t.Final = frozenset({"permit_tls_clientcerts", "check_ccert_access"})
_RESTRICTIONS: t.Final = (
    "smtpd_client_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
)


def _digest_weak(view: View) -> t.Iterator[Hit]:
    for scope, readers in _digests(view, _WEAK_DIGESTS.__contains__):
        used = any(
            not _FINGERPRINT_WORDS.isdisjoint(one.endpoint.words(name))
            for one in readers
            for name in _RESTRICTIONS
        )
        yield hit(
            scope,
            f"{{services}} knows client certificates by their {scope.value} fingerprint"
            if used
            else f"{{services}} would know client certificates by their {scope.value} fingerprint",
            expected="sha256",
            severity="medium" if used else None,
        )


def _digest_unknown(view: View) -> t.Iterator[Hit]:
    for scope, _readers in _digests(view, lambda one: one not in _WEAK_DIGESTS | _GOOD_DIGESTS):
        yield hit(
            scope,
            f"{scope.value!r} is no digest of OpenSSL, and {{services}} has no TLS because of it",
            expected="sha256",
        )


_CACHES: t.Final = {
    f"{daemon}_tls_session_cache_database": daemon for daemon in ("smtpd", "smtp", "lmtp")
}


def _cache_scopes(view: View, name: str) -> tuple[Scope, ...]:
    """Return the line of main.cf with a cache: tlsmgr reads no overrides."""
    value = view.value(name).strip()
    readers = view.having(daemon=(_CACHES[name],))
    if not value or not readers:
        return ()
    return (Scope(name, value, "main.cf" if name in view.explicit else "default", readers),)


def _server_cache(view: View) -> t.Iterator[Hit]:
    for scope in _cache_scopes(view, "smtpd_tls_session_cache_database"):
        yield hit(
            scope,
            "session tickets resume sessions with {services} without a file on this host",
            expected=None,
        )


def _cache_type(view: View) -> t.Iterator[Hit]:
    for name in _CACHES:
        for scope in _cache_scopes(view, name):
            kind = scope.value.partition(":")[0].lower()
            if kind not in view.map_types:
                there = next((one for one in ("lmdb", "btree") if one in view.map_types), None)
                path = scope.value.partition(":")[2]
                server = name.startswith("smtpd")
                yield hit(
                    scope,
                    f"this Postfix has no table type {kind!r}, so sessions are not kept",
                    expected=None if server or there is None else f"{there}:{path}",
                )


def _cache_shared(view: View) -> t.Iterator[Hit]:
    seen: dict[str, str] = {}
    for name in _CACHES:
        for scope in _cache_scopes(view, name):
            if scope.value in seen:
                yield hit(
                    scope,
                    f"{name} and {seen[scope.value]} are the same file, and tlsmgr dies of that",
                    expected=None,
                )
            seen[scope.value] = name


def _tlsmgr_override(view: View) -> t.Iterator[Hit]:
    for one in view.having(daemon=("smtpd", "smtp", "lmtp")):
        for name in ("session_cache_database", "session_cache_timeout"):
            parameter = f"{one.daemon}_tls_{name}"
            if not one.overrides(parameter):
                continue
            for scope in view.scopes(parameter, (one,)):
                yield hit(
                    scope,
                    f"tlsmgr reads {parameter} from main.cf alone; the override of {{services}} does "
                    "nothing",
                    expected=None,
                )


def _no_session_ids(view: View) -> t.Iterator[Hit]:
    pairs = [
        (one.name("tls_always_issue_session_ids"), one)
        for one in offering(view, internal=True)
        if one.value("tls_always_issue_session_ids").strip().lower() == "no"
    ]
    for scope, _readers in group(view, pairs):
        yield hit(scope, "{services} gives some clients an empty session id", expected=None)


_TICKET_CIPHERS: t.Final = later(
    r"(?:aes|camellia|aria)-?(?:128|192|256)-?cbc|seed-cbc|sm4-cbc", re.IGNORECASE
)


def _tickets_off(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, "tls_session_ticket_cipher"):
        if not _TICKET_CIPHERS.fullmatch(scope.value.strip()):
            yield hit(
                scope,
                f"{scope.value!r} cannot encrypt session tickets, so {{services}} gives none"
                if scope.value
                else "no cipher for session tickets, so {services} gives none",
                expected=None,
            )
    name = "smtpd_tls_session_cache_timeout"
    if name in view.explicit and view.value(name).strip().rstrip("smhdw") == "0":
        for scope in view.scopes(name, [one.endpoint for one in offering(view)]):
            if scope.origin == "main.cf":
                yield hit(
                    scope, "with a timeout of 0 {services} gives no session tickets", expected=None
                )


def _random_source(view: View) -> t.Iterator[Hit]:
    name = "tls_random_source"
    scopes = _all(view, name)
    for scope in scopes:
        if scope.value.strip() != "dev:/dev/urandom":
            yield hit(scope, "another source of random numbers than the kernel's", expected=None)


def _anonymous_only(view: View) -> t.Iterator[Hit]:
    pairs = [
        (one.name("tls_cert_file"), one)
        for one in offering(view)
        if one.value("tls_cert_file").strip().lower() == "none"
        and not any(
            one.value(other).strip()
            for other in ("tls_chain_files", "tls_eccert_file", "tls_dcert_file")
        )
    ]
    for scope, _readers in group(view, pairs):
        yield hit(
            scope,
            "{services} has no certificate on purpose and offers anonymous suites alone",
            expected=None,
            shown="smtpd_tls_chain_files with a key and its certificates",
        )


def _key_alone(view: View) -> t.Iterator[Hit]:
    for kind in ("", "ec", "d"):
        key, certificate = f"tls_{kind}key_file", f"tls_{kind}cert_file"
        if not (is_written(view, f"smtpd_{key}") or is_written(view, f"tlsproxy_{key}")):
            continue
        pairs = [
            (one.name(key), one)
            for one in offering(view)
            if one.value(key).strip()
            and not one.value(certificate).strip()
            and not one.value("tls_chain_files").strip()
        ]
        for scope, _readers in group(view, pairs):
            yield hit(
                scope,
                f"{scope.parameter} is a key without a certificate, and {{services}} does not use it",
                expected=None,
            )


def _dsa(view: View) -> t.Iterator[Hit]:
    pairs = [
        (one.name("tls_dcert_file"), one)
        for one in offering(view)
        if one.value("tls_dcert_file").strip()
    ]
    for scope, _readers in group(view, pairs):
        yield hit(scope, "{services} has a DSA certificate", expected=None)


_BITS: t.Final = later(r"0[xX][0-9a-fA-F]+")
_OPTIONS: t.Final = {
    "no_renegotiation": 0x40000000,
    "legacy_server_connect": 0x4,
    "no_compression": 0,
    "no_ticket": 0,
    "no_session_resumption_on_renegotiation": 0,
    "prioritize_chacha": 0,
    "enable_middlebox_compat": 0,
}
_NO_RENEGOTIATION: t.Final = 0x40000000
_ALLOW_UNSAFE_RENEGOTIATION: t.Final = 0x40000
_LEGACY_SERVER_CONNECT: t.Final = 0x4


def _bits(value: str) -> int:
    bits = 0
    for word in value.lower().replace(",", " ").split():
        bits |= int(word, 16) if _BITS.fullmatch(word) else _OPTIONS.get(word, 0)
    return bits


def _renegotiation(view: View) -> t.Iterator[Hit]:
    library = view.tls_library
    if view.version.has("3.8") or library is None or not library.is_openssl(before=(3,)):
        return
    endpoints = [one.endpoint for one in offering(view)]
    for scope in view.scopes("tls_ssl_options", endpoints):
        if not _bits(scope.value) & _NO_RENEGOTIATION:
            words = scope.value.replace(",", " ").split()
            yield hit(
                scope,
                "{services} lets a client negotiate anew as often as it likes",
                expected=", ".join((*words, "NO_RENEGOTIATION")),
            )


def _options_unsafe(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, "tls_ssl_options"):
        bits = _bits(scope.value)
        found = [
            name
            for name, bit in (
                ("LEGACY_SERVER_CONNECT", _LEGACY_SERVER_CONNECT),
                ("ALLOW_UNSAFE_LEGACY_RENEGOTIATION", _ALLOW_UNSAFE_RENEGOTIATION),
            )
            if bits & bit
        ]
        if found:
            yield hit(
                scope, f"{', '.join(found)} allows renegotiation that is not secure", expected=None
            )


def _options_unknown(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, "tls_ssl_options"):
        words = scope.value.replace(",", " ").split()
        unknown = [
            word for word in words if word.lower() not in _OPTIONS and not _BITS.fullmatch(word)
        ]
        if unknown:
            rest = ", ".join(word for word in words if word not in unknown)
            yield hit(
                scope,
                f"Postfix knows no option {', '.join(unknown)}, warns and leaves it out",
                expected=rest or None,
            )


def _workarounds(view: View) -> t.Iterator[Hit]:
    for scope in _all(view, "tls_disable_workarounds"):
        if scope.value.strip():
            yield hit(
                scope,
                "workarounds of OpenSSL for faulty peers are switched off",
                expected=None,
            )


_SWITCHES: t.Final = (
    "smtpd_tls_ask_ccert",
    "smtpd_tls_req_ccert",
    "smtpd_tls_auth_only",
    "smtpd_tls_received_header",
    "smtpd_tls_wrappermode",
    "smtpd_tls_always_issue_session_ids",
    "smtpd_tls_enable_rpk",
    "tls_preempt_cipherlist",
    "tls_append_default_CA",
)


def _switch_unreadable(view: View) -> t.Iterator[Hit]:
    readers = view.having()
    for name in _SWITCHES:
        if not is_written(view, name) or not view.knows(name):
            continue
        for scope in view.scopes(name, readers):
            if scope.value.lower() not in ("yes", "no"):
                yield hit(
                    scope,
                    f"{scope.value!r} is neither yes nor no, and {{services}} dies of it",
                    expected=None,
                )


_PROMISED: t.Final = frozenset({"TLSv1.2", "TLSv1.3"})


def _idle_weak(view: View) -> t.Iterator[Hit]:
    """Find weak settings for mandatory TLS where nothing demands TLS yet."""
    reading = offering(view)
    if not reading or any(one.mandatory for one in reading):
        return
    endpoints = [one.endpoint for one in reading]
    floor = ">=TLSv1.2" if view.version.has("3.6") else "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
    left = tls_in_force.allowed(view.value("smtpd_tls_mandatory_protocols"), view.version)
    both = " ".join(
        view.value(name)
        for name in ("smtpd_tls_exclude_ciphers", "smtpd_tls_mandatory_exclude_ciphers")
    )
    suites = reading[0].suites_of("tls_medium_cipherlist", both)
    weak = (
        ("protocols", left is not None and left - {"SSLv2"} != _PROMISED, floor),
        ("ciphers", view.value("smtpd_tls_mandatory_ciphers").lower() != "high", "high"),
        ("exclude_ciphers", bool(suites & ~tls_suites.UNUSABLE & ~tls_suites.BEST), AEAD_ONLY),
    )
    for name, found, expected in weak:
        for scope in view.scopes(f"smtpd_tls_mandatory_{name}", endpoints) if found else ():
            yield hit(
                scope,
                "nothing reads it today; the first service that demands TLS will be weaker than "
                "need be",
                expected=expected,
                severity="low" if scope.origin == "main.cf" else None,
            )


def _idle_proxy(view: View) -> t.Iterator[Hit]:
    if any(one.daemon == "postscreen" for one in view.endpoints):
        return
    for name in view.explicit:
        if name.startswith(("tlsproxy_tls_", "postscreen_tls_")):
            yield Hit(
                subject="main.cf",
                parameter=name,
                observed=view.value(name),
                expected="not set",
                message=f"{name} is read where postscreen runs, and it does not run here",
                fix=hit(Scope(name, "", "main.cf", ()), "", expected=None).fix,
            )


_LIBRARY: t.Final = ("main", "master", "tls_library")

_EXCHANGE: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "curves-empty",
        "keys",
        "critical",
        "The list of curves is empty and this Postfix dies of it",
        "The daemon dies when a client connects, so the port is dead though Postfix started.",
        "postconf(5) tls_eecdh_auto_curves (empty since 3.6.17, 3.7.13, 3.8.8, 3.9.2)",
        _curves_empty,
        dies=True,
        example="tls_eecdh_auto_curves =",
    ),
    Rule(
        "curves-unknown",
        "keys",
        "low",
        "A curve has a name that is not known here",
        "Postfix leaves it out, so what was meant to be offered is not.",
        "postconf(5) tls_eecdh_auto_curves",
        _curves_unknown,
        needs=_LIBRARY,
        example="tls_eecdh_auto_curves = X25519MLKEM768 X25519",
    ),
    Rule(
        "curves-weak",
        "keys",
        "medium",
        "Keys may be exchanged over a small curve",
        "A curve below 250 bits does not protect as long as mail must be kept secret.",
        "RFC 9325 section 4.5; NCSC-NL TLS guidelines 2025-05",
        _curves_weak,
        example="tls_eecdh_auto_curves = X25519 secp192k1",
    ),
    Rule(
        "curves-only-one",
        "keys",
        "low",
        "Keys are exchanged over one curve alone",
        "A peer without this curve falls back to an older key exchange, or to clear text.",
        "postconf(5) tls_eecdh_auto_curves; RFC 9325 section 4.2.1",
        _curves_few,
        needs=_LIBRARY,
        example="tls_eecdh_auto_curves = secp521r1",
    ),
    Rule(
        "curves-pinned",
        "keys",
        "info",
        "The curves are written down where the default is better",
        "The list ages: it does not get what later versions of Postfix and OpenSSL bring.",
        "postconf(5) tls_eecdh_auto_curves, since Postfix 3.11",
        _curves_pinned,
        needs=_LIBRARY,
        example="tls_eecdh_auto_curves = X25519 prime256v1",
    ),
    Rule(
        "post-quantum-missing",
        "keys",
        "low",
        "No post-quantum key exchange, though this host could",
        "Mail that is recorded today can be read once there are quantum computers.",
        "draft-ietf-tls-ecdhe-mlkem; postconf(5) tls_eecdh_auto_curves",
        _no_post_quantum,
        needs=_LIBRARY,
        example="tls_eecdh_auto_curves = X25519 prime256v1",
    ),
    Rule(
        "finite-field-groups",
        "keys",
        "info",
        "TLS 1.3 offers finite-field groups",
        "They are slow and a door for overload, and whoever has TLS 1.3 has curves.",
        "postconf(5) tls_ffdhe_auto_groups; Mozilla Server Side TLS 6.0, intermediate",
        _finite_fields,
        needs=_LIBRARY,
        example="tls_ffdhe_auto_groups = ffdhe2048",
    ),
    Rule(
        "own-dh-group",
        "keys",
        "low",
        "An own Diffie-Hellman group is set",
        "Postfix or OpenSSL chooses a good group by itself; an own file can only be weak, slow or unread.",
        "postconf(5) smtpd_tls_dh1024_param_file; DEPRECATION_README; RFC 7919",
        _dh_file,
        example="smtpd_tls_dh1024_param_file = /etc/postfix/dh4096.pem",
    ),
    Rule(
        "key-exchange-setting-dead",
        "keys",
        "info",
        "A setting of the key exchange has no effect",
        "It looks as if it did something, and it does nothing.",
        "postconf(5) smtpd_tls_eecdh_grade, smtpd_tls_dh512_param_file (ignored since 3.6)",
        _ignored,
        example="smtpd_tls_eecdh_grade = ultra",
    ),
    Rule(
        "curve-bound-by-grade",
        "keys",
        "low",
        "The grade of the key exchange binds the server to one curve",
        "A peer without this curve falls back to an older key exchange, or to clear text.",
        "postconf(5) smtpd_tls_eecdh_grade (before Postfix 3.6)",
        _one_curve_by_grade,
        example="smtpd_tls_eecdh_grade = ultra",
    ),
    Rule(
        "certificate-none-on-purpose",
        "keys",
        "high",
        "The server is told to have no certificate",
        "It can offer anonymous suites alone, which clients refuse or fall back from to clear text.",
        "postconf(5) smtpd_tls_cert_file",
        _anonymous_only,
        example="smtpd_tls_cert_file = none",
    ),
    Rule(
        "key-without-certificate",
        "keys",
        "low",
        "A key is set without its certificate",
        "Postfix ignores the key, so the kind of certificate that was meant is not offered.",
        "postconf(5) smtpd_tls_eckey_file, smtpd_tls_eccert_file",
        _key_alone,
        example="smtpd_tls_eckey_file = /etc/postfix/ec.key",
    ),
    Rule(
        "certificate-dsa",
        "keys",
        "medium",
        "The server has a DSA certificate",
        "Nobody issues or accepts DSA any more; its keys are often too short.",
        "FIPS 186-5; RFC 9325 section 4.5; postconf(5) smtpd_tls_dcert_file",
        _dsa,
        example="smtpd_tls_dcert_file = /etc/postfix/dsa.pem",
    ),
)

_SESSIONS: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "fingerprint-digest-weak",
        "keys",
        "low",
        "Certificates are known by a fingerprint that can be forged",
        "Whoever makes a certificate with the same fingerprint passes for its owner.",
        "RFC 6151; RFC 6194; postconf(5) smtpd_tls_fingerprint_digest",
        _digest_weak,
        example="smtpd_tls_fingerprint_digest = md5",
    ),
    Rule(
        "fingerprint-digest-unknown",
        "keys",
        "critical",
        "The digest of fingerprints is unknown",
        "Postfix turns TLS off and goes on: it still announces STARTTLS and then refuses it.",
        "postconf(5) smtpd_tls_fingerprint_digest",
        _digest_unknown,
        dies=True,
        example="smtpd_tls_fingerprint_digest = sha-265",
    ),
    Rule(
        "server-session-cache",
        "keys",
        "low",
        "The server keeps TLS sessions in a file",
        "Tickets do the same without a file; the file has secrets in it and needs a table type that may go.",
        "postconf(5) smtpd_tls_session_cache_database; RFC 8446 section 4.6.1",
        _server_cache,
        example="smtpd_tls_session_cache_database = btree:${data_directory}/smtpd_scache",
    ),
    Rule(
        "session-cache-type-missing",
        "keys",
        "medium",
        "The session cache has a table type that this Postfix lacks",
        "Sessions are not kept, each connection needs a full handshake, and the log fills with warnings.",
        "postconf(5) smtp_tls_session_cache_database; postconf(1), option -m",
        _cache_type,
        needs=("main", "master", "map_types"),
        example="smtp_tls_session_cache_database = bdb:${data_directory}/smtp_scache",
    ),
    Rule(
        "session-cache-shared",
        "keys",
        "high",
        "Two session caches are one file",
        "tlsmgr dies of it, and every TLS handshake waits for it in vain.",
        "tlsmgr(8)",
        _cache_shared,
        dies=True,
        example="smtp_tls_session_cache_database = $smtpd_tls_session_cache_database",
    ),
    Rule(
        "session-cache-override-dead",
        "keys",
        "low",
        "A service overrides a setting that only tlsmgr reads",
        "The override does nothing; main.cf counts for all services.",
        "tlsmgr(8); postconf(5) smtpd_tls_session_cache_database",
        _tlsmgr_override,
        example="smtp inet n - n - - smtpd -o smtpd_tls_session_cache_database=",
    ),
    Rule(
        "session-ids-missing",
        "keys",
        "low",
        "Clients get an empty session id",
        "Some clients do not cope with that and give up, or fall back to clear text.",
        "postconf(5) smtpd_tls_always_issue_session_ids",
        _no_session_ids,
        example="smtpd_tls_always_issue_session_ids = no",
    ),
    Rule(
        "session-tickets-off",
        "keys",
        "low",
        "The server gives no session tickets",
        "Each connection of the same client needs a full handshake.",
        "postconf(5) tls_session_ticket_cipher, smtpd_tls_session_cache_timeout",
        _tickets_off,
        example="tls_session_ticket_cipher = aes-256-gcm",
    ),
    Rule(
        "random-source-changed",
        "keys",
        "info",
        "Random numbers come from another source than usual",
        "/dev/random may block, and a file or a daemon may go away; the default is right.",
        "postconf(5) tls_random_source; tlsmgr(8)",
        _random_source,
        example="tls_random_source = dev:/dev/random",
    ),
)

_OPTIONS_RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "renegotiation-by-clients",
        "suites",
        "medium",
        "Clients may negotiate anew within a connection",
        "A single client can keep the processor busy with nothing but handshakes.",
        "RFC 9325 section 3.5; postconf(5) tls_ssl_options",
        _renegotiation,
        needs=_LIBRARY,
        example="tls_ssl_options =",
    ),
    Rule(
        "tls-options-unsafe",
        "suites",
        "medium",
        "An option allows renegotiation that is not secure",
        "An attacker on the way can put text of his own before what the client sends.",
        "RFC 5746; RFC 9325 section 3.5; postconf(5) tls_ssl_options",
        _options_unsafe,
        example="tls_ssl_options = LEGACY_SERVER_CONNECT",
    ),
    Rule(
        "tls-options-unknown",
        "suites",
        "low",
        "An option of the TLS library is unknown",
        "Postfix leaves it out, so what was meant does not happen.",
        "postconf(5) tls_ssl_options",
        _options_unknown,
        example="tls_ssl_options = NO_RENEGOCIATION",
    ),
    Rule(
        "tls-workarounds-disabled",
        "suites",
        "low",
        "Workarounds for faulty peers are switched off",
        "Connections to some peers fail or fall back to clear text, and nothing gets safer.",
        "postconf(5) tls_disable_workarounds; SSL_CTX_set_options(3)",
        _workarounds,
        example="tls_disable_workarounds = 0xFFFFFFFF",
    ),
    Rule(
        "tls-switch-unreadable",
        "levels",
        "critical",
        "A switch of TLS is neither yes nor no",
        "The daemon dies when a client connects, so the port is dead though Postfix started.",
        "postconf(5); smtpd(8)",
        _switch_unreadable,
        dies=True,
        example="smtpd_tls_auth_only = true",
    ),
    Rule(
        "mandatory-settings-weak-though-idle",
        "protocols",
        "info",
        "The settings for mandatory TLS are weak, and nothing reads them yet",
        "The day a submission port is added, it is weaker than the port for strangers.",
        "postconf(5) smtpd_tls_mandatory_protocols; RFC 8997; RFC 9325 section 4.2",
        _idle_weak,
        example="smtpd_tls_mandatory_protocols = >=TLSv1",
    ),
    Rule(
        "postscreen-settings-idle",
        "levels",
        "info",
        "TLS settings of postscreen are set, and it does not run",
        "They do nothing today, and surprise whoever turns postscreen on one day.",
        "postscreen(8); tlsproxy(8)",
        _idle_proxy,
        example="postscreen_tls_security_level = none",
    ),
)

RULES: t.Final[tuple[Rule[View], ...]] = (*_EXCHANGE, *_SESSIONS, *_OPTIONS_RULES)

__all__ = ("RULES",)
