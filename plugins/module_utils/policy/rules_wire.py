# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what a port really does, over the answers of starttls_info (pure)."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    Finding,
    Fix,
    Severity,
    Verdict,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import (
    Hit,
    Rule,
    Unanswered,
    judge,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_rule import (
    postconf_set,
    wire_hit,
    wire_rule,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import (
    PURPOSES,
    Purpose,
    WireView,
    purpose_of,
)

_SOON: t.Final = datetime.timedelta(days=14)
_BROKEN: t.Final[t.Mapping[str, str]] = {
    "null": "without encryption",
    "export": "with keys of 40 or 56 bits",
    "des": "with DES",
    "rc4": "with RC4",
    "rc2_idea_seed": "with RC2, IDEA or SEED",
    "md5": "with MD5",
    "3des": "with 3DES",
}
_VERSION: t.Final = re.compile(
    r"(?i)\b(postfix|exim|sendmail|dovecot|courier|cyrus|exchange|haraka|opensmtpd|qmail|zimbra)\b"
    r"[^0-9]{0,20}\d+(?:\.\d+)+"
)
_BITS: t.Final = re.compile(r"[a-z]+(\d+)")
_GOOD_SUITES: t.Final = (
    "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
)
#: Takes both ways to write it, so it works with every Postfix.
_GOOD_PROTOCOLS: t.Final = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"


def _some(names: t.Sequence[str], *, most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


# ---- Whether there is TLS -----------------------------------------------------------------------


def _no_starttls(view: WireView) -> t.Iterator[Hit]:
    if view.implicit_tls or {"STARTTLS", "STLS"} & set(view.before_tls):
        return
    yield wire_hit(
        view,
        observed="no STARTTLS",
        expected="STARTTLS",
        message=f"{view.where} does not offer TLS: everything goes over the network readable.",
        postfix=postconf_set("smtpd_tls_security_level", "may")
        if view.purpose == "mx"
        else "set smtpd_tls_security_level = encrypt for the service in master.cf",
        dovecot="set ssl = required, then doveadm reload",
        severity="info" if view.purpose == "lmtp" else None,
    )


def _tls_fails(view: WireView) -> t.Iterator[Hit]:
    reason = view.failing
    if not reason:
        states = dict(view.parts("protocols"))
        if any(states.values()):
            return
        reason = "no version of TLS is accepted"
    yield wire_hit(
        view,
        observed=reason,
        expected="a handshake that succeeds",
        message=f"{view.where} announces TLS and cannot do it ({reason}).",
        postfix="look for the reason with: journalctl -u 'postfix*' -g TLS, then mend the certificate or its key",
        dovecot="look for the reason with: journalctl -u dovecot, then mend the certificate or its key",
        severity="high" if view.purpose in ("mx", "lmtp") else None,
    )


def _no_certificate(view: WireView) -> t.Iterator[Hit]:
    if view.answer("chains") == {} and any(value for _name, value in view.parts("protocols")):
        yield wire_hit(
            view,
            observed="no certificate",
            expected="a certificate",
            message=f"{view.where} shows no certificate and takes anonymous suites only, which normal clients refuse.",
            postfix="mend smtpd_tls_chain_files: a file of it cannot be read (journalctl -u 'postfix*' -g TLS)",
            dovecot="mend the certificate of Dovecot",
            variable="postfix_tls_certificates: [{certificate: FULL CHAIN FILE, private_key: KEY FILE}]",
        )


def _injection(view: WireView) -> t.Iterator[Hit]:
    if view.answer("injection") == "accepted":
        yield wire_hit(
            view,
            observed="accepted",
            expected="refused",
            message=f"{view.where} executes commands inside TLS that came in clear text before it.",
            postfix="update Postfix, or the device in front of it that ends STARTTLS",
            dovecot="update Dovecot, or the device in front of it that ends STARTTLS",
            variable="",
        )


# ---- Protocols and suites -----------------------------------------------------------------------


def _old_protocols(view: WireView) -> t.Iterator[Hit]:
    old = []
    lacking: t.Optional[Unanswered] = None
    try:
        for name, accepted in view.parts("protocols"):
            if accepted and name in ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1"):
                old.append(name)
    except Unanswered as problem:
        lacking = problem
    if old:
        severity: Severity = "high"
        if "SSLv3" not in old and "SSLv2" not in old and not view.people:
            severity = "info" if view.profile == "interop" else "medium"
        yield wire_hit(
            view,
            observed=", ".join(old),
            expected="TLSv1.2 and TLSv1.3",
            message=f"{view.where} accepts {', '.join(old)}.",
            postfix=postconf_set("smtpd_tls_protocols", _GOOD_PROTOCOLS)
            if view.purpose == "mx"
            else postconf_set("smtpd_tls_mandatory_protocols", _GOOD_PROTOCOLS),
            dovecot="set ssl_min_protocol = TLSv1.2, then doveadm reload",
            severity=severity,
        )
    if lacking:
        raise lacking


def _no_tls13(view: WireView) -> t.Iterator[Hit]:
    if view.part("protocols", "TLSv1.3") is False:
        yield wire_hit(
            view,
            observed="no TLSv1.3",
            expected="TLSv1.3",
            message=f"{view.where} does not accept TLS 1.3.",
            postfix=postconf_set("smtpd_tls_protocols", _GOOD_PROTOCOLS),
            dovecot="update Dovecot and its OpenSSL, and take ssl_options and ssl_cipher_suites out",
        )


def _anonymous(view: WireView) -> t.Iterator[Hit]:
    for name, suites in view.parts("weak_suites"):
        if name == "anonymous" and suites:
            yield wire_hit(
                view,
                observed=_some(suites),
                expected="none",
                message=f"{view.where} accepts suites without a certificate ({_some(suites)}).",
                postfix=postconf_set("smtpd_tls_exclude_ciphers", _GOOD_SUITES),
                dovecot="take ssl_cipher_list out, then doveadm reload",
                severity=_for_strangers(view, "high" if view.people else "medium"),
            )


def _broken_suites(view: WireView) -> t.Iterator[Hit]:
    for name, suites in view.parts("weak_suites"):
        if name in _BROKEN and suites:
            yield wire_hit(
                view,
                observed=_some(suites),
                expected="none",
                message=f"{view.where} accepts suites {_BROKEN[name]} ({_some(suites)}).",
                postfix=postconf_set("smtpd_tls_exclude_ciphers", _GOOD_SUITES),
                dovecot="take ssl_cipher_list out, then doveadm reload",
                severity="medium" if name == "3des" else None,
            )


def _for_strangers(view: WireView, severity: Severity) -> Severity:
    """With the profile interop other servers may do what they like."""
    return "info" if view.profile == "interop" and not view.people else severity


def _no_forward_secrecy(view: WireView) -> t.Iterator[Hit]:
    for kind, suites in view.parts("suite_classes"):
        if kind in ("static_rsa", "static_dh") and suites:
            yield wire_hit(
                view,
                observed=_some(suites),
                expected="ECDHE suites only",
                message=f"{view.where} accepts suites without forward secrecy ({_some(suites)}).",
                postfix=postconf_set("smtpd_tls_exclude_ciphers", _GOOD_SUITES),
                dovecot="take ssl_cipher_list out, then doveadm reload",
                severity=_for_strangers(view, "medium"),
            )


def _cbc(view: WireView) -> t.Iterator[Hit]:
    for kind, suites in view.parts("suite_classes"):
        if kind == "cbc" and suites:
            yield wire_hit(
                view,
                observed=_some(suites),
                expected="suites with AEAD only",
                message=f"{view.where} accepts suites in CBC mode ({_some(suites)}).",
                postfix=postconf_set("smtpd_tls_exclude_ciphers", _GOOD_SUITES),
                dovecot="set ssl_cipher_list = EECDH+AESGCM:EECDH+CHACHA20, then doveadm reload",
                # The default of Dovecot has them, with forward secrecy.
                severity="low" if view.smtp and view.profile != "interop" else "info",
            )


def _weak_dh(view: WireView) -> t.Iterator[Hit]:
    for kind, names in view.parts("groups"):
        small = [one for one in names if kind == "dhe" and 0 < _bits(one) < 2048]
        if small:
            yield wire_hit(
                view,
                observed=", ".join(small),
                expected="elliptic curves, or 2048 bits",
                message=f"{view.where} takes Diffie-Hellman with {', '.join(str(_bits(one)) for one in small)} bits.",
                postfix=postconf_set("smtpd_tls_exclude_ciphers", _GOOD_SUITES),
                dovecot="take ssl_dh out, then doveadm reload",
                severity="medium" if view.people else "low",
            )


def _bits(group: str) -> int:
    match = _BITS.fullmatch(group)
    return int(match.group(1)) if match else 0


def _no_post_quantum(view: WireView) -> t.Iterator[Hit]:
    if view.part("protocols", "TLSv1.3") is not True:
        return
    for kind, names in view.parts("groups"):
        if kind == "TLSv1.3" and not any("MLKEM" in one for one in names):
            yield wire_hit(
                view,
                observed=_some(names),
                expected="X25519MLKEM768",
                message=f"{view.where} has no key exchange that withstands a quantum computer.",
                postfix="update to Postfix with OpenSSL 3.5 or newer",
                dovecot="update to Dovecot with OpenSSL 3.5 or newer",
                variable="",
            )


def _renegotiation(view: WireView) -> t.Iterator[Hit]:
    if view.answer("renegotiation_info") is False:
        yield wire_hit(
            view,
            observed="no secure renegotiation",
            expected="secure renegotiation (RFC 5746)",
            message=f"{view.where} does not protect a renewed handshake against one that someone else began.",
            postfix="update OpenSSL",
            dovecot="update OpenSSL",
            variable="",
        )


# ---- Certificates -------------------------------------------------------------------------------

_CERTIFICATES: t.Final = (
    "postfix_tls_certificates: [{certificate: FULL CHAIN FILE, private_key: KEY FILE}]"
)


def _certificate_hit(
    view: WireView,
    kind: str,
    *,
    observed: str,
    expected: str,
    message: str,
    severity: t.Optional[Severity] = None,
) -> Hit:
    return wire_hit(
        view,
        observed=observed,
        expected=expected,
        message=message,
        postfix="postconf -e 'smtpd_tls_chain_files = KEY FILE, FULL CHAIN FILE'",
        dovecot="set the certificate and its key in Dovecot, then doveadm reload",
        variable=_CERTIFICATES,
        parameter=f"{kind} certificate",
        severity=severity,
    )


def _moment(text: str) -> datetime.datetime:
    # Python 3.9 does not know the letter Z.
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _own(view: WireView) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for kind, chain in view.chains:
        yield kind, chain[0]


def _expired(view: WireView) -> t.Iterator[Hit]:
    for kind, one in _own(view):
        begins, ends = _moment(one["not_before"]), _moment(one["not_after"])
        what = f"the certificate of {view.where} ({one['subject']})"
        if view.now > ends:
            message = f"{what} expired on {ends:%Y-%m-%d}."
        elif view.now < begins:
            message = f"{what} is not valid before {begins:%Y-%m-%d}."
        else:
            continue
        yield _certificate_hit(
            view,
            kind,
            observed=f"{begins:%Y-%m-%d} to {ends:%Y-%m-%d}",
            expected="a certificate that is valid today",
            message=message,
        )


def _expires_soon(view: WireView) -> t.Iterator[Hit]:
    for kind, one in _own(view):
        ends = _moment(one["not_after"])
        if view.now <= ends < view.now + _SOON:
            yield _certificate_hit(
                view,
                kind,
                observed=f"until {ends:%Y-%m-%d}",
                expected="more than 14 days",
                message=f"The certificate of {view.where} ({one['subject']}) expires on {ends:%Y-%m-%d}.",
            )


def _self_signed(view: WireView) -> t.Iterator[Hit]:
    for kind, one in _own(view):
        if one["self_signed"]:
            yield _certificate_hit(
                view,
                kind,
                observed=f"{one['subject']}, signed by itself",
                expected="a certificate of a known authority",
                message=f"The certificate of {view.where} is signed by itself.",
                severity="medium" if view.people else "low",
            )


def _untrusted(view: WireView) -> t.Iterator[Hit]:
    if view.report.get("chains") == {}:
        return
    own: dict[str, t.Mapping[str, t.Any]] = {}
    lacking: t.Optional[Unanswered] = None
    try:
        own = {kind: chain[0] for kind, chain in view.chains}
    except Unanswered as problem:
        lacking = problem
    for kind, verdict in view.parts("verify"):
        reason = str(verdict["reason"])
        dates = "expired" in reason or "not yet valid" in reason
        # OpenSSL 1.1.1 writes it without the hyphen.
        alone = reason.replace("-", " ") == "self signed certificate"
        known = own[kind]["self_signed"] if kind in own else alone
        if verdict["trusted"] is False and not known and not dates:
            yield _certificate_hit(
                view,
                kind,
                observed=reason,
                expected="a chain that leads to a known authority",
                message=f"The certificate of {view.where} is not trusted: {reason}.",
                severity="high" if view.people else "medium",
            )
    if lacking:
        raise lacking


def _wrong_name(view: WireView) -> t.Iterator[Hit]:
    if view.report.get("chains") == {}:
        return
    names: dict[str, list[str]] = {}
    try:
        for kind, chain in view.chains:
            names[kind] = list(chain[0]["names"])
    except Unanswered:
        names = names or {}
    unknown = False
    for kind, verdict in view.parts("verify"):
        unknown = unknown or verdict["name_matches"] is None
        if verdict["name_matches"] is False:
            has = _some(names.get(kind, []), most=5)
            what = f"is for {has}, not" if has else "has no name, and so is not"
            yield _certificate_hit(
                view,
                kind,
                observed=has or "no name",
                expected=f"a certificate with the name {view.host}",
                message=f"The certificate of {view.where} {what} for the name that was asked for.",
                severity="high" if view.people else "medium",
            )
    if unknown:
        raise Unanswered(f"{view.where}: no name was given to compare the certificate with")


def _chain_incomplete(view: WireView) -> t.Iterator[Hit]:
    for kind, chain in view.chains:
        last = chain[-1]
        if len(chain) == 1 and not last["self_signed"] and not last["is_ca"]:
            yield _certificate_hit(
                view,
                kind,
                observed=f"only {last['subject']}",
                expected=f"also the certificate of {last['issuer']}",
                message=f"{view.where} sends its own certificate alone, without that of {last['issuer']}, which issued it.",
                severity="high" if view.people else None,
            )


def _weak_key(view: WireView) -> t.Iterator[Hit]:
    for kind, one in _own(view):
        algorithm, bits = str(one["key_algorithm"]), int(one["key_bits"] or 0)
        if algorithm in ("rsa", "rsa-pss") and bits < 3072:
            severity: Severity = "high" if bits < 2048 else "info"
            if severity == "info" and view.profile == "strict":
                severity = "medium"
        elif algorithm == "ecdsa" and bits < 256:
            severity = "high" if bits < 224 else "low"
        elif algorithm == "dsa":
            severity = "high"
        else:
            continue
        yield _certificate_hit(
            view,
            kind,
            observed=f"{algorithm.upper()} of {bits} bits",
            expected="RSA of 3072 bits, or ECDSA P-256",
            message=f"The certificate of {view.where} has a key of {bits} bits ({algorithm.upper()}).",
            severity=severity,
        )


def _weak_signature(view: WireView) -> t.Iterator[Hit]:
    for kind, chain in view.chains:
        for index, one in enumerate(chain):
            algorithm = str(one["signature_algorithm"]).lower()
            weak = any(digest in algorithm for digest in ("sha1", "md5", "md4", "md2"))
            # What a root signs itself with proves nothing either way.
            if weak and not (index and one["self_signed"]):
                yield _certificate_hit(
                    view,
                    kind,
                    observed=str(one["signature_algorithm"]),
                    expected="sha256WithRSAEncryption, or ECDSA with SHA-256",
                    message=f"A certificate of {view.where} ({one['subject']}) is signed with {one['signature_algorithm']}.",
                    severity="high" if view.people else None,
                )


# ---- The dialogue -------------------------------------------------------------------------------


def _offers_login(view: WireView, capabilities: t.Sequence[str]) -> str:
    """Return the keywords with which a server offers to take a password."""
    if view.purpose in ("imap", "imaps"):
        # Without LOGINDISABLED the command LOGIN is there, whatever is announced (RFC 3501).
        found = [one for one in capabilities if one.startswith("AUTH=")]
        return "" if "LOGINDISABLED" in capabilities else " ".join(found) or "LOGIN"
    if view.purpose in ("pop3", "pop3s"):
        found = [one for one in capabilities if one == "USER" or one.startswith("SASL ")]
        return " ".join(found)
    found = [one for one in capabilities if one == "AUTH" or one.startswith(("AUTH ", "AUTH="))]
    return " ".join(found)


def _auth_before_tls(view: WireView) -> t.Iterator[Hit]:
    if view.implicit_tls or view.purpose == "lmtp":
        return
    offered = _offers_login(view, view.before_tls)
    if not offered:
        return
    if view.from_this_host and not view.smtp:
        raise Unanswered(
            f"{view.where}: Dovecot offers its own host to log in without TLS, ask from another host"
        )
    yield wire_hit(
        view,
        observed=offered,
        expected="no login before TLS",
        message=f"{view.where} asks for passwords before TLS ({offered}).",
        postfix=postconf_set("smtpd_tls_auth_only", "yes"),
        dovecot="set ssl = required, then doveadm reload",
    )


def _auth_on_25(view: WireView) -> t.Iterator[Hit]:
    if view.purpose != "mx":
        return
    before, lacking = view.before_tls, None
    after: t.Sequence[str] = ()
    try:
        after = () if view.without_tls else view.after_tls
    except Unanswered as problem:
        lacking = problem
    offered = _offers_login(view, before) or _offers_login(view, after)
    if offered:
        yield wire_hit(
            view,
            observed=offered,
            expected="no AUTH",
            message=f"{view.where} lets people log in where only other servers should talk ({offered}).",
            postfix=postconf_set("smtpd_sasl_auth_enable", "no")
            + ", and -o smtpd_sasl_auth_enable=yes for submission in master.cf",
        )
    elif lacking:
        raise lacking


def _no_auth_after_tls(view: WireView) -> t.Iterator[Hit]:
    if view.purpose == "lmtp" or not view.people:
        return
    if not _offers_login(view, view.after_tls):
        yield wire_hit(
            view,
            observed="no login",
            expected="AUTH inside TLS",
            message=f"{view.where} lets nobody log in, not even inside TLS.",
            postfix="set smtpd_sasl_auth_enable = yes for the service in master.cf",
            dovecot="set auth_mechanisms = plain login, then doveadm reload",
            variable="hardened.mail.postconf: services",
        )


def _banner_version(view: WireView) -> t.Iterator[Hit]:
    banner = view.answer("banner")
    found = _VERSION.search(str(banner))
    if found:
        yield wire_hit(
            view,
            observed=found.group(),
            expected="no version",
            message=f"The greeting of {view.where} tells the version of the software ({found.group()}).",
            postfix=postconf_set("smtpd_banner", "$myhostname ESMTP"),
            dovecot="set login_greeting = ready, then doveadm reload",
            variable="postfix_tls_parameters: {smtpd_banner: '$myhostname ESMTP'}",
        )


def _vrfy(view: WireView) -> t.Iterator[Hit]:
    if not view.smtp:
        return
    lists: list[t.Sequence[str]] = []
    lacking: t.Optional[Unanswered] = None
    if not view.implicit_tls:
        lists.append(view.before_tls)
    if not view.without_tls:
        try:
            lists.append(view.after_tls)
        except Unanswered as problem:
            lacking = problem
    if any("VRFY" in one for one in lists):
        yield wire_hit(
            view,
            observed="VRFY",
            expected="no VRFY",
            message=f"{view.where} answers the question whether a mailbox exists (VRFY).",
            postfix=postconf_set("disable_vrfy_command", "yes"),
        )
    elif lacking:
        raise lacking


DIALOGUE_RULES: t.Final[tuple[Rule[WireView], ...]] = (
    wire_rule(
        "no-starttls",
        "critical",
        _no_starttls,
        title="A port does not offer TLS",
        why="Everybody on the way reads the mail, and the passwords where people log in.",
        source="RFC 3207; RFC 8314 section 3; RFC 7435",
        example="no STARTTLS in the answer to EHLO",
    ),
    wire_rule(
        "auth-before-tls",
        "critical",
        _auth_before_tls,
        title="A port asks for passwords before TLS",
        why="A mail program that does not insist on TLS sends the password readable for everybody on the way.",
        source="RFC 8314 section 4.1; RFC 4954 section 4",
        example="AUTH PLAIN LOGIN in the answer to the first EHLO",
    ),
    wire_rule(
        "auth-on-port-25",
        "high",
        _auth_on_25,
        title="People can log in on port 25",
        why="Port 25 is open to the whole world, so passwords are tried there all day.",
        source="RFC 6409 section 3.1; RFC 8314 section 3.3",
        example="AUTH on port 25 inside TLS",
    ),
    wire_rule(
        "banner-version",
        "info",
        _banner_version,
        title="The greeting tells the version",
        why="Who looks for servers with a known hole finds this one in a list.",
        source="postconf(5), smtpd_banner",
        example="220 mx.example ESMTP Postfix 3.7.11",
    ),
    wire_rule(
        "vrfy",
        "low",
        _vrfy,
        title="The server tells which mailboxes exist",
        why="Spammers collect the addresses that exist, and guess passwords for these only.",
        source="RFC 5321 section 7.3; postconf(5), disable_vrfy_command",
        example="VRFY in the answer to EHLO",
    ),
)

_TLS: t.Final[tuple[Rule[WireView], ...]] = (
    wire_rule(
        "tls-fails",
        "critical",
        _tls_fails,
        title="TLS is announced and cannot be had",
        why="Other servers send in clear text or not at all, and people cannot log in.",
        source="RFC 3207 section 4; postconf(5), smtpd_tls_cert_file",
        example="454 4.7.0 TLS not available due to local problem",
    ),
    wire_rule(
        "no-certificate",
        "critical",
        _no_certificate,
        title="The server has no certificate",
        why="Normal clients do not take suites without a certificate: they cannot make a TLS connection at all.",
        source="postconf(5), smtpd_tls_chain_files",
        example="smtpd_tls_chain_files that names a missing file",
    ),
    wire_rule(
        "injection",
        "critical",
        _injection,
        title="Commands can be slipped in before TLS",
        why="Who sits on the way adds commands that the server takes for those of the user who logged in.",
        source="CVE-2011-0411; RFC 3207 section 4.2",
        example="STARTTLS and NOOP in one packet, both answered",
    ),
    wire_rule(
        "old-protocols",
        "high",
        _old_protocols,
        title="Old protocols are accepted",
        why="SSLv3, TLS 1.0 and TLS 1.1 have known attacks and are forbidden.",
        source="RFC 8996; RFC 8997; RFC 7568",
        example="a handshake with TLS 1.0 succeeds",
    ),
    wire_rule(
        "no-tls13",
        "low",
        _no_tls13,
        title="TLS 1.3 is not accepted",
        why="TLS 1.3 has neither the old suites nor the old tricks, and every new library has it.",
        source="RFC 8446; RFC 9325 section 3.1.1",
        example="smtpd_tls_protocols = TLSv1.2",
    ),
    wire_rule(
        "anonymous-suites",
        "high",
        _anonymous,
        title="Suites without a certificate are accepted",
        why="With them nobody can tell the server from one that pretends to be it.",
        source="RFC 9325 section 4.1; postconf(5), smtpd_tls_exclude_ciphers",
        example="ADH-AES256-GCM-SHA384",
    ),
    wire_rule(
        "broken-suites",
        "high",
        _broken_suites,
        title="Broken suites are accepted",
        why="Such a connection looks encrypted, and can be read.",
        source="RFC 9325 section 4.1; RFC 7465; RFC 8429",
        example="RC4-SHA",
    ),
    wire_rule(
        "no-forward-secrecy",
        "medium",
        _no_forward_secrecy,
        title="Suites without forward secrecy are accepted",
        why="Who records the traffic and gets the key years later can read it then.",
        source="RFC 9325 section 4.1",
        example="AES256-GCM-SHA384",
    ),
    wire_rule(
        "cbc-suites",
        "low",
        _cbc,
        title="Suites in CBC mode are accepted",
        why="They are hard to build without telling something by the time that an answer takes.",
        source="RFC 9325 section 4.2; RFC 7366",
        example="ECDHE-RSA-AES256-SHA",
    ),
    wire_rule(
        "weak-dh",
        "medium",
        _weak_dh,
        title="Small Diffie-Hellman groups are accepted",
        why="Groups of 1024 bits can be broken by those who have much money and time.",
        source="RFC 9325 section 4.1; RFC 7919",
        example="DHE with 1024 bits",
    ),
    wire_rule(
        "no-post-quantum",
        "info",
        _no_post_quantum,
        title="There is no post-quantum key exchange",
        why="What is recorded today can be read once there are large quantum computers.",
        source="draft-ietf-tls-ecdhe-mlkem; OpenSSL 3.5",
        example="X25519 and secp256r1 only",
    ),
    wire_rule(
        "insecure-renegotiation",
        "medium",
        _renegotiation,
        title="Renegotiation is not secured",
        why="Who sits on the way can put words in front of those of the client.",
        source="RFC 5746",
        example="a ServerHello without renegotiation_info",
    ),
    wire_rule(
        "certificate-expired",
        "high",
        _expired,
        title="The certificate is out of date",
        why="Mail programs refuse it, and servers with MTA-STS send nothing any more.",
        source="RFC 5280 section 4.1.2.5; RFC 8461 section 4.2",
        example="not_after is yesterday",
    ),
    wire_rule(
        "certificate-expires-soon",
        "medium",
        _expires_soon,
        title="The certificate expires soon",
        why="A certificate that is renewed by hand is forgotten one day.",
        source="RFC 5280 section 4.1.2.5",
        example="not_after is in a week",
    ),
    wire_rule(
        "certificate-self-signed",
        "medium",
        _self_signed,
        title="The certificate is signed by itself",
        why="Nobody can tell the server from one that pretends to be it, unless DANE says so.",
        source="RFC 8314 section 4.3; RFC 8461 section 4.2; RFC 7672",
        example="ssl-cert-snakeoil.pem",
    ),
    wire_rule(
        "certificate-untrusted",
        "medium",
        _untrusted,
        title="The certificate is not trusted",
        why="Mail programs warn or refuse, and servers with MTA-STS send nothing.",
        source="RFC 8461 section 4.2; RFC 7817",
        example="an authority that is in no list of roots",
    ),
    wire_rule(
        "certificate-name",
        "medium",
        _wrong_name,
        title="The certificate is for another name",
        why="Who verifies names, as mail programs and MTA-STS do, refuses it.",
        source="RFC 9525; RFC 7817; RFC 8461 section 4.1",
        example="a certificate for example.com at mx.example.com",
    ),
    wire_rule(
        "chain-incomplete",
        "medium",
        _chain_incomplete,
        title="A certificate of the chain is not sent",
        why="Clients that do not happen to know the missing part refuse the certificate.",
        source="RFC 5246 section 7.4.2; postconf(5), smtpd_tls_chain_files",
        example="cert.pem where fullchain.pem was meant",
    ),
    wire_rule(
        "weak-key",
        "high",
        _weak_key,
        title="The key of the certificate is small",
        why="A small key can be computed, and then anybody can pretend to be this server.",
        source="RFC 9325 section 4.5",
        example="RSA of 1024 bits",
    ),
    wire_rule(
        "weak-signature",
        "medium",
        _weak_signature,
        title="A certificate is signed with a broken digest",
        why="Such a signature can be forged, and new libraries refuse it.",
        source="RFC 9325 section 4.5; RFC 9155",
        example="sha1WithRSAEncryption",
    ),
    wire_rule(
        "no-auth-after-tls",
        "high",
        _no_auth_after_tls,
        title="Nobody can log in",
        why="People cannot send or read mail on this port.",
        source="RFC 6409 section 4.3; RFC 4954",
        example="no AUTH on port 587 inside TLS",
    ),
)

RULES: t.Final[tuple[Rule[WireView], ...]] = (*DIALOGUE_RULES, *_TLS)


def judge_port(
    report: t.Mapping[str, t.Any],
    *,
    host: str,
    port: int,
    now: datetime.datetime,
    purpose: t.Optional[Purpose] = None,
    profile: str = "intermediate",
) -> Verdict:
    """Return what is wrong with a port, from what starttls_info returned of it.

    *host* is the name for messages, *purpose* follows from the port when it is not given. An answer that
    starttls_info could not get leaves its rules incomplete. A port that has no TLS has that finding, and
    the rules about TLS do not run.
    """
    view = WireView(report, host, port, purpose or purpose_of(port), profile, now)
    return judge(view, DIALOGUE_RULES if view.without_tls else RULES)


SERVED_RULE: t.Final = "served-certificate-not-in-files"


def served_against_file(
    report: t.Mapping[str, t.Any],
    files: t.Sequence[t.Mapping[str, t.Any]],
    *,
    host: str,
    port: int,
    purpose: t.Optional[Purpose] = None,
) -> tuple[Finding, ...]:
    """Return a finding for each certificate that is served and is in none of the configured files.

    *files* are the entries ``certificates`` of a validator's result; those without a digest are left out.
    """
    filed = {str(one.get("sha256") or "").lower(): one for one in files}
    filed.pop("", None)
    chains = report.get("chains")
    if not filed or not isinstance(chains, dict):
        return ()
    known = purpose or purpose_of(port)
    daemon = "postfix" if known in ("mx", "submission", "submissions") else "dovecot"
    found = []
    for chain in chains.values():
        served = _first(chain)
        if served is None or served["sha256"] in filed:
            continue
        # Named by name where a file is for the same one: that is the new certificate.
        path = next(
            (
                str(one.get("path"))
                for one in filed.values()
                if set(one.get("names") or ()) & set(served.get("names") or ())
            ),
            ", ".join(str(one.get("path")) for one in filed.values()),
        )
        found.append(
            Finding(
                rule=SERVED_RULE,
                severity="medium",
                area="wire",
                subject=f"port {port}",
                parameter="",
                observed=f"sha256 {served['sha256'][:16]}..., until {str(served.get('not_after', 'unknown'))[:10]}",
                expected=f"the certificate in {path}",
                message=f"Port {port} of {host} shows another certificate than the one in {path}.",
                why=(
                    "After a renewal the old certificate is served until the daemon reads its files again, "
                    "and one day it expires although the file is new."
                ),
                fix=Fix("", f"systemctl reload {daemon}"),
                source="postfix(1), reload; doveadm(1), reload",
            )
        )
    return tuple(found)


def _first(chain: t.Any) -> t.Optional[t.Mapping[str, t.Any]]:
    """Return the server's own certificate of a chain, None when it was not seen."""
    seen = chain.get("seen") if isinstance(chain, dict) else chain
    if isinstance(seen, list) and seen and isinstance(seen[0], dict) and seen[0].get("sha256"):
        return t.cast("t.Mapping[str, t.Any]", seen[0])
    return None


__all__ = (
    "DIALOGUE_RULES",
    "PURPOSES",
    "RULES",
    "SERVED_RULE",
    "judge_port",
    "served_against_file",
)
