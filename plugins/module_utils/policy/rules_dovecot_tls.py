# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about TLS in Dovecot: whether it is demanded, protocols, suites, certificates (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_fix import (
    append,
    quoted,
    setting_hit,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotView,
    key_setting,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    CertificateFact,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule

_CONFIG: t.Final = ("main",)
_HOST: t.Final = ("main", "host")
_MODERN: t.Final = frozenset({"TLSV1.2", "TLSV1.3", "LATEST"})
_OLD: t.Final = frozenset({"ANY", "SSLV3", "TLSV1", "TLSV1.1"})
#: The default of Dovecot, and what takes TLS 1.2 to suites with forward secrecy alone.
_CIPHERS: t.Final = (
    "ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH"
)
_BAD_CLASSES: t.Final[tuple[tuple[int, Severity, str], ...]] = (
    (tls_suites.NO_ENCRYPTION, "high", "do not encrypt"),
    (tls_suites.ANONYMOUS, "high", "prove nothing about the server"),
    (tls_suites.select("RC4:3DES"), "medium", "can be broken"),
    (tls_suites.STATIC_RSA, "low", "have no forward secrecy"),
)


def _not_required(view: DovecotView) -> t.Iterator[Hit]:
    if not view.strangers:
        return
    ports = ", ".join(str(one.port) for one in view.strangers if not one.implicit_tls)
    for subject, value in view.settings("ssl"):
        if value == "required" or (subject != "dovecot" and value == view.value("ssl")):
            continue
        if value == "no":
            severity: Severity = "critical" if _cleartext_allowed(view) else "high"
            message = (
                "TLS is switched off: "
                + (
                    "passwords and mail go over the network readable"
                    if severity == "critical"
                    else "nobody but programs on this host can log in safely"
                )
                + "."
            )
        else:
            severity = "medium"
            message = (
                f"TLS is offered but not demanded on the ports without TLS of their own ({ports})."
                if ports
                else "TLS is offered but not demanded."
            )
        yield setting_hit(
            view,
            "ssl",
            value=value,
            expected="required",
            message=message,
            subject=subject,
            severity=severity,
        )


def _cleartext_allowed(view: DovecotView) -> bool:
    if view.new:
        return view.value("auth_allow_cleartext") == "yes"
    return view.value("disable_plaintext_auth") == "no"


def _plaintext_ports(view: DovecotView) -> t.Iterator[Hit]:
    if view.value("ssl") == "required":
        return
    open_ports = [one for one in view.strangers if not one.implicit_tls and one.protocol != "sieve"]
    for one in open_ports:
        service = f"{one.protocol}-login"
        yield Hit(
            subject="dovecot",
            parameter=f"service {service}, inet_listener {one.name}",
            observed=f"port {one.port} without TLS from the start",
            expected="port = 0, or ssl = required",
            message=f"Port {one.port} ({one.name}) takes connections without TLS while TLS is not required.",
            fix=append(
                view, f"service {service} {{", f"inet_listener {one.name} {{", "port = 0", "}", "}"
            ),
            severity="medium" if _cleartext_allowed(view) else None,
        )


def _old_protocols(view: DovecotView) -> t.Iterator[Hit]:
    if view.value("ssl") == "no":
        return
    for subject, value in view.settings("ssl_min_protocol"):
        if value.upper() in _MODERN:
            continue
        known = value.upper() in _OLD
        yield setting_hit(
            view,
            "ssl_min_protocol",
            value=value,
            expected="TLSv1.2",
            message=(
                f"Connections down to {'SSLv3' if value.upper() == 'ANY' else value} are accepted."
                if known
                else f"{value!r} is no protocol that Dovecot knows, so no TLS connection can be made."
            ),
            subject=subject,
            severity=_by_profile(view) if known else "critical",
        )


def _by_profile(view: DovecotView) -> Severity:
    return "low" if view.choices.inbound_profile == "interop" else "high"


def _weak_ciphers(view: DovecotView) -> t.Iterator[Hit]:
    if view.value("ssl") == "no":
        return
    for subject, value in view.settings("ssl_cipher_list"):
        left = tls_suites.select(value) & ~tls_suites.UNUSABLE
        bad = [(suites & left, severity, what) for suites, severity, what in _BAD_CLASSES]
        bad = [one for one in bad if one[0]]
        if bad:
            parts = [f"{tls_suites.some(suites, most=2)} {what}" for suites, _severity, what in bad]
            message = f"Suites are offered that should not be: {'; '.join(parts)}."
            severity: Severity = bad[0][1]
        elif not left:
            message = "The list leaves no suite for TLS 1.2, so older mail programs cannot connect."
            severity = "medium"
        else:
            continue
        yield setting_hit(
            view,
            "ssl_cipher_list",
            value=value,
            expected=_CIPHERS,
            message=message,
            subject=subject,
            severity=severity,
        )


def _own_dh(view: DovecotView) -> t.Iterator[Hit]:
    name = view.spelt("ssl_dh", "ssl_server_dh_file")
    for subject, value in view.settings(name):
        if value:
            yield setting_hit(
                view,
                name,
                value="set",
                expected="",
                message="A file with Diffie-Hellman parameters is set, which elliptic curves made needless.",
                subject=subject,
            )


def _server_preference(view: DovecotView) -> t.Iterator[Hit]:
    name = view.spelt("ssl_prefer_server_ciphers", "ssl_server_prefer_ciphers")
    bad, good = ("server", "client") if view.new else ("yes", "no")
    for subject, value in view.settings(name):
        if value == bad:
            yield setting_hit(
                view,
                name,
                value=value,
                expected=good,
                message="The server's order of suites counts, not the one that suits the client.",
                subject=subject,
            )


# ---- Certificates -------------------------------------------------------------------------------

_BROKEN: t.Final = frozenset(
    """
    missing directory unreadable not_pem key_missing key_directory key_unreadable key_not_pem key_encrypted
    key_mismatch chain_misordered
    """.split()
)
_DATES: t.Final = frozenset({"expired", "not_yet_valid", "expires_soon"})
_WEAK: t.Final = frozenset({"weak_key", "weak_signature"})
_CHAIN: t.Final = frozenset({"chain_incomplete", "chain_too_long", "chain_unrelated"})
_KEY_OPEN: t.Final = frozenset({"key_world_readable", "key_group_readable", "key_owner_not_root"})


def _problems(
    view: DovecotView, codes: t.Container[str]
) -> t.Iterator[tuple[CertificateFact, str, str, str]]:
    """Yield (certificate, code, severity, message) for problems of these codes, each once."""
    if view.facts is None:
        return
    password = view.spelt("ssl_key_password", "ssl_server_key_password")
    told = set()
    for fact in view.facts.certificates:
        for one in fact.problems:
            opened = one.code == "key_encrypted" and bool(view.value(password))
            if one.code in codes and not opened and (fact.path, one.message) not in told:
                told.add((fact.path, one.message))
                yield fact, one.code, one.severity, one.message


def _certificate_hit(
    view: DovecotView,
    fact: CertificateFact,
    *,
    code: str,
    message: str,
    expected: str,
    severity: t.Optional[Severity] = None,
) -> Hit:
    about_key = "key" in code and code != "weak_key"
    name = key_setting(fact.parameter) if about_key else fact.parameter
    path = fact.key_path if about_key else fact.path
    mark = "" if view.new else "<"
    return Hit(
        subject=fact.hostname,
        parameter=name,
        observed=path or "empty",
        expected=expected,
        message=message,
        fix=Fix(
            "",
            f"install the certificate with its chain and key, set {fact.parameter} = {mark}FULL CHAIN FILE and "
            f"{key_setting(fact.parameter)} = {mark}KEY FILE in {view.file}, then doveadm reload",
        ),
        severity=severity,
    )


def _certificate_broken(view: DovecotView) -> t.Iterator[Hit]:
    for fact, code, _severity, message in _problems(view, _BROKEN):
        yield _certificate_hit(
            view,
            fact,
            code=code,
            message=message,
            expected="a certificate and the key that belongs to it",
        )


def _certificate_dates(view: DovecotView) -> t.Iterator[Hit]:
    for fact, code, severity, message in _problems(view, _DATES):
        until = fact.not_after.strftime("%Y-%m-%d") if fact.not_after else "unknown"
        one = _certificate_hit(
            view,
            fact,
            code=code,
            message=message,
            expected="a certificate that is valid for two weeks or more",
            severity="high" if severity == "error" else "medium",
        )
        yield Hit(
            one.subject,
            one.parameter,
            f"{fact.path}, until {until}",
            one.expected,
            one.message,
            one.fix,
            one.severity,
        )


def _certificate_weak(view: DovecotView) -> t.Iterator[Hit]:
    for fact, code, severity, message in _problems(view, _WEAK):
        yield _certificate_hit(
            view,
            fact,
            code=code,
            message=message,
            expected="RSA of 3072 bits or more, or ECDSA P-256, signed with SHA-256",
            severity="high" if severity == "error" else "info",
        )


def _certificate_chain(view: DovecotView) -> t.Iterator[Hit]:
    for fact, code, severity, message in _problems(view, _CHAIN):
        yield _certificate_hit(
            view,
            fact,
            code=code,
            message=message,
            expected="the certificate and all that lead to the root, the root not among them",
            severity="medium" if severity == "error" else "low",
        )


def _self_signed(view: DovecotView) -> t.Iterator[Hit]:
    if not view.strangers:
        return
    for fact, code, _severity, _message in _problems(view, {"self_signed"}):
        yield _certificate_hit(
            view,
            fact,
            code=code,
            message=f"{fact.path} is signed by itself ({fact.subject}): mail programs warn, and people learn to click the warning away.",
            expected="a certificate of an authority that mail programs trust",
        )


def _key_readable(view: DovecotView) -> t.Iterator[Hit]:
    for fact, code, severity, message in _problems(view, _KEY_OPEN):
        name = key_setting(fact.parameter)
        key = view.facts.file(fact.key_path) if view.facts else None
        yield Hit(
            subject=fact.hostname,
            parameter=name,
            observed=f"{fact.key_path} {key.octal} {key.owner}:{key.group}"
            if key
            else fact.key_path,
            expected="0600 root:root",
            message=message,
            fix=Fix(
                "", f"chown root:root {quoted(fact.key_path)} && chmod 0600 {quoted(fact.key_path)}"
            ),
            severity="high"
            if severity == "error"
            else ("low" if code == "key_group_readable" else "medium"),
        )


RULES: t.Final[tuple[Rule[DovecotView], ...]] = (
    Rule(
        id="dovecot-tls-not-required",
        area="dovecot",
        severity="medium",
        title="Mail programs may talk to Dovecot without TLS",
        why="Who sits between the mail program and the server can take TLS away, and reads passwords and mail.",
        source="Dovecot, SSL/TLS configuration: when TLS is required; RFC 8314 section 4.1",
        check=_not_required,
        needs=_CONFIG,
        example="ssl = yes",
    ),
    Rule(
        id="dovecot-plaintext-ports",
        area="dovecot",
        severity="low",
        title="Ports without TLS are open while TLS is not required",
        why="A program that does not ask for TLS on such a port sends the password before the server can refuse it.",
        source="RFC 8314 section 3; Dovecot, SSL/TLS configuration",
        check=_plaintext_ports,
        needs=_CONFIG,
        example="ssl = yes, inet_listener imap on port 143",
    ),
    Rule(
        id="dovecot-old-protocols",
        area="dovecot",
        severity="high",
        title="Dovecot accepts protocols older than TLS 1.2",
        why="SSLv3, TLS 1.0 and TLS 1.1 have known attacks and are forbidden; every mail program of the last ten years has TLS 1.2.",
        source="RFC 8996; RFC 8997; Dovecot setting ssl_min_protocol (its default is TLSv1 before 2.3.15)",
        check=_old_protocols,
        needs=_CONFIG,
        example="ssl_min_protocol = TLSv1",
    ),
    Rule(
        id="dovecot-weak-ciphers",
        area="dovecot",
        severity="high",
        title="Dovecot offers weak cipher suites",
        why="Such a connection looks encrypted, but can be read or taken over, now or later from a recording.",
        source="RFC 9325 section 4.1; Dovecot setting ssl_cipher_list",
        check=_weak_ciphers,
        needs=_CONFIG,
        example="ssl_cipher_list = ALL:!LOW:!SSLv2:!EXP",
    ),
    Rule(
        id="dovecot-own-dh-parameters",
        area="dovecot",
        severity="info",
        title="Diffie-Hellman parameters are set",
        why="They cost time at each such handshake and win nothing: clients use elliptic curves.",
        source="Dovecot, SSL security settings: optional since 2.3.3",
        check=_own_dh,
        needs=_CONFIG,
        example="ssl_dh = </etc/dovecot/dh.pem",
    ),
    Rule(
        id="dovecot-server-preference",
        area="dovecot",
        severity="info",
        title="The server's order of suites counts",
        why="With good suites only, a client without AES hardware is slowed down and nothing is won.",
        source="Dovecot, SSL security settings: server ciphers should no longer be preferred",
        check=_server_preference,
        needs=_CONFIG,
        example="ssl_prefer_server_ciphers = yes",
    ),
    Rule(
        id="dovecot-certificate-unusable",
        area="dovecot",
        severity="critical",
        title="Dovecot cannot use its certificate",
        why="No TLS connection can be made, so people cannot log in, or do so without TLS.",
        source="Dovecot, SSL/TLS configuration",
        check=_certificate_broken,
        needs=_HOST,
        dies=True,
        example="ssl_server_key_file of another certificate",
    ),
    Rule(
        id="dovecot-certificate-dates",
        area="dovecot",
        severity="high",
        title="The certificate of Dovecot is out of date, or soon will be",
        why="Mail programs refuse it or warn, and people learn to click warnings away.",
        source="RFC 5280 section 4.1.2.5",
        check=_certificate_dates,
        needs=_HOST,
        example="a certificate that expired yesterday",
    ),
    Rule(
        id="dovecot-certificate-weak",
        area="dovecot",
        severity="high",
        title="The certificate of Dovecot has a weak key or signature",
        why="A key that is too small can be computed, and a weak signature forged.",
        source="RFC 9325 section 4.5",
        check=_certificate_weak,
        needs=_HOST,
        example="an RSA key of 1024 bits",
    ),
    Rule(
        id="dovecot-certificate-chain",
        area="dovecot",
        severity="medium",
        title="The chain of Dovecot's certificate is not complete or has what does not belong to it",
        why="Mail programs that do not know the missing part refuse the certificate.",
        source="RFC 5246 section 7.4.2; Dovecot, chained SSL certificates",
        check=_certificate_chain,
        needs=_HOST,
        example="a certificate file without the intermediate certificate",
    ),
    Rule(
        id="dovecot-certificate-self-signed",
        area="dovecot",
        severity="low",
        title="The certificate of Dovecot is signed by itself",
        why="Mail programs cannot tell this server from one that pretends to be it.",
        source="RFC 8314 section 4.3; RFC 7817",
        check=_self_signed,
        needs=_HOST,
        example="/etc/dovecot/private/dovecot.pem as Debian makes it",
    ),
    Rule(
        id="dovecot-key-readable",
        area="dovecot",
        severity="high",
        title="The private key of Dovecot is open to others",
        why="Who can read the key can pretend to be this server.",
        source="Dovecot, SSL/TLS configuration: root:root 0400 is preferred",
        check=_key_readable,
        needs=_HOST,
        example="chmod 0644 of the key file",
    ),
)

__all__ = ("RULES",)
