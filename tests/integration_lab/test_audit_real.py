# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook hardened.mail.audit on real hosts: a badly configured one, one without mail, and one that is not there."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import pathlib
import re
import typing as t
import xml.etree.ElementTree as ElementTree

import pytest
from lab_group import ROOT, Group, run

GROUP: t.Final = Group("audit")
FILES = ["audit.html", "audit.json", "audit.junit.xml", "audit.md", "audit.sarif"]
#: What an audit must not change; ``postfix check`` would write into the chroot.
STATE = "find /etc /var/spool/postfix/etc /var/spool/postfix/lib -xdev -type f -printf '%p %m %U:%G %T@\\n' -exec sha256sum {} + 2>/dev/null | sort"
#: What the advice of 2013 does to a server: by the rules that must find it.
CONFIGURED = {
    *("auth-before-tls", "auth-on-mx", "smuggling-possible", "certificate-wrong-name"),
    *("certificate-self-signed", "submission-without-tls"),
}
LET_IN_BY_DOVECOT = {"dovecot-cleartext-login", "dovecot-tls-not-required"}
SERVED = {"wire-auth-before-tls", "wire-auth-on-port-25"}
SERVED_TO_PEOPLE = {"wire-auth-before-tls", "wire-old-protocols", "wire-certificate-name"}


@dataclasses.dataclass(frozen=True)
class Audit:
    """One run of the playbook."""

    status: int
    said: str
    place: pathlib.Path

    @property
    def data(self) -> dict[str, t.Any]:
        """The JSON report."""
        loaded: dict[str, t.Any] = json.loads((self.place / "audit.json").read_text("utf-8"))
        return loaded

    def host(self, name: str) -> dict[str, t.Any]:
        """One host of it."""
        (found,) = [one for one in self.data["hosts"] if one["name"] == name]
        return t.cast("dict[str, t.Any]", found)

    def rules(self, origin: str) -> set[str]:
        """The rules that found something on the bad host."""
        findings = self.host("mx")["findings"]
        return {one["rule"] for one in findings if one["origin"].startswith(origin)}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[pathlib.Path]:
    """A folder from which to audit; the inventory is in it."""
    place = tmp_path_factory.mktemp("audit")
    with GROUP.running({"mx": "trixie:mail", "web": "trixie:base"}):
        known = GROUP.inventory
        worsen = run("ansible-playbook", "-i", str(known), str(ROOT / "tests/demo/worsen.yml"))
        assert worsen.returncode == 0, worsen.stdout + worsen.stderr
        gone = place / "gone.yml"
        gone.write_text(
            json.dumps(
                {
                    "all": {
                        "hosts": {
                            "gone": {
                                "ansible_host": "192.0.2.99",
                                "ansible_ssh_common_args": "-o ConnectTimeout=2",
                            }
                        }
                    }
                }
            )
        )
        (place / "inventory").write_text(f"{known}\n{gone}\n")
        yield place


def audit(fleet: pathlib.Path, name: str, *options: str, **variables: t.Any) -> Audit:
    """Audit the fleet."""
    known, gone = (fleet / "inventory").read_text().split()
    extra = json.dumps({"audit_directory": name, **variables})
    done = run(
        "ansible-playbook", "-i", known, "-i", gone, "hardened.mail.audit", "-e", extra, *options,
        cwd=fleet,
    )  # fmt: skip
    return Audit(done.returncode, done.stdout + done.stderr, fleet / name)


@pytest.fixture(scope="module")
def first(fleet: pathlib.Path) -> Audit:
    """The first audit, with the proof that it changed nothing."""
    before = GROUP.sh("mx", STATE)
    done = audit(fleet, "first")
    assert (done.place / "audit.json").is_file(), done.said
    assert GROUP.sh("mx", STATE) == before
    return done


def test_audit_does_not_pass_and_says_why(first: Audit) -> None:
    assert first.status == 2
    assert "The audit did not pass: " in first.said
    assert re.search(r"mx +[1-9]", first.said)
    assert re.search(r"gone +NOT REACHED: ", first.said)
    assert re.search(r"web +no mail server found", first.said)


def test_every_host_is_in_the_report_as_it_is(first: Audit) -> None:
    states = {one["name"]: one["state"] for one in first.data["hosts"]}
    assert states == {"mx": "judged", "web": "no-mail", "gone": "unreachable"}, first.host("mx")[
        "incomplete"
    ]


def test_bad_configuration_is_found_in_the_files_and_on_the_wire(first: Audit) -> None:
    assert first.rules("postfix") >= CONFIGURED
    assert first.rules("dovecot") >= LET_IN_BY_DOVECOT
    assert first.rules("port 25") >= SERVED
    assert first.rules("port 587") >= SERVED_TO_PEOPLE
    origins = {one["name"]: one for one in first.host("mx")["origins"]}
    assert {"postfix", "dovecot", "port 25", "port 587", "port 143", "port 993"} <= origins.keys()
    assert origins["postfix"]["detail"].startswith("3.10.")
    (wildcard,) = [
        one
        for one in first.host("mx")["certificates"]
        if one["names"] == ["*.mail-hosting.example"]
    ]
    assert wildcard["places"] == ["/etc/ssl/certs/wildcard.pem", "port 25", "port 587"]


def test_files_of_the_report_agree(first: Audit) -> None:
    assert sorted(one.name for one in first.place.iterdir()) == FILES
    assert first.place.stat().st_mode & 0o777 == 0o700
    number = sum(len(host["findings"]) for host in first.data["hosts"])
    sarif = json.loads((first.place / "audit.sarif").read_text("utf-8"))
    assert len(sarif["runs"][0]["results"]) == number
    junit = ElementTree.parse(first.place / "audit.junit.xml").getroot()
    assert {one.get("name") for one in junit.findall("testsuite")} == {"mx", "web", "gone"}
    assert (first.place / "audit.md").read_text("utf-8").startswith("## Mail audit: not passed")


class Page(html.parser.HTMLParser):
    """The rows of the fleet's table and the data of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows = 0
        self.data = ""
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, t.Optional[str]]]) -> None:
        """Count rows."""
        self.rows += tag == "tr" and "data-host" in dict(attrs)
        self._inside = tag == "script" and dict(attrs).get("id") == "data"

    def handle_data(self, data: str) -> None:
        """Keep the data."""
        self.data += data if self._inside else ""


def test_page_holds_the_same_findings(first: Audit) -> None:
    page = Page((first.place / "audit.html").read_text("utf-8"))
    assert page.rows == 3
    data = json.loads(page.data)
    shown = {host["name"]: len(host["findings"]) for host in data["hosts"]}
    assert shown == {host["name"]: len(host["findings"]) for host in first.data["hosts"]}


def test_check_mode_tells_the_same_and_writes_nothing(fleet: pathlib.Path, first: Audit) -> None:
    done = audit(fleet, "dry", "--check")
    assert done.status == 2
    assert "Nothing was written in check mode." in done.said
    assert not done.place.exists()
    verdict = re.compile(r"The audit did not pass: ([^.]*)\.")
    assert verdict.findall(done.said)[0] == verdict.findall(first.said)[0]


def test_what_was_mended_is_newly_fixed(fleet: pathlib.Path, first: Audit) -> None:
    GROUP.sh(
        "mx",
        "postconf -e smtpd_tls_auth_only=yes && postfix reload 2>&1; postconf -e disable_dns_lookups=yes",
    )
    done = audit(fleet, "second", "--limit", "mx", audit_previous="first/audit.json")
    changes = done.data["comparison"]
    fixed = {one["rule"] for one in changes["newly_fixed"]}
    assert {"auth-before-tls", "wire-auth-before-tls"} <= fixed
    assert "smuggling-possible" not in fixed
    assert sorted(changes["hosts_left"]) == ["gone", "web"]
    assert f"{len(changes['newly_fixed'])} newly fixed" in done.said
    assert first.data["comparison"] is None


def test_ports_can_be_asked_from_the_controller(fleet: pathlib.Path) -> None:
    address = GROUP.sh("mx", "hostname -I").split()[0]
    done = audit(
        fleet,
        "outside",
        "--limit",
        "mx",
        audit_ask_from="controller",
        audit_address=address,
        audit_ports=[25, 143],
        audit_formats=["json"],
    )
    assert [one.name for one in done.place.iterdir()] == ["audit.json"]
    assert {"port 25", "port 143"} <= {one["name"] for one in done.host("mx")["origins"]}


def test_limit_waivers_and_rules_decide_the_exit_status(fleet: pathlib.Path) -> None:
    # The configuration alone has findings enough for this.
    only: dict[str, t.Any] = {"audit_ports": []}
    assert audit(fleet, "never", "--limit", "mx", audit_fail_on="never", **only).status == 0
    found = audit(fleet, "all", "--limit", "mx", **only).data["hosts"][0]["findings"]
    bad = sorted({one["rule"] for one in found if one["severity"] in ("high", "critical")})
    waivers = [{"rule": one, "reason": "A test", "expires": "2999-12-31"} for one in bad]
    waived = audit(fleet, "waived", "--limit", "mx", audit_waivers=waivers, **only)
    assert waived.status == 0, waived.said
    assert waived.host("mx")["waived"] >= len(bad) > 0
    assert audit(fleet, "disabled", "--limit", "mx", audit_rules_disabled=bad, **only).status == 0
    refused = audit(
        fleet, "refused", "--limit", "mx", audit_rules_disabled=["no-such-rule"], **only
    )
    assert refused.status == 2
    assert "there is no rule 'no-such-rule'" in refused.said
