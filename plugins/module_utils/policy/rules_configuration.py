# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about how main.cf and master.cf are written: names, values, services (pure)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import named_files
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.obsolete import OBSOLETE
from ansible_collections.hardened.mail.plugins.module_utils.policy.parameter_kinds import (
    BOOLEANS,
    NUMBERS,
    TIMES,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import TlsLibrary

_Hits = t.Iterator[Hit]

_NO_LIBRARY: t.Final = TlsLibrary("", ())

_UNUSED: t.Final = later(r"((?:main|master)\.cf): unused parameter: ([^=\s]+)=(.*)", re.DOTALL)
_UNDEFINED: t.Final = later(r"undefined parameter: (\S+)")
_TWICE: t.Final = later(r"overriding earlier entry: ([^=\s]+)=(.*)", re.DOTALL)
_SUPPORT: t.Final = later(r"support for parameter \"?([^\"\s]+)\"? (?:will be|has been) removed")
#: What rules of their own explain, or what says nothing by itself.
_EXPLAINED: t.Final = later(
    r"(?:main|master)\.cf: unused parameter: |undefined parameter: |overriding earlier entry: "
    r"|comment after other text is not allowed|^See https?://|^unmatched request"
    r'|for details$|^open "\w+" configuration "'
)
#: Of postconf, which reads the configuration of such a table to know the parameters in it.
_NOT_OPEN: t.Final = later(r'^open "(\w+)" configuration "([^"]+)": (.+)')
#: What proxymap does for those in a chroot: there is no socket of the server, no resolver, no file of authorities.
_OUTSIDE: t.Final = later(r"(^|[\s,{])((?:mysql|pgsql|ldap|sqlite|mongodb):/[^\s,{}]+)")
_DID_YOU_MEAN: t.Final = "did you mean "
#: A ratio of similarity of 0.85 or more is out of reach when the lengths differ by more than this factor.
_LENGTHS: t.Final = 1.36
#: Numbers and switches that smtpd reads though their names do not say so.
_READ_BY_SMTPD: t.Final = frozenset({"disable_vrfy_command", "message_size_limit"})
_COMMENT: t.Final = later(r"(?:^|\s)#")
_SWALLOWED: t.Final = later(r"(?:^|\s)([a-z][a-z0-9]*(?:_[a-zA-Z0-9]+)+)(\s?=\s?)")
_NUMBER: t.Final = later(r"[0-9]{1,18}")
_TIME: t.Final = later(r"[0-9]{1,10}(?:[smhdw].*)?")
_TABLE_TYPE: t.Final = later(
    r"(?<![^\s,{:])(btree|cdb|dbm|hash|ldap|lmdb|memcache|mongodb|mysql|netinfo|nis|nisplus|pcre|pgsql"
    r"|sdbm|sqlite):(?=[^\s,}])"
)
_PROXY: t.Final = later(r"(?<![^\s,{])proxy:([a-z]+:[^\s,{}]+)")
_WRITTEN_THROUGH_PROXY: t.Final = frozenset(
    {
        "address_verify_map",
        "lmtp_sasl_auth_cache_name",
        "postscreen_cache_map",
        "smtp_sasl_auth_cache_name",
    }
)
_PACKAGED: t.Final = frozenset(
    {"cdb", "ldap", "lmdb", "mongodb", "mysql", "pcre", "pgsql", "sqlite"}
)
_BERKELEY: t.Final = frozenset({"hash", "btree"})
#: Beginnings of the names that a daemon does not read.
_FOREIGN: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "smtpd": ("smtp_", "lmtp_"),
    "smtp": ("smtpd_", "lmtp_"),
    "lmtp": ("smtpd_", "smtp_"),
}
_SWITCHES: t.Final = (
    ("smtpd", ("smtpd", "postscreen")),
    ("smtp", ("smtp",)),
    ("lmtp", ("lmtp",)),
)


class _Setting(t.NamedTuple):
    """One ``name = value`` of main.cf, or of a service; ``value`` is expanded."""

    name: str
    value: str
    service: t.Optional[Service] = None

    @property
    def subject(self) -> str:
        return self.service.id if self.service else "main.cf"

    def hit(
        self,
        message: str,
        *,
        expected: t.Optional[str],
        severity: t.Optional[Severity] = None,
        fix: t.Optional[Fix] = None,
        shown: str = "",
    ) -> Hit:
        """Return what is wrong here, as postfix_fix.hit() does for a scope."""
        service = self.service.id if self.service else ""
        if expected is not None:
            expected = values.masked(self.name, expected)
        return Hit(
            subject=self.subject,
            parameter=self.name,
            observed=values.masked(self.name, self.value),
            expected=shown or ("not set" if expected is None else expected),
            message=message,
            fix=fix or set_parameter(self.name, expected, service=service),
            severity=severity,
        )


def _settings(view: View, wanted: t.Callable[[str, str], object]) -> t.Iterator[_Setting]:
    """Yield what main.cf and the services in force set, where *wanted* of the name and the text is true."""
    for name, text in view.explicit.items():
        if wanted(name, text):
            yield _Setting(name, view.value(name))
    for service in view.in_force:
        for name, text in service.overrides.items():
            if wanted(name, text):
                yield _Setting(name, view.expanded(name, overrides=service.overrides), service)


def _may_name_table(_name: str, text: str) -> bool:
    return ":" in text or "$" in text


def _unused(view: View) -> t.Iterator[tuple[_Setting, str]]:
    """Yield what postconf calls unused and no release removed, with the reason in words."""
    for warning in view.warnings:
        found = _UNUSED.search(warning)
        if found is None or _is_removed(view, found.group(2)):
            continue
        file, name, value = found.groups()
        why = _unknown(view, name)
        if file == "main.cf":
            yield _Setting(name, value), why
            continue
        # postconf misreads "-oNAME=VALUE" in one word when an "o" is in it; the daemon does not.
        for service in view.in_force:
            if name in service.overrides:
                yield _Setting(name, service.overrides[name], service), why


def _is_removed(view: View, name: str) -> bool:
    entry = OBSOLETE.get(name)
    return bool(entry and entry.removed and view.version.has(entry.removed))


def _unknown(view: View, name: str) -> str:
    shortest, longest = len(name) / _LENGTHS, len(name) * _LENGTHS
    alike = [one for one in view.raw if shortest <= len(one) <= longest and one != name]
    return values.unknown_name(name, postfix=view.version, known=alike)


def _misspelt(view: View) -> _Hits:
    for setting, why in _unused(view):
        right = why.partition(_DID_YOU_MEAN)[2]
        if right:
            fix = set_parameter(
                right,
                values.masked(right, setting.value),
                service=setting.service.id if setting.service else "",
            )
            yield setting.hit(
                f"Postfix does not know {setting.name} and ignores it; did you mean {right}?",
                expected=None,
                fix=Fix(fix.variable, f"remove {setting.name}; {fix.command}"),
                shown=right,
            )


def _too_new(view: View) -> _Hits:
    for setting, why in _unused(view):
        if why.startswith("needs Postfix"):
            yield setting.hit(
                f"{setting.name} {why}, which ignores it; what it was to protect is not protected.",
                expected=None,
            )


def _of_no_use(view: View) -> _Hits:
    for setting, why in _unused(view):
        if _DID_YOU_MEAN not in why and not why.startswith("needs Postfix"):
            yield setting.hit(
                f"Postfix does not know {setting.name}, and no other value refers to it.",
                expected=None,
            )


def _undefined(view: View) -> _Hits:
    for name in _names(view, _UNDEFINED):
        marks = (f"${name}", f"${{{name}", f"$({name}")
        for setting in _written(view):
            if any(mark in setting.value for mark in marks):
                yield setting.hit(
                    f"${name} is defined nowhere and counts as nothing, so a list of restrictions may "
                    "be empty that was meant to protect.",
                    expected=None,
                    fix=Fix("", f"define {name}, or write what is meant instead of ${name}"),
                    shown=f"{name} defined, or not used",
                )


def _names(view: View, pattern: t.Pattern[str]) -> list[str]:
    found = (pattern.search(warning) for warning in view.warnings)
    return list(dict.fromkeys(one.group(1) for one in found if one))


def _written(view: View) -> t.Iterator[_Setting]:
    """Yield all settings as they are written, nothing expanded."""
    for name, value in view.explicit.items():
        yield _Setting(name, value)
    for service in view.in_force:
        for name, value in service.overrides.items():
            yield _Setting(name, value, service)


def _twice(view: View) -> _Hits:
    for name in _names(view, _TWICE):
        yield _Setting(name, view.explicit.get(name, "")).hit(
            f"main.cf sets {name} more than once; only the last value counts, and the next change may "
            "be made in the wrong place.",
            expected=view.explicit.get(name, ""),
            fix=Fix("", f"remove the earlier lines of {name} from main.cf"),
            shown="one line",
        )


def _outside_braces(value: str) -> str:
    """Return *value* without what stands in braces."""
    depth = 0
    kept = []
    for character in value:
        depth += character == "{"
        if depth == 0:
            kept.append(character)
        depth -= character == "}" and depth > 0
    return "".join(kept)


def _comments(view: View) -> _Hits:
    for setting in _written(view):
        if "#" not in setting.value or setting.name.endswith("_command"):
            continue
        plain = _outside_braces(setting.value)
        found = _COMMENT.search(plain)
        if found:
            yield setting.hit(
                "A comment needs a line of its own: here the words behind '#' are part of the value.",
                expected=plain[: found.start()].strip() or None,
            )


def _swallowed(view: View) -> _Hits:
    for setting in _written(view):
        if "=" not in setting.value:
            continue
        plain = _outside_braces(setting.value)
        for found in _SWALLOWED.finditer(plain):
            name, equals = found.groups()
            if not (view.knows(name) or equals == " = "):
                continue
            yield setting.hit(
                f"The line of {name} starts with a blank, so Postfix reads it as more of the value of "
                f"{setting.name}: {name} is not set at all.",
                expected=plain[: found.start()].strip() or None,
                fix=Fix("", f"remove the blanks before {name} in main.cf"),
            )
            break


def _duplicates(view: View) -> _Hits:
    seen: dict[tuple[str, str, str], Service] = {}
    for service in view.services:
        first = seen.get(service.key)
        seen.setdefault(service.key, service)
        if first is not None:
            yield Hit(
                service.id,
                "",
                observed=f"{first.id} and {service.id}",
                expected="one entry",
                message=f"master.cf has the service twice (first as {first.id}); only the last entry "
                "counts, and what the first one sets protects nothing.",
                fix=Fix(
                    "hardened.mail.postconf: services", f"remove one entry of {service.id} by hand"
                ),
            )


def _option_hit(service: Service, words: t.Sequence[str], message: str) -> Hit:
    text = " ".join(words)
    return Hit(
        service.id,
        "",
        observed=values.masked("", text)[:200],
        expected="-o { name = value }",
        message=message,
        fix=Fix(
            "hardened.mail.postconf: services",
            f"in master.cf, below {service.id}: put each value with blanks in braces, "
            "-o { name = value }",
        ),
        severity="critical" if service.type in ("inet", "pass") else None,
    )


def _broken_options(view: View) -> _Hits:
    for service in view.in_force:
        broken = [one for one in service.broken_arguments if one.startswith("-o")]
        if broken:
            yield _option_hit(
                service,
                service.broken_arguments,
                f"{service.command} dies of an option -o without name=value as soon as it is asked for "
                "something: the service is dead.",
            )


def _stray_words(view: View) -> _Hits:
    for service in view.in_force:
        arguments = service.broken_arguments
        if arguments and not any(one.startswith("-o") for one in arguments):
            yield _option_hit(
                service,
                arguments,
                f"{service.command} dies of words behind its options, the rest of a value that was cut "
                "at a blank: the service is dead.",
            )


def _of_port(name: str) -> t.Optional[Severity]:
    """Return how bad it is when a daemon dies: it is an emergency when it is one that has a port."""
    return (
        "critical" if name.startswith(("smtpd_", "postscreen_")) or name in _READ_BY_SMTPD else None
    )


def _booleans(view: View) -> _Hits:
    for setting in _settings(view, lambda name, _text: name in BOOLEANS):
        if setting.name in view.broken:
            continue
        value = setting.value.strip().lower()
        if value not in ("yes", "no"):
            better = "yes" if value in ("true", "on", "1", "enable", "enabled") else "no"
            yield setting.hit(
                f"{setting.value.strip()!r} is neither yes nor no; each daemon that reads "
                f"{setting.name} dies of it.",
                expected=better,
                severity=_of_port(setting.name),
            )


def _numbers(view: View) -> _Hits:
    for setting in _settings(view, lambda name, _text: name in NUMBERS or name in TIMES):
        if setting.name in view.broken:
            continue
        text = setting.value.strip()
        if setting.name in NUMBERS and not _NUMBER.fullmatch(text):
            kind = "a whole number"
        elif setting.name in TIMES and not _TIME.fullmatch(text):
            kind = "a time such as 30s, 5m, 1h, 2d or 1w"
        else:
            continue
        yield setting.hit(
            f"{text!r} is not {kind}; each daemon that reads {setting.name} dies of it.",
            expected=None,
            shown=kind,
            severity=_of_port(setting.name),
        )


def _missing_types(view: View, value: str) -> list[str]:
    if ":" not in value:
        return []
    types = dict.fromkeys(_TABLE_TYPE.findall(value))
    return [one for one in types if one not in view.map_types]


def _table_types(view: View) -> _Hits:
    for setting in _settings(view, _may_name_table):
        missing = _missing_types(view, setting.value)
        if not missing:
            continue
        kind = missing[0]
        advice = f" (package postfix-{kind} on Debian)" if kind in _PACKAGED else ""
        better = next((one for one in ("lmdb", "hash") if one in view.map_types), "texthash")
        yield setting.hit(
            f"This Postfix has no tables of the type {kind}{advice}; mail that needs the table is "
            "refused or stays in the queue.",
            expected=setting.value.replace(f"{kind}:", f"{better}:"),
            shown=f"a type of: {', '.join(sorted(view.map_types))}",
        )


def _check(view: View, name: str, value: str, classes: frozenset[str]) -> t.Optional[str]:
    return values.check(
        name,
        value,
        postfix=view.version,
        tls_library=view.tls_library or _NO_LIBRARY,
        map_types=view.map_types,
        restriction_classes=classes,
    )


def _has_other_grammar(name: str, _text: str) -> bool:
    plain = name in BOOLEANS or name in NUMBERS or name in TIMES
    return not plain and not name.endswith("_restrictions")


def _invalid(view: View) -> _Hits:
    for setting in _settings(view, _has_other_grammar):
        if setting.name in view.broken:
            continue
        problem = _check(view, setting.name, setting.value, frozenset())
        if problem:
            yield setting.hit(
                f"{problem}.",
                expected=None,
                severity="low" if "excludes nothing" in problem else None,
                shown="a value as postconf(5) describes it",
            )


def _berkeley(view: View) -> _Hits:
    if not view.version.has("3.11"):
        return
    for setting in _settings(view, _may_name_table):
        used = [one for one in _TABLE_TYPE.findall(setting.value) if one in _BERKELEY]
        if used and used[0] in view.map_types:
            better = "lmdb" if "lmdb" in view.map_types else "cdb"
            yield setting.hit(
                f"Tables of the type {used[0]} are Berkeley DB, which distributions are giving up; "
                "Postfix warns of it.",
                expected=setting.value.replace(f"{used[0]}:", f"{better}:"),
                fix=Fix(
                    "", f"make the table anew with postmap {better}:..., then change {setting.name}"
                ),
            )


def _proxied(view: View) -> _Hits:
    found = [
        (setting, table)
        for setting in _settings(view, _may_name_table)
        if "proxy:" in setting.value and setting.name not in ("proxy_read_maps", "proxy_write_maps")
        for table in _PROXY.findall(setting.value)
    ]
    if not found:
        return
    allowed = {
        name: set(_PROXY.findall(view.value(name)))
        for name in ("proxy_read_maps", "proxy_write_maps")
    }
    if view.version.has("3.11"):
        # From here on proxymap looks into restriction classes by itself.
        for name in view.words("smtpd_restriction_classes"):
            allowed["proxy_read_maps"].update(_PROXY.findall(view.value(name)))
    for setting, table in found:
        name = "proxy_write_maps" if setting.name in _WRITTEN_THROUGH_PROXY else "proxy_read_maps"
        if table not in allowed[name]:
            yield setting.hit(
                f"proxymap does not open {table} because {name} does not have it; mail that needs the "
                "table is refused or stays in the queue.",
                expected=setting.value,
                fix=Fix("", f"postconf -e '{name} = ${setting.name}, (what it has now)'"),
                shown=f"${setting.name} in {name}",
            )


def _not_open(view: View) -> _Hits:
    if view.facts is not None:
        return  # Whoever can look at the host is told by table-file-missing.
    found = (_NOT_OPEN.search(warning) for warning in view.warnings)
    tables = {(one.kind, one.path): one for one in named_files.table_uses(view)}
    for kind, path, why in dict.fromkeys(one.groups() for one in found if one):
        if view.map_types and kind not in view.map_types:
            continue  # Nothing can be made of it; table-type-missing tells.
        use = tables.get((kind, path))
        yield Hit(
            use.subject if use else "main.cf",
            use.parameter if use else "",
            observed=use.name if use else f"{kind}:{path}",
            expected=f"the file {path}",
            message=f"postconf could not open {path}, the configuration of a table: {why}.",
            fix=Fix("", f"write {path}, mode 0640, group postfix"),
        )


def _read_in_chroot(view: View) -> _Hits:
    for setting in _settings(view, _may_name_table):
        tables = [name for _before, name in _OUTSIDE.findall(setting.value)]
        if not tables or setting.name in ("proxy_read_maps", "proxy_write_maps"):
            continue
        readers = [one.id for one in _readers(view, setting) if named_files.chrooted(view, one)]
        if readers:
            yield setting.hit(
                f"{', '.join(readers)} looks into {', '.join(dict.fromkeys(tables))} from inside the chroot, "
                "where the socket of a database, the resolver and files elsewhere cannot be reached.",
                expected=_OUTSIDE.sub(r"\1proxy:\2", setting.value),
            )


def _readers(view: View, setting: _Setting) -> t.Iterator[Service]:
    """Yield the services that look into the tables of a setting: the client, or those for mail that comes in."""
    client = setting.name.partition("_")[0]
    daemons = {client} if client in ("smtp", "lmtp") else _SERVERS
    for one in view.in_force:
        own = setting.service is None and setting.name in one.overrides
        if one.command in daemons and not own and setting.subject in ("main.cf", one.id):
            yield one


#: The daemons that look into tables for mail that comes in.
_SERVERS: t.Final = frozenset({"smtpd", "cleanup", "trivial-rewrite", "postscreen", "tlsproxy"})


def _passed_on(view: View) -> _Hits:
    for warning in view.warnings:
        known = _SUPPORT.search(warning)
        if _EXPLAINED.search(warning) or (known and known.group(1) in OBSOLETE):
            continue
        if warning.startswith("fatal: "):
            continue
        yield Hit(
            "master.cf" if "master.cf" in warning else "main.cf",
            "",
            observed=values.masked("", warning)[:300],
            expected="no warning",
            message="postconf warns, and the validator does not know of what.",
            fix=Fix("", "see postconf(1) and postconf(5) for what it says"),
        )


def _beaten(view: View) -> _Hits:
    for prefix, daemons in _SWITCHES:
        endpoints = view.having(daemon=daemons)
        level_name = f"{prefix}_tls_security_level"
        for name in (f"{prefix}_enforce_tls", f"{prefix}_use_tls"):
            for scope in view.scopes(name, endpoints):
                one = scope.endpoints[0]
                level = one.value(level_name).strip().lower()
                if scope.origin == "default" or not level:
                    continue
                weaker = name.endswith("enforce_tls") and level in ("may", "none", "dane")
                lost = one.is_yes(name) and (weaker or level == "none")
                if prefix == "smtpd" and lost:
                    # old-tls-switch-ignored tells of it.
                    continue
                yield hit(
                    scope,
                    f"{name} has no effect, because {level_name} = {level} wins"
                    + (": TLS is not demanded as it says." if lost and weaker else "."),
                    expected=None,
                    severity="high" if lost else None,
                )


def _without_effect(view: View) -> _Hits:
    for service in view.in_force:
        foreign = _FOREIGN.get(service.command)
        if foreign is None:
            continue
        for name in service.overrides:
            if name.startswith(foreign) and not _referred(service, name):
                yield _Setting(name, service.overrides[name], service).hit(
                    f"{service.command} does not read {name}, so this -o changes nothing.",
                    expected=None,
                )


def _referred(service: Service, name: str) -> bool:
    return any(f"${name}" in value or f"${{{name}" in value for value in service.overrides.values())


_AREA: t.Final = "configuration"
_FORMAT: t.Final = "postconf(5), main.cf file format"
RULES: t.Final[tuple[Rule[View], ...]] = (
    Rule(
        "parameter-misspelt",
        _AREA,
        "high",
        "A parameter whose name is misspelt",
        "Postfix ignores it and goes on with the default, so what it was to protect is not protected.",
        "postconf(1); postconf(5)",
        _misspelt,
        needs=("main", "master", "warnings"),
        example="smtpd_tls_secuirty_level = may",
    ),
    Rule(
        "parameter-too-new",
        _AREA,
        "medium",
        "A parameter that this Postfix does not have yet",
        "It reads as if something were protected, and nothing is.",
        "postconf(5), the release in which each parameter appeared",
        _too_new,
        needs=("main", "master", "warnings"),
        example="smtpd_hide_client_session = yes",
    ),
    Rule(
        "parameter-unused",
        _AREA,
        "low",
        "A parameter that Postfix does not know",
        "It has no effect; it is a leftover, or a mistake that nobody noticed.",
        "postconf(1)",
        _of_no_use,
        needs=("main", "master", "warnings"),
        example="my_old_setting = yes",
    ),
    Rule(
        "name-undefined",
        _AREA,
        "high",
        "A $name that is defined nowhere",
        "It counts as nothing: a list that should refuse strangers may be empty.",
        _FORMAT,
        _undefined,
        needs=("main", "master", "warnings"),
        example="smtpd_client_restrictions = $mua_client_restrictions",
    ),
    Rule(
        "parameter-twice",
        _AREA,
        "medium",
        "A parameter that main.cf sets more than once",
        "Who changes the first line changes nothing, and believes to have closed a hole.",
        _FORMAT,
        _twice,
        needs=("main", "master", "warnings"),
    ),
    Rule(
        "comment-in-value",
        _AREA,
        "high",
        "A comment on the line of a parameter",
        "The words of the comment become part of the value, which then means something else or nothing.",
        _FORMAT,
        _comments,
        example="disable_vrfy_command = yes # no probing",
    ),
    Rule(
        "line-swallowed",
        _AREA,
        "high",
        "A parameter that became part of the value above it",
        "One blank at the start of a line makes two settings void, and nothing warns.",
        _FORMAT,
        _swallowed,
        example="smtpd_helo_required = yes disable_vrfy_command = yes",
    ),
    Rule(
        "service-twice",
        _AREA,
        "high",
        "A service that master.cf has twice",
        "Postfix takes the last entry, so the options of the other protect nothing.",
        "master(5)",
        _duplicates,
    ),
    Rule(
        "option-without-value",
        _AREA,
        "high",
        "An option -o that is no name=value",
        "The daemon dies each time it is started; the port does not answer.",
        "master(5), -o",
        _broken_options,
        dies=True,
        example="submission inet n - y - - smtpd -o smtpd_sasl_auth_enable = yes",
    ),
    Rule(
        "option-cut-at-blank",
        _AREA,
        "high",
        "An option -o whose value is cut at a blank",
        "The daemon dies each time it is started; the port does not answer.",
        "master(5), -o",
        _stray_words,
        dies=True,
        example="submission inet n - y - - smtpd -o smtpd_client_restrictions=permit, reject",
    ),
    Rule(
        "yes-or-no-invalid",
        _AREA,
        "high",
        "A value that is neither yes nor no",
        "Each daemon that reads it dies, and mail stands still.",
        "postconf(5)",
        _booleans,
        dies=True,
        yields=True,
        example="smtpd_helo_required = true",
    ),
    Rule(
        "number-invalid",
        _AREA,
        "high",
        "A value that is no number, or no time",
        "Each daemon that reads it dies, and mail stands still.",
        "postconf(5)",
        _numbers,
        dies=True,
        yields=True,
        example="message_size_limit = 50 MB",
    ),
    Rule(
        "table-type-missing",
        _AREA,
        "high",
        "A table of a type that this Postfix does not have",
        "Mail that needs the table is refused for the time being, or access rules are not applied.",
        "DATABASE_README; postconf(1) -m",
        _table_types,
        needs=("main", "master", "map_types"),
        dies=True,
        yields=True,
        example="virtual_alias_maps = mysql:/etc/postfix/aliases.cf",
    ),
    Rule(
        "value-invalid",
        _AREA,
        "high",
        "A value that Postfix does not understand",
        "The daemon dies of it, turns TLS off, or goes on as if nothing were set.",
        "postconf(5)",
        _invalid,
        needs=("main", "master", "map_types"),
        yields=True,
        example="smtp_dns_support_level = yes",
    ),
    Rule(
        "berkeley-db-table",
        _AREA,
        "info",
        "Tables of Berkeley DB",
        "The next release of the distribution may come without it, and then mail stands still.",
        "NON_BERKELEYDB_README",
        _berkeley,
        needs=("main", "master", "map_types"),
        example="alias_maps = hash:/etc/aliases",
    ),
    Rule(
        "proxy-table-not-listed",
        _AREA,
        "high",
        "A table that proxymap is not allowed to open",
        "Mail that needs the table is refused for the time being.",
        "proxymap(8); postconf(5) proxy_read_maps",
        _proxied,
        dies=True,
        example="sender_dependent_relayhost_maps = proxy:hash:/etc/postfix/relays",
    ),
    Rule(
        "table-configuration-missing",
        _AREA,
        "high",
        "The configuration of a table cannot be opened",
        "Mail that needs the table is refused for the time being, or access rules are not applied.",
        "DATABASE_README; mysql_table(5), pgsql_table(5), ldap_table(5)",
        _not_open,
        needs=("main", "master", "warnings", "map_types"),
    ),
    Rule(
        "remote-table-in-chroot",
        _AREA,
        "medium",
        "A database or directory is asked from inside the chroot",
        "Lookups fail as soon as they need a socket, a name server or a file outside the queue directory, and "
        "mail is put off.",
        "proxymap(8); MYSQL_README; postconf(5) proxy_read_maps",
        _read_in_chroot,
        example="virtual_alias_maps = mysql:/etc/postfix/aliases.cf",
    ),
    Rule(
        "postconf-warns",
        _AREA,
        "low",
        "postconf warns of something else",
        "Postfix reads the configuration otherwise than it is written.",
        "postconf(1)",
        _passed_on,
        needs=("main", "master", "warnings"),
    ),
    Rule(
        "switch-beaten-by-level",
        _AREA,
        "low",
        "An old switch that the security level overrules",
        "It reads as if TLS were demanded, or offered, and it is not.",
        "postconf(5) smtpd_tls_security_level; DEPRECATION_README",
        _beaten,
        example="smtpd_enforce_tls = yes",
    ),
    Rule(
        "option-without-effect",
        _AREA,
        "low",
        "An option -o that the daemon does not read",
        "It changes nothing, though it looks as if this service were protected.",
        "smtpd(8), smtp(8), lmtp(8)",
        _without_effect,
        example="submission inet n - y - - smtpd -o smtp_tls_security_level=encrypt",
    ),
)

__all__ = ("RULES",)
