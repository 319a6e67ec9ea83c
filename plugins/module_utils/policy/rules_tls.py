# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the TLS of the services that receive mail: levels and protocol versions (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    floor,
    rules_tls_keys,
    rules_tls_suites,
    tls_in_force,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Host
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.servers import answer
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import (
    TlsServer,
    group,
    level_of,
    lines,
    offering,
    servers,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Scope, View
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import TlsLibrary

_LEVEL = "smtpd_tls_security_level"
_WRAPPER = "smtpd_tls_wrappermode"
_OLD: t.Final = ("TLSv1", "TLSv1.1")
_TLS: t.Final = frozenset({"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"})
_RESTRICTIONS: t.Final = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
)
_CERTIFICATE_WORDS: t.Final = frozenset(
    {"permit_tls_clientcerts", "permit_tls_all_clientcerts", "check_ccert_access"}
)
_ANY_CERTIFICATE = "permit_tls_all_clientcerts"
_PUBLIC_BUNDLES: t.Final = ("ca-certificates", "ca-bundle", "cert.pem", "/etc/ssl/certs")


def _starttls(view: View) -> tuple[TlsServer, ...]:
    """Return the smtpd services whose level counts."""
    return tuple(one for one in servers(view) if one.endpoint.daemon == "smtpd" and not one.wrapper)


def _at(server: TlsServer, parameter: str, expected: str, message: str) -> Hit:
    """Return what is found at a service that needs an override of its own."""
    subject = server.endpoint.subject
    value = server.endpoint.value(parameter)
    return Hit(
        subject=subject,
        parameter=parameter,
        observed=value or "not set",
        expected=expected,
        message=message,
        fix=set_parameter(parameter, expected, service=subject),
    )


def _lets_in(server: TlsServer) -> bool:
    """Return whether a stranger's mail may get in; a list that is broken says nothing about it."""
    found = answer(server.endpoint, "stranger", "own")
    broken = any(one.kind == "error" for one in found.refusals)
    return found.verdict != "refused" or broken


def _not_offered(view: View) -> t.Iterator[Hit]:
    pairs = (
        (_LEVEL, one)
        for one in _starttls(view)
        if one.level == "none" and one.endpoint.purpose in ("mx", "other") and not one.internal
    )
    for scope, readers in group(view, pairs):
        strangers = any(one.endpoint.purpose == "mx" and _lets_in(one) for one in readers)
        yield hit(
            scope,
            "{services} never offers TLS, so every message comes in as clear text",
            expected="may",
            severity=None if strangers else "medium",
        )


def _forced(view: View) -> t.Iterator[Hit]:
    if view.choices.inbound_level == "encrypt":
        return
    pairs = (
        (_LEVEL, one)
        for one in _starttls(view)
        if one.level == "encrypt" and one.endpoint.purpose == "mx" and not one.internal
    )
    for scope, _readers in group(view, pairs):
        yield hit(
            scope,
            "{services} takes mail from other servers and refuses all that come without TLS",
            expected="may",
        )


def _proper_level(readers: t.Iterable[TlsServer]) -> str:
    only = all(one.endpoint.purpose in ("submission", "submissions") for one in readers)
    return "encrypt" if only else "may"


def _level_unknown(view: View) -> t.Iterator[Hit]:
    pairs = (
        (one.name("tls_security_level"), one)
        for one in servers(view)
        if not one.wrapper and one.level == ""
    )
    for scope, readers in group(view, pairs):
        yield hit(
            scope,
            f"{scope.value!r} is not a level for a server, and {{services}} dies of it at every "
            "connection",
            expected=_proper_level(readers),
        )
    own = "postscreen_tls_security_level"
    for one in view.having(daemon=("postscreen",)):
        if (one.overrides(own) or own in view.explicit) and not level_of(one, prefix="postscreen"):
            for scope in view.scopes(own, (one,)):
                yield hit(
                    scope,
                    f"{scope.value!r} is not a level for a server, and {{services}} dies of it",
                    expected=None,
                )


def _level_of_clients(view: View) -> t.Iterator[Hit]:
    pairs = (
        (_LEVEL, one)
        for one in _starttls(view)
        if one.endpoint.value(_LEVEL).strip().lower() in ("verify", "secure", "fingerprint")
    )
    for scope, readers in group(view, pairs):
        yield hit(
            scope,
            f"{scope.value!r} is a level for clients; {{services}} warns and takes encrypt",
            expected="may" if any(one.endpoint.purpose == "mx" for one in readers) else "encrypt",
        )


def _submission_level(view: View) -> t.Iterator[Hit]:
    for one in _starttls(view):
        if (
            one.endpoint.purpose == "submission"
            and one.level in ("none", "may")
            and not one.internal
        ):
            yield _at(
                one,
                _LEVEL,
                "encrypt",
                f"{one.endpoint.subject} takes mail of users without TLS "
                f"(its level is {one.level})",
            )


def _wrapper_missing(view: View) -> t.Iterator[Hit]:
    for one in _starttls(view):
        if one.endpoint.purpose == "submissions":
            yield _at(
                one,
                _WRAPPER,
                "yes",
                f"{one.endpoint.subject} is the port for TLS from the first byte, and it speaks "
                "clear text",
            )


def _wrapper_misplaced(view: View) -> t.Iterator[Hit]:
    for scope in view.scopes(_WRAPPER, (one.endpoint for one in servers(view) if one.wrapper)):
        ports = {one.service.key[2] for one in scope.endpoints}
        mx = any(one.purpose == "mx" for one in scope.endpoints) or "25" in ports
        if scope.origin == "master.cf" and not (mx or "587" in ports):
            continue
        severity: Severity = "low" if ports == {"465"} else "critical" if mx else "high"
        yield hit(
            scope,
            "{services} waits for TLS from the first byte and greets nobody who speaks SMTP"
            if severity != "low"
            else "wrapper mode holds for every service that is added, not only for {services}",
            expected=None,
            severity=severity,
            shown="not set; -o smtpd_tls_wrappermode=yes at the service on port 465 alone",
        )


def _submissions_missing(view: View) -> t.Iterator[Hit]:
    there = {one.purpose for one in view.having()}
    if "submission" in there and "submissions" not in there:
        entry = "submissions inet n - n - - smtpd -o smtpd_tls_wrappermode=yes"
        yield Hit(
            subject="master.cf",
            parameter="",
            observed="submission (587) alone",
            expected="a service submissions (465) with smtpd_tls_wrappermode=yes",
            message="Users can send on port 587 with STARTTLS, and not on port 465",
            fix=Fix(
                "role hardened.mail.postfix_submission",
                f"postconf -M 'submissions/inet={entry} -o smtpd_sasl_auth_enable=yes'",
            ),
        )


def _old_switch_ignored(view: View) -> t.Iterator[Hit]:
    for switch, weaker in (("smtpd_enforce_tls", ("none", "may")), ("smtpd_use_tls", ("none",))):
        pairs = (
            (switch, one)
            for one in _starttls(view)
            if one.level in weaker
            and one.endpoint.value(_LEVEL).strip()
            and one.endpoint.is_yes(switch)
        )
        for scope, readers in group(view, pairs):
            yield hit(
                scope,
                f"{switch} = yes is ignored in {{services}}: {_LEVEL} = {readers[0].level} wins",
                expected=None,
                severity="medium" if switch == "smtpd_use_tls" else None,
            )


def _uses_certificates(server: TlsServer, words: t.AbstractSet[str]) -> bool:
    return any(not words.isdisjoint(server.endpoint.words(one)) for one in _RESTRICTIONS)


def _certificate_not_required(view: View) -> t.Iterator[Hit]:
    pairs = (
        (one.name("tls_req_ccert"), one)
        for one in offering(view, internal=True)
        if not one.mandatory and one.value("tls_req_ccert").lower() == "yes"
    )
    for scope, _readers in group(view, pairs):
        yield hit(
            scope,
            "{services} demands a client certificate and does not demand TLS, so it asks for none",
            expected=None,
        )


def _certificate_asked(view: View) -> t.Iterator[Hit]:
    asking = [
        one
        for one in offering(view)
        if one.asks_for_certificate
        and one.endpoint.purpose in ("mx", "")
        and not _uses_certificates(one, _CERTIFICATE_WORDS)
    ]
    pairs = [
        (one.name("tls_ask_ccert" if not _requires(one) else "tls_req_ccert"), one)
        for one in asking
    ]
    for scope, readers in group(view, pairs):
        required = _requires(readers[0])
        yield hit(
            scope,
            "{services} refuses every server without a client certificate"
            if required
            else "{services} asks strangers for a client certificate and does nothing with it",
            expected=None,
            severity="high" if required else None,
        )


def _requires(server: TlsServer) -> bool:
    return server.mandatory and server.value("tls_req_ccert").lower() == "yes"


def _default_ca(view: View) -> t.Iterator[Hit]:
    parameter = "tls_append_default_CA"
    if not tls_in_force.is_written(view, parameter):
        return
    for scope in view.scopes(parameter, view.having(daemon=("smtpd", "smtp", "lmtp"))):
        if scope.value.strip().lower() == "yes":
            yield hit(
                scope,
                "{services} trusts every public CA besides the ones that the site chose",
                expected=None,
            )


def _relay_for_any_certificate(view: View) -> t.Iterator[Hit]:
    words = frozenset({_ANY_CERTIFICATE})
    open_to_all = [
        one
        for one in offering(view)
        if one.endpoint.daemon == "smtpd" and one.asks_for_certificate and _trusts_public(one)
    ]
    pairs = [
        (name, one)
        for name in _RESTRICTIONS
        for one in open_to_all
        if not words.isdisjoint(one.endpoint.words(name))
    ]
    for scope, _readers in group(view, pairs):
        yield hit(
            scope,
            f"{{services}} lets everybody pass {scope.parameter} who has a certificate of any "
            "public CA",
            expected=scope.value.replace(_ANY_CERTIFICATE, "permit_tls_clientcerts"),
        )


def _trusts_public(server: TlsServer) -> bool:
    trusted = server.value("tls_CAfile") + " " + server.value("tls_CApath")
    return server.endpoint.is_yes("tls_append_default_CA") or any(
        one in trusted for one in _PUBLIC_BUNDLES
    )


def _behind_postscreen(view: View) -> tuple[TlsServer, ...]:
    return tuple(
        one
        for one in servers(view)
        if one.endpoint.daemon == "smtpd" and one.endpoint.service.type == "pass"
    )


def _postscreen_level(view: View) -> t.Iterator[Hit]:
    behind = _behind_postscreen(view)
    if not behind or not behind[0].offers:
        return
    for one in view.having(daemon=("postscreen",)):
        level = level_of(one, prefix="postscreen")
        if level in ("", behind[0].level):
            continue
        for scope in view.scopes("postscreen_tls_security_level", (one,)):
            yield hit(
                scope,
                f"postscreen goes by level {level} and the server behind it by {behind[0].level}: "
                "what a client gets depends on who answers it",
                expected=behind[0].level,
                severity=None if level == "none" else "low",
            )


_SHARED_WITH_TLSPROXY: t.Final = (
    "tls_security_level",
    "tls_protocols",
    "tls_mandatory_protocols",
    "tls_ciphers",
    "tls_mandatory_ciphers",
    "tls_exclude_ciphers",
    "tls_mandatory_exclude_ciphers",
    "tls_chain_files",
    "tls_cert_file",
    "tls_eccert_file",
    "tls_ask_ccert",
)


def _tlsproxy_differs(view: View) -> t.Iterator[Hit]:
    behind = _behind_postscreen(view)
    if not behind:
        return
    smtpd = behind[0]
    for proxy in servers(view):
        if proxy.endpoint.daemon != "tlsproxy":
            continue
        for parameter in _SHARED_WITH_TLSPROXY:
            ours, theirs = proxy.value(parameter), smtpd.value(parameter)
            if " ".join(ours.lower().split()) == " ".join(theirs.lower().split()):
                continue
            name = proxy.name(parameter)
            own = name.startswith("tlsproxy_") or proxy.endpoint.overrides(name)
            place = (name, proxy) if own else (smtpd.name(parameter), smtpd)
            for scope in view.scopes(place[0], (place[1].endpoint,)):
                yield hit(
                    scope,
                    f"{{services}} does not do what the server behind postscreen does with "
                    f"{parameter}: {theirs or 'nothing'}"
                    if own
                    else f"{parameter} of {{services}} does not reach tlsproxy, which has "
                    f"{ours or 'nothing'}",
                    expected=None,
                    shown="the same for both: set it as smtpd_" + parameter + " in main.cf",
                )


def _floor(view: View, readers: t.Iterable[TlsServer]) -> str:
    """Return the protocols that the role sets for these services."""
    interop = view.choices.inbound_profile == "interop"
    if interop and not any(one.mandatory for one in readers):
        return ">=TLSv1" if view.version.has("3.6") else "!SSLv2, !SSLv3"
    return ">=TLSv1.2" if view.version.has("3.6") else "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"


_Line = tuple[Scope, tuple[TlsServer, ...], t.Optional[frozenset[str]]]


def _idle(view: View) -> t.Iterator[tuple[Scope, tuple[TlsServer, ...]]]:
    """Yield the lines with protocols that somebody wrote and that no service reads."""
    counting = {(one.counts("protocols"), one.endpoint.subject) for one in offering(view)}
    read = {name for name, _subject in counting}
    pairs = [
        (one.idle("protocols"), one)
        for one in offering(view)
        if one.endpoint.overrides(one.idle("protocols"))
        or (one.idle("protocols") in view.explicit and one.idle("protocols") not in read)
    ]
    yield from group(view, pairs)


def _allowed(view: View) -> tuple[_Line, ...]:
    """Return the lines with protocols that count for services that strangers can reach."""

    def make(view: View) -> tuple[_Line, ...]:
        return tuple(
            (scope, readers, readers[0].protocols)
            for scope, readers in lines(view, "protocols")
            if not all(one.internal for one in readers)
        )

    return tls_in_force.once(view, "tls_protocols_allowed", make)


def _broken_list(view: View, *, limits: bool) -> t.Iterator[Hit]:
    says = (
        "needs Postfix 3.6, and this one answers STARTTLS with 454 for it: {services} has no TLS"
        if limits
        else "has a name that Postfix does not know, and {services} has no TLS because of it"
    )
    for scope, readers in lines(view, "protocols"):
        if readers[0].protocols is None and _needs_limits(view, scope.value) == limits:
            yield hit(scope, f"{scope.value!r} {says}", expected=_floor(view, readers))
    for scope, _readers in _idle(view):
        broken = tls_in_force.allowed(scope.value, view.version) is None
        if broken and _needs_limits(view, scope.value) == limits:
            yield hit(
                scope,
                f"{scope.value!r} would turn TLS off as soon as a service reads it",
                expected=_floor(view, ()),
                severity="low",
            )


def _needs_limits(view: View, value: str) -> bool:
    return not view.version.has("3.6") and (">=" in value or "<=" in value)


def _limits_too_new(view: View) -> t.Iterator[Hit]:
    return _broken_list(view, limits=True)


def _unknown_protocol(view: View) -> t.Iterator[Hit]:
    return _broken_list(view, limits=False)


def _mixed(view: View) -> t.Iterator[Hit]:
    for scope, readers, left in _allowed(view):
        words = tls_in_force.exclusion_words(scope.value)
        alone = [one for one in words if one[0] not in "!<>"]
        if left is not None and alone and len(alone) < len(words):
            yield hit(
                scope,
                f"{scope.value!r} mixes names with and without '!': {alone[0]} alone switches off "
                f"all that is not named, and leaves {', '.join(sorted(left & _TLS)) or 'nothing'}",
                expected=_floor(view, readers),
            )


def _no_tls13(view: View) -> t.Iterator[Hit]:
    library = view.tls_library
    if library is not None and library.is_openssl(before=(1, 1, 1)):
        return
    for scope, readers, left in _allowed(view):
        if left is not None and left & _TLS and "TLSv1.3" not in left:
            yield hit(
                scope,
                f"{scope.value!r} switches TLS 1.3 off in {{services}}",
                expected=_floor(view, readers),
            )


def _only_tls13(view: View) -> t.Iterator[Hit]:
    for scope, readers, left in _allowed(view):
        if left is not None and "TLSv1.3" in left and "TLSv1.2" not in left:
            yield hit(
                scope,
                f"{scope.value!r} takes TLS 1.2 away from {{services}}",
                expected=_floor(view, readers),
                severity="low" if readers[0].mandatory else None,
            )


def _none_left(view: View) -> t.Iterator[Hit]:
    for scope, readers in lines(view, "protocols"):
        left = readers[0].protocols
        if left is not None and not left & _TLS:
            yield hit(
                scope,
                f"{scope.value!r} leaves no protocol: every handshake with {{services}} fails",
                expected=_floor(view, readers),
            )


def _old_tls(view: View, *, mandatory: bool) -> t.Iterator[Hit]:
    interop = view.choices.inbound_profile == "interop"
    for scope, readers, left in _allowed(view):
        old = [one for one in _OLD if left is not None and one in left]
        if old and readers[0].mandatory == mandatory:
            yield hit(
                scope,
                f"{' and '.join(old)} {'is' if len(old) == 1 else 'are'} accepted by {{services}}",
                expected=">=TLSv1.2"
                if view.version.has("3.6")
                else "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
                severity="info" if interop and not mandatory else None,
            )


def _old_mandatory(view: View) -> t.Iterator[Hit]:
    return _old_tls(view, mandatory=True)


def _old_opportunistic(view: View) -> t.Iterator[Hit]:
    return _old_tls(view, mandatory=False)


def _ssl(view: View) -> t.Iterator[Hit]:
    library = view.tls_library
    gone = library is not None and library.is_openssl(since=(1, 1))
    for scope, readers, left in _allowed(view):
        if left is not None and "SSLv3" in left:
            yield hit(
                scope,
                f"{scope.value!r} does not forbid SSL 3 in {{services}}"
                if scope.value
                else "an empty list forbids nothing in {services}, SSL 3 neither",
                expected=_floor(view, readers),
                severity="medium" if gone else None,
            )


_TWINS: t.Final = (
    ("tls_protocols", "tls_mandatory_protocols"),
    ("tls_ciphers", "tls_mandatory_ciphers"),
    ("tls_exclude_ciphers", "tls_mandatory_exclude_ciphers"),
)


def _written(view: View, server: TlsServer, parameter: str) -> bool:
    return server.endpoint.overrides(parameter) or parameter in view.explicit


def _without_effect(view: View, *, mandatory: bool) -> t.Iterator[Hit]:
    """Find what is written for the other kind of service, where nothing is for the kind there is."""
    concerned = [one for one in offering(view) if one.mandatory != mandatory]
    others = any(one.mandatory == mandatory for one in offering(view))
    pairs = []
    for at_may, at_encrypt in _TWINS:
        if not mandatory and at_may == "tls_exclude_ciphers":
            continue  # It holds for both kinds.
        for one in concerned:
            written, counts = (at_encrypt, at_may) if mandatory else (at_may, at_encrypt)
            name, read = one.name(written), one.name(counts)
            if one.endpoint.overrides(name) or (
                name in view.explicit and not others and not _written(view, one, read)
            ):
                pairs.append((name, one))
    kind = "demand TLS" if mandatory else "offer TLS and do not demand it"
    for scope, readers in group(view, pairs):
        twin = (
            scope.parameter.replace("_mandatory", "")
            if mandatory
            else scope.parameter.replace("_tls_", "_tls_mandatory_")
        )
        value = _worth_copying(view, scope)
        yield hit(
            scope,
            f"{scope.parameter} counts only for services that {kind}; {{services}} goes by {twin} "
            f"({readers[0].endpoint.value(twin) or 'empty'})",
            expected=None,
            shown=f"{twin} = {value}",
            fix=_set_twin(scope, twin, value),
        )


def _worth_copying(view: View, scope: Scope) -> str:
    """Return what is to be written at the other parameter: a list of protocols only when it is a good one."""
    if not scope.parameter.endswith("_protocols"):
        return scope.value
    left = tls_in_force.allowed(scope.value, view.version)
    good = left is not None and left - {"SSLv2"} == {"TLSv1.2", "TLSv1.3"}
    return scope.value if good else _floor(view, ())


def _set_twin(scope: Scope, twin: str, value: str) -> Fix:
    service = scope.endpoints[0].subject if scope.origin == "master.cf" else ""
    return set_parameter(twin, value, service=service)


def _mandatory_without_effect(view: View) -> t.Iterator[Hit]:
    return _without_effect(view, mandatory=True)


def _opportunistic_without_effect(view: View) -> t.Iterator[Hit]:
    return _without_effect(view, mandatory=False)


def _host(view: View) -> Host:
    return Host(
        postfix=view.version,
        tls_library=view.tls_library or TlsLibrary("OpenSSL", (1, 1, 1)),
        map_types=view.map_types,
        compatibility_level=view.value("compatibility_level"),
    )


def _override_weaker(view: View) -> t.Iterator[Hit]:
    host = tls_in_force.once(view, "tls_host", _host)
    for one in offering(view):
        if not one.endpoint.service.overrides:
            continue
        named = [(one.counts("protocols"), "protocols"), (one.counts("ciphers"), "grade")]
        named += [(name, "exclude") for name in one.exclusion_names]
        for parameter, kind in named:
            if not one.endpoint.overrides(parameter) or parameter not in view.explicit:
                continue
            reason = _below(view, one, parameter, kind, host)
            for scope in view.scopes(parameter, (one.endpoint,)) if reason else ():
                yield hit(
                    scope,
                    f"the override of {{services}} undoes main.cf: it {reason}",
                    expected=None,
                    shown=f"no override (main.cf has {view.value(parameter)})",
                )


def _below(view: View, server: TlsServer, parameter: str, kind: str, host: Host) -> t.Optional[str]:
    if kind == "protocols" and tls_in_force.allowed(view.value(parameter), view.version) is None:
        return None
    if kind == "grade" and view.value(parameter).lower() not in tls_in_force.GRADES:
        return None
    return floor.below(
        kind,
        value=server.endpoint.value(parameter),
        floor=view.value(parameter).lower() if kind == "grade" else view.value(parameter),
        parameter=parameter,
        host=host,
    )


_LEVELS: t.Final = (
    Rule(
        "tls-not-offered",
        "levels",
        "critical",
        "A server for other mail servers offers no TLS",
        "Everybody on the way can read and change the mail, because no sender can encrypt it.",
        "RFC 3207; postconf(5) smtpd_tls_security_level; TLS_README",
        _not_offered,
        example="smtpd_tls_security_level = none",
    ),
    Rule(
        "tls-demanded-of-strangers",
        "levels",
        "high",
        "The server for other mail servers refuses mail without TLS",
        "A server on the Internet that has no TLS cannot deliver here, and its mail bounces.",
        "RFC 3207 section 4",
        _forced,
        example="smtpd_tls_security_level = encrypt",
    ),
    Rule(
        "server-level-unknown",
        "levels",
        "critical",
        "The TLS level of a server is no level",
        "The daemon dies when a client connects, so the port is dead though Postfix started.",
        "postconf(5) smtpd_tls_security_level; smtpd(8)",
        _level_unknown,
        dies=True,
        example="smtpd_tls_security_level = dane",
    ),
    Rule(
        "server-level-of-clients",
        "levels",
        "medium",
        "A server has a TLS level that only clients have",
        "Postfix demands TLS instead and verifies nobody, which is not what was written.",
        "postconf(5) smtpd_tls_security_level; smtpd(8)",
        _level_of_clients,
        example="smtpd_tls_security_level = verify",
    ),
    Rule(
        "submission-without-tls",
        "levels",
        "high",
        "The submission port does not demand TLS",
        "A user's program that is set up wrong, or an attacker in between, sends mail and password "
        "in clear text.",
        "RFC 8314 section 3.3; RFC 6409; TLS_README",
        _submission_level,
        example="submission inet n - n - - smtpd -o smtpd_tls_security_level=may",
    ),
    Rule(
        "submissions-without-wrappermode",
        "levels",
        "high",
        "Port 465 does not speak TLS from the first byte",
        "Mail programs expect TLS at once on this port and get no answer that they understand.",
        "RFC 8314 section 3.3; postconf(5) smtpd_tls_wrappermode",
        _wrapper_missing,
        example="submissions inet n - n - - smtpd",
    ),
    Rule(
        "wrappermode-misplaced",
        "levels",
        "critical",
        "Wrapper mode holds for a port where clients speak first in clear text",
        "The server waits for a handshake that never comes, so the port takes no mail.",
        "postconf(5) smtpd_tls_wrappermode; TLS_README",
        _wrapper_misplaced,
        example="smtpd_tls_wrappermode = yes",
    ),
    Rule(
        "submissions-missing",
        "levels",
        "info",
        "There is a submission port with STARTTLS and none with TLS from the first byte",
        "Port 465 is the recommended one: nothing in clear text comes before TLS that somebody could "
        "strip away.",
        "RFC 8314 section 3.3",
        _submissions_missing,
        example="submission inet n - n - - smtpd",
    ),
    Rule(
        "old-tls-switch-ignored",
        "levels",
        "high",
        "An old switch demands TLS and is ignored",
        "Whoever reads the configuration believes that TLS is demanded, and clear text is accepted.",
        "postconf(5) smtpd_enforce_tls, smtpd_tls_security_level",
        _old_switch_ignored,
        example="smtpd_enforce_tls = yes, smtpd_tls_security_level = may",
    ),
    Rule(
        "client-certificate-not-required",
        "levels",
        "medium",
        "A client certificate is demanded where TLS is not",
        "Postfix ignores the demand with a warning, so nobody has to show a certificate.",
        "postconf(5) smtpd_tls_req_ccert; smtpd(8)",
        _certificate_not_required,
        example="smtpd_tls_req_ccert = yes, smtpd_tls_security_level = may",
    ),
    Rule(
        "client-certificate-asked-of-strangers",
        "levels",
        "low",
        "Strangers are asked for a client certificate that nothing uses",
        "Some clients stumble over the question, and the answer changes nothing.",
        "postconf(5) smtpd_tls_ask_ccert; TLS_README, Client certificate verification",
        _certificate_asked,
        example="smtpd_tls_ask_ccert = yes",
    ),
    Rule(
        "default-ca-trusted",
        "keys",
        "low",
        "All public certificate authorities are trusted besides the chosen ones",
        "A certificate of anybody counts as trusted where the site meant its own authority.",
        "postconf(5) tls_append_default_CA",
        _default_ca,
        example="tls_append_default_CA = yes",
    ),
    Rule(
        "relay-for-any-certificate",
        "relay",
        "critical",
        "Everybody with a public certificate may relay",
        "Certificates are free for everybody, so this server sends spam for whoever asks.",
        "postconf(5) permit_tls_all_clientcerts, tls_append_default_CA",
        _relay_for_any_certificate,
        example="smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination",
    ),
    Rule(
        "postscreen-level-differs",
        "levels",
        "medium",
        "postscreen and the server behind it have different TLS levels",
        "Clients that postscreen tests get no TLS, or only they do.",
        "postconf(5) postscreen_tls_security_level; POSTSCREEN_README",
        _postscreen_level,
        example="postscreen_tls_security_level = none",
    ),
    Rule(
        "tlsproxy-differs",
        "levels",
        "medium",
        "tlsproxy and the server behind postscreen have different TLS settings",
        "The same port answers with other protocols, suites or certificates by chance; -o at the "
        "server does not reach tlsproxy.",
        "tlsproxy(8); POSTSCREEN_README",
        _tlsproxy_differs,
        example="tlsproxy_tls_protocols = !SSLv2, !SSLv3",
    ),
    Rule(
        "override-weaker-than-main",
        "levels",
        "medium",
        "A service undoes the protection that main.cf gives",
        "main.cf looks safe, and the service that users or strangers reach is not.",
        "master(5), option -o",
        _override_weaker,
        example="submission inet n - n - - smtpd -o smtpd_tls_mandatory_ciphers=medium",
    ),
)

_PROTOCOLS: t.Final = (
    Rule(
        "protocols-need-newer-postfix",
        "protocols",
        "critical",
        "The protocol list has a form that this Postfix does not know",
        "Postfix turns TLS off and goes on: it still announces STARTTLS and then refuses it.",
        "postconf(5) smtpd_tls_protocols (>= and <= since Postfix 3.6)",
        _limits_too_new,
        dies=True,
        example="smtpd_tls_protocols = >=TLSv1.2",
    ),
    Rule(
        "protocols-unknown-name",
        "protocols",
        "critical",
        "The protocol list has a name that is no protocol",
        "Postfix turns TLS off and goes on: it still announces STARTTLS and then refuses it.",
        "postconf(5) smtpd_tls_protocols",
        _unknown_protocol,
        dies=True,
        example="smtpd_tls_protocols = !SSLv2, !SSLv3, !TLS1.0",
    ),
    Rule(
        "protocols-mixed-list",
        "protocols",
        "medium",
        "The protocol list mixes names with and without '!'",
        "A name without '!' switches all others off, so such a list does not do what it seems to say.",
        "postconf(5) smtpd_tls_protocols",
        _mixed,
        example="smtpd_tls_protocols = !SSLv2, !SSLv3, TLSv1, TLSv1.1, TLSv1.2",
    ),
    Rule(
        "protocols-without-tls13",
        "protocols",
        "high",
        "TLS 1.3 is switched off",
        "The best protocol is not used even when both sides have it.",
        "RFC 9325 section 3.1.1; RFC 8446",
        _no_tls13,
        example="smtpd_tls_protocols = TLSv1.2",
    ),
    Rule(
        "protocols-only-tls13",
        "protocols",
        "medium",
        "TLS 1.2 is switched off",
        "Servers without TLS 1.3 deliver in clear text instead, or not at all.",
        "RFC 9325 sections 3.1.1 and 5.2",
        _only_tls13,
        example="smtpd_tls_protocols = >=TLSv1.3",
    ),
    Rule(
        "protocols-none-left",
        "protocols",
        "critical",
        "No TLS protocol is left",
        "Every TLS handshake fails, though STARTTLS is announced.",
        "postconf(5) smtpd_tls_protocols",
        _none_left,
        dies=True,
        example="smtpd_tls_protocols = SSLv3",
    ),
    Rule(
        "old-tls-where-mandatory",
        "protocols",
        "high",
        "TLS 1.0 or 1.1 is accepted where TLS is demanded",
        "These versions have known weaknesses and may not be used any more; mail programs have had "
        "better ones for years.",
        "RFC 8996; RFC 8997; RFC 9325 section 3.1.1",
        _old_mandatory,
        example="smtpd_tls_mandatory_protocols = >=TLSv1",
    ),
    Rule(
        "old-tls-where-opportunistic",
        "protocols",
        "medium",
        "TLS 1.0 or 1.1 is accepted on the port for other servers",
        "An attacker on the way can break these versions; the price of refusing them is clear text "
        "from very old servers.",
        "RFC 8996; RFC 9325 sections 3.1.1 and 5.2",
        _old_opportunistic,
        example="smtpd_tls_protocols = >=TLSv1",
    ),
    Rule(
        "ssl3-allowed",
        "protocols",
        "high",
        "SSL 3 is not forbidden",
        "Where the TLS library still has it, the connection can be decrypted (POODLE).",
        "RFC 7568; RFC 9325 section 3.1.1",
        _ssl,
        example="smtpd_tls_protocols = !SSLv2",
    ),
    Rule(
        "mandatory-settings-without-effect",
        "protocols",
        "medium",
        "Only the settings for mandatory TLS are set, and TLS is not mandatory",
        "smtpd_tls_mandatory_* is not read at level may, so the old protocols and suites stay on.",
        "postconf(5) smtpd_tls_mandatory_protocols, smtpd_tls_protocols",
        _mandatory_without_effect,
        example="smtpd_tls_security_level = may, smtpd_tls_mandatory_protocols = >=TLSv1.2",
    ),
    Rule(
        "opportunistic-settings-without-effect",
        "protocols",
        "medium",
        "Only the settings for opportunistic TLS are set, and TLS is mandatory",
        "smtpd_tls_protocols and smtpd_tls_ciphers are not read at level encrypt and in wrapper mode.",
        "postconf(5) smtpd_tls_mandatory_protocols, smtpd_tls_protocols",
        _opportunistic_without_effect,
        example="smtpd_tls_security_level = encrypt, smtpd_tls_protocols = >=TLSv1.2",
    ),
)

RULES: t.Final[tuple[Rule[View], ...]] = (
    *_LEVELS,
    *_PROTOCOLS,
    *rules_tls_suites.RULES,
    *rules_tls_keys.RULES,
)

__all__ = ("RULES",)
