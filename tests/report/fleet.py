# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A made-up fleet in the shape of what the modules return, to look at and to measure with.

Run to write the files of a report: ``python tests/report/fleet.py 40 DIRECTORY``.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import typing as t

NOW: t.Final = datetime.datetime(2026, 11, 24, 14, 5, tzinfo=datetime.timezone.utc)
Finding = dict[str, t.Any]
#: Tries to break out of every format.
BAD = (
    "</script><script>window.broken=1</script> \"quoted\" 'single' & <b>bold</b> ]]> `tick` | pipe "
    "{{ 7 * 7 }} {% raw %} \x1b[31mred\x07 \u202eesrever \ud800 \u2028 <!-- ${env} \\"
)

#: rule, severity, area, subject, parameter, observed, expected, message, why, variable, command, source
KINDS: t.Final[tuple[tuple[str, ...], ...]] = (
    (
        "relay-open", "critical", "relay", "main.cf", "smtpd_relay_restrictions", "permit",
        "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
        "Anyone on the Internet can send mail to anywhere through this server.",
        "Spam is sent in its name within hours, and other servers stop taking its mail.",
        "postfix_tls_parameters: {smtpd_relay_restrictions: ...}",
        "postconf -e 'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination'",
        "postconf(5), smtpd_relay_restrictions",
    ),
    (
        "auth-before-tls", "high", "login", "submission/inet", "smtpd_tls_auth_only", "no", "yes",
        "Passwords are asked for before the connection is encrypted.",
        "Whoever listens on the way reads the password and can send mail as this user.",
        "hardened.mail.postconf: services", "postconf -P 'submission/inet/smtpd_tls_auth_only=yes'",
        "RFC 8314 section 3",
    ),
    (
        "protocols-mixed-list", "high", "protocols", "main.cf", "smtpd_tls_mandatory_protocols",
        "!SSLv2, TLSv1.2", ">=TLSv1.2",
        "The list names a protocol and excludes another, which switches TLS 1.3 off for submission/inet.",
        "Peers fall back to an older protocol than both sides could speak.",
        "role hardened.mail.postfix_tls sets it",
        "postconf -e 'smtpd_tls_mandatory_protocols = >=TLSv1.2'",
        "postconf(5), smtpd_tls_mandatory_protocols",
    ),
    (
        "protocols-floor-low", "medium", "protocols", "main.cf", "smtpd_tls_protocols", ">=TLSv1",
        ">=TLSv1.2", "TLS 1.0 and 1.1 are accepted from other servers (smtp/inet).",
        "Both have been retired since 2021; attacks on them only get better.",
        "role hardened.mail.postfix_tls sets it", "postconf -e 'smtpd_tls_protocols = >=TLSv1.2'",
        "RFC 8996",
    ),
    (
        "certificate-expires-soon", "medium", "keys", "/etc/ssl/mx/fullchain.pem",
        "smtpd_tls_chain_files", "2026-12-03", "a renewed certificate",
        "The certificate ends in 9 days.",
        "Servers that verify, by DANE or MTA-STS, stop delivering on that day.", "", "certbot renew",
        "RFC 5280 section 4.1.2.5",
    ),
    (
        "smuggling-bare-newline", "medium", "smtp", "main.cf", "smtpd_forbid_bare_newline",
        "no (the default)", "normalize", "A bare newline ends a message, so a second one can be smuggled in.",
        "Mail with a forged sender passes SPF and DMARC of another domain.",
        "role hardened.mail.postfix_tls sets it", "postconf -e 'smtpd_forbid_bare_newline = normalize'",
        "CVE-2023-51764",
    ),
    (
        "parameter-misspelt", "medium", "configuration", "main.cf", "smtpd_tls_ciphres", "high",
        "smtpd_tls_ciphers",
        "Postfix does not know smtpd_tls_ciphres; did you mean smtpd_tls_ciphers?",
        "The line does nothing, and whoever wrote it believes that it does.",
        "postfix_tls_parameters: {smtpd_tls_ciphres: null}", "postconf -X smtpd_tls_ciphres",
        "postconf(5)",
    ),
    (
        "key-readable-by-all", "high", "files", "/etc/ssl/private/mx.key", "", "0644 root:root", "0600",
        "Every user of the host can read the private key.",
        "With the key anyone can pretend to be this server.", "",
        "chmod 0600 /etc/ssl/private/mx.key", "postconf(5), smtpd_tls_chain_files",
    ),
    (
        "dane-without-dnssec", "medium", "outbound", "main.cf", "smtp_tls_security_level", "dane",
        "dane with a validating resolver", "DANE is on, and the resolver does not validate DNSSEC.",
        "The level works as plain may: nothing is verified.", "postfix_tls_outbound_level: dane",
        "postconf -e 'smtp_dns_support_level = dnssec'", "RFC 7672 section 2.1.1",
    ),
    (
        "log-level-low", "low", "logging", "main.cf", "smtpd_tls_loglevel", "0 (the default)", "1",
        "The log does not say which protocol a peer used.",
        "Nobody can tell whom a stricter setting would shut out.",
        "role hardened.mail.postfix_tls sets it", "postconf -e 'smtpd_tls_loglevel = 1'",
        "postconf(5), smtpd_tls_loglevel",
    ),
    (
        "compatibility-behind", "low", "versions", "main.cf", "compatibility_level", "2", "3.6",
        "The compatibility level is that of an older release.",
        "Defaults that were made safer since then are not in force.",
        "postfix_tls_parameters: {compatibility_level: '3.6'}", "postconf -e 'compatibility_level = 3.6'",
        "postconf(5), compatibility_level",
    ),
    (
        "map-type-going-away", "low", "versions", "main.cf", "alias_maps", "hash:/etc/aliases",
        "lmdb:/etc/aliases", "Berkeley DB is on its way out of Debian.",
        "After the upgrade Postfix cannot open the table and stops taking mail.", "",
        "postconf -e 'alias_maps = lmdb:/etc/aliases'", "Postfix 3.11 release notes",
    ),
    (
        "vrfy-on", "low", "smtp", "main.cf", "disable_vrfy_command", "no (the default)", "yes",
        "Strangers can ask which addresses exist.", "Lists of addresses for spam are made this way.",
        "role hardened.mail.postfix_tls sets it", "postconf -e 'disable_vrfy_command = yes'",
        "RFC 5321 section 7.3",
    ),
    (
        "no-post-quantum", "info", "keys", "main.cf", "tls_eecdh_auto_curves", "X25519 prime256v1",
        "X25519MLKEM768 first", "No key exchange is offered that a quantum computer cannot undo.",
        "What is recorded today can be read when there is one.", "role hardened.mail.postfix_tls sets it",
        "postconf -e 'tls_eecdh_auto_curves = X25519MLKEM768 X25519 prime256v1'",
        "draft-ietf-tls-ecdhe-mlkem",
    ),
    (
        "package-version", "info", "versions", "host", "", "3.7.11", "3.10", "A newer Postfix is there.",
        "Only the newest four releases are mended.", "", "", "https://www.postfix.org/announcements.html",
    ),
    (
        "dovecot-disable-plaintext-auth", "high", "dovecot", "dovecot", "auth_allow_cleartext", "yes", "no",
        "Dovecot takes passwords without TLS.",
        "Whoever listens on the way reads the mailbox afterwards.", "", "doveconf auth_allow_cleartext",
        "Dovecot manual, SSL",
    ),
    (
        "wire-old-protocol", "medium", "wire", "port 25", "", "TLSv1", "TLSv1.2 and newer",
        "Port 25 speaks TLS 1.0.", "Both have been retired since 2021; attacks on them only get better.",
        "role hardened.mail.postfix_tls sets it", "", "RFC 8996",
    ),
    (
        "dns-dmarc-policy-none", "medium", "dns", "_dmarc.shop.example", "TXT", "p=none",
        "p=quarantine, then p=reject",
        "The DMARC policy for shop.example is none: forged mail is delivered. Read the reports, then raise it.",
        "Forged mail in the name of the domain is delivered.",
        "dns_records_domains: {name: shop.example, dmarc: {p: quarantine}}", "", "RFC 9989 section 4.7",
    ),
    (
        "dns-spf-everybody", "high", "dns", "shop.example", "TXT", "v=spf1 mx +all", "-all",
        "The SPF record of shop.example ends in +all: every server may send for it.",
        "Forged mail passes SPF, and DMARC with it.",
        "dns_records_domains: {name: shop.example, spf: {all: '-all'}}", "", "RFC 7208 section 5.1",
    ),
)  # fmt: skip
RULES: t.Final = tuple(kind[0] for kind in KINDS)
PLACES: t.Final = ("north", "south", "lab")
POSTFIX_RULES: t.Final = (*RULES[:15], *(f"made-up-rule-{number}" for number in range(85)))
RULE_IDS: t.Final = {
    "postfix": (*POSTFIX_RULES, "hostile-0", "hostile-1"),
    "dovecot": ("dovecot-disable-plaintext-auth",),
    "port": ("wire-old-protocol", "wire-no-starttls", "wire-injection"),
    "dns": (*RULES[17:], "dns-tlsa-matches-nothing", "hostile-2"),
}


def finding(kind: t.Sequence[str], **changes: t.Any) -> Finding:
    """Return a finding as ``Finding.as_dict`` gives it."""
    (
        rule,
        severity,
        area,
        subject,
        parameter,
        observed,
        expected,
        message,
        why,
        variable,
        command,
        source,
    ) = kind
    made = {
        "rule": rule, "severity": severity, "area": area, "subject": subject, "parameter": parameter,
        "observed": observed, "expected": expected, "message": message, "why": why,
        "fix": {"variable": variable, "command": command}, "source": source, "waived": "",
    }  # fmt: skip
    return {**made, **changes}


def judge_port(
    report: t.Mapping[str, t.Any], *, host: str, port: int, purpose: str, files: t.Sequence[t.Any]
) -> dict[str, t.Any]:
    """Stand in for the rules of the wire: one of them."""
    del host, purpose, files
    old = [name for name, on in report["protocols"].items() if on is True and name < "TLSv1.2"]
    made = finding(KINDS[16], subject=f"port {port}", observed=", ".join(old))
    return {"findings": [made] if old else [], "incomplete": []}


def leaf(name: str, *, days: int) -> dict[str, t.Any]:
    """Return a certificate as ``starttls_info`` gives it."""
    return {
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "names": [name],
        "common_name": name,
        "not_after": (NOW + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issuer": "CN=Example CA R3",
        "key_algorithm": "rsa" if days % 3 else "ecdsa",
        "key_bits": 3072 if days % 3 else 256,
    }


def postfix(findings: t.Sequence[Finding], **changes: t.Any) -> dict[str, t.Any]:
    """Return a result of ``postconf_validate``."""
    made: dict[str, t.Any] = {
        "host": "mx", "instance": "/etc/postfix", "installed": True, "version": "3.7.11", "tls_library": "OpenSSL 3.0.17",
        "profile": "intermediate", "findings": list(findings), "incomplete": [],
        "rules_run": len(POSTFIX_RULES), "passed": True,
    }  # fmt: skip
    return {**made, **changes}


def port(
    number: int, leaves: t.Sequence[dict[str, t.Any]], *, old: bool = False
) -> dict[str, t.Any]:
    """Return a result of ``starttls_info`` in a loop."""
    return {
        "item": {"port": number, "purpose": "smtp" if number == 25 else "imaps"},
        "address": "192.0.2.25", "complete": True, "incomplete": [], "connections": 30,
        "protocols": {"TLSv1": old, "TLSv1.1": old, "TLSv1.2": True, "TLSv1.3": True},
        "chains": {f"kind{index}": [one] for index, one in enumerate(leaves)},
    }  # fmt: skip


def refused(number: int) -> dict[str, t.Any]:
    """Return a result of ``starttls_info`` where nobody listens."""
    reason = {"incomplete": f"connecting to 127.0.0.1 port {number}: Connection refused"}
    return {
        "item": {"port": number, "purpose": "smtp"}, "address": None, "complete": False,
        "incomplete": ["banner", "protocols"], "banner": reason, "protocols": reason, "connections": 1,
    }  # fmt: skip


def looks(hosts: int, *, findings: int = 15, seed: int = 7) -> dict[str, dict[str, t.Any]]:
    """Return what was seen on so many hosts; some were not reached, some only in part."""
    chance = random.Random(seed)
    made: dict[str, dict[str, t.Any]] = {}
    for number in range(hosts):
        name = f"mx{number + 1:0{len(str(hosts))}}.{PLACES[number % 3]}.example"
        made[name] = _look(name, chance, number=number, findings=findings)
    return made


def _look(name: str, chance: random.Random, *, number: int, findings: int) -> dict[str, t.Any]:
    if number % 23 == 7:
        gone = {
            "unreachable": True,
            "msg": f"ssh: connect to host {name} port 22: Connection timed out",
        }
        return {
            "postfix": {"results": [gone]},
            "dovecot": {"skipped": True},
            "ports": {"skipped": True},
        }
    if number % 29 == 11:
        absent = {"installed": False, "findings": []}
        return {
            "postfix": {"results": [absent]},
            "dovecot": absent,
            "ports": {"results": [refused(25)]},
        }
    # Most hosts are good: a fleet in which everything is red tells nobody where to begin.
    weights = [(0.15 if kind[1] in ("critical", "high") else 1.5) for kind in KINDS[:15]]
    picked = chance.choices(range(15), weights=weights, k=findings if number % 3 else findings // 3)
    seen: list[Finding] = []
    for turn, index in enumerate(picked):
        changes: dict[str, t.Any] = {}
        if turn:
            changes["subject"] = f"{chance.choice(['smtp', 'submission', 'relay'])}{turn}/inet"
        if chance.random() < 0.06:
            changes["waived"] = "Printers of the third floor; replaced in spring."
        seen.append(finding(KINDS[index], **changes))
    gaps = [{"reason": "postconf -T says nothing on this version", "rules": ["no-post-quantum"]}]
    days = chance.choice([chance.choice([-3, 5, 9, 20, 28]), *[chance.randrange(31, 90)] * 5, 330])
    certificate = leaf(name, days=days)
    return {
        "postfix": {"results": [postfix(seen, incomplete=gaps if number % 11 == 3 else [])]},
        "dovecot": postfix([finding(KINDS[15])] if number % 9 == 4 else [], instance="", version="2.4.1"),
        "ports": {"results": [port(25, [certificate], old=number % 5 == 2), refused(465), port(993, [certificate])]},
    }  # fmt: skip


def domains(number: int) -> dict[str, dict[str, t.Any]]:
    """Return what was seen of so many mail domains: a bad one, a good one, one of which nobody knows, and again."""
    made = {}
    for index in range(number):
        name = f"{('shop', 'news', 'lost')[index % 3]}{index // 3 or ''}.example"
        made[name] = (_bad_domain, _good_domain, _lost_domain)[index % 3](name)
    return made


def _domain(
    facts: dict[str, t.Any], findings: t.Sequence[Finding], **changes: t.Any
) -> dict[str, t.Any]:
    """Return a result of ``mail_dns_info``."""
    return {
        "facts": facts, "findings": list(findings), "incomplete": [], "rules_run": len(RULE_IDS["dns"]),
        "resolver": {"addresses": ["192.0.2.53"], "validates": True}, **changes,
    }  # fmt: skip


def _records(*texts: str, dnssec: str = "secure", failed: str = "") -> dict[str, t.Any]:
    return {"data": list(texts), "dnssec": dnssec, "failed": failed}


def _good_domain(name: str) -> dict[str, t.Any]:
    hosts = [
        {"host": f"mx{one}.{name}", "tlsa": _records(f"3 1 1 {'0a1b' * 16}")} for one in (1, 2)
    ]
    policy = f"version: STSv1\r\nmode: enforce\r\nmx: *.{name}\r\nmax_age: 1209600\r\n"
    return _domain(
        {
            "domain": name, "dnssec": "secure",
            "mx": {**_records(f"10 mx1.{name}.", f"20 mx2.{name}."), "hosts": hosts},
            "spf": {"text": "v=spf1 mx -all", "unknown": []},
            "dkim": {
                "s2026": _records(f"v=DKIM1; k=rsa; p={'MIIB' * 90}"),
                "e2026": _records("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            },
            "dmarc": _records(f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}"),
            "mta_sts": {**_records("v=STSv1; id=20261124"), "policy": policy},
            "tls_rpt": _records(f"v=TLSRPTv1; rua=mailto:tls@{name}"),
        },
        [],
    )  # fmt: skip


def _bad_domain(name: str) -> dict[str, t.Any]:
    gap = {
        "reason": f"nobody knows what mx.{name} serves on port 25",
        "rules": ["dns-tlsa-matches-nothing"],
    }
    return _domain(
        {
            "domain": name, "dnssec": "insecure",
            "mx": {**_records(f"10 mx.{name}.", dnssec="insecure"), "hosts": [{"host": f"mx.{name}", "tlsa": _records()}]},
            "spf": {"text": "v=spf1 mx +all", "unknown": []}, "dkim": {},
            "dmarc": _records("v=DMARC1; p=none", dnssec="insecure"),
            "mta_sts": {**_records(), "policy": None}, "tls_rpt": _records(failed="timeout"),
        },
        [finding(KINDS[17]), finding(KINDS[18])],
        incomplete=[gap],
    )  # fmt: skip


def _lost_domain(name: str) -> dict[str, t.Any]:
    return {"failed": True, "msg": f"Nobody answered for {name}: 192.0.2.53: timed out. Nothing was judged."}  # fmt: skip


def hostile_domains() -> dict[str, dict[str, t.Any]]:
    """Return a domain whose records try to break out of every format."""
    facts = {
        **_good_domain("evil.example")["facts"],
        "dnssec": BAD,
        "spf": {"text": BAD},
        "dmarc": _records(BAD, BAD),
        "mx": {**_records(BAD), "hosts": [{"host": BAD, "tlsa": _records(BAD)}]},
        "dkim": {BAD: _records(BAD)},
        "mta_sts": {**_records(BAD), "policy": BAD},
    }
    kind = finding(["hostile-2", "high", "dns", BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD])
    return {
        "evil<b>'\".example": _domain(facts, [kind], resolver={"addresses": [BAD]}),
        "gone\x1b[2J.example": {"failed": True, "msg": BAD},
    }


def hostile() -> dict[str, dict[str, t.Any]]:
    """Return a host whose texts try to break out of every format."""
    bad = BAD
    kinds = [
        finding([f"hostile-{index}", severity, "wire", bad, bad, bad, bad, bad, bad, bad, bad, bad])
        for index, severity in enumerate(["critical", "info"])
    ]
    kinds[1]["waived"] = bad
    certificate = {**leaf(bad.replace("\ud800", ""), days=3), "issuer": bad, "names": [bad]}
    results = [
        postfix(kinds, incomplete=[{"reason": bad, "rules": ["no-post-quantum"]}], version=bad)
    ]
    return {
        "evil<b>'\".example": {
            "postfix": {"results": results},
            "ports": {"results": [port(25, [certificate])]},
        },
        "gone\x1b[2J.example": {"postfix": {"unreachable": True, "msg": bad}},
    }
