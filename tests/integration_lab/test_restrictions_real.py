# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we say that restriction lists decide is what the real smtpd decides.

Every list is a port of its own. The other machine asks as a stranger, the machine itself as an address in
mynetworks. Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_restrictions_real.py``.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy.networks import coverage
from ansible_collections.hardened.mail.plugins.module_utils.policy.restrictions import (
    Client,
    Destination,
    Lists,
    answer,
    starts,
)

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.tests.integration_lab.conftest import Machine

FIRST_PORT = 3001
FRIEND = "friend@sender.example.net"
OTHER = "other@sender.example.net"
TABLE = f"inline:{{ {{ {FRIEND} = OK }}, {{ {OTHER} = REJECT }} }}"
REFUSING = f"inline:{{ {{ {FRIEND} = REJECT }} }}"
HELO = "inline:{ { friend.example.net = OK }, { other.example.net = REJECT } }"
GUARD = "permit_mynetworks, reject_unauth_destination"
CLASSES = (
    ("open", "permit"),
    ("guard", "reject_unauth_destination"),
    ("nested", "guard, open"),
    ("warned", "warn_if_reject reject, permit"),
)

#: Does each job, without EHLO where there is no name for it; a list of the last replies comes back.
ASK = """
import concurrent.futures, json, smtplib, sys
def ask(job):
    host, port, recipient, sender, name = job
    try:
        with smtplib.SMTP(timeout=15) as client:
            code, _text = client.connect(host, port)
            if name and code < 400:
                code, _text = client.ehlo(name)
            if code < 400:
                code, _text = client.mail(sender)
            if code < 400:
                code, _text = client.rcpt(recipient)
            return code
    except (OSError, smtplib.SMTPException):
        return 0
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(json.dumps(list(pool.map(ask, json.load(sys.stdin)))))
"""


def relay(text: str, **others: t.Any) -> Lists:
    return Lists(relay=text, **others)


def spam(text: str, **others: t.Any) -> Lists:
    return Lists(recipient=text, **others)


LISTS: t.Final[dict[str, Lists]] = {
    "guard": relay(GUARD),
    "deferred": relay("permit_mynetworks, defer_unauth_destination"),
    "reject-all": relay("permit_mynetworks, reject"),
    "guard-in-recipient-list": spam(GUARD),
    "permit-in-relay-list": relay("permit", recipient=GUARD),
    "ok-in-relay-list-only": relay("static:OK", recipient="reject"),
    "ok-in-both": relay("static:OK, reject", recipient="permit, reject"),
    "table-before": spam(f"check_sender_access {TABLE}, {GUARD}"),
    "table-behind": spam(f"{GUARD}, check_sender_access {REFUSING}"),
    "table-refuses": relay(GUARD, recipient=f"check_sender_access {REFUSING}"),
    "table-of-helo": spam(f"check_helo_access {HELO}, {GUARD}"),
    "static-number": relay("static:12345, reject"),
    "static-code": relay("check_client_access static:{550 no}", recipient=GUARD),
    "static-dunno": relay(f"static:DUNNO, {GUARD}"),
    "static-list": relay("static:permit_auth_destination, reject"),
    "static-discard": relay("check_helo_access static:DISCARD, reject"),
    "reverse-name-cannot-permit": relay(f"check_reverse_client_hostname_access static:OK, {GUARD}"),
    "only-warns": relay("warn_if_reject reject, permit", recipient="permit_mynetworks, defer"),
    "only-warns-then-guard": relay(f"warn_if_reject reject, {GUARD}"),
    "only-warns-to-put-off": relay(
        "warn_if_reject defer_if_permit, permit", recipient="static:OK, reject"
    ),
    "put-off": relay("defer_if_permit"),
    "put-off-then-permit": relay("defer_if_permit, permit"),
    "defer-if-reject": relay(f"defer_if_reject, {GUARD}"),
    "ours-only": relay("permit_auth_destination, reject"),
    "class-open": relay("open, reject", classes=CLASSES, recipient="static:OK, reject"),
    "class-guards": relay("guard", classes=CLASSES),
    "class-in-class": relay("nested, reject", classes=CLASSES),
    "class-case-counts": relay("Open, reject", classes=CLASSES),
    "class-warned": relay("warn_if_reject guard", classes=CLASSES, recipient="static:OK, reject"),
    "class-permits": relay("warned, reject", classes=CLASSES, recipient="permit, reject"),
    "unknown": relay(f"permit_mynetwork, {GUARD}"),
    "unknown-only-warns": relay(f"warn_if_reject nonsense, {GUARD}"),
    "no-table": relay(f"{GUARD}, check_client_access"),
    "sleeps": relay(f"sleep 1, {GUARD}"),
    "sleeps-badly": relay(f"sleep long, {GUARD}"),
    "policy-without-socket": relay(f"check_policy_service private, {GUARD}"),
    "relay-domains-of-old": relay("check_relay_domains", recipient="permit_mynetworks, static:OK"),
    "client-list": relay(GUARD, client="permit_mynetworks, reject"),
    "client-list-permits": relay(GUARD, client="permit"),
    "guard-in-client-list": spam("static:OK, reject", client="reject_unauth_destination"),
    "guard-too-early": spam(
        "static:OK, reject", client="reject_unauth_destination", delay_reject=False
    ),
    "refused-at-once": relay(GUARD, client="permit_mynetworks, reject", delay_reject=False),
    "helo-list": spam("static:OK, reject", helo="reject", helo_required=True),
    "helo-left-out": spam("static:OK, reject", helo="reject"),
    "sender-list": relay(GUARD, sender=f"{TABLE}, reject"),
    "etrn": relay("check_etrn_access static:OK, reject"),
    "certificates": relay("permit_tls_all_clientcerts, check_ccert_access static:OK, reject"),
    "unlisted": relay(f"reject_unlisted_recipient, {GUARD}"),
    "pipelining": relay(f"reject_unauth_pipelining, reject_non_fqdn_sender, {GUARD}"),
}
#: They cannot start, so nobody gets an answer.
DEAD: t.Final[dict[str, Lists]] = {
    "empty": Lists(),
    "permit": relay("permit, reject_unauth_destination"),
    "only-warns": relay("warn_if_reject reject_unauth_destination"),
    "table": relay(f"check_sender_access {TABLE}"),
    "other-lists": Lists(client="reject", sender="reject", helo="reject"),
    "class-permits": relay("open", classes=CLASSES),
}
WHO: t.Final[tuple[tuple[Client, Destination], ...]] = (
    ("stranger", "foreign"),
    ("stranger", "own"),
    ("mynetworks", "foreign"),
)


def service(port: int, lists: Lists) -> str:
    """Return the entry of master.cf for some lists."""
    settings = {
        f"smtpd_{stage}_restrictions": lists.list_of(stage)
        for stage in ("client", "helo", "sender", "relay", "recipient")
    }
    settings["smtpd_helo_required"] = "yes" if lists.helo_required else "no"
    settings["smtpd_delay_reject"] = "yes" if lists.delay_reject else "no"
    if lists.classes:
        settings["smtpd_restriction_classes"] = ", ".join(name for name, _text in lists.classes)
        settings.update(lists.classes)
    options = "".join(f"\n  -o {{ {name} = {value} }}" for name, value in settings.items())
    return f"{port} inet n - n - - smtpd{options}\n"


def serve(machine: Machine, services: t.Iterable[str]) -> None:
    """Add services to master.cf and wait for the last of them."""
    machine.append("/etc/postfix/master.cf", "".join(services))
    machine.sh(
        "postconf -e 'mynetworks = 127.0.0.0/8' 'smtpd_error_sleep_time = 0' "
        "'smtpd_peername_lookup = no' 'smtpd_client_connection_count_limit = 0' && postfix reload"
    )


def replies(
    machine: Machine, jobs: t.Sequence[tuple[str, int, str, str, str]], *, outside: bool
) -> list[int]:
    """Return the last reply that each client got, 0 where the server hung up."""
    asked_by = machine.peer if outside else machine
    done = asked_by.try_run("python3", "-c", ASK, stdin=json.dumps(jobs), seconds=300)
    assert done.status == 0, done.err
    codes: list[int] = json.loads(done.out)
    return codes


def recipient(machine: Machine, destination: Destination) -> str:
    return f"root@{machine.name}.example" if destination == "own" else "b@far.example.net"


def may_skip_helo(lists: Lists, client: Client, destination: Destination) -> bool:
    """Tell whether a client is looked at that leaves out what it need not say."""
    return (client, destination) == ("stranger", "foreign") and not lists.helo_required


def seen(codes: t.Iterable[int]) -> str:
    """Return what the replies to a friend and to another client amount to."""
    permitted = {code == 250 for code in codes}
    return {(True,): "permitted", (False,): "refused"}.get(tuple(permitted), "depends")


def test_lists_decide_as_we_say(machine: Machine) -> None:
    removed = machine.release not in ("bullseye", "bookworm")
    ports = {name: FIRST_PORT + index for index, name in enumerate(LISTS)}
    serve(machine, (service(ports[name], lists) for name, lists in LISTS.items()))
    said: dict[tuple[str, str, str], str] = {}
    found: dict[tuple[str, str, str], str] = {}
    for client, destination in WHO:
        host = machine.name if client == "stranger" else "127.0.0.1"
        jobs = []
        for name, lists in LISTS.items():
            skips = lists.helo and may_skip_helo(lists, client, destination)
            for sender, helo in ((FRIEND, "friend.example.net"), (OTHER, "other.example.net")):
                to = recipient(machine, destination)
                jobs.append((host, ports[name], to, sender, "" if skips else helo))
            asked = lists._replace(removed=removed)
            said[name, client, destination] = answer(asked, client, destination).verdict
        codes = replies(machine, jobs, outside=client == "stranger")
        for index, name in enumerate(LISTS):
            found[name, client, destination] = seen(codes[2 * index : 2 * index + 2])
    wrong = {key: f"said {said[key]}, seen {found[key]}" for key in said if said[key] != found[key]}
    # A table is asked with what is in it and with what is not; what else may happen does not.
    for key in [key for key in wrong if key[0] == "relay-domains-of-old"]:
        assert said.pop(key) == "depends"
        del wrong[key]
    assert wrong == {}
    assert {"permitted", "refused", "depends"} == set(found.values())


def test_smtpd_dies_where_we_say(machine: Machine) -> None:
    ports = {name: FIRST_PORT + index for index, name in enumerate(DEAD)}
    alive = {"alive": relay(GUARD), "class": relay("nested", classes=CLASSES)}
    ports.update({name: FIRST_PORT + 50 + index for index, name in enumerate(alive)})
    both = {**DEAD, **alive}
    serve(machine, (service(ports[name], lists) for name, lists in both.items()))
    to = recipient(machine, "own")
    jobs = [(machine.name, ports[name], to, OTHER, "other.example.net") for name in both]
    codes = dict(zip(both, replies(machine, jobs, outside=True)))
    assert {name: starts(lists) for name, lists in both.items()} == {
        name: code != 0 for name, code in codes.items()
    }
    log = machine.sh("journalctl -o cat -n 200 --no-pager")
    assert "specify at least one working instance of" in log


NETWORKS: t.Final = (
    "127.0.0.0/8",
    "::1/128",
    "2001:db8::/32",
    "192.168.1.10/24",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/33",
    "10.0.0/24",
    "10.0.0.300/32",
    "300.1.2.3",
    "10.0.0",
    "mail.example.net",
    "[2001:db8::]/32",
)


def test_networks_are_read_as_we_say(machine: Machine) -> None:
    """0 is a dead server, 451 the temporary error, 554 the proper answer to a stranger."""
    services = [
        f"{FIRST_PORT + index} inet n - n - - smtpd\n  -o {{ mynetworks = {word} }}\n"
        f"  -o {{ smtpd_relay_restrictions = {GUARD} }}\n"
        for index, word in enumerate(NETWORKS)
    ]
    serve(machine, services)
    to = recipient(machine, "foreign")
    jobs = [
        (machine.name, FIRST_PORT + index, to, OTHER, "other.example.net")
        for index in range(len(NETWORKS))
    ]
    codes = replies(machine, jobs, outside=True)
    said = {}
    for word in NETWORKS:
        one = coverage(word)
        said[word] = 0 if one.deadly else 451 if one.malformed else 554
    assert dict(zip(NETWORKS, codes)) == said


@pytest.mark.parametrize(
    ("value", "open_to_strangers"),
    [
        ("net", True),
        (".net", False),
        ("static:all", True),
        ("example.net", True),
        ("other.example", False),
    ],
)
def test_relay_domains_take_in_subdomains(
    machine: Machine, value: str, open_to_strangers: bool
) -> None:
    machine.sh(f"postconf -e 'relay_domains = {value}' 'smtpd_relay_restrictions = {GUARD}'")
    machine.restart()
    jobs = [(machine.name, 25, recipient(machine, "foreign"), OTHER, "other.example.net")]
    assert replies(machine, jobs, outside=True) == [250 if open_to_strangers else 554]
