# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about relaying: who may send where, and which mail gets in at all (pure)."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import (
    Coverage,
    coverage,
    repaired_network,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.postfix_fix import (
    hit,
    set_parameter,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.servers import (
    SUBMISSION,
    answer,
    deciding,
    lists,
    public,
    written,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import once
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    Scope,
    View,
)

_AREA: t.Final = "relay"
_Hits = t.Iterator[Hit]

_RELAY: t.Final = "smtpd_relay_restrictions"
_RECIPIENT: t.Final = "smtpd_recipient_restrictions"
_DECIDING: t.Final = (_RELAY, _RECIPIENT)
_LISTS: t.Final[t.Mapping[restrictions.Stage, str]] = {
    "client": "smtpd_client_restrictions",
    "helo": "smtpd_helo_restrictions",
    "sender": "smtpd_sender_restrictions",
    "relay": _RELAY,
    "recipient": _RECIPIENT,
}
_SAFE: t.Final = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
_SAFE_LOGIN: t.Final = "permit_sasl_authenticated, reject"
#: What anybody can claim to be, or can be made to be, against what takes an address of one's own.
_CLAIMS: t.Final = frozenset({"helo", "sender", "recipient", "policy"})
_DOMAIN_LISTS: t.Final = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains")
#: Top-level domains of which one in relay_domains takes in a good part of the Internet.
_TOP_LEVEL: t.Final = frozenset(
    "com net org edu gov mil int info biz name io app dev cloud online site shop xyz top".split()
)


def _safe(scope: Scope) -> str:
    login = all(one.purpose in SUBMISSION for one in scope.endpoints)
    return _SAFE_LOGIN if login else _SAFE


def _mend(scope: Scope) -> dict[str, t.Any]:
    """Return what makes a relay decision safe: the relay list, wherever the wrong one was set."""
    service = scope.subject if scope.origin == "master.cf" else ""
    return {
        "expected": _safe(scope),
        "fix": set_parameter(_RELAY, _safe(scope), service=service),
        "shown": f"{_RELAY} = {_safe(scope)}",
    }


def _working(view: View) -> tuple[Endpoint, ...]:
    """Return the services for other hosts whose smtpd starts."""
    return tuple(one for one in public(view) if restrictions.starts(lists(one)))


def working(view: View) -> tuple[Endpoint, ...]:
    """Return the services for other hosts whose smtpd starts, asked of once."""
    return once(view, "smtpd_working", _working)


def _open(view: View) -> _Hits:
    guilty = [one for one in working(view) if answer(one, "stranger", "foreign").free]
    for scope in deciding(guilty, _DECIDING):
        yield hit(
            scope,
            "{services} takes mail from anybody to anywhere: this is an open relay.",
            **_mend(scope),
        )


def _by_table(view: View) -> _Hits:
    guilty = {}
    for one in working(view):
        found = answer(one, "stranger", "foreign")
        if found.verdict != "refused" and not found.free:
            by = [reason for reason in found.by if reason.kind not in ("mx", "error")]
            if by:
                guilty[one.subject] = by
    endpoints = [one for one in public(view) if one.subject in guilty]
    for scope in deciding(endpoints, _DECIDING):
        by = guilty[scope.endpoints[0].subject]
        words = ", ".join(dict.fromkeys(reason.text for reason in by))
        claimed = any(reason.kind in _CLAIMS for reason in by)
        yield hit(
            scope,
            f"At {{services}} a stranger may send anywhere as soon as one of these answers OK: {words}.",
            severity=None if claimed else "medium",
            **_mend(scope),
        )


def _dead(view: View) -> _Hits:
    dead = [one for one in view.having(daemon=("smtpd",)) if not restrictions.starts(lists(one))]
    for scope in deciding(dead, _DECIDING):
        yield hit(
            scope,
            "Neither list of {services} has a word that refuses mail to foreign domains, so smtpd dies "
            "with every connection.",
            **_mend(scope),
        )


def _undefined_class(view: View) -> _Hits:
    for scope in written(view, "smtpd_restriction_classes", view.having(daemon=("smtpd",))):
        if not scope.value.strip():
            continue
        empty = [name for name, text in lists(scope.endpoints[0]).classes if not text.strip()]
        if empty:
            yield hit(
                scope,
                f"The restriction class {empty[0]} has no definition, so {{services}} dies with every "
                "connection.",
                expected=", ".join(
                    one for one in scope.value.replace(",", " ").split() if one not in empty
                ),
            )


def _misread(view: View, name: str, stage: restrictions.Stage) -> _Hits:
    for scope in written(view, name, view.having(daemon=("smtpd",))):
        words = restrictions.unknown(scope.value, stage, lists(scope.endpoints[0]))
        if not words:
            continue
        gone = [one.text for one in words if one.name in restrictions.REMOVED]
        text = words[0].shown
        close = difflib.get_close_matches(
            words[0].name, sorted(restrictions.NAMES), n=1, cutoff=0.85
        )
        meant = f" (did you mean {close[0]}?)" if close and close[0] != words[0].name else ""
        why = "is no longer a restriction since Postfix 3.9" if gone else "is no restriction"
        yield hit(
            scope,
            f"{text} {why}{meant}; {{services}} answers 451 to everybody whose mail gets to it.",
            expected=scope.value.replace(words[0].text, close[0]) if meant else None,
            shown="" if meant else "restrictions that postconf(5) has",
        )


def _unknown_words(view: View) -> _Hits:
    for stage, name in _LISTS.items():
        yield from _misread(view, name, stage)
    for name in ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions"):
        yield from _misread(view, name, "recipient")
    for name in view.words("smtpd_restriction_classes"):
        yield from _misread(view, name, "recipient")


def _users(view: View) -> tuple[Endpoint, ...]:
    """Return the services for users with a password whose smtpd starts."""
    return tuple(one for one in working(view) if one.purpose in SUBMISSION)


def _at(
    one: Endpoint, parameter: str, message: str, *, severity: t.Optional[Severity] = None
) -> Hit:
    # What main.cf says is right for port 25, so the service needs a value of its own.
    return Hit(
        subject=one.subject,
        parameter=parameter,
        observed=one.value(parameter) or "empty",
        expected=_SAFE_LOGIN,
        message=message,
        fix=set_parameter(parameter, _SAFE_LOGIN, service=one.subject),
        severity=severity,
    )


def _strangers(view: View) -> _Hits:
    for one in _users(view):
        if answer(one, "stranger", "own").free and not answer(one, "stranger", "foreign").free:
            yield _at(
                one,
                _RELAY,
                f"{one.subject} is for users with a password and takes mail for this host's domains "
                "without one: spam gets past what port 25 checks.",
            )


def _trusts_networks(view: View) -> _Hits:
    for one in _users(view):
        if not answer(one, "stranger", "own").free and answer(one, "mynetworks", "foreign").free:
            local = coverage(one.value("mynetworks")).loopback
            yield _at(
                one,
                _RELAY,
                f"{one.subject} is for users with a password, and addresses in mynetworks need none.",
                severity="info" if local else None,
            )


def _refuses_users(view: View) -> _Hits:
    for one in _users(view):
        if not one.is_yes("smtpd_sasl_auth_enable"):
            continue
        found = answer(one, "authenticated", "foreign")
        if found.verdict == "refused":
            culprit = found.refusals[-1].text if found.refusals else "a list"
            yield _at(
                one,
                _place_of(one, culprit),
                f"Users who have logged in at {one.subject} cannot send to other domains: {culprit} "
                "refuses them.",
            )


def _has_word(one: Endpoint, stage: restrictions.Stage, shown: str) -> bool:
    return any(word.shown == shown for word in restrictions.parse(lists(one).list_of(stage)))


def _spam_policy(view: View) -> _Hits:
    for one in _users(view):
        if not one.is_yes("smtpd_sasl_auth_enable"):
            continue
        for stage, name in _LISTS.items():
            words = [
                reason.text
                for reason in answer(one, "authenticated", "foreign").refusals
                if reason.kind == "filter"
                and reason.text.partition(" ")[0].lower() in restrictions.CLIENT_FILTERS
                and _mentions(one, stage, reason.text.partition(" ")[0])
            ]
            if words:
                yield _at(
                    one,
                    name,
                    f"{words[0]} turns users away at {one.subject}, who send from home or on the road: it "
                    "is meant for other mail servers.",
                )


def _mentions(endpoint: Endpoint, stage: restrictions.Stage, name: str) -> bool:
    found = lists(endpoint)
    return bool(
        restrictions.uses(found.list_of(stage), (name.lower(),), classes=dict(found.classes))
    )


def _no_mail_in(view: View) -> _Hits:
    if not any(view.value(name).strip() for name in (*_DOMAIN_LISTS, "relay_domains")):
        return
    for one in working(view):
        found = answer(one, "stranger", "own")
        if one.purpose != "mx" or found.verdict != "refused":
            continue
        if any(reason.kind == "error" for reason in found.refusals):
            continue  # A rule of its own tells of a word that Postfix does not know.
        word = found.refusals[-1].text if found.refusals else ""
        for scope in view.scopes(_place_of(one, word), (one,)):
            yield hit(
                scope,
                f"{{services}} refuses all mail of strangers ({word or 'nothing permits it'}), so no mail "
                "from other servers comes in.",
                expected=_SAFE if scope.parameter in _DECIDING else None,
            )


def _place_of(one: Endpoint, shown: str) -> str:
    """Return the parameter of the list that has a restriction in it; the relay list when it is in a class."""
    return next((name for stage, name in _LISTS.items() if _has_word(one, stage, shown)), _RELAY)


def _mynetworks(view: View) -> tuple[Scope, ...]:
    return view.scopes("mynetworks", public(view))


def _everybody(view: View) -> _Hits:
    for scope in _mynetworks(view):
        if not coverage(scope.value).everybody:
            continue
        relays = any(
            restrictions.starts(lists(one)) and answer(one, "mynetworks", "foreign").free
            for one in scope.endpoints
        )
        yield hit(
            scope,
            "Every address of the Internet counts as one of this host's own at {services}"
            + (": this is an open relay." if relays else ", and limits do not hold for anybody."),
            expected="127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128",
            severity=None if relays else "high",
        )


def _wide_networks(view: View) -> _Hits:
    for scope in _mynetworks(view):
        found = coverage(scope.value)
        if found.wide and not found.everybody:
            kept = " ".join(
                one for one in scope.value.replace(",", " ").split() if one not in found.wide
            )
            yield hit(
                scope,
                f"{{services}} lets a network of strangers send anywhere: {' '.join(found.wide)}.",
                expected=kept or "127.0.0.0/8 [::1]/128",
            )


def _deadly_networks(view: View) -> _Hits:
    for scope in view.scopes("mynetworks", view.having(daemon=("smtpd",))):
        found = coverage(scope.value)
        if found.deadly:
            yield hit(
                scope,
                f"Postfix takes {found.deadly[0]} for a table, because it has no brackets, and {{services}} "
                "dies with every connection.",
                expected=_repaired(scope.value, found),
            )


def _malformed_networks(view: View) -> _Hits:
    for scope in view.scopes("mynetworks", view.having(daemon=("smtpd",))):
        found = coverage(scope.value)
        if found.malformed:
            yield hit(
                scope,
                f"Postfix cannot read {' '.join(found.malformed)}, and {{services}} puts off mail with a "
                "temporary error.",
                expected=_repaired(scope.value, found),
            )


def _repaired(value: str, found: Coverage) -> str:
    words = []
    for word in value.replace(",", " ").split():
        if word not in (*found.deadly, *found.malformed):
            words.append(word)
        elif ":" in word and not word.startswith("["):
            address, slash, length = word.partition("/")
            words.append(f"[{address}]{slash}{length}")
        else:
            words += repaired_network(word)
    return " ".join(words) or "127.0.0.0/8"


def _style(view: View) -> _Hits:
    if "mynetworks" in view.explicit:
        return
    followers = [one for one in public(view) if not one.overrides("mynetworks")]
    for scope in view.scopes("mynetworks_style", followers):
        style = scope.value.strip().lower()
        if style in ("subnet", "class"):
            yield hit(
                scope,
                f"{{services}} lets every machine in the {style} of this host's addresses send anywhere, "
                "whoever that is.",
                expected="host",
                severity="high" if style == "class" else None,
            )


def _wide_domains(view: View) -> _Hits:
    # trivial-rewrite decides, so what smtpd is given with -o does not count.
    followers = [one for one in public(view) if not one.overrides("relay_domains")]
    for scope in written(view, "relay_domains", followers):
        local = frozenset(view.words("mydestination"))
        with_subdomains = scope.parameter in view.words("parent_domain_matches_subdomains")
        words = scope.value.replace(",", " ").split()
        wide = [
            one
            for one in words
            if one not in local and _is_wide_domain(one.lower(), with_subdomains=with_subdomains)
        ]
        if wide:
            yield hit(
                scope,
                f"{{services}} forwards mail of anybody to {wide[0]}, which is not one site's domain.",
                expected=" ".join(one for one in words if one not in wide),
            )


def _is_wide_domain(word: str, *, with_subdomains: bool) -> bool:
    if word.startswith("static:"):
        return True
    if word.startswith(".") == with_subdomains:
        return False
    name = word.lstrip(".")
    return name in _TOP_LEVEL or (len(name) == 2 and name.isalpha())


def _backup(view: View) -> _Hits:
    guilty = [
        one
        for one in working(view)
        if not one.value("permit_mx_backup_networks").strip()
        and any(reason.kind == "mx" for reason in answer(one, "stranger", "foreign").by)
    ]
    for scope in deciding(guilty, _DECIDING):
        yield hit(
            scope,
            "{services} forwards mail for every domain whose owner names this host as a mail server in "
            "the DNS.",
            **_mend(scope),
        )


def _unlisted(view: View) -> _Hits:
    guilty = [
        one
        for one in public(view, "mx")
        if not one.is_yes("smtpd_reject_unlisted_recipient")
        and not _mentions(one, "recipient", "reject_unlisted_recipient")
        and not _mentions(one, "relay", "reject_unlisted_recipient")
    ]
    for scope in written(view, "smtpd_reject_unlisted_recipient", guilty):
        yield hit(
            scope,
            "{services} takes mail for addresses that do not exist and sends it back later, to senders "
            "who are mostly forged.",
            expected="yes",
        )


def _unknown_locals(view: View) -> _Hits:
    if not view.value("mydestination").strip():
        return
    for scope in written(view, "local_recipient_maps", public(view, "mx")):
        if not scope.value.strip():
            catch_all = view.value("luser_relay").strip()
            yield hit(
                scope,
                "{services} takes mail for every local part at this host's own domains"
                + (
                    f", and {catch_all} gets what nobody else wants, above all spam."
                    if catch_all
                    else " and sends back what nobody wants, to senders who are mostly forged."
                ),
                expected=None,
                severity="low" if catch_all else None,
            )


def _unknown_relayed(view: View) -> _Hits:
    domains = view.value("relay_domains").split()
    if "relay_domains" not in view.explicit or not domains:
        return
    if set(domains) <= set(view.words("mydestination")):
        return
    guilty = [
        one
        for one in public(view, "mx")
        if not one.value("relay_recipient_maps").strip()
        and not _mentions(one, "recipient", "reject_unverified_recipient")
        and not _mentions(one, "relay", "reject_unverified_recipient")
    ]
    for scope in view.scopes("relay_recipient_maps", guilty):
        yield hit(
            scope,
            "{services} takes mail for every local part at the domains that it relays for, and sends "
            "back what the next server refuses, to senders who are mostly forged.",
            expected=f"{view.value('default_database_type')}:/etc/postfix/relay_recipients",
            shown="a table of the addresses, or reject_unverified_recipient",
        )


def _idle_catch_all(view: View) -> _Hits:
    if not view.value("luser_relay").strip() or not view.value("local_recipient_maps").strip():
        return
    for scope in written(view, "luser_relay", public(view, "mx")):
        yield hit(
            scope,
            "The address for mail to unknown users never gets any: {services} refuses these users because "
            "local_recipient_maps is not empty.",
            expected=None,
        )


def _unreached(view: View) -> _Hits:
    servers = view.having(daemon=("smtpd",))
    for parameter in _LISTS.values():
        for scope in written(view, parameter, servers):
            kept, behind = restrictions.unreached(scope.value) if scope.value else ("", "")
            if behind:
                last = kept.rpartition(" ")[2]
                yield hit(
                    scope,
                    f"{last} ends the list in {{services}}, and nothing ever looks at what stands behind "
                    f"it: {behind}.",
                    expected=kept,
                )


def _old_style(view: View) -> _Hits:
    guilty = [
        one
        for one in working(view)
        if one.purpose == "mx"
        and not one.value(_RELAY).strip()
        and answer(one, "stranger", "foreign").verdict == "refused"
    ]
    for scope in view.scopes(_RELAY, guilty):
        yield hit(
            scope,
            "{services} keeps its relay decision between the rules against spam, where one OK too early "
            "makes it an open relay.",
            expected=_SAFE,
        )


def _filter_bypass(view: View) -> _Hits:
    filtered = [
        one
        for one in public(view, "mx")
        if one.value("content_filter").strip() or one.value("smtpd_proxy_filter").strip()
    ]
    if not filtered:
        return
    for one in public(view, "other"):
        unfiltered = not (
            one.value("content_filter").strip() or one.value("smtpd_proxy_filter").strip()
        )
        if unfiltered and answer(one, "stranger", "own").verdict != "refused":
            for scope in view.scopes(_DECIDING[0], (one,)):
                yield Hit(
                    subject=one.subject,
                    parameter=_RELAY,
                    observed=f"{scope.value} on {one.service.name}",
                    expected=f"127.0.0.1:{one.service.key[2]}",
                    message=f"{one.subject} takes back what the content filter has looked at, and is open "
                    "to all networks: spam gets past the filter.",
                    fix=Fix(
                        "", f"in master.cf, write 127.0.0.1:{one.service.key[2]} for {one.subject}"
                    ),
                )


RULES: t.Final[tuple[Rule, ...]] = (
    Rule(
        "open-relay",
        _AREA,
        "critical",
        "Open relay",
        "Spammers find it within hours, and then all mail of this host is refused everywhere.",
        "SMTPD_RELAY_README; postconf(5) smtpd_relay_restrictions",
        _open,
        example="smtpd_relay_restrictions = check_client_access static:OK, reject",
    ),
    Rule(
        "relay-by-table",
        _AREA,
        "high",
        "A table decides who may relay",
        "One OK that was meant for the spam rules lets strangers send anywhere through this host.",
        "SMTPD_ACCESS_README, Dangerous use of smtpd_recipient_restrictions; access(5)",
        _by_table,
        example="smtpd_recipient_restrictions = check_sender_access hash:/etc/postfix/friends, reject",
    ),
    Rule(
        "relay-restrictions-missing",
        _AREA,
        "critical",
        "No list refuses mail to foreign domains",
        "Postfix refuses to run such a server: the port is dead.",
        "postconf(5) smtpd_relay_restrictions: specify at least one working instance",
        _dead,
        dies=True,
        example="smtpd_relay_restrictions = permit",
    ),
    Rule(
        "restriction-unknown",
        _AREA,
        "high",
        "A word in a list of restrictions is none",
        "Postfix answers 451 (server configuration error), so mail is put off until it is returned.",
        "postconf(5) smtpd_recipient_restrictions; SMTPD_ACCESS_README",
        _unknown_words,
        dies=True,
        example="smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destinations",
    ),
    Rule(
        "restriction-class-undefined",
        _AREA,
        "critical",
        "A restriction class has no definition",
        "smtpd dies at its start: the port is dead.",
        "RESTRICTION_CLASS_README",
        _undefined_class,
        dies=True,
        example="smtpd_restriction_classes = greylisting",
    ),
    Rule(
        "submission-open-to-strangers",
        _AREA,
        "high",
        "A port for users takes mail without a login",
        "Spammers use it to get past the rules of port 25.",
        "RFC 6409 section 4.3; postconf(5) permit_sasl_authenticated",
        _strangers,
        example="submission inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes",
    ),
    Rule(
        "submission-trusts-networks",
        _AREA,
        "medium",
        "A port for users trusts addresses instead of passwords",
        "A machine in these networks that was taken over sends as anybody, and nobody knows who it was.",
        "RFC 6409 section 4.3; postconf(5) permit_mynetworks",
        _trusts_networks,
        example="-o smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject",
    ),
    Rule(
        "submission-refuses-users",
        _AREA,
        "high",
        "Users cannot send although they have logged in",
        "The port is there for them and does not serve them.",
        "postconf(5) permit_sasl_authenticated, smtpd_delay_reject",
        _refuses_users,
        example="-o smtpd_relay_restrictions=permit_mynetworks,reject",
    ),
    Rule(
        "submission-inherits-spam-rules",
        _AREA,
        "medium",
        "The spam rules of port 25 hold for users too",
        "Addresses of homes and mobile networks are on many block lists, so users cannot send.",
        "SASL_README; RFC 6409",
        _spam_policy,
        example="smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org",
    ),
    Rule(
        "mail-from-strangers-refused",
        _AREA,
        "low",
        "Port 25 takes no mail from other servers",
        "A host that has domains of its own gets no mail for them; for a host that only sends, empty "
        "mydestination says so.",
        "postconf(5) smtpd_client_restrictions, mydestination",
        _no_mail_in,
        example="smtpd_client_restrictions = permit_mynetworks, reject",
    ),
    Rule(
        "mynetworks-everybody",
        _AREA,
        "critical",
        "mynetworks has the whole Internet in it",
        "Who is in mynetworks may send anywhere, so spammers send through this host within hours.",
        "postconf(5) mynetworks",
        _everybody,
        example="mynetworks = 0.0.0.0/0",
    ),
    Rule(
        "mynetworks-wide",
        _AREA,
        "medium",
        "mynetworks has networks of strangers in it",
        "Every machine in them may send anywhere through this host.",
        "postconf(5) mynetworks",
        _wide_networks,
        example="mynetworks = 127.0.0.0/8 8.0.0.0/9",
    ),
    Rule(
        "mynetworks-without-brackets",
        _AREA,
        "critical",
        "An IPv6 address without brackets",
        "smtpd takes it for the name of a table and dies at its start: the port is dead.",
        "postconf(5) mynetworks: specify IPv6 addresses inside []",
        _deadly_networks,
        dies=True,
        example="mynetworks = 127.0.0.0/8 ::1/128",
    ),
    Rule(
        "mynetworks-malformed",
        _AREA,
        "high",
        "mynetworks has a word that Postfix cannot read",
        "Mail is put off with a temporary error instead of being taken or refused.",
        "postconf(5) mynetworks: IPv6 addresses in [], no bits beyond the length of a network",
        _malformed_networks,
        example="mynetworks = 192.168.1.10/24",
    ),
    Rule(
        "mynetworks-style-wide",
        _AREA,
        "medium",
        "The neighbours of this host count as its own",
        "In a data centre or a cloud the neighbours are other customers, and they may send anywhere.",
        "postconf(5) mynetworks_style",
        _style,
        example="mynetworks_style = subnet",
    ),
    Rule(
        "relay-domains-wide",
        _AREA,
        "high",
        "relay_domains has more than sites in it",
        "Anybody can send through this host to a good part of the Internet.",
        "postconf(5) relay_domains, parent_domain_matches_subdomains",
        _wide_domains,
        example="relay_domains = com",
    ),
    Rule(
        "relay-for-any-mx",
        _AREA,
        "medium",
        "Every domain can make this host its backup",
        "Strangers decide for whom this host queues and forwards mail, and it sends back their bounces.",
        "postconf(5) permit_mx_backup, permit_mx_backup_networks",
        _backup,
        example="smtpd_relay_restrictions = permit_mx_backup, reject_unauth_destination",
    ),
    Rule(
        "unknown-recipients-accepted",
        _AREA,
        "medium",
        "Mail for addresses that do not exist is taken",
        "The bounces go to people who never sent anything, and this host gets onto block lists.",
        "BACKSCATTER_README; postconf(5) smtpd_reject_unlisted_recipient",
        _unlisted,
        example="smtpd_reject_unlisted_recipient = no",
    ),
    Rule(
        "local-recipients-unknown",
        _AREA,
        "medium",
        "smtpd does not know which local addresses exist",
        "The bounces go to people who never sent anything, and this host gets onto block lists.",
        "LOCAL_RECIPIENT_README; postconf(5) local_recipient_maps",
        _unknown_locals,
        example="local_recipient_maps =",
    ),
    Rule(
        "relay-recipients-unknown",
        _AREA,
        "low",
        "smtpd does not know which relayed addresses exist",
        "The bounces go to people who never sent anything, and this host gets onto block lists.",
        "STANDARD_CONFIGURATION_README, backup MX; postconf(5) relay_recipient_maps",
        _unknown_relayed,
        example="relay_domains = other.example",
    ),
    Rule(
        "catch-all-without-effect",
        _AREA,
        "low",
        "The address for unknown users gets no mail",
        "Somebody expects mail there that is refused.",
        "postconf(5) luser_relay, local_recipient_maps",
        _idle_catch_all,
        example="luser_relay = postmaster",
    ),
    Rule(
        "restriction-never-reached",
        _AREA,
        "low",
        "Restrictions behind the end of a list",
        "What somebody wrote to protect the host does nothing.",
        "SMTPD_ACCESS_README",
        _unreached,
        example="smtpd_recipient_restrictions = permit_mynetworks, reject, reject_rbl_client list.example",
    ),
    Rule(
        "relay-decision-in-recipient-list",
        _AREA,
        "info",
        "The relay decision stands between the rules against spam",
        "A later change of the rules against spam can make this host an open relay by accident.",
        "SMTPD_RELAY_README; postconf(5) smtpd_relay_restrictions",
        _old_style,
        example="smtpd_relay_restrictions =",
    ),
    Rule(
        "content-filter-bypass",
        _AREA,
        "high",
        "The way back from the content filter is open to everybody",
        "Who connects to this port does not meet the filter.",
        "FILTER_README, Advanced content filter",
        _filter_bypass,
        example="10025 inet n - y - - smtpd -o content_filter=",
    ),
)

__all__ = ("RULES",)
