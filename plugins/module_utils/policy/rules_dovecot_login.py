# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about logging in to Dovecot: mechanisms, networks, sockets, stored passwords (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.passwd_file import (
    LOCKED,
    UNPREFIXED,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_fix import (
    append,
    quoted,
    set_to,
    setting_hit,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import (
    DovecotView,
    Passdb,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Fix,
    Severity,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import coverage
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule

_CONFIG: t.Final = ("main",)
_HOST: t.Final = ("main", "host")
_WEAK_MECHANISMS: t.Final[t.Mapping[str, Severity]] = {
    "anonymous": "critical",
    "apop": "high",
    "cram-md5": "high",
    "digest-md5": "high",
    "lanman": "high",
    "ntlm": "high",
    "otp": "medium",
    "rpa": "high",
    "skey": "medium",
}
#: Passwords that can be read, or tried out by the thousand million.
_READABLE: t.Final = frozenset({"PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC", UNPREFIXED})
_FAST: t.Final = frozenset(
    """
    MD5 MD5-CRYPT PLAIN-MD4 PLAIN-MD5 LDAP-MD5 SMD5 SHA SHA1 SSHA SHA256 SSHA256 SHA512 SSHA512 HMAC-MD5 CRAM-MD5
    DIGEST-MD5 LANMAN NTLM NT RPA DES-CRYPT SUN-MD5-CRYPT SHA1-CRYPT OTP SKEY
    """.split()
)
_GOOD: t.Final = "ARGON2ID or BLF-CRYPT"
#: From this configuration version on, a password without a scheme is taken for a hash.
_CRYPT_SINCE: t.Final = (2, 4, 3)


def _cleartext_login(view: DovecotView) -> t.Iterator[Hit]:
    name, bad, good = ("disable_plaintext_auth", "no", "yes")
    if view.new:
        name, bad, good = ("auth_allow_cleartext", "yes", "no")
    required = view.value("ssl") == "required"
    for subject, value in view.settings(name):
        if value != bad or not view.strangers or _only_this_host(subject):
            continue
        if required:
            severity: Severity = "low"
            message = "Passwords without TLS would be taken, but for ssl = required; the setting waits for its hour."
        elif subject == "dovecot":
            severity = "critical"
            message = "Dovecot takes passwords on connections without TLS."
        else:
            severity = "high"
            message = (
                f"Dovecot takes passwords on connections without TLS in the section {subject[9:]}."
            )
        yield setting_hit(
            view,
            name,
            value=value,
            expected=good,
            message=message,
            subject=subject,
            severity=severity,
        )


def _only_this_host(subject: str) -> bool:
    words = subject.partition(": ")[2].split()
    return any(
        kind == "remote" and name.startswith(("127.", "::1", "localhost"))
        for kind, name in zip(words[::2], words[1::2])
    )


def _weak_mechanisms(view: DovecotView) -> t.Iterator[Hit]:
    weak = [one for one in view.mechanisms if one in _WEAK_MECHANISMS]
    if not weak:
        return
    good = [one for one in view.mechanisms if one not in _WEAK_MECHANISMS] or ["plain"]
    severities = [_WEAK_MECHANISMS[one] for one in weak]
    anybody = "anybody may log in without a password" if "anonymous" in weak else ""
    stored = "passwords must be stored so that a thief can use them"
    rest = stored if set(weak) - {"anonymous"} else ""
    yield Hit(
        subject="dovecot",
        parameter="auth_mechanisms",
        observed=" ".join(view.mechanisms),
        expected=" ".join(good),
        message=f"With {', '.join(weak)} {' and '.join(one for one in (anybody, rest) if one)}.",
        fix=set_to(view, "auth_mechanisms", " ".join(good)),
        severity=max(severities, key=SEVERITIES.index),
    )


def _trusted_networks(view: DovecotView) -> t.Iterator[Hit]:
    for subject, value in view.settings("login_trusted_networks"):
        words = {_bracketed(one): one for one in value.replace(",", " ").split()}
        covered = coverage(" ".join(words))
        wide = [words[one] for one in covered.wide]
        if not wide and not covered.everybody:
            continue
        kept = [one for one in words.values() if one not in wide]
        yield setting_hit(
            view,
            "login_trusted_networks",
            value=value,
            expected=" ".join(kept),
            message=(
                f"Clients of {', '.join(wide)} may log in without TLS and may claim to come from any address."
            ),
            subject=subject,
            severity="high" if covered.everybody else "medium",
        )


def _bracketed(network: str) -> str:
    """Return an IPv6 network as Postfix writes it."""
    address, slash, length = network.partition("/")
    return f"[{address}]{slash}{length}" if ":" in address and address[0] != "[" else network


# ---- The socket for Postfix ----------------------------------------------------------------------


def _listener(path: str, view: DovecotView) -> t.Optional[dict[str, str]]:
    """Return mode, user, group and path of the auth listener at a path on the host, None when there is none."""
    for one in view.listeners("auth", "unix_listener"):
        place = one.value("path") or one.name
        place = place if place.startswith("/") else f"{view.value('base_dir')}/{place}"
        if place == path:
            return {
                "mode": one.value("mode") or "0600",
                "user": _user(view, one.value("user")),
                "group": _user(view, one.value("group")),
                "path": place,
            }
    return None


def _user(view: DovecotView, name: str) -> str:
    """Return a user or group: ``$default_internal_user`` of 2.3 and ``$SET:...`` of 2.4 are settings."""
    if name.startswith("$"):
        name = view.value(name[1:].replace("SET:", ""))
    return name or "root"


def _socket_lines(path: str, *, user: str, group: str) -> tuple[str, ...]:
    return (
        "service auth {",
        f"unix_listener {path} {{",
        "mode = 0660",
        f"user = {user}",
        f"group = {group}",
        "}",
        "}",
    )


def _postfix_socket_missing(view: DovecotView) -> t.Iterator[Hit]:
    postfix = view.facts.postfix if view.facts else None
    if postfix is None:
        return
    for path, services in postfix.sockets.items():
        if _listener(path, view) is None:
            yield Hit(
                subject="dovecot",
                parameter=f"service auth, unix_listener {path}",
                observed="not there",
                expected=f"mode 0660, {postfix.user}:{postfix.group}",
                message=f"Postfix ({', '.join(services)}) asks for logins at {path}, where Dovecot has no socket.",
                fix=append(view, *_socket_lines(path, user=postfix.user, group=postfix.group)),
            )


def _mode(listener: t.Mapping[str, str]) -> int:
    try:
        return int(listener["mode"], 8)
    except ValueError:
        return 0o600


def _postfix_socket_closed(view: DovecotView) -> t.Iterator[Hit]:
    postfix = view.facts.postfix if view.facts else None
    if postfix is None:
        return
    for path, services in postfix.sockets.items():
        found = _listener(path, view)
        if found is None:
            continue
        mode = _mode(found)
        # connect(2) needs the right to write.
        open_to = mode & 0o002
        open_to |= mode & 0o200 if found["user"] == postfix.user else 0
        open_to |= mode & 0o020 if found["group"] == postfix.group else 0
        if not open_to:
            yield Hit(
                subject="dovecot",
                parameter=f"service auth, unix_listener {path}",
                observed=f"mode {found['mode']}, {found['user']}:{found['group']}",
                expected=f"mode 0660, {postfix.user}:{postfix.group}",
                message=f"Postfix ({', '.join(services)}) may not connect to the login socket {path}.",
                fix=append(view, *_socket_lines(path, user=postfix.user, group=postfix.group)),
            )


def _socket_open(view: DovecotView) -> t.Iterator[Hit]:
    postfix = view.facts.postfix if view.facts else None
    for block in view.explicit.children("service"):
        for one in block.children("unix_listener") if block.name == "auth" else ():
            place = one.value("path") or one.name
            found = {"mode": one.value("mode") or "0600"}
            login = place.startswith(("/", "auth-client"))
            if not login or not _mode(found) & 0o002:
                continue
            kept_out = postfix is not None and place.startswith(
                f"{postfix.queue_directory}/private/"
            )
            user, group = (postfix.user, postfix.group) if postfix else ("root", "root")
            yield Hit(
                subject="dovecot",
                parameter=f"service auth, unix_listener {place}",
                observed=f"mode {found['mode']}",
                expected=f"mode 0660, {user}:{group}",
                message=f"Every user of this host may connect to the login socket {place}"
                + (", but for the closed directory above it." if kept_out else "."),
                fix=append(view, *_socket_lines(place, user=user, group=group)),
                severity="low" if kept_out else None,
            )


def _auth_on_network(view: DovecotView) -> t.Iterator[Hit]:
    for block in view.explicit.children("service"):
        for one in block.children("inet_listener") if block.name == "auth" else ():
            port = one.value("port")
            # Without a word about it, 2.4 prints no value: it listens everywhere.
            where = one.value("address") or one.value("listen") or view.value("listen") or "*, ::"
            local = view.only_this_host(where)
            if port in ("", "0") or local:
                continue
            address = "listen" if view.new else "address"
            yield Hit(
                subject="dovecot",
                parameter=f"service auth, inet_listener {one.name}",
                observed=f"port {port} on {where}",
                expected=f"{address} = 127.0.0.1",
                message=f"The service that checks passwords answers other hosts on port {port}, in clear text.",
                fix=append(
                    view,
                    "service auth {",
                    f"inet_listener {one.name} {{",
                    f"{address} = 127.0.0.1",
                    "}",
                    "}",
                ),
            )


# ---- Stored passwords ----------------------------------------------------------------------------


def _plain_scheme(scheme: str) -> str:
    return scheme.upper().partition(".")[0]


def _default_scheme(view: DovecotView) -> t.Iterator[Hit]:
    for one in view.passdbs:
        if one.driver not in ("passwd-file", "sql", "ldap", "dict"):
            continue
        scheme = _plain_scheme(one.scheme)
        taken = _read_as_clear_text(view, one)
        if scheme in _READABLE | _FAST:
            what = "the password itself" if scheme in _READABLE else f"a fast hash ({scheme})"
            message = f"What {one.subject} stores without naming a scheme is taken for {what}."
            severity: Severity = "medium"
        elif not scheme and taken:
            message = (
                f"A line of {one.subject} that names no scheme is taken for the password itself."
            )
            severity = "low"
        else:
            continue
        yield Hit(
            subject="dovecot",
            parameter=f"{one.subject}, " + view.spelt("scheme", "default_password_scheme"),
            observed=one.scheme or "PLAIN (the default)",
            expected=_GOOD,
            message=message,
            fix=_scheme_fix(view, one),
            severity=severity,
        )


def _read_as_clear_text(view: DovecotView, one: Passdb) -> bool:
    if not view.new or one.driver not in ("passwd-file", "sql"):
        return False
    written = view.value("dovecot_config_version").split(".")
    version = tuple(int(part) for part in written if part.isdigit())
    return version < _CRYPT_SINCE


def _scheme_fix(view: DovecotView, one: Passdb) -> Fix:
    if view.new:
        return append(view, f"passdb {one.name} {{", "default_password_scheme = ARGON2ID", "}")
    if one.driver == "passwd-file":
        return Fix("", f"in passdb {{ driver = passwd-file }}: args = scheme=ARGON2ID {one.file}")
    return Fix("", f"in {one.file or 'its file'}: default_pass_scheme = ARGON2ID")


def _stored_passwords(view: DovecotView) -> t.Iterator[Hit]:
    for one in view.passdbs:
        counted = view.facts.passwords.get(one.file, {}) if view.facts else {}
        default = _plain_scheme(one.scheme)
        clear = fast = 0
        for scheme, number in counted.items():
            real = scheme
            if scheme == UNPREFIXED:
                real = default or ("PLAIN" if _read_as_clear_text(view, one) else "CRYPT")
            clear += number if real in _READABLE else 0
            fast += number if real in _FAST else 0
        total = sum(number for scheme, number in counted.items() if scheme != LOCKED)
        if not clear and not fast:
            continue
        names = ", ".join(sorted(name for name in counted if name in _READABLE | _FAST))
        what = [
            f"{clear} can be read" if clear else "",
            f"{fast} have a fast hash" if fast else "",
        ]
        yield Hit(
            subject=one.file,
            parameter=one.subject,
            observed=names,
            expected=_GOOD,
            message=f"Of {total} passwords in {one.file}, {' and '.join(part for part in what if part)}.",
            fix=Fix("", f"doveadm pw -s ARGON2ID, and put the result into {quoted(one.file)}"),
            severity="high" if clear else "medium",
        )


def _several_passdbs(view: DovecotView) -> t.Iterator[Hit]:
    drivers = [one.driver for one in view.passdbs]
    system = [one for one in drivers if one in ("pam", "passwd", "shadow", "bsdauth")]
    if not system or len(drivers) == len(system):
        return
    others = ", ".join(one.subject for one in view.passdbs if one.driver not in system)
    yield Hit(
        subject="dovecot",
        parameter=f"passdb {system[0]}",
        observed=", ".join(one.subject for one in view.passdbs),
        expected=others,
        message=f"Besides {others}, the users of the system log in with their system passwords.",
        fix=Fix(
            "",
            "take !include auth-system.conf.ext out of conf.d/10-auth.conf "
            f"(or the section passdb {system[0]} where it stands), then doveadm reload",
        ),
    )


def _one_password(view: DovecotView) -> t.Iterator[Hit]:
    for one in view.passdbs:
        if one.driver != "static":
            continue
        options = dict(word.partition("=")[::2] for word in one.block.value("args").split())
        for fields in one.block.children("fields"):
            options.update(fields.settings)
        if options.get("proxy", "no") not in ("no", "n"):
            # The server behind checks the password.
            continue
        nobody_asks = options.get("nopassword", "no") not in ("no", "n")
        password = (
            options.get("password")
            or options.get("pass")
            or view.setting(one.block, "static_password")
        )
        if not nobody_asks and not (password or one.block.value("password")):
            continue
        yield Hit(
            subject="dovecot",
            parameter="passdb static",
            observed="no password asked for" if nobody_asks else "one password for all",
            expected="a password of one's own for each user",
            message="Anybody logs in as any user without a password."
            if nobody_asks
            else "Whoever knows one password logs in as any user.",
            fix=Fix("", "take the section passdb static out, then doveadm reload"),
            severity="critical" if nobody_asks else None,
        )


def _weak_schemes_allowed(view: DovecotView) -> t.Iterator[Hit]:
    if view.value("auth_allow_weak_schemes") == "yes":
        yield setting_hit(
            view,
            "auth_allow_weak_schemes",
            value="yes",
            expected="no",
            message="Dovecot is told to go on with hashes of MD5 and DES, which it refuses by itself.",
        )


def _logs_passwords(view: DovecotView) -> t.Iterator[Hit]:
    for name in ("auth_debug_passwords", "auth_verbose_passwords"):
        value = view.value(name)
        if value in ("", "no"):
            continue
        hashed = value.startswith("sha1")
        yield setting_hit(
            view,
            name,
            value=value,
            expected="no",
            message=(
                "A short hash of each wrong password is written to the log, which can be tried out."
                if hashed
                else "Passwords are written to the log."
            ),
            severity="medium" if hashed else None,
        )


RULES: t.Final[tuple[Rule[DovecotView], ...]] = (
    Rule(
        id="dovecot-cleartext-login",
        area="dovecot",
        severity="critical",
        title="Passwords are taken on connections without TLS",
        why="Everybody on the way can read the password, and send mail and read mail with it.",
        source="Dovecot settings disable_plaintext_auth (2.3), auth_allow_cleartext (2.4); RFC 8314 section 4.1",
        check=_cleartext_login,
        needs=_CONFIG,
        example="disable_plaintext_auth = no",
    ),
    Rule(
        id="dovecot-trusted-networks",
        area="dovecot",
        severity="medium",
        title="Networks of strangers are trusted",
        why="Whoever is in such a network logs in without TLS and hides behind a false address.",
        source="Dovecot setting login_trusted_networks; Dovecot, SSL/TLS configuration: secured connections",
        check=_trusted_networks,
        needs=_CONFIG,
        example="login_trusted_networks = 0.0.0.0/0",
    ),
    Rule(
        id="dovecot-weak-mechanisms",
        area="dovecot",
        severity="high",
        title="Weak ways of logging in are switched on",
        why="Inside TLS they protect nothing, and the server must keep passwords in a form that a thief can use.",
        source="Dovecot, authentication mechanisms; RFC 6331; RFC 8314 section 4.1",
        check=_weak_mechanisms,
        needs=_CONFIG,
        example="auth_mechanisms = plain login cram-md5",
    ),
    Rule(
        id="dovecot-postfix-socket-missing",
        area="dovecot",
        severity="high",
        title="Postfix looks for a login socket that Dovecot does not make",
        why="People cannot send mail: smtpd dies when it cannot find the socket, and the connection breaks off.",
        source="Postfix SASL_README, Configuring Dovecot SASL; Dovecot, service auth",
        check=_postfix_socket_missing,
        needs=_HOST,
        dies=True,
        example="smtpd_sasl_path = private/auth without the unix_listener",
    ),
    Rule(
        id="dovecot-postfix-socket-closed",
        area="dovecot",
        severity="high",
        title="Postfix may not use the login socket of Dovecot",
        why="People cannot send mail: smtpd dies when it may not connect to the socket, and the connection breaks off.",
        source="Postfix SASL_README, Configuring Dovecot SASL",
        check=_postfix_socket_closed,
        needs=_HOST,
        dies=True,
        example="unix_listener of mode 0600 that belongs to root",
    ),
    Rule(
        id="dovecot-auth-socket-open",
        area="dovecot",
        severity="medium",
        title="Every user of the host may ask the login socket",
        why="Any program on this host can try passwords there, without the delay and the log of a login.",
        source="Postfix SASL_README (mode 0660); Dovecot, service auth",
        check=_socket_open,
        needs=_CONFIG,
        example="unix_listener with mode = 0666",
    ),
    Rule(
        id="dovecot-auth-on-network",
        area="dovecot",
        severity="high",
        title="The service that checks passwords listens on the network",
        why="Passwords go to it in clear text, and anybody can try them there.",
        source="Dovecot, service auth: inet_listener; Postfix SASL_README",
        check=_auth_on_network,
        needs=_CONFIG,
        example="service auth { inet_listener { port = 12345 } }",
    ),
    Rule(
        id="dovecot-default-scheme",
        area="dovecot",
        severity="medium",
        title="A stored password without a scheme is taken for a weak one",
        why="A line that someone adds without the scheme then stores the password itself, or a hash that is soon broken.",
        source="Dovecot, password schemes; setting passdb_default_password_scheme (PLAIN before 2.4.3)",
        check=_default_scheme,
        needs=_CONFIG,
        example="passdb { driver = passwd-file, args = scheme=PLAIN /etc/dovecot/users }",
    ),
    Rule(
        id="dovecot-stored-passwords",
        area="dovecot",
        severity="high",
        title="Passwords are stored so that a thief can use them",
        why="Who gets hold of the file, or of a backup of it, has the passwords or finds them in hours.",
        source="Dovecot, password schemes",
        check=_stored_passwords,
        needs=_HOST,
        example="a line user:{PLAIN}... in the passwd-file",
    ),
    Rule(
        id="dovecot-system-users-too",
        area="dovecot",
        severity="medium",
        title="System users can log in beside the mail users",
        why="A guessed system password opens the mail service, and a guessed mail login opens a way to the system.",
        source="Dovecot, multiple authentication databases",
        check=_several_passdbs,
        needs=_CONFIG,
        example="passdb pam beside passdb passwd-file",
    ),
    Rule(
        id="dovecot-one-password-for-all",
        area="dovecot",
        severity="high",
        title="One password, or none, opens every mailbox",
        why="A passdb of this kind is for tests and proxies; here it lets one person read the mail of all.",
        source="Dovecot, static password database",
        check=_one_password,
        needs=_CONFIG,
        example="passdb { driver = static, args = nopassword=y }",
    ),
    Rule(
        id="dovecot-weak-schemes-allowed",
        area="dovecot",
        severity="high",
        title="Broken password hashes are allowed",
        why="Passwords with such hashes are found in minutes once the file is stolen.",
        source="Dovecot setting auth_allow_weak_schemes",
        check=_weak_schemes_allowed,
        needs=_CONFIG,
        example="auth_allow_weak_schemes = yes",
    ),
    Rule(
        id="dovecot-logs-passwords",
        area="dovecot",
        severity="high",
        title="Passwords are logged",
        why="Logs are read by many and kept for long, and a mistyped password is nearly the right one.",
        source="Dovecot settings auth_debug_passwords, auth_verbose_passwords",
        check=_logs_passwords,
        needs=_CONFIG,
        example="auth_verbose_passwords = plain",
    ),
)

__all__ = ("RULES",)
