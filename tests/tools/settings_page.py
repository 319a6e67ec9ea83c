# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/settings.md, from the settings table."""

from __future__ import annotations

import itertools
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    profiles,
    settings,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

# One host per branch. What was run are these very versions; of the other branches the newest patch
# level, with the TLS library of a distribution that ships the branch.
HOSTS: t.Final = {
    (version.major, version.minor): (version, TlsLibrary.parse(library))
    for version, library in (
        (Version.parse(text), library)
        for text, library in (
            ("3.5.25", "OpenSSL 1.1.1w"),
            ("3.6.20", "OpenSSL 3.0.2"),
            ("3.7.11", "OpenSSL 3.0.22"),
            ("3.8.20", "OpenSSL 3.0.13"),
            ("3.9.14", "OpenSSL 3.0.13"),
            ("3.10.13", "OpenSSL 3.5.7"),
            ("3.11.7", "OpenSSL 3.6.5"),
        )
    )
}
LABORATORY_HOSTS: t.Final = {
    (3, 5): "Debian 11",
    (3, 7): "Debian 12",
    (3, 10): "Debian 13",
    (3, 11): "Debian sid",
}

PHRASES: t.Final = {
    "!hygiene": "`smtp_hygiene` is false",
    "!pipelining": "patch levels without `smtpd_forbid_unauth_pipelining`",
    "certificates": "certificates are given",
    "client-certificates": "the site lets clients in by certificate",
    "dane": "DANE is a level, chosen or found",
    "default-ca-only": "the site verifies with it and there is no CA file",
    "fingerprints:lmtp": "the site verifies fingerprints",
    "fingerprints:smtp": "the site verifies fingerprints",
    "found-inbound:encrypt": "the host has `encrypt`",
    "found-outbound:stronger": "the host has a stronger level",
    "inbound-level:encrypt": "`inbound_level: encrypt`",
    "inbound:interop": "inbound `interop`",
    "map:btree": "the table type `btree` exists",
    "map:lmdb": "the table type `lmdb` exists",
    "newline:normalize": "from 3.5.24, 3.6.14, 3.7.10, 3.8.5, 3.9",
    "newline:reject": "the host has `reject`",
    "newline:yes": "3.5.23, 3.6.13, 3.7.9, 3.8.4",
    "no-certificate": "the host has no certificate",
    "no-site-ca": "the site named no CA certificates",
    "old-switches:lmtp": "the host has `lmtp_use_tls` or `lmtp_enforce_tls`",
    "outbound-level:may": "`outbound_level: may`",
    "outbound:interop": "outbound `interop`",
    "own-config-file": "`strict` was left",
    "own-sni": "names of earlier `sni` are there",
    "own-rows": "rows of earlier `policies` are there",
    "pipelining": "from 3.5.20, 3.6.10, 3.7.6, 3.8.1, 3.9",
    "policies": "`policies` or `policy_server` are given",
    "site-maps": "the site has tables of its own",
    "site-sni": "the site has tables of its own",
    "site-table:lmtp": "it is in use, without a policy table",
    "site-table:smtp": "it is in use, without a policy table",
    "sni": "`sni` is given",
    "smuggling-workaround": "patch levels without `smtpd_forbid_bare_newline`",
    "strict": "`strict`, inbound or outbound",
    "tlsrpt": "`tlsrpt_socket` is given",
    "verifies": "a level verifies, chosen, found or in a table",
    "wrapper": "`smtp_tls_wrappermode` is on",
    "wrapper:no": "`outbound_wrappermode: false`",
    "wrapper:yes": "`outbound_wrappermode: true`",
}
PLACEHOLDERS: t.Final = {
    "{chain_files}": "key, chain, key, chain",
    "{policy_maps}": "inline table of the rows, the policy server, the site's tables",
    "{sni_maps}": "inline table of the names, then the site's tables",
    "{tlsrpt_socket}": "the socket",
    "{outbound_level}": "the chosen level",
    "{found_outbound_level}": "the level found",
    "{found_lmtp_level}": "the level found",
    "{ca_file}": "the distribution's bundle",
}

HEAD: t.Final = """\
# Settings

Every parameter of `main.cf` that the role `hardened.mail.postfix_tls` owns: it has a value, or it is removed. What is not on this
page stays as the site wrote it. `postfix_tls_explain: true` shows the values for one host, and the filter
`hardened.mail.postfix_settings` gives them as a dictionary.

This page is written by `tests/tools/generate_docs.py` from `plugins/module_utils/policy/settings.py`.

## How to read it

The first rule of a parameter that fits gives the value. *kept* means that the site's value stays, *removed* that the parameter
must not be in `main.cf`. Where a rule names no profile it holds for all of them.

The last column names the Postfix branches that a rule concerns. Branches in *italics* are from the documentation and were not
run; `all` stands for {all_branches}. Values that no laboratory host reached say *not run*. These were run:

{run}

"""


def profile_table() -> list[str]:
    """Return the table of profiles."""
    lines = [
        "## Profiles",
        "",
        "| profile | oldest protocol | suites | RSA key | cost |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in profiles.PROFILES.values():
        suites = "older ones too" if one.suites is None else "ECDHE with AEAD, TLS 1.3"
        lines.append(
            f"| `{one.name}` | {one.oldest_protocol} | {suites} | {one.rsa_bits} bits | {one.cost or ''} |"
        )
    strong = next(one.suites for one in profiles.PROFILES.values() if one.suites)
    listed = ", ".join(f"`{one}`" for one in sorted(strong))
    return [*lines, "", f"The suites of `intermediate` and `strict`: {listed}.", ""]


def is_version(word: str) -> bool:
    return word.lstrip("!").startswith(("postfix", "openssl"))


def holds(word: str, *, host: tuple[Version, TlsLibrary]) -> bool:
    """Tell whether a version word of a condition holds on ``host``."""
    found = re.fullmatch(r"(postfix|openssl)(>=|<)([\d.]+)", word)
    if found is None:
        raise ValueError(f"{word!r} is no comparison of versions")
    subject, operator, limit = found.groups()
    numbers = tuple(int(part) for part in limit.split("."))
    postfix, library = host
    if subject == "postfix":
        return postfix.has(limit) == (operator == ">=")
    return (
        library.is_openssl(since=numbers)
        if operator == ">="
        else library.is_openssl(before=numbers)
    )


def branches_of(rules: t.Sequence[settings.Rule], position: int) -> list[tuple[int, int]]:
    """Return the branches on which the rule at ``position`` can be the first that fits."""

    def facts(rule: settings.Rule) -> set[str]:
        return {word for word in rule.when.split() if not is_version(word)}

    def fits(rule: settings.Rule, host: tuple[Version, TlsLibrary]) -> bool:
        return all(holds(word, host=host) for word in rule.when.split() if is_version(word))

    mine = rules[position]
    return [
        branch
        for branch, host in HOSTS.items()
        if fits(mine, host)
        and not any(facts(one) <= facts(mine) and fits(one, host) for one in rules[:position])
    ]


def branch_cell(rule: settings.Rule, branches: t.Sequence[tuple[int, int]]) -> str:
    """Return the branches in words, those that were not run in italics."""
    if not rule.ran or not branches:
        return "*not run*"
    if list(branches) == list(HOSTS):
        return "all"
    return names_of(branches)


def names_of(branches: t.Iterable[tuple[int, int]]) -> str:
    names = []
    for major, minor in branches:
        name = f"{major}.{minor}"
        names.append(name if (major, minor) in settings.LABORATORY else f"*{name}*")
    return ", ".join(names)


def value_cell(value: settings.Value) -> str:
    """Return a value, an action or a change of a list in words."""
    if isinstance(value, settings.Action):
        return "*removed*" if value is settings.REMOVE else "*kept*"
    if isinstance(value, settings.Edit):
        parts = [f"with `{', '.join(value.first)}`"] if value.first else []
        parts += [f"without `{', '.join(value.drop)}`"] if value.drop else []
        return "the site's, " + " and ".join(parts)
    if value in PLACEHOLDERS:
        return PLACEHOLDERS[value]
    return f"`{value.replace('{config_directory}', '/etc/postfix')}`" if value else "*empty*"


def when_cell(condition: str) -> str:
    """Return the facts of a condition in words; the versions have a column of their own."""
    return ", ".join(PHRASES[word] for word in condition.split() if not is_version(word))


def versions_cell(condition: str) -> str:
    """Return the limits of the TLS library, which the branches do not show."""
    words = [word for word in condition.split() if word.startswith("openssl")]
    return "".join(
        f", OpenSSL {word[9:]} and later" if ">=" in word else f", OpenSSL before {word[8:]}"
        for word in words
    )


def block(group: t.Sequence[settings.Setting]) -> list[str]:
    """Return the rows of settings that have all but the name in common."""
    first = group[0]
    names = "<br>".join(f"`{one.parameter}`" for one in group)
    rows = []
    for position, rule in enumerate(first.rules):
        branches = branches_of(first.rules, position)
        cell = branch_cell(rule, branches)
        why = rule.reason or ("" if rule.value is settings.KEEP else first.reason)
        why += f" Cost: {rule.cost}" if rule.cost else ""
        rows.append(
            f"| {names if position == 0 else ''} | {when_cell(rule.when)} | {value_cell(rule.value)} |"
            f" {why} | {first.source if position == 0 else ''} |"
            f" {cell}{versions_cell(rule.when)} |"
        )
    return rows


def page() -> str:
    """Return the text of docs/settings.md."""
    run = "\n".join(
        f"- Postfix {HOSTS[branch][0]} with {HOSTS[branch][1]} ({name})"
        for branch, name in LABORATORY_HOSTS.items()
    )
    text = HEAD.format(all_branches=names_of(HOSTS), run=run)
    lines = profile_table()
    for area, title in settings.AREAS.items():
        members = [one for one in settings.SETTINGS if one.area == area]
        lines += [f"## {title}", ""]
        lines += [
            "| parameter | when | value | why | source besides postconf(5) | Postfix |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for _key, group in itertools.groupby(
            members, key=lambda one: (one.rules, one.reason, one.source)
        ):
            lines += block(list(group))
        lines.append("")
    return text + "\n".join(lines)
