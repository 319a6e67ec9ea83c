# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory's pure parts: names of images, apt sources, what Ansible and SSH are told."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import shutil
import signal
import sys
import typing as t

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lab"))

import lab
import view


@pytest.fixture
def recipes(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return a copy of the recipes."""
    return pathlib.Path(shutil.copytree(lab.RECIPES, tmp_path / "images"))


@pytest.fixture(autouse=True)
def state(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Keep away from the machine's own locks."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv(view.STATE_VARIABLE, str(folder))
    return folder


HOSTS = [
    lab.Host(name="mx", release="bookworm", flavour="postfix"),
    lab.Host(name="client", release="trixie", flavour="referee"),
]


def names(recipes: pathlib.Path) -> dict[str, str]:
    return {flavour: lab.image_name("trixie", flavour, recipes) for flavour in lab.PARENT_OF}


def test_image_name_has_flavour_release_and_hash() -> None:
    name = lab.image_name("trixie", "postfix")
    head, _, digest = name.rpartition("-")
    assert head == "localhost/hardened-mail-lab/postfix:trixie"
    assert len(digest) == 12
    assert set(digest) <= set("0123456789abcdef")


def test_image_name_depends_on_the_release() -> None:
    tags = {lab.image_name(release, "postfix").rpartition("-")[2] for release in lab.RELEASES}
    assert len(tags) == len(lab.RELEASES)


@pytest.mark.parametrize(
    ("file", "flavour"),
    [
        pytest.param("base.Containerfile", "base", id="recipe"),
        pytest.param("base/lab-identity", "base", id="file"),
        pytest.param("postfix/10-postfix", "postfix", id="file-in-the-middle"),
        pytest.param("referee.Containerfile", "referee", id="recipe-at-the-end"),
    ],
)
def test_image_name_changes_with_the_recipe_and_those_of_its_parents(
    recipes: pathlib.Path, file: str, flavour: str
) -> None:
    before = names(recipes)
    with (recipes / file).open("a", encoding="utf-8") as handle:
        handle.write("# changed\n")
    after = names(recipes)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if flavour in lab.lineage(name)}


def test_image_name_changes_with_a_files_name(recipes: pathlib.Path) -> None:
    before = lab.image_name("sid", "postfix", recipes)
    (recipes / "postfix" / "10-postfix").rename(recipes / "postfix" / "20-postfix")
    assert lab.image_name("sid", "postfix", recipes) != before


def test_lineage_refuses_an_unknown_flavour() -> None:
    with pytest.raises(lab.LabError, match="unknown flavour 'exim', known are base, postfix"):
        lab.lineage("exim")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "mx=bookworm:postfix,client=trixie:referee",
            HOSTS,
            id="two",
        ),
        pytest.param("a=sid", [lab.Host(name="a", release="sid", flavour="postfix")], id="default"),
    ],
)
def test_parse_hosts_reads(text: str, expected: list[lab.Host]) -> None:
    assert lab.parse_hosts(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "cannot read host ''", id="empty"),
        pytest.param("mx", "cannot read host 'mx'", id="no-release"),
        pytest.param("mx=buster", "cannot read host 'mx=buster'", id="unknown-release"),
        pytest.param("mx=sid:exim", "unknown flavour 'exim'", id="unknown-flavour"),
        pytest.param("-rm=sid", "cannot read host '-rm=sid'", id="looks-like-an-option"),
        pytest.param("a=sid,a=trixie", "a host is named twice", id="twice"),
    ],
)
def test_parse_hosts_refuses(text: str, message: str) -> None:
    with pytest.raises(lab.LabError, match=message):
        lab.parse_hosts(text)


DEB822 = """\
Types: deb
# http://old.example/debian
URIs: http://mirror.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://mirror.example/debian-security/
Suites: trixie-security
"""


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            DEB822,
            {
                "debian": "http://mirror.example/debian",
                "debian-security": "http://mirror.example/debian-security/",
            },
            id="deb822",
        ),
        pytest.param(
            "deb [arch=amd64] http://mirror.example/debian trixie main\n"
            "deb http://other.example/debian trixie-updates main\n"
            "deb-src http://source.example/debian trixie main\n",
            {"debian": "http://mirror.example/debian"},
            id="one-line-first-wins",
        ),
        pytest.param("deb https://tool.example/apt stable main\n", {}, id="third-party-only"),
        pytest.param("", {}, id="none"),
    ],
)
def test_mirrors_finds_debian(sources: str, expected: dict[str, str]) -> None:
    assert lab.mirrors(sources) == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        pytest.param("trixie", ["M trixie main", "M trixie-updates main"], id="stable"),
        pytest.param("sid", ["M sid main"], id="rolling-has-no-updates"),
    ],
)
def test_source_lines_without_a_security_mirror(release: str, expected: list[str]) -> None:
    assert lab.source_lines(release, {"debian": "M"}) == [f"deb {line}" for line in expected]


def test_source_lines_with_a_security_mirror() -> None:
    found = {"debian": "M", "debian-security": "S"}
    assert lab.source_lines("bullseye", found)[-1] == "deb S bullseye-security main"
    assert lab.source_lines("sid", found) == ["deb M sid main"]


def test_source_lines_of_a_machine_without_debian_are_left_to_the_tool() -> None:
    assert lab.source_lines("trixie", {}) == []


def test_apt_options_keeps_only_what_a_container_needs() -> None:
    dump = (
        'APT "";\nAPT::Architecture "amd64";\nAcquire "";\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Date "";\n'
    )
    assert lab.apt_options("trixie", dump) == ['Acquire::http::Proxy "http://proxy.example:3128";']
    assert lab.apt_options("sid", "") == ['Acquire::Check-Valid-Until "false";']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "I: mode\nErr:2 x\nE: no Release file\nE: failed\n", "no Release file", id="apt"
        ),
        pytest.param("one\ntwo\nthree\nfour\n", "two three four", id="others-end"),
        pytest.param("", "", id="silent"),
    ],
)
def test_first_error_is_the_reason(text: str, expected: str) -> None:
    assert lab.first_error(text) == expected


def failing_podman(*_arguments: str, **_options: t.Any) -> str:
    raise lab.LabError("podman build failed: Reading\nE: Unable to locate package postfix")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        pytest.param("sid", lab.NotAvailable, id="optional"),
        pytest.param("trixie", lab.LabError, id="needed"),
    ],
)
def test_build_of_an_optional_release_may_be_absent(
    monkeypatch: pytest.MonkeyPatch, release: str, expected: type[lab.LabError]
) -> None:
    monkeypatch.setattr(lab, "podman", failing_podman)
    with pytest.raises(lab.LabError, match="Unable to locate package postfix") as caught:
        lab._build_recipe(release, "postfix", parent="p", name="n")
    assert type(caught.value) is expected


def test_inventory_reaches_each_host_over_its_own_ssh(state: pathlib.Path) -> None:
    content = yaml.safe_load(lab.inventory("demo", HOSTS, pathlib.Path("/cache/demo")))["all"]
    assert content["hosts"]["mx"] == {
        "lab_container": "hml-demo-mx",
        "lab_release": "bookworm",
        "lab_flavour": "postfix",
    }
    children = {name: sorted(group["hosts"]) for name, group in content["children"].items()}
    assert children == {
        "flavour_postfix": ["mx"],
        "flavour_referee": ["client"],
        "release_bookworm": ["mx"],
        "release_trixie": ["client"],
    }
    assert content["vars"]["ansible_ssh_common_args"] == "-F /cache/demo/ssh_config"
    assert f"ControlPath={state}/ssh-" in content["vars"]["ansible_ssh_args"]


def test_inventory_of_two_groups_shares_no_connection() -> None:
    first, second = (
        yaml.safe_load(lab.inventory(group, HOSTS, pathlib.Path("/cache")))["all"]["vars"]
        for group in ("demo", "demo-two")
    )
    assert first["ansible_ssh_args"] != second["ansible_ssh_args"]


def test_socket_path_fits_into_a_unix_address() -> None:
    # sun_path has 108 bytes; ssh adds a dot and 16 characters while it makes the socket.
    folder = "/run/user/4294967295/hardened-mail-lab/"
    assert len(f"{folder}{lab.socket_prefix('g' * 40)}{'h' * 20}") + 17 < 108


def test_ssh_config_goes_through_the_container() -> None:
    text = lab.ssh_config("demo", HOSTS, pathlib.Path("/cache/demo"))
    assert "Host mx mx.example\n  ProxyCommand podman exec -i hml-demo-mx /usr/sbin/sshd -i" in text
    assert "  IdentityFile /cache/demo/id_ed25519\n" in text


def test_run_command_labels_and_names_the_container() -> None:
    command = lab.run_command(
        "demo",
        HOSTS[0],
        image="localhost/i:t",
        labels=["--label=a=b"],
        folder=pathlib.Path("/c"),
        addresses={"mx": "192.0.2.2", "client": "192.0.2.3"},
    )
    assert command[0] == "run"
    assert command[-2:] == ["localhost/i:t", "/sbin/init"]
    assert {
        "--name=hml-demo-mx",
        "--label=a=b",
        "--hostname=mx.example",
        "--network=hml-demo",
        "--network-alias=mx",
        "--network-alias=mx.example",
        "--ip=192.0.2.2",
        "--mac-address=02:00:c0:00:02:02",
        "--add-host=client:192.0.2.3",
        "--add-host=client.example:192.0.2.3",
    } <= set(command)


def test_current_owner_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(view.OWNER_VARIABLE, raising=False)
    with pytest.raises(lab.LabError, match="run this through tests/lab/enter"):
        lab.current_owner(keep=False)


@pytest.mark.parametrize("group", ["", "Demo", "a/b", "../x", "-a", "a" * 41])
def test_up_refuses_a_name_that_is_no_name(group: str) -> None:
    with pytest.raises(lab.LabError, match="as a group"):
        lab.up(group, HOSTS, keep=False)


def test_is_alive_follows_the_owners_lock() -> None:
    assert not view.is_alive("nobody")
    with view.lock_of("somebody").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert view.is_alive("somebody")
    assert not view.is_alive("somebody")


def write_record(pid: int, start: str) -> None:
    view.record().write_text(
        json.dumps({"pid": pid, "start": start, "owner": "somebody", "environment": {"A": "b"}}),
        encoding="utf-8",
    )


def test_find_view_wants_the_same_process_and_a_living_owner() -> None:
    own = os.getpid()
    assert view.find_view() is None
    with view.lock_of("somebody").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        write_record(own, view.start_time(own))
        assert view.find_view() == view.View(own, "somebody", {"A": "b"})
        write_record(own, "1")
        assert view.find_view() is None
        write_record(own, view.start_time(own))
    assert view.find_view() is None


def test_find_view_survives_a_damaged_record() -> None:
    view.record().write_text("{", encoding="utf-8")
    assert view.find_view() is None


@pytest.fixture
def signals_blocked() -> t.Iterator[None]:
    """Block what ``follow`` waits for, as ``run`` does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, view.WATCHED)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("signals_blocked")
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("exit 0", 0, id="good"),
        pytest.param("exit 7", 7, id="bad"),
        pytest.param("kill -KILL $$", 137, id="killed"),
        pytest.param(
            "trap 'exit 5' TERM; kill -TERM $PPID; sleep 20 & wait",
            5,
            id="told-to-end",
        ),
    ],
)
def test_follow_returns_what_the_command_returned(script: str, expected: int) -> None:
    assert view.follow(view.spawn(["bash", "-c", script]), grace=None) == expected


@pytest.mark.usefixtures("signals_blocked")
def test_follow_kills_a_command_that_does_not_end() -> None:
    child = view.spawn(
        ["bash", "-c", "trap '' TERM; kill -TERM $PPID; for n in 1 2 3 4 5; do sleep 1; done"]
    )
    assert view.follow(child, grace=0.2) == 137


@pytest.mark.usefixtures("signals_blocked")
def test_spawn_says_what_cannot_be_run(capfd: pytest.CaptureFixture[str]) -> None:
    assert view.follow(view.spawn(["/nonexistent/tool"]), grace=None) == 127
    assert (
        "lab: cannot run '/nonexistent/tool': No such file or directory" in capfd.readouterr().err
    )
