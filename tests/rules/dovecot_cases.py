# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of a real Dovecot, and whether a rule of the validator must report them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

#: Releases of the laboratory with their Dovecot: 2.3.13, 2.3.19, 2.4.1 and 2.4.5.
RELEASES: t.Final = ("bullseye", "bookworm", "trixie", "sid")
OLD: t.Final = frozenset({"bullseye", "bookworm"})
NEW: t.Final = frozenset({"trixie", "sid"})
NONE: t.Final[frozenset[str]] = frozenset()
ALL: t.Final = frozenset(RELEASES)

Kind = t.Literal["fails", "passes", "absent", "overridden"]


@dataclass(frozen=True)
class Case:
    """Debian's own configuration of each release with lines added, in the words of 2.3 and of 2.4.

    ``new`` is as ``old`` when it is None. ``setup`` is shell in the directory of the configuration (``$CASE``,
    with the copy of /etc/dovecot), run before. ``master`` is added to Postfix's master.cf. ``found`` are the
    releases on which the rule must report it, ``subject`` what it must name (``$CASE`` is filled in).
    ``whole`` takes Debian's own files away. ``mended`` is whether the command of the fix, run as it is, must
    mend it.
    """

    rule: str
    kind: Kind
    old: str = ""
    new: t.Optional[str] = None
    found: frozenset[str] = ALL
    setup: str = ""
    master: str = ""
    subject: str = "dovecot"
    whole: bool = False
    mended: bool = True
    name: str = ""
    #: 2.4 refuses what 2.3 lets stand.
    releases: frozenset[str] = ALL

    @property
    def id(self) -> str:
        """The name of the case in a test."""
        return "-".join(part for part in (self.rule, self.kind, self.name) if part)

    def job(self, release: str) -> dict[str, t.Any]:
        """Return what apply_dovecot_cases.py needs."""
        new = self.old if self.new is None else self.new
        return {
            "rule": self.rule,
            "text": self.old if release in OLD else new,
            "setup": self.setup,
            "master": self.master,
            "whole": self.whole,
            "mend": self.mended,
        }


def users(*fields: str) -> str:
    """Return shell that writes a passwd-file with these password fields."""
    lines = "\\n".join(f"user{number}:{field}" for number, field in enumerate(fields))
    return (
        f"printf '{lines}\\n' >$CASE/users; chown root:dovecot $CASE/users; chmod 0640 $CASE/users"
    )


def make(name: str, options: str, *, more: str = "") -> str:
    """Return shell that makes a certificate ``name.crt`` with its key ``name.key``."""
    return (
        f"cd $CASE; openssl req -x509 -nodes -newkey {options} -subj /CN=imap.example "
        f"-addext subjectAltName=DNS:imap.example -keyout {name}.key -out {name}.crt {more} 2>/dev/null; "
        f"chmod 0600 {name}.key; "
    )


PAIR_OLD: t.Final = "ssl_cert = <$CASE/own.crt\nssl_key = <$CASE/own.key\n"
PAIR_NEW: t.Final = "ssl_server_cert_file = $CASE/own.crt\nssl_server_key_file = $CASE/own.key\n"
EC: t.Final = "ec -pkeyopt ec_paramgen_curve:P-256"
OWN: t.Final = make("own", EC, more="-days 300")
#: Of the year 2020: x509 takes no date before now, ca does.
OVER: t.Final = OWN + (
    "openssl req -new -key own.key -subj /CN=imap.example -out own.csr; : >index; echo 01 >serial; "
    "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n"
    "default_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' >ca.cnf; "
    "openssl ca -config ca.cnf -batch -selfsign -in own.csr -keyfile own.key -startdate 20200101000000Z "
    "-enddate 20200201000000Z -notext -out own.crt 2>/dev/null"
)
NO_PORTS: t.Final = "protocols =\n"
#: An own authority: its certificate, an intermediate one, and a host's below that.
CHAIN: t.Final = (
    make("root", EC, more="-days 300")
    + "for one in 'middle root TRUE' 'own middle FALSE'; do set -- $one; "
    "openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=$1.example -keyout $1.key "
    "-out $1.csr 2>/dev/null; printf 'basicConstraints=CA:%s\\n' $3 >$1.ext; "
    "openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 300 -extfile $1.ext "
    "-out $1.crt 2>/dev/null; done; chmod 0600 own.key; "
)
SUBMISSION: t.Final = (
    "submission inet n - y - - smtpd\n"
    " -o smtpd_tls_security_level=encrypt\n"
    " -o smtpd_sasl_auth_enable=yes\n"
    " -o smtpd_sasl_type=dovecot\n"
    " -o smtpd_sasl_path=private/auth\n"
)


def socket(mode: str, user: str = "postfix", group: str = "postfix", path: str = "") -> str:
    """Return the configuration of the login socket."""
    place = path or "/var/spool/postfix/private/auth"
    lines = [f"mode = {mode}", *([f"user = {user}"] if user else [])]
    lines += [f"group = {group}"] if group else []
    inside = "\n".join(lines)
    return f"service auth {{\nunix_listener {place} {{\n{inside}\n}}\n}}\n"


def passwd_file(scheme: str) -> dict[str, str]:
    """Return a passdb with the file $CASE/users in the words of both."""
    return {
        "old": "passdb {\ndriver = passwd-file\nargs = " + scheme_of(scheme) + "$CASE/users\n}\n",
        "new": "passdb passwd-file {\npasswd_file_path = $CASE/users\n"
        + (f"default_password_scheme = {scheme}\n" if scheme else "")
        + "}\n",
    }


def scheme_of(scheme: str) -> str:
    """Return the option of 2.3."""
    return f"scheme={scheme} " if scheme else ""


GOOD_HASH: t.Final = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA"
HASHED: t.Final = users(GOOD_HASH)


def both(rule: str, kind: Kind, text: str, **more: t.Any) -> Case:
    """Return a case whose text is the same for 2.3 and 2.4."""
    return Case(rule, kind, text, **more)


CASES: t.Final = (
    # TLS is demanded
    both("dovecot-tls-not-required", "fails", "ssl = yes\n"),
    both("dovecot-tls-not-required", "fails", "ssl = no\n", name="off"),
    both("dovecot-tls-not-required", "passes", "ssl = required\n", found=NONE),
    Case("dovecot-tls-not-required", "absent"),
    both("dovecot-tls-not-required", "absent", NO_PORTS, found=NONE, name="no-ports"),
    both(
        "dovecot-tls-not-required",
        "overridden",
        "ssl = required\nprotocol imap {\nssl = no\n}\n",
        subject="dovecot: protocol imap",
    ),
    # Ports
    both("dovecot-plaintext-ports", "fails", "ssl = yes\n"),
    both("dovecot-plaintext-ports", "passes", "ssl = required\n", found=NONE),
    both(
        "dovecot-plaintext-ports",
        "passes",
        "protocols = imap\nservice imap-login {\ninet_listener imap {\nport = 0\n}\n}\n",
        found=NONE,
        name="closed",
    ),
    Case(
        "dovecot-plaintext-ports",
        "passes",
        "protocols = imap\nservice imap-login {\ninet_listener imap {\naddress = 127.0.0.1\n}\n}\n",
        "protocols = imap\nservice imap-login {\ninet_listener imap {\nlisten = 127.0.0.1\n}\n}\n",
        found=NONE,
        name="loopback",
    ),
    both(
        "dovecot-plaintext-ports",
        "fails",
        "service imap-login {\ninet_listener imap {\nport = 0\n}\ninet_listener other {\nport = 1143\n}\n}\n",
        name="another",
    ),
    Case("dovecot-plaintext-ports", "absent"),
    # Protocols
    both("dovecot-old-protocols", "fails", "ssl_min_protocol = TLSv1\n"),
    both("dovecot-old-protocols", "fails", "ssl_min_protocol = TLSv1.1\n", name="1.1"),
    both("dovecot-old-protocols", "fails", "ssl_min_protocol = ANY\n", name="any"),
    both("dovecot-old-protocols", "fails", "ssl_min_protocol = TLS1.2\n", name="misspelt"),
    both("dovecot-old-protocols", "passes", "ssl_min_protocol = TLSv1.2\n", found=NONE),
    both("dovecot-old-protocols", "passes", "ssl_min_protocol = TLSv1.3\n", found=NONE, name="1.3"),
    both(
        "dovecot-old-protocols",
        "passes",
        "ssl = no\nssl_min_protocol = TLSv1\n",
        found=NONE,
        name="off",
    ),
    Case("dovecot-old-protocols", "absent", found=frozenset({"bullseye"})),
    both(
        "dovecot-old-protocols",
        "overridden",
        "ssl_min_protocol = TLSv1.2\nlocal 192.0.2.1 {\nprotocol imap {\nssl_min_protocol = TLSv1\n}\n}\n",
        subject="dovecot: local 192.0.2.1 protocol imap",
    ),
    # Suites
    both("dovecot-weak-ciphers", "fails", "ssl_cipher_list = ALL:!LOW:!SSLv2:!EXP\n"),
    both("dovecot-weak-ciphers", "fails", "ssl_cipher_list = HIGH:!aNULL\n", name="static-rsa"),
    both("dovecot-weak-ciphers", "fails", "ssl_cipher_list = eNULL:HIGH:!aNULL\n", name="null"),
    both("dovecot-weak-ciphers", "fails", "ssl_cipher_list = AES266\n", name="empty"),
    both(
        "dovecot-weak-ciphers",
        "passes",
        "ssl_cipher_list = EECDH+AESGCM:EECDH+CHACHA20\n",
        found=NONE,
    ),
    Case("dovecot-weak-ciphers", "absent", found=NONE),
    both(
        "dovecot-weak-ciphers",
        "overridden",
        "local_name old.example {\nssl_cipher_list = HIGH\n}\n",
        subject="dovecot: local_name old.example",
    ),
    # Diffie-Hellman: Debian sets the file with 2.3
    Case(
        "dovecot-own-dh-parameters",
        "fails",
        "ssl_dh = </usr/share/dovecot/dh.pem\n",
        "ssl_server_dh_file = /usr/share/dovecot/dh.pem\n",
    ),
    Case("dovecot-own-dh-parameters", "passes", "ssl_dh =\n", "ssl_server_dh_file =\n", found=NONE),
    Case("dovecot-own-dh-parameters", "absent", found=OLD),
    # Preference
    Case(
        "dovecot-server-preference",
        "fails",
        "ssl_prefer_server_ciphers = yes\n",
        "ssl_server_prefer_ciphers = server\n",
    ),
    Case(
        "dovecot-server-preference",
        "passes",
        "ssl_prefer_server_ciphers = no\n",
        "ssl_server_prefer_ciphers = client\n",
        found=NONE,
    ),
    Case("dovecot-server-preference", "absent", found=NONE),
    # Certificates
    Case(
        "dovecot-certificate-unusable",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=OWN + make("other", EC) + "cp other.key own.key",
        mended=False,
        name="mismatch",
    ),
    Case(
        "dovecot-certificate-unusable",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup="",
        mended=False,
        name="missing",
    ),
    Case("dovecot-certificate-unusable", "passes", PAIR_OLD, PAIR_NEW, setup=OWN, found=NONE),
    Case(
        "dovecot-certificate-unusable",
        "passes",
        PAIR_OLD + "ssl_key_password = geheimnis\n",
        PAIR_NEW + "ssl_server_key_password = geheimnis\n",
        setup=OWN
        + "openssl pkcs8 -topk8 -in own.key -out enc.key -passout pass:geheimnis; mv enc.key own.key",
        found=NONE,
        name="encrypted",
    ),
    Case("dovecot-certificate-unusable", "absent", found=NONE),
    Case(
        "dovecot-certificate-unusable",
        "overridden",
        "local_name a.example {\n" + PAIR_OLD + "}\n",
        "local_name a.example {\n" + PAIR_NEW + "}\n",
        subject="dovecot: local_name a.example",
        mended=False,
    ),
    Case(
        "dovecot-certificate-dates",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=make("own", EC, more="-days 3"),
        mended=False,
        name="soon",
    ),
    Case(
        "dovecot-certificate-dates",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=OVER,
        mended=False,
        name="over",
    ),
    Case("dovecot-certificate-dates", "passes", PAIR_OLD, PAIR_NEW, setup=OWN, found=NONE),
    Case("dovecot-certificate-dates", "absent", found=NONE),
    Case(
        "dovecot-certificate-weak",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=make("own", "rsa:1024", more="-days 300"),
        mended=False,
        name="key",
    ),
    Case(
        "dovecot-certificate-weak",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=make("own", "rsa:3072", more="-days 300 -sha1"),
        mended=False,
        name="sha1",
    ),
    Case("dovecot-certificate-weak", "passes", PAIR_OLD, PAIR_NEW, setup=OWN, found=NONE),
    Case(
        "dovecot-certificate-weak",
        "absent",
        found=frozenset({"bullseye", "bookworm", "trixie"}),
        mended=False,
    ),
    Case("dovecot-certificate-chain", "fails", PAIR_OLD, PAIR_NEW, setup=CHAIN, mended=False),
    Case(
        "dovecot-certificate-chain",
        "passes",
        PAIR_OLD,
        PAIR_NEW,
        setup=CHAIN + "cat middle.crt >>own.crt",
        found=NONE,
    ),
    Case("dovecot-certificate-chain", "absent", found=NONE),
    Case("dovecot-certificate-self-signed", "fails", PAIR_OLD, PAIR_NEW, setup=OWN, mended=False),
    Case(
        "dovecot-certificate-self-signed",
        "passes",
        PAIR_OLD,
        PAIR_NEW,
        setup=CHAIN + "cat middle.crt >>own.crt",
        found=NONE,
    ),
    Case("dovecot-certificate-self-signed", "absent", mended=False),
    Case("dovecot-key-readable", "fails", PAIR_OLD, PAIR_NEW, setup=OWN + "chmod 0644 own.key"),
    Case(
        "dovecot-key-readable",
        "fails",
        PAIR_OLD,
        PAIR_NEW,
        setup=OWN + "chgrp dovecot own.key; chmod 0640 own.key",
        name="group",
    ),
    Case("dovecot-key-readable", "passes", PAIR_OLD, PAIR_NEW, setup=OWN, found=NONE),
    Case("dovecot-key-readable", "absent", found=NONE),
    # Logging in
    Case(
        "dovecot-cleartext-login",
        "fails",
        "disable_plaintext_auth = no\n",
        "auth_allow_cleartext = yes\n",
    ),
    Case(
        "dovecot-cleartext-login",
        "fails",
        "ssl = required\ndisable_plaintext_auth = no\n",
        "ssl = required\nauth_allow_cleartext = yes\n",
        releases=OLD,
        name="required",
    ),
    Case(
        "dovecot-cleartext-login",
        "passes",
        "disable_plaintext_auth = yes\n",
        "auth_allow_cleartext = no\n",
        found=NONE,
    ),
    Case(
        "dovecot-cleartext-login",
        "passes",
        "disable_plaintext_auth = no\n" + NO_PORTS,
        "auth_allow_cleartext = yes\n" + NO_PORTS,
        found=NONE,
        name="no-ports",
    ),
    Case("dovecot-cleartext-login", "absent", found=NONE),
    Case(
        "dovecot-cleartext-login",
        "overridden",
        "remote 192.0.2.0/24 {\ndisable_plaintext_auth = no\n}\n",
        "remote 192.0.2.0/24 {\nauth_allow_cleartext = yes\n}\n",
        subject="dovecot: remote 192.0.2.0/24",
    ),
    Case(
        "dovecot-cleartext-login",
        "overridden",
        "remote 127.0.0.1 {\ndisable_plaintext_auth = no\n}\n",
        "remote 127.0.0.1 {\nauth_allow_cleartext = yes\n}\n",
        found=NONE,
        name="this-host",
    ),
    both("dovecot-trusted-networks", "fails", "login_trusted_networks = 0.0.0.0/0\n"),
    both(
        "dovecot-trusted-networks",
        "fails",
        "login_trusted_networks = 10.0.0.0/8 9.9.0.0/16\n",
        name="public",
    ),
    both(
        "dovecot-trusted-networks",
        "passes",
        "login_trusted_networks = 10.0.0.0/8 9.9.9.9 2001:db8::/32\n",
        found=NONE,
    ),
    Case("dovecot-trusted-networks", "absent", found=NONE),
    both("dovecot-weak-mechanisms", "fails", "auth_mechanisms = plain login cram-md5\n"),
    both(
        "dovecot-weak-mechanisms", "fails", "auth_mechanisms = plain anonymous\n", name="anonymous"
    ),
    Case(
        "dovecot-weak-mechanisms",
        "fails",
        "auth_mechanisms = DIGEST-MD5\n",
        "auth_mechanisms {\nplain = yes\ndigest-md5 = yes\n}\n",
        name="other-forms",
    ),
    both(
        "dovecot-weak-mechanisms",
        "passes",
        "auth_mechanisms = plain login scram-sha-256\n",
        found=NONE,
    ),
    Case("dovecot-weak-mechanisms", "absent", found=NONE),
    Case("dovecot-postfix-socket-missing", "fails", master=SUBMISSION),
    both(
        "dovecot-postfix-socket-missing",
        "fails",
        socket("0660", path="/run/dovecot/postfix-auth"),
        master=SUBMISSION,
        name="elsewhere",
    ),
    both("dovecot-postfix-socket-missing", "passes", socket("0660"), master=SUBMISSION, found=NONE),
    Case("dovecot-postfix-socket-missing", "absent", found=NONE),
    both(
        "dovecot-postfix-socket-closed", "fails", socket("0600", "root", "root"), master=SUBMISSION
    ),
    both(
        "dovecot-postfix-socket-closed",
        "fails",
        socket("0640", "root", "postfix"),
        master=SUBMISSION,
        name="read-only",
    ),
    both(
        "dovecot-postfix-socket-closed",
        "fails",
        socket("0660", "", ""),
        master=SUBMISSION,
        name="default-owner",
    ),
    both(
        "dovecot-postfix-socket-closed",
        "passes",
        socket("0660", "", "postfix"),
        master=SUBMISSION,
        found=NONE,
    ),
    both(
        "dovecot-postfix-socket-closed",
        "passes",
        socket("0600", "postfix", ""),
        master=SUBMISSION,
        found=NONE,
        name="owner",
    ),
    both(
        "dovecot-postfix-socket-closed",
        "passes",
        socket("0666", "", ""),
        master=SUBMISSION,
        found=NONE,
        name="everybody",
    ),
    Case("dovecot-postfix-socket-closed", "absent", found=NONE),
    both("dovecot-auth-socket-open", "fails", socket("0666", "", "")),
    both(
        "dovecot-auth-socket-open",
        "fails",
        socket("0666", path="/run/dovecot/postfix-auth"),
        name="open-directory",
    ),
    both("dovecot-auth-socket-open", "passes", socket("0660"), found=NONE),
    Case("dovecot-auth-socket-open", "absent", found=NONE),
    both(
        "dovecot-auth-on-network",
        "fails",
        "service auth {\ninet_listener postfix {\nport = 12345\n}\n}\n",
    ),
    Case(
        "dovecot-auth-on-network",
        "passes",
        "service auth {\ninet_listener postfix {\nport = 12345\naddress = 127.0.0.1\n}\n}\n",
        "service auth {\ninet_listener postfix {\nport = 12345\nlisten = 127.0.0.1\n}\n}\n",
        found=NONE,
    ),
    Case("dovecot-auth-on-network", "absent", found=NONE),
    # Stored passwords
    Case("dovecot-default-scheme", "fails", **passwd_file("PLAIN"), setup=HASHED, mended=False),
    Case(
        "dovecot-default-scheme",
        "fails",
        **passwd_file("SHA1"),
        setup=HASHED,
        mended=False,
        name="fast",
    ),
    Case(
        "dovecot-default-scheme",
        "fails",
        old="",
        new=passwd_file("PLAIN")["new"],
        setup=HASHED,
        found=NEW,
        name="mended",
    ),
    Case("dovecot-default-scheme", "passes", **passwd_file("BLF-CRYPT"), setup=HASHED, found=NONE),
    # Debian's file of trixie names the configuration version 2.4.0, that of sid 2.4.5.
    Case(
        "dovecot-default-scheme",
        "absent",
        **passwd_file(""),
        setup=HASHED,
        found=frozenset({"trixie"}),
    ),
    Case(
        "dovecot-stored-passwords",
        "fails",
        **passwd_file("BLF-CRYPT"),
        setup=users("{PLAIN}geheimnis", GOOD_HASH),
        subject="$CASE/users",
        mended=False,
    ),
    Case(
        "dovecot-stored-passwords",
        "fails",
        **passwd_file("BLF-CRYPT"),
        setup=users("{SHA}dGVzdA==", "{MD5}$1$x$y"),
        subject="$CASE/users",
        mended=False,
        name="fast",
    ),
    Case(
        "dovecot-stored-passwords",
        "fails",
        **passwd_file("PLAIN"),
        setup=users("geheimnis"),
        subject="$CASE/users",
        mended=False,
        name="unprefixed",
    ),
    Case(
        "dovecot-stored-passwords",
        "passes",
        **passwd_file("BLF-CRYPT"),
        setup=users(GOOD_HASH, "$6$salt$hash", "{BLF-CRYPT}$2y$05$x", "*", "$2y$05$abc"),
        found=NONE,
    ),
    Case("dovecot-stored-passwords", "absent", found=NONE),
    Case(
        "dovecot-system-users-too", "fails", **passwd_file("BLF-CRYPT"), setup=HASHED, mended=False
    ),
    Case(
        "dovecot-system-users-too",
        "passes",
        **passwd_file("BLF-CRYPT"),
        setup=HASHED + "; sed -i 's/^!include auth-system/#&/' $CASE/conf.d/10-auth.conf",
        found=NONE,
    ),
    Case("dovecot-system-users-too", "absent", found=NONE),
    Case(
        "dovecot-one-password-for-all",
        "fails",
        "passdb {\ndriver = static\nargs = nopassword=y\n}\n",
        "passdb static {\nfields {\nnopassword = yes\n}\n}\n",
        mended=False,
    ),
    Case(
        "dovecot-one-password-for-all",
        "fails",
        "passdb {\ndriver = static\nargs = password=geheimnis\n}\n",
        "passdb static {\npassword = geheimnis\n}\n",
        mended=False,
        name="one",
    ),
    Case(
        "dovecot-one-password-for-all",
        "passes",
        "passdb {\ndriver = static\nargs = proxy=y nopassword=y host=192.0.2.1\n}\n",
        "passdb static {\nfields {\nproxy = yes\nnopassword = yes\nhost = 192.0.2.1\n}\n}\n",
        found=NONE,
        name="proxy",
    ),
    Case(
        "dovecot-one-password-for-all",
        "passes",
        **passwd_file("BLF-CRYPT"),
        setup=HASHED,
        found=NONE,
    ),
    Case("dovecot-one-password-for-all", "absent", found=NONE),
    Case("dovecot-weak-schemes-allowed", "fails", "", "auth_allow_weak_schemes = yes\n", found=NEW),
    Case(
        "dovecot-weak-schemes-allowed", "passes", "", "auth_allow_weak_schemes = no\n", found=NONE
    ),
    Case("dovecot-weak-schemes-allowed", "absent", found=NONE),
    both("dovecot-logs-passwords", "fails", "auth_verbose_passwords = plain\n"),
    both("dovecot-logs-passwords", "fails", "auth_verbose_passwords = sha1:6\n", name="hash"),
    both("dovecot-logs-passwords", "fails", "auth_debug_passwords = yes\n", name="debug"),
    both(
        "dovecot-logs-passwords",
        "passes",
        "auth_verbose_passwords = no\nauth_debug_passwords = no\n",
        found=NONE,
    ),
    Case("dovecot-logs-passwords", "absent", found=NONE),
    # The files
    Case(
        "dovecot-configuration-refused",
        "fails",
        "dovecot_config_version = 2.4.1\n",
        "ssl_cert = </etc/dovecot/private/dovecot.pem\n",
        subject="$CASE/dovecot.conf",
        mended=False,
    ),
    both(
        "dovecot-configuration-refused",
        "fails",
        "ssl = perhaps\n",
        subject="$CASE/dovecot.conf",
        mended=False,
        name="value",
    ),
    both(
        "dovecot-configuration-refused",
        "fails",
        "protocol imap {\n",
        subject="$CASE/dovecot.conf",
        mended=False,
        name="brace",
    ),
    both(
        "dovecot-configuration-refused",
        "fails",
        "passdb {\ndriver = pam\n}\n",
        subject="$CASE/dovecot.conf",
        found=NEW,
        mended=False,
        name="unnamed",
    ),
    both("dovecot-configuration-refused", "passes", "ssl = required\n", found=NONE),
    Case("dovecot-configuration-refused", "absent", found=NONE),
    Case(
        "dovecot-foreign-names",
        "fails",
        "ssl_dh_parameters_length = 4096\n",
        "disable_plaintext_auth = no\n",
        subject="$CASE/dovecot.conf",
        mended=False,
    ),
    Case(
        "dovecot-foreign-names",
        "fails",
        "auth_allow_cleartext = yes\n",
        "ssl_protocols = !SSLv3\n",
        subject="$CASE/dovecot.conf",
        mended=False,
        name="other",
    ),
    both(
        "dovecot-foreign-names",
        "fails",
        "passdb {\ndriver = pam\n}\n",
        subject="$CASE/dovecot.conf",
        found=NEW,
        mended=False,
        name="unnamed",
    ),
    both(
        "dovecot-foreign-names", "passes", "# ssl_protocols = !SSLv3\nssl = required\n", found=NONE
    ),
    Case("dovecot-foreign-names", "absent", found=NONE),
    Case(
        "dovecot-complains",
        "fails",
        "ssl_protocols = !SSLv2\n",
        "",
        subject="$CASE/dovecot.conf",
        found=OLD,
        mended=False,
    ),
    Case("dovecot-complains", "passes", "ssl_protocols = !SSLv3\n", "", found=NONE),
    Case("dovecot-complains", "absent", found=NONE),
    Case(
        "dovecot-readable-secrets",
        "fails",
        "ssl_key_password = geheimnis\n",
        "ssl_server_key_password = geheimnis\n",
        subject="$CASE/dovecot.conf",
        mended=False,
    ),
    both(
        "dovecot-readable-secrets",
        "fails",
        "doveadm_password = geheimnis\n",
        subject="$CASE/dovecot.conf",
        mended=False,
        name="doveadm",
    ),
    Case(
        "dovecot-readable-secrets",
        "fails",
        "passdb {\ndriver = sql\nargs = $CASE/sql.conf.ext\n}\n",
        "",
        setup="printf 'driver = mysql\\nconnect = host=db password=geheimnis\\n' >$CASE/sql.conf.ext; chmod 0644 $CASE/sql.conf.ext",
        subject="$CASE/sql.conf.ext",
        found=OLD,
        mended=False,
        name="sql",
    ),
    Case(
        "dovecot-readable-secrets",
        "fails",
        **passwd_file("BLF-CRYPT"),
        setup=HASHED + "; chmod 0644 $CASE/users",
        subject="$CASE/users",
        name="passwords",
    ),
    Case(
        "dovecot-readable-secrets",
        "passes",
        "ssl_key_password = geheimnis\n",
        "ssl_server_key_password = geheimnis\n",
        setup="chmod 0640 $CASE/dovecot.conf",
        found=NONE,
    ),
    Case(
        "dovecot-readable-secrets",
        "passes",
        "ssl_key_password = <$CASE/word\n",
        "ssl_server_key_password = <$CASE/word\n",
        setup="echo geheimnis >$CASE/word; chmod 0600 $CASE/word",
        found=NONE,
        name="file",
    ),
    Case("dovecot-readable-secrets", "absent", found=NONE),
)

_GOOD: t.Final = (
    "ssl = required\nssl_min_protocol = TLSv1.2\nauth_mechanisms = plain login\n" + socket("0660")
)
#: What every rule is content with.
GOOD: t.Final = Case(
    "",
    "passes",
    _GOOD + PAIR_OLD + passwd_file("ARGON2ID")["old"],
    _GOOD + PAIR_NEW + passwd_file("ARGON2ID")["new"],
    setup=CHAIN
    + "cat middle.crt >>own.crt; "
    + HASHED
    + "; sed -i 's/^!include auth-system/#&/' $CASE/conf.d/10-auth.conf",
    master=SUBMISSION,
    mended=False,
)
