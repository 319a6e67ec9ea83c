# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role writes, and every way to break one setting of it.

A mutant takes one hardened setting away, weakens it, or undoes it in one service with ``-o``. The validator must
report each; the configuration itself gives it nothing to report.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import (
    CertificateChoice,
    Choices,
    Host,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.postconf_output import (
    parameters,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

FIXTURES: t.Final = pathlib.Path(__file__).resolve().parents[1] / "unit" / "fixtures"
#: Release to Postfix, its TLS library and compatibility level.
RELEASES: t.Final = {
    "bullseye": ("3.5.25", "OpenSSL 1.1.1", "2"),
    "bookworm": ("3.7.11", "OpenSSL 3.0.22", "3.6"),
    "trixie": ("3.10.13", "OpenSSL 3.5.7", "3.9"),
    "sid": ("3.11.7", "OpenSSL 3.6.5", "3.11"),
}
CERTIFICATES: t.Final = (
    CertificateChoice("/etc/postfix/tls/ec.pem", "/etc/postfix/tls/ec.key", ("mx.example",)),
    CertificateChoice("/etc/postfix/tls/rsa.pem", "/etc/postfix/tls/rsa.key", ("mx.example",)),
)
CA_FILE: t.Final = "/etc/ssl/certs/ca-certificates.crt"
#: What the role writes by default, and the most that it can write.
CHOICES: t.Final = {
    "default": Choices(certificates=CERTIFICATES),
    "strict": Choices(
        certificates=CERTIFICATES,
        inbound_profile="strict",
        outbound_profile="strict",
        outbound_level="dane",
    ),
}
#: What a site has before: Debian's own, a level for LMTP, and certificates that the role replaces.
STOCK: t.Final = {
    "biff": "no",
    "myhostname": "mx.example",
    "mydestination": "$myhostname, localhost",
    "mynetworks": "127.0.0.0/8 [::1]/128",
    "alias_maps": "texthash:/etc/aliases",
    "alias_database": "",
    "smtpd_banner": "$myhostname ESMTP",
    "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_cert_file": "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "smtpd_tls_key_file": "/etc/ssl/private/ssl-cert-snakeoil.key",
    "smtp_tls_security_level": "may",
    "smtp_tls_CAfile": CA_FILE,
    "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache",
    "lmtp_tls_security_level": "may",
}
_LOGIN: t.Final = (
    "  -o smtpd_sasl_auth_enable=yes\n"
    "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n"
    "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
    "  -o smtpd_recipient_restrictions=\n"
    "  -o smtpd_client_auth_rate_limit=10\n"
)
SERVICES: t.Final = {
    "smtp/inet": "smtp inet n - y - - smtpd\n",
    "submission/inet": "submission inet n - y - - smtpd\n"
    "  -o syslog_name=postfix/submission\n"
    f"  -o smtpd_tls_security_level=encrypt\n{_LOGIN}",
    "submissions/inet": "submissions inet n - y - - smtpd\n"
    "  -o syslog_name=postfix/submissions\n"
    f"  -o smtpd_tls_wrappermode=yes\n{_LOGIN}",
    "smtp/unix": "smtp unix - - y - - smtp\n",
    "lmtp/unix": "lmtp unix - - y - - lmtp\n",
}
_OTHERS: t.Final = """\
pickup unix n - y 60 1 pickup
cleanup unix n - y - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - y 1000? 1 tlsmgr
rewrite unix - - y - - trivial-rewrite
bounce unix - - y - 0 bounce
defer unix - - y - 0 bounce
trace unix - - y - 0 bounce
verify unix - - y - 1 verify
flush unix n - y 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
relay unix - - y - - smtp
showq unix n - y - - showq
error unix - - y - - error
retry unix - - y - - error
discard unix - - y - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - y - 1 anvil
scache unix - - y - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_OLD_PROTOCOLS: t.Final = ("!SSLv2, !SSLv3", "TLSv1.2", "!SSLv2", "none-of-them")
_GRADES: t.Final = ("medium", "export", "strong")
_WIDER: t.Final = ("", "aNULL", "aNULL, ECDSA")

#: Parameter to values that are worse than what the role writes.
WEAK: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "smtpd_tls_security_level": ("", "none", "secure", "bogus"),
    "smtpd_tls_auth_only": ("no",),
    "smtpd_tls_chain_files": ("",),
    "smtpd_tls_protocols": _OLD_PROTOCOLS,
    "smtpd_tls_mandatory_protocols": _OLD_PROTOCOLS,
    "smtpd_tls_ciphers": _GRADES,
    "smtpd_tls_mandatory_ciphers": _GRADES,
    "smtpd_tls_exclude_ciphers": _WIDER,
    "smtpd_tls_mandatory_exclude_ciphers": ("aNULL, ECDSA",),
    "smtpd_tls_fingerprint_digest": ("md5", "sha1"),
    "smtpd_tls_ask_ccert": ("yes",),
    "smtpd_tls_session_cache_database": ("btree:/var/lib/postfix/smtpd_scache",),
    "smtpd_tls_wrappermode": ("yes",),
    "smtpd_discard_ehlo_keywords": ("starttls",),
    "postscreen_tls_security_level": ("none",),
    "tlsproxy_tls_security_level": ("none",),
    "tlsproxy_tls_protocols": ("!SSLv2, !SSLv3",),
    "tlsproxy_tls_mandatory_protocols": ("!SSLv2, !SSLv3",),
    "tlsproxy_tls_ciphers": ("export",),
    "tlsproxy_tls_mandatory_ciphers": ("export",),
    "tlsproxy_tls_exclude_ciphers": ("MD5",),
    "smtp_tls_security_level": ("none", "bogus"),
    "smtp_tls_protocols": ("TLSv1.2", "!SSLv2", "none-of-them"),
    "smtp_tls_mandatory_protocols": _OLD_PROTOCOLS,
    "smtp_tls_ciphers": ("export", "strong"),
    "smtp_tls_mandatory_ciphers": _GRADES,
    "smtp_tls_mandatory_exclude_ciphers": _WIDER,
    "smtp_tls_fingerprint_digest": ("md5",),
    "smtp_tls_note_starttls_offer": ("yes",),
    "smtp_tls_per_site": ("texthash:/etc/postfix/sites",),
    "smtp_tls_wrappermode": ("yes",),
    "lmtp_tls_mandatory_protocols": _OLD_PROTOCOLS,
    "lmtp_tls_mandatory_ciphers": _GRADES,
    "lmtp_tls_mandatory_exclude_ciphers": _WIDER,
    "lmtp_tls_fingerprint_digest": ("md5",),
    "lmtp_tls_protocols": ("TLSv1.2", "!SSLv2", "none-of-them"),
    "lmtp_tls_ciphers": ("export", "strong"),
    "lmtp_tls_exclude_ciphers": ("ECDSA",),
    "smtp_tls_exclude_ciphers": ("ECDSA",),
    "smtp_dns_support_level": ("enabled",),
    "tlsproxy_tls_mandatory_exclude_ciphers": ("MD5",),
    "tlsproxy_tls_fingerprint_digest": ("md5",),
    "tlsproxy_client_security_level": ("none",),
    "tlsproxy_client_level": ("none",),
    "tls_config_file": ("none",),
    "tls_config_name": ("other",),
    "tls_eecdh_auto_curves": ("secp160r1",),
    "tls_ffdhe_auto_groups": ("ffdhe2048",),
    "tls_ssl_options": ("LEGACY_SERVER_CONNECT",),
    "tls_high_cipherlist": ("ALL",),
    "tls_medium_cipherlist": ("ALL:!aNULL",),
    "tls_null_cipherlist": ("NULL",),
    "tls_append_default_CA": ("yes",),
    "smtpd_tls_loglevel": ("0", "2", "4"),
    "smtp_tls_loglevel": ("0", "2", "4"),
    "lmtp_tls_loglevel": ("0", "4"),
    "smtpd_tls_received_header": ("no",),
    "disable_vrfy_command": ("no",),
    "smtpd_helo_required": ("no",),
    "smtpd_forbid_bare_newline": ("no",),
    "smtpd_forbid_unauth_pipelining": ("no",),
    "cleanup_replace_stray_cr_lf": ("no",),
    "smtpd_use_tls": ("yes",),
    "smtpd_enforce_tls": ("yes",),
    "smtp_use_tls": ("yes",),
    "smtp_enforce_tls": ("yes",),
    "lmtp_enforce_tls": ("yes",),
    "smtpd_tls_dh1024_param_file": ("/etc/postfix/dh1024.pem",),
    "smtpd_tls_eecdh_grade": ("ultra",),
    "tls_low_cipherlist": ("ALL",),
    "tls_export_cipherlist": ("ALL",),
}
#: What may be undone in one service, and where.
_IN_SERVICES: t.Final = (
    (("smtp/inet", "submission/inet", "submissions/inet"), "smtpd_"),
    (("smtp/unix",), "smtp_"),
    (("lmtp/unix",), "lmtp_"),
)
#: Not the business of one service: read elsewhere, or about the whole host.
_NOT_PER_SERVICE: t.Final = frozenset(
    {"smtpd_tls_wrappermode", "smtpd_tls_fingerprint_digest", "smtpd_tls_ask_ccert"}
)
#: Weaker for a public MX only; users log in here with what they have, or never come this way.
_ONLY_MX: t.Final = frozenset({"smtpd_tls_received_header", "smtpd_tls_chain_files"})


#: What changes nothing, so that there is nothing to report, and why.
_EQUIVALENT: t.Final[t.Mapping[tuple[str, str], str]] = {
    ("submissions/inet", "smtpd_discard_ehlo_keywords"): "STARTTLS is never offered inside TLS",
    ("submissions/inet", "smtpd_enforce_tls"): "TLS is there from the first byte",
    ("submissions/inet", "smtpd_tls_security_level"): "TLS is there from the first byte",
    ("submissions/inet", "smtpd_tls_auth_only"): "TLS is there from the first byte",
    ("submission/inet", "smtpd_tls_auth_only"): "the level encrypt implies it",
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One broken setting: a value of main.cf (None: removed), or an override of *service*."""

    parameter: str
    value: t.Optional[str]
    service: str = ""

    @property
    def id(self) -> str:
        """The name of the mutant in a test."""
        change = "removed" if self.value is None else f"to {self.value or 'nothing'}"
        return f"{self.service or 'main.cf'} {self.parameter} {change}"

    @property
    def subject(self) -> str:
        """What a finding about it must name."""
        return self.service or "main.cf"


@functools.cache
def defaults(release: str) -> t.Mapping[str, str]:
    """Return every parameter of the release's Postfix with its default."""
    return parameters((FIXTURES / f"postconf-d-{RELEASES[release][0]}.txt").read_text())


@functools.cache
def host(release: str) -> Host:
    """Return the release as the policy sees it."""
    version, library, level = RELEASES[release]
    types = (FIXTURES / f"postconf-m-{version}.txt").read_text().split()
    return Host(
        Version.parse(version),
        TlsLibrary.parse(library),
        frozenset(types),
        compatibility_level=level,
        ca_file=CA_FILE,
        known_parameters=frozenset(defaults(release)),
    )


def stock(release: str) -> dict[str, str]:
    """Return the parameters of main.cf before the role."""
    return {**STOCK, "compatibility_level": RELEASES[release][2]}


@functools.cache
def decided(release: str, choices: Choices) -> t.Mapping[str, t.Optional[str]]:
    """Return what the role writes, or removes (None)."""
    found = resolve(host(release), choices=choices, current=stock(release))
    return {one.parameter: one.value for one in found}


@functools.cache
def hardened(release: str, choices: Choices) -> t.Mapping[str, str]:
    """Return the parameters of main.cf behind the role."""
    main = {**stock(release), **decided(release, choices)}
    return {name: value for name, value in main.items() if value is not None}


def main_with(mutant: t.Optional[Mutant], main: t.Mapping[str, str]) -> dict[str, str]:
    """Return main.cf with the mutant's change."""
    changed = dict(main)
    if mutant is None or mutant.service:
        return changed
    if mutant.value is None:
        del changed[mutant.parameter]
    else:
        changed[mutant.parameter] = mutant.value
    return changed


def services_with(mutant: t.Optional[Mutant]) -> str:
    """Return the entries of master.cf that matter, with the mutant's override."""
    entries = dict(SERVICES)
    if mutant is not None and mutant.service:
        entries[mutant.service] += f"  -o {{ {mutant.parameter} = {mutant.value or ''} }}\n"
    return "".join(entries.values())


def view(release: str, choices: Choices, mutant: t.Optional[Mutant] = None) -> View:
    """Return what a capture of that host would give."""
    known = defaults(release)
    main = main_with(mutant, hardened(release, choices))
    explicit = {name: value for name, value in main.items() if name in known}
    facts = host(release)
    return View(
        version=facts.postfix,
        raw={**known, **explicit},
        explicit=explicit,
        services=master_cf.parse(services_with(mutant) + _OTHERS),
        tls_library=facts.tls_library,
        map_types=facts.map_types,
        choices=choices,
    )


def _effect(seen: View, parameter: str) -> t.Collection[str]:
    """Return what the parameter amounts to: Postfix adds the exclusions of the other list."""
    if parameter.endswith("_mandatory_exclude_ciphers"):
        other = parameter.replace("_mandatory", "")
        return frozenset(seen.words(parameter)) | frozenset(seen.words(other))
    return seen.value(parameter)


def mutants(release: str, choices: Choices) -> tuple[Mutant, ...]:
    """Return every mutant that makes a difference on this release."""
    known = defaults(release)
    whole = view(release, choices)
    found = [Mutant(name, None) for name in hardened(release, choices) if name in WEAK]
    found += [Mutant(name, value) for name, weak in WEAK.items() for value in weak]
    for services, prefix in _IN_SERVICES:
        for service in services:
            found += [
                Mutant(name, weak[-1] if name.endswith("exclude_ciphers") else weak[0], service)
                for name, weak in WEAK.items()
                if name.startswith(prefix)
                and name not in _NOT_PER_SERVICE
                and (service == "smtp/inet" or name not in _ONLY_MX)
                and (service, name) not in _EQUIVALENT
            ]
    return tuple(
        one
        for one in found
        if one.parameter in known
        and one.parameter in decided(release, choices)
        and (
            one.service
            or _effect(view(release, choices, one), one.parameter) != _effect(whole, one.parameter)
        )
    )


def reported(
    mutant: Mutant, findings: t.Iterable[Finding], before: t.Iterable[Finding]
) -> list[Finding]:
    """Return the findings that tell of the mutant: new ones that name the parameter and its place."""
    known = {(one.rule, one.subject, one.parameter, one.observed) for one in before}
    return [
        one
        for one in findings
        if one.parameter == mutant.parameter
        and one.subject == mutant.subject
        and (one.rule, one.subject, one.parameter, one.observed) not in known
    ]
