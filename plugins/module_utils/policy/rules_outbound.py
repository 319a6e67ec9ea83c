# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about mail going out: the SMTP and LMTP clients (pure)."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import DANE_LEVELS
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    Scope,
    View,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

_Hits = t.Iterator[Hit]

_LEVEL: t.Final = "smtp_tls_security_level"
_ENCRYPTING: t.Final = frozenset({"encrypt", "dane-only", "fingerprint", "verify", "secure"})
_KNOWN_LEVELS: t.Final = _ENCRYPTING | {"", "none", "may", "dane"}
_MANDATORY: t.Final = _ENCRYPTING | {"dane"}
_VERIFYING: t.Final = frozenset({"verify", "secure"})
#: The transports that carry mail to the world; others are the site's, often to a filter on the same host.
_TO_THE_WORLD: t.Final = frozenset({"smtp", "relay"})
_OLD: t.Final = ("TLSv1", "TLSv1.1")
_TLS: t.Final = frozenset({"TLSv1", "TLSv1.1", "TLSv1.2"})
_WRAPPED: t.Final = _ENCRYPTING - {"dane-only"}
#: Classes without which a server with a certificate of this kind, or any modern server, is out of reach.
_NEEDED_SUITES: t.Final = frozenset(
    """
    ECDSA aECDSA aRSA ECDHE EECDH kECDHE kEECDH AES AESGCM HIGH TLSv1.2 ALL
    """.split()
)
_STRICT_WORDS: t.Final = frozenset({"kRSA", "RSA", "SHA", "SHA1", "kDHE", "CBC", "MEDIUM"})
_WEAK_DANE_DIGESTS: t.Final = frozenset({"md5", "sha1", "sha224", "ripemd160"})
_CLIENT_CERTIFICATES: t.Final = (
    "smtp_tls_chain_files",
    "smtp_tls_cert_file",
    "smtp_tls_eccert_file",
    "smtp_tls_dcert_file",
)
_TRUST: t.Final = ("CAfile", "CApath", "trust_anchor_file")
_CA_FILE: t.Final = "/etc/ssl/certs/ca-certificates.crt"
_TRANSPORTS: t.Final = ("mailbox_transport", "virtual_transport", "local_transport")
_NO_LIBRARY: t.Final = TlsLibrary("", ())
#: The first row that the role writes into its own table, see resolve.policy_maps().
_OWN_ROW: t.Final = "hardened-mail.invalid"
_ROW: t.Final = later(r"\{\s*([^{}=\s]+)\s*=\s*([^{}]*?)\s*\}")
_PLAIN_ROW: t.Final = later(r"([^{}=\s,]+)=([^{}\s,]+)")
_READABLE: t.Final = later(r"\b(inline|static):\s*")
_WORDS: t.Final = later(r"[\s,:]+")


def _clients(view: View) -> tuple[Endpoint, ...]:
    return view.having(daemon=("smtp",))


def _prefix(one: Endpoint) -> str:
    return "lmtp" if one.daemon == "lmtp" else "smtp"


def level_of(one: Endpoint) -> str:
    """Return the security level of a client, by the switches of Postfix 2.2 when it names none."""
    prefix = _prefix(one)
    level = one.value(f"{prefix}_tls_security_level").strip().lower()
    if level:
        return level
    if one.is_yes(f"{prefix}_enforce_tls"):
        return "verify" if one.is_yes(f"{prefix}_tls_enforce_peername") else "encrypt"
    return "may" if one.is_yes(f"{prefix}_use_tls") else "none"


def _where(
    view: View,
    parameter: str,
    endpoints: t.Iterable[Endpoint],
    wrong: t.Callable[[Endpoint], object],
) -> t.Iterator[Scope]:
    """Yield each line that sets *parameter*, with those of its services of which *wrong* is true."""
    for scope in view.scopes(parameter, endpoints):
        bad = tuple(one for one in scope.endpoints if wrong(one))
        if bad:
            yield scope._replace(endpoints=bad)


def _levels(view: View) -> t.Iterator[tuple[Scope, str]]:
    """Yield each line that sets the level of an SMTP client, with the level that counts."""
    for scope in view.scopes(_LEVEL, _clients(view)):
        yield scope, level_of(scope.endpoints[0])


def _wants_dane(one: Endpoint) -> bool:
    return level_of(one) in DANE_LEVELS or bool(_policy_levels(one) & DANE_LEVELS)


def _is_local(destination: str) -> bool:
    """Return whether a next hop, or an address, is this host; an empty one is nowhere."""
    host = destination.strip().lower()
    if host.startswith("inet:"):
        host = host[len("inet:") :]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host in ("localhost", "::1", "ipv6:::1") or host.startswith(("127.", "/"))


def inline_rows(value: str) -> tuple[list[tuple[str, str]], str]:
    """Return destination and result of the rows that stand in a table parameter itself, and the rest.

    The rows are those of ``inline:`` and ``static:`` tables; the destination of the latter is ``*``. The
    rest are the tables whose content is elsewhere.
    """
    rows: list[tuple[str, str]] = []
    rest = []
    end = 0
    for found in _READABLE.finditer(value):
        if found.start() < end:
            continue
        rest.append(value[end : found.start()])
        text = _braced(value, found.end())
        end = found.end() + (len(text) + 2 if text else 0)
        if found.group(1) == "inline":
            rows += _ROW.findall(text)
            rows += _PLAIN_ROW.findall(_ROW.sub(" ", text))
            continue
        if not text:
            text = value[end:].replace(",", " ").partition(" ")[0]
            end += len(text)
        rows.append(("*", text.strip()))
    return rows, " ".join([*rest, value[end:]]).strip(" ,")


def _braced(value: str, start: int) -> str:
    """Return what stands in the braces that open at *start*; empty when none do."""
    depth = 0
    for index in range(start, len(value)):
        depth += {"{": 1, "}": -1}.get(value[index], 0)
        if depth == 0:
            return value[start + 1 : index]
    return ""


def _policy_levels(one: Endpoint) -> set[str]:
    """Return the levels of the policy rows that can be read; ``?`` stands for tables that cannot."""
    maps = one.value("smtp_tls_policy_maps")
    if not maps:
        return set()
    rows, rest = inline_rows(maps)
    levels = {_level_in(result) for _destination, result in rows}
    return levels | {"?"} if rest else levels


def _level_in(result: str) -> str:
    return result.partition(" ")[0].lower()


def _demands_tls(one: Endpoint) -> bool:
    return level_of(one) in _MANDATORY or bool(one.value("smtp_tls_policy_maps"))


def _off(view: View) -> _Hits:
    for scope, level in _levels(view):
        if level != "none":
            continue
        own = not _TO_THE_WORLD & {one.service.name for one in scope.endpoints}
        yield hit(
            scope,
            "Mail leaves in clear text: {services} never uses TLS, whatever the other side offers.",
            expected="may",
            severity="info" if own else None,
        )


def _bounces(view: View) -> _Hits:
    if view.choices.outbound_level in _ENCRYPTING:
        return

    def wrong(one: Endpoint) -> bool:
        world = one.service.name in _TO_THE_WORLD
        return world and level_of(one) in _ENCRYPTING and not one.value("relayhost")

    for scope in _where(view, _LEVEL, _clients(view), wrong):
        level = level_of(scope.endpoints[0])
        yield hit(
            scope,
            f"{{services}} demands the level {level} of every server in the world; mail to the many "
            "that cannot give it is deferred and then returned.",
            expected="dane" if level == "dane-only" else "may",
        )


def _bad_level(view: View) -> _Hits:
    for prefix in ("smtp", "lmtp"):
        for scope in view.scopes(f"{prefix}_tls_security_level", view.having(daemon=(prefix,))):
            if scope.value.strip().lower() not in _KNOWN_LEVELS:
                yield hit(
                    scope,
                    f"{scope.value.strip()!r} is no security level of a client; {{services}} dies at "
                    "its start and mail stays in the queue.",
                    expected="may",
                )


def _dane_without_dnssec(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        return one.value("smtp_dns_support_level").lower() != "dnssec" and _wants_dane(one)

    for scope in _where(view, "smtp_dns_support_level", _clients(view), wrong):
        yield hit(
            scope,
            "{services} is to use DANE but does not ask for DNSSEC, so Postfix ignores all TLSA records.",
            expected="dnssec",
        )


def _dane_without_dns(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        return "dns" not in one.words("smtp_host_lookup") and _wants_dane(one)

    for scope in _where(view, "smtp_host_lookup", _clients(view), wrong):
        yield hit(
            scope,
            "{services} is to use DANE but finds hosts without the DNS, where the TLSA records are.",
            expected="dns",
        )


def _remote_resolver(view: View) -> _Hits:
    if view.facts is None or not any(_wants_dane(one) for one in _clients(view)):
        return
    remote = [one for one in view.facts.nameservers if not _is_local(one)]
    if remote:
        yield Hit(
            "/etc/resolv.conf",
            "",
            observed=f"nameserver {', '.join(remote)}",
            expected="nameserver 127.0.0.1",
            message="The resolver is another host, so whoever sits between can forge its word that "
            "DNSSEC was checked, and with it every TLSA record.",
            fix=Fix("", "install a validating resolver such as unbound on this host"),
        )


def _client_certificates(view: View) -> _Hits:
    for name in _CLIENT_CERTIFICATES:
        for scope in view.scopes(name, _clients(view)):
            if scope.value.strip() in ("", "none"):
                continue
            to_one = bool(scope.endpoints[0].value("relayhost"))
            yield hit(
                scope,
                "{services} shows a certificate to every server that it delivers to.",
                expected=None,
                severity="info" if to_one else None,
            )


def _policy_none(view: View) -> _Hits:
    for scope in view.scopes("smtp_tls_policy_maps", _clients(view)):
        clear = [
            destination
            for destination, result in inline_rows(scope.value)[0]
            if _level_in(result) == "none" and destination != _OWN_ROW
        ]
        if clear:
            shown = "everybody" if "*" in clear else ", ".join(clear[:5])
            yield hit(
                scope,
                f"Mail to {shown} leaves in clear text by a row of the table, even when the server "
                "offers TLS.",
                expected=None,
                shown="may, or a stronger level, for each destination",
            )


def _protocol_scopes(view: View) -> t.Iterator[tuple[Scope, bool]]:
    """Yield every line about protocols of a client that has TLS; the flag is for the mandatory list."""
    for prefix in ("smtp", "lmtp"):
        endpoints = tuple(
            one
            for one in view.having(daemon=(prefix,))
            if prefix == "smtp" or level_of(one) != "none"
        )
        for name in ("protocols", "mandatory_protocols"):
            for scope in view.scopes(f"{prefix}_tls_{name}", endpoints):
                yield scope, name != "protocols"


def _left_on(view: View) -> t.Iterator[tuple[Scope, frozenset[str], bool]]:
    """Yield the lines about protocols that Postfix understands, with the protocols that they leave on."""
    for scope, mandatory in _protocol_scopes(view):
        left = _allowed(scope.value, view.version)
        if left is not None:
            yield scope, left, mandatory


@functools.lru_cache(maxsize=1024)
def _allowed(value: str, version: Version) -> t.Optional[frozenset[str]]:
    try:
        return values.protocols(value, postfix=version)
    except values.ValueProblem:
        return None


def _newest_only(view: View) -> str:
    return ">=TLSv1.2" if view.version.has("3.6") else "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"


def _invalid_protocols(view: View) -> _Hits:
    for scope, mandatory in _protocol_scopes(view):
        problem = scope.value and _problem(view, scope)
        if problem:
            does = (
                "mail that must be encrypted stays in the queue"
                if mandatory
                else "mail waits for the next attempt and then leaves in clear text"
            )
            yield hit(scope, f"{problem}; {does} ({{services}}).", expected=_newest_only(view))


def _problem(view: View, scope: Scope) -> t.Optional[str]:
    return values.check(
        scope.parameter,
        scope.value,
        postfix=view.version,
        tls_library=view.tls_library or _NO_LIBRARY,
        map_types=view.map_types,
    )


def _without_tls13(view: View) -> _Hits:
    for scope, left, _mandatory in _left_on(view):
        if "TLSv1.3" not in left and left & _TLS:
            yield hit(
                scope,
                "The list leaves TLS 1.3 out, so {services} never uses it; naming a protocol alone "
                "switches all others off.",
                expected=_newest_only(view),
            )


def _old_mandatory(view: View) -> _Hits:
    for scope, left, mandatory in _left_on(view):
        old = [name for name in _OLD if name in left]
        if not mandatory or not old:
            continue
        used = any(_demands_tls(one) for one in scope.endpoints)
        yield hit(
            scope,
            f"Where TLS is demanded, {{services}} is content with {' and '.join(old)}"
            + ("." if used else "; no destination demands TLS now, but one may tomorrow."),
            expected=_newest_only(view),
            severity=None if used else "info",
        )


def _old_opportunistic(view: View) -> _Hits:
    for scope, left, mandatory in _left_on(view):
        old = [name for name in _OLD if name in left]
        if old and not mandatory:
            yield hit(
                scope,
                f"Where clear text is allowed, {{services}} still takes {' and '.join(old)}, which is "
                "better than clear text.",
                expected=_newest_only(view),
                severity=None if view.choices.outbound_profile == "interop" else "medium",
            )


def _ssl3(view: View) -> _Hits:
    for scope, left, _mandatory in _left_on(view):
        if "SSLv3" in left:
            yield hit(scope, "The list of {services} leaves SSLv3 on.", expected=_newest_only(view))


def _grades(view: View) -> t.Iterator[tuple[Scope, bool]]:
    for prefix in ("smtp", "lmtp"):
        for name in ("ciphers", "mandatory_ciphers"):
            for scope in view.scopes(f"{prefix}_tls_{name}", view.having(daemon=(prefix,))):
                yield scope, name != "ciphers"


def _weak_grade(view: View) -> _Hits:
    for scope, mandatory in _grades(view):
        if scope.value.strip().lower() in ("low", "export", "null"):
            yield hit(
                scope,
                f"The grade {scope.value.strip()} of {{services}} lets broken or no encryption pass "
                "as TLS.",
                expected="high" if mandatory else "medium",
            )


def _bad_grade(view: View) -> _Hits:
    for scope, mandatory in _grades(view):
        if scope.value.strip().lower() not in ("high", "medium", "low", "export", "null"):
            yield hit(
                scope,
                f"{scope.value.strip()!r} is no grade of ciphers; every TLS handshake of {{services}} "
                "fails.",
                expected="high" if mandatory else "medium",
            )


def _exclusions(view: View) -> t.Iterator[Scope]:
    for prefix in ("smtp", "lmtp"):
        for name in ("exclude_ciphers", "mandatory_exclude_ciphers"):
            yield from view.scopes(f"{prefix}_tls_{name}", view.having(daemon=(prefix,)))


def _wide_exclusions(view: View) -> _Hits:
    for scope in _exclusions(view):
        words = [one for one in _WORDS.split(scope.value) if one]
        wide = [one for one in words if one in _NEEDED_SUITES]
        if wide:
            kept = ", ".join(one for one in words if one not in _NEEDED_SUITES)
            yield hit(
                scope,
                f"Excluding {', '.join(wide)} leaves {{services}} without a suite for many servers of "
                "TLS 1.2; mail to them leaves in clear text or not at all.",
                expected=kept or None,
            )


def _strict_in_clear(view: View) -> _Hits:
    if view.choices.outbound_profile != "interop":
        return
    for scope in _where(
        view, "smtp_tls_exclude_ciphers", _clients(view), lambda one: level_of(one) == "may"
    ):
        if _STRICT_WORDS & {word for word in _WORDS.split(scope.value) if word}:
            yield hit(
                scope,
                "A server with old suites only gets the mail of {services} in clear text, which is "
                "worse than an old suite.",
                expected=None,
            )


def _no_trust(view: View) -> _Hits:
    def trusts(one: Endpoint) -> bool:
        named = any(one.value(f"smtp_tls_{name}") for name in _TRUST)
        return named or one.is_yes("tls_append_default_CA")

    without = [one for one in _clients(view) if not trusts(one)]
    sure = _where(view, "smtp_tls_CAfile", without, _must_verify)
    for scope in sure:
        yield hit(
            scope,
            "{services} must verify servers but trusts no CA, so all that mail stays in the queue.",
            expected=_CA_FILE,
        )
    perhaps = _where(
        view,
        "smtp_tls_CAfile",
        without,
        lambda one: not _must_verify(one) and "?" in _policy_levels(one),
    )
    for scope in perhaps:
        yield hit(
            scope,
            "{services} has policy tables and trusts no CA; mail to each destination that they want "
            "verified (MTA-STS too) stays in the queue.",
            expected=_CA_FILE,
            severity="medium",
        )


def _must_verify(one: Endpoint) -> bool:
    return bool(({level_of(one)} | _policy_levels(one)) & _VERIFYING)


def _secure_by_dns(view: View) -> _Hits:
    for scope in view.scopes("smtp_tls_secure_cert_match", _clients(view)):
        if "hostname" in scope.value.replace(",", " ").lower().split():
            yield hit(
                scope,
                "At the level secure, {services} accepts the name that the DNS gave for the server, "
                "which an attacker can forge.",
                expected="nexthop, dot-nexthop",
            )


def _verify_by_dns(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        by_name = "hostname" in one.words("smtp_tls_verify_cert_match")
        return level_of(one) == "verify" and by_name and "[" not in one.value("relayhost")

    for scope in _where(view, _LEVEL, _clients(view), wrong):
        yield hit(
            scope,
            "At the level verify, {services} compares the certificate with the name that the DNS gave "
            "for the server, which an attacker can forge.",
            expected="secure",
        )


def _relay_login(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        return (
            one.is_yes("smtp_sasl_auth_enable")
            and level_of(one) not in _ENCRYPTING
            and not _is_local(one.value("relayhost"))
            and "noplaintext" not in one.words("smtp_sasl_security_options")
        )

    for scope in _where(view, _LEVEL, _clients(view), wrong):
        yield hit(
            scope,
            "{services} logs in at other servers and does not demand TLS: whoever sits on the way can "
            "switch TLS off and read the password.",
            expected="encrypt",
        )


def _relay_may(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        relay = one.value("relayhost")
        listed = one.is_yes("smtp_sasl_auth_enable") or bool(one.value("smtp_tls_policy_maps"))
        return bool(relay) and level_of(one) == "may" and not listed and not _is_local(relay)

    for scope in _where(view, _LEVEL, _clients(view), wrong):
        yield hit(
            scope,
            "All mail of {services} goes to one known relay, and whoever sits on the way can switch "
            "TLS off.",
            expected="encrypt",
        )


def _sender_login(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        login = one.is_yes(parameter) and one.is_yes("smtp_sasl_auth_enable")
        return login and level_of(one) not in _ENCRYPTING

    parameter = "smtp_sender_dependent_authentication"
    for scope in _where(view, parameter, _clients(view), wrong):
        yield hit(
            scope,
            "{services} logs in with the passwords of its senders and does not demand TLS.",
            expected="no",
            fix=set_parameter(_LEVEL, "encrypt"),
            shown=f"{_LEVEL} = encrypt",
        )


def _wrapper(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        return one.is_yes(parameter) and level_of(one) not in _WRAPPED

    parameter = "smtp_tls_wrappermode"
    for scope in _where(view, parameter, _clients(view), wrong):
        one = scope.endpoints[0]
        yield hit(
            scope,
            "{services} is to speak TLS from the first byte, which Postfix refuses at the level "
            f"{level_of(one)}: all its mail stays in the queue.",
            expected="yes",
            fix=set_parameter(
                _LEVEL, "encrypt", service=one.subject if one.overrides(_LEVEL) else ""
            ),
            shown=f"{_LEVEL} = encrypt",
        )


def _note_offer(view: View) -> _Hits:
    for prefix in ("smtp", "lmtp"):
        name = f"{prefix}_tls_note_starttls_offer"
        for scope in view.scopes(name, view.having(daemon=(prefix,))):
            if not scope.endpoints[0].is_yes(name):
                continue
            yield hit(
                scope,
                "{services} writes down each offer of STARTTLS that it does not take; with TLS on it "
                "takes them all.",
                expected=None,
            )


def _reuse(view: View) -> _Hits:
    if any(one.command == "tlsproxy" for one in view.in_force):
        return
    for scope in _said_yes(view, "smtp_tls_connection_reuse"):
        yield hit(
            scope,
            "{services} is to reuse TLS connections through tlsproxy, which master.cf does not have: "
            "every TLS delivery fails.",
            expected=None,
        )


def _said_yes(view: View, parameter: str) -> t.Iterator[Scope]:
    if view.knows(parameter):
        yield from _where(view, parameter, _clients(view), lambda one: one.is_yes(parameter))


def _said_no(view: View, parameter: str) -> t.Iterator[Scope]:
    if view.knows(parameter):
        yield from _where(view, parameter, _clients(view), lambda one: not one.is_yes(parameter))


def _sts_patterns(view: View) -> _Hits:
    for scope in _said_no(view, "smtp_tls_enforce_sts_mx_patterns"):
        yield hit(
            scope,
            "{services} does not hold the name of a server against the MTA-STS policy of the domain, "
            "so a forged MX record is believed.",
            expected="yes",
        )


def _reports(view: View) -> _Hits:
    for scope in _said_yes(view, "smtp_tlsrpt_enable"):
        if not scope.endpoints[0].value("smtp_tlsrpt_socket_name"):
            yield hit(
                scope,
                "Reports about failed TLS (TLS-RPT) are on, but there is no socket to send them to; "
                "{services} turns them off with a warning.",
                expected=None,
                fix=set_parameter("smtp_tlsrpt_socket_name", "run/tlsrpt/tlsrpt.sock"),
                shown="smtp_tlsrpt_socket_name = run/tlsrpt/tlsrpt.sock",
            )


def _insecure_mx(view: View) -> _Hits:
    for scope in _where(view, "smtp_tls_dane_insecure_mx_policy", _clients(view), _wants_dane):
        if scope.origin != "default" and scope.value.strip().lower() != "dane":
            yield hit(
                scope,
                "{services} ignores the TLSA records of a server when the MX record was not signed.",
                expected="dane",
            )


def _dane_digests(view: View) -> _Hits:
    for scope in _where(view, "tls_dane_digests", _clients(view), _wants_dane):
        words = {word.partition("=")[0].lower() for word in scope.value.replace(",", " ").split()}
        weak = sorted(words & _WEAK_DANE_DIGESTS)
        if weak or "sha256" not in words:
            yield hit(
                scope,
                f"TLSA records are believed by the weak {', '.join(weak)}."
                if weak
                else "Almost all TLSA records use SHA-256, and {services} does not read them.",
                expected="sha512 sha256",
            )


def _depth(view: View) -> _Hits:
    for scope in view.scopes("smtp_tls_scert_verifydepth", _clients(view)):
        text = scope.value.strip()
        if text.isdigit() and int(text) < 3:
            yield hit(
                scope,
                f"{{services}} follows a chain of certificates over {text} steps only, and common "
                "chains are longer.",
                expected=None,
            )


def _early_reply(view: View) -> _Hits:
    for scope in _said_yes(view, "smtp_tls_block_early_mail_reply"):
        yield hit(
            scope,
            "{services} waits at each delivery for an attack that TLS libraries have prevented since "
            "2010.",
            expected=None,
        )


def _fallback(view: View) -> _Hits:
    for scope in view.scopes("smtp_fallback_relay", _clients(view)):
        one = scope.endpoints[0]
        hops = [hop for hop in scope.value.replace(",", " ").split() if not _is_local(hop)]
        if hops and level_of(one) == "may" and not one.value("smtp_tls_policy_maps"):
            yield hit(
                scope,
                f"Mail that cannot be delivered goes to {hops[0]}, in clear text when whoever sits on "
                "the way switches TLS off.",
                expected=scope.value,
                fix=set_parameter(
                    "smtp_tls_policy_maps", f"inline:{{ {{ {hops[0]} = encrypt }} }}"
                ),
                shown=f"a row {hops[0]} = encrypt in smtp_tls_policy_maps",
            )


def _lmtp_in_clear(view: View) -> _Hits:
    endpoints = view.having(daemon=("lmtp",))
    if not endpoints or any(level_of(one) not in ("none", "may") for one in endpoints):
        return
    for name in _TRANSPORTS:
        value = view.value(name)
        kind, _colon, hop = value.partition(":")
        if kind != "lmtp" or not hop or hop.startswith("unix:") or _is_local(hop):
            continue
        (scope, *_others) = view.scopes("lmtp_tls_security_level", endpoints)
        yield hit(
            scope,
            f"{name} hands mail to {hop} over the network, and LMTP does not demand TLS.",
            expected="encrypt",
        )
        return


def _hides_starttls(view: View) -> _Hits:
    for scope in view.scopes("smtp_discard_ehlo_keywords", _clients(view)):
        words = scope.value.replace(",", " ").split()
        if any(one.lower() == "starttls" for one in words):
            kept = ", ".join(one for one in words if one.lower() != "starttls")
            yield hit(
                scope,
                "{services} ignores every offer of STARTTLS, so mail leaves in clear text.",
                expected=kept or None,
            )


def _cname(view: View) -> _Hits:
    for scope in _said_yes(view, "smtp_cname_overrides_servername"):
        yield hit(
            scope,
            "{services} takes the name that it verifies from a CNAME record, which an attacker can "
            "forge.",
            expected=None,
        )


def _raw_keys(view: View) -> _Hits:
    for scope in _said_yes(view, "smtp_tls_enable_rpk"):
        yield hit(
            scope,
            "{services} asks servers for bare public keys, which break fingerprints of certificates.",
            expected=None,
        )


def _no_dane(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        world = one.service.name == "smtp" and not one.value("relayhost")
        return world and level_of(one) == "may"

    for scope in _where(view, _LEVEL, _clients(view), wrong):
        # The level itself is not to blame: what is missing is the DNS.
        found = hit(
            scope,
            "{services} does not look at DANE records, with which a domain tells that its servers have "
            "TLS and which key.",
            expected="dane",
            shown="dane, with a resolver on this host that checks DNSSEC",
        )
        yield found._replace(parameter="")


def _no_sts(view: View) -> _Hits:
    def wrong(one: Endpoint) -> bool:
        maps = one.value("smtp_tls_policy_maps")
        asks = "socketmap:" in maps or "tcp:" in maps
        return one.service.name == "smtp" and not asks and not one.value("relayhost")

    for scope in _where(view, "smtp_tls_policy_maps", _clients(view), wrong):
        yield hit(
            scope,
            "{services} does not look at MTA-STS policies, with which large providers demand TLS.",
            expected="socketmap:inet:127.0.0.1:8461:postfix",
            shown="socketmap:inet:127.0.0.1:8461:postfix, from a package such as "
            "postfix-mta-sts-resolver",
        )


def _no_reports(view: View) -> _Hits:
    for scope in _said_no(view, "smtp_tlsrpt_enable"):
        yield hit(
            scope,
            "{services} reports no failed TLS to the domains that ask for such reports (TLS-RPT).",
            expected="yes",
            shown="yes, with a reporter and smtp_tlsrpt_socket_name",
        )


def _require_tls(view: View) -> _Hits:
    for name in ("tls_required_enable", "requiretls_enable"):
        for scope in _said_no(view, name):
            yield hit(
                scope,
                "A sender's wish to have a message encrypted, or delivered at any rate, is ignored.",
                expected="yes",
            )


_AREA: t.Final = "outbound"
RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "outbound-tls-off",
        _AREA,
        "high",
        "Mail leaves in clear text",
        "Everybody on the way can read and change the mail that leaves this host.",
        "RFC 7435; postconf(5) smtp_tls_security_level",
        _off,
        example="smtp_tls_security_level =",
    ),
    Rule(
        "outbound-tls-demanded-of-all",
        _AREA,
        "medium",
        "TLS, or a verified name, is demanded of every server",
        "Most domains cannot fulfil it, so mail to them comes back after days; a policy per destination "
        "or DANE demands it only where it works.",
        "TLS_README, Mandatory TLS encryption; RFC 7435",
        _bounces,
        example="smtp_tls_security_level = secure",
    ),
    Rule(
        "outbound-level-unknown",
        _AREA,
        "high",
        "The security level of a client is no level",
        "The client dies whenever it is started, and no mail leaves.",
        "postconf(5) smtp_tls_security_level",
        _bad_level,
        dies=True,
        example="smtp_tls_security_level = opportunistic",
    ),
    Rule(
        "dane-without-dnssec",
        _AREA,
        "high",
        "DANE without DNSSEC lookups",
        "Postfix quietly falls back to opportunistic TLS: the host looks protected and is not.",
        "RFC 7672 section 2.2; TLS_README, DANE TLS authentication",
        _dane_without_dnssec,
        example="smtp_tls_security_level = dane",
    ),
    Rule(
        "dane-without-dns",
        _AREA,
        "medium",
        "DANE with hosts that are not looked up in the DNS",
        "TLSA records are only in the DNS, so no delivery is protected by DANE.",
        "TLS_README, DANE TLS authentication; postconf(5) smtp_host_lookup",
        _dane_without_dns,
        example="smtp_host_lookup = native",
    ),
    Rule(
        "dane-remote-resolver",
        _AREA,
        "medium",
        "DANE with a resolver on another host",
        "DNSSEC is checked by the resolver, and its word can be forged on the way to this host.",
        "RFC 7672 section 2.1; TLS_README, DANE TLS authentication",
        _remote_resolver,
        needs=("main", "master", "host"),
    ),
    Rule(
        "outbound-client-certificate",
        _AREA,
        "medium",
        "A client certificate is shown to every server",
        "No server needs it, some fail over it, and public CAs no longer issue certificates for clients.",
        "TLS_README, Client-side certificate and private key configuration",
        _client_certificates,
        example="smtp_tls_cert_file = /etc/ssl/certs/mail.pem",
    ),
    Rule(
        "policy-allows-clear-text",
        _AREA,
        "medium",
        "A destination is exempt from TLS",
        "An exception that was made for one broken server stays, and mail to it is open to everybody.",
        "TLS_README, TLS policy table",
        _policy_none,
        example="smtp_tls_policy_maps = inline:{ { example.com = none } }",
    ),
    Rule(
        "outbound-protocols-invalid",
        _AREA,
        "high",
        "A list of protocols that Postfix does not understand",
        "Each handshake fails: mail leaves late and in clear text, or not at all.",
        "postconf(5) smtp_tls_protocols",
        _invalid_protocols,
        dies=True,
        example="smtp_tls_protocols = TLSv1.2+",
    ),
    Rule(
        "outbound-tls13-off",
        _AREA,
        "medium",
        "TLS 1.3 is off for mail going out",
        "The newest protocol, which hides more and resists more attacks, is never used.",
        "RFC 9325 section 3.1.1",
        _without_tls13,
        example="smtp_tls_protocols = TLSv1.2",
    ),
    Rule(
        "outbound-old-protocols-mandatory",
        _AREA,
        "medium",
        "TLS 1.0 or 1.1 where TLS is demanded of servers",
        "A destination that was chosen to be safe may still be reached over a broken protocol.",
        "RFC 8996; RFC 9325 section 3.1.1",
        _old_mandatory,
        example="smtp_tls_mandatory_protocols = !SSLv2, !SSLv3",
    ),
    Rule(
        "outbound-old-protocols",
        _AREA,
        "info",
        "TLS 1.0 or 1.1 where clear text is allowed",
        "An old protocol still beats clear text, unless you chose a profile that refuses both.",
        "RFC 9325 section 5.2; RFC 7435",
        _old_opportunistic,
        example="smtp_tls_protocols = >=TLSv1",
    ),
    Rule(
        "outbound-sslv3",
        _AREA,
        "medium",
        "SSLv3 is left on for mail going out",
        "SSLv3 has been broken since 2014.",
        "RFC 7568",
        _ssl3,
        example="smtp_tls_protocols = !SSLv2",
    ),
    Rule(
        "outbound-grade-weak",
        _AREA,
        "medium",
        "A grade of ciphers that lets broken encryption pass",
        "Mail that counts as encrypted can be read by others.",
        "postconf(5) smtp_tls_ciphers; RFC 9325 section 4.1",
        _weak_grade,
        example="smtp_tls_ciphers = export",
    ),
    Rule(
        "outbound-grade-unknown",
        _AREA,
        "high",
        "A grade of ciphers that Postfix does not know",
        "Each handshake fails: mail leaves late and in clear text, or not at all.",
        "postconf(5) smtp_tls_ciphers",
        _bad_grade,
        dies=True,
        example="smtp_tls_ciphers = strong",
    ),
    Rule(
        "outbound-exclusions-too-wide",
        _AREA,
        "medium",
        "Suites are excluded that modern servers need",
        "The best servers are reached with worse encryption than before, or with none.",
        "RFC 9325 section 4.2",
        _wide_exclusions,
        example="smtp_tls_exclude_ciphers = aNULL, ECDSA",
    ),
    Rule(
        "outbound-strict-ends-in-clear-text",
        _AREA,
        "info",
        "Strict suites where clear text is allowed",
        "Refusing an old suite was measured to end in clear text, not in a better suite.",
        "RFC 9325 section 5.2",
        _strict_in_clear,
        example="smtp_tls_exclude_ciphers = aNULL, kRSA, SHA1",
    ),
    Rule(
        "outbound-trusts-no-ca",
        _AREA,
        "high",
        "Servers must be verified, and no CA is trusted",
        "Mail to every server that must be verified is deferred and then returned.",
        "TLS_README, Mandatory server certificate verification",
        _no_trust,
        example="smtp_tls_security_level = secure",
    ),
    Rule(
        "secure-trusts-dns-names",
        _AREA,
        "medium",
        "The level secure accepts names from the DNS",
        "With a forged MX record an attacker's own valid certificate is accepted.",
        "TLS_README, Secure server certificate verification",
        _secure_by_dns,
        example="smtp_tls_secure_cert_match = hostname",
    ),
    Rule(
        "verify-trusts-dns-names",
        _AREA,
        "low",
        "The level verify trusts names from the DNS",
        "With a forged MX record an attacker's own valid certificate is accepted; the level secure holds "
        "the certificate against the domain.",
        "TLS_README, Mandatory server certificate verification",
        _verify_by_dns,
        example="smtp_tls_security_level = verify",
    ),
    Rule(
        "relay-login-in-clear-text",
        _AREA,
        "high",
        "The password for the relay may leave in clear text",
        "Whoever has the password can send mail in your name.",
        "SASL_README, Enabling SASL authentication in the SMTP/LMTP client; RFC 4954 section 9",
        _relay_login,
        example="smtp_sasl_auth_enable = yes",
    ),
    Rule(
        "relay-without-demanded-tls",
        _AREA,
        "info",
        "The relay is known to have TLS, and TLS is not demanded",
        "One attacker between here and the relay reads all mail of this host.",
        "TLS_README, Mandatory TLS encryption; STANDARD_CONFIGURATION_README",
        _relay_may,
        example="relayhost = [relay.example]:587",
    ),
    Rule(
        "sender-login-without-tls",
        _AREA,
        "high",
        "Passwords of senders leave without demanded TLS",
        "The passwords of all these users can be read on the way.",
        "SASL_README, Configuring sender-dependent SASL authentication",
        _sender_login,
        example="smtp_sender_dependent_authentication = yes",
    ),
    Rule(
        "outbound-wrappermode-without-encrypt",
        _AREA,
        "high",
        "TLS from the first byte at a level that does not demand it",
        "Postfix refuses the combination, and no mail leaves.",
        "postconf(5) smtp_tls_wrappermode",
        _wrapper,
        dies=True,
        example="smtp_tls_wrappermode = yes",
    ),
    Rule(
        "outbound-notes-starttls-offers",
        _AREA,
        "info",
        "Offers of STARTTLS are noted, not taken",
        "It only made sense before TLS was on; now it fills the log.",
        "postconf(5) smtp_tls_note_starttls_offer",
        _note_offer,
        example="smtp_tls_note_starttls_offer = yes",
    ),
    Rule(
        "connection-reuse-without-tlsproxy",
        _AREA,
        "high",
        "TLS connections are to be reused without tlsproxy",
        "Each delivery over TLS fails: mail leaves late and in clear text, or not at all.",
        "TLS_README, Client-side TLS connection reuse",
        _reuse,
        dies=True,
        example="smtp_tls_connection_reuse = yes",
    ),
    Rule(
        "mta-sts-names-not-checked",
        _AREA,
        "medium",
        "MTA-STS policies are not held against the server's name",
        "A forged MX record leads the mail to another server, which MTA-STS is there to prevent.",
        "RFC 8461 section 4.1; postconf(5) smtp_tls_enforce_sts_mx_patterns",
        _sts_patterns,
        example="smtp_tls_enforce_sts_mx_patterns = no",
    ),
    Rule(
        "tls-reports-without-socket",
        _AREA,
        "medium",
        "TLS-RPT is on and has nowhere to go",
        "Nobody learns of failed TLS, though the host seems to report it.",
        "RFC 8460; TLSRPT_README",
        _reports,
        dies=True,
        example="smtp_tlsrpt_enable = yes",
    ),
    Rule(
        "dane-ignored-for-unsigned-mx",
        _AREA,
        "medium",
        "TLSA records of some servers are ignored",
        "A server that published its key is contacted without looking at it.",
        "RFC 7672 section 2.2.1; postconf(5) smtp_tls_dane_insecure_mx_policy",
        _insecure_mx,
        example="smtp_tls_dane_insecure_mx_policy = may",
    ),
    Rule(
        "dane-digests-weak",
        _AREA,
        "medium",
        "The digests for TLSA records are weak or lack SHA-256",
        "A record with a weak digest can be forged, and one with SHA-256 is what the world publishes.",
        "RFC 7671 section 9; postconf(5) tls_dane_digests",
        _dane_digests,
        example="tls_dane_digests = sha1",
    ),
    Rule(
        "outbound-chain-too-short",
        _AREA,
        "low",
        "Chains of certificates are not followed far enough",
        "Good certificates with common chains cannot be verified.",
        "postconf(5) smtp_tls_scert_verifydepth",
        _depth,
        example="smtp_tls_scert_verifydepth = 1",
    ),
    Rule(
        "outbound-waits-for-old-attack",
        _AREA,
        "info",
        "A defence against an attack that no longer works",
        "It costs time at each delivery; RFC 5746 closed the hole.",
        "RFC 5746; postconf(5) smtp_tls_block_early_mail_reply",
        _early_reply,
        example="smtp_tls_block_early_mail_reply = yes",
    ),
    Rule(
        "fallback-relay-without-demanded-tls",
        _AREA,
        "info",
        "Mail for the fallback relay may leave in clear text",
        "The fallback relay is yours, so TLS can be demanded of it.",
        "postconf(5) smtp_fallback_relay; TLS_README, TLS policy table",
        _fallback,
        example="smtp_fallback_relay = [backup.example]",
    ),
    Rule(
        "lmtp-over-network-in-clear-text",
        _AREA,
        "medium",
        "Mail goes to the mailboxes over the network in clear text",
        "Everybody on that network can read all mail of the users.",
        "postconf(5) lmtp_tls_security_level",
        _lmtp_in_clear,
        example="virtual_transport = lmtp:inet:mailboxes.example:24",
    ),
    Rule(
        "outbound-ignores-starttls",
        _AREA,
        "high",
        "Offers of STARTTLS are ignored",
        "Mail leaves in clear text to every server, or stays in the queue where TLS is demanded.",
        "RFC 3207 section 4; postconf(5) smtp_discard_ehlo_keywords",
        _hides_starttls,
        example="smtp_discard_ehlo_keywords = starttls",
    ),
    Rule(
        "outbound-name-from-cname",
        _AREA,
        "medium",
        "The name to verify is taken from a CNAME record",
        "Whoever forges that record chooses the name that the certificate must have.",
        "DEPRECATION_README; postconf(5) smtp_cname_overrides_servername",
        _cname,
        example="smtp_cname_overrides_servername = yes",
    ),
    Rule(
        "outbound-raw-public-keys",
        _AREA,
        "low",
        "Bare public keys instead of certificates are asked for",
        "Fingerprints of certificates then match nothing, and mail to such servers stays in the queue.",
        "RFC 7250; TLS_README, raw public keys; postconf(5) smtp_tls_enable_rpk",
        _raw_keys,
        example="smtp_tls_enable_rpk = yes",
    ),
    Rule(
        "dane-not-used",
        _AREA,
        "info",
        "DANE is not looked at",
        "Without DANE or MTA-STS an attacker on the way can switch TLS off.",
        "RFC 7672; TLS_README, DANE TLS authentication",
        _no_dane,
    ),
    Rule(
        "mta-sts-not-used",
        _AREA,
        "info",
        "MTA-STS policies are not looked at",
        "Without DANE or MTA-STS an attacker on the way can switch TLS off.",
        "RFC 8461",
        _no_sts,
    ),
    Rule(
        "tls-reports-not-sent",
        _AREA,
        "info",
        "Failed TLS is not reported",
        "Domains learn from such reports that their TLS is broken, or attacked.",
        "RFC 8460; TLSRPT_README",
        _no_reports,
    ),
    Rule(
        "require-tls-ignored",
        _AREA,
        "low",
        "A sender's wish about TLS is ignored",
        "RFC 8689 lets a sender demand TLS for one message, or waive it; here neither counts.",
        "RFC 8689; postconf(5) requiretls_enable, tls_required_enable",
        _require_tls,
        example="requiretls_enable = no",
    ),
)

__all__ = ("RULES", "inline_rows", "level_of")
