# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what a server does in conversation, over the answers of mail_conduct_info and mail_roundtrip (pure)."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Verdict
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
    Purpose,
    WireView,
    purpose_of,
)

Json = t.Any
#: Seconds for which a server must hold back the refusal of a wrong password.
_LEAST_DELAY: t.Final = 1.0
_SUBMISSION: t.Final = ("submission", "submissions")


def _accepted(view: WireView, question: str, part: str = "") -> tuple[bool, str]:
    """Return whether something was taken, and with which words. Raises Unanswered."""
    answer = view.part(question, part) if part else view.answer(question)
    if not isinstance(answer, dict) or not isinstance(answer.get("accepted"), bool):
        raise Unanswered(f"{view.where}: {question} has no answer")
    return answer["accepted"], str(answer["reply"])


def _is_so(view: WireView, question: str) -> bool:
    """Return an answer that is yes or no. Raises Unanswered."""
    answer = view.answer(question)
    if not isinstance(answer, bool):
        raise Unanswered(f"{view.where}: {question} has no answer")
    return answer


def _no_answer(view: WireView) -> t.Iterator[Hit]:
    greeting = view.report.get("greeting")
    if not isinstance(greeting, dict):
        raise Unanswered(f"{view.where}: greeting was not asked")
    if "incomplete" in greeting:
        yield wire_hit(
            view,
            observed=str(greeting["incomplete"]),
            expected="a greeting",
            message=f"{view.where} does not answer as a mail server does ({greeting['incomplete']}).",
            postfix="look for the reason with: postfix status; journalctl -u 'postfix*'",
            dovecot="look for the reason with: systemctl status dovecot; journalctl -u dovecot",
            variable="",
        )


# ---- Passwords ----------------------------------------------------------------------------------


def _password_before_tls(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "login_before_tls")
    if not taken:
        return
    if view.from_this_host and not view.smtp:
        raise Unanswered(
            f"{view.where}: Dovecot lets its own host log in without TLS, ask from another host"
        )
    yield wire_hit(
        view,
        observed=reply,
        expected="a refusal",
        message=f"{view.where} takes a password that comes in clear text.",
        postfix=postconf_set("smtpd_tls_auth_only", "yes"),
        dovecot="set ssl = required, then doveadm reload",
    )


def _anonymous_login(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "anonymous")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="a refusal",
            message=f"{view.where} lets anybody log in as anonymous.",
            postfix=postconf_set("smtpd_sasl_security_options", "noanonymous"),
            dovecot="take anonymous out of auth_mechanisms, then doveadm reload",
        )


def _login_fails(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "login")
    if not taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="the login of the test account",
            message=f"{view.where} does not let the test account log in ({reply}).",
            postfix="see whether Dovecot answers Postfix: journalctl -u 'postfix*' -u dovecot -g -i auth",
            dovecot="try the account with: doveadm auth test",
            variable="",
        )


def _login_on_25(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "login")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="a refusal",
            message=f"{view.where} lets the test account log in, where only other servers should talk.",
            postfix=postconf_set("smtpd_sasl_auth_enable", "no"),
        )


def _wrong_password(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "wrong_password")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="a refusal",
            message=f"{view.where} lets the test account log in with a wrong password.",
            postfix="find the passdb that takes every password: doveconf passdb",
            dovecot="find the passdb that takes every password: doveconf passdb",
            variable="",
        )


def _no_delay(view: WireView) -> t.Iterator[Hit]:
    if _accepted(view, "wrong_password")[0]:
        return
    if not _accepted(view, "login")[0]:
        raise Unanswered(f"{view.where}: the right password is refused too")
    seconds = float(view.answer("wrong_password")["seconds"])
    if seconds < _LEAST_DELAY:
        yield wire_hit(
            view,
            observed=f"{seconds:.1f} seconds",
            expected=f"at least {_LEAST_DELAY:.0f} second",
            message=f"{view.where} refuses a wrong password at once ({seconds:.1f} seconds).",
            postfix="set auth_failure_delay = 2 secs in Dovecot, then doveadm reload",
            dovecot="set auth_failure_delay = 2 secs, then doveadm reload",
            variable="",
        )


# ---- Mail that must not be taken ----------------------------------------------------------------


def _mail_before_tls(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "mail_before_tls")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="530 Must issue a STARTTLS command first",
            message=f"{view.where} takes mail in clear text.",
            postfix="set smtpd_tls_security_level = encrypt for the service in master.cf",
            variable="hardened.mail.postconf: services",
        )


def _open_relay(view: WireView) -> t.Iterator[Hit]:
    attempts = view.report.get("relay")
    if not isinstance(attempts, dict) or "incomplete" in attempts:
        view.answer("relay")
        raise Unanswered(f"{view.where}: relay has no answer")
    if view.from_this_host:
        raise Unanswered(f"{view.where}: a host may relay for itself, ask from another host")
    names, lacking = [], ""
    for name, one in attempts.items():
        if "incomplete" in one:
            lacking = lacking or str(one["incomplete"])
        elif one["accepted"] and not (one["trick"] and _takes_all(view)):
            names.append(name)
    if names:
        reply = str(attempts[names[0]]["reply"])
        yield wire_hit(
            view,
            observed=f"{', '.join(names)}: {reply}",
            expected="554 Relay access denied",
            message=(
                f"{view.where} takes mail for a domain that is not its own, without a login"
                f" (with {', '.join(names)})."
            ),
            postfix=postconf_set(
                "smtpd_relay_restrictions",
                "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
            )
            + "; when the one who asked is in mynetworks on purpose, ask from elsewhere",
            variable="",
        )
    elif lacking:
        raise Unanswered(f"{view.where}: {lacking}")


def _takes_all(view: WireView) -> bool:
    """Return whether the server takes any mailbox of its domain, so that a trick may be one of them."""
    unknown = view.report.get("unknown_recipient")
    return not isinstance(unknown, dict) or unknown.get("accepted") is not False


def _unknown_recipient(view: WireView) -> t.Iterator[Hit]:
    if view.purpose in _SUBMISSION:
        if not _accepted(view, "login")[0]:
            raise Unanswered(f"{view.where}: nothing is known without a login")
        taken, reply = _accepted(view, "login", "unknown_recipient")
    else:
        taken, reply = _accepted(view, "unknown_recipient")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="550 User unknown",
            message=f"{view.where} takes mail for a mailbox that does not exist.",
            postfix=postconf_set("smtpd_reject_unlisted_recipient", "yes")
            + ", and let local_recipient_maps name the mailboxes",
            variable="",
        )


def _no_postmaster(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "mail_without_login")
    if not taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="postmaster is taken",
            message=f"{view.where} takes no mail for postmaster ({reply}).",
            postfix="add the line 'postmaster: root' to /etc/aliases, then newaliases",
            variable="",
        )


def _mail_without_login(view: WireView) -> t.Iterator[Hit]:
    if view.from_this_host:
        raise Unanswered(f"{view.where}: a host may send without a login, ask from another host")
    taken, reply = _accepted(view, "mail_without_login")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="a refusal",
            message=f"{view.where} takes mail from people who did not log in.",
            postfix="set smtpd_client_restrictions = permit_sasl_authenticated, reject for the service in master.cf",
            variable="hardened.mail.postconf: services",
        )


def _vrfy_answered(view: WireView) -> t.Iterator[Hit]:
    taken, reply = _accepted(view, "vrfy")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="502 VRFY command is disabled",
            message=f"{view.where} answers the question whether postmaster exists ({reply}).",
            postfix=postconf_set("disable_vrfy_command", "yes"),
        )


def _smuggling(view: WireView) -> t.Iterator[Hit]:
    lacking: t.Optional[Unanswered] = None
    ends = []
    try:
        ends = [name for name, value in view.parts("smuggling") if value == "accepted"]
    except Unanswered as problem:
        found = view.report.get("smuggling")
        parts = found.items() if isinstance(found, dict) else ()
        ends = [name for name, value in parts if value == "accepted"]
        lacking = problem
    if not ends and not lacking and set(view.answer("smuggling").values()) != {"refused"}:
        raise Unanswered(f"{view.where}: smuggling has no answer")
    if view.from_this_host and not ends:
        raise Unanswered(f"{view.where}: its own host may be exempt, ask from another host")
    if ends:
        yield wire_hit(
            view,
            observed=", ".join(ends),
            expected="CRLF.CRLF only",
            message=f"{view.where} lets a message end with {' and '.join(ends)}: a second one can be smuggled in.",
            postfix=postconf_set("smtpd_forbid_bare_newline", "normalize"),
        )
    elif lacking:
        raise lacking


# ---- Sending and reading ------------------------------------------------------------------------


def _cannot_send(view: WireView) -> t.Iterator[Hit]:
    if not _accepted(view, "login")[0]:
        raise Unanswered(f"{view.where}: nothing is known without a login")
    taken, reply = _accepted(view, "login", "elsewhere")
    if not taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="250 for a recipient elsewhere",
            message=f"{view.where} lets people log in and send nothing to others ({reply}).",
            postfix="set smtpd_relay_restrictions = permit_sasl_authenticated, reject for the service in master.cf",
            variable="hardened.mail.postconf: services",
        )


def _other_sender(view: WireView) -> t.Iterator[Hit]:
    if not _accepted(view, "login")[0]:
        raise Unanswered(f"{view.where}: nothing is known without a login")
    taken, reply = _accepted(view, "login", "other_sender")
    if taken:
        yield wire_hit(
            view,
            observed=reply,
            expected="553 Sender address rejected: not owned by user",
            message=f"{view.where} lets people who logged in send under the addresses of others.",
            postfix="set smtpd_sender_login_maps, and put reject_sender_login_mismatch into the service's "
            "smtpd_sender_restrictions in master.cf",
            variable="",
        )


def _message_lost(view: WireView) -> t.Iterator[Hit]:
    sent, reply = _accepted(view, "sent")
    if not sent:
        observed, message = reply, f"{view.where} does not take a message from the test account"
    else:
        read = view.answer("read")
        if read["found"] is True:
            return
        observed = f"not there after {read['seconds']:.0f} seconds"
        message = f"a message that {view.where} took is not in the mailbox of the test account"
    yield wire_hit(
        view,
        observed=observed,
        expected="the message in the mailbox",
        message=f"{message} ({observed}).",
        postfix="see where it is: postqueue -p; journalctl -u 'postfix*' -u dovecot",
        variable="",
    )


# ---- TLS ----------------------------------------------------------------------------------------


def _client_renegotiation(view: WireView) -> t.Iterator[Hit]:
    if _is_so(view, "renegotiation"):
        yield wire_hit(
            view,
            observed="accepted",
            expected="refused",
            message=f"{view.where} lets clients renew the handshake as often as they like.",
            postfix=postconf_set("tls_ssl_options", "NO_RENEGOTIATION"),
            dovecot="update Dovecot and its OpenSSL",
        )


def _sha1_signatures(view: WireView) -> t.Iterator[Hit]:
    if _is_so(view, "sha1_signatures"):
        yield wire_hit(
            view,
            observed="a handshake signed with SHA-1",
            expected="SHA-256 or better",
            message=f"{view.where} signs handshakes with SHA-1 when a client asks for that.",
            postfix="name a file with SignatureAlgorithms in tls_config_file, or have OpenSSL's security level at 2",
            dovecot="take SECLEVEL out of ssl_cipher_list, then doveadm reload",
            variable="",
        )


RULES: t.Final[tuple[Rule[WireView], ...]] = (
    wire_rule(
        "no-answer",
        "high",
        _no_answer,
        title="A port does not answer",
        why="Mail waits with the sender, and people cannot send or read.",
        source="RFC 5321 section 4.3.1",
        example="Connection refused on port 587",
    ),
    wire_rule(
        "password-before-tls",
        "critical",
        _password_before_tls,
        title="A password is taken before TLS",
        why="The password goes over the network readable, whatever the server announces.",
        source="RFC 8314 section 4.1; RFC 4954 section 4",
        example="334 in answer to AUTH PLAIN before STARTTLS",
    ),
    wire_rule(
        "anonymous-login",
        "critical",
        _anonymous_login,
        title="Anybody can log in as anonymous",
        why="Who has logged in may send to everybody, so this is an open relay.",
        source="RFC 4505; postconf(5), smtpd_sasl_security_options",
        example="235 in answer to AUTH ANONYMOUS",
    ),
    wire_rule(
        "login-fails",
        "high",
        _login_fails,
        title="The test account cannot log in",
        why="What does not work for the test account does not work for people either.",
        source="RFC 4954; RFC 3501 section 6.2",
        example="454 Temporary authentication failure",
    ),
    wire_rule(
        "login-on-port-25",
        "high",
        _login_on_25,
        title="The test account can log in on port 25",
        why="Port 25 is open to the whole world, so passwords are tried there all day.",
        source="RFC 6409 section 3.1; RFC 8314 section 3.3",
        example="235 in answer to AUTH PLAIN on port 25",
    ),
    wire_rule(
        "wrong-password",
        "critical",
        _wrong_password,
        title="A wrong password is taken",
        why="Everybody can read and send everybody's mail.",
        source="RFC 4954 section 4",
        example="a second passdb that knows no passwords",
    ),
    wire_rule(
        "wrong-password-fast",
        "medium",
        _no_delay,
        title="Wrong passwords are refused at once",
        why="Without a delay thousands of passwords can be tried in a minute.",
        source="Dovecot, auth_failure_delay; RFC 4954 section 9",
        example="auth_failure_delay = 0",
    ),
    wire_rule(
        "mail-before-tls",
        "high",
        _mail_before_tls,
        title="A port for people takes mail in clear text",
        why="A program that does not insist on TLS sends mail that everybody on the way can read.",
        source="RFC 8314 section 3.3; postconf(5), smtpd_tls_security_level",
        example="smtpd_tls_security_level = may on port 587",
    ),
    wire_rule(
        "open-relay",
        "critical",
        _open_relay,
        title="The server is an open relay",
        why="Spammers find it within hours, and then nobody takes its mail any more.",
        source="RFC 5321 section 3.6.2; postconf(5), smtpd_relay_restrictions",
        example="250 for a recipient elsewhere without a login",
    ),
    wire_rule(
        "unknown-recipient",
        "medium",
        _unknown_recipient,
        title="Mail for mailboxes that do not exist is taken",
        why="It is returned later to senders that were forged, and fills the queue.",
        source="postconf(5), smtpd_reject_unlisted_recipient; RFC 5321 section 7.7",
        example="local_recipient_maps =",
    ),
    wire_rule(
        "no-postmaster",
        "low",
        _no_postmaster,
        title="Nobody can write to postmaster",
        why="Others cannot tell you what is wrong with your server, and some refuse its mail for that.",
        source="RFC 5321 section 4.5.1",
        example="550 User unknown for postmaster",
    ),
    wire_rule(
        "mail-without-login",
        "high",
        _mail_without_login,
        title="A port for people takes mail without a login",
        why="It lets others in past the defences of port 25, with forged senders of your own.",
        source="RFC 6409 section 4.3",
        example="250 for RCPT on port 587 before AUTH",
    ),
    wire_rule(
        "vrfy-answered",
        "low",
        _vrfy_answered,
        title="The server answers VRFY",
        why="Spammers collect the addresses that exist, and guess passwords for these only.",
        source="RFC 5321 section 7.3; postconf(5), disable_vrfy_command",
        example="252 in answer to VRFY postmaster",
    ),
    wire_rule(
        "smuggling",
        "critical",
        _smuggling,
        title="Messages can be smuggled in",
        why="A sender of another domain sends in the name of everybody who shares a server with it, past SPF and DMARC.",
        source="CVE-2023-51764; postconf(5), smtpd_forbid_bare_newline",
        example="LF.LF ends a message",
    ),
    wire_rule(
        "login-cannot-send",
        "high",
        _cannot_send,
        title="People who log in cannot send",
        why="The port is there for sending, and nothing gets out.",
        source="RFC 6409 section 3.1",
        example="554 Relay access denied after a login",
    ),
    wire_rule(
        "other-sender",
        "info",
        _other_sender,
        title="People can send under the addresses of others",
        why="One stolen password is enough to write in the name of everybody.",
        source="RFC 6409 section 6.1; postconf(5), reject_sender_login_mismatch",
        example="250 for MAIL FROM another address after a login",
    ),
    wire_rule(
        "message-lost",
        "high",
        _message_lost,
        title="A message does not arrive",
        why="Mail that was taken and is not delivered is lost without anybody knowing.",
        source="RFC 5321 section 6.1",
        example="mailbox_transport that does not answer",
    ),
    wire_rule(
        "client-renegotiation",
        "medium",
        _client_renegotiation,
        title="Clients can renew the handshake",
        why="A handshake costs the server much more than the client, so a few clients can keep it busy.",
        source="RFC 9325 section 3.5; postconf(5), tls_ssl_options",
        example="OpenSSL 1.1.1 without NO_RENEGOTIATION",
    ),
    wire_rule(
        "sha1-signatures",
        "info",
        _sha1_signatures,
        title="Handshakes are signed with SHA-1",
        why="Such signatures are forbidden, because they can be forged with much money and time.",
        source="RFC 9155",
        example="rsa_pkcs1_sha1 in a handshake of TLS 1.2",
    ),
)


def judge_conduct(
    report: t.Mapping[str, Json],
    *,
    host: str,
    port: int,
    now: datetime.datetime,
    rules: t.Optional[t.Collection[str]] = None,
    purpose: t.Optional[Purpose] = None,
    profile: str = "intermediate",
) -> Verdict:
    """Return what is wrong with the conduct of a port, from what ``mail_conduct_info`` or ``mail_roundtrip`` returned.

    *rules* are those to run; the default is every rule that makes sense for the purpose and that the report has
    answers for. An answer that could not be had leaves its rules incomplete.
    """
    view = WireView(report, host, port, purpose or purpose_of(port), profile, now)
    wanted = rules_for(view.purpose, trip="sent" in report) if rules is None else rules
    return judge(view, [one for one in RULES if one.id in wanted])


#: Each result of the two modules has one of these, and none of ``starttls_info`` has.
_OF_CONDUCT: t.Final = frozenset(
    {
        *("greeting", "login_before_tls", "mail_before_tls", "relay", "unknown_recipient"),
        *("mail_without_login", "vrfy", "anonymous", "sha1_signatures", "renegotiation"),
        *("login", "wrong_password", "smuggling", "sent"),
    }
)


def is_conduct(report: t.Mapping[str, Json]) -> bool:
    """Return whether a result is of ``mail_conduct_info`` or ``mail_roundtrip``."""
    return not _OF_CONDUCT.isdisjoint(report)


_ALL: t.Final = ("no-answer", "anonymous-login", "client-renegotiation", "sha1-signatures")
_PEOPLE: t.Final = ("login-fails", "wrong-password", "wrong-password-fast")
_SMTP: t.Final = ("open-relay", "unknown-recipient", "vrfy-answered", "smuggling")
_SENDING: t.Final = ("mail-without-login", "login-cannot-send", "other-sender")
_CLEAR: t.Final = ("password-before-tls",)
_FOR: t.Final[t.Mapping[Purpose, tuple[str, ...]]] = {
    "mx": (*_ALL, *_SMTP, *_CLEAR, "no-postmaster", "login-on-port-25"),
    "submission": (*_ALL, *_PEOPLE, *_SMTP, *_SENDING, *_CLEAR, "mail-before-tls"),
    "submissions": (*_ALL, *_PEOPLE, *_SMTP, *_SENDING),
    "imap": (*_ALL, *_PEOPLE, *_CLEAR),
    "imaps": (*_ALL, *_PEOPLE),
    "pop3": (*_ALL, *_PEOPLE, *_CLEAR),
    "pop3s": (*_ALL, *_PEOPLE),
    "lmtp": ("no-answer", "client-renegotiation", "sha1-signatures"),
}


def rules_for(purpose: Purpose, *, trip: bool = False) -> frozenset[str]:
    """Return the rules that make sense for a purpose; with *trip* those about a message that was sent and read."""
    names = ("message-lost",) if trip else _FOR[purpose]
    return frozenset(f"wire-{name}" for name in names)


__all__ = ("RULES", "is_conduct", "judge_conduct", "rules_for")
