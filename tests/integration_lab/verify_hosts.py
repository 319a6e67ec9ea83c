# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server configured by hand, which ``verify`` must pass, and ways to break it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

USER: t.Final = "probe"
PASSWORD: t.Final = "correct horse, battery"

#: Certificates: good, and one for each way to be bad.
CERTIFICATES = r"""
set -e
mkdir -p /etc/ssl/lab && cd /etc/ssl/lab
name=$(hostname -f)
curve='ec -pkeyopt ec_paramgen_curve:P-256'
openssl req -x509 -nodes -newkey $curve -days 300 -subj '/CN=Lab Root' -keyout root.key -out root.crt 2>/dev/null
issue() { # file, common name, issuer, is a CA, key, days
  openssl req -nodes -newkey $5 -subj "/CN=$2" -keyout $1.key -out $1.csr 2>/dev/null
  printf 'basicConstraints=CA:%s\nsubjectAltName=DNS:%s\n' $4 "${2// /-}" >$1.ext
  openssl x509 -req -in $1.csr -CA $3.crt -CAkey $3.key -CAcreateserial -days $6 -extfile $1.ext -out $1.crt 2>/dev/null
}
issue middle 'Lab Middle' root TRUE "$curve" 300
issue good $name middle FALSE "$curve" 90
issue other other.example middle FALSE "$curve" 90
issue soon $name middle FALSE "$curve" 5
issue small $name middle FALSE rsa:1024 90
issue rsa $name middle FALSE rsa:2048 90
cp good.key leaf.key; cp good.crt leaf.crt
openssl req -x509 -nodes -newkey $curve -days 90 -subj /CN=$name -addext subjectAltName=DNS:$name -keyout own.key -out own.crt 2>/dev/null
: >index; echo 01 >serial
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
cp good.key old.key
openssl ca -config ca.cnf -batch -in good.csr -keyfile middle.key -cert middle.crt -extfile good.ext \
  -startdate 20200101000000Z -enddate 20200201000000Z -notext -out old.crt 2>/dev/null
for one in good other soon small rsa old; do cat middle.crt >>$one.crt; done
for one in good other soon small rsa old own leaf; do cat $one.key $one.crt >$one.pem; done
chmod 0600 *.key *.pem
"""

#: Postfix as the rules want it, without the role.
POSTFIX = r"""
postconf -e smtpd_tls_security_level=may smtpd_tls_auth_only=yes smtpd_tls_chain_files=/etc/ssl/lab/good.pem \
  'smtpd_tls_protocols=!SSLv2,!SSLv3,!TLSv1,!TLSv1.1' 'smtpd_tls_mandatory_protocols=!SSLv2,!SSLv3,!TLSv1,!TLSv1.1' \
  smtpd_tls_ciphers=high smtpd_tls_mandatory_ciphers=high \
  'smtpd_tls_exclude_ciphers=aNULL,kRSA,kDHE,SHA1,SHA256,SHA384,CAMELLIA,ARIA,AESCCM8,AESCCM,PSK,SRP,DSS' \
  disable_vrfy_command=yes smtpd_helo_required=yes smtpd_forbid_bare_newline=normalize \
  smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth smtpd_sasl_auth_enable=no \
  'smtpd_banner=$myhostname ESMTP' home_mailbox=Maildir/ mynetworks=127.0.0.0/8 \
  'smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination' \
  mydestination=$(hostname -f),localhost inet_protocols=ipv4 smtpd_client_connection_rate_limit=0
! openssl list -kem-algorithms 2>/dev/null | grep -q MLKEM768 \
  || postconf -e 'tls_eecdh_auto_curves=X25519MLKEM768,X25519,prime256v1,secp384r1'
postconf -X smtpd_tls_cert_file smtpd_tls_key_file smtpd_tls_session_cache_database 2>/dev/null || :
cat >>/etc/postfix/master.cf <<'END'
submission inet n - y - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=
submissions inet n - y - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=
END
"""

DOVECOT = r"""
useradd -m probe
echo 'probe:{PLAIN}@PASSWORD@' >/etc/dovecot/users
chown root:dovecot /etc/dovecot/users; chmod 0640 /etc/dovecot/users
sed -i 's/^!include auth-system/#&/' /etc/dovecot/conf.d/10-auth.conf
{
if dovecot --version | grep -q '^2\.4'; then cat <<'END'
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb passwd {
}
mail_driver = maildir
mail_path = ~/Maildir
mail_inbox_path = ~/Maildir
ssl_server_cert_file = /etc/ssl/lab/good.crt
ssl_server_key_file = /etc/ssl/lab/good.key
END
else cat <<'END'
passdb {
  driver = passwd-file
  args = scheme=PLAIN /etc/dovecot/users
}
userdb {
  driver = passwd
}
mail_location = maildir:~/Maildir
ssl_cert = </etc/ssl/lab/good.crt
ssl_key = </etc/ssl/lab/good.key
END
fi
cat <<'END'
ssl = required
ssl_min_protocol = TLSv1.2
ssl_cipher_list = EECDH+AESGCM:EECDH+CHACHA20
auth_mechanisms = plain login
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
END
} >/etc/dovecot/conf.d/99-lab.conf
systemctl restart dovecot
systemctl restart postfix
""".replace("@PASSWORD@", PASSWORD)

GOOD = CERTIFICATES + POSTFIX + DOVECOT + "cp -a /etc/postfix /etc/dovecot /etc/aliases /root\n"
#: Back to what GOOD made.
MEND: t.Final = """
cp -a /root/postfix/. /etc/postfix; cp -a /root/dovecot/. /etc/dovecot; rm -f /etc/dovecot/conf.d/zz-broken.conf
postfix reload 2>/dev/null || postfix start 2>/dev/null
"""
_RELOAD: t.Final = "\npostfix reload 2>/dev/null"
_DOVECOT: t.Final = "systemctl restart dovecot"


@dataclass(frozen=True)
class Breakage:
    """One thing spoilt on a good host: the ``script`` that does it, and what must be said of ``port``.

    ``tls`` and ``conduct`` are the questions that are enough to see it. ``account`` tells that it needs the test
    account, ``trip`` that a message is sent and read.
    """

    name: str
    port: int
    script: str
    rules: frozenset[str]
    words: str
    tls: tuple[str, ...] = ()
    conduct: tuple[str, ...] = ()
    mend: str = ""
    account: bool = False
    trip: bool = False


def _postfix(
    name: str, port: int, settings: str, rules: str, words: str, **more: t.Any
) -> Breakage:
    """Return a breakage by parameters of main.cf, or of a service where there is a slash."""
    lines = []
    for one in settings.split("\n"):
        option = "-P" if "/inet/" in one.partition("=")[0] else "-e"
        lines.append(f"postconf {option} '{one}'")
    return _any(name, port, "\n".join(lines) + _RELOAD, rules, words, **more)


def _dovecot(
    name: str, port: int, old: str, new: str, rules: str, words: str, **more: t.Any
) -> Breakage:
    """Return a breakage by lines of Dovecot 2.3, and of 2.4."""
    script = f"""if dovecot --version | grep -q '^2\\.4'; then cat <<'END'
{new}
END
else cat <<'END'
{old}
END
fi >/etc/dovecot/conf.d/zz-broken.conf
{_DOVECOT}"""
    return _any(name, port, script, rules, words, mend=_DOVECOT, **more)


def _any(name: str, port: int, script: str, rules: str, words: str, **more: t.Any) -> Breakage:
    found = frozenset(f"wire-{one}" for one in rules.split())
    return Breakage(name, port, script, found, words, **more)


_CERTIFICATE: t.Final = {"tls": ("capabilities", "protocols", "chains", "verify")}


def _certificate(name: str, file: str, rules: str, words: str) -> Breakage:
    setting = f"smtpd_tls_chain_files=/etc/ssl/lab/{file}.pem"
    return _postfix(name, 465, setting, rules, words, tls=_CERTIFICATE["tls"])


_OFFER: t.Final = ("capabilities",)
_SUITES: t.Final = ("capabilities", "protocols", "weak_suites", "suites")

BREAKAGES: t.Final[tuple[Breakage, ...]] = (
    # ---- TLS ----
    _postfix(
        "no-starttls", 587, "submission/inet/smtpd_tls_security_level=none",
        "no-starttls", r"Port 587 of \S+ does not offer TLS", tls=_OFFER,
    ),
    _postfix(
        "tls-is-dead", 25, "smtpd_tls_chain_files=/etc/ssl/lab/none.pem",
        "tls-fails", r"Port 25 of \S+ announces TLS and cannot do it", tls=("capabilities", "protocols"),
    ),
    _postfix(
        "no-certificate", 25, "smtpd_tls_chain_files=/etc/ssl/lab/none.pem\nsmtpd_tls_exclude_ciphers=",
        "no-certificate", "shows no certificate and takes anonymous suites only",
        tls=("capabilities", "protocols", "chains"),
    ),
    _postfix(
        "old-protocols", 25, "smtpd_tls_protocols=\nsmtpd_tls_exclude_ciphers=",
        "old-protocols", "accepts TLSv1, TLSv1.1", tls=("capabilities", "protocols"),
    ),
    _dovecot(
        "old-protocols-imap", 993, "ssl_min_protocol = TLSv1\nssl_cipher_list = ALL:@SECLEVEL=0",
        "ssl_min_protocol = TLSv1\nssl_cipher_list = ALL:@SECLEVEL=0",
        "old-protocols", "accepts TLSv1, TLSv1.1", tls=("capabilities", "protocols"),
    ),
    _postfix(
        "no-tls13", 25, "smtpd_tls_protocols=TLSv1.2",
        "no-tls13", "does not accept TLS 1.3", tls=("capabilities", "protocols"),
    ),
    _postfix(
        "anonymous-suites", 25, "smtpd_tls_exclude_ciphers=kRSA,SHA1,SHA256,SHA384",
        "anonymous-suites", r"accepts suites without a certificate \(ADH-", tls=_SUITES,
    ),
    _postfix(
        "no-forward-secrecy", 587,
        "smtpd_tls_exclude_ciphers=aNULL,kDHE,SHA1,SHA256,SHA384\nsmtpd_tls_chain_files=/etc/ssl/lab/rsa.pem",
        "no-forward-secrecy", r"accepts suites without forward secrecy \(AES", tls=_SUITES,
    ),
    _postfix(
        "cbc-suites", 465, "smtpd_tls_exclude_ciphers=aNULL,kRSA,kDHE",
        "cbc-suites", r"accepts suites in CBC mode \(ECDHE-", tls=_SUITES,
    ),
    _postfix(
        "no-post-quantum", 25, "tls_eecdh_auto_curves=X25519,prime256v1",
        "no-post-quantum", "no key exchange that withstands a quantum computer",
        tls=("capabilities", "protocols", "groups"),
    ),
    # ---- Certificates ----
    _certificate("wrong-name", "other", "certificate-name", "other.example"),
    _certificate("expired", "old", "certificate-expired", "expired on 2020-02-01"),
    _certificate("expires-soon", "soon", "certificate-expires-soon", r"expires on 20\d\d-"),
    _certificate("self-signed", "own", "certificate-self-signed", "signed by itself"),
    _certificate("chain-incomplete", "leaf", "chain-incomplete certificate-untrusted", "sends its own certificate alone"),
    _certificate("weak-key", "small", "weak-key", "1024"),
    # ---- Passwords ----
    _postfix(
        "password-before-tls", 587, "smtpd_tls_auth_only=no\nsubmission/inet/smtpd_tls_security_level=may",
        "auth-before-tls password-before-tls", r"Port 587 of \S+ asks for passwords before TLS",
        tls=_OFFER, conduct=("login_before_tls",),
    ),
    _dovecot(
        "password-before-tls-imap", 143, "ssl = yes\ndisable_plaintext_auth = no", "ssl = yes\nauth_allow_cleartext = yes",
        "auth-before-tls password-before-tls", r"Port 143 of \S+ asks for passwords before TLS",
        tls=_OFFER, conduct=("login_before_tls",),
    ),
    _postfix(
        "auth-on-25", 25, "smtpd_sasl_auth_enable=yes",
        "auth-on-port-25 login-on-port-25", r"lets people log in where only other servers should talk",
        tls=_OFFER, conduct=("login",), account=True,
    ),
    _postfix(
        "nobody-can-log-in", 587, "submission/inet/smtpd_sasl_auth_enable=no",
        "no-auth-after-tls", "lets nobody log in, not even inside TLS", tls=_OFFER,
    ),
    _dovecot(
        "anonymous-login", 993, *["auth_mechanisms = plain login anonymous\nauth_anonymous_username = probe"] * 2,
        "anonymous-login", r"Port 993 of \S+ lets anybody log in as anonymous", conduct=("anonymous",),
    ),
    _any(
        "anonymous-login-smtp", 587,
        "postconf -e smtpd_sasl_security_options= smtpd_sasl_tls_security_options=; postfix reload 2>/dev/null\n"
        "echo 'auth_mechanisms = plain login anonymous' >/etc/dovecot/conf.d/zz-broken.conf\n" + _DOVECOT,
        "anonymous-login", r"Port 587 of \S+ lets anybody log in as anonymous", conduct=("anonymous",), mend=_DOVECOT,
    ),
    _dovecot(
        "wrong-password-taken", 993, "passdb {\n driver = static\n args = nopassword=y\n}",
        "passdb static {\n fields {\n  nopassword = yes\n }\n}",
        "wrong-password", r"Port 993 of \S+ lets the test account log in with a wrong password",
        conduct=("login", "wrong_password"), account=True,
    ),
    _dovecot(
        "wrong-password-fast", 587, "auth_failure_delay = 0", "auth_failure_delay = 0",
        "wrong-password-fast", r"refuses a wrong password at once \(0\.\d seconds\)",
        conduct=("login", "wrong_password"), account=True,
    ),
    _any(
        "login-refused", 993, ": >/etc/dovecot/users",
        "login-fails", "does not let the test account log in", conduct=("login",), account=True,
    ),
    # ---- Mail that must not be taken ----
    _postfix(
        "submission-at-may", 587, "submission/inet/smtpd_tls_security_level=may",
        "mail-before-tls", r"Port 587 of \S+ takes mail in clear text", conduct=("mail_before_tls",),
    ),
    _postfix(
        "open-relay", 25, "mynetworks=0.0.0.0/0",
        "open-relay", r"for a domain that is not its own, without a login \(with an empty sender",
        conduct=("unknown_recipient", "relay"),
    ),
    _postfix(
        "open-relay-for-own-senders", 25,
        "smtpd_relay_restrictions=check_sender_access inline:{ {postmaster@$myhostname = OK} }, reject_unauth_destination",
        "open-relay", r"\(with a sender of its own domain\)", conduct=("unknown_recipient", "relay"),
    ),
    _postfix(
        "mail-without-login", 465,
        "submissions/inet/smtpd_client_restrictions=permit\n"
        "submissions/inet/smtpd_relay_restrictions=reject_unauth_destination",
        "mail-without-login", "takes mail from people who did not log in", conduct=("mail_without_login",),
    ),
    _postfix(
        "unknown-recipient", 25, "local_recipient_maps=",
        "unknown-recipient", "takes mail for a mailbox that does not exist", conduct=("unknown_recipient",),
    ),
    _postfix(
        "no-postmaster", 25,
        "smtpd_recipient_restrictions=check_recipient_access inline:{ {postmaster@$myhostname = REJECT} }",
        "no-postmaster", "takes no mail for postmaster", conduct=("mail_without_login",),
    ),
    _postfix(
        "vrfy", 25, "disable_vrfy_command=no",
        "vrfy vrfy-answered", r"answers the question whether a mailbox exists \(VRFY\)",
        tls=_OFFER, conduct=("vrfy",),
    ),
    _postfix(
        "banner-version", 25, "smtpd_banner=$myhostname ESMTP Postfix $mail_version",
        "banner-version", "tells the version of the software", tls=("banner",),
    ),
    _postfix(
        "smuggling", 25, "smtpd_forbid_bare_newline=no",
        "smuggling", r"lets a message end with LF\.LF and LF\.CRLF", conduct=("smuggling",), account=True,
    ),
    # ---- What does not work ----
    _any(
        "port-is-dead", 587, "postconf -MX submission/inet" + _RELOAD,
        "no-answer", r"Port 587 of \S+ does not answer as a mail server does \(connecting to .*refused\)",
        conduct=("greeting",),
    ),
    _postfix(
        "tarpit", 25, "smtpd_delay_reject=no\nsmtpd_client_restrictions=sleep 15",
        "no-answer", r"does not answer as a mail server does \(greeting: no answer in time\)", conduct=("greeting",),
    ),
    _any(
        "dovecot-is-down", 993, "systemctl stop dovecot.service dovecot.socket 2>/dev/null || systemctl stop dovecot",
        "no-answer", r"Port 993 of \S+ does not answer", conduct=("greeting",), mend="systemctl start dovecot",
    ),
    _postfix(
        "cannot-send", 587, "submission/inet/smtpd_relay_restrictions=reject_unauth_destination",
        "login-cannot-send", "lets people log in and send nothing to others", conduct=("login",), account=True,
    ),
    _postfix(
        "message-lost", 465, "mailbox_transport=discard:",
        "message-lost", r"A message that port 465 of \S+ took is not in the mailbox", account=True, trip=True,
    ),
    _postfix(
        "message-refused", 587, "submission/inet/smtpd_end_of_data_restrictions=reject",
        "message-lost", "does not take a message from the test account", account=True, trip=True,
    ),
)  # fmt: skip
