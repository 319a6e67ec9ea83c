# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys and a description, for the tests of records. The keys were made with OpenSSL 3 and thrown away."""

from __future__ import annotations

import typing as t

RSA_2048: t.Final = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA9cERQnkYIaA5Dv3fVoOm
YcUZErOmx513mA2itg8wBqgHibFVGIawztEdSpUGr+L5bI0buqmal3jjS16Eubsg
8yuY+J5r0d4iPXjKfcv9ayZaz5NmUg92ICN8Supqb0ajbyp8TBj4a+wfLbxXhBLB
0l2SlfWkuSrYEHKbTtIOoIyS7qw0Zdx//Q/BblN3+8H+zynK1TQMsDp0ZsEo8zDi
JbY83rFDtBj/mOnLmmw5XPBcNbcrd5Ptn8bWO3J2A3jvCOzbTtVbXs87P1GriZZ3
wF9xq0cnAHr2CTVegG0MB/bvP6/qq6ik8RaninYBBNnU5zYwh5ZfTuM528Tk6OnT
rQIDAQAB
-----END PUBLIC KEY-----
"""
RSA_2048_PKCS1: t.Final = """\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEA9cERQnkYIaA5Dv3fVoOmYcUZErOmx513mA2itg8wBqgHibFVGIaw
ztEdSpUGr+L5bI0buqmal3jjS16Eubsg8yuY+J5r0d4iPXjKfcv9ayZaz5NmUg92
ICN8Supqb0ajbyp8TBj4a+wfLbxXhBLB0l2SlfWkuSrYEHKbTtIOoIyS7qw0Zdx/
/Q/BblN3+8H+zynK1TQMsDp0ZsEo8zDiJbY83rFDtBj/mOnLmmw5XPBcNbcrd5Pt
n8bWO3J2A3jvCOzbTtVbXs87P1GriZZ3wF9xq0cnAHr2CTVegG0MB/bvP6/qq6ik
8RaninYBBNnU5zYwh5ZfTuM528Tk6OnTrQIDAQAB
-----END RSA PUBLIC KEY-----
"""
RSA_1024: t.Final = """\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDSQUfg+//fGvBUHcgRSwX0Purs
fz6VGpOF6ThD8RLGCujZR/dUhLdxOZx40qQAIOHfC/yjt5uzVLhdI9rIHjMSIT50
RhNwGt5Eh8JnxANbatVfha7F+mEYA8FJBLzougnmkw+g9j6tOV0BICu32ZW0lvcx
Pbp84xUYoLrhvhgxRQIDAQAB
-----END PUBLIC KEY-----
"""
ED25519: t.Final = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAnxdM0Q1dR1oUt2C7tTmP31Zqid59qFATqrZpL9qGfKM=
-----END PUBLIC KEY-----
"""
#: What p= holds for it, as OpenSSL and base64 say.
ED25519_RAW: t.Final = "nxdM0Q1dR1oUt2C7tTmP31Zqid59qFATqrZpL9qGfKM="
P256_CERTIFICATE: t.Final = """\
-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUa/kSlW040kXzxgIOc5BjBaWR9jIwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPbXgxLmV4YW1wbGUuY29tMCAXDTI2MTEyOTAxNTE1NFoYDzIx
MjYxMTA1MDE1MTU0WjAaMRgwFgYDVQQDDA9teDEuZXhhbXBsZS5jb20wWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAToLKmN3yVWE4/DCNYaS9v3V4U1t4lJm9F6LuBa
vqM305WJATfEOtcN/3a5zp1ue181C4grOf3wpsKFKR4e9NGQo28wbTAdBgNVHQ4E
FgQUozgjeUxmbZoeLyhLVGgB8NcF9ckwHwYDVR0jBBgwFoAUozgjeUxmbZoeLyhL
VGgB8NcF9ckwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgg9teDEuZXhhbXBs
ZS5jb20wCgYIKoZIzj0EAwIDRwAwRAIgOP3JxqDKvIruz6YQfq+sEOKtlIhaWPXM
LfFIYwB3IksCIDPyLoTwMXisvVzWx8KyoMmab25n6H6IM2qHuvdglqTQ
-----END CERTIFICATE-----
"""
P256_PUBLIC: t.Final = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6Cypjd8lVhOPwwjWGkvb91eFNbeJ
SZvRei7gWr6jN9OViQE3xDrXDf92uc6dbntfNQuIKzn98KbChSkeHvTRkA==
-----END PUBLIC KEY-----
"""
#: openssl pkey -pubin -outform DER | sha256sum
P256_SPKI_SHA256: t.Final = "5be65d2371442888c04bb5c6f824779b6676fdae99792c0f9f7f5cb6e3c45421"

DESCRIPTION: t.Final[dict[str, t.Any]] = {
    "ttl": 1800,
    "hosts": [
        {
            "name": "mx1.example.com",
            "addresses": ["192.0.2.25", "2001:DB8:0::25"],
            "certificates": [P256_CERTIFICATE],
            "next_certificates": ["ab" * 32],
            "tlsa_ports": [25, 465],
        },
        {"name": "mx2.example.net", "addresses": ["198.51.100.25"], "publish_addresses": False},
    ],
    "domains": [
        {
            "name": "Example.com",
            "dkim": [
                {"selector": "s2026", "public_key": RSA_2048},
                {"selector": "e2026", "public_key": ED25519_RAW},
                {"selector": "old", "revoked": True},
            ],
            "dmarc": {
                "p": "reject",
                "adkim": "s",
                "aspf": "s",
                "rua": ["dmarc@example.com", "d@reports.example"],
            },
            "mta_sts": {"mode": "enforce", "addresses": ["192.0.2.80"]},
            "tls_rpt": ["mailto:tls@example.com"],
            "srv": {
                "submissions": "mx1.example.com",
                "imaps": {"host": "mx1.example.com", "port": 1993, "priority": 5},
            },
            "caa": {
                "issue": ["ca.example.net; accounturi=https://ca.example.net/acct/1"],
                "issuewild": [],
                "iodef": ["mailto:security@example.com"],
            },
        },
        {
            "name": "münchen.example",
            "mx": [{"host": "mx1.example.com", "preference": 5}, "mx2.example.net"],
            "spf": {"terms": ["mx", "ip4:192.0.2.0/28", "include:_spf.example.net"], "all": "~all"},
            "mta_sts": {"host": "www.example.com"},
        },
        {"name": "reports.example", "spf": "v=spf1 redirect=_spf.example.com", "dmarc": False},
        {"name": "parked.example", "mx": []},
    ],
}
