# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether a value is below another one, by what the two mean to Postfix."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Host
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later

# What a security level of a client promises; a level is below another when it lacks one of its promises.
_PROMISES: t.Final[t.Mapping[str, frozenset[str]]] = {
    level: frozenset(promises.split())
    for level, promises in (
        ("none", ""),
        ("may", "offers"),
        ("encrypt", "offers always"),
        ("dane", "offers dane"),
        ("dane-only", "offers always dane peer name"),
        ("fingerprint", "offers always dane peer name"),
        ("verify", "offers always peer"),
        ("secure", "offers always dane peer name"),
    )
}
_LACKS: t.Final = {
    "offers": "never encrypts",
    "always": "allows clear text",
    "dane": "does not look at DANE records",
    "peer": "does not verify the server",
    "name": "trusts the names in the DNS",
}
_SERVER_LEVELS: t.Final = ("none", "may", "encrypt")
_GRADES: t.Final = ("null", "export", "low", "medium", "high")
_WEAK_DIGESTS: t.Final = frozenset({"md5", "sha1", "ripemd160"})
_WEAK_GROUP: t.Final = later(
    r"(?:sect|secp|prime|c2[pt]nb|wap-wsg-\w*-?|brainpoolp|p-|k-|b-)1\d\d\w*", re.IGNORECASE
)

# The words that exclude at least what the key does, where they differ from it; each set does alone.
_COVERED_BY: t.Final[t.Mapping[str, tuple[frozenset[str], ...]]] = {
    word: tuple(frozenset(one.split("+")) for one in others.split())
    for word, others in (
        ("aNULL", "ADH+AECDH"),
        ("kRSA", "RSA"),
        ("kDHE", "kEDH DH DHE+ADH DHE+aNULL EDH+ADH EDH+aNULL"),
        ("SHA1", "SHA"),
        ("CAMELLIA", "CAMELLIA128+CAMELLIA256"),
        ("ARIA", "ARIA128+ARIA256 ARIAGCM"),
        ("AESCCM8", "AESCCM"),
        ("PSK", "kPSK+kRSAPSK+kDHEPSK+kECDHEPSK"),
        ("SRP", "kSRP"),
        ("DSS", "aDSS"),
    )
}

_LEGACY_SERVER_CONNECT: t.Final = 0x4
_NO_RENEGOTIATION: t.Final = 0x40000000


def below(
    kind: str, *, value: t.Optional[str], floor: t.Optional[str], parameter: str, host: Host
) -> t.Optional[str]:
    """Return in words why ``value`` is below ``floor``, None when it is not.

    ``kind`` is the ``judge`` of the setting; None stands for a parameter that is not in main.cf.
    """
    judge = _JUDGES[kind]
    if value is None:
        value = default(kind, parameter=parameter, host=host)
    if floor is None:
        floor = default(kind, parameter=parameter, host=host)
    return judge(value.strip(values.SPACE), floor, host)


def default(kind: str, *, parameter: str, host: Host) -> str:
    """Return the value that Postfix takes for ``parameter`` when it is not in main.cf."""
    new = host.postfix
    if kind == "protocols":
        return ">=TLSv1" if new.has("3.6") else "!SSLv2, !SSLv3"
    if kind == "client_level" and parameter.startswith("smtp_"):
        return "may" if new.has("3.11") and _compatible(host, (3, 11)) else "none"
    if kind == "digest":
        return "sha256" if new.has("3.6") and _compatible(host, (3, 6)) else "md5"
    if kind == "newline":
        return "normalize" if new.has("3.9") else "no"
    if kind == "yes":
        known = parameter == "cleanup_replace_stray_cr_lf"
        pipelining = parameter == "smtpd_forbid_unauth_pipelining" and new.has("3.9")
        return "yes" if known or pipelining else "no"
    if kind == "groups":
        return _default_groups(host)
    return {"grade": "medium", "no": "no", "client_level": "none", "server_level": "none"}.get(
        kind, ""
    )


def _default_groups(host: Host) -> str:
    """Return the finite-field groups of an unset parameter: none since they moved into another one."""
    moved = host.postfix.has("3.11") and host.tls_library.is_openssl(since=(3, 5))
    return "" if moved or not host.postfix.has("3.8") else "ffdhe2048 ffdhe3072"


def _compatible(host: Host, level: tuple[int, ...]) -> bool:
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)*)\s*", host.compatibility_level)
    return found is not None and tuple(int(one) for one in found.group(1).split(".")) >= level


def _words(value: str) -> list[str]:
    return [word for word in re.split(r"[\s,:]+", value, flags=re.ASCII) if word]


def _protocols(value: str, floor: str, host: Host) -> t.Optional[str]:
    try:
        left = values.protocols(value, postfix=host.postfix)
    except values.ValueProblem as problem:
        return str(problem)
    promised = values.protocols(floor, postfix=host.postfix)
    # OpenSSL has no SSLv2 since 1.1.0, so a list that does not forbid it allows nothing more.
    more = [one for one in values.PROTOCOLS[1:] if one in left - promised]
    if more:
        return f"allows {', '.join(more)}"
    if "TLSv1.3" in promised - left:
        return "turns TLSv1.3 off"
    return None


def _grade(value: str, floor: str, _host: Host) -> t.Optional[str]:
    grade = value.lower()
    if grade in _GRADES and _GRADES.index(grade) >= _GRADES.index(floor):
        return None
    return f"{value or 'an empty grade'} is below {floor}"


def _exclude(value: str, floor: str, _host: Host) -> t.Optional[str]:
    has = set(_words(value))
    missing = [
        word
        for word in _words(floor)
        if word not in has and not any(other <= has for other in _COVERED_BY.get(word, ()))
    ]
    return f"does not exclude {', '.join(missing)}" if missing else None


def _server_level(value: str, floor: str, _host: Host) -> t.Optional[str]:
    level = value.lower() or "none"
    if level in ("fingerprint", "verify", "secure"):
        level = "encrypt"
    if level in _SERVER_LEVELS and _SERVER_LEVELS.index(level) >= _SERVER_LEVELS.index(floor):
        return None
    return "never offers TLS" if level == "none" else f"{value} is below {floor}"


def _client_level(value: str, floor: str, _host: Host) -> t.Optional[str]:
    promises = _PROMISES.get(value.lower() or "none")
    if promises is None:
        return f"{value!r} is not a TLS security level"
    lacking = [text for promise, text in _LACKS.items() if promise in _PROMISES[floor] - promises]
    if "offers" not in promises:
        lacking = lacking[:1]
    return f"{value or 'none'} {' and '.join(lacking)}" if lacking else None


def _yes(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    return None if value.lower() == "yes" else "turns it off"


def _no(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    return None if value.lower() == "no" else "turns it on"


def _digest(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    return f"{value} fingerprints can be forged" if value.lower() in _WEAK_DIGESTS else None


def _empty(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    return "replaces the suites of the grade with a list of its own" if value else None


def _newline(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    if value.lower() in ("normalize", "yes", "reject", "note"):
        return None
    return "leaves SMTP smuggling open"


def _bits(value: str) -> int:
    names = {"legacy_server_connect": _LEGACY_SERVER_CONNECT, "no_renegotiation": _NO_RENEGOTIATION}
    bits = 0
    for word in _words(value.lower()):
        if re.fullmatch(r"0x[0-9a-f]+", word):
            bits |= int(word, 16)
        bits |= names.get(word, 0)
    return bits


def _options(value: str, floor: str, _host: Host) -> t.Optional[str]:
    has, promised = _bits(value), _bits(floor)
    if promised & _NO_RENEGOTIATION and not has & _NO_RENEGOTIATION:
        return "lets clients renegotiate"
    if has & _LEGACY_SERVER_CONNECT:
        return "talks to servers without secure renegotiation"
    return None


def _curves(value: str, _floor: str, _host: Host) -> t.Optional[str]:
    weak = [word for word in _words(value) if _WEAK_GROUP.fullmatch(word.lstrip("?*"))]
    return f"offers the weak {', '.join(weak)}" if weak else None


def _groups(value: str, floor: str, _host: Host) -> t.Optional[str]:
    if floor and not floor.startswith("-"):
        return None
    words = _words(value.lower())
    offered = {word.lstrip("?*") for word in words if not word.startswith("-")}
    if floor:
        # The curves' default brings these two in, until they are taken out.
        offered |= {"ffdhe2048", "ffdhe3072"} - {word[1:] for word in words if word[0] == "-"}
    return f"offers {', '.join(sorted(offered))}" if offered else None


def _same(value: str, floor: str, _host: Host) -> t.Optional[str]:
    return None if value == floor else f"is not {floor}"


def _dns(value: str, floor: str, _host: Host) -> t.Optional[str]:
    lacking = floor == "dnssec" and value.lower() != "dnssec"
    return "takes DANE away: TLSA records are not looked up" if lacking else None


_JUDGES: t.Final[t.Mapping[str, t.Callable[[str, str, Host], t.Optional[str]]]] = {
    "protocols": _protocols,
    "grade": _grade,
    "exclude": _exclude,
    "server_level": _server_level,
    "client_level": _client_level,
    "yes": _yes,
    "no": _no,
    "digest": _digest,
    "empty": _empty,
    "newline": _newline,
    "options": _options,
    "curves": _curves,
    "groups": _groups,
    "same": _same,
    "dns": _dns,
}

__all__ = ("below", "default")
