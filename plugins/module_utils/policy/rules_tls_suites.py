# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the cipher suites of the services that receive mail (pure)."""

from __future__ import annotations

import difflib
import functools
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import tls_in_force, tls_suites
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import hit
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import AEAD_ONLY
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import (
    TlsServer,
    exclusion_words,
    group,
    is_written,
    lines,
    offering,
    speakers,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Scope, View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

# What the profile interop excludes at level may.
_INTEROP: t.Final = "aNULL, 3DES, RC4, MD5, SEED, IDEA, PSK, SRP, DSS"
_LESSER: t.Final = ~(tls_suites.BEST | tls_suites.SHORT_TAG)
_OLD: t.Final = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_ANY: t.Final = (Version(3, 5), TlsLibrary("OpenSSL", (3,)))

_Left = tuple[Scope, tuple[TlsServer, ...], int]


def _usable(server: TlsServer) -> int:
    """Return the suites that a client could get: the protocols allow them, a certificate fits."""
    protocols = server.protocols or frozenset()
    suites = (server.suites or 0) & ~tls_suites.UNUSABLE
    if "TLSv1.2" in protocols:
        return suites
    return suites & ~tls_suites.TLS12 if protocols & _OLD else 0


def _all_left(view: View) -> tuple[_Left, ...]:
    pairs = [(one.exclusion_names[0], one) for one in offering(view)]
    found = []
    for scope, readers in group(view, pairs):
        suites = 0
        for one in readers:
            suites |= _usable(one)
        found.append((scope, readers, suites))
    return tuple(found)


def _left(view: View) -> tuple[_Left, ...]:
    """Return the lines with exclusions, their readers, and the suites that clients can get there."""
    return tls_in_force.once(view, "tls_suites_left", _all_left)


def _relaxed(view: View, readers: t.Iterable[TlsServer]) -> bool:
    """Return whether the operator chose to let old peers in, and these services are for them."""
    return view.choices.inbound_profile == "interop" and not any(one.mandatory for one in readers)


def _exclude(view: View, readers: t.Iterable[TlsServer]) -> str:
    return _INTEROP if _relaxed(view, readers) else AEAD_ONLY


def _leftover(
    suites: int,
    what: str,
    *,
    mandatory: t.Optional[Severity] = None,
    strict: t.Optional[Severity] = None,
    interop: t.Optional[Severity] = "info",
) -> t.Callable[[View], t.Iterator[Hit]]:
    """Return a check that finds what is left of *suites*; the severities are for where TLS is mandatory,
    for the profile strict, and for interop where TLS is not mandatory.
    """

    def check(view: View) -> t.Iterator[Hit]:
        for scope, readers, left in _left(view):
            found = left & suites
            if not found:
                continue
            severity: t.Optional[Severity] = None
            if _relaxed(view, readers):
                severity = interop
            elif view.choices.inbound_profile == "strict":
                severity = strict
            elif any(one.mandatory for one in readers):
                severity = mandatory
            yield hit(
                scope,
                f"{what} are accepted by {{services}}: {tls_suites.some(found)}",
                expected=AEAD_ONLY if interop else _exclude(view, readers),
                severity=severity,
            )

    return check


_anonymous = _leftover(
    tls_suites.ANONYMOUS,
    "suites without a certificate",
    mandatory="high",
    strict="high",
    interop=None,
)
_static_rsa = _leftover(tls_suites.STATIC_RSA, "suites without forward secrecy")
_cbc = _leftover(tls_suites.CBC, "suites in CBC mode", strict="medium")
_finite_field = _leftover(
    tls_suites.FINITE_FIELD, "suites with finite-field Diffie-Hellman", strict="medium"
)
_national = _leftover(tls_suites.NATIONAL, "suites with Camellia or ARIA", strict="medium")
_short_tag = _leftover(tls_suites.SHORT_TAG, "suites with a short tag", strict="medium")
_obsolete = _leftover(
    tls_suites.OPTIONAL, "obsolete suites where the TLS library has them", interop=None
)


def _cause(server: TlsServer, suites: int) -> str:
    """Return the name of the parameter that takes all of *suites* away."""
    base = server.cipher_list_name
    if not server.suites_of(base) & suites:
        return base
    names = server.exclusion_names
    alone = (
        one for one in names if not server.suites_of(base, server.endpoint.value(one)) & suites
    )
    return next(alone, names[0])


def _gone(
    suites: int, what: str, severity: t.Callable[[t.Sequence[TlsServer]], t.Optional[Severity]]
) -> t.Callable[[View], t.Iterator[Hit]]:
    """Return a check that finds services of TLS 1.2 that lack all of *suites*."""

    def check(view: View) -> t.Iterator[Hit]:
        pairs = [
            (_cause(one, suites), one)
            for one in offering(view)
            if one.suites and "TLSv1.2" in (one.protocols or ()) and not one.suites & suites
        ]
        for scope, readers in group(view, pairs):
            pinned = scope.parameter.endswith("_cipherlist")
            yield hit(
                scope,
                f"{scope.parameter} takes {what} away from {{services}}",
                expected=None if pinned else _exclude(view, readers),
                severity=severity(readers),
            )

    return check


def _ecdsa_severity(readers: t.Sequence[TlsServer]) -> t.Optional[Severity]:
    return "high" if any(one.value("tls_eccert_file").strip() for one in readers) else None


_no_ecdsa = _gone(tls_suites.ECDSA, "all suites for EC certificates", _ecdsa_severity)
_no_elliptic = _gone(tls_suites.ELLIPTIC, "all suites with elliptic curves", lambda _readers: None)
_no_aead = _gone(tls_suites.AEAD, "all authenticated encryption", lambda _readers: None)


def _none_left(view: View) -> t.Iterator[Hit]:
    servers = [one for one in offering(view, internal=True) if one.suites == 0]
    pairs = [(_cause(one, -1), one) for one in servers]
    for scope, readers in group(view, pairs):
        pinned = scope.parameter.endswith("_cipherlist")
        yield hit(
            scope,
            f"{scope.parameter} leaves no suite: every handshake with {{services}} fails",
            expected=None if pinned else _exclude(view, readers),
        )


def _proper_grade(view: View, readers: t.Iterable[TlsServer]) -> str:
    return "medium" if _relaxed(view, readers) else "high"


def _grade_unknown(view: View) -> t.Iterator[Hit]:
    for scope, readers in lines(view, "ciphers"):
        if not readers[0].grade:
            says = "no cipher grade: every handshake with {services} fails"
            yield hit(
                scope,
                f"{scope.value!r} is {says}"
                if scope.value
                else "the grade is empty: {services} dies",
                expected=_proper_grade(view, readers),
            )


def _grade_weak(view: View) -> t.Iterator[Hit]:
    for scope, readers in lines(view, "ciphers"):
        grade = readers[0].grade
        if grade not in ("low", "export", "null") or all(one.internal for one in readers):
            continue
        gone = grade != "null" and view.version.has("3.8")
        yield hit(
            scope,
            "with the grade null {services} encrypts nothing below TLS 1.3"
            if grade == "null"
            else f"the grade {grade} of {{services}} is meant to let weak suites in",
            expected=_proper_grade(view, readers),
            severity="critical" if grade == "null" else "low" if gone else None,
        )


def _grade_medium(view: View) -> t.Iterator[Hit]:
    for scope, readers in lines(view, "ciphers"):
        if readers[0].grade != "medium" or all(one.internal for one in readers):
            continue
        more = any(_usable(one) & ~one.suites_of("tls_high_cipherlist") for one in readers)
        if not _relaxed(view, readers):
            yield hit(
                scope,
                "the grade medium of {services} lets suites in that OpenSSL does not count as strong",
                expected="high",
                severity=None if more else "info",
            )


def _exclusion_scopes(view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    def make(view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
        servers = offering(view, internal=True)
        return group(view, [(name, one) for one in servers for name in one.exclusion_names])

    return tls_in_force.once(view, "tls_exclusion_scopes", make)


def _idle_exclusions(view: View) -> tuple[tuple[Scope, tuple[TlsServer, ...]], ...]:
    """Return the exclusions for mandatory TLS where nothing demands TLS: a wrong word is one all the same."""
    name = "smtpd_tls_mandatory_exclude_ciphers"
    readers = offering(view, internal=True)
    if name not in view.explicit or any(one.mandatory for one in readers):
        return ()
    scopes = view.scopes(name, [one.endpoint for one in readers])
    return tuple((scope, readers) for scope in scopes)


def _exclusion_sign(view: View) -> t.Iterator[Hit]:
    for scope, readers in _exclusion_scopes(view):
        words = exclusion_words(scope.value)
        wrong = [word for word in words if word[0] in "!+-@"]
        if wrong:
            right = [word.lstrip("!-") for word in words if word[0] not in "+@"]
            yield hit(
                scope,
                f"{wrong[0]!r} begins with {wrong[0][0]!r}: every handshake with {{services}} fails",
                expected=", ".join(word for word in right if word) or _exclude(view, readers),
            )


@functools.lru_cache(maxsize=256)
def _unknown_words(value: str, era: tls_suites.Era) -> tuple[str, ...]:
    return tuple(
        word
        for word in exclusion_words(value)
        if word[0] not in "!+-@"
        and not tls_suites.is_class(word, era=era)
        and (tls_suites.is_class(word) or _never_known(word))
    )


def _never_known(word: str) -> bool:
    """Return whether no OpenSSL, however old or built, has suites of this name."""
    postfix, library = _ANY
    return bool(
        values.check(
            "smtpd_tls_exclude_ciphers",
            word,
            postfix=postfix,
            tls_library=library,
            map_types=frozenset(),
        )
    )


def _meant(word: str, era: tls_suites.Era) -> str:
    """Return the class that was probably meant, empty when nothing is like it."""
    if tls_suites.is_class(word):
        return ""  # A word of a newer OpenSSL.
    names = [one for one in tls_suites.CLASS_NAMES if tls_suites.is_class(one, era=era)]
    same = next((one for one in names if one.lower() == word.lower()), "")
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return same or next(iter(close), "")


def _exclusion_unknown(view: View) -> t.Iterator[Hit]:
    era = tls_suites.era_of(view.tls_library)
    for scope, readers in (*_exclusion_scopes(view), *_idle_exclusions(view)):
        unknown = _unknown_words(scope.value, era)
        if not unknown:
            continue
        meant = {word: _meant(word, era) for word in unknown}
        guess = ", ".join(f"{word} (did you mean {one}?)" for word, one in meant.items() if one)
        other = ", ".join(word for word, one in meant.items() if not one)
        words = (meant.get(word, word) for word in exclusion_words(scope.value))
        yield hit(
            scope,
            "OpenSSL knows no suites of this name, so nothing is excluded by it: "
            + ", ".join(part for part in (guess, other) if part),
            expected=", ".join(word for word in words if word) or _exclude(view, readers),
        )


def _pinned(view: View) -> t.Iterator[Hit]:
    read = ("high", "medium", "null")
    for grade in read if view.version.has("3.8") else (*read, "low", "export"):
        yield from _as_written(
            view,
            f"tls_{grade}_cipherlist",
            f"the suites of the grade {grade} are written down for {{services}} and do not follow "
            "Postfix and OpenSSL any more",
        )


def _dead_lists(view: View) -> t.Iterator[Hit]:
    if view.version.has("3.8"):
        for name in ("tls_low_cipherlist", "tls_export_cipherlist"):
            yield from _as_written(view, name, f"Postfix ignores {name} since 3.8")


def _as_written(view: View, name: str, message: str) -> t.Iterator[Hit]:
    """Yield a finding for every line that sets a parameter which is better not set."""
    if is_written(view, name):
        for scope in view.scopes(name, speakers(view)):
            if scope.origin != "default":
                yield hit(scope, message, expected=None)


def _choice_of_server(view: View) -> t.Iterator[Hit]:
    """Where the operator wants old suites, the server should choose."""
    name = "tls_preempt_cipherlist"
    mixed = [
        one
        for one in offering(view)
        if _relaxed(view, (one,)) and _usable(one) & _LESSER and not one.endpoint.is_yes(name)
    ]
    for scope in view.scopes(name, (one.endpoint for one in mixed)):
        yield hit(
            scope,
            "good and lesser suites are accepted by {services}, and the client chooses",
            expected="yes",
        )


def _choice_of_client(view: View) -> t.Iterator[Hit]:
    name = "tls_preempt_cipherlist"
    if not is_written(view, name):
        return
    choosing = [one for one in offering(view) if one.endpoint.is_yes(name)]
    lesser = {one.endpoint.subject for one in choosing if _usable(one) & _LESSER}
    for scope in view.scopes(name, (one.endpoint for one in choosing)):
        if lesser.isdisjoint(one.subject for one in scope.endpoints):
            yield hit(
                scope,
                "only good suites are accepted by {services}, and the client may not choose the one "
                "that its hardware is fast at",
                expected="no",
            )


def _sha1_signatures(view: View) -> t.Iterator[Hit]:
    name = "tls_config_file"
    if not view.knows(name) or view.choices.inbound_profile == "interop":
        return
    plain = [one.endpoint for one in offering(view) if one.endpoint.value(name) == "default"]
    for scope in view.scopes(name, plain):
        yield hit(
            scope,
            "signatures with SHA-1 are accepted in handshakes of {services}",
            expected=f"{view.config_directory}/openssl-postfix.cnf",
            severity="medium" if view.choices.inbound_profile == "strict" else None,
        )


def _config_file(view: View) -> t.Iterator[Hit]:
    name = "tls_config_file"
    if not is_written(view, name) or not view.knows(name):
        return
    for scope in view.scopes(name, speakers(view)):
        value = scope.value.strip()
        if value not in ("default", "none") and not value.startswith("/"):
            yield hit(
                scope,
                f"{value!r} is not the absolute name of a file: {{services}} has no TLS",
                expected="default",
            )


_CIPHERS = "ciphers(1)"
_EXCLUDE = "postconf(5) smtpd_tls_exclude_ciphers"

RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "suites-anonymous",
        "suites",
        "medium",
        "Suites without a certificate are accepted",
        "Nobody proves who he is with them, so whoever sits in between reads along unseen.",
        f"RFC 9325 section 4.1; {_EXCLUDE}",
        _anonymous,
        example="smtpd_tls_exclude_ciphers =",
    ),
    Rule(
        "suites-without-forward-secrecy",
        "suites",
        "medium",
        "Suites without forward secrecy are accepted",
        "Whoever gets the private key one day can read all that was recorded before.",
        "RFC 9325 section 4.1; Internet.nl",
        _static_rsa,
        example="smtpd_tls_exclude_ciphers = aNULL",
    ),
    Rule(
        "suites-cbc",
        "suites",
        "low",
        "Suites in CBC mode are accepted",
        "Attacks on the padding have hit this mode again and again; authenticated encryption has none.",
        "RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
        _cbc,
        example="smtpd_tls_exclude_ciphers = aNULL, kRSA",
    ),
    Rule(
        "suites-finite-field",
        "suites",
        "low",
        "Diffie-Hellman over finite fields is accepted",
        "It is slow, a door for overload, and its groups are often weak; elliptic curves are better.",
        "RFC 9325 section 4.1; NCSC-NL TLS guidelines 2025-05",
        _finite_field,
        example="smtpd_tls_exclude_ciphers = aNULL, kRSA",
    ),
    Rule(
        "suites-camellia-aria",
        "suites",
        "low",
        "Camellia or ARIA is accepted",
        "Hardly anybody uses or examines these, so they are only more to attack.",
        "RFC 9325 section 4.2; Mozilla Server Side TLS 6.0, intermediate",
        _national,
        example="smtpd_tls_exclude_ciphers = aNULL, kRSA, kDHE",
    ),
    Rule(
        "suites-short-tag",
        "suites",
        "low",
        "Suites with a tag of 64 bits are accepted",
        "The short tag (CCM8) makes it easier to forge a message; it is meant for tiny devices.",
        "RFC 9325 section 4.2; NCSC-NL TLS guidelines 2025-05",
        _short_tag,
        example="smtpd_tls_exclude_ciphers = aNULL, kRSA, kDHE, SHA1, SHA256, SHA384",
    ),
    Rule(
        "suites-obsolete",
        "suites",
        "medium",
        "SEED, IDEA, 3DES or RC4 is not excluded",
        "These are broken or left behind; only the way the TLS library was built keeps them away.",
        "RFC 7465; RFC 8429; RFC 9325 section 4.1",
        _obsolete,
        example="smtpd_tls_ciphers = medium",
    ),
    Rule(
        "suites-for-ec-certificates-excluded",
        "suites",
        "medium",
        "All suites for EC certificates are excluded",
        "Below TLS 1.3 an EC certificate cannot be used then, and a client gets RSA or nothing.",
        f"{_EXCLUDE}; {_CIPHERS}",
        _no_ecdsa,
        example="smtpd_tls_exclude_ciphers = aNULL, ECDSA",
    ),
    Rule(
        "suites-with-curves-excluded",
        "suites",
        "high",
        "All suites with elliptic curves are excluded",
        "The best key exchange of TLS 1.2 is gone, and what is left is slow or has no forward secrecy.",
        f"RFC 9325 section 4.2; {_EXCLUDE}",
        _no_elliptic,
        example="smtpd_tls_exclude_ciphers = EECDH",
    ),
    Rule(
        "suites-with-aead-excluded",
        "suites",
        "medium",
        "All authenticated encryption is excluded",
        "In TLS 1.2 only the old CBC mode is left, which is known for attacks on its padding.",
        f"RFC 9325 section 4.2; {_EXCLUDE}",
        _no_aead,
        example="smtpd_tls_exclude_ciphers = AESGCM, CHACHA20, AESCCM, ARIAGCM",
    ),
    Rule(
        "suites-none-left",
        "suites",
        "critical",
        "No cipher suite is left",
        "Postfix fails every TLS handshake then, those of TLS 1.3 too, though STARTTLS is announced.",
        f"{_EXCLUDE}; SSL_CTX_set_cipher_list(3)",
        _none_left,
        dies=True,
        example="smtpd_tls_exclude_ciphers = ALL",
    ),
    Rule(
        "cipher-grade-unknown",
        "suites",
        "critical",
        "The cipher grade is no grade",
        "Postfix fails every TLS handshake for it, though STARTTLS is announced.",
        "postconf(5) smtpd_tls_ciphers, smtpd_tls_mandatory_ciphers",
        _grade_unknown,
        dies=True,
        example="smtpd_tls_ciphers = strong",
    ),
    Rule(
        "cipher-grade-weak",
        "suites",
        "medium",
        "The cipher grade lets weak suites in",
        "Only the way the TLS library was built keeps broken encryption, or none at all, away.",
        "postconf(5) smtpd_tls_ciphers, smtpd_tls_mandatory_ciphers",
        _grade_weak,
        example="smtpd_tls_ciphers = export",
    ),
    Rule(
        "cipher-grade-medium",
        "suites",
        "low",
        "The cipher grade is medium",
        "It adds suites that OpenSSL itself does not count as strong.",
        "postconf(5) smtpd_tls_ciphers; RFC 9325 section 4.1",
        _grade_medium,
        example="smtpd_tls_ciphers = medium",
    ),
    Rule(
        "exclusion-with-sign",
        "suites",
        "critical",
        "A word in a list of suites to exclude begins with a sign",
        "Postfix fails every TLS handshake for it, though STARTTLS is announced.",
        _EXCLUDE,
        _exclusion_sign,
        dies=True,
        example="smtpd_tls_exclude_ciphers = !aNULL",
    ),
    Rule(
        "exclusion-unknown-word",
        "suites",
        "low",
        "A word in a list of suites to exclude is unknown",
        "It excludes nothing, and what was meant is still accepted.",
        f"{_CIPHERS}; {_EXCLUDE}",
        _exclusion_unknown,
        example="smtpd_tls_exclude_ciphers = aNULL, PSD",
    ),
    Rule(
        "cipher-list-pinned",
        "suites",
        "medium",
        "The suites of a cipher grade are written down",
        "The list ages: it keeps what gets broken and misses what is new, in every daemon at once.",
        "postconf(5) tls_high_cipherlist, tls_medium_cipherlist",
        _pinned,
        example="tls_high_cipherlist = ECDHE-RSA-AES256-SHA:AES256-SHA",
    ),
    Rule(
        "cipher-list-dead",
        "suites",
        "info",
        "A cipher list is set that Postfix does not read any more",
        "It looks as if it did something, and it does nothing.",
        "postconf(5) tls_low_cipherlist, tls_export_cipherlist",
        _dead_lists,
        example="tls_low_cipherlist = ALL:!aNULL",
    ),
    Rule(
        "cipher-choice-of-client",
        "suites",
        "info",
        "The client chooses among suites of unequal strength",
        "A client that prefers an old suite gets it, though both sides have a better one.",
        "postconf(5) tls_preempt_cipherlist; Internet.nl",
        _choice_of_server,
        example="tls_preempt_cipherlist = no",
    ),
    Rule(
        "cipher-choice-of-server",
        "suites",
        "info",
        "The server chooses among suites that are all good",
        "A small device could use the suite that it is fast at, and may not.",
        "postconf(5) tls_preempt_cipherlist; Mozilla Server Side TLS 6.0, intermediate",
        _choice_of_client,
        example="tls_preempt_cipherlist = yes",
    ),
    Rule(
        "signatures-with-sha1",
        "suites",
        "info",
        "Handshake signatures with SHA-1 are accepted",
        "Whoever can pay for it makes two texts with the same SHA-1, so such a signature proves little.",
        "RFC 9155; RFC 9325 section 4.1",
        _sha1_signatures,
        example="tls_config_file = default",
    ),
    Rule(
        "tls-config-file-relative",
        "suites",
        "critical",
        "The OpenSSL configuration of Postfix is not named absolutely",
        "Postfix does not find the file and turns TLS off.",
        "postconf(5) tls_config_file",
        _config_file,
        dies=True,
        example="tls_config_file = openssl-postfix.cnf",
    ),
)

__all__ = ("RULES",)
