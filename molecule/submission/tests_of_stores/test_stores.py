# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same people get in whichever store they are looked up in, and nobody whom it does not know."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest
import yaml

if t.TYPE_CHECKING:
    from conftest import Host

    Groups = t.Mapping[str, t.Sequence[Host]]
    Person = t.Callable[..., list[dict[str, t.Any]]]
    Until = t.Callable[..., t.Any]

SCENARIO: t.Final = pathlib.Path(__file__).resolve().parent.parent
# Whom only the system knows.
OUTSIDER: t.Final = "carol"


@pytest.fixture(scope="module", params=["pam", "sqlite", "pgsql", "ldap", "passwd_file"])
def store(request: pytest.FixtureRequest) -> str:
    """Look people up in a store, on every mail host."""
    inventory = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "inventory"
    done = subprocess.run(
        ["ansible-playbook", "--inventory", inventory, SCENARIO / "store.yml", "-e", f"store={request.param}"],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return t.cast("str", request.param)


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    """Return the password of each person, and of the outsider."""
    told = yaml.safe_load((SCENARIO / "vars.yml").read_text(encoding="utf-8"))
    return {one["name"]: one["password"] for one in [*told["people"], told["outsider"]]}


def test_people_send_and_read_and_nobody_else_logs_in(
    store: str,
    groups: Groups,
    person: Person,
    passwords: t.Mapping[str, str],
    token: str,
    until: Until,
) -> None:
    for host in groups["mail"]:
        alice = {"port": 587, "user": "alice", "password": passwords["alice"]}
        message = {
            "sender": f"alice@{host.address}",
            "recipient": f"bob@{host.address}",
            "token": token,
        }
        wrong = {**alice, "password": "not-her-password"}
        outsider = {"port": 993, "user": OUTSIDER, "password": passwords[OUTSIDER]}
        steps = [
            {"do": "submit", **alice, **message},
            {"do": "log in", **wrong},
            {"do": "log in", **alice, "port": 993},
            {"do": "log in", **outsider},
        ]
        sent, refused, let_in, other = person(host, steps)
        assert (sent["refused"], let_in["refused"]) == ("", ""), host
        assert "uthentication failed" in refused["refused"], host
        assert (other["refused"] == "") == (store == "pam"), (host, other)
        bob = {
            "do": "read",
            "port": 993,
            "user": "bob",
            "password": passwords["bob"],
            "token": token,
        }
        assert until(lambda host=host, bob=bob: person(host, [bob])[0]["messages"]), host
