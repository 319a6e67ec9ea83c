# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cipher suites, key-exchange groups and protocol versions: number, name, what they are made of.

Numbers from the IANA registry "TLS Parameters", names as OpenSSL (and so Postfix) spells them.
Left out: suites that need a shared secret (PSK, SRP, Kerberos), which no mail server has, and the
national suites of GOST and SM.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Class = t.Literal[
    "anonymous",
    "null",
    "export",
    "des",
    "3des",
    "rc4",
    "rc2_idea_seed",
    "md5",
    "cbc",
    "static_rsa",
    "static_dh",
    "ffdhe",
    "aead",
]

# Broken, each for a reason of its own: RFC 9325 section 4.1, RFC 7465, RFC 8429, RFC 5469.
WEAK: tuple[Class, ...] = (
    "anonymous",
    "null",
    "export",
    "des",
    "3des",
    "rc4",
    "rc2_idea_seed",
    "md5",
)
CLASSES: tuple[Class, ...] = (*WEAK, "cbc", "static_rsa", "static_dh", "ffdhe", "aead")

VERSIONS: dict[int, str] = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}

# Prefix of the names, key exchange, authentication, then number:rest of the name; best first.
_TABLE = """
- any any 1302:TLS_AES_256_GCM_SHA384 1303:TLS_CHACHA20_POLY1305_SHA256
- any any 1301:TLS_AES_128_GCM_SHA256 1304:TLS_AES_128_CCM_SHA256 1305:TLS_AES_128_CCM_8_SHA256
ECDHE-ECDSA- ECDHE ECDSA c02c:AES256-GCM-SHA384 cca9:CHACHA20-POLY1305 c02b:AES128-GCM-SHA256
ECDHE-RSA- ECDHE RSA c030:AES256-GCM-SHA384 cca8:CHACHA20-POLY1305 c02f:AES128-GCM-SHA256
ECDHE-ECDSA- ECDHE ECDSA c0ad:AES256-CCM c0ac:AES128-CCM c0af:AES256-CCM8 c0ae:AES128-CCM8
ECDHE-ECDSA- ECDHE ECDSA c05d:ARIA256-GCM-SHA384 c05c:ARIA128-GCM-SHA256
ECDHE-ECDSA- ECDHE ECDSA c087:CAMELLIA256-GCM-SHA384 c086:CAMELLIA128-GCM-SHA256
ECDHE-ECDSA- ECDHE ECDSA cc14:CHACHA20-POLY1305-OLD
ECDHE- ECDHE RSA c061:ARIA256-GCM-SHA384 c060:ARIA128-GCM-SHA256
ECDHE-RSA- ECDHE RSA c08b:CAMELLIA256-GCM-SHA384 c08a:CAMELLIA128-GCM-SHA256
ECDHE-RSA- ECDHE RSA cc13:CHACHA20-POLY1305-OLD
DHE-RSA- DHE RSA 009f:AES256-GCM-SHA384 ccaa:CHACHA20-POLY1305 009e:AES128-GCM-SHA256
DHE-RSA- DHE RSA c09f:AES256-CCM c09e:AES128-CCM c0a3:AES256-CCM8 c0a2:AES128-CCM8
DHE-RSA- DHE RSA c053:ARIA256-GCM-SHA384 c052:ARIA128-GCM-SHA256
DHE-RSA- DHE RSA c07d:CAMELLIA256-GCM-SHA384 c07c:CAMELLIA128-GCM-SHA256
DHE-RSA- DHE RSA cc15:CHACHA20-POLY1305-OLD
DHE-DSS- DHE DSS 00a3:AES256-GCM-SHA384 00a2:AES128-GCM-SHA256
DHE-DSS- DHE DSS c057:ARIA256-GCM-SHA384 c056:ARIA128-GCM-SHA256
DHE-DSS- DHE DSS c081:CAMELLIA256-GCM-SHA384 c080:CAMELLIA128-GCM-SHA256
ECDH-ECDSA- ECDH ECDSA c02e:AES256-GCM-SHA384 c02d:AES128-GCM-SHA256
ECDH-RSA- ECDH RSA c032:AES256-GCM-SHA384 c031:AES128-GCM-SHA256
DH-RSA- DH RSA 00a1:AES256-GCM-SHA384 00a0:AES128-GCM-SHA256
DH-DSS- DH DSS 00a5:AES256-GCM-SHA384 00a4:AES128-GCM-SHA256
- RSA RSA 009d:AES256-GCM-SHA384 009c:AES128-GCM-SHA256
- RSA RSA c09d:AES256-CCM c09c:AES128-CCM c0a1:AES256-CCM8 c0a0:AES128-CCM8
- RSA RSA c051:ARIA256-GCM-SHA384 c050:ARIA128-GCM-SHA256
- RSA RSA c07b:CAMELLIA256-GCM-SHA384 c07a:CAMELLIA128-GCM-SHA256
ECDHE-ECDSA- ECDHE ECDSA c024:AES256-SHA384 c023:AES128-SHA256 c00a:AES256-SHA c009:AES128-SHA
ECDHE-ECDSA- ECDHE ECDSA c073:CAMELLIA256-SHA384 c072:CAMELLIA128-SHA256
ECDHE-RSA- ECDHE RSA c028:AES256-SHA384 c027:AES128-SHA256 c014:AES256-SHA c013:AES128-SHA
ECDHE-RSA- ECDHE RSA c077:CAMELLIA256-SHA384 c076:CAMELLIA128-SHA256
DHE-RSA- DHE RSA 006b:AES256-SHA256 0067:AES128-SHA256 0039:AES256-SHA 0033:AES128-SHA
DHE-RSA- DHE RSA 00c4:CAMELLIA256-SHA256 00be:CAMELLIA128-SHA256
DHE-RSA- DHE RSA 0088:CAMELLIA256-SHA 0045:CAMELLIA128-SHA
DHE-DSS- DHE DSS 006a:AES256-SHA256 0040:AES128-SHA256 0038:AES256-SHA 0032:AES128-SHA
DHE-DSS- DHE DSS 00c3:CAMELLIA256-SHA256 00bd:CAMELLIA128-SHA256
DHE-DSS- DHE DSS 0087:CAMELLIA256-SHA 0044:CAMELLIA128-SHA
ECDH-ECDSA- ECDH ECDSA c026:AES256-SHA384 c025:AES128-SHA256 c005:AES256-SHA c004:AES128-SHA
ECDH-RSA- ECDH RSA c02a:AES256-SHA384 c029:AES128-SHA256 c00f:AES256-SHA c00e:AES128-SHA
DH-RSA- DH RSA 0069:AES256-SHA256 003f:AES128-SHA256 0037:AES256-SHA 0031:AES128-SHA
DH-DSS- DH DSS 0068:AES256-SHA256 003e:AES128-SHA256 0036:AES256-SHA 0030:AES128-SHA
- RSA RSA 003d:AES256-SHA256 003c:AES128-SHA256 0035:AES256-SHA 002f:AES128-SHA
- RSA RSA 00c0:CAMELLIA256-SHA256 00ba:CAMELLIA128-SHA256 0084:CAMELLIA256-SHA
- RSA RSA 0041:CAMELLIA128-SHA
DHE-RSA- DHE RSA 009a:SEED-SHA 0016:DES-CBC3-SHA 0015:DES-CBC-SHA
DHE-DSS- DHE DSS 0099:SEED-SHA 0013:DES-CBC3-SHA 0012:DES-CBC-SHA 0066:RC4-SHA
ECDHE-ECDSA- ECDHE ECDSA c008:DES-CBC3-SHA c007:RC4-SHA c006:NULL-SHA
ECDHE-RSA- ECDHE RSA c012:DES-CBC3-SHA c011:RC4-SHA c010:NULL-SHA
ECDH-ECDSA- ECDH ECDSA c003:DES-CBC3-SHA c002:RC4-SHA c001:NULL-SHA
ECDH-RSA- ECDH RSA c00d:DES-CBC3-SHA c00c:RC4-SHA c00b:NULL-SHA
DH-RSA- DH RSA 0098:SEED-SHA 0010:DES-CBC3-SHA 000f:DES-CBC-SHA
DH-DSS- DH DSS 0097:SEED-SHA 000d:DES-CBC3-SHA 000c:DES-CBC-SHA
- RSA RSA 0096:SEED-SHA 0007:IDEA-CBC-SHA 000a:DES-CBC3-SHA 0005:RC4-SHA 0004:RC4-MD5
- RSA RSA 0009:DES-CBC-SHA 003b:NULL-SHA256 0002:NULL-SHA 0001:NULL-MD5
ADH- DHE none 00a7:AES256-GCM-SHA384 00a6:AES128-GCM-SHA256
ADH- DHE none c085:CAMELLIA256-GCM-SHA384 c084:CAMELLIA128-GCM-SHA256
ADH- DHE none 006d:AES256-SHA256 006c:AES128-SHA256 003a:AES256-SHA 0034:AES128-SHA
ADH- DHE none 00c5:CAMELLIA256-SHA256 00bf:CAMELLIA128-SHA256
ADH- DHE none 0089:CAMELLIA256-SHA 0046:CAMELLIA128-SHA
ADH- DHE none 009b:SEED-SHA 001b:DES-CBC3-SHA 001a:DES-CBC-SHA 0018:RC4-MD5
AECDH- ECDHE none c019:AES256-SHA c018:AES128-SHA c017:DES-CBC3-SHA c016:RC4-SHA c015:NULL-SHA
EXP1024- RSA RSA 0062:DES-CBC-SHA 0061:RC2-CBC-MD5 0064:RC4-SHA 0060:RC4-MD5
EXP1024-DHE-DSS- DHE DSS 0063:DES-CBC-SHA 0065:RC4-SHA
EXP- RSA RSA 0008:DES-CBC-SHA 0006:RC2-CBC-MD5 0003:RC4-MD5
EXP-EDH-RSA- DHE RSA 0014:DES-CBC-SHA
EXP-EDH-DSS- DHE DSS 0011:DES-CBC-SHA
EXP-DH-RSA- DH RSA 000e:DES-CBC-SHA
EXP-DH-DSS- DH DSS 000b:DES-CBC-SHA
EXP-ADH- DHE none 0019:DES-CBC-SHA 0017:RC4-MD5
"""

# The order is the order of an offer: common ones first, post-quantum before all.
_GROUPS = """
4588:X25519MLKEM768 4587:SecP256r1MLKEM768 4589:SecP384r1MLKEM1024 513:MLKEM768 514:MLKEM1024
512:MLKEM512 25497:X25519Kyber768Draft00 29:X25519 23:secp256r1 30:X448 24:secp384r1 25:secp521r1
31:brainpoolP256r1tls13 32:brainpoolP384r1tls13 33:brainpoolP512r1tls13 41:curveSM2
256:ffdhe2048 257:ffdhe3072 258:ffdhe4096 259:ffdhe6144 260:ffdhe8192
26:brainpoolP256r1 27:brainpoolP384r1 28:brainpoolP512r1 22:secp256k1 21:secp224r1 20:secp224k1
19:secp192r1 18:secp192k1 17:secp160r2 16:secp160r1 15:secp160k1 14:sect571r1 13:sect571k1
12:sect409r1 11:sect409k1 10:sect283r1 9:sect283k1 8:sect239k1 7:sect233r1 6:sect233k1 5:sect193r2
4:sect193r1 3:sect163r2 2:sect163r1 1:sect163k1
"""


@dataclass(frozen=True)
class Suite:
    """One cipher suite. ``tls12_only``: cannot be negotiated below TLS 1.2 (RFC 5246 section 5)."""

    number: int
    name: str
    key_exchange: str
    authentication: str
    classes: frozenset[Class]
    tls12_only: bool


def _classes(name: str, exchange: str, authentication: str) -> frozenset[Class]:
    aead = any(word in name for word in ("GCM", "CCM", "POLY1305"))
    facts: dict[Class, bool] = {
        "anonymous": authentication == "none",
        "null": "NULL" in name,
        "export": name.startswith("EXP"),
        "des": "DES-CBC-" in name,
        "3des": "DES-CBC3" in name,
        "rc4": "RC4" in name,
        "rc2_idea_seed": any(word in name for word in ("RC2", "IDEA", "SEED")),
        "md5": name.endswith("MD5"),
        "cbc": not aead and "NULL" not in name and "RC4" not in name,
        "static_rsa": exchange == "RSA",
        "static_dh": exchange in ("DH", "ECDH"),
        "ffdhe": exchange == "DHE",
        "aead": aead,
    }
    return frozenset(name for name, true in facts.items() if true)


def _read_suites() -> dict[int, Suite]:
    suites = {}
    for row in _TABLE.split("\n")[1:-1]:
        prefix, exchange, authentication, *entries = row.split(" ")
        for entry in entries:
            number, _colon, rest = entry.partition(":")
            name = (prefix if prefix != "-" else "") + rest
            classes = _classes(name, exchange, authentication)
            tls12 = "aead" in classes or name.endswith(("SHA256", "SHA384"))
            suite = Suite(int(number, 16), name, exchange, authentication, classes, tls12)
            suites[suite.number] = suite
    return suites


SUITES: dict[int, Suite] = _read_suites()
GROUPS: dict[int, str] = {
    int(number): name for number, _colon, name in (g.partition(":") for g in _GROUPS.split())
}
# RFC 8446 section 4.2.7, RFC 8734, RFC 8998 and draft-ietf-tls-ecdhe-mlkem.
TLS13_GROUPS: tuple[int, ...] = tuple(
    g for g in GROUPS if 29 <= g <= 41 or g in (23, 24, 25) or g >= 256
)
TLS12_CURVES: tuple[int, ...] = tuple(g for g in GROUPS if g <= 30)


def offer(version: int) -> tuple[int, ...]:
    """Return all suites that can be negotiated with ``version``, best first."""
    return tuple(
        s.number
        for s in SUITES.values()
        if (s.key_exchange == "any") == (version == 0x0304)
        and (version >= 0x0303 or not s.tls12_only)
    )


def suite_name(number: int) -> str:
    """Return the OpenSSL name, or the number in hexadecimal where there is none."""
    return SUITES[number].name if number in SUITES else f"0x{number:04x}"


def group_name(number: int) -> str:
    """Return the name of a key-exchange group, or its number in hexadecimal."""
    return GROUPS.get(number, f"0x{number:04x}")


__all__ = (
    "CLASSES",
    "GROUPS",
    "SUITES",
    "TLS12_CURVES",
    "TLS13_GROUPS",
    "VERSIONS",
    "WEAK",
    "Class",
    "Suite",
    "group_name",
    "offer",
    "suite_name",
)
