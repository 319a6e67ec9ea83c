# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The realistic configurations of tests/corpus on the Postfix they are for: what is found, and why.

``findings.txt`` beside each configuration was reviewed by reading. A rule that changes changes these files,
and the difference is to be read again.
"""

from __future__ import annotations

import importlib
import pathlib
import re
import sys
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
corpus = importlib.import_module("corpus")
harness = importlib.import_module("harness")

NAMES: t.Final = tuple(corpus.names())
LEAST: t.Final = 40
OLDEST_SOURCE: t.Final = "question-as-restrictive-as-possible"
UNUSED: t.Final = re.compile(r"unused parameter: ([^=\s]+)=")

#: Each setting that the sources showed, and the configuration that has it (``-o`` lines are of master.cf).
SHOWN: t.Final = (
    ("smtpd_use_tls = yes", "question-as-restrictive-as-possible"),
    ("smtpd_enforce_tls = no", "question-as-restrictive-as-possible"),
    ("smtpd_tls_auth_only = no", "question-as-restrictive-as-possible"),
    ("smtpd_tls_cert_file = /etc/ssl/certs/wildcard.pem", "question-as-restrictive-as-possible"),
    ("smtpd_tls_loglevel = 3", "question-as-restrictive-as-possible"),
    (
        "smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, TLSv1, TLSv1.1, TLSv1.2",
        "question-as-restrictive-as-possible",
    ),
    ("smtpd_tls_mandatory_ciphers = high", "question-as-restrictive-as-possible"),
    (
        "smtpd_tls_mandatory_exclude_ciphers = aNULL, MD5, DES, ADH, RC4, PSD, SRP, 3DES, eNULL",
        "question-as-restrictive-as-possible",
    ),
    ("smtpd_sasl_auth_enable = yes", "question-as-restrictive-as-possible"),
    ("smtpd_sasl_security_options = noplaintext", "question-as-restrictive-as-possible"),
    ("smtpd_sasl_authenticated_header = yes", "question-as-restrictive-as-possible"),
    (
        "smtpd_sasl_path = /var/spool/postfix/private/auth",
        "question-as-restrictive-as-possible",
    ),
    ("broken_sasl_auth_clients = yes", "question-as-restrictive-as-possible"),
    (
        "smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination",
        "question-as-restrictive-as-possible",
    ),
    ("-o smtpd_tls_security_level=may", "question-as-restrictive-as-possible"),
    (
        "smtpd_tls_session_cache_database = btree:${data_directory}/smtpd_scache",
        "question-as-restrictive-as-possible",
    ),
    ("tls_random_source = dev:/dev/urandom", "answer-with-own-cipher-list"),
    (
        "smtpd_tls_exclude_ciphers = EXPORT:LOW:MD5:SEED:IDEA:RC2:aNULL:eNULL:PSD:3DES:RC4:ECDSA",
        "answer-with-own-cipher-list",
    ),
    (
        "tls_high_cipherlist = EECDH+ECDSA+AESGCM:EECDH+aRSA+AESGCM:EDH+aRSA:!aNULL:!LOW:!3DES:+SSLv3:CAMELLIA",
        "answer-with-own-cipher-list",
    ),
    ("smtp_tls_cert_file = $smtpd_tls_cert_file", "answer-with-own-cipher-list"),
    ("smtpd_tls_dh1024_param_file = /etc/postfix/dh_2048.pem", "answer-with-own-cipher-list"),
    ("smtpd_tls_dh512_param_file = /etc/postfix/dh_512.pem", "answer-with-own-cipher-list"),
    ("smtpd_tls_eecdh_grade = ultra", "answer-with-own-cipher-list"),
    ("smtpd_tls_CAfile = /etc/postfix/cacert.pem", "carried-over-from-2006"),
    (
        "smtpd_tls_protocols = TLSv1.2, TLSv1.1, !TLSv1, !SSLv2, !SSLv3",
        "article-encryption",
    ),
    (
        "smtp_tls_protocols = TLSv1.2, TLSv1.1, !TLSv1, !SSLv2, !SSLv3",
        "article-encryption",
    ),
    (
        "smtpd_tls_exclude_ciphers = aNULL, eNULL, EXPORT, DES, RC4, MD5, PSD, aECDH, EDH-DSS-DES-CBC3-SHA, KRB5-DES",
        "article-encryption",
    ),
    ("tls_preempt_cipherlist = yes", "article-encryption"),
    ("smtpd_tls_loglevel = 2", "article-encryption"),
    ("smtpd_tls_received_header = yes", "article-encryption"),
    (
        "smtpd_tls_cert_file = /etc/letsencrypt/live/mx.example/fullchain.pem",
        "article-encryption",
    ),
    ("tls_ssl_options = NO_RENEGOTIATION", "careful-by-hand-oldest"),
    ("smtp_tls_security_level = secure", "encrypt-everywhere"),
    ("smtpd_tls_security_level = encrypt", "encrypt-everywhere"),
    ("smtpd_tls_ciphers = medium", "article-mail-security"),
    (
        "tls_medium_cipherlist = AES128+EECDH:AES128+EDH:DES+MD5",
        "article-mail-security",
    ),
    ("smtpd_tls_dh1024_param_file = /etc/ssl/dh4096.pem", "article-mail-security"),
    ("smtpd_milters = inet:localhost:8891", "article-mail-security"),
    ("smtp_tls_security_level = dane", "dane-outbound"),
    ("smtp_dns_support_level = dnssec", "dane-outbound"),
    ("smtpd_tls_protocols = !SSLv2, !SSLv3", "article-slowly-and-properly"),
    ("smtp_tls_protocols = !SSLv2, !SSLv3", "article-slowly-and-properly"),
    ("-o smtpd_tls_security_level=encrypt", "article-slowly-and-properly"),
    ("-o smtpd_sasl_auth_enable=yes", "article-slowly-and-properly"),
    (
        "-o smtpd_relay_restrictions=permit_sasl_authenticated,reject",
        "article-slowly-and-properly",
    ),
    ("-o smtpd_tls_wrappermode=yes", "container-image"),
    (
        "smtpd_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem",
        "spamassassin-pipe",
    ),
)

#: What was open in the oldest source: the rule, subject and parameter that tell it, and words of the explanation.
OPEN_ISSUES: t.Final = (
    ("mandatory-settings-without-effect", "main.cf", "smtpd_tls_mandatory_protocols", "level may"),
    ("mandatory-settings-without-effect", "main.cf", "smtpd_tls_mandatory_ciphers", "level may"),
    (
        "mandatory-settings-without-effect",
        "main.cf",
        "smtpd_tls_mandatory_exclude_ciphers",
        "level may",
    ),
    ("old-tls-where-opportunistic", "main.cf", "smtpd_tls_protocols", "TLSv1 and TLSv1.1"),
    ("suites-anonymous", "main.cf", "smtpd_tls_exclude_ciphers", "without a certificate"),
    ("suites-obsolete", "main.cf", "smtpd_tls_exclude_ciphers", "RC4"),
    ("suites-without-forward-secrecy", "main.cf", "smtpd_tls_exclude_ciphers", "private key"),
    ("auth-on-mx", "main.cf", "smtpd_sasl_auth_enable", "smtp/inet"),
    ("auth-before-tls", "main.cf", "smtpd_tls_auth_only", "before the connection is encrypted"),
    ("auth-anonymous", "main.cf", "smtpd_sasl_security_options", "ANONYMOUS"),
    ("auth-plaintext-refused", "main.cf", "smtpd_sasl_security_options", "PLAIN and LOGIN only"),
    ("sasl-path-outside-chroot", "main.cf", "smtpd_sasl_path", "inside the queue directory"),
    ("submission-without-tls", "submission/inet", "smtpd_tls_security_level", "clear text"),
    ("tls-log-shows-content", "main.cf", "smtpd_tls_loglevel", "log"),
    ("switch-beaten-by-level", "main.cf", "smtpd_use_tls", "no effect"),
    ("switch-beaten-by-level", "main.cf", "smtpd_enforce_tls", "no effect"),
    ("auth-name-in-header", "main.cf", "smtpd_sasl_authenticated_header", "login name"),
    ("auth-announced-twice", "main.cf", "broken_sasl_auth_clients", "second time"),
    ("outbound-tls-off", "main.cf", "smtp_tls_security_level", "clear text"),
    ("smuggling-possible", "main.cf", "smtpd_forbid_bare_newline", "forged sender"),
    (
        "exclusion-unknown-word",
        "main.cf",
        "smtpd_tls_mandatory_exclude_ciphers",
        "PSD (did you mean PSK?)",
    ),
    (
        "relay-decision-in-recipient-list",
        "main.cf",
        "smtpd_relay_restrictions",
        "open relay",
    ),
)


@pytest.fixture(scope="session")
def captures() -> dict[str, str]:
    """The capture of each configuration on the release that it names."""
    by_release: dict[str, list[str]] = {}
    for name in NAMES:
        by_release.setdefault(corpus.release_of(name), []).append(name)
    return {
        name: text
        for release, names in by_release.items()
        for name, text in zip(
            names, harness.captures(release, [corpus.changes(name) for name in names])
        )
    }


def _lines(name: str, file: str) -> list[str]:
    path = corpus.CORPUS / name / file
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _settings(name: str) -> dict[str, str]:
    """Return the parameters of main.cf by the rules of postconf(5) for lines, blanks made one."""
    logical: list[str] = []
    for line in _lines(name, "main.cf"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            logical[-1] += line
        else:
            logical.append(line)
    pairs = (line.partition("=") for line in logical)
    return {key.strip(): " ".join(value.split()) for key, _, value in pairs}


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_those_that_were_reviewed(name: str, captures: dict[str, str]) -> None:
    text = _lines(name, corpus.EXPECTED)
    assert text, f"{name} has no {corpus.EXPECTED}"
    assert text[0].startswith("# "), "the review is missing"
    expected = [line for line in text if line and not line.startswith("#")]
    found = corpus.findings(captures[name])
    missing = sorted(set(expected) - set(found))
    unexpected = sorted(set(found) - set(expected))
    difference = {"missing": missing, "unexpected": unexpected}
    assert difference == {"missing": [], "unexpected": []}, "mend the rule, or read it again"
    assert sorted(found) == sorted(expected), "something is found twice"


@pytest.mark.parametrize("name", NAMES)
def test_postfix_reads_the_whole_configuration_and_nothing_else(
    name: str, captures: dict[str, str]
) -> None:
    said = parse(captures[name]).said["explicit"]
    assert said.status == 0, said.stderr
    read = {line.partition("=")[0].strip() for line in said.stdout.splitlines() if "=" in line}
    # The directory is what the script was asked about, and no line of main.cf.
    assert (read - {"config_directory"}) | set(UNUSED.findall(said.stderr)) == set(_settings(name))


def test_there_are_enough_configurations_for_every_release() -> None:
    assert len(NAMES) >= LEAST
    assert {corpus.release_of(name) for name in NAMES} == {"bullseye", "bookworm", "trixie", "sid"}


@pytest.mark.parametrize(("setting", "name"), SHOWN, ids=[setting for setting, _ in SHOWN])
def test_what_the_sources_showed_is_in_the_corpus(setting: str, name: str) -> None:
    if setting.startswith("-o "):
        assert setting in {line.strip() for line in _lines(name, "master.cf")}
    else:
        key, _, value = setting.partition(" = ")
        assert _settings(name)[key] == value


@pytest.mark.parametrize(
    ("rule", "subject", "parameter", "words"),
    OPEN_ISSUES,
    ids=[f"{one[0]}-{one[2]}" for one in OPEN_ISSUES],
)
def test_open_issue_of_the_oldest_source_is_explained(
    rule: str, subject: str, parameter: str, words: str, captures: dict[str, str]
) -> None:
    found = [
        one
        for one in corpus.verdict(captures[OLDEST_SOURCE]).findings
        if (one.rule, one.subject, one.parameter) == (rule, subject, parameter)
    ]
    assert len(found) == 1
    assert words in f"{found[0].message} {found[0].why}"
