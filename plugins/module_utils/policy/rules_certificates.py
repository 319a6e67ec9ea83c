# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the certificates and private keys that Postfix uses (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
    UNSEEN,
    CertificateFact,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.named_files import (
    SNI,
    CertificateUse,
    certificate_uses,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule, Unanswered
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Endpoint, View
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem

_SNAKEOIL: t.Final = "ssl-cert-snakeoil"
_LOOPBACK: t.Final = frozenset({"loopback-only", "localhost", "127.0.0.1", "::1", "[::1]"})
_LEGACY: t.Final = ("tls_cert_file", "tls_eccert_file", "tls_dcert_file")
_PREFIXES: t.Final = {"smtpd": "smtpd_", "smtp": "smtp_", "lmtp": "lmtp_"}
_HOST: t.Final = ("main", "master", "host")
_VARIABLE: t.Final = (
    "postfix_tls_certificates: [{certificate: FULL CHAIN FILE, private_key: KEY FILE}]"
)
_GIVE: t.Final = "postconf -e 'smtpd_tls_chain_files = KEY FILE, FULL CHAIN FILE'"
_BY_NAME: t.Final = (
    "postfix_tls_sni: [{names: [NAME], certificate: FULL CHAIN FILE, private_key: KEY FILE}]"
)

_Found = tuple[CertificateUse, CertificateFact, Problem]


def _strangers(view: View, use: CertificateUse) -> bool:
    """Return whether other hosts are shown the certificate of a server."""
    if not use.server or _LOOPBACK.issuperset(view.words("inet_interfaces")):
        return False
    return any(one.purpose != "internal" for one in use.endpoints)


def _by_purpose(use: CertificateUse) -> Severity:
    """Mail programs of people verify, opportunistic senders do not."""
    people = any(one.purpose in ("submission", "submissions") for one in use.endpoints)
    return "high" if people else "medium"


def _problems(view: View, codes: t.Container[str], *, shown: bool) -> t.Iterator[_Found]:
    """Return the problems of these codes; with *shown* only of what strangers are shown.

    Debian's example certificate is told once, by its own rule. Raises Unanswered when a file could not be
    seen.
    """
    if view.facts is None:
        return
    unseen: list[str] = []
    facts: dict[tuple[str, str, str, str], list[CertificateFact]] = {}
    for fact in view.facts.certificates:
        key = (fact.parameter, fact.path, fact.key_path, fact.hostname)
        facts.setdefault(key, []).append(fact)
    for use in certificate_uses(view):
        if shown and (_SNAKEOIL in use.path or not _strangers(view, use)):
            continue
        for fact in facts.get(use.identity, ()):
            for problem in fact.problems:
                if problem.code in codes:
                    yield use, fact, problem
                elif problem.code == UNSEEN:
                    unseen.append(problem.message)
    if unseen:
        raise Unanswered("; ".join(dict.fromkeys(unseen)))


def _check(
    *codes: str,
    expected: str,
    observed: t.Callable[[CertificateUse, CertificateFact, Problem], str],
    command: t.Callable[[CertificateUse, Problem], str],
    shown: bool = False,
    severity: t.Optional[t.Callable[[CertificateUse, Problem], Severity]] = None,
) -> t.Callable[[View], t.Iterator[Hit]]:
    """Return a check that finds the problems of *codes*."""
    wanted = frozenset(codes)

    def check(view: View) -> t.Iterator[Hit]:
        for use, fact, problem in _problems(view, wanted, shown=shown):
            yield Hit(
                subject=use.subject,
                parameter=_parameter(use, problem),
                observed=observed(use, fact, problem),
                expected=expected.format(hostname=use.hostname),
                message=problem.message,
                fix=Fix(_variable(use), command(use, problem)),
                severity=severity(use, problem) if severity else None,
            )

    return check


def _parameter(use: CertificateUse, problem: Problem) -> str:
    """Return the parameter of the key where the key is to blame."""
    return use.parameter.replace("cert_file", "key_file" if "key" in problem.code else "cert_file")


def _variable(use: CertificateUse) -> str:
    if use.parameter == SNI:
        return _BY_NAME
    return _VARIABLE if use.server else f"postfix_tls_parameters: {{{use.parameter}: null}}"


def _path(use: CertificateUse, _fact: CertificateFact, problem: Problem) -> str:
    """Return the file that a message begins with."""
    return _file_of(use, problem)


def _file_of(use: CertificateUse, problem: Problem) -> str:
    first = problem.message.partition(" ")[0].rstrip(":,")
    return first if first.startswith("/") else use.path


def _names(_use: CertificateUse, fact: CertificateFact, _problem: Problem) -> str:
    return ", ".join(fact.names[:5]) + (" and more" if len(fact.names) > 5 else "") or "no name"


def _until(_use: CertificateUse, fact: CertificateFact, _problem: Problem) -> str:
    if fact.not_after is None or fact.not_before is None:
        return "no date"
    return f"{fact.not_before:%Y-%m-%d} to {fact.not_after:%Y-%m-%d}"


def _issuer(_use: CertificateUse, fact: CertificateFact, _problem: Problem) -> str:
    return f"issued by {fact.issuer}" if fact.issuer else "no issuer"


def _key(_use: CertificateUse, fact: CertificateFact, _problem: Problem) -> str:
    return f"{fact.key_algorithm} {fact.key_bits}"


def _replace(use: CertificateUse, _problem: Problem) -> str:
    if use.parameter == SNI:
        return f"postconf -e '{SNI} = inline:{{ {{ NAME = KEY FILE FULL CHAIN FILE }} }}'"
    return _GIVE if use.server else f"postconf -X {use.parameter}"


def _renew(use: CertificateUse, _problem: Problem) -> str:
    return f"renew the certificate in {use.path}, then: postfix reload"


def _file_command(template: str) -> t.Callable[[CertificateUse, Problem], str]:
    def command(use: CertificateUse, problem: Problem) -> str:
        return template.format(path=_file_of(use, problem))

    return command


def _closed(_use: CertificateUse, problem: Problem) -> Severity:
    """A directory that others cannot enter keeps the key safe for now."""
    return "high" if problem.severity == "error" else "low"


def _own_or_issuer(_use: CertificateUse, problem: Problem) -> Severity:
    return "high" if problem.severity == "error" else "medium"


def _surplus(_use: CertificateUse, problem: Problem) -> Severity:
    return "info" if problem.code == "chain_root_included" else "low"


def _snakeoil(view: View) -> t.Iterator[Hit]:
    for use in certificate_uses(view):
        if _SNAKEOIL in use.path and _strangers(view, use):
            yield Hit(
                subject=use.subject,
                parameter=use.parameter,
                observed=use.path,
                expected=f"a certificate for {use.hostname}",
                message=(
                    f"{', '.join(one.subject for one in use.endpoints)} shows the example certificate "
                    "that Debian makes at installation; nobody can verify it."
                ),
                fix=Fix(_VARIABLE, _GIVE),
            )


def _no_certificate(view: View) -> t.Iterator[Hit]:
    lacking = [
        one
        for one in view.endpoints
        if one.daemon == "smtpd" and _offers_tls(one) and not _has_certificate(one)
    ]
    by_name: dict[str, list[Endpoint]] = {}
    for one in lacking:
        own = (f"smtpd_{name}" for name in ("tls_chain_files", *_LEGACY))
        name = next((name for name in own if one.overrides(name)), "smtpd_tls_chain_files")
        by_name.setdefault(name, []).append(one)
    for name, endpoints in by_name.items():
        for scope in view.scopes(name, endpoints):
            yield hit(
                scope,
                "{services} is told to offer TLS and has no certificate, so TLS cannot work.",
                expected="KEY FILE, FULL CHAIN FILE",
                fix=Fix(_VARIABLE, _GIVE),
            )


def _offers_tls(one: Endpoint) -> bool:
    level = one.value("smtpd_tls_security_level")
    return level in ("may", "encrypt") or one.is_yes("smtpd_tls_wrappermode")


def _has_certificate(one: Endpoint) -> bool:
    """Return whether a certificate is named; ``none`` is another rule's."""
    return any(one.value(f"smtpd_{name}").strip(" ,") for name in ("tls_chain_files", *_LEGACY))


def _two_ways(view: View) -> t.Iterator[Hit]:
    for legacy in (prefix + name for prefix in _PREFIXES.values() for name in _LEGACY):
        prefix = legacy[: legacy.index("tls_")]
        both = [
            one
            for one in view.endpoints
            if _PREFIXES.get(one.daemon) == prefix
            and one.value(f"{prefix}tls_chain_files").strip()
            and one.value(legacy).strip() not in ("", "none")
        ]
        for scope in view.scopes(legacy, both):
            yield hit(
                scope,
                f"{{services}} ignores {legacy}, because {prefix}tls_chain_files is set as well.",
                expected=None,
                fix=set_parameter(
                    legacy, None, service=scope.subject if scope.subject != "main.cf" else ""
                ),
            )


RULES: t.Final[tuple[Rule, ...]] = (
    Rule(
        "certificate-absent",
        "keys",
        "high",
        "TLS is on and there is no certificate",
        "Without a certificate the server cannot do TLS: mail comes in clear text, or not at all.",
        "postconf(5) smtpd_tls_chain_files; TLS_README, Server-side certificate and private key",
        _no_certificate,
        dies=True,
        example="smtpd_tls_security_level = may\nsmtpd_tls_cert_file =\nsmtpd_tls_chain_files =",
    ),
    Rule(
        "certificate-snakeoil",
        "keys",
        "high",
        "Debian's example certificate is shown to strangers",
        "Senders that verify (MTA-STS, people's mail programs) refuse it, and nobody can tell the server "
        "from one in the middle.",
        "Debian package ssl-cert; RFC 8461 section 4.2",
        _snakeoil,
        example="smtpd_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem",
    ),
    Rule(
        "certificate-configured-twice",
        "keys",
        "low",
        "Both the new and the old parameters name a certificate",
        "Postfix uses smtpd_tls_chain_files alone and warns in the log each time a daemon starts, so whoever "
        "renews the other file changes nothing.",
        "postconf(5) smtpd_tls_chain_files",
        _two_ways,
        example="smtpd_tls_chain_files = /etc/ssl/mx.pem\nsmtpd_tls_cert_file = /etc/ssl/old.pem",
    ),
    Rule(
        "certificate-file-unusable",
        "keys",
        "high",
        "A certificate or key file is missing or cannot be read",
        "Postfix announces STARTTLS and then answers 454, or offers suites without a certificate: encrypted "
        "mail does not arrive.",
        "postconf(5) smtpd_tls_chain_files, smtpd_tls_cert_file; RFC 3207 section 4",
        _check(
            *("missing", "directory", "unreadable", "not_pem"),
            *("key_missing", "key_directory", "key_unreadable", "key_not_pem"),
            expected="a PEM file that root can read",
            observed=_path,
            command=_replace,
        ),
        needs=_HOST,
        dies=True,
        example="smtpd_tls_cert_file = /etc/ssl/certs/no-such-file.pem",
    ),
    Rule(
        "certificate-key-mismatch",
        "keys",
        "high",
        "The private key does not belong to the certificate",
        "Postfix cannot use the pair and refuses TLS, mostly after a renewal that replaced only one of the "
        "two files.",
        "postconf(5) smtpd_tls_key_file",
        _check(
            "key_mismatch",
            expected="the key for which the certificate was issued",
            observed=_path,
            command=_replace,
        ),
        needs=_HOST,
        dies=True,
        example="smtpd_tls_cert_file = /etc/ssl/renewed.pem\nsmtpd_tls_key_file = /etc/ssl/old.key",
    ),
    Rule(
        "certificate-key-encrypted",
        "keys",
        "high",
        "The private key has a pass phrase",
        "Postfix cannot type a pass phrase, so it refuses TLS.",
        "postconf(5) smtpd_tls_key_file",
        _check(
            "key_encrypted",
            expected="a key without pass phrase, mode 0600",
            observed=_path,
            command=_file_command(
                "(umask 077; openssl pkey -in {path} -out {path}.new) && mv {path}.new {path}"
            ),
        ),
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "certificate-files-order",
        "keys",
        "high",
        "Keys and certificates are not in the order that Postfix wants",
        "In smtpd_tls_chain_files each key must come before its certificates; otherwise Postfix turns TLS "
        "off.",
        "postconf(5) smtpd_tls_chain_files",
        _check(
            *("key_not_first", "certificate_missing", "duplicate_algorithm"),
            expected="key, certificate, issuers; then the next key",
            observed=lambda use, _fact, _problem: use.path,
            command=_replace,
        ),
        needs=_HOST,
        dies=True,
        example="smtpd_tls_chain_files = /etc/ssl/certificate.pem, /etc/ssl/key.pem",
    ),
    Rule(
        "certificate-chain-order",
        "keys",
        "high",
        "The certificates of the chain are in the wrong order",
        "The server's own certificate must come first and each issuer after what it issued; else the key "
        "does not fit and TLS is refused, or strict clients give up.",
        "RFC 5246 section 7.4.2; RFC 8446 section 4.4.2",
        _check(
            "chain_misordered",
            expected="the host's own certificate first, then its issuers upwards",
            observed=_path,
            command=_replace,
        ),
        needs=_HOST,
        dies=True,
    ),
    Rule(
        "certificate-chain-incomplete",
        "keys",
        "medium",
        "The certificates of intermediate authorities are missing",
        "Clients that know only the root cannot build the chain, so verification fails although the "
        "certificate is good.",
        "RFC 8446 section 4.4.2; RFC 8461 section 4.2",
        _check(
            "chain_incomplete",
            expected="the full chain (many tools call the file fullchain.pem)",
            observed=_path,
            command=_replace,
            shown=True,
        ),
        needs=_HOST,
        example="smtpd_tls_cert_file = /etc/letsencrypt/live/mx.example/cert.pem",
    ),
    Rule(
        "certificate-chain-surplus",
        "keys",
        "low",
        "The file has certificates that do not belong to the chain",
        "They make each handshake longer, and help nobody.",
        "RFC 8446 section 4.4.2",
        _check(
            *("chain_unrelated", "chain_root_included", "chain_too_long"),
            expected="only the host's own certificate and its intermediate authorities",
            observed=_path,
            command=_replace,
            shown=True,
            severity=_surplus,
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-expired",
        "keys",
        "high",
        "A certificate is not valid today",
        "Senders that verify and all mail programs of people refuse it.",
        "RFC 5280 section 4.1.2.5",
        _check(
            *("expired", "not_yet_valid"),
            expected="a certificate that is valid now",
            observed=_until,
            command=_renew,
            shown=True,
            severity=_own_or_issuer,
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-expires-soon",
        "keys",
        "medium",
        "A certificate expires within two weeks",
        "Automatic renewal would have replaced it by now, so it has probably stopped working.",
        "RFC 5280 section 4.1.2.5",
        _check(
            "expires_soon",
            expected="more than 14 days left",
            observed=_until,
            command=_renew,
            shown=True,
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-wrong-name",
        "keys",
        "medium",
        "The certificate is not for the name of this host",
        "A client that verifies compares the name it connects to with those in the certificate, and gives up.",
        "RFC 9525 section 6; RFC 8461 section 4.1",
        _check(
            "wrong_name",
            expected="{hostname} among the subject alternative names",
            observed=_names,
            command=_replace,
            shown=True,
            severity=lambda use, _problem: _by_purpose(use),
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-wildcard",
        "keys",
        "info",
        "The certificate is for every name of a domain",
        "Whoever steals its key from one host can pose as all the others.",
        "RFC 9525 section 7.1",
        _check(
            "wildcard",
            expected="a certificate for {hostname} alone",
            observed=_names,
            command=_replace,
            shown=True,
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-self-signed",
        "keys",
        "medium",
        "The certificate is signed by itself",
        "Nobody can verify it except with DANE, so MTA-STS senders and mail programs of people refuse it.",
        "RFC 8461 section 4.2; RFC 7672 section 3.1",
        _check(
            "self_signed",
            expected="a certificate of a public authority",
            observed=_issuer,
            command=_replace,
            shown=True,
            severity=lambda use, _problem: _by_purpose(use),
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-weak-key",
        "keys",
        "high",
        "The key of a certificate is too small",
        "It can be computed from the certificate with effort that some have, and modern clients refuse it.",
        "NIST SP 800-57 part 1; RFC 9325 section 4.5",
        _check(
            "weak_key",
            expected="RSA of 3072 bits, or ECDSA P-256",
            observed=_key,
            command=_renew,
            shown=True,
            severity=lambda _use, problem: "high" if problem.severity == "error" else "info",
        ),
        needs=_HOST,
    ),
    Rule(
        "certificate-weak-signature",
        "keys",
        "high",
        "A certificate is signed with SHA-1 or MD5",
        "Such signatures can be forged, and current TLS libraries refuse the chain.",
        "RFC 9155; RFC 6194",
        _check(
            "weak_signature",
            expected="SHA-256",
            observed=_path,
            command=_renew,
            shown=True,
        ),
        needs=_HOST,
    ),
    Rule(
        "key-readable-by-all",
        "keys",
        "high",
        "Every user of the host can read a private key",
        "Whoever has the key can pose as this server; postfix check does not look.",
        "postconf(5) smtpd_tls_key_file",
        _check(
            "key_world_readable",
            expected="mode 0600",
            observed=_path,
            command=_file_command("chmod 0600 {path}"),
            severity=_closed,
        ),
        needs=_HOST,
    ),
    Rule(
        "key-readable-by-group",
        "keys",
        "medium",
        "A group can read a private key",
        "Every program of that group can take the key; Debian's group ssl-cert is meant for it, others are "
        "not.",
        "postconf(5) smtpd_tls_key_file",
        _check(
            "key_group_readable",
            expected="mode 0600, or group ssl-cert",
            observed=_path,
            command=_file_command("chmod 0600 {path}"),
        ),
        needs=_HOST,
    ),
    Rule(
        "key-owned-by-user",
        "keys",
        "medium",
        "A private key belongs to a user other than root",
        "That user can read and replace the key of the mail server.",
        "postconf(5) smtpd_tls_key_file",
        _check(
            "key_owner_not_root",
            expected="owner root",
            observed=_path,
            command=_file_command("chown root {path}"),
        ),
        needs=_HOST,
    ),
)

__all__ = ("RULES",)
