# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the settings table and an operator's choices into the values for one host."""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import settings
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    DANE_LEVELS,
    CertificateChoice,
    ChoiceError,
    Choices,
    Host,
    Policy,
    validate,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import (
    KEEP,
    REMOVE,
    Edit,
    Rule,
    Setting,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import available

_OBSERVED: t.Final = frozenset({"smtpd_tls_loglevel", "smtp_tls_loglevel"})
_ENCRYPTING: t.Final = frozenset({"encrypt", "dane-only", "fingerprint", "verify", "secure"})
_STRONGER_THAN_MAY: t.Final = _ENCRYPTING | {"dane"}
_SERVER_CERTIFICATES: t.Final = (
    "smtpd_tls_chain_files",
    "smtpd_tls_cert_file",
    "smtpd_tls_eccert_file",
    "smtpd_tls_dcert_file",
)
_CLIENT_CERTIFICATES: t.Final = tuple(
    f"{prefix}_tls_{name}"
    for prefix in ("smtp", "lmtp")
    for name in ("chain_files", "cert_file", "eccert_file", "dcert_file")
)
_CLIENT_CERTIFICATE_USERS: t.Final = later(r"clientcerts|check_ccert_access")
# A first row that no host can match; what follows up to the closing brace are the rows of the choices.
_MARK: t.Final = "hardened-mail.invalid"
_OWN_ROWS: t.Final = later(
    r"inline:\{\s*\{\s*hardened-mail\.invalid\s*=[^{}]*\}(?:[\s,]*\{[^{}]*\})*\s*\}"
)
# Where the first row has this level, the table behind ours is that of policy_server.
_OWN_SERVER: t.Final = later(
    r"inline:\{\s*\{\s*hardened-mail\.invalid\s*=\s*may\s*\}(?:[\s,]*\{[^{}]*\})*\s*\}[\s,]*[^\s,]+"
)
_COMPARISON: t.Final = later(r"(postfix|openssl)(>=|<)([\d.]+)")

# Baseline handshake settings of the section that tls_config_name names, see postconf(5) tls_config_file.
_CONFIG: t.Final = """\
# Written by hardened.mail for tls_config_file. Refuses handshake signatures with SHA-1.
postfix = postfix_settings
[postfix_settings]
ssl_conf = postfix_ssl_settings
[postfix_ssl_settings]
system_default = baseline_postfix_settings
[baseline_postfix_settings]
SignatureAlgorithms = {signatures}
"""
_SIGNATURES: t.Final = (
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:RSA-PSS+SHA384:"
    "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
)


class Decision(t.NamedTuple):
    """The value that a parameter must have on a host; None means that it must not be in main.cf.

    The empty string is a value: ``parameter =``. ``ran`` tells whether this was run on a real Postfix of
    this version, or is from its documentation. ``cost`` says what the value gives up, None when nothing.
    """

    parameter: str
    value: t.Optional[str]
    reason: str
    source: str
    ran: bool
    cost: t.Optional[str] = None


class ManagedFile(t.NamedTuple):
    """A file that a setting needs; ``name`` is relative to the configuration directory."""

    name: str
    content: str
    mode: int


class Weaker(t.NamedTuple):
    """An override of the site that falls below ``floor``, the value of the chosen profile."""

    parameter: str
    value: t.Optional[str]
    floor: t.Optional[str]
    reason: str


class Note(t.NamedTuple):
    """Something the policy leaves as it is and an operator should know."""

    parameter: str
    text: str


class Situation(t.NamedTuple):
    """What the conditions and the placeholders of a table of settings refer to."""

    host: Host
    flags: frozenset[str]
    texts: t.Mapping[str, str]

    def holds(self, condition: str) -> bool:
        """Tell whether every word of *condition* holds, see ``policy.settings``."""
        return all(
            self._word(word.lstrip("!")) != word.startswith("!") for word in condition.split()
        )

    def _word(self, word: str) -> bool:
        found = _COMPARISON.fullmatch(word)
        if found is None:
            return word in self.flags
        subject, operator, version = found.groups()
        if subject == "postfix":
            return self.host.postfix.has(version) == (operator == ">=")
        limit = tuple(int(part) for part in version.split("."))
        if operator == ">=":
            return self.host.tls_library.is_openssl(since=limit)
        return self.host.tls_library.is_openssl(before=limit)

    def fill(self, value: str) -> str:
        """Return *value* with its placeholders filled in."""
        for name, text in self.texts.items():
            value = value.replace("{" + name + "}", text)
        return value


def _is_yes(current: t.Mapping[str, str], parameter: str) -> bool:
    return current.get(parameter, "").lower() == "yes"


def _client_level(prefix: str, current: t.Mapping[str, str]) -> str:
    """Return the level that main.cf gives, by the switches of Postfix 2.2 when it names none."""
    level = current.get(f"{prefix}_tls_security_level", "").lower()
    if level:
        return level
    if _is_yes(current, f"{prefix}_enforce_tls"):
        unnamed = current.get(f"{prefix}_tls_enforce_peername", "").lower() == "no"
        return "encrypt" if unnamed else "verify"
    return "may" if _is_yes(current, f"{prefix}_use_tls") else ""


def _server_encrypts(current: t.Mapping[str, str]) -> bool:
    level = current.get("smtpd_tls_security_level", "").lower()
    return level in _ENCRYPTING or (not level and _is_yes(current, "smtpd_enforce_tls"))


def _own_config_file(host: Host) -> str:
    return f"{host.config_directory.rstrip('/')}/{settings.CONFIG_FILE}"


def _no_site_ca(host: Host, current: t.Mapping[str, str]) -> bool:
    other = current.get("smtp_tls_CApath") or current.get("smtp_tls_trust_anchor_file")
    return current.get("smtp_tls_CAfile", "") in ("", host.ca_file) and not other


def _outbound_flags(
    choices: Choices, *, current: t.Mapping[str, str], site_maps: str
) -> dict[str, bool]:
    found = _client_level("smtp", current)
    levels = {choices.outbound_level, *(row.level for row in choices.policies)}
    if choices.outbound_level == "may":
        levels.add(found)
    wrapper = choices.outbound_wrappermode
    if wrapper is None:
        wrapper = _is_yes(current, "smtp_tls_wrappermode")
    lmtp_maps = current.get("lmtp_tls_policy_maps", "")
    return {
        f"outbound-level:{choices.outbound_level}": True,
        "found-outbound:stronger": found in _STRONGER_THAN_MAY,
        "wrapper": wrapper,
        "wrapper:yes": choices.outbound_wrappermode is True,
        "wrapper:no": choices.outbound_wrappermode is False,
        "dane": bool(levels & DANE_LEVELS),
        "no-fingerprints": choices.outbound_level == "fingerprint"
        and bool(current)
        and not current.get("smtp_tls_fingerprint_cert_match"),
        "verifies": bool(levels & {"verify", "secure"} or site_maps or choices.policy_server),
        "policies": bool(choices.policies or choices.policy_server),
        "tlsrpt": bool(choices.tlsrpt_socket),
        "fingerprints:smtp": bool(
            site_maps or current.get("smtp_tls_fingerprint_cert_match") or found == "fingerprint"
        ),
        "fingerprints:lmtp": bool(lmtp_maps or current.get("lmtp_tls_fingerprint_cert_match")),
        "site-table:smtp": bool(
            current.get("smtp_tls_per_site") and not site_maps and not choices.policies
        ),
        "site-table:lmtp": bool(current.get("lmtp_tls_per_site") and not lmtp_maps),
        "old-switches:lmtp": not current.get("lmtp_tls_security_level")
        and bool(_client_level("lmtp", current)),
    }


def _site_tables(maps: str) -> str:
    """Return a list of tables without those that an earlier run put there."""
    return _OWN_ROWS.sub("", _OWN_SERVER.sub("", maps)).strip(" ,")


def _inbound_flags(choices: Choices, *, current: t.Mapping[str, str]) -> dict[str, bool]:
    sni = current.get("tls_server_sni_maps", "")
    # The value none stands for a server that only has anonymous suites, which are excluded.
    certificate = choices.certificates or any(
        current.get(one, "") not in ("", "none") for one in _SERVER_CERTIFICATES
    )
    return {
        f"inbound-level:{choices.inbound_level}": True,
        "found-inbound:encrypt": _server_encrypts(current),
        "certificates": bool(choices.certificates),
        "sni": bool(choices.sni),
        "own-sni": _OWN_ROWS.search(sni) is not None,
        "site-sni": bool(_site_tables(sni)),
        # An empty ``current`` was not read from a host and says nothing about its certificates.
        "no-certificate": bool(current) and not certificate,
        "client-certificates": bool(current.get("relay_clientcerts"))
        or any(_CLIENT_CERTIFICATE_USERS.search(value) for value in current.values()),
    }


def _host_flags(host: Host, choices: Choices, *, current: t.Mapping[str, str]) -> dict[str, bool]:
    new = host.postfix
    normalizes = new.has("3.5.24 3.6.14 3.7.10 3.8.5 3.9")
    knows_newlines = available("smtpd_forbid_bare_newline", postfix=new)
    no_site_ca = _no_site_ca(host, current)
    return {
        **{f"map:{one}": True for one in host.map_types},
        f"inbound:{choices.inbound_profile}": True,
        f"outbound:{choices.outbound_profile}": True,
        "strict": "strict" in (choices.inbound_profile, choices.outbound_profile),
        "own-config-file": current.get("tls_config_file") == _own_config_file(host),
        "hygiene": choices.smtp_hygiene,
        "newline:reject": normalizes
        and current.get("smtpd_forbid_bare_newline", "").lower() == "reject",
        "newline:normalize": normalizes,
        "newline:yes": knows_newlines,
        "smuggling-workaround": choices.smtp_hygiene and not knows_newlines,
        "pipelining": available("smtpd_forbid_unauth_pipelining", postfix=new),
        "no-site-ca": bool(host.ca_file) and no_site_ca,
        "default-ca-only": _is_yes(current, "tls_append_default_CA")
        and not host.ca_file
        and no_site_ca,
    }


def _situation(
    host: Host,
    choices: Choices,
    *,
    current: t.Mapping[str, str],
    site_policy_maps: t.Optional[str] = None,
) -> Situation:
    found = current.get("smtp_tls_policy_maps", "")
    site_maps = _site_tables(found) if site_policy_maps is None else site_policy_maps
    flags = {
        **_inbound_flags(choices, current=current),
        **_outbound_flags(choices, current=current, site_maps=site_maps),
        **_host_flags(host, choices, current=current),
        "own-rows": _OWN_ROWS.search(found) is not None,
        "site-maps": bool(site_maps),
    }
    texts = {
        "ca_file": host.ca_file or "",
        "config_directory": host.config_directory.rstrip("/"),
        "chain_files": chain_files(choices.certificates),
        "outbound_level": choices.outbound_level,
        "found_outbound_level": _client_level("smtp", current),
        "found_lmtp_level": _client_level("lmtp", current),
        "policy_maps": policy_maps(
            choices.policies, site_policy_maps=site_maps, server=choices.policy_server
        ),
        "tlsrpt_socket": choices.tlsrpt_socket,
        "sni_maps": sni_maps(
            choices.sni, site_maps=_site_tables(current.get("tls_server_sni_maps", ""))
        ),
    }
    return Situation(host, frozenset(name for name, holds in flags.items() if holds), texts)


def chain_files(certificates: t.Iterable[CertificateChoice]) -> str:
    """Return the value of ``smtpd_tls_chain_files`` for *certificates*."""
    files: list[str] = []
    for one in certificates:
        # Postfix reads each key before its chain; one file can hold both.
        files += dict.fromkeys((one.private_key, one.certificate))
    return ", ".join(files)


def policy_maps(
    policies: t.Iterable[Policy], *, site_policy_maps: str = "", server: str = ""
) -> str:
    """Return ``smtp_tls_policy_maps``: an inline table for ``policies``, ``server``, the site's tables.

    The table starts with a row for a name that no host can have, so that a later run knows it again,
    and knows from its level whether ``server`` stands behind it. Returns ``site_policy_maps`` alone
    when there are no policies and no server.
    """
    rows = [f"{{ {_policy_row(one)} }}" for one in policies]
    mark = f"{{ {_MARK} = {'may' if server else 'none'} }}"
    tables = [f"inline:{{ {', '.join([mark, *rows])} }}"] if rows or server else []
    return ", ".join([one for one in (*tables, server, site_policy_maps) if one])


def sni_maps(rows: t.Iterable[CertificateChoice], *, site_maps: str = "") -> str:
    """Return ``tls_server_sni_maps`` with one inline table for ``rows``, then the site's tables.

    An inline table reads the files when a daemon starts, before it gives up root, so a renewed
    certificate needs a reload and no table built anew, and no key is copied into one. Returns
    ``site_maps`` alone when there are no rows.
    """
    files: dict[str, list[str]] = {}
    for one in rows:
        for name in dict.fromkeys(name.lower() for name in one.names):
            files.setdefault(name, []).extend(dict.fromkeys((one.private_key, one.certificate)))
    if not files:
        return site_maps
    # The value of a row names files, so the mark of ours has those of the first row.
    marked = {_MARK: next(iter(files.values())), **files}
    listed = ", ".join(f"{{ {name} = {' '.join(named)} }}" for name, named in marked.items())
    return ", ".join([f"inline:{{ {listed} }}", *([site_maps] if site_maps else [])])


def _policy_row(policy: Policy) -> str:
    exclude = list(policy.exclude)
    if exclude and policy.level in _STRONGER_THAN_MAY:
        # The attribute replaces the lists of main.cf, so it carries the floor of mandatory TLS too.
        exclude += [word for word in settings.AEAD_ONLY.split(", ") if word not in exclude]
    attributes = {
        "match": ("|" if policy.level == "fingerprint" else ":").join(policy.match),
        "protocols": re.sub(r"[\s,:]+", ":", policy.protocols, flags=re.ASCII),
        "ciphers": policy.ciphers,
        "exclude": ":".join(exclude),
        "servername": policy.servername,
    }
    words = [f"{name}={value}" for name, value in attributes.items() if value]
    return " ".join((f"{policy.destination.lower()} = {policy.level}", *words))


def edited(edit: Edit, *, value: str) -> str:
    """Return the list *value* with *edit* made to it; unchanged, down to its blanks, when it is so already."""
    words = [word for word in re.split(r"[\s,]+", value, flags=re.ASCII) if word]
    kept = [word for word in words if word.lower() not in edit.drop]
    missing = [word for word in edit.first if word not in kept]
    if len(kept) == len(words) and not missing:
        return value
    return ", ".join(missing + kept)


def _decide(
    setting: Setting, *, situation: Situation, current: t.Mapping[str, str]
) -> t.Optional[Decision]:
    rule = next(one for one in setting.rules if situation.holds(one.when))
    value = _value(setting, rule, situation=situation, current=current)
    if value is KEEP:
        return None
    host = situation.host
    laboratory = (host.postfix.major, host.postfix.minor) in settings.LABORATORY
    entry = f"postconf(5) {setting.parameter}"
    return Decision(
        setting.parameter,
        value=value if isinstance(value, str) else None,
        reason=rule.reason or setting.reason,
        source=f"{entry}; {setting.source}" if setting.source else entry,
        ran=rule.ran and laboratory and host.tls_library.name == "OpenSSL",
        cost=rule.cost,
    )


def _value(
    setting: Setting, rule: Rule, *, situation: Situation, current: t.Mapping[str, str]
) -> t.Union[str, settings.Action]:
    known = situation.host.known_parameters
    if isinstance(rule.value, settings.Action):
        return rule.value
    if known is not None and setting.parameter not in known:
        return KEEP
    if isinstance(rule.value, str):
        return situation.fill(rule.value)
    before = current.get(setting.parameter, "")
    after = edited(rule.value, value=before)
    if after == before and not rule.value.first:
        return KEEP
    return after or REMOVE


def resolve(
    host: Host,
    *,
    choices: Choices,
    current: t.Mapping[str, str],
    site_policy_maps: t.Optional[str] = None,
) -> tuple[Decision, ...]:
    """Return the decisions for ``host``, in the order of the table.

    ``current`` are the expanded values in main.cf (``postconf -nx``), empty when there is no host to read;
    a parameter without a decision is the site's. ``site_policy_maps`` is the site's own
    ``smtp_tls_policy_maps``, kept behind the rows of ``choices``; None takes it from ``current``. Raises
    ChoiceError when a choice is unknown or cannot work on this host.
    """
    validate(choices, host=host)
    situation = _situation(host, choices, current=current, site_policy_maps=site_policy_maps)
    if choices.inbound_level == "encrypt" and situation.holds("no-certificate"):
        raise ChoiceError("inbound_level encrypt needs a certificate, and this host has none")
    wanted = (one for one in settings.SETTINGS if not choices.observe or one.parameter in _OBSERVED)
    decisions = (_decide(one, situation=situation, current=current) for one in wanted)
    return tuple(one for one in decisions if one is not None)


def floors(
    host: Host, *, choices: Choices, current: t.Mapping[str, str]
) -> dict[str, t.Optional[str]]:
    """Return the value that ``resolve`` gives to each parameter that the table judges.

    Many hosts are in the same situation, which is worked out once. Raises ChoiceError like ``resolve``.
    """
    validate(choices, host=host)
    known = host.known_parameters
    same = host._replace(known_parameters=None)
    situation = _situation(same, choices, current=current)
    found = _floors(same, situation.flags, tuple(situation.texts.items()))
    return {
        name: value
        for name, value in found.items()
        if value is None or known is None or name in known
    }


@functools.lru_cache(maxsize=256)
def _floors(
    host: Host, flags: frozenset[str], texts: tuple[tuple[str, str], ...]
) -> t.Mapping[str, t.Optional[str]]:
    situation = Situation(host, flags, dict(texts))
    # No judged setting is an edit of the site's own value, so nothing else counts.
    decisions = (
        _decide(one, situation=situation, current={}) for one in settings.SETTINGS if one.judge
    )
    return {one.parameter: one.value for one in decisions if one is not None}


def files_for(host: Host, *, choices: Choices) -> tuple[ManagedFile, ...]:
    """Return the files that the decisions for ``choices`` refer to."""
    validate(choices, host=host)
    if choices.observe or "strict" not in (choices.inbound_profile, choices.outbound_profile):
        return ()
    content = _CONFIG.format(signatures=_SIGNATURES)
    return (ManagedFile(settings.CONFIG_FILE, content=content, mode=0o644),)


def weaker(
    host: Host,
    *,
    choices: Choices,
    overrides: t.Mapping[str, t.Optional[str]],
) -> tuple[Weaker, ...]:
    """Return the ``overrides`` that fall below the floor of the chosen profile, judged by meaning.

    A None stands for "not in main.cf". An override of a parameter that the table does not judge is never
    weaker. Rows of ``choices.policies`` below the floor count as overrides of ``smtp_tls_policy_maps``.
    Raises ChoiceError like ``resolve``.
    """
    if not overrides and not choices.policies:
        return ()
    # The judges are compiled on the host, and most hosts have no overrides.
    from ansible_collections.hardened.mail.plugins.module_utils.policy.floor import (  # noqa: PLC0415 - rarely needed
        below,
    )

    floors = {one.parameter: one.value for one in resolve(host, choices=choices, current={})}
    found = []
    for parameter, value in overrides.items():
        setting = settings.BY_NAME.get(parameter)
        if setting is None or not setting.judge or (setting.like and not value):
            continue
        judged = setting.like or parameter
        if judged in floors:
            why = below(
                settings.BY_NAME[judged].judge,
                value=_with_companion(parameter, value, overrides=overrides, floors=floors),
                floor=floors[judged],
                parameter=judged,
                host=host,
            )
            if why:
                found.append(Weaker(parameter, value=value, floor=floors[judged], reason=why))
    found += [
        row for policy in choices.policies for row in _weaker_row(policy, host, floors, below)
    ]
    return tuple(found)


def _with_companion(
    parameter: str,
    value: t.Optional[str],
    *,
    overrides: t.Mapping[str, t.Optional[str]],
    floors: t.Mapping[str, t.Optional[str]],
) -> t.Optional[str]:
    """Return ``value``, with the list that Postfix adds it to when it is a list of exclusions."""
    if not parameter.endswith("_mandatory_exclude_ciphers"):
        return value
    companion = parameter.replace("_mandatory", "")
    other = overrides.get(companion) if companion in overrides else None
    if companion not in overrides:
        other = floors.get(settings.BY_NAME[companion].like or companion)
    return f"{value or ''} {other or ''}"


def _weaker_row(
    policy: Policy,
    host: Host,
    floors: t.Mapping[str, t.Optional[str]],
    below: t.Callable[..., t.Optional[str]],
) -> t.Iterator[Weaker]:
    mandatory = "mandatory_" if policy.level in _STRONGER_THAN_MAY else ""
    for kind, parameter, value in (
        ("client_level", "smtp_tls_security_level", policy.level),
        ("protocols", f"smtp_tls_{mandatory}protocols", policy.protocols),
        ("grade", f"smtp_tls_{mandatory}ciphers", policy.ciphers),
        ("exclude", "smtp_tls_exclude_ciphers", "" if mandatory else ":".join(policy.exclude)),
    ):
        why = value and below(
            kind, value=value, floor=floors[parameter], parameter=parameter, host=host
        )
        if why:
            yield Weaker(
                "smtp_tls_policy_maps",
                value=_policy_row(policy),
                floor=floors[parameter],
                reason=f"{policy.destination}: {why}",
            )


def notes(host: Host, *, choices: Choices, current: t.Mapping[str, str]) -> tuple[Note, ...]:
    """Return what stays on the host and an operator should know."""
    found = [
        Note(
            name,
            "A client certificate is shown to every server. TLS_README advises against it, and public "
            "CAs no longer issue certificates for clients. It was left as it is.",
        )
        for name in _CLIENT_CERTIFICATES
        if current.get(name)
    ]
    situation = _situation(host, choices, current=current)
    for condition, parameter, text in _NOTES:
        if situation.holds(condition):
            found.append(Note(parameter, text))
    own = current.get("tls_config_file", "default")
    if own not in ("default", _own_config_file(host)) and not situation.holds("strict"):
        found.append(Note("tls_config_file", f"The site's own {own} was left as it is."))
    return tuple(found)


_NOTES: t.Final = (
    (
        "tlsrpt postfix<3.10",
        "smtp_tlsrpt_enable",
        "TLS-RPT needs Postfix 3.10 or later; this host reports nothing.",
    ),
    (
        "outbound-level:may found-outbound:stronger",
        "smtp_tls_security_level",
        "The host has a stronger level than may; it stays. To lower it, name it as an own parameter.",
    ),
    (
        "inbound-level:may found-inbound:encrypt",
        "smtpd_tls_security_level",
        "The host demands TLS of every client; it stays. RFC 3207 forbids that on a public MX. To lower it, name it as an own parameter.",
    ),
    (
        "no-certificate",
        "smtpd_tls_security_level",
        "There is no server certificate, so port 25 offers no TLS.",
    ),
    (
        "no-fingerprints",
        "smtp_tls_fingerprint_cert_match",
        "The level fingerprint delivers nothing until this lists the fingerprints of the servers.",
    ),
    (
        "site-table:smtp",
        "smtp_tls_per_site",
        "This old table holds per-destination levels; it stays until they are in policies.",
    ),
    (
        "client-certificates",
        "smtpd_tls_fingerprint_digest",
        "Client certificates give access here, so the questions for them and the digest stay. sha256 is the digest to move to.",
    ),
)


def owned_parameters(owner: str = "postfix_tls") -> frozenset[str]:
    """Return every parameter that ``owner`` sets or removes."""
    return frozenset(settings.BY_NAME) if owner == "postfix_tls" else frozenset()


__all__ = (
    "CertificateChoice",
    "ChoiceError",
    "Choices",
    "Decision",
    "Host",
    "ManagedFile",
    "Note",
    "Policy",
    "Situation",
    "Weaker",
    "chain_files",
    "edited",
    "files_for",
    "floors",
    "notes",
    "owned_parameters",
    "policy_maps",
    "resolve",
    "sni_maps",
    "weaker",
)
