# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about logins: who may log in where, and what becomes of the password (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import coverage
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_in,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.servers import (
    SUBMISSION,
    answer,
    level,
    lists,
    login_in_clear,
    logins,
    public,
    written,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    Scope,
    View,
)

_AREA: t.Final = "login"
_Hits = t.Iterator[Hit]

_ENABLED: t.Final = "smtpd_sasl_auth_enable"
_OPTIONS: t.Final = "smtpd_sasl_security_options"
_TLS_OPTIONS: t.Final = "smtpd_sasl_tls_security_options"
_RESTRICTIONS: t.Final = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
)
_OWNERSHIP: t.Final = frozenset(
    """
    reject_sender_login_mismatch reject_authenticated_sender_login_mismatch
    reject_known_sender_login_mismatch reject_unauthenticated_sender_login_mismatch
    """.split()
)
#: They refuse a sender address that no table gives to anybody.
_OWNERSHIP_OF_ALL: t.Final = frozenset(
    {"reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch"}
)
_CERTIFICATES: t.Final = frozenset(
    {"permit_tls_clientcerts", "permit_tls_all_clientcerts", "check_ccert_access"}
)
#: The mechanisms with a password that servers keep as a hash, as nearly every user database does.
_PASSWORD_MECHANISMS: t.Final = frozenset({"plain", "login"})


def _words(value: str) -> list[str]:
    return value.replace(",", " ").lower().split()


def _with(value: str, word: str) -> str:
    return ", ".join([*value.replace(",", " ").split(), word])


def _without(value: str, word: str) -> str:
    return ", ".join(one for one in value.replace(",", " ").split() if one.lower() != word)


def _on_mx(view: View) -> _Hits:
    guilty = logins(view, "mx")
    for scope in view.scopes(_ENABLED, guilty):
        inheriting = [
            one
            for one in logins(view)
            if scope.origin != "master.cf" and one not in guilty and not one.overrides(_ENABLED)
        ]
        commands = [f"postconf -P '{one.subject}/{_ENABLED}=yes'" for one in inheriting] + [
            set_in(scope, "no").command
        ]
        yield hit(
            scope,
            "Port 25 ({services}), which is for other mail servers, takes logins: passwords can be "
            "guessed there, and when the login service fails no mail comes in any more.",
            expected="no",
            fix=Fix(set_in(scope, "no").variable, " && ".join(commands)),
            shown="no; yes for submission and submissions in master.cf" if inheriting else "",
        )


def _before_tls(view: View) -> _Hits:
    for scope in view.scopes(
        "smtpd_tls_auth_only", [one for one in logins(view) if login_in_clear(one)]
    ):
        guarded = all("noplaintext" in _words(one.value(_OPTIONS)) for one in scope.endpoints)
        yield hit(
            scope,
            "{services} takes logins before the connection is encrypted."
            if guarded
            else "{services} takes passwords before the connection is encrypted, so they can be read on "
            "the way.",
            expected="yes",
            severity="medium" if guarded else None,
        )


def _never_offered(view: View) -> _Hits:
    guilty = [
        one for one in logins(view) if level(one) == "none" and one.is_yes("smtpd_tls_auth_only")
    ]
    for scope in view.scopes("smtpd_tls_security_level", guilty):
        submission = all(one.purpose in SUBMISSION for one in scope.endpoints)
        yield hit(
            scope,
            "{services} takes logins only inside TLS and has no TLS: nobody can log in.",
            expected="encrypt" if submission else "may",
        )


def _phases(endpoint: Endpoint) -> t.Iterator[str]:
    """Give the parameters whose options count: before TLS, and inside TLS where it differs."""
    if login_in_clear(endpoint):
        yield _OPTIONS
    if level(endpoint) != "none" and (
        not login_in_clear(endpoint) or endpoint.value(_TLS_OPTIONS) != endpoint.value(_OPTIONS)
    ):
        yield _TLS_OPTIONS


def _line_of(endpoint: Endpoint, parameter: str) -> str:
    """Return the parameter whose line gives the value: the one for TLS follows the other by default."""
    own = endpoint.overrides(parameter) or parameter in endpoint.view.explicit
    return parameter if own or parameter == _OPTIONS else _OPTIONS


def _option_scopes(view: View, wrong: t.Callable[[Endpoint, str], bool]) -> t.Iterator[Scope]:
    """Give the lines with options of services where they are wrong in a phase that happens."""
    guilty: dict[str, list[Endpoint]] = {}
    for one in logins(view):
        names = {_line_of(one, phase) for phase in _phases(one) if wrong(one, phase)}
        for name in sorted(names):
            guilty.setdefault(name, []).append(one)
    for name, endpoints in guilty.items():
        yield from view.scopes(name, endpoints)


def _anonymous(view: View) -> _Hits:
    for scope in _option_scopes(
        view, lambda one, phase: "noanonymous" not in _words(one.value(phase))
    ):
        yield hit(
            scope,
            "{services} lets a client log in as nobody (ANONYMOUS) when the login service offers that, "
            "and treats it as one of the users.",
            expected=_with(scope.value, "noanonymous"),
        )


def _plaintext_refused(one: Endpoint, phase: str) -> bool:
    return "noplaintext" in _words(one.value(phase))


def _no_mechanism(view: View) -> _Hits:
    for scope in _option_scopes(view, _plaintext_refused):
        safe = _without(scope.value, "noplaintext") or "noanonymous"
        clear = any(login_in_clear(one) for one in scope.endpoints)
        fix = set_in(scope, safe)
        if clear:
            first = set_parameter("smtpd_tls_auth_only", "yes")
            fix = Fix(fix.variable, f"{first.command} && {fix.command}")
        yield hit(
            scope,
            "{services} refuses the mechanisms PLAIN and LOGIN; where the login service has no others, "
            "smtpd dies with every connection.",
            expected=safe,
            fix=fix,
        )


def _backend(view: View) -> _Hits:
    for scope in view.scopes("smtpd_sasl_type", logins(view)):
        kind = scope.value.strip().lower()
        path = scope.endpoints[0].value("smtpd_sasl_path").strip()
        if kind not in ("cyrus", "dovecot"):
            message = "{services} is to ask a kind of login service that Postfix does not have"
        elif kind == "cyrus" and "/" in path:
            message = (
                "{services} takes the path of a socket of Dovecot for the name of a configuration of "
                "Cyrus SASL"
            )
        elif kind == "dovecot" and path == "smtpd":
            message = "{services} looks for the socket of Dovecot under a name of Cyrus SASL"
            yield hit(
                scope,
                f"{message}: smtpd dies with every connection.",
                expected="dovecot",
                fix=set_parameter("smtpd_sasl_path", "private/auth"),
                shown="smtpd_sasl_path = private/auth",
            )
            continue
        elif scope.origin == "default":
            yield hit(
                scope,
                "{services} asks Cyrus SASL, only because nothing else was said; where that is not set "
                "up, smtpd dies with every connection.",
                expected="dovecot",
                severity="medium",
            )
            continue
        else:
            continue
        yield hit(scope, f"{message}: smtpd dies with every connection.", expected="dovecot")


def _named_in_header(view: View) -> _Hits:
    for scope in written(view, "smtpd_sasl_authenticated_header", logins(view)):
        if scope.endpoints[0].is_yes(scope.parameter):
            yield hit(
                scope,
                "{services} writes the login name of the sender into the header of every message.",
                expected="no",
            )


def _old_clients(view: View) -> _Hits:
    for scope in written(view, "broken_sasl_auth_clients", logins(view)):
        if scope.endpoints[0].is_yes(scope.parameter):
            yield hit(
                scope,
                "{services} announces AUTH a second time, for mail clients of the last century.",
                expected="no",
            )


def _no_rate(view: View) -> _Hits:
    for scope in view.scopes("smtpd_client_auth_rate_limit", logins(view)):
        if scope.value.strip() == "0":
            yield hit(
                scope,
                "{services} lets one client try as many passwords as it likes.",
                expected="10",
            )


def _hidden(view: View) -> _Hits:
    for scope in written(view, "smtpd_sasl_exceptions_networks", logins(view)):
        if scope.value.strip() and coverage(scope.value).everybody:
            yield hit(
                scope,
                "{services} does not announce AUTH to any client, so mail programs cannot log in.",
                expected=None,
            )
    for scope in written(view, "smtpd_discard_ehlo_keywords", logins(view)):
        if "auth" in _words(scope.value):
            yield hit(
                scope,
                "{services} does not announce AUTH, so mail programs cannot log in.",
                expected=_without(scope.value, "auth"),
            )


def _uses_ownership(endpoint: Endpoint, names: t.Container[str]) -> bool:
    classes = dict(lists(endpoint).classes)
    return any(
        restrictions.uses(endpoint.value(one), names, classes=classes) for one in _RESTRICTIONS
    )


def _maps_absent(view: View) -> _Hits:
    guilty = [
        one
        for one in logins(view)
        if not one.value("smtpd_sender_login_maps").strip()
        and _uses_ownership(one, _OWNERSHIP_OF_ALL)
    ]
    for scope in view.scopes("smtpd_sender_login_maps", guilty):
        yield hit(
            scope,
            "{services} lets users send with addresses of their own only, and no table says which those "
            "are: whoever logs in is refused.",
            expected=f"{view.value('default_database_type')}:/etc/postfix/sender_logins",
            shown="a table of sender addresses and their login names",
        )


def _maps_unused(view: View) -> _Hits:
    guilty = [
        one
        for one in logins(view)
        if one.value("smtpd_sender_login_maps").strip() and not _uses_ownership(one, _OWNERSHIP)
    ]
    for scope in view.scopes("smtpd_sender_login_maps", guilty):
        one = scope.endpoints[0]
        words = ["reject_sender_login_mismatch", one.value("smtpd_sender_restrictions").strip()]
        value = ", ".join(word for word in words if word)
        service = one.subject if len(scope.endpoints) == 1 else ""
        yield hit(
            scope,
            "A table says which sender addresses belong to whom, and {services} never looks into it: "
            "every user can send as any other.",
            expected=None,
            fix=set_parameter("smtpd_sender_restrictions", value, service=service),
            shown=f"smtpd_sender_restrictions = {value}",
        )


def _free_senders(view: View) -> _Hits:
    guilty = [
        one
        for one in logins(view, *SUBMISSION)
        if not one.value("smtpd_sender_login_maps").strip() and not _uses_ownership(one, _OWNERSHIP)
    ]
    for scope in view.scopes("smtpd_sender_login_maps", guilty):
        yield hit(
            scope,
            "Whoever logs in at {services} can send with the address of any other user.",
            expected=None,
            fix=Fix(),
            shown="a table, and reject_sender_login_mismatch in smtpd_sender_restrictions",
        )


def _mechanisms(view: View) -> _Hits:
    name = "smtpd_sasl_mechanism_filter"
    for scope in written(view, name, logins(view) if view.knows(name) else ()):
        words = _words(scope.value)
        # A table, or a list that begins with an exclusion, lets through what it does not name.
        if not words or any(":" in one for one in words):
            continue
        named = {one for one in words if not one.startswith("!")}
        if not _PASSWORD_MECHANISMS & named:
            yield hit(
                scope,
                "{services} lets through neither PLAIN nor LOGIN; where the login service has no other "
                "mechanism, smtpd dies with every connection.",
                expected="!external, static:rest",
            )


def _without_login(view: View) -> _Hits:
    for one in public(view, *SUBMISSION):
        if one.is_yes(_ENABLED) or _by_certificate(one):
            continue
        useless = answer(one, "stranger", "own").verdict == "refused"
        yield Hit(
            subject=one.subject,
            parameter=_ENABLED,
            observed=one.value(_ENABLED),
            expected="yes",
            message=f"{one.subject} is for people with a password and takes no logins: "
            + (
                "nobody from outside can send."
                if useless
                else "whoever sends there is a stranger, past what port 25 looks at."
            ),
            fix=set_parameter(_ENABLED, "yes", service=one.subject),
        )


def _by_certificate(one: Endpoint) -> bool:
    classes = dict(lists(one).classes)
    return any(
        restrictions.uses(one.value(name), _CERTIFICATES, classes=classes)
        for name in ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
    )


def _clients(view: View) -> list[Endpoint]:
    return [one for one in view.having(daemon=("smtp",)) if one.is_yes("smtp_sasl_auth_enable")]


def _no_passwords(view: View) -> _Hits:
    guilty = [one for one in _clients(view) if not one.value("smtp_sasl_password_maps").strip()]
    for scope in view.scopes("smtp_sasl_password_maps", guilty):
        yield hit(
            scope,
            "{services} is to log in at other servers and has no table of passwords: it dies with every "
            "delivery, and all mail stays in the queue.",
            expected=f"{view.value('default_database_type')}:/etc/postfix/sasl_passwd",
            fix=set_parameter("smtp_sasl_auth_enable", "no"),
            shown="a table of passwords, or smtp_sasl_auth_enable = no",
        )


def _login_off(view: View) -> _Hits:
    guilty = [
        one
        for one in view.having(daemon=("smtp",))
        if one.value("smtp_sasl_password_maps").strip() and not one.is_yes("smtp_sasl_auth_enable")
    ]
    if _clients(view):
        # One client logs in, and the table is there for it.
        return
    for scope in view.scopes("smtp_sasl_auth_enable", guilty):
        yield hit(
            scope,
            "There are passwords for other servers and {services} never uses them, so a relay that wants "
            "a login refuses the mail.",
            expected="yes",
        )


def _client_mechanisms(view: View) -> _Hits:
    name = "smtp_sasl_tls_security_options"
    guilty = [one for one in _clients(view) if "noplaintext" in _words(one.value(name))]
    for scope in view.scopes(name, guilty):
        yield hit(
            scope,
            "{services} may not log in with PLAIN or LOGIN even inside TLS, and most servers have nothing "
            "else: mail through them stays in the queue.",
            expected="noanonymous",
        )


def _client_anonymous(view: View) -> _Hits:
    name = "smtp_sasl_security_options"
    guilty = [one for one in _clients(view) if "noanonymous" not in _words(one.value(name))]
    for scope in view.scopes(name, guilty):
        yield hit(
            scope,
            "{services} may log in as nobody (ANONYMOUS) instead of with its password.",
            expected=_with(scope.value, "noanonymous"),
        )


RULES: t.Final[tuple[Rule, ...]] = (
    Rule(
        "auth-on-mx",
        _AREA,
        "medium",
        "Logins on port 25",
        "Port 25 is open to the whole world: it is where passwords are guessed, and mail from other servers "
        "depends on the login service.",
        "RFC 8314 section 3.3; SASL_README; postconf(5) smtpd_sasl_auth_enable",
        _on_mx,
        example="smtpd_sasl_auth_enable = yes",
    ),
    Rule(
        "auth-before-tls",
        _AREA,
        "critical",
        "Passwords are taken in clear text",
        "Whoever can read the traffic has the password and sends mail in the user's name.",
        "RFC 4954 section 9; RFC 8314 section 4.1; postconf(5) smtpd_tls_auth_only",
        _before_tls,
        example="smtpd_sasl_auth_enable = yes, smtpd_tls_auth_only = no",
    ),
    Rule(
        "auth-never-offered",
        _AREA,
        "high",
        "Logins only inside TLS, and no TLS",
        "AUTH is never announced, so nobody can log in and send.",
        "postconf(5) smtpd_tls_auth_only",
        _never_offered,
        example="smtpd_tls_auth_only = yes, smtpd_tls_security_level = none",
    ),
    Rule(
        "auth-anonymous",
        _AREA,
        "high",
        "Anonymous logins are not refused",
        "A client without a password may count as a user, and users may send mail everywhere.",
        "postconf(5) smtpd_sasl_security_options; RFC 4505",
        _anonymous,
        example="smtpd_sasl_security_options = noplaintext",
    ),
    Rule(
        "auth-plaintext-refused",
        _AREA,
        "high",
        "No mechanism may be left for logins",
        "With a login service that has PLAIN and LOGIN only, as Dovecot by default, the port is dead.",
        "postconf(5) smtpd_sasl_security_options; SASL_README",
        _no_mechanism,
        dies=True,
        example="smtpd_sasl_security_options = noplaintext, noanonymous",
    ),
    Rule(
        "auth-wrong-backend",
        _AREA,
        "high",
        "The kind of login service does not fit its path",
        "smtpd finds no login service and dies: the port is dead.",
        "SASL_README; postconf(5) smtpd_sasl_type",
        _backend,
        dies=True,
        example="smtpd_sasl_type = cyrus, smtpd_sasl_path = private/auth",
    ),
    Rule(
        "auth-name-in-header",
        _AREA,
        "low",
        "Every message shows the sender's login name",
        "Every receiver and every archive of a mailing list learns a name that takes half of a login.",
        "postconf(5) smtpd_sasl_authenticated_header",
        _named_in_header,
        example="smtpd_sasl_authenticated_header = yes",
    ),
    Rule(
        "auth-announced-twice",
        _AREA,
        "info",
        "AUTH is announced in an obsolete form too",
        "Only mail clients from before RFC 2554 of 1999 need it.",
        "postconf(5) broken_sasl_auth_clients",
        _old_clients,
        example="broken_sasl_auth_clients = yes",
    ),
    Rule(
        "auth-without-rate-limit",
        _AREA,
        "info",
        "No limit to the number of login attempts",
        "Passwords can be guessed as fast as the login service answers.",
        "postconf(5) smtpd_client_auth_rate_limit",
        _no_rate,
        example="smtpd_client_auth_rate_limit = 0",
    ),
    Rule(
        "auth-hidden",
        _AREA,
        "high",
        "AUTH is not announced",
        "A mail program that is not offered AUTH does not log in, so its user cannot send.",
        "RFC 4954 section 3; postconf(5) smtpd_sasl_exceptions_networks, smtpd_discard_ehlo_keywords",
        _hidden,
        example="smtpd_sasl_exceptions_networks = 0.0.0.0/0",
    ),
    Rule(
        "auth-mechanisms-filtered",
        _AREA,
        "high",
        "A filter leaves no usual login mechanism",
        "smtpd dies when the filter leaves nothing of what the login service offers.",
        "postconf(5) smtpd_sasl_mechanism_filter",
        _mechanisms,
        dies=True,
        example="smtpd_sasl_mechanism_filter = cram-md5",
    ),
    Rule(
        "sender-logins-without-table",
        _AREA,
        "high",
        "Senders are checked against a table that is not there",
        "An address that nobody owns is refused, and without a table nobody owns any.",
        "postconf(5) reject_sender_login_mismatch, smtpd_sender_login_maps",
        _maps_absent,
        example="smtpd_sender_restrictions = reject_sender_login_mismatch",
    ),
    Rule(
        "sender-logins-unused",
        _AREA,
        "medium",
        "The table of sender addresses is not used",
        "One stolen password is enough to send as everybody.",
        "postconf(5) smtpd_sender_login_maps, reject_sender_login_mismatch",
        _maps_unused,
        example="smtpd_sender_login_maps = hash:/etc/postfix/logins",
    ),
    Rule(
        "sender-addresses-free",
        _AREA,
        "info",
        "Users may send with any address",
        "One stolen password is enough to send as everybody.",
        "RFC 6409 section 6.1; postconf(5) reject_sender_login_mismatch",
        _free_senders,
        example="smtpd_sender_login_maps =",
    ),
    Rule(
        "submission-without-login",
        _AREA,
        "high",
        "A port for users takes no logins",
        "Ports 587 and 465 are for users with a password; without logins they serve nobody, or strangers.",
        "RFC 6409 section 4.3; RFC 8314 section 3",
        _without_login,
        example="submission inet n - y - - smtpd",
    ),
    Rule(
        "client-login-without-passwords",
        _AREA,
        "high",
        "Logins at other servers without a table of passwords",
        "The client dies with every delivery, so no mail leaves.",
        "SASL_README, Enabling SASL authentication in the SMTP/LMTP client",
        _no_passwords,
        dies=True,
        example="smtp_sasl_auth_enable = yes",
    ),
    Rule(
        "client-login-off",
        _AREA,
        "medium",
        "Passwords for other servers are never used",
        "A relay that wants a login refuses the mail.",
        "SASL_README; postconf(5) smtp_sasl_auth_enable",
        _login_off,
        example="smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd",
    ),
    Rule(
        "client-login-without-mechanism",
        _AREA,
        "medium",
        "PLAIN and LOGIN are refused even inside TLS",
        "Postfix finds no mechanism to log in with, and the mail stays in the queue.",
        "postconf(5) smtp_sasl_tls_security_options, smtp_sasl_security_options",
        _client_mechanisms,
        example="smtp_sasl_auth_enable = yes",
    ),
    Rule(
        "client-login-anonymous",
        _AREA,
        "low",
        "The client may log in as nobody",
        "A server that offers ANONYMOUS gets the mail from nobody, and may refuse it.",
        "postconf(5) smtp_sasl_security_options",
        _client_anonymous,
        example="smtp_sasl_security_options =",
    ),
)

__all__ = ("RULES",)
