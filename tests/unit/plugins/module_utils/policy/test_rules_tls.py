# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bad a finding about TLS is, what is to be written instead, and that writing it mends it.

That the rules find what they should is tried on real Postfix (tests/rules).
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import rules_tls
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices, Host
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import resolve
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import judge
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import AEAD_ONLY
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import master_cf
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
LIBRARIES: t.Final = {
    "3.5.25": "OpenSSL 1.1.1w",
    "3.7.11": "OpenSSL 3.0.22",
    "3.10.13": "OpenSSL 3.5.7",
    "3.11.7": "OpenSSL 3.6.5",
}
LEVELS: t.Final = {"3.5.25": "2", "3.7.11": "3.6", "3.10.13": "3.9", "3.11.7": "3.11"}
TYPES: t.Final = frozenset({"btree", "hash", "lmdb"})
RULE: t.Final = {rule.id: rule for rule in rules_tls.RULES}
SMTP = "smtp inet n - y - - smtpd"
CLIENT = "smtp unix - - y - - smtp"
SUBMISSION = "submission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt"
SUBMISSIONS = "submissions inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes"
SCREENED = (
    "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\ntlsproxy unix - - y - 0 tlsproxy"
)
INTEROP = "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS"
OLD_FLOOR = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
NEW_FLOOR = ">=TLSv1.2"


def defaults(postfix: str) -> dict[str, str]:
    lines = (FIXTURES / f"postconf-d-{postfix}.txt").read_text().splitlines()
    return {
        name.strip(): value.strip() for name, _equals, value in (x.partition("=") for x in lines)
    }


DEFAULTS: t.Final = {postfix: defaults(postfix) for postfix in LIBRARIES}


def stock(postfix: str) -> dict[str, str]:
    return {
        "compatibility_level": LEVELS[postfix],
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": "/etc/ssl/mx.pem",
        "smtpd_tls_key_file": "/etc/ssl/mx.key",
    }


def view(
    main: t.Mapping[str, str],
    master: str = f"{SMTP}\n{CLIENT}",
    *,
    postfix: str = "3.7.11",
    profile: str = "intermediate",
    tls_library: str = "",
) -> View:
    explicit = {**stock(postfix), **main}
    return View(
        version=Version.parse(postfix),
        raw={**DEFAULTS[postfix], **explicit},
        explicit=explicit,
        services=master_cf.parse(master + "\n"),
        tls_library=TlsLibrary.parse(tls_library or LIBRARIES[postfix]),
        map_types=TYPES,
        choices=Choices(inbound_profile=profile),
    )


def found(one: View, rule: str) -> tuple[Finding, ...]:
    return judge(one, [RULE[rule]]).findings


def parsed(main: str) -> dict[str, str]:
    lines = (line.partition("=") for line in main.splitlines())
    return {name.strip(): value.strip() for name, _equals, value in lines}


@dataclasses.dataclass(frozen=True)
class Row:
    """What a rule must say of one configuration; ``expected`` None is not looked at."""

    rule: str
    main: str
    severity: str
    expected: t.Optional[str] = None
    master: str = f"{SMTP}\n{CLIENT}"
    postfix: str = "3.7.11"
    profile: str = "intermediate"
    tls_library: str = ""
    says: str = ""

    def view(self, main: t.Mapping[str, str]) -> View:
        return view(
            main,
            self.master,
            postfix=self.postfix,
            profile=self.profile,
            tls_library=self.tls_library,
        )


NOTHING = "not set"
LEVEL = "smtpd_tls_security_level"
ROWS: t.Final = (
    Row("tls-not-offered", f"{LEVEL} = none", "critical", "may"),
    Row("tls-not-offered", f"{LEVEL} = none", "medium", "may", "2525 inet n - y - - smtpd"),
    Row("tls-demanded-of-strangers", f"{LEVEL} = encrypt", "high", "may"),
    Row("server-level-unknown", f"{LEVEL} = dane", "critical", "may"),
    Row(
        "server-level-unknown",
        f"{LEVEL} = dane",
        "critical",
        "encrypt",
        "submission inet n - y - - smtpd",
    ),
    Row("server-level-of-clients", f"{LEVEL} = verify", "medium", "may"),
    Row(
        "server-level-of-clients",
        f"{LEVEL} = verify",
        "medium",
        "encrypt",
        "submission inet n - y - - smtpd",
    ),
    Row(
        "server-level-of-clients",
        f"{LEVEL} = verify",
        "medium",
        "may",
        f"{SMTP}\nsubmission inet n - y - - smtpd",
    ),
    Row("wrappermode-misplaced", "smtpd_tls_wrappermode = yes", "critical", says="greets nobody"),
    Row(
        "wrappermode-misplaced",
        "smtpd_tls_wrappermode = yes",
        "high",
        master="587 inet n - y - - smtpd",
    ),
    Row(
        "wrappermode-misplaced",
        "smtpd_tls_wrappermode = yes",
        "low",
        master="465 inet n - y - - smtpd",
        says="every service that is added",
    ),
    Row("old-tls-switch-ignored", "smtpd_enforce_tls = yes", "high", NOTHING, says="= may wins"),
    Row("old-tls-switch-ignored", f"smtpd_use_tls = yes\n{LEVEL} = none", "medium", NOTHING),
    Row(
        "client-certificate-asked-of-strangers",
        "smtpd_tls_ask_ccert = yes",
        "low",
        NOTHING,
        says="asks strangers",
    ),
    Row(
        "client-certificate-asked-of-strangers",
        f"smtpd_tls_req_ccert = yes\n{LEVEL} = encrypt",
        "high",
        NOTHING,
        says="refuses every server",
    ),
    Row(
        "client-certificate-asked-of-strangers",
        f"smtpd_tls_ask_ccert = yes\n{LEVEL} = encrypt",
        "low",
        NOTHING,
    ),
    Row(
        "postscreen-level-differs",
        "postscreen_tls_security_level = none",
        "medium",
        "may",
        SCREENED,
    ),
    Row(
        "postscreen-level-differs",
        "postscreen_tls_security_level = encrypt",
        "low",
        "may",
        SCREENED,
    ),
    Row("protocols-unknown-name", "smtpd_tls_protocols = foo", "critical", NEW_FLOOR),
    Row(
        "protocols-unknown-name",
        "smtpd_tls_protocols = foo",
        "critical",
        ">=TLSv1",
        profile="interop",
    ),
    Row(
        "protocols-unknown-name",
        "smtpd_tls_protocols = foo",
        "critical",
        "!SSLv2, !SSLv3",
        profile="interop",
        postfix="3.5.25",
    ),
    Row(
        "protocols-unknown-name",
        "smtpd_tls_mandatory_protocols = foo",
        "critical",
        NEW_FLOOR,
        SUBMISSION,
        profile="interop",
    ),
    Row(
        "protocols-need-newer-postfix",
        "smtpd_tls_protocols = >=TLSv1.2",
        "critical",
        OLD_FLOOR,
        postfix="3.5.25",
    ),
    Row(
        "protocols-need-newer-postfix",
        "smtpd_tls_mandatory_protocols = >=TLSv1.2",
        "low",
        OLD_FLOOR,
        postfix="3.5.25",
    ),
    Row(
        "protocols-mixed-list",
        "smtpd_tls_protocols = !SSLv3, TLSv1.2",
        "medium",
        NEW_FLOOR,
        says="TLSv1.2 alone switches off",
    ),
    Row("protocols-without-tls13", "smtpd_tls_protocols = TLSv1.2", "high", NEW_FLOOR),
    Row("protocols-only-tls13", "smtpd_tls_protocols = TLSv1.3", "medium", NEW_FLOOR),
    Row(
        "protocols-only-tls13",
        "smtpd_tls_mandatory_protocols = TLSv1.3",
        "low",
        NEW_FLOOR,
        SUBMISSION,
    ),
    Row("old-tls-where-opportunistic", "", "medium", NEW_FLOOR, says="TLSv1 and TLSv1.1 are"),
    Row("old-tls-where-opportunistic", "", "medium", OLD_FLOOR, postfix="3.5.25"),
    Row("old-tls-where-opportunistic", "", "info", NEW_FLOOR, profile="interop"),
    Row("old-tls-where-mandatory", "", "high", NEW_FLOOR, SUBMISSION, profile="interop"),
    Row("ssl3-allowed", "smtpd_tls_protocols = !SSLv2", "medium", NEW_FLOOR),
    Row(
        "ssl3-allowed",
        "smtpd_tls_protocols = !SSLv2",
        "high",
        NEW_FLOOR,
        tls_library="OpenSSL 1.0.2u",
    ),
    Row("ssl3-allowed", "smtpd_tls_protocols =", "medium", NEW_FLOOR, says="an empty list"),
    Row(
        "mandatory-settings-without-effect",
        "smtpd_tls_mandatory_protocols = >=TLSv1.2",
        "medium",
        "smtpd_tls_protocols = >=TLSv1.2",
        says="services that demand TLS; smtp/inet goes by smtpd_tls_protocols (>=TLSv1)",
    ),
    Row(
        "opportunistic-settings-without-effect",
        f"{LEVEL} = encrypt\nsmtpd_tls_ciphers = high",
        "medium",
        "smtpd_tls_mandatory_ciphers = high",
        says="services that offer TLS and do not demand it; smtp/inet goes by",
    ),
    *(
        Row(rule, "", severity, expected, profile=profile, postfix="3.5.25")
        for rule, severities in (
            ("suites-anonymous", "medium medium high"),
            ("suites-without-forward-secrecy", "info medium medium"),
            ("suites-cbc", "info low medium"),
            ("suites-finite-field", "info low medium"),
            ("suites-camellia-aria", "info low medium"),
            ("suites-short-tag", "info low medium"),
            ("suites-obsolete", "medium medium medium"),
        )
        for profile, severity, expected in zip(
            ("interop", "intermediate", "strict"),
            severities.split(),
            (AEAD_ONLY if "info" in severities else INTEROP, AEAD_ONLY, AEAD_ONLY),
        )
    ),
    Row("suites-anonymous", "", "high", AEAD_ONLY, SUBMISSION, profile="interop"),
    Row("suites-anonymous", "", "high", AEAD_ONLY, SUBMISSIONS),
    Row("suites-cbc", "", "low", AEAD_ONLY, SUBMISSIONS, profile="interop"),
    Row(
        "suites-for-ec-certificates-excluded",
        "smtpd_tls_exclude_ciphers = ECDSA",
        "medium",
        AEAD_ONLY,
    ),
    Row(
        "suites-for-ec-certificates-excluded",
        "smtpd_tls_exclude_ciphers = ECDSA\nsmtpd_tls_eccert_file = /etc/ssl/ec.pem",
        "high",
        AEAD_ONLY,
    ),
    Row(
        "suites-with-aead-excluded",
        "tls_medium_cipherlist = ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA",
        "medium",
        NOTHING,
        says="tls_medium_cipherlist takes",
    ),
    Row("suites-none-left", "smtpd_tls_exclude_ciphers = ALL", "critical", AEAD_ONLY),
    Row("suites-none-left", "tls_medium_cipherlist = nothing", "critical", NOTHING),
    Row("cipher-grade-unknown", "smtpd_tls_ciphers = strong", "critical", "high"),
    Row("cipher-grade-unknown", "smtpd_tls_ciphers = x", "critical", "medium", profile="interop"),
    Row("cipher-grade-unknown", "smtpd_tls_ciphers =", "critical", "high", says="dies"),
    Row(
        "cipher-grade-weak",
        "smtpd_tls_ciphers = null",
        "critical",
        "high",
        postfix="3.10.13",
        says="encrypts nothing",
    ),
    Row("cipher-choice-of-client", "", "info", "yes", profile="interop"),
    Row(
        "cipher-choice-of-server",
        f"tls_preempt_cipherlist = yes\nsmtpd_tls_exclude_ciphers = {AEAD_ONLY}",
        "info",
        "no",
    ),
    Row("postscreen-settings-idle", "tlsproxy_tls_ciphers = high", "info", NOTHING),
    Row("cipher-grade-weak", "smtpd_tls_ciphers = export", "medium", "high"),
    Row("cipher-grade-weak", "smtpd_tls_ciphers = export", "low", "high", postfix="3.10.13"),
    Row("cipher-grade-medium", "", "low", "high"),
    Row("cipher-grade-medium", "", "low", "high", postfix="3.10.13"),
    Row("cipher-grade-medium", f"smtpd_tls_exclude_ciphers = {AEAD_ONLY}", "info", "high"),
    Row("exclusion-with-sign", "smtpd_tls_exclude_ciphers = !aNULL, MD5", "critical", "aNULL, MD5"),
    Row("exclusion-with-sign", "smtpd_tls_exclude_ciphers = @STRENGTH", "critical", AEAD_ONLY),
    Row(
        "exclusion-unknown-word",
        "smtpd_tls_exclude_ciphers = aNULL PSD xyzzy",
        "low",
        "aNULL, PSK",
        says="PSD (did you mean PSK?), xyzzy",
    ),
    Row("exclusion-unknown-word", "smtpd_tls_exclude_ciphers = anull", "low", "aNULL"),
    Row("signatures-with-sha1", "", "info", "/etc/postfix/openssl-postfix.cnf"),
    Row("signatures-with-sha1", "", "medium", "/etc/postfix/openssl-postfix.cnf", profile="strict"),
    Row("curves-unknown", "tls_eecdh_auto_curves = X25519 abc", "low", NOTHING),
    Row("curves-unknown", "tls_eecdh_auto_curves = abc", "medium", NOTHING),
    Row(
        "curves-unknown",
        "tls_eecdh_auto_curves = X25519 abc",
        "low",
        "X25519 X25519MLKEM768 prime256v1 secp384r1",
        postfix="3.10.13",
    ),
    Row("curves-unknown", "tls_eecdh_auto_curves = abc X25519", "low", NOTHING, postfix="3.11.7"),
    Row(
        "post-quantum-missing",
        "",
        "low",
        "X25519 X25519MLKEM768 prime256v1 secp384r1",
        postfix="3.10.13",
    ),
    Row("post-quantum-missing", "tls_eecdh_auto_curves = X25519", "low", NOTHING, postfix="3.11.7"),
    Row("finite-field-groups", "", "info", "", postfix="3.10.13"),
    Row("finite-field-groups", "", "info", "-ffdhe2048 -ffdhe3072", postfix="3.11.7"),
    Row(
        "finite-field-groups",
        "tls_ffdhe_auto_groups = -ffdhe2048",
        "info",
        "-ffdhe2048 -ffdhe3072",
        postfix="3.11.7",
    ),
    Row("own-dh-group", "smtpd_tls_dh1024_param_file = /etc/dh.pem", "low", NOTHING),
    Row(
        "own-dh-group",
        "smtpd_tls_dh1024_param_file = /etc/dh.pem\nsmtpd_tls_exclude_ciphers = kDHE",
        "info",
        NOTHING,
    ),
    Row("own-dh-group", "smtpd_tls_dh1024_param_file = auto", "info", NOTHING, says="anyway"),
    Row("own-dh-group", "smtpd_tls_dh1024_param_file = auto", "low", NOTHING, postfix="3.5.25"),
    Row(
        "curve-bound-by-grade",
        "smtpd_tls_eecdh_grade = strong",
        "low",
        NOTHING,
        postfix="3.5.25",
        says="a single curve",
    ),
    Row(
        "curve-bound-by-grade",
        "smtpd_tls_eecdh_grade = best",
        "low",
        NOTHING,
        postfix="3.5.25",
        says="no grade",
    ),
    Row("fingerprint-digest-weak", "smtpd_tls_fingerprint_digest = md5", "low", "sha256"),
    Row(
        "fingerprint-digest-weak",
        "smtpd_tls_fingerprint_digest = sha1\n"
        "smtpd_relay_restrictions = permit_tls_clientcerts, reject",
        "medium",
        "sha256",
    ),
    Row(
        "session-cache-type-missing",
        "smtp_tls_session_cache_database = bdb:/var/lib/postfix/x",
        "medium",
        "lmdb:/var/lib/postfix/x",
    ),
    Row(
        "session-cache-type-missing",
        "smtpd_tls_session_cache_database = bdb:/var/lib/postfix/x",
        "medium",
        NOTHING,
    ),
    Row(
        "renegotiation-by-clients",
        "tls_ssl_options = NO_COMPRESSION",
        "medium",
        "NO_COMPRESSION, NO_RENEGOTIATION",
        postfix="3.5.25",
    ),
    Row(
        "tls-options-unknown",
        "tls_ssl_options = NO_TICKET, NO_TICKETS",
        "low",
        "NO_TICKET",
    ),
    Row("mandatory-settings-weak-though-idle", "", "info", NEW_FLOOR, postfix="3.10.13"),
    Row(
        "mandatory-settings-weak-though-idle",
        "smtpd_tls_mandatory_protocols = TLSv1.2",
        "low",
        NEW_FLOOR,
    ),
    Row(
        "mandatory-settings-weak-though-idle",
        "smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3",
        "low",
        OLD_FLOOR,
        postfix="3.5.25",
    ),
)


def names(row: Row) -> str:
    return "-".join((row.rule, row.severity, row.profile, row.postfix))


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_severity_and_value_to_write(row: Row) -> None:
    findings = found(row.view(parsed(row.main)), row.rule)
    wanted = [one for one in findings if row.expected in (None, one.expected)]
    assert wanted, findings
    assert wanted[0].severity == row.severity
    assert row.says in wanted[0].message


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_what_is_to_be_written_mends_it(row: Row) -> None:
    main = parsed(row.main)
    for _round in range(3):
        findings = [one for one in found(row.view(main), row.rule) if one.subject == "main.cf"]
        for one in findings:
            if one.expected.partition(";")[0] == NOTHING:
                main.pop(one.parameter, None)
            else:
                name, equals, value = one.expected.partition(" = ")
                main.update({name: value} if equals else {one.parameter: one.expected})
                if equals:
                    main.pop(one.parameter, None)
    assert [one for one in found(row.view(main), row.rule) if one.subject == "main.cf"] == []


@pytest.mark.parametrize(
    ("rule", "main", "postfix", "library"),
    [
        pytest.param(
            "renegotiation-by-clients", "", "3.10.13", "OpenSSL 1.1.1w", id="postfix-refuses-it"
        ),
        pytest.param("renegotiation-by-clients", "", "3.7.11", "", id="openssl-refuses-it"),
        pytest.param(
            "protocols-without-tls13",
            "smtpd_tls_protocols = TLSv1.2",
            "3.5.25",
            "OpenSSL 1.1.0l",
            id="library-has-none",
        ),
        pytest.param("post-quantum-missing", "", "3.10.13", "OpenSSL 3.4.1", id="library-cannot"),
        pytest.param(
            "post-quantum-missing", f"{LEVEL} = none", "3.10.13", "", id="neither-way-has-tls"
        ),
        pytest.param("post-quantum-missing", "", "3.7.11", "OpenSSL 3.5.7", id="postfix-cannot"),
        pytest.param(
            "finite-field-groups", "tls_ffdhe_auto_groups =", "3.10.13", "", id="empty-before-3.11"
        ),
        pytest.param(
            "finite-field-groups",
            "tls_eecdh_auto_curves = X25519",
            "3.11.7",
            "",
            id="curves-of-its-own",
        ),
        pytest.param(
            "certificate-none-on-purpose",
            "smtpd_tls_cert_file = none\nsmtpd_tls_chain_files = /etc/ssl/mx.pem",
            "3.7.11",
            "",
            id="chain-files-instead",
        ),
        pytest.param(
            "mandatory-settings-weak-though-idle",
            f"smtpd_tls_mandatory_protocols = >=TLSv1.2\nsmtpd_tls_mandatory_ciphers = high\n"
            f"smtpd_tls_mandatory_exclude_ciphers = {AEAD_ONLY.replace(', PSK', '')}",
            "3.7.11",
            "",
            id="psk-cannot-be-used",
        ),
    ],
)
def test_nothing_is_said(rule: str, main: str, postfix: str, library: str) -> None:
    assert found(view(parsed(main), postfix=postfix, tls_library=library), rule) == ()


@pytest.mark.parametrize(
    ("main", "speaks"),
    [
        pytest.param("smtp_tls_security_level = may", True, id="level"),
        pytest.param("smtp_tls_security_level = none\nsmtp_use_tls = yes", False, id="beaten"),
        pytest.param("smtp_use_tls = yes", True, id="switch"),
        pytest.param("smtp_tls_policy_maps = inline:{x.example=encrypt}", True, id="policy"),
        pytest.param("lmtp_tls_security_level = may", False, id="no-such-service"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_curves_count_for_clients_with_tls_alone(main: str, speaks: bool) -> None:
    text = f"{LEVEL} = none\n{main}"
    told = found(view(parsed(text), postfix="3.10.13"), "post-quantum-missing")
    assert [("smtp/unix" in one.message, "smtp/inet" in one.message) for one in told] == (
        [(True, False)] if speaks else []
    )


@pytest.mark.parametrize("postfix", LIBRARIES)
@pytest.mark.parametrize("profile", ["interop", "intermediate", "strict"])
def test_a_host_as_the_role_leaves_it_has_nothing_above_info(postfix: str, profile: str) -> None:
    host = Host(
        Version.parse(postfix),
        TlsLibrary.parse(LIBRARIES[postfix]),
        TYPES,
        compatibility_level=LEVELS[postfix],
    )
    decisions = resolve(host, choices=Choices(inbound_profile=profile), current=stock(postfix))
    main = {one.parameter: one.value for one in decisions if isinstance(one.value, str)}
    master = f"{SMTP}\n{CLIENT}\n{SUBMISSION}\n{SUBMISSIONS}"
    verdict = judge(view(main, master, postfix=postfix, profile=profile), rules_tls.RULES)
    assert [one for one in verdict.findings if one.severity != "info"] == []


def test_a_submission_port_is_mended_where_it_is() -> None:
    (finding,) = found(view({}, "submission inet n - y - - smtpd"), "submission-without-tls")
    assert finding.fix.command == "postconf -P 'submission/inet/smtpd_tls_security_level=encrypt'"
    assert finding.observed == "may"


def test_an_override_without_effect_is_mended_where_it_is() -> None:
    master = f"{SMTP}\n  -o smtpd_tls_mandatory_ciphers=high"
    (finding,) = found(view({}, master), "mandatory-settings-without-effect")
    assert finding.subject == "smtp/inet"
    assert finding.fix.command == "postconf -P 'smtp/inet/smtpd_tls_ciphers=high'"


def test_an_override_is_compared_without_knowing_the_library() -> None:
    one = view({"smtpd_tls_ciphers": "high"}, f"{SMTP}\n  -o smtpd_tls_ciphers=medium")
    (finding,) = found(dataclasses.replace(one, tls_library=None), "override-weaker-than-main")
    assert finding.subject == "smtp/inet"


def test_both_exclusion_lists_overridden_means_the_mandatory_one() -> None:
    master = (
        f"{SUBMISSION}\n  -o smtpd_tls_exclude_ciphers=\n  -o smtpd_tls_mandatory_exclude_ciphers="
    )
    (finding,) = found(view({}, master), "suites-anonymous")
    assert (finding.subject, finding.parameter) == (
        "submission/inet",
        "smtpd_tls_mandatory_exclude_ciphers",
    )


def test_tlsproxy_is_told_apart_from_the_server_behind_postscreen() -> None:
    (own,) = found(view({"tlsproxy_tls_ciphers": "high"}, SCREENED), "tlsproxy-differs")
    assert own.parameter == "tlsproxy_tls_ciphers"
    assert "medium" in own.message
    master = SCREENED.replace("smtpd\ntlsproxy", "smtpd\n  -o smtpd_tls_ciphers=high\ntlsproxy")
    (override,) = found(view({}, master), "tlsproxy-differs")
    assert override.subject == "smtpd/pass"
    assert "does not reach tlsproxy, which has medium" in override.message
