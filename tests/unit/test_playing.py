# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and playbooks on this machine and as whoever runs the tests: what they refuse, and files in a folder of the test's own."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import pytest

ROOT: t.Final = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS: t.Final = ROOT / ".cache" / "collections"


class Played(t.NamedTuple):
    """How a play ended: its status, what it printed in one line however it was folded, and the number of changes."""

    status: int
    words: str
    changed: int


class Here:
    """A folder to play from, with hosts that are this machine."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.hosts: dict[str, dict[str, t.Any]] = {"mx1.example": {}}
        self.collections = str(COLLECTIONS)

    def play(self, book: t.Any, *options: str) -> Played:
        """Play a playbook of the collection, or plays."""
        name = book if isinstance(book, str) else "play.yml"
        if not isinstance(book, str):
            (self.folder / name).write_text(json.dumps(book), encoding="utf-8")
        local = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.folder / "tmp"),
        }
        known = {"all": {"hosts": self.hosts, "vars": local}}
        (self.folder / "hosts.yml").write_text(json.dumps(known), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", "hosts.yml", *options, name],
            cwd=self.folder,
            # Where the shell was is not where the command is.
            env={
                **{
                    key: value
                    for key, value in os.environ.items()
                    if not key.startswith("ANSIBLE_")
                },
                "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
                "PWD": str(self.folder / "elsewhere"),
                "ANSIBLE_COLLECTIONS_PATH": self.collections,
                "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        text = done.stdout + done.stderr
        counts = re.findall(r"^\S+\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.MULTILINE)
        return Played(done.returncode, " ".join(text.split()), sum(map(int, counts)))

    def role(self, name: str, *options: str, entry: str = "main", **variables: t.Any) -> Played:
        """Play a role on all hosts."""
        task = {
            "ansible.builtin.include_role": {"name": f"hardened.mail.{name}", "tasks_from": entry},
            "vars": variables,
        }
        return self.play([{"hosts": "all", "gather_facts": False, "tasks": [task]}], *options)

    def files(self, place: str) -> list[str]:
        """Return what there is below a place."""
        top = self.folder / place
        return sorted(str(one.relative_to(top)) for one in top.rglob("*"))


@pytest.fixture
def here(tmp_path: pathlib.Path) -> Here:
    """A folder to play from."""
    return Here(tmp_path)


# ---- mta_sts -------------------------------------------------------------------------------------

POLICY: t.Final = "version: STSv1\r\nmode: testing\r\nmx: mx1.example\r\nmax_age: 1209600\r\n"


def published(here: Here, *domains: str, **more: t.Any) -> Played:
    """Play the role mta_sts, which writes to the folder ``web``."""
    return here.role(
        "mta_sts",
        **{
            "mta_sts_publish": "file",
            "mta_sts_directory": str(here.folder / "web"),
            "mta_sts_site": str(here.folder / "none.conf"),
            "mta_sts_domains": list(domains),
            "mta_sts_description": {
                "domains": [
                    {"name": name, "mx": ["mx1.example"], "mta_sts": {"mode": "testing"}}
                    for name in domains
                ]
            },
            **more,
        },
    )


def test_mta_sts_writes_names_as_dns_has_them(here: Here) -> None:
    assert published(here, "Bücher.example", "Example.ORG.").status == 0
    assert here.files("web") == [
        "example.org",
        "example.org/mta-sts.txt",
        "xn--bcher-kva.example",
        "xn--bcher-kva.example/mta-sts.txt",
    ]
    text = (here.folder / "web/example.org/mta-sts.txt").read_bytes().decode()
    assert text == POLICY
    # The site of nginx names them in the same way.
    show = {
        "ansible.builtin.template": {
            "src": str(ROOT / "roles/mta_sts/templates/site.conf.j2"),
            "dest": str(here.folder / "site.conf"),
            "mode": "0600",
        }
    }
    files = [str(ROOT / f"roles/mta_sts/{name}/main.yml") for name in ("defaults", "vars")]
    given = {"mta_sts_domains": ["Bücher.example", "Example.ORG."]}
    play = {"hosts": "all", "gather_facts": False, "vars_files": files, "tasks": [show]}
    assert here.play([play], "-e", json.dumps(given)).status == 0
    site = (here.folder / "site.conf").read_text(encoding="utf-8")
    assert re.findall(r"server_name (\S+);", site) == [
        "mta-sts.xn--bcher-kva.example",
        "mta-sts.example.org",
    ]


def test_mta_sts_takes_away_what_it_wrote_and_nothing_else(here: Here) -> None:
    assert published(here, "earlier.example", "now.example", "kept.example").status == 0
    web = here.folder / "web"
    (web / "index.html").write_text("of the site", encoding="utf-8")
    (web / "kept.example/robots.txt").write_text("of the site", encoding="utf-8")
    (web / "site.example").mkdir()
    for name in ("mta-sts.txt", "security.txt"):
        (web / "site.example" / name).write_text("of the site", encoding="utf-8")
    gone = published(here, "Now.example", "kept.example", mta_sts_state="absent")
    assert (gone.status, gone.changed) == (0, 1)
    assert here.files("web") == [
        "index.html",
        "kept.example",
        "kept.example/robots.txt",
        "site.example",
        "site.example/mta-sts.txt",
        "site.example/security.txt",
    ]
    (web / "index.html").unlink()
    shutil.rmtree(web / "site.example")
    (web / "kept.example/robots.txt").rename(web / "kept.example/mta-sts.txt")
    assert published(here, mta_sts_state="absent").changed == 1
    assert not web.exists()
    assert published(here, mta_sts_state="absent")[::2] == (0, 0)


# ---- certificates --------------------------------------------------------------------------------

#: What a play that is not refused would make.
OWN_CA: t.Final = {"certificates_ca_passphrase": "a passphrase of some length"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("certificates_names", "mail.example", id="names"),
        pytest.param("certificates_key_types", "ecdsa,rsa", id="types"),
    ],
)
def test_own_ca_refuses_a_text_for_a_list(here: Here, option: str, value: t.Any) -> None:
    made = {
        "certificates_ca_directory": str(here.folder / "ca"),
        "certificates_directory": str(here.folder / "ssl"),
    }
    # In check mode: nothing is to be made here even where it is not refused.
    done = here.role("certificates", "--check", entry="own_ca", **OWN_CA, **made, **{option: value})
    assert done.status != 0
    assert f"{option} is {json.dumps(value)}" in done.words
    assert "expected lists" in done.words
    assert "Nothing was changed." in done.words


def test_own_ca_names_the_collection_that_it_lacks(here: Here) -> None:
    alone = here.folder / "collections/ansible_collections/hardened"
    alone.mkdir(parents=True)
    (alone / "mail").symlink_to(ROOT)
    here.collections = str(here.folder / "collections")
    done = here.role("certificates", "--check", entry="own_ca", **OWN_CA)
    assert done.status != 0
    assert "run ansible-galaxy collection install community.crypto" in done.words
    assert "Nothing was changed." in done.words


def test_hook_refuses_a_text_for_a_list(here: Here) -> None:
    done = here.role("certificates", "--check", certificates_postfix_directories="/etc/postfix")
    assert done.status != 0
    assert "is the text /etc/postfix: expected a list" in done.words


def test_message_authentication_refuses_a_text_for_a_list(here: Here) -> None:
    done = here.role(
        "message_authentication", "--check", message_authentication_sign_headers="from"
    )
    assert done.status != 0
    assert "one of them is a text" in done.words
    assert "Nothing was changed." in done.words


def test_mta_sts_refuses_a_text_for_a_list(here: Here) -> None:
    done = published(here, mta_sts_domains="one.example")
    assert done.status != 0
    assert "mta_sts_domains is the text one.example: expected a list" in done.words


# ---- audit and verify ----------------------------------------------------------------------------

#: Nobody listens, so nothing is judged, and the report says so.
QUIET: t.Final = {
    "audit_become": False,
    "audit_ask_from": "controller",
    "audit_ports": [],
    "audit_fail_on_incomplete": False,
    "audit_formats": ["json"],
}
UNKNOWN_RULE: t.Final = {"rule": "no-such-rule", "reason": "A test", "expires": "2999-12-31"}


def audit(here: Here, **more: t.Any) -> Played:
    """Audit this machine."""
    return here.play("hardened.mail.audit", "-e", json.dumps({**QUIET, **more}))


def test_audit_writes_where_the_command_runs_and_tells_the_place(here: Here) -> None:
    done = audit(here, audit_previous="earlier/audit.json")
    assert done.status == 0, done.words
    assert here.files("reports") == ["audit.json"]
    assert f"The report is in {here.folder}/reports." in done.words
    note = f"There is no earlier report {here.folder}/earlier/audit.json, so nothing was compared."
    assert note in done.words
    again = audit(here, audit_previous="reports/audit.json")
    assert again.status == 0, again.words
    assert "There is no earlier report" not in again.words


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param({"audit_waivers": [UNKNOWN_RULE]}, "no-such-rule", id="waiver"),
        pytest.param(
            {"audit_previous": "hosts.yml"}, "audit_previous cannot be compared with", id="earlier"
        ),
    ],
)
def test_audit_refuses_before_it_looks(here: Here, given: dict[str, t.Any], told: str) -> None:
    # Of the host and not of the command line: the last play takes the variables of the first host.
    here.hosts = {"mx1.example": given}
    done = audit(here)
    assert done.status != 0
    assert told in done.words
    assert "PLAY [Look at the hosts]" not in done.words


def test_verify_refuses_before_it_asks(here: Here) -> None:
    here.hosts = {"mx1.example": {"verify_waivers": [UNKNOWN_RULE]}}
    done = here.play("hardened.mail.verify", "-e", json.dumps({"verify_ports": []}))
    assert done.status != 0
    assert "no-such-rule" in done.words
    assert "PLAY [Talk to the servers]" not in done.words


def test_verify_writes_where_the_command_runs(here: Here) -> None:
    given = {"verify_ports": [], "verify_fail_on_untested": False}
    done = here.play("hardened.mail.verify", "-e", json.dumps(given))
    assert f"The report is in {here.folder}/reports." in done.words
    assert here.files("reports") == ["verify.json", "verify.junit.xml"]
