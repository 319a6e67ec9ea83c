# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server configured by hand, which ``verify`` must pass, and ways to break it."""

from __future__ import annotations

import typing as t

USER: t.Final = "probe"
PASSWORD: t.Final = "correct horse, battery"  # noqa: S105 an account of a container that lives for minutes

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
cp good.key leaf.key; cp good.crt leaf.crt
openssl req -x509 -nodes -newkey $curve -days 90 -subj /CN=$name -addext subjectAltName=DNS:$name -keyout own.key -out own.crt 2>/dev/null
: >index; echo 01 >serial
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
cp good.key old.key
openssl ca -config ca.cnf -batch -in good.csr -keyfile middle.key -cert middle.crt -extfile good.ext \
  -startdate 20200101000000Z -enddate 20200201000000Z -notext -out old.crt 2>/dev/null
for one in good other soon small old; do cat middle.crt >>$one.crt; done
for one in good other soon small old own leaf; do cat $one.key $one.crt >$one.pem; done
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

GOOD = CERTIFICATES + POSTFIX + DOVECOT
