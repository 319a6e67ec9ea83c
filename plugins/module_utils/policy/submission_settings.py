# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""THE table of submission settings: what the services on ports 587 and 465 get, why, and from where.

Each is a ``-o`` of the service in master.cf, so that neither main.cf nor port 25 decides it. The first rule
whose condition holds gives the value, as in ``policy.settings``; the words of a condition are the facts of
``policy.submission``. ``given:NAME`` is a choice of the operator, which also wins over a ``-o`` of the site.
``main-ok`` is a value of main.cf that is not below the last rule's, where the site has no ``-o``; ``main-set`` is
one that is neither empty nor ``no``.

Without a choice a ``-o`` of the site stays unless it is below the value. REMOVE takes away what an earlier run
wrote, and of the site's what is below; KEEP leaves all as it is.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import (
    AEAD_ONLY,
    CONFIG_FILE,
    KEEP,
    REMOVE,
    Edit,
    Rule,
)

Port = t.Literal["starttls", "implicit_tls"]
PORTS: t.Final[t.Mapping[Port, int]] = {"starttls": 587, "implicit_tls": 465}
NAMES: t.Final[t.Mapping[Port, str]] = {"starttls": "submission", "implicit_tls": "submissions"}

Area = t.Literal["tls", "login", "restrictions", "limits", "smtp", "identity"]
AREAS: t.Final[t.Mapping[Area, str]] = {
    "tls": "TLS",
    "login": "Logins",
    "restrictions": "Who may send what",
    "limits": "Limits",
    "smtp": "SMTP",
    "identity": "Names in the log and for milters",
}


@dataclass(frozen=True)
class ServiceSetting:
    """One ``-o`` of a submission service: its rules, why it is so, and the source besides postconf(5).

    ``judge`` names the way to compare a site's ``-o`` with ours (``policy.floor``, or one of
    ``policy.submission``), "" when any value is as safe. ``ports`` are the services that it is for.
    """

    parameter: str
    area: Area
    rules: tuple[Rule, ...]
    reason: str
    source: str = ""
    judge: str = ""
    ports: tuple[Port, ...] = ("starttls", "implicit_tls")


def _all(
    names: str,
    area: Area,
    *rules: Rule,
    reason: str,
    source: str = "",
    judge: str = "",
    ports: tuple[Port, ...] = ("starttls", "implicit_tls"),
) -> tuple[ServiceSetting, ...]:
    return tuple(
        ServiceSetting(name, area, rules, reason, source, judge, ports) for name in names.split()
    )


_OLD: t.Final = "Old devices that know nothing newer can still send."
_COST: t.Final = (
    "Passwords may travel inside TLS 1.0 and 1.1, CBC suites and suites without forward secrecy, which "
    "RFC 8996 and RFC 8997 forbid."
)
INTEROP_EXCLUDED: t.Final = "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS"

_TLS: t.Final = (
    *_all(
        "smtpd_tls_security_level",
        "tls",
        Rule("", "encrypt"),
        reason="Nothing but STARTTLS is done before TLS, so no password and no message is in clear text.",
        source="RFC 8314 section 4.1",
        judge="server_level",
    ),
    *_all(
        "smtpd_tls_wrappermode",
        "tls",
        Rule("", "yes"),
        reason="TLS from the first byte.",
        source="RFC 8314 section 3.3",
        judge="yes",
        ports=("implicit_tls",),
    ),
    *_all(
        "smtpd_tls_wrappermode",
        "tls",
        Rule("main-set", "no"),
        Rule("", REMOVE),
        reason="Clients of port 587 wait for a greeting in clear text.",
        source="RFC 6409; RFC 3207",
        judge="no",
        ports=("starttls",),
    ),
    *_all(
        "smtpd_tls_auth_only",
        "tls",
        Rule("", "yes"),
        reason="AUTH is offered inside TLS only, whatever becomes of the level.",
        source="RFC 4954 section 4",
        judge="yes",
    ),
    *_all(
        "smtpd_tls_mandatory_protocols",
        "tls",
        Rule("profile:interop postfix>=3.6", ">=TLSv1", _OLD, _COST),
        Rule("profile:interop", "!SSLv2, !SSLv3", _OLD, _COST),
        Rule("postfix>=3.6", ">=TLSv1.2"),
        Rule("", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
        reason="TLS 1.2 and later.",
        source="RFC 8997; RFC 9325 section 3.1.1",
        judge="protocols",
    ),
    *_all(
        "smtpd_tls_mandatory_ciphers",
        "tls",
        Rule("profile:interop", "medium", "The grade that Postfix takes by default.", _COST),
        Rule("", "high"),
        reason="Strong suites only; the exclusions narrow them further.",
        source="RFC 9325 section 4.1",
        judge="grade",
    ),
    *_all(
        "smtpd_tls_mandatory_exclude_ciphers",
        "tls",
        Rule(
            "profile:interop",
            INTEROP_EXCLUDED,
            "Old suites stay for old devices, but none without a certificate and none that is broken.",
            _COST,
        ),
        Rule("", AEAD_ONLY),
        reason="Leaves ECDHE with AEAD: six suites of TLS 1.2, and those of TLS 1.3.",
        source="RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
        judge="exclude",
    ),
    *_all(
        "smtpd_tls_exclude_ciphers",
        "tls",
        Rule(
            "profile:interop",
            "",
            "What main.cf excludes on port 25 would be excluded here too.",
            _COST,
        ),
        Rule("", REMOVE),
        reason="Postfix adds the exclusions of main.cf to the list above.",
    ),
    *_all(
        "tls_config_file",
        "tls",
        Rule("profile:strict", "{config_directory}/" + CONFIG_FILE),
        Rule("", REMOVE),
        reason="Refuses handshake signatures with SHA-1, which no Postfix parameter does.",
        source="RFC 9155; RFC 9325 section 4.1",
    ),
    *_all(
        "tls_config_name",
        "tls",
        Rule("profile:strict", "postfix"),
        Rule("", REMOVE),
        reason="The section of that file.",
    ),
    *_all(
        "smtpd_tls_chain_files",
        "tls",
        Rule("given:certificates", "{chain_files}"),
        Rule("", REMOVE),
        reason="The certificates that you gave for these services; without any, those of main.cf.",
        source="TLS_README, Configuring the server certificate and key files",
    ),
    *_all(
        """
        smtpd_tls_cert_file smtpd_tls_key_file smtpd_tls_eccert_file smtpd_tls_eckey_file
        smtpd_tls_dcert_file smtpd_tls_dkey_file
        """,
        "tls",
        Rule("given:certificates main-set", ""),
        Rule("given:certificates", REMOVE),
        Rule("", REMOVE),
        reason="smtpd_tls_chain_files replaces it; Postfix would ignore it with a warning.",
        source="postconf(5) smtpd_tls_chain_files",
    ),
    *_all(
        "smtpd_tls_loglevel",
        "tls",
        Rule("main-ok", KEEP),
        Rule("", "1"),
        reason="One line per handshake shows which devices are old.",
        source="TLS_README, Server-side TLS activity logging",
        judge="logged",
    ),
)

_LOGIN: t.Final = (
    *_all(
        "smtpd_sasl_auth_enable",
        "login",
        Rule("", "yes"),
        reason="Logins are offered here, and not in main.cf: port 25 does not need them.",
        source="RFC 8314 section 3.3; SASL_README",
        judge="yes",
    ),
    *_all(
        "smtpd_sasl_type",
        "login",
        Rule("given:sasl_type", "{sasl_type}"),
        Rule("", "{sasl_type}"),
        reason="Who checks passwords: what the site named, else Dovecot.",
        source="SASL_README",
    ),
    *_all(
        "smtpd_sasl_path",
        "login",
        Rule("given:sasl_path", "{sasl_path}"),
        Rule("given:sasl_type", "{sasl_path}"),
        Rule("", "{sasl_path}"),
        reason="Where, relative to the queue directory, so that a service in a chroot finds it too.",
        source="SASL_README, Configuring Dovecot SASL",
        judge="in_queue",
    ),
    *_all(
        "smtpd_sasl_security_options smtpd_sasl_tls_security_options",
        "login",
        Rule("", "noanonymous"),
        reason="Nobody logs in as nobody, and a password inside TLS is no plain text.",
        source="RFC 4505; SASL_README",
        judge="noanonymous",
    ),
    *_all(
        "smtpd_sasl_exceptions_networks",
        "login",
        Rule("main-set", ""),
        Rule("", KEEP),
        reason="AUTH is offered to everybody: without a login nothing is taken here.",
        source="RFC 4954 section 3",
    ),
    *_all(
        "smtpd_sasl_authenticated_header",
        "login",
        Rule("given:authenticated_header", "yes"),
        Rule("main-ok", KEEP),
        Rule("", "no"),
        reason="The login name in a header is half of a login, told to every receiver.",
        judge="no",
    ),
    *_all(
        "smtpd_sender_login_maps",
        "login",
        Rule("given:sender_login_maps", "{sender_login_maps}"),
        Rule("", REMOVE),
        reason="Your tables of who owns which sender address; without any, those of main.cf.",
        source="RFC 6409 section 6.1",
    ),
)

_PERMIT: t.Final = "permit_sasl_authenticated, reject"

_RESTRICTIONS: t.Final = (
    *_all(
        "smtpd_client_restrictions",
        "restrictions",
        Rule("", _PERMIT),
        reason="Only who has logged in. Users send from home and on the road, where block lists have them.",
        source="RFC 6409 section 4.3",
        judge="list",
    ),
    *_all(
        "smtpd_helo_restrictions",
        "restrictions",
        Rule("", ""),
        reason="Mail programs have no host name to say; what port 25 asks of servers is not asked here.",
        source="RFC 6409 section 8",
        judge="list",
    ),
    *_all(
        "smtpd_sender_restrictions",
        "restrictions",
        Rule("senders", Edit(first=("{sender_login_check}",))),
        Rule(
            "",
            "",
            "What port 25 asks of senders is not asked here; without a table any address will do.",
        ),
        reason="With a table of senders, users send with addresses of their own only.",
        source="RFC 6409 section 6.1",
        judge="list",
    ),
    *_all(
        "smtpd_relay_restrictions",
        "restrictions",
        Rule("", _PERMIT),
        reason="Relays for who has logged in, and for nobody else; mynetworks is not trusted here.",
        source="RFC 6409 section 4.3; SMTPD_ACCESS_README",
        judge="relay",
    ),
    *_all(
        "smtpd_recipient_restrictions",
        "restrictions",
        Rule("", ""),
        reason="What port 25 does against spam would refuse users.",
        source="SMTPD_ACCESS_README",
        judge="list",
    ),
    *_all(
        "smtpd_delay_reject",
        "restrictions",
        Rule("main-ok", KEEP),
        Rule("", "yes"),
        reason="Else clients are refused before they can log in.",
        source="SMTPD_ACCESS_README",
        judge="yes",
    ),
    *_all(
        "smtpd_reject_unlisted_recipient",
        "restrictions",
        Rule("main-ok", KEEP),
        Rule("", "yes"),
        reason="A mistyped local address is refused while its author is still there.",
        source="RFC 6409 section 3.2",
        judge="yes",
    ),
)

_LIMITS: t.Final = (
    *_all(
        "smtpd_client_auth_rate_limit",
        "limits",
        Rule("given:auth_rate_limit", "{auth_rate_limit}"),
        Rule("main-ok", KEEP),
        Rule("", "30"),
        reason="Passwords are not guessed as fast as the login service answers. Counted per address and minute.",
        source="TUNING_README, Measures against clients that make too many connections",
        judge="limited",
    ),
    *(
        setting
        for parameter, choice, reason in (
            (
                "smtpd_client_connection_rate_limit",
                "connection_rate_limit",
                "Connections of one address in a minute.",
            ),
            (
                "smtpd_client_message_rate_limit",
                "message_rate_limit",
                "Messages of one address in a minute, so that a stolen password sends less.",
            ),
            (
                "smtpd_client_recipient_rate_limit",
                "recipient_rate_limit",
                "Recipients of one address in a minute.",
            ),
            ("smtpd_recipient_limit", "recipient_limit", "Recipients of one message."),
            ("message_size_limit", "message_size_limit", "The size of one message."),
        )
        for setting in _all(
            parameter,
            "limits",
            Rule(f"given:{choice}", f"{{{choice}}}"),
            Rule("", REMOVE),
            reason=reason,
        )
    ),
)

_SMTP: t.Final = (
    *_all(
        "disable_vrfy_command",
        "smtp",
        Rule("main-ok", KEEP),
        Rule("", "yes"),
        reason="VRFY tells harvesters which addresses exist.",
        source="RFC 5321 section 7.3",
        judge="yes",
    ),
    *_all(
        "smtpd_forbid_bare_newline",
        "smtp",
        Rule("main-ok", KEEP),
        Rule("newline:normalize", "normalize"),
        Rule("newline:yes", "yes", ran=False),
        Rule("", KEEP),
        reason="Ends a message only at CR LF . CR LF, which closes SMTP smuggling.",
        source="postfix.org/smtp-smuggling.html; RFC 5321 section 2.3.8",
        judge="newline",
    ),
    *_all(
        "smtpd_forbid_bare_newline_exclusions",
        "smtp",
        Rule("newline:normalize", ""),
        Rule("newline:yes", "", ran=False),
        Rule("", KEEP),
        reason="mynetworks is not trusted here.",
        source="postfix.org/smtp-smuggling.html",
    ),
    *_all(
        "smtpd_helo_required",
        "smtp",
        Rule("main-ok", KEEP),
        Rule("", "yes"),
        reason="A mail program says EHLO before it can do anything here; what does not is none.",
        source="RFC 5321 section 4.1.4",
        judge="yes",
    ),
    *_all(
        "smtpd_discard_ehlo_keywords",
        "smtp",
        Rule(
            "smuggling-workaround",
            Edit(first=("chunking", "silent-discard"), drop=("starttls", "auth")),
            "Without BDAT the workaround against SMTP smuggling is whole on this old patch level.",
            ran=False,
        ),
        Rule("hides-words", Edit(drop=("starttls", "auth"))),
        Rule("", KEEP),
        reason="A client that is offered no STARTTLS or no AUTH cannot send.",
        source="RFC 3207 section 4; RFC 4954 section 3",
        judge="offers",
    ),
    *_all(
        "smtpd_hide_client_session",
        "smtp",
        Rule("hide-client", "yes"),
        Rule("", REMOVE),
        reason="Receivers need not know from which address a user sent, and with which protocol.",
        source="master.cf of Postfix 3.10",
    ),
)

_IDENTITY: t.Final = (
    *_all(
        "syslog_name",
        "identity",
        Rule("", "{syslog_name}/{service}"),
        reason="The log tells submission from port 25.",
        source="master.cf of Postfix",
    ),
    *_all(
        "milter_macro_daemon_name",
        "identity",
        Rule("new", "ORIGINATING"),
        Rule("", KEEP),
        reason="Tells milters that the mail is the site's own, so that it is signed.",
        source="MILTER_README; master.cf of Postfix",
    ),
)

SETTINGS: t.Final[tuple[ServiceSetting, ...]] = (
    *_IDENTITY,
    *_TLS,
    *_LOGIN,
    *_RESTRICTIONS,
    *_LIMITS,
    *_SMTP,
)

__all__ = (
    "AREAS",
    "INTEROP_EXCLUDED",
    "NAMES",
    "PORTS",
    "SETTINGS",
    "Area",
    "Port",
    "ServiceSetting",
)
