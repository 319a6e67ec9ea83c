# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the restriction lists of smtpd decide for a recipient, without asking any table (pure).

The order and the meaning of the words are those of SMTPD_ACCESS_README, postconf(5) and smtpd_check.c of
Postfix 3.5 to 3.11: every list must let a recipient pass; ``OK`` in one list says nothing about the next.
What stands in a table, in the DNS or behind a policy service is not known here, so a word that asks one of
them may permit, refuse or say nothing.
"""

from __future__ import annotations

import functools
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Endpoint

#: Who is at the other end: nobody we know, an address in mynetworks, one who has logged in, or one with a
#: certificate of any authority that we trust.
Client = t.Literal["stranger", "mynetworks", "authenticated", "certificate"]
#: A domain of somebody else, or one for which this host is the destination or a relay.
Destination = t.Literal["foreign", "own"]
Verdict = t.Literal["permitted", "refused", "depends"]
#: Who decides: the word itself, or what it asks. ``filter`` asks the DNS or looks at the form of a name.
Kind = t.Literal[
    "word", "client", "helo", "sender", "recipient", "policy", "dns", "mx", "filter", "error"
]
Stage = t.Literal["client", "helo", "sender", "relay", "recipient"]

STAGES: t.Final[tuple[Stage, ...]] = ("client", "helo", "sender", "relay", "recipient")
_DEEPEST: t.Final = 20

# smtpd_check.c, has_required(): one of them must be in a list, or smtpd does not start.
_REQUIRED: t.Final = frozenset(
    """
    reject_unauth_destination defer_unauth_destination reject defer defer_if_permit check_relay_domains
    """.split()
)
_FINAL: t.Final = frozenset({"permit", "reject", "defer"})
#: Gone since Postfix 3.9: every recipient that reaches one is refused with 451.
REMOVED: t.Final = frozenset({"check_relay_domains", "permit_naked_ip_address", "reject_maps_rbl"})

# What a table is asked about. A permit by the others is an error, see forbid_allowlist().
_ASKS: t.Final[t.Mapping[str, Kind]] = {
    "check_client_access": "client",
    "check_helo_access": "helo",
    "check_sender_access": "sender",
    "check_recipient_access": "recipient",
    "check_ccert_access": "client",
    "check_sasl_access": "client",
    "check_etrn_access": "client",
}
_NEVER_PERMIT: t.Final = frozenset(
    f"check_{what}_access"
    for what in (
        "reverse_client_hostname",
        *(
            f"{name}_{kind}"
            for name in ("client", "reverse_client_hostname", "helo", "sender", "recipient")
            for kind in ("ns", "mx", "a")
        ),
    )
)
_DEFAULT_ACCESS: t.Final[t.Mapping[str, str]] = {
    "client": "check_client_access",
    "helo": "check_helo_access",
    "sender": "check_sender_access",
    "relay": "check_recipient_access",
    "recipient": "check_recipient_access",
}
_WITH_DOMAIN: t.Final = frozenset(
    """
    reject_rbl reject_rbl_client reject_rhsbl_client reject_rhsbl_reverse_client reject_rhsbl_helo
    reject_rhsbl_sender reject_rhsbl_recipient permit_dnswl_client permit_rhswl_client
    """.split()
)
#: They look at the client's address or name: who sends from home or on the road often fails them.
CLIENT_FILTERS: t.Final = frozenset(
    """
    reject_rbl reject_rbl_client reject_rhsbl_client reject_rhsbl_reverse_client reject_rhsbl_helo
    reject_unknown_client reject_unknown_client_hostname reject_unknown_reverse_client_hostname
    reject_unknown_forward_client_hostname reject_invalid_helo_hostname reject_invalid_hostname
    reject_non_fqdn_helo_hostname reject_non_fqdn_hostname reject_unknown_helo_hostname
    reject_unknown_hostname
    """.split()
)
_FILTERS: t.Final = CLIENT_FILTERS | frozenset(
    """
    reject_rhsbl_sender reject_rhsbl_recipient reject_unknown_sender_domain reject_unknown_address
    reject_unknown_recipient_domain reject_unverified_sender reject_unverified_recipient
    reject_unlisted_sender reject_sender_login_mismatch reject_authenticated_sender_login_mismatch
    reject_known_sender_login_mismatch reject_unauthenticated_sender_login_mismatch
    reject_plaintext_session reject_maps_rbl
    """.split()
)
# A client that keeps to SMTP and names an address that exists never meets them.
_HARMLESS: t.Final = frozenset(
    """
    reject_unauth_pipelining reject_non_fqdn_sender reject_non_fqdn_recipient reject_unlisted_recipient
    check_recipient_maps reject_multi_recipient_bounce defer_if_reject permit_tls_clientcerts
    """.split()
)
_REFUSING: t.Final = frozenset({"reject", "defer", "hangup"})
_SAYING_NOTHING: t.Final = frozenset(
    "dunno info warn filter hold redirect bcc prepend defer_if_reject".split()
)


class Word(t.NamedTuple):
    """One restriction: its name in small letters, its argument, and whether it stands behind
    ``warn_if_reject``. ``text`` is as it is written."""

    name: str
    text: str
    argument: str = ""
    warns: bool = False

    @property
    def shown(self) -> str:
        """The restriction as it is written, with its argument."""
        return f"{self.text} {self.argument}".strip()


class Reason(t.NamedTuple):
    """What may decide: how (``Kind``), and the words of the list."""

    kind: Kind
    text: str


class Lists(t.NamedTuple):
    """All that decides about a recipient in one service, expanded.

    ``classes`` are the pairs of smtpd_restriction_classes. ``removed`` tells that this is Postfix 3.9 or
    later, which refuses the words in ``REMOVED``.
    """

    client: str = ""
    helo: str = ""
    sender: str = ""
    relay: str = ""
    recipient: str = ""
    classes: tuple[tuple[str, str], ...] = ()
    helo_required: bool = False
    delay_reject: bool = True
    removed: bool = True

    def list_of(self, stage: Stage) -> str:
        """Return the list of a stage."""
        text: str = getattr(self, stage)
        return text


class Answer(t.NamedTuple):
    """What becomes of a recipient.

    ``free`` tells that it can pass without a table, a policy service or the DNS saying yes to it; what
    has to say yes otherwise is in ``by``. ``refusals`` are the words that may refuse it.
    """

    verdict: Verdict
    free: bool
    by: tuple[Reason, ...]
    refusals: tuple[Reason, ...]


class _Outcome(t.NamedTuple):
    """What one list may do: permit, refuse, and whether its end can be reached."""

    permits: tuple[Reason, ...]
    refuses: tuple[Reason, ...]
    ends: bool


_NOTHING: t.Final = _Outcome((), (), True)


class _Situation(t.NamedTuple):
    client: Client
    destination: Destination
    stage: Stage
    lists: Lists
    depth: int = 0
    warns: bool = False

    @property
    def knows_login(self) -> bool:
        """Whether the client can have logged in when the list is looked at."""
        return self.lists.delay_reject or self.stage not in ("client", "helo")

    @property
    def knows_recipient(self) -> bool:
        """Whether the recipient is known when the list is looked at."""
        return self.lists.delay_reject or self.stage in ("relay", "recipient")


def split(text: str) -> list[str]:
    """Return the words of a list; text in braces is one word, see mystrtokq(3) of Postfix."""
    if "{" not in text:
        return text.replace(",", " ").split()
    words: list[str] = []
    depth = 0
    word = ""
    for character in text:
        if depth == 0 and (character in ", \t\r\n"):
            if word:
                words.append(word)
            word = ""
            continue
        depth = max(0, depth + {"{": 1, "}": -1}.get(character, 0))
        word += character
    return [*words, word] if word else words


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Word, ...]:
    """Return the restrictions of a list. A table alone has no name, its word is the argument."""
    found: list[Word] = []
    words = iter(split(text))
    warns = False
    for word in words:
        name = word.lower()
        if name == "warn_if_reject":
            warns = True
            continue
        if ":" in word:
            found.append(Word("", "", word, warns))
        elif (
            name in _ASKS
            or name in _NEVER_PERMIT
            or name in _WITH_DOMAIN
            or name in ("check_policy_service", "sleep")
        ):
            found.append(Word(name, word, next(words, ""), warns))
        else:
            found.append(Word(name, word, "", warns))
        warns = False
    return tuple(found)


def of_endpoint(endpoint: Endpoint) -> Lists:
    """Return the lists that a service of smtpd really uses."""
    value = endpoint.value
    names = endpoint.words("smtpd_restriction_classes")
    return Lists(
        client=value("smtpd_client_restrictions"),
        helo=value("smtpd_helo_restrictions"),
        sender=value("smtpd_sender_restrictions"),
        relay=value("smtpd_relay_restrictions"),
        recipient=value("smtpd_recipient_restrictions"),
        classes=tuple((name, value(name)) for name in names) if names else (),
        helo_required=endpoint.is_yes("smtpd_helo_required"),
        delay_reject=endpoint.is_yes("smtpd_delay_reject"),
        removed=endpoint.view.version.has("3.9"),
    )


@functools.lru_cache(maxsize=8192)
def answer(lists: Lists, client: Client, destination: Destination) -> Answer:
    """Return what becomes of a recipient whose address is well formed and, in our domains, exists.

    A stranger who wants to relay leaves out HELO where he may, and with it smtpd_helo_restrictions.
    """
    skips_helo = client == "stranger" and destination == "foreign" and not lists.helo_required
    outcomes = [
        _evaluate(lists.list_of(stage), _Situation(client, destination, stage, lists))
        for stage in STAGES
        if not (stage == "helo" and skips_helo)
    ]
    refusals = tuple(dict.fromkeys(one for outcome in outcomes for one in outcome.refuses))
    if not all(outcome.ends or outcome.permits for outcome in outcomes):
        return Answer("refused", False, (), refusals)
    by = tuple(
        dict.fromkeys(
            reason
            for outcome in outcomes
            if not outcome.ends and not any(one.kind == "word" for one in outcome.permits)
            for reason in outcome.permits
        )
    )
    return Answer("depends" if refusals or by else "permitted", not by, by, refusals)


def _evaluate(text: str, situation: _Situation) -> _Outcome:
    permits: list[Reason] = []
    refuses: list[Reason] = []
    if situation.depth > _DEEPEST:
        return _Outcome((), (Reason("error", text),), False)
    for word in parse(text):
        one = _judge(word, situation)
        permits += one.permits
        if not (word.warns or situation.warns):
            refuses += one.refuses
        else:
            refuses += (reason for reason in one.refuses if reason.kind == "error")
        if not one.ends and _stops(one, warns=word.warns or situation.warns):
            return _Outcome(tuple(permits), tuple(refuses), False)
    return _Outcome(tuple(permits), tuple(refuses), True)


def _stops(outcome: _Outcome, *, warns: bool) -> bool:
    """Tell whether nothing behind a word is looked at; a refusal that only warns goes on."""
    return not (warns and any(reason.kind != "error" for reason in outcome.refuses))


def _judge(word: Word, situation: _Situation) -> _Outcome:
    name = word.name
    if name in _HARMLESS:
        return _NOTHING
    if name in REMOVED and situation.lists.removed:
        return _error(word)
    if name in _FILTERS:
        return _Outcome((), (Reason("filter", word.shown),), True)
    if name in _BY_NAME:
        return _BY_NAME[name](word, situation)
    if not name or name in _ASKS or name in _NEVER_PERMIT:
        return _table(word, situation)
    for known, text in situation.lists.classes:
        if known == word.text:
            return _evaluate(text, _deeper(situation, word))
    return _error(word)


@functools.lru_cache(maxsize=8192)
def unknown(text: str, stage: Stage, lists: Lists) -> tuple[Word, ...]:
    """Return the words of a list that this Postfix does not understand; it answers 451 when it meets one."""
    situation = _Situation("stranger", "foreign", stage, lists)
    names = {name for name, _text in lists.classes}
    return tuple(
        word
        for word in parse(text)
        if word.text not in names
        and any(one.kind == "error" for one in _judge(word, situation).refuses)
    )


def _deeper(situation: _Situation, word: Word) -> _Situation:
    return _Situation(
        situation.client,
        situation.destination,
        situation.stage,
        situation.lists,
        situation.depth + 1,
        situation.warns or word.warns,
    )


def _error(word: Word) -> _Outcome:
    return _Outcome((), (Reason("error", word.shown),), False)


def _permit(word: Word) -> _Outcome:
    return _Outcome((Reason("word", word.shown),), (), False)


def _refuse(word: Word) -> _Outcome:
    return _Outcome((), (Reason("word", word.shown),), False)


def _may_permit(kind: Kind, word: Word) -> _Outcome:
    return _Outcome((Reason(kind, word.shown),), (), True)


def _when(clients: tuple[Client, ...]) -> t.Callable[[Word, _Situation], _Outcome]:
    def decide(word: Word, situation: _Situation) -> _Outcome:
        return _permit(word) if situation.client in clients else _NOTHING

    return decide


def _login(word: Word, situation: _Situation) -> _Outcome:
    there = situation.client == "authenticated" and situation.knows_login
    return _permit(word) if there else _NOTHING


def _own_address(word: Word, situation: _Situation) -> _Outcome:
    return _may_permit("client", word) if situation.client == "mynetworks" else _NOTHING


def _not_ours(word: Word, situation: _Situation) -> _Outcome:
    foreign = situation.destination == "foreign" and situation.knows_recipient
    return _refuse(word) if foreign else _NOTHING


def _ours(word: Word, situation: _Situation) -> _Outcome:
    own = situation.destination == "own" and situation.knows_recipient
    return _permit(word) if own else _NOTHING


def _backup(word: Word, situation: _Situation) -> _Outcome:
    if not situation.knows_recipient:
        return _NOTHING
    return _permit(word) if situation.destination == "own" else _may_permit("mx", word)


def _relay_domains(word: Word, situation: _Situation) -> _Outcome:
    if not situation.knows_recipient:
        return _NOTHING
    if situation.destination == "own":
        return _permit(word)
    reason = Reason("client", word.shown)
    return _Outcome((reason,), (Reason("word", word.shown),), False)


def _naked_address(word: Word, situation: _Situation) -> _Outcome:
    known = situation.lists.delay_reject or situation.stage != "client"
    return _may_permit("helo", word) if known else _NOTHING


def _dns_list(word: Word, _situation: _Situation) -> _Outcome:
    return _may_permit("dns", word) if word.argument else _NOTHING


def _policy(word: Word, _situation: _Situation) -> _Outcome:
    if ":" not in word.argument:
        return _error(word)
    reason = Reason("policy", word.shown)
    return _Outcome((reason,), (reason,), True)


def _sleep(word: Word, _situation: _Situation) -> _Outcome:
    return _NOTHING if word.argument.isdigit() else _error(word)


_BY_NAME: t.Final[t.Mapping[str, t.Callable[[Word, _Situation], _Outcome]]] = {
    "permit": lambda word, _situation: _permit(word),
    "reject": lambda word, _situation: _refuse(word),
    "defer": lambda word, _situation: _refuse(word),
    # What passes later is deferred then, so nothing passes.
    "defer_if_permit": lambda word, _situation: _refuse(word),
    "permit_mynetworks": _when(("mynetworks",)),
    "permit_inet_interfaces": _own_address,
    "permit_sasl_authenticated": _login,
    "permit_tls_all_clientcerts": _when(("certificate",)),
    "reject_unauth_destination": _not_ours,
    "defer_unauth_destination": _not_ours,
    "permit_auth_destination": _ours,
    "permit_mx_backup": _backup,
    "check_relay_domains": _relay_domains,
    "permit_naked_ip_address": _naked_address,
    "permit_dnswl_client": _dns_list,
    "permit_rhswl_client": _dns_list,
    "check_policy_service": _policy,
    "sleep": _sleep,
}


#: Every restriction there is.
NAMES: t.Final = _HARMLESS | _FILTERS | frozenset(_BY_NAME) | frozenset(_ASKS) | _NEVER_PERMIT


def _table(word: Word, situation: _Situation) -> _Outcome:
    name = word.name or _DEFAULT_ACCESS[situation.stage]
    if ":" not in word.argument:
        return _error(word)
    if not _is_asked(name, situation):
        return _NOTHING
    kind, permits = _ASKS.get(name, "filter"), name in _ASKS
    if word.argument.startswith("static:"):
        return _static(word, situation, kind)
    reason = Reason(kind, word.shown)
    return _Outcome((reason,) if permits else (), (reason,), True)


def _is_asked(name: str, situation: _Situation) -> bool:
    if name == "check_etrn_access":
        return False
    if name == "check_sasl_access":
        return situation.client == "authenticated" and situation.knows_login
    if name == "check_ccert_access":
        return situation.client == "certificate"
    if name == "check_sender_access":
        return situation.lists.delay_reject or situation.stage not in ("client", "helo")
    if name.startswith("check_helo_"):
        return situation.lists.delay_reject or situation.stage != "client"
    return situation.knows_recipient or not name.startswith("check_recipient_")


def _static(word: Word, situation: _Situation, kind: Kind) -> _Outcome:
    """Return what a table does that gives the same for everything, see access(5)."""
    value = word.argument.partition(":")[2].strip("{} ")
    action = value.partition(" ")[0].lower()
    if action in ("ok", "relay", "discard") or value.isdigit():
        if word.name in _NEVER_PERMIT:
            return _error(word)
        return _Outcome((Reason("word", word.shown),), (), False)
    if action in _REFUSING or (len(action) == 3 and action[0] in "45" and action.isdigit()):
        return _refuse(word)
    if action in _SAYING_NOTHING:
        return _NOTHING
    if word.name in _NEVER_PERMIT:
        return _Outcome((), (Reason(kind, word.shown),), True)
    return _evaluate(value, _deeper(situation, word))


def starts(lists: Lists) -> bool:
    """Tell whether smtpd starts: one of the two lists must have a word that refuses by itself."""
    classes = dict(lists.classes)
    return _has_required(lists.recipient, classes, 0) or _has_required(lists.relay, classes, 0)


def _has_required(text: str, classes: t.Mapping[str, str], depth: int) -> bool:
    words = iter(split(text) if depth <= _DEEPEST else ())
    for word in words:
        name = word.lower()
        if name == "warn_if_reject":
            next(words, None)
        elif name == "permit":
            return False
        elif name in _REQUIRED or (
            word in classes and _has_required(classes[word], classes, depth + 1)
        ):
            return True
    return False


def unreached(text: str) -> tuple[str, str]:
    """Return a list up to the word that ends it, and what stands behind that; two empty texts if nothing."""
    words = parse(text)
    for index, word in enumerate(words[:-1], start=1):
        if word.name in _FINAL and not word.warns:
            parts = (words[:index], words[index:])
            kept, behind = (", ".join(one.shown for one in part) for part in parts)
            return kept, behind
    return "", ""


def uses(text: str, names: t.Container[str], *, classes: t.Mapping[str, str]) -> tuple[Word, ...]:
    """Return the words of a list, and of the classes in it, that have one of these names."""
    found: list[Word] = []
    seen: set[str] = set()
    waiting = [text]
    while waiting:
        for word in parse(waiting.pop()):
            if word.name in names:
                found.append(word)
            elif word.text in classes and word.text not in seen:
                seen.add(word.text)
                waiting.append(classes[word.text])
    return tuple(found)


__all__ = (
    "CLIENT_FILTERS",
    "NAMES",
    "REMOVED",
    "STAGES",
    "Answer",
    "Client",
    "Destination",
    "Kind",
    "Lists",
    "Reason",
    "Stage",
    "Verdict",
    "Word",
    "answer",
    "of_endpoint",
    "parse",
    "split",
    "starts",
    "unknown",
    "unreached",
    "uses",
)
