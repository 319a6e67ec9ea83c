# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cipher suites of TLS 1.2 and older a cipher grade and a list of exclusions leave (pure).

An exact model of ciphers(1) of OpenSSL 1.1.1 to 3.6, without the order. A set of suites is an integer with
one bit per suite. The suites of TLS 1.3 are not subject to these lists. Words changed their meaning twice,
so every question is for an era: OpenSSL 3.0 brought the word ``CBC``, 3.2 moved CCM8 from HIGH to MEDIUM.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import TlsLibrary

_GCM = "AES256-GCM-SHA384 AES128-GCM-SHA256"
_ARIA = "ARIA256-GCM-SHA384 ARIA128-GCM-SHA256"
_CCM = "AES256-CCM8 AES256-CCM AES128-CCM8 AES128-CCM"
_CHACHA = "CHACHA20-POLY1305"
_SHA = "AES256-SHA AES128-SHA"
_CAMELLIA = "CAMELLIA256-SHA CAMELLIA128-SHA"
_SHA2 = "AES256-SHA256 AES128-SHA256 CAMELLIA256-SHA256 CAMELLIA128-SHA256"
_ECDHE = "AES256-SHA384 AES128-SHA256 CAMELLIA256-SHA384 CAMELLIA128-SHA256"
_PSK = (
    "AES256-CBC-SHA384 AES128-CBC-SHA256 AES256-CBC-SHA AES128-CBC-SHA CAMELLIA256-SHA384 "
    "CAMELLIA128-SHA256 NULL-SHA384 NULL-SHA256 NULL-SHA"
)
_SRP = "AES-256-CBC-SHA AES-128-CBC-SHA"

# Prefix of the names, key exchange, authentication, rests of the names.
_TABLE: t.Final = (
    ("ECDHE-ECDSA-", "ECDHE", "ECDSA", f"{_GCM} {_CHACHA} {_CCM} {_ARIA} {_ECDHE} {_SHA} NULL-SHA"),
    ("ECDHE-RSA-", "ECDHE", "RSA", f"{_GCM} {_CHACHA} {_ECDHE} {_SHA} NULL-SHA"),
    ("ECDHE-", "ECDHE", "RSA", _ARIA),
    ("DHE-RSA-", "DHE", "RSA", f"{_GCM} {_CHACHA} {_CCM} {_ARIA} {_SHA2} {_SHA} {_CAMELLIA}"),
    ("DHE-DSS-", "DHE", "DSS", f"{_GCM} {_ARIA} {_SHA2} {_SHA} {_CAMELLIA}"),
    ("ADH-", "DHE", "NULL", f"{_GCM} {_SHA2} {_SHA} {_CAMELLIA}"),
    ("AECDH-", "ECDHE", "NULL", f"{_SHA} NULL-SHA"),
    ("", "RSA", "RSA", f"{_GCM} {_CCM} {_ARIA} {_SHA2} {_SHA} {_CAMELLIA}"),
    ("", "RSA", "RSA", "NULL-SHA256 NULL-SHA NULL-MD5"),
    ("PSK-", "PSK", "PSK", f"{_GCM} {_CHACHA} {_CCM} {_ARIA} {_PSK}"),
    ("DHE-PSK-", "DHEPSK", "PSK", f"{_GCM} {_CHACHA} {_CCM} {_ARIA} {_PSK}"),
    ("RSA-PSK-", "RSAPSK", "RSA", f"{_GCM} {_CHACHA} {_ARIA} {_PSK}"),
    ("ECDHE-PSK-", "ECDHEPSK", "PSK", f"{_CHACHA} {_PSK}"),
    ("SRP-", "SRP", "SRP", _SRP),
    ("SRP-RSA-", "SRP", "RSA", _SRP),
    ("SRP-DSS-", "SRP", "DSS", _SRP),
    # Only where the library was built with them.
    ("ECDHE-ECDSA-", "ECDHE", "ECDSA", "DES-CBC3-SHA RC4-SHA"),
    ("ECDHE-RSA-", "ECDHE", "RSA", "DES-CBC3-SHA RC4-SHA"),
    ("DHE-RSA-", "DHE", "RSA", "SEED-SHA DES-CBC3-SHA"),
    ("DHE-DSS-", "DHE", "DSS", "SEED-SHA DES-CBC3-SHA"),
    ("ADH-", "DHE", "NULL", "SEED-SHA DES-CBC3-SHA RC4-MD5"),
    ("AECDH-", "ECDHE", "NULL", "DES-CBC3-SHA RC4-SHA"),
    ("", "RSA", "RSA", "SEED-SHA IDEA-CBC-SHA DES-CBC3-SHA RC4-SHA RC4-MD5"),
)

_KEY_EXCHANGE: t.Final[t.Mapping[str, str]] = {
    "ECDHE": "kECDHE kEECDH ECDH",
    "DHE": "kDHE kEDH DH",
    "RSA": "kRSA RSA",
    "PSK": "kPSK PSK",
    "DHEPSK": "kDHEPSK PSK",
    "RSAPSK": "kRSAPSK PSK",
    "ECDHEPSK": "kECDHEPSK PSK",
    "SRP": "kSRP SRP",
}
_AUTHENTICATION: t.Final[t.Mapping[str, str]] = {
    "ECDSA": "aECDSA ECDSA",
    "RSA": "aRSA",
    "DSS": "aDSS DSS",
    "NULL": "aNULL",
    "PSK": "aPSK",
    "SRP": "aSRP",
}
_OPTIONAL: t.Final = ("SEED", "IDEA", "3DES", "RC4")


def _encryption(rest: str) -> tuple[str, ...]:
    """Return the classes of the encryption; the first one is the name of the algorithm."""
    name = rest.replace("AES-", "AES").replace("DES-CBC3", "3DES")
    algorithm = next(
        one
        for one in ("AES", "CAMELLIA", "ARIA", "CHACHA20", "NULL", *_OPTIONAL)
        if name.startswith(one)
    )
    size = next((bits for bits in ("128", "256") if f"{algorithm}{bits}" in name), "")
    words = [algorithm, *([algorithm + size] if size else [])]
    if "GCM" in rest:
        words.append(f"{algorithm}GCM")
    elif "CCM" in rest:
        words += ["AESCCM", *(["AESCCM8"] if rest.endswith("CCM8") else [])]
    elif algorithm not in ("CHACHA20", "NULL", "RC4"):
        words.append("CBC")
    return tuple("eNULL" if word == "NULL" else word for word in words)


def _words(exchange: str, authentication: str, rest: str) -> set[str]:
    """Return the classes of ciphers(1) that a suite is in, and some that only this file knows."""
    encryption = _encryption(rest)
    words = {
        *_KEY_EXCHANGE[exchange].split(),
        *_AUTHENTICATION[authentication].split(),
        *encryption,
    }
    aead = "GCM" in rest or "CCM" in rest or rest.endswith("POLY1305")
    mac = "" if aead else rest.rpartition("-")[2]
    words |= {"SHA", "SHA1"} if mac == "SHA" else {mac}
    if exchange in ("ECDHE", "DHE"):
        letter = "EC" if exchange == "ECDHE" else ""
        named = {f"A{letter}DH"} if authentication == "NULL" else {exchange, f"E{letter}DH"}
        words |= named
    words |= (
        {"TLSv1.2"} if aead or (mac in ("SHA256", "SHA384") and "PSK" not in exchange) else set()
    )
    if "TLSv1.2" not in words:
        new = exchange.startswith("ECDHE") or mac in ("SHA256", "SHA384")
        words |= {"TLSv1", "TLSv1.0"} if new else {"SSLv3"}
    if encryption[0] == "eNULL":
        return words - {""} | {"NULL", "COMPLEMENTOFALL"}
    optional = encryption[0] in _OPTIONAL
    plain = not optional and encryption[0] not in ("CAMELLIA", "ARIA") and "AESCCM" not in words
    if not plain or authentication in ("NULL", "DSS"):
        words.add("COMPLEMENTOFDEFAULT")
    return words - {""} | {"ALL", "MEDIUM" if optional else "HIGH"}


def _read() -> tuple[tuple[str, ...], dict[str, int]]:
    names: list[str] = []
    classes: dict[str, int] = {}
    for prefix, exchange, authentication, rests in _TABLE:
        for rest in rests.split():
            bit = 1 << len(names)
            names.append(prefix + rest)
            for word in {*_words(exchange, authentication, rest), prefix + rest}:
                classes[word] = classes.get(word, 0) | bit
    return tuple(names), classes


_NAMES, _CLASSES = _read()

#: The classes that have a name of their own, for whoever looks for a misspelt one.
CLASS_NAMES: t.Final = tuple(sorted(set(_CLASSES) - set(_NAMES)))
ANONYMOUS: t.Final = _CLASSES["aNULL"]
STATIC_RSA: t.Final = _CLASSES["kRSA"]
FINITE_FIELD: t.Final = _CLASSES["DHE"]
CBC: t.Final = _CLASSES["CBC"]
NATIONAL: t.Final = _CLASSES["CAMELLIA"] | _CLASSES["ARIA"]
SHORT_TAG: t.Final = _CLASSES["AESCCM8"]
OPTIONAL: t.Final = _CLASSES["MEDIUM"]
NO_ENCRYPTION: t.Final = _CLASSES["eNULL"]
TLS12: t.Final = _CLASSES["TLSv1.2"]
#: Need a secret or a kind of key that a mail server does not have.
UNUSABLE: t.Final = _CLASSES["PSK"] | _CLASSES["SRP"] | _CLASSES["DSS"]
BEST: t.Final = (_CLASSES["AESGCM"] | _CLASSES["CHACHA20"]) & _CLASSES["ECDHE"]
ECDSA: t.Final = _CLASSES["ECDSA"]
ELLIPTIC: t.Final = _CLASSES["ECDHE"]
AEAD: t.Final = _CLASSES["AESGCM"] | _CLASSES["CHACHA20"] | _CLASSES["AESCCM"] | _CLASSES["ARIAGCM"]

Era = t.Literal["1.1.1", "3.0", "3.2"]

_ERAS: t.Final[t.Mapping[Era, t.Mapping[str, int]]] = {
    "1.1.1": {word: suites for word, suites in _CLASSES.items() if word != "CBC"},
    "3.0": _CLASSES,
    "3.2": {
        **_CLASSES,
        "HIGH": _CLASSES["HIGH"] & ~_CLASSES["AESCCM8"],
        "MEDIUM": _CLASSES["MEDIUM"] | _CLASSES["AESCCM8"],
    },
}


def era_of(library: t.Optional[TlsLibrary]) -> Era:
    """Return the era of a TLS library; what is not known counts as OpenSSL 3.0."""
    if library is None or library.name != "OpenSSL" or (3,) <= library.version < (3, 2):
        return "3.0"
    return "1.1.1" if library.version < (3,) else "3.2"


_SEPARATORS: t.Final = later(r"[:;, ]+")
_EXCLUSION_SEPARATORS: t.Final = later(r"[\s,:]+", re.ASCII)


def _matching(word: str, classes: t.Mapping[str, int]) -> int:
    found = -1
    for name in word.split("+"):
        found &= classes.get(name, 0)
    return found


def select(cipher_list: str, *, era: Era = "3.0") -> int:
    """Return the suites of an OpenSSL cipher list, such as ``aNULL:-aNULL:HIGH:!kRSA:@STRENGTH``."""
    classes = _ERAS[era]
    active, killed = 0, 0
    for word in _SEPARATORS.split(cipher_list):
        operator, name = (word[:1], word[1:]) if word[:1] in ("!", "-", "+", "@") else ("", word)
        if operator == "!":
            killed |= _matching(name, classes)
            active &= ~killed
        elif operator == "-":
            active &= ~_matching(name, classes)
        elif name == "DEFAULT" and not operator:
            killed |= classes["COMPLEMENTOFDEFAULT"] | classes["eNULL"]
            active |= classes["ALL"] & ~killed
        elif not operator:
            active |= _matching(name, classes) & ~killed
    return active


@functools.lru_cache(maxsize=1024)
def left(cipher_list: str, exclusions: str, *, era: Era = "3.0") -> int:
    """Return the suites that Postfix offers with the list of a grade and the words to exclude."""
    words = _EXCLUSION_SEPARATORS.split(exclusions)
    return select(cipher_list + "".join(f":!{word}" for word in words if word), era=era)


def names(suites: int) -> list[str]:
    """Return the names of a set of suites as OpenSSL spells them."""
    return [name for number, name in enumerate(_NAMES) if suites >> number & 1]


@functools.lru_cache(maxsize=256)
def some(suites: int, *, most: int = 3) -> str:
    """Return the names of some suites as text, and how many more there are."""
    all_of = names(suites)
    more = len(all_of) - most
    shown = ", ".join(all_of[: most if more > 1 else most + 1])
    return f"{shown} and {more} more" if more > 1 else shown


def is_class(word: str, *, era: Era = "3.0") -> bool:
    """Return whether a word (or its parts between ``+``) names suites of this model."""
    return all(name in _ERAS[era] for name in word.split("+"))


__all__ = (
    "AEAD",
    "ANONYMOUS",
    "BEST",
    "CBC",
    "CLASS_NAMES",
    "ECDSA",
    "ELLIPTIC",
    "FINITE_FIELD",
    "NATIONAL",
    "NO_ENCRYPTION",
    "OPTIONAL",
    "SHORT_TAG",
    "STATIC_RSA",
    "TLS12",
    "UNUSABLE",
    "Era",
    "era_of",
    "is_class",
    "left",
    "names",
    "select",
    "some",
)
