# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restriction lists decide. The real smtpd is asked in tests/integration_lab."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.restrictions import (
    Lists,
    Word,
    answer,
    parse,
    split,
    starts,
    unknown,
    unreached,
    uses,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import values

TABLE: t.Final = "hash:/etc/postfix/table"
GUARD: t.Final = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(" permit ,\treject ", ["permit", "reject"], id="blanks-and-commas"),
        pytest.param(
            "check_policy_service { inet:127.0.0.1:10023, timeout=10s } reject",
            ["check_policy_service", "{ inet:127.0.0.1:10023, timeout=10s }", "reject"],
            id="braces",
        ),
        pytest.param(
            "inline:{a=OK, {b=x y}},permit", ["inline:{a=OK, {b=x y}}", "permit"], id="in"
        ),
        pytest.param("permit } reject", ["permit", "}", "reject"], id="stray-brace"),
        pytest.param("permit {a b", ["permit", "{a b"], id="open-brace"),
    ],
)
def test_split_keeps_braces_together(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Permit", (Word("permit", "Permit"),), id="any-case"),
        pytest.param(
            f"check_client_access {TABLE}",
            (Word("check_client_access", "check_client_access", TABLE),),
            id="table",
        ),
        pytest.param(TABLE, (Word("", "", TABLE),), id="table-alone"),
        pytest.param(
            "warn_if_reject reject_rbl_client list.example, permit",
            (
                Word("reject_rbl_client", "reject_rbl_client", "list.example", warns=True),
                Word("permit", "permit"),
            ),
            id="warns-once",
        ),
        pytest.param(
            "check_sender_access",
            (Word("check_sender_access", "check_sender_access"),),
            id="no-argument",
        ),
        pytest.param("warn_if_reject", (), id="warns-of-nothing"),
    ],
)
def test_parse_finds_names_and_arguments(text: str, words: tuple[Word, ...]) -> None:
    assert parse(text) == words


def relay(text: str, **others: t.Any) -> Lists:
    return Lists(relay=text, **others)


def spam(text: str, **others: t.Any) -> Lists:
    return Lists(recipient=text, **others)


CLASSES: t.Final = (
    ("open", "permit"),
    ("guard", "reject_unauth_destination"),
    ("loop", "loop, permit"),
    ("nested", "guard, open"),
)
#: Lists, and what becomes of a stranger's mail to a foreign and to one of our own domains.
STRANGERS: t.Final[tuple[tuple[str, Lists, str, str], ...]] = (
    ("default", relay(GUARD), "refused", "permitted"),
    ("deferred", relay("permit_mynetworks, defer_unauth_destination"), "refused", "permitted"),
    ("reject-all", relay("permit_mynetworks, reject"), "refused", "refused"),
    ("nothing", Lists(), "permitted", "permitted"),
    ("permit-then-guard", relay("permit, reject_unauth_destination"), "permitted", "permitted"),
    ("other-list-refuses", relay("permit", recipient=GUARD), "refused", "permitted"),
    ("ok-in-relay-list-only", relay("static:OK", recipient="reject"), "refused", "refused"),
    ("table-before", spam(f"check_sender_access {TABLE}, {GUARD}"), "depends", "depends"),
    ("table-behind", spam(f"{GUARD}, check_sender_access {TABLE}"), "refused", "depends"),
    ("table-alone", spam(f"permit_mynetworks, {TABLE}, reject"), "depends", "depends"),
    ("static-ok", relay("static:OK, reject"), "permitted", "permitted"),
    ("static-reject", relay("static:REJECT"), "refused", "refused"),
    ("static-code", relay("static:{550 5.7.1 no}"), "refused", "refused"),
    ("static-number", relay("static:12345, reject"), "permitted", "permitted"),
    ("static-dunno", relay("static:DUNNO, reject"), "refused", "refused"),
    ("static-list", relay("static:permit_auth_destination, reject"), "refused", "permitted"),
    ("no-permit-by-mx", relay(f"check_sender_mx_access {TABLE}, {GUARD}"), "refused", "depends"),
    ("mx-says-ok", relay("check_sender_mx_access static:OK, reject"), "refused", "refused"),
    ("policy", relay(f"check_policy_service unix:private/p, {GUARD}"), "depends", "depends"),
    ("policy-without-socket", relay("check_policy_service private, permit"), "refused", "refused"),
    ("whitelist", relay(f"permit_dnswl_client list.example, {GUARD}"), "depends", "permitted"),
    ("block-list", relay(f"reject_rbl_client list.example, {GUARD}"), "refused", "depends"),
    ("only-warns", relay("warn_if_reject reject, permit"), "permitted", "permitted"),
    ("warns-of-guard", relay(f"warn_if_reject {GUARD}"), "refused", "permitted"),
    ("put-off", relay("defer_if_permit"), "refused", "refused"),
    ("put-off-then-permit", relay("defer_if_permit, permit"), "refused", "refused"),
    ("only-warns-to-put-off", relay("warn_if_reject defer_if_permit"), "permitted", "permitted"),
    ("defer-if-reject", relay(f"defer_if_reject, {GUARD}"), "refused", "permitted"),
    ("ours-only", relay("permit_auth_destination, reject"), "refused", "permitted"),
    ("backup", relay("permit_mx_backup, reject"), "depends", "permitted"),
    ("class-open", relay("open, reject", classes=CLASSES), "permitted", "permitted"),
    ("class-guards", relay("guard", classes=CLASSES), "refused", "permitted"),
    ("class-in-class", relay("nested, reject", classes=CLASSES), "refused", "permitted"),
    ("class-case-counts", relay("Open", classes=CLASSES), "refused", "refused"),
    ("class-only-warns", relay("warn_if_reject guard", classes=CLASSES), "permitted", "permitted"),
    (
        "class-permits-warned",
        relay("warn_if_reject nested, reject", classes=CLASSES),
        "permitted",
        "permitted",
    ),
    ("class-of-itself", relay("loop", classes=CLASSES), "refused", "refused"),
    ("unknown", relay("permit_mynetwork, permit"), "refused", "refused"),
    ("unknown-only-warns", relay("warn_if_reject nonsense, permit"), "refused", "refused"),
    ("no-table", relay("check_client_access, permit"), "refused", "refused"),
    ("sleeps", relay(f"sleep 5, {GUARD}"), "refused", "permitted"),
    ("sleeps-badly", relay("sleep long, permit"), "refused", "refused"),
    ("removed", relay("check_relay_domains"), "refused", "refused"),
    ("relay-domains-of-old", relay("check_relay_domains", removed=False), "depends", "permitted"),
    (
        "naked-address",
        relay(f"permit_naked_ip_address, {GUARD}", removed=False),
        "depends",
        "permitted",
    ),
    ("client-list", relay(GUARD, client="permit_mynetworks, reject"), "refused", "refused"),
    ("client-list-permits", relay(GUARD, client="permit"), "refused", "permitted"),
    ("guard-in-client-list", Lists(client="reject_unauth_destination"), "refused", "permitted"),
    (
        "guard-too-early",
        Lists(client="reject_unauth_destination", delay_reject=False),
        "permitted",
        "permitted",
    ),
    ("helo-list", Lists(helo="reject", helo_required=True), "refused", "refused"),
    ("helo-left-out", Lists(helo="reject"), "permitted", "refused"),
    ("sender-list", Lists(sender="static:REJECT"), "refused", "refused"),
    ("unlisted", relay(f"reject_unlisted_recipient, {GUARD}"), "refused", "permitted"),
    ("etrn", relay("check_etrn_access static:OK, reject"), "refused", "refused"),
    ("certificates", relay("permit_tls_all_clientcerts, reject"), "refused", "refused"),
    ("of-certificates", relay("check_ccert_access static:OK, reject"), "refused", "refused"),
    ("of-logins", relay("check_sasl_access static:OK, reject"), "refused", "refused"),
)


@pytest.mark.parametrize(
    ("lists", "foreign", "own"),
    [pytest.param(lists, foreign, own, id=name) for name, lists, foreign, own in STRANGERS],
)
def test_answer_to_strangers(lists: Lists, foreign: str, own: str) -> None:
    assert answer(lists, "stranger", "foreign").verdict == foreign
    assert answer(lists, "stranger", "own").verdict == own


@pytest.mark.parametrize(
    ("client", "lists", "verdict"),
    [
        pytest.param("mynetworks", relay(GUARD), "permitted", id="network"),
        pytest.param("authenticated", relay(GUARD), "permitted", id="login"),
        pytest.param("certificate", relay(GUARD), "refused", id="certificate-counts-for-nothing"),
        pytest.param(
            "certificate",
            relay("permit_tls_all_clientcerts, reject"),
            "permitted",
            id="certificate",
        ),
        pytest.param(
            "certificate", relay(f"check_ccert_access {TABLE}, reject"), "depends", id="one-of-them"
        ),
        pytest.param(
            "authenticated",
            relay("check_sasl_access static:OK, reject"),
            "permitted",
            id="of-logins",
        ),
        pytest.param(
            "authenticated",
            relay(GUARD, client="permit_sasl_authenticated, reject", delay_reject=False),
            "refused",
            id="login-not-yet",
        ),
        pytest.param(
            "authenticated",
            relay(GUARD, sender="permit_sasl_authenticated, reject", delay_reject=False),
            "permitted",
            id="login-by-then",
        ),
        pytest.param(
            "authenticated",
            relay(GUARD, recipient="permit_mynetworks, reject"),
            "refused",
            id="both",
        ),
        pytest.param(
            "mynetworks", relay("permit_inet_interfaces, reject"), "depends", id="own-address"
        ),
        pytest.param("mynetworks", relay(GUARD, helo="reject"), "refused", id="says-helo"),
    ],
)
def test_answer_to_clients_we_know(client: restrictions.Client, lists: Lists, verdict: str) -> None:
    assert answer(lists, client, "foreign").verdict == verdict


@pytest.mark.parametrize(
    ("lists", "free", "kinds"),
    [
        pytest.param(spam(f"check_helo_access {TABLE}, reject"), False, {"helo"}, id="helo"),
        pytest.param(spam(f"{TABLE}, reject"), False, {"recipient"}, id="table-alone"),
        pytest.param(Lists(client=TABLE, relay=GUARD), False, set(), id="refused-anyway"),
        pytest.param(spam(f"check_helo_access {TABLE}"), True, set(), id="passes-without"),
        pytest.param(spam(f"check_helo_access {TABLE}, permit"), True, set(), id="permit-behind"),
        pytest.param(
            spam("permit_mx_backup, permit_rhswl_client a.example, reject"),
            False,
            {"mx", "dns"},
            id="dns",
        ),
        pytest.param(
            Lists(relay=f"check_client_access {TABLE}, reject", recipient=f"{TABLE}, reject"),
            False,
            {"client", "recipient"},
            id="two-lists",
        ),
    ],
)
def test_answer_says_what_must_agree(lists: Lists, free: bool, kinds: set[str]) -> None:
    found = answer(lists, "stranger", "foreign")
    assert found.free is free
    assert {reason.kind for reason in found.by} == kinds


def test_answer_names_what_refuses() -> None:
    lists = relay(
        GUARD, client="reject_rbl_client list.example, warn_if_reject reject_unknown_client"
    )
    found = answer(lists, "authenticated", "foreign")
    assert [(reason.kind, reason.text) for reason in found.refusals] == [
        ("filter", "reject_rbl_client list.example")
    ]


def test_answer_names_mistakes_behind_warnings() -> None:
    found = answer(relay("warn_if_reject nonsense, permit"), "stranger", "own")
    assert [(reason.kind, reason.text) for reason in found.refusals] == [("error", "nonsense")]


@pytest.mark.parametrize(
    ("lists", "does"),
    [
        pytest.param(relay(GUARD), True, id="relay-list"),
        pytest.param(spam("REJECT"), True, id="any-case"),
        pytest.param(Lists(), False, id="empty"),
        pytest.param(relay("permit, reject"), False, id="permit-first"),
        pytest.param(relay("permit", recipient="permit_mynetworks, reject"), True, id="the-other"),
        pytest.param(relay("warn_if_reject reject"), False, id="only-warns"),
        pytest.param(relay("warn_if_reject reject, defer"), True, id="warns-once"),
        pytest.param(relay(f"check_client_access {TABLE}"), False, id="table"),
        pytest.param(relay("nested", classes=CLASSES), True, id="class"),
        pytest.param(relay("open, reject", classes=CLASSES), True, id="class-of-its-own-permits"),
        pytest.param(relay("loop", classes=CLASSES), False, id="class-of-itself"),
        pytest.param(Lists(client="reject", sender="reject"), False, id="other-lists"),
    ],
)
def test_starts_when_a_list_can_refuse(lists: Lists, does: bool) -> None:
    assert starts(lists) is does


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("permit_mynetworks, reject", ("", ""), id="nothing"),
        pytest.param("permit, reject", ("permit", "reject"), id="permit"),
        pytest.param(
            f"permit_mynetworks reject, check_client_access {TABLE}, permit",
            ("permit_mynetworks, reject", f"check_client_access {TABLE}, permit"),
            id="two",
        ),
        pytest.param("warn_if_reject reject, permit", ("", ""), id="only-warns"),
        pytest.param("", ("", ""), id="empty"),
    ],
)
def test_unreached_is_what_stands_behind_the_end(text: str, found: tuple[str, str]) -> None:
    assert unreached(text) == found


def test_uses_looks_into_classes() -> None:
    classes = {"outer": "inner, permit", "inner": "outer, Reject_Unlisted_Sender"}
    found = uses("permit_mynetworks, outer", ("reject_unlisted_sender",), classes=classes)
    assert [word.text for word in found] == ["Reject_Unlisted_Sender"]
    assert uses("permit", ("reject_unlisted_sender",), classes=classes) == ()


@pytest.mark.parametrize("stage", restrictions.STAGES)
def test_no_restriction_of_postfix_is_unknown(stage: restrictions.Stage) -> None:
    words = {
        *values._RESTRICTIONS,
        *(f"{name} list.example" for name in values._RESTRICTIONS_WITH_WORD - {"sleep"}),
        *(f"{name} {TABLE}" for name in restrictions.NAMES if values._ACCESS.fullmatch(name)),
        "sleep 1",
    } - {"check_policy_service list.example"}
    text = ", ".join(sorted({*words, "check_policy_service unix:private/policy", TABLE}))
    assert unknown(text, stage, Lists(removed=False)) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("permit, reject_unauth_destinations", ["reject_unauth_destinations"], id="s"),
        pytest.param("check_relay_domains, reject", ["check_relay_domains"], id="removed"),
        pytest.param("strict, Strict", ["Strict"], id="case-of-a-class"),
        pytest.param(
            "check_client_access table, reject", ["check_client_access table"], id="table"
        ),
        pytest.param("warn_if_reject rejekt", ["rejekt"], id="only-warns"),
    ],
)
def test_words_that_postfix_does_not_understand(text: str, found: list[str]) -> None:
    lists = Lists(classes=(("strict", "reject"),))
    assert [one.shown for one in unknown(text, "recipient", lists)] == found
