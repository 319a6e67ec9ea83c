# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module dns_update on a real BIND, with NSD as a secondary; dig and nsupdate are the referees.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_dns_real.py``.
"""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import re
import typing as t

import dns_hosts
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardened.mail.plugins.modules import (
    dns_served_info,
    dns_update,
    mail_dns_info,
)
from lab_group import run

SPF = '"v=spf1 mx -all"'
FOREIGN = '"site-verification=abc; def"'


def run_module(module: t.Any, arguments: dict[str, t.Any], *, check: bool = False) -> t.Any:
    """Run a module here and return its result."""
    printed = io.StringIO()
    options = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
    with (
        patch_module_args(options),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    return json.loads(printed.getvalue().strip().splitlines()[-1])


@pytest.fixture(scope="session")
def servers() -> t.Iterator[dns_hosts.NameServers]:
    """The name servers."""
    made = dns_hosts.NameServers("dns")
    with made.serving():
        yield made


class Publisher:
    """Runs dns_update against the primary."""

    def __init__(self, servers: dns_hosts.NameServers) -> None:
        self.servers = servers

    def __call__(self, *records: dict[str, t.Any], check: bool = False, **options: t.Any) -> t.Any:
        """Run it with these records; the options take the place of the usual ones."""
        arguments = {"server": self.servers.primary, "key_name": "update-256", **options}
        if "key_file" not in options:
            arguments.setdefault("key_secret", dns_hosts.SECRETS["update-256"])
        arguments = {key: value for key, value in arguments.items() if value is not None}
        return run_module(dns_update, {**arguments, "records": list(records)}, check=check)


@pytest.fixture
def publish(servers: dns_hosts.NameServers) -> Publisher:
    """The module, with what it needs to reach the primary."""
    return Publisher(servers)


def record(name: str, type_: str, *data: str, **more: t.Any) -> dict[str, t.Any]:
    """Return an entry of the option ``records``."""
    return {"name": name, "type": type_, "data": list(data), "ttl": 300, **more}


def whole_set(zone: str) -> list[dict[str, t.Any]]:
    """Return what a mail domain publishes: every type, and a text of two strings."""
    return [
        record(zone, "MX", f"10 MX1.{zone}.", f"20 mx2.{zone}."),
        record(zone, "TXT", SPF),
        record(zone, "CAA", '0 issue "ca.example"', '0 iodef "mailto:security@ca.example"'),
        record(f"mx1.{zone}", "A", "192.0.2.25"),
        record(f"mx1.{zone}", "AAAA", "2001:DB8::25"),
        record(f"mx2.{zone}", "A", "192.0.2.26"),
        record(f"mx1.{zone}", "TXT", '"v=spf1 a -all"'),
        record(f"k1._domainkey.{zone}", "TXT", f'"v=DKIM1; k=rsa; p={"A" * 230}" "{"B" * 160}"'),
        record(f"_dmarc.{zone}", "TXT", f'"v=DMARC1; p=reject; rua=mailto:d@{zone}"'),
        record(f"_25._tcp.mx1.{zone}", "TLSA", f"3 1 1 {'AB' * 32}", f"3 1 1 {'cd' * 32}"),
        record(f"_mta-sts.{zone}", "TXT", '"v=STSv1; id=1"'),
        record(f"_smtp._tls.{zone}", "TXT", f'"v=TLSRPTv1; rua=mailto:t@{zone}"'),
        record(f"_submissions._tcp.{zone}", "SRV", f"0 1 465 mx1.{zone}."),
        record(f"_imap._tcp.{zone}", "SRV", "0 0 0 ."),
    ]


def failed(result: dict[str, t.Any], *fragments: str, changed: bool = False) -> None:
    """Fail unless the module failed and said all of the fragments, and no secret."""
    assert result.get("failed"), result
    missing = [one for one in fragments if one not in result["msg"]]
    assert not missing, f"{missing} not in {result['msg']}"
    assert bool(result.get("changed")) is changed
    if not changed:
        assert result["msg"].endswith("Nothing was changed."), result["msg"]
    assert not [one for one in dns_hosts.SECRETS.values() if one in json.dumps(result)]


def test_a_whole_set_is_one_update_and_then_no_change(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    zone = "signed.example"
    servers.nsupdate(f"zone {zone}", f"update add {zone} 60 TXT {FOREIGN}")
    before = servers.serial(zone)
    foreseen = publish(*whole_set(zone), check=True)
    assert foreseen["changed"] is True
    assert servers.serial(zone) == before

    made = publish(*whole_set(zone))
    assert not made.get("failed"), made["msg"]
    assert made["diff"] == foreseen["diff"]
    (told,) = made["zones"]
    assert told["zone"] == f"{zone}."
    assert len(told["changes"]) == len(whole_set(zone))
    assert told["serial_before"] == before < told["serial_after"]
    assert not made.get("warnings")
    # One update is one step of the serial number; the signer may take one of its own.
    assert servers.serial(zone) - before <= 2
    assert servers.dig(zone, "TXT") == sorted([FOREIGN, SPF])
    assert servers.dig(zone, "MX") == [f"10 mx1.{zone}.", f"20 mx2.{zone}."]
    assert len(servers.dig(f"_25._tcp.mx1.{zone}", "TLSA")) == 2
    assert servers.dig(f"_imap._tcp.{zone}", "SRV") == ["0 0 0 ."]

    serial = servers.serial(zone)
    again = publish(*whole_set(zone))
    assert again["changed"] is False
    assert again["zones"][0]["changes"] == []
    assert servers.serial(zone) == serial


def test_a_new_record_takes_the_place_of_ours_and_of_no_other(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    name = "shared.plain.example"
    servers.nsupdate(
        "zone plain.example",
        f"update add {name} 77 TXT {FOREIGN}",
        f'update add {name} 77 TXT "v=spf1 ~all"',
        f'update add {name} 77 TXT "v=spf10 is another version"',
    )
    result = publish(record(name, "TXT", SPF))
    others = [FOREIGN, '"v=spf10 is another version"']
    assert servers.dig(name, "TXT") == sorted([*others, SPF])
    # The others' time to live stays.
    assert result["zones"][0]["changes"][0]["ttl_after"] == 77
    assert publish(record(name, "TXT", SPF))["changed"] is False
    assert publish(record(name, "TXT", SPF, exclusive=True))["changed"] is True
    assert servers.dig(name, "TXT") == [SPF]


def test_what_shall_be_absent_goes(servers: dns_hosts.NameServers, publish: Publisher) -> None:
    key, shared = "old._domainkey.plain.example", "gone.plain.example"
    publish(record(key, "TXT", '"v=DKIM1; p=x"'), record(shared, "TXT", SPF, FOREIGN))
    gone = [record(key, "TXT", state="absent"), record(shared, "TXT", SPF, state="absent")]
    assert publish(*gone)["changed"] is True
    assert servers.dig(key, "TXT") == []
    assert servers.dig(shared, "TXT") == [FOREIGN]
    assert publish(*gone)["changed"] is False
    failed(publish(record(shared, "TXT", state="absent")), "others may have records in this set")


def test_a_change_in_between_is_not_overwritten(
    servers: dns_hosts.NameServers, publish: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "race.plain.example"
    publish(record(name, "TXT", SPF))
    real = dns_update.survey

    def survey(*arguments: t.Any, **named: t.Any) -> t.Any:
        found = real(*arguments, **named)
        servers.nsupdate("zone plain.example", f"update add {name} 300 TXT {FOREIGN}")
        return found

    monkeypatch.setattr(dns_update, "survey", survey)
    both = [record(name, "TXT", '"v=spf1 -all"'), record(f"x.{name}", "A", "192.0.2.1")]
    failed(publish(*both), "not as they were read a moment ago", "Run it again")
    assert servers.dig(name, "TXT") == sorted([SPF, FOREIGN])
    assert servers.dig(f"x.{name}", "A") == []


def test_several_zones_are_read_before_one_is_changed(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    ours = record("both.plain.example", "A", "192.0.2.1")
    result = publish(ours, record("both.signed.example", "A", "192.0.2.2"))
    assert [one["zone"] for one in result["zones"]] == ["plain.example.", "signed.example."]
    foreign = record("both.elsewhere.example", "A", "192.0.2.3")
    failed(publish({**ours, "data": ["192.0.2.9"]}, foreign), "REFUSED", "elsewhere.example")
    assert servers.dig("both.plain.example", "A") == ["192.0.2.1"]


def test_a_failure_half_way_names_the_zones_that_were_changed(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    # bogus.example comes first in the order of names, and fixed.example takes no updates.
    result = publish(
        record("half.bogus.example", "A", "192.0.2.1"),
        record("half.fixed.example", "A", "192.0.2.1"),
        record("half.plain.example", "A", "192.0.2.1"),
    )
    failed(result, "REFUSED", "ns1.fixed.example", "Changed already: bogus.example.", changed=True)
    assert [one["zone"] for one in result["zones"]] == ["bogus.example."]
    assert servers.dig("half.plain.example", "A") == []


@pytest.mark.parametrize("size", [256, 384, 512])
def test_keys_of_every_algorithm_work_from_a_file(
    size: int, servers: dns_hosts.NameServers, publish: Publisher, tmp_path: pathlib.Path
) -> None:
    name = f"update-{size}"
    file = tmp_path / "key"
    file.write_text(servers.sh("ns1", f"sed -n '/{name}/p' /etc/bind/named.conf | head -1"))
    file.chmod(0o600)
    wish = record(f"h{size}.plain.example", "A", "192.0.2.1")
    assert publish(wish, key_file=str(file), key_name=None)["changed"] is True
    for mode in (0o640, 0o604, 0o620, 0o700):
        file.chmod(mode)
        result = publish(wish, key_file=str(file), key_name=None)
        failed(result, f"mode {mode:04o}", "expected 0600")
    file.chmod(0o400)
    assert publish(wish, key_file=str(file), key_name=None)["changed"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"key_name": "stranger"}, ["BADKEY", "stranger"], id="unknown-key"),
        pytest.param({"key_algorithm": "hmac-sha512"}, ["BADKEY"], id="other-algorithm"),
        pytest.param(
            {"key_secret": "c29tZXRoaW5nIGVsc2UgZW50aXJlbHk="}, ["BADSIG"], id="other-secret"
        ),
        pytest.param({"key_secret": "!"}, ["not base64"], id="no-base64"),
        pytest.param({"key_secret": "YWJj"}, ["3 octets"], id="short-secret"),
        pytest.param({"port": 5399}, ["Connection refused"], id="no-server"),
        pytest.param({"server": "nowhere.invalid"}, ["nowhere.invalid"], id="no-address"),
        pytest.param({"zones": ["other.example"]}, ["in none of the zones"], id="other-zone"),
        pytest.param({"zones": ["www.plain.example"]}, ["not the apex of a zone"], id="no-apex"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    options: dict[str, t.Any], words: list[str], publish: Publisher
) -> None:
    name = "www.plain.example" if "zones" in options else "words.plain.example"
    failed(publish(record(name, "A", "192.0.2.1"), **options), *words)


def test_a_clock_that_is_wrong_is_told_from_a_wrong_key(
    publish: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    late = time.time() - 4000
    with monkeypatch.context() as patched:
        patched.setattr("time.time", lambda: late)
        failed(publish(record("clock.plain.example", "A", "192.0.2.1")), "BADTIME", "clock")


def test_a_secondary_is_told_from_a_primary(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    wish = record("second.plain.example", "A", "192.0.2.1")
    failed(publish(wish, server=servers.secondary), "BADKEY", "is it the primary server")
    result = publish(wish, server=servers.secondary, port=dns_hosts.BIND_PORT)
    failed(result, "is a secondary", "the primary is ns1.plain.example.")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(record("x.plain.example", "A", "not-an-address"), "no record", id="address"),
        pytest.param(record("x.plain.example", "TLSA", "3 1 1 ab"), "no record", id="digest"),
        pytest.param(record(f"{'x' * 64}.plain.example", "A", "192.0.2.1"), "64", id="label"),
        pytest.param(record("plain.example", "NS", "ns9.plain.example."), "belong to", id="ns"),
        pytest.param(record("x.plain.example", "A"), "no data", id="empty"),
        pytest.param(
            record("x.plain.example", "TXT", "v=spf1 mx -all"), "in double quotes", id="unquoted"
        ),
    ],
)
def test_bad_records_reach_no_server(
    wish: dict[str, t.Any], words: str, publish: Publisher
) -> None:
    failed(publish(wish, server="192.0.2.1"), words)


def test_a_zone_that_would_be_unsound_is_refused_with_the_reason(publish: Publisher) -> None:
    wish = record("plain.example", "MX", "10 nowhere.plain.example.")
    failed(publish(wish), "an MX whose host has no address")


def test_a_cname_in_the_way_is_named(servers: dns_hosts.NameServers, publish: Publisher) -> None:
    servers.nsupdate("zone plain.example", "update add alias.plain.example 60 CNAME www.example.")
    failed(publish(record("alias.plain.example", "A", "192.0.2.1")), "CNAME for www.example.")


@pytest.mark.parametrize("check", [True, False])
def test_a_cname_where_others_stand_stops_all_before_anything_is_sent(
    check: bool, servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    site = "mta-sts.cname.plain.example"
    servers.nsupdate(
        "zone plain.example",
        f"update add {site} 60 AAAA 2001:db8::80",
        f'update add {site} 60 TXT "ours"',
    )
    serial = servers.serial("plain.example")
    both = [
        record(site, "CNAME", "www.plain.example."),
        record(f"other.{site}", "A", "192.0.2.1"),
    ]
    failed(publish(*both, check=check), f"{site}. has AAAA, TXT, and a CNAME stands alone")
    assert servers.serial("plain.example") == serial
    failed(publish(record("plain.example", "CNAME", "www.example.")), "NS, SOA, and a CNAME")


def test_a_cname_that_others_came_before_is_not_left_out_alone(
    servers: dns_hosts.NameServers, publish: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "late.plain.example"
    real = dns_update.survey

    def survey(*arguments: t.Any, **named: t.Any) -> t.Any:
        found = real(*arguments, **named)
        servers.nsupdate("zone plain.example", f"update add {name} 300 A 192.0.2.1")
        return found

    monkeypatch.setattr(dns_update, "survey", survey)
    both = [record(name, "CNAME", "www.plain.example."), record(f"x.{name}", "A", "192.0.2.1")]
    failed(publish(*both), "not as they were read a moment ago")
    assert servers.dig(f"x.{name}", "A") == []


def test_a_cname_comes_changes_and_goes(servers: dns_hosts.NameServers, publish: Publisher) -> None:
    # The name has something below it, which is no record of its own, and in a signed zone it gets those of DNSSEC.
    name = "web.signed.example"
    servers.nsupdate("zone signed.example", f"update add below.{name} 60 A 192.0.2.1")
    for target in ("one.example.", "two.example."):
        assert publish(record(name, "CNAME", target))["changed"] is True
        assert publish(record(name, "CNAME", target))["changed"] is False
        assert servers.dig(name, "CNAME") == [target]
    assert publish(record(name, "CNAME", state="absent"))["changed"] is True
    assert servers.dig(name, "CNAME") == []


def test_an_answer_from_a_wildcard_is_no_record_of_the_name(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    servers.nsupdate("zone plain.example", f"update add *.wild.plain.example 300 TXT {SPF}")
    wish = record("own.wild.plain.example", "TXT", SPF)
    assert publish(wish)["changed"] is True
    assert publish(wish)["changed"] is False


@pytest.mark.parametrize("zone", ["plain.example", "signed.example"])
def test_what_goes_below_a_wildcard_is_gone(
    zone: str, servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    servers.nsupdate(f"zone {zone}", f'update add *.below.{zone} 300 TXT "wild"')
    own = record(f"own.below.{zone}", "TXT", SPF, exclusive=True)
    assert publish(own)["changed"] is True
    gone = record(f"own.below.{zone}", "TXT", state="absent", exclusive=True)
    assert publish(gone)["changed"] is True
    assert servers.dig(f"own.below.{zone}", "TXT") == ['"wild"']
    assert publish(gone)["changed"] is False


@pytest.mark.parametrize("zone", ["plain.example", "signed.example"])
def test_an_alias_and_an_address_take_each_others_place(
    zone: str, servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    name = f"place.{zone}"
    address, alias = record(name, "A", "192.0.2.1"), record(name, "CNAME", f"www.{zone}.")
    for comes, goes in ((address, alias), (alias, address), (address, alias)):
        swap = [comes, {**goes, "data": [], "state": "absent"}]
        assert publish(*swap).get("changed") is True
        assert servers.dig(name, comes["type"]) == comes["data"]
        assert publish(*swap).get("changed") is False


def test_a_text_that_is_cut_elsewhere_stays(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    name = "cut._domainkey.plain.example"
    servers.nsupdate("zone plain.example", f'update add {name} 300 TXT "v=DKIM1; " "p=abc"')
    assert publish(record(name, "TXT", '"v=DKIM1; p=abc"'))["changed"] is False
    assert publish(record(name, "TXT", '"v=DKIM1; p=abd"'))["changed"] is True
    assert servers.dig(name, "TXT") == ['"v=DKIM1; p=abd"']


def test_ipv6_and_the_library_of_debian_12(servers: dns_hosts.NameServers) -> None:
    wish = record("six.plain.example", "AAAA", "2001:db8::6")
    options = {"server": "::1", "key_name": "update-256", "records": [wish]}
    options["key_secret"] = dns_hosts.SECRETS["update-256"]
    assert servers.module("ns1", "dns_update", options)["changed"] is True
    assert servers.dig("six.plain.example", "AAAA") == ["2001:db8::6"]
    # The other host has Debian 12.
    again = servers.module("ns2", "dns_update", {**options, "server": servers.primary})
    assert again.get("changed") is False, again


@pytest.mark.parametrize("changes", [True, False])
def test_thirty_records_take_little_time(publish: Publisher, changes: bool) -> None:
    import time

    wishes = [record(f"n{number}.plain.example", "A", "192.0.2.1") for number in range(30)]
    began = time.monotonic()
    assert publish(*wishes)["changed"] is changes
    print(f"30 records, changes={changes}: {time.monotonic() - began:.2f} s")


# ---- What the world sees --------------------------------------------------------------------------


@pytest.fixture
def see(servers: dns_hosts.NameServers) -> t.Callable[..., t.Any]:
    """The module mail_dns_info, through the resolver that validates."""

    def run(domain: str, **options: t.Any) -> t.Any:
        arguments = {
            "domain": domain,
            "resolver": [servers.secondary],
            "resolver_port": dns_hosts.RESOLVER_PORT,
            "resolver_validates": True,
            **options,
        }
        return run_module(mail_dns_info, arguments)

    return run


@pytest.mark.parametrize(
    ("domain", "state"),
    [("signed.example", "secure"), ("plain.example", "insecure"), ("bogus.example", "bogus")],
)
def test_what_dnssec_says_is_seen(domain: str, state: str, see: t.Callable[..., t.Any]) -> None:
    seen = see(domain)
    assert seen["facts"]["dnssec"] == state
    if state == "bogus":
        assert "DNSSEC" in json.dumps(seen["incomplete"]) + json.dumps(seen["findings"])


def test_the_whole_domain_is_seen(
    servers: dns_hosts.NameServers, publish: Publisher, see: t.Callable[..., t.Any]
) -> None:
    zone = "signed.example"
    assert not publish(*whole_set(zone)).get("failed")
    include = record(f"included.{zone}", "TXT", '"v=spf1 a mx:signed.example -all"')
    tree = record(zone, "TXT", f'"v=spf1 mx include:included.{zone} -all"')
    assert not publish(include, tree).get("failed")
    servers.wait_for(f"include:included.{zone}", zone, "TXT")
    facts = see(zone, selectors=["k1"])["facts"]
    assert facts["spf"]["lookups"] == 4
    assert [one["domain"] for one in facts["spf"]["children"]] == [f"included.{zone}."]
    assert [one["host"] for one in facts["mx"]["hosts"]] == [f"mx1.{zone}", f"mx2.{zone}"]
    first = facts["mx"]["hosts"][0]
    assert [one["address"] for one in first["addresses"]] == ["192.0.2.25", "2001:db8::25"]
    assert first["dnssec"] == "secure"
    assert len(first["tlsa"]["data"]) == 2
    assert facts["dkim"]["k1"]["data"][0].startswith("v=DKIM1; k=rsa; p=AAAA")
    assert facts["dmarc"]["found_at"] == zone
    assert facts["mta_sts"]["policy_failure"] == f"mta-sts.{zone} has no address"
    assert facts["srv"]["submissions"] == [f"0 1 465 mx1.{zone}."]


def test_findings_and_the_limit(publish: Publisher, see: t.Callable[..., t.Any]) -> None:
    zone = "loose.plain.example"
    assert not publish(record(zone, "TXT", '"v=spf1 +all"')).get("failed")
    result = see(zone, fail_on="high")
    assert result["failed"]
    assert "dns-spf-pass-all" in {one["rule"] for one in result["findings"]}, result["findings"]


def test_a_resolver_that_is_not_there_is_incomplete(see: t.Callable[..., t.Any]) -> None:
    seen = see("plain.example", resolver_port=5399, timeout=2)
    assert seen["findings"] == []
    assert seen["incomplete"]
    assert seen["facts"]["dnssec"] == "unknown"


def test_all_servers_are_waited_for_and_a_difference_is_named(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    wish = record("served.signed.example", "A", "192.0.2.77")
    arguments = {
        "records": [{key: wish[key] for key in ("name", "type", "data")}],
        "servers": [servers.primary, servers.secondary],
        "resolver": [servers.secondary],
        "resolver_port": dns_hosts.RESOLVER_PORT,
        "wait": 20,
    }
    missing = run_module(dns_served_info, {**arguments, "wait": 0})
    assert missing["failed"]
    assert len(missing["differences"]) == 3
    assert f"{servers.secondary} port 53 has nothing for" in missing["msg"]
    assert not publish(wish).get("failed")
    assert run_module(dns_served_info, arguments).get("differences") == []


@pytest.fixture
def second(servers: dns_hosts.NameServers) -> t.Iterator[None]:
    """Have the secondary in the NS set of the signed zone, too."""
    place = "ns2.signed.example"
    servers.nsupdate(
        "zone signed.example",
        f"update add signed.example 60 NS {place}",
        f"update add {place} 60 A {servers.secondary}",
    )
    yield
    servers.nsupdate(
        "zone signed.example",
        f"update delete signed.example NS {place}",
        f"update delete {place} A",
    )


@pytest.mark.usefixtures("second")
def test_the_servers_of_each_zone_are_found_through_the_primary(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    signed, plain = (
        record("found.signed.example", "A", "192.0.2.78"),
        record("found.plain.example", "A", "192.0.2.79"),
    )
    arguments = {
        "records": [{key: one[key] for key in ("name", "type", "data")} for one in (signed, plain)],
        "primary": servers.primary,
    }
    missing = run_module(dns_served_info, {**arguments, "wait": 0})
    assert missing["failed"]
    assert sorted(one.partition(" port")[0] for one in missing["differences"]) == sorted(
        [servers.primary, servers.primary, servers.secondary]
    )
    assert not publish(signed, plain).get("failed")
    served = run_module(dns_served_info, {**arguments, "wait": 20})
    assert served.get("differences") == [], served
    assert served["servers"] == sorted([servers.primary, servers.secondary])
    # Servers that are named are asked and no others.
    named = {**arguments, "servers": [servers.primary]}
    assert run_module(dns_served_info, named)["servers"] == [servers.primary]
    elsewhere = [{"name": "a.elsewhere.example", "type": "A", "data": ["192.0.2.1"]}]
    refused = run_module(dns_served_info, {**arguments, "records": elsewhere})
    assert "Cannot find the authoritative servers" in refused["msg"]


def test_an_update_ends_when_everybody_serves_it(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    name = "back.signed.example"
    wish = record(name, "A", "192.0.2.77")
    everybody = {
        "servers": [servers.primary, servers.secondary],
        "resolver": [servers.secondary],
        "resolver_port": dns_hosts.RESOLVER_PORT,
        "wait": 20,
    }
    assert "read_back" not in publish(wish, read_back=everybody, check=True)
    made = publish(wish, read_back=everybody)
    assert made["changed"] is True
    assert made["read_back"]["differences"] == []
    assert servers.sh("ns2", f"dig +short @127.0.0.1 {name} A") == "192.0.2.77"
    again = publish(wish, read_back={"wait": 20})
    assert (again["changed"], again["read_back"]["servers"]) == (False, [servers.primary])
    nobody = {"servers": ["192.0.2.1"], "wait": 0}
    late = "Not served as wanted within 0 seconds"
    for changed, state in ((True, "The records are published."), (False, "Nothing was changed.")):
        lost = publish(record(name, "A", "192.0.2.78"), read_back=nobody)
        failed(lost, late, "192.0.2.1 port 53", state, changed=changed)
        assert len(lost["read_back"]["differences"]) == 1
    assert servers.dig(name, "A") == ["192.0.2.78"]


def test_what_no_resolver_vouches_for_is_told(
    servers: dns_hosts.NameServers, publish: Publisher
) -> None:
    wishes = [record(f"proof.{zone}.example", "A", "192.0.2.1") for zone in ("signed", "plain")]
    wishes += [
        record(f"_25._tcp.proof.{zone}.example", "TLSA", f"3 1 1 {'ab' * 32}")
        for zone in ("signed", "plain")
    ]
    assert not publish(*wishes).get("failed")
    records = [{key: one[key] for key in ("name", "type", "data")} for one in wishes]
    validates = {"resolver": [servers.secondary], "resolver_port": dns_hosts.RESOLVER_PORT}
    # A server that knows the signatures and checks none.
    for resolver, unproven in (
        (validates, ["_25._tcp.proof.plain.example TLSA"]),
        (
            {"resolver": [servers.primary]},
            [
                "proof.signed.example A",
                "_25._tcp.proof.signed.example TLSA",
                "_25._tcp.proof.plain.example TLSA",
            ],
        ),
    ):
        seen = run_module(dns_served_info, {"records": records, "wait": 20, **resolver})
        assert seen.get("differences") == [], seen
        assert seen["unproven"] == unproven


def test_audit_shows_domains_as_the_resolver_sees_them(
    servers: dns_hosts.NameServers, publish: Publisher, tmp_path: pathlib.Path
) -> None:
    """The referee is dig: what it says of DNSSEC and of the records is what the report must show."""
    zone = "plain.example"
    assert not publish(record(zone, "TXT", SPF, exclusive=True)).get("failed")
    assert not publish(record(f"_dmarc.{zone}", "TXT", '"v=DMARC1; p=none"')).get("failed")
    servers.wait_for("p=none", f"_dmarc.{zone}", "TXT")
    wishes = {
        "audit_hosts": "ns1",
        "audit_domains": [{"name": zone, "selectors": ["absent"]}, *dns_hosts.SIGNED],
        "audit_resolver": [servers.secondary],
        "audit_resolver_port": dns_hosts.RESOLVER_PORT,
        "audit_resolver_validates": True,
        "audit_directory": str(tmp_path),
        "audit_fail_on": "medium",
    }
    inventory = str(servers.inventory)
    done = run("ansible-playbook", "-i", inventory, "hardened.mail.audit", "-e", json.dumps(wishes))
    assert done.returncode == 2, done.stdout + done.stderr
    found = {
        one["name"]: one for one in json.loads((tmp_path / "audit.json").read_text())["domains"]
    }
    shown = {
        name: {row["name"]: row["short"] for row in one["records"]} for name, one in found.items()
    }
    ask = f"dig +dnssec -p {dns_hosts.RESOLVER_PORT} @127.0.0.1"
    for name in (zone, *dns_hosts.SIGNED):
        said = servers.sh("ns2", f"{ask} {name} SOA")
        secure = re.search(r"flags:[a-z ]* ad[ ;]", said) is not None
        state = "bogus" if "SERVFAIL" in said else "secure" if secure else "insecure"
        assert shown[name]["DNSSEC"] == state, said
    assert {one["DNSSEC"] for one in shown.values()} == {"secure", "insecure", "bogus"}
    assert (shown[zone]["SPF"], shown[zone]["DMARC"], shown[zone]["DKIM"]) == (
        "-all",
        "p=none",
        "0 of 1",
    )
    assert "dns-dmarc-policy-none" in {one["rule"] for one in found[zone]["findings"]}
    assert "in 3 domains" in done.stdout
    assert (tmp_path / "audit.html").read_text(encoding="utf-8").count("<tr data-domain=") == 3
