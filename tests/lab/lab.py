#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and groups of systemd containers for the tests. Run it through ``tests/lab/enter``.

``image`` builds what is not cached, ``up`` starts a group of containers that Ansible reaches over
SSH, ``down`` removes it, ``sweep`` removes what dead owners left, ``doctor`` says what there is.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import ipaddress
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t

import view

HERE = pathlib.Path(__file__).resolve().parent
RECIPES = HERE / "images"
CACHE = HERE.parent.parent / ".cache" / "lab"

RELEASES = ("bullseye", "bookworm", "trixie", "sid")
# Each flavour is built on the one named; "rootfs" is the bare Debian that everything starts from.
PARENT_OF = {
    "base": "rootfs",
    "postfix": "base",
    "referee": "postfix",
    "mail": "postfix",
    "strace": "postfix",
    "dns": "base",
    "milters": "postfix",
    "outbound": "postfix",
    "databases": "base",
    "stores": "base",
    "upgrade": "mail",
}
REPOSITORY = "localhost/hardened-mail-lab"

ROOTFS_PACKAGES = ("ca-certificates",)
# Options of the machine's own apt that the containers need too.
APT_OPTIONS_TO_KEEP = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)
ROLLING = frozenset({"sid"})
# Past its support, and never stable: their archives may be gone or broken through no fault of ours.
OPTIONAL = frozenset({"bullseye", "sid"})

OWNER_LABEL = "hardened.mail.lab.owner"
GROUP_LABEL = "hardened.mail.lab.group"
FOLDER_LABEL = "hardened.mail.lab.folder"
KEPT = "kept"

PULL_SECONDS = 120.0
BUILD_SECONDS = 900.0
BOOT_SECONDS = 60.0
POLL_SECONDS = 0.05

NOT_AVAILABLE = 3


class LabError(Exception):
    """Something went wrong; the message is for the person at the terminal."""


class NotAvailable(LabError):
    """A release cannot be had on this machine."""


def say(message: str) -> None:
    """Tell the person at the terminal; standard output is for results."""
    sys.stderr.write(f"lab: {message}\n")


def podman(*arguments: str, timeout: t.Optional[float] = 60.0, check: bool = True) -> str:
    """Run podman and return its standard output; raises LabError."""
    try:
        done = subprocess.run(
            ["podman", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LabError("podman is not installed, see tests/lab/install-host-packages") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"podman {arguments[0]} took longer than {timeout} s") from None
    if check and done.returncode:
        raise LabError(f"podman {arguments[0]} failed: {_end(done.stderr)}")
    return done.stdout.strip()


def first_error(text: str) -> str:
    """Return the first line in which apt or mmdebstrap says what is wrong, or the last lines."""
    for line in text.splitlines():
        if line.startswith(("E: ", "W: ")):
            return line[3:]
    return _one_line(_end(text, 3))


def _end(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """Hold a lock of this machine, so that one image is built once."""
    with (view.state_directory() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# --- Names of images -------------------------------------------------------------------------


def lineage(flavour: str) -> list[str]:
    """Return the flavours to build for one, the first one first; raises LabError."""
    chain: list[str] = []
    while flavour != "rootfs":
        if flavour not in PARENT_OF:
            raise LabError(f"unknown flavour {flavour!r}, known are {', '.join(PARENT_OF)}")
        chain.insert(0, flavour)
        flavour = PARENT_OF[flavour]
    return chain


def recipe_of(flavour: str, recipes: pathlib.Path = RECIPES) -> bytes:
    """Return everything that decides what is in a flavour, apart from its parent."""
    if flavour == "rootfs":
        return " ".join(ROOTFS_PACKAGES).encode()
    files = [recipes / f"{flavour}.Containerfile"]
    folder = recipes / flavour
    if folder.is_dir():
        files += sorted(path for path in folder.rglob("*") if path.is_file())
    parts = []
    for path in files:
        content = path.read_bytes()
        parts.append(f"{path.relative_to(recipes)} {len(content)}\n".encode() + content)
    return b"".join(parts)


def image_name(release: str, flavour: str, recipes: pathlib.Path = RECIPES) -> str:
    """Return the image's name; its tag follows from the recipes of the flavour and its parents."""
    digest = hashlib.sha256()
    for part in ("rootfs", *([] if flavour == "rootfs" else lineage(flavour))):
        digest.update(f"{release} {part}\n".encode())
        digest.update(recipe_of(part, recipes))
    return f"{REPOSITORY}/{flavour}:{release}-{digest.hexdigest()[:12]}"


# --- The machine's apt -----------------------------------------------------------------------


def mirrors(sources: str) -> dict[str, str]:
    """Return the ``debian`` and ``debian-security`` addresses found in apt sources, if any."""
    found: dict[str, str] = {}
    for line in sources.splitlines():
        if not re.match(r"\s*(deb\s|URIs:)", line):
            continue
        for address in re.findall(r"[a-z+]+://\S+", line):
            kind = address.rstrip("/").rpartition("/")[2]
            if kind in {"debian", "debian-security"}:
                found.setdefault(kind, address)
    return found


def source_lines(release: str, found: t.Mapping[str, str]) -> list[str]:
    """Return the apt sources of a release on the machine's mirror; empty when it has none."""
    if "debian" not in found:
        return []
    lines = [f"deb {found['debian']} {release} main"]
    if release not in ROLLING:
        lines.append(f"deb {found['debian']} {release}-updates main")
        if "debian-security" in found:
            lines.append(f"deb {found['debian-security']} {release}-security main")
    return lines


def machine_sources() -> str:
    """Return the text of the machine's apt sources."""
    folder = pathlib.Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()
    )


def apt_options(release: str, dump: str) -> list[str]:
    """Return the apt options for a release's containers, from ``apt-config dump``."""
    options = {}
    for line in dump.splitlines():
        name, _, value = line.partition(" ")
        if name in APT_OPTIONS_TO_KEEP and value not in {'"";', ""}:
            options[name] = value
    if release in ROLLING:
        options["Acquire::Check-Valid-Until"] = '"false";'
    return [f"{name} {value}" for name, value in options.items()]


# --- Building --------------------------------------------------------------------------------


def exists(image: str) -> bool:
    """Tell whether the image is in the local storage."""
    done = subprocess.run(["podman", "image", "exists", image], check=False)
    return done.returncode == 0


def on_bare_machine() -> bool:
    """Tell whether this runs in a private view, which means that there is no registry."""
    return view.surroundings() is not None


def build(release: str, flavour: str) -> str:
    """Return the name of the image, which is built first when it is not there; raises LabError."""
    name = image_name(release, flavour)
    if exists(name):
        return name
    with locked(f"image-{release}-{flavour}"):
        if exists(name):
            return name
        parent = None if flavour == "rootfs" else build(release, PARENT_OF[flavour])
        started = time.monotonic()
        if parent is None:
            how = _make_rootfs(release, name)
        else:
            how = f"tests/lab/images/{flavour}.Containerfile"
            _build_recipe(release, flavour, parent=parent, name=name)
        say(f"{name} built from {how} in {time.monotonic() - started:.1f} s")
    return name


def _build_recipe(release: str, flavour: str, *, parent: str, name: str) -> None:
    try:
        podman(
            "build",
            "--pull=never",
            "--network=host",
            "--layers=false",
            f"--build-arg=PARENT={parent}",
            f"--file={RECIPES / (flavour + '.Containerfile')}",
            f"--tag={name}",
            str(RECIPES),
            timeout=BUILD_SECONDS,
        )
    except LabError as error:
        if release in OPTIONAL:
            raise NotAvailable(
                f"{release}: not available here: {first_error(str(error))}"
            ) from error
        raise


def _make_rootfs(release: str, name: str) -> str:
    """Get a bare Debian from a registry or from packages; return how. Raises NotAvailable."""
    reasons = []
    if not on_bare_machine():
        try:
            public = f"docker.io/library/debian:{release}-slim"
            podman("pull", "--quiet", public, timeout=PULL_SECONDS)
            podman("tag", public, name)
            return public
        except LabError as error:
            reasons.append(str(error))
    if shutil.which("mmdebstrap"):
        try:
            _bootstrap(release, name)
            return "Debian packages"
        except LabError as error:
            reasons.append(str(error))
    else:
        reasons.append("mmdebstrap is not installed")
    raise NotAvailable(f"{release}: not available here: {_one_line('; '.join(reasons))}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bootstrap(release: str, name: str) -> None:
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    with tempfile.TemporaryDirectory(prefix="hardened-mail-lab-") as folder:
        archive = str(pathlib.Path(folder) / "rootfs.tar")
        command = [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(ROOTFS_PACKAGES)}",
            *(f"--aptopt={option}" for option in apt_options(release, dump.stdout)),
            release,
            archive,
            *source_lines(release, mirrors(machine_sources())),
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"mmdebstrap took longer than {BUILD_SECONDS:.0f} s") from None
        if done.returncode:
            raise LabError(f"mmdebstrap failed: {first_error(done.stderr)}")
        podman("import", "--quiet", archive, name, timeout=BUILD_SECONDS)


# --- Groups of containers --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Host:
    """A container of a group: what it is called, and what it is made of."""

    name: str
    release: str
    flavour: str


def parse_hosts(text: str) -> list[Host]:
    """Read ``a=bookworm:postfix,b=trixie``; raises LabError."""
    hosts = []
    for item in text.split(","):
        found = re.fullmatch(r"([a-z][a-z0-9-]{0,19})=([a-z]+)(?::([a-z]+))?", item.strip())
        if not found or found[2] not in RELEASES:
            raise LabError(
                f"cannot read host {item!r}, expected NAME=RELEASE[:FLAVOUR]"
                f" with a release of {', '.join(RELEASES)}"
            )
        host = Host(name=found[1], release=found[2], flavour=found[3] or "postfix")
        lineage(host.flavour)
        hosts.append(host)
    if len({host.name for host in hosts}) != len(hosts):
        raise LabError(f"a host is named twice in {text!r}")
    return hosts


def container_of(group: str, host: str) -> str:
    """Return the container's name."""
    return f"hml-{group}-{host}"


def network_of(group: str) -> str:
    """Return the network's name."""
    return f"hml-{group}"


def socket_prefix(group: str) -> str:
    """Return how the names of the group's shared SSH connections begin.

    The path of a socket has at most 107 characters, so they are short and not in the cache.
    """
    return f"ssh-{hashlib.sha256(group.encode()).hexdigest()[:8]}-"


def inventory(group: str, hosts: t.Sequence[Host], folder: pathlib.Path) -> str:
    """Return an Ansible inventory: YAML, of which JSON is a part."""
    sockets = view.state_directory() / f"{socket_prefix(group)}%n"
    flavours: dict[str, dict[str, t.Any]] = {}
    releases: dict[str, dict[str, t.Any]] = {}
    for host in hosts:
        flavours.setdefault(f"flavour_{host.flavour}", {"hosts": {}})["hosts"][host.name] = {}
        releases.setdefault(f"release_{host.release}", {"hosts": {}})["hosts"][host.name] = {}
    content = {
        "all": {
            "hosts": {
                host.name: {
                    "lab_container": container_of(group, host.name),
                    "lab_release": host.release,
                    "lab_flavour": host.flavour,
                }
                for host in hosts
            },
            "vars": {
                "ansible_user": "root",
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_pipelining": True,
                "ansible_ssh_args": (
                    f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={sockets}"
                ),
                "ansible_ssh_common_args": f"-F {folder / 'ssh_config'}",
            },
            "children": {**flavours, **releases},
        }
    }
    return "---\n" + json.dumps(content, indent=2) + "\n"


def ssh_config(group: str, hosts: t.Sequence[Host], folder: pathlib.Path) -> str:
    """Return an SSH configuration that reaches the containers without a port."""
    entries = []
    for host in hosts:
        entries.append(
            f"Host {host.name} {host.name}.example\n"
            f"  ProxyCommand podman exec -i {container_of(group, host.name)} /usr/sbin/sshd -i\n"
        )
    entries.append(
        "Host *\n"
        "  User root\n"
        f"  IdentityFile {folder / 'id_ed25519'}\n"
        "  IdentitiesOnly yes\n"
        # The way in is a pipe of this machine, and host keys are as new as their containers.
        "  StrictHostKeyChecking no\n"
        "  UserKnownHostsFile /dev/null\n"
        "  LogLevel ERROR\n"
    )
    return "\n".join(entries)


def run_command(
    group: str,
    host: Host,
    *,
    image: str,
    labels: t.Sequence[str],
    folder: pathlib.Path,
    addresses: t.Mapping[str, str],
) -> list[str]:
    """Return podman's arguments that start one container; *addresses* has all hosts of the group by name."""
    return [
        "run",
        "--detach",
        "--pull=never",
        f"--name={container_of(group, host.name)}",
        *labels,
        f"--hostname={host.name}.example",
        f"--network={network_of(group)}",
        f"--network-alias={host.name}",
        f"--network-alias={host.name}.example",
        f"--ip={addresses[host.name]}",
        # The same after a restart: others remember it, and would send to the old one for some seconds.
        f"--mac-address=02:00:{ipaddress.IPv4Address(addresses[host.name]).packed.hex(':')}",
        # Podman's name server forgets its names for a moment whenever any network gains or loses a container.
        *(
            f"--add-host={name}:{address}"
            for other, address in addresses.items()
            if other != host.name
            for name in (f"{other}.example", other)
        ),
        "--privileged",
        "--systemd=always",
        f"--volume={folder / 'id_ed25519.pub'}:/etc/ssh/lab_authorized_keys:ro",
        image,
        "/sbin/init",
    ]


def current_owner(keep: bool) -> str:
    """Return whom new containers belong to; raises LabError outside of ``enter``."""
    owner = os.environ.get(view.OWNER_VARIABLE)
    if not owner:
        raise LabError("run this through tests/lab/enter")
    if not keep:
        return owner
    inside = view.surroundings()
    return inside.owner if inside else KEPT


def up(group: str, hosts: t.Sequence[Host], *, keep: bool) -> pathlib.Path:
    """Start a group, wait until it serves, and return its folder; raises LabError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", group):
        raise LabError(f"cannot use {group!r} as a group: small letters, digits and -, at most 40")
    owner = current_owner(keep)
    images = {}
    for host in hosts:
        images[host] = build(host.release, host.flavour)
    started = time.monotonic()
    folder = CACHE / group
    down(group)
    with contextlib.ExitStack() as undo:
        undo.callback(down, group)
        _start(group, images, owner=owner, folder=folder)
        for host in hosts:
            say(f"{host.name} ({host.release} {host.flavour}) {wait_until_up(group, host)}")
        undo.pop_all()
    say(f"group {group}: {len(hosts)} up in {time.monotonic() - started:.1f} s")
    return folder


def _start(group: str, images: t.Mapping[Host, str], *, owner: str, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True)
    key = str(folder / "id_ed25519")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", network_of(group), "-f", key],
        check=True,
    )
    hosts = list(images)
    (folder / "ssh_config").write_text(ssh_config(group, hosts, folder), encoding="utf-8")
    (folder / "inventory.yml").write_text(inventory(group, hosts, folder), encoding="utf-8")
    labels = [
        f"--label={OWNER_LABEL}={owner}",
        f"--label={GROUP_LABEL}={group}",
        f"--label={FOLDER_LABEL}={folder}",
    ]
    podman("network", "create", *labels, network_of(group))
    subnet = podman(
        *("network", "inspect", "--format", "{{range .Subnets}}{{.Subnet}} {{end}}"),
        network_of(group),
    )
    # The first address is the gateway's.
    free = itertools.islice(ipaddress.ip_network(subnet.split()[0]).hosts(), 1, len(hosts) + 1)
    addresses = {host.name: str(address) for host, address in zip(hosts, free, strict=True)}
    for host, image in images.items():
        command = run_command(
            group, host, image=image, labels=labels, folder=folder, addresses=addresses
        )
        podman(*command)


BANNER_PROBE = """
import socket, sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    try:
        with socket.create_connection(("127.0.0.1", 25), 1) as peer:
            line = peer.recv(512)
        if line.startswith(b"220"):
            print(line.decode("ascii", "replace").strip())
            sys.exit(0)
    except OSError:
        pass
    time.sleep(0.05)
sys.exit(1)
"""


def wait_until_up(group: str, host: Host) -> str:
    """Wait for systemd and, where Postfix is, for its banner; return the state. Raises LabError."""
    name = container_of(group, host.name)
    end = time.monotonic() + BOOT_SECONDS
    state = ""
    # Asked again and again: "--wait" was seen to miss the end of the boot and to hang.
    while state not in {"running", "degraded"}:
        state = podman("exec", name, "systemctl", "is-system-running", check=False)
        if time.monotonic() > end:
            logs = podman("logs", "--tail=20", name, check=False)
            raise LabError(f"{name}: systemd is {state or 'silent'} after {BOOT_SECONDS} s\n{logs}")
        time.sleep(POLL_SECONDS)
    if state == "degraded":
        failed = podman("exec", name, "systemctl", "--failed", "--plain", "--no-legend")
        state = f"degraded: {_one_line(failed)}"
    if "postfix" in lineage(host.flavour):
        left = str(max(1.0, end - time.monotonic()))
        banner = podman("exec", name, "python3", "-c", BANNER_PROBE, left, check=False)
        if not banner:
            journal = podman("exec", name, "journalctl", "-n", "20", "--no-pager", check=False)
            raise LabError(f"{name}: no banner on port 25\n{journal}")
        state += f", {banner}"
    return state


def down(group: str) -> None:
    """Remove the group's containers, network and files; nothing happens when there are none."""
    remove(f"{GROUP_LABEL}={group}")
    _remove_files(group, CACHE / group)


def remove(label: str) -> None:
    """Remove the containers and networks with a label, and the files of their groups."""
    containers = _containers(label)
    networks = _networks(label)
    if containers:
        podman("rm", "--force", "--time=0", "--volumes", *containers, timeout=120.0)
    if networks:
        podman("network", "rm", "--force", *networks)
    folders = {
        labels[FOLDER_LABEL]: labels[GROUP_LABEL]
        for labels in [*containers.values(), *networks.values()]
        if FOLDER_LABEL in labels
    }
    for folder, group in folders.items():
        _remove_files(group, pathlib.Path(folder))


def _remove_files(group: str, folder: pathlib.Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for socket in view.state_directory().glob(f"{socket_prefix(group)}*"):
        socket.unlink(missing_ok=True)


Labelled = dict[str, dict[str, str]]


def _containers(label: str) -> Labelled:
    listed = podman("ps", "--all", f"--filter=label={label}", "--format=json")
    return {entry["Names"][0]: entry["Labels"] for entry in json.loads(listed or "[]")}


def _networks(label: str) -> Labelled:
    listed = podman("network", "ls", f"--filter=label={label}", "--format=json")
    return {entry["name"]: entry["labels"] for entry in json.loads(listed or "[]")}


def sweep(owner: t.Optional[str]) -> None:
    """Remove what belongs to one owner, or to every owner that is dead."""
    if owner:
        remove(f"{OWNER_LABEL}={owner}")
        return
    found = [*_containers(OWNER_LABEL).values(), *_networks(OWNER_LABEL).values()]
    for name in sorted({labels[OWNER_LABEL] for labels in found} - {KEPT}):
        if not view.is_alive(name):
            say(f"removing what the dead owner {name} left")
            # Only a container that runs takes its bridge and its firewall rules along.
            podman("start", *_containers(f"{OWNER_LABEL}={name}"), check=False)
            remove(f"{OWNER_LABEL}={name}")


def prune() -> None:
    """Remove images whose recipe has changed, except those that a container uses."""
    flavours = ["rootfs", *PARENT_OF]
    current = {image_name(release, flavour) for release in RELEASES for flavour in flavours}
    filters = [f"--filter=reference={REPOSITORY}/{flavour}" for flavour in flavours]
    listed = podman("images", "--format={{.Repository}}:{{.Tag}}", *filters).split()
    for name in sorted(set(listed) - current):
        say(f"removing {name}")
        podman("rmi", name, check=False)


# --- Command line ----------------------------------------------------------------------------


def doctor() -> int:
    """Say what this machine is and which images it has."""
    kind = "bare machine, in a private view" if on_bare_machine() else "ordinary machine"
    say(f"{kind}; {podman('--version')}")
    for release in RELEASES:
        cached = [flavour for flavour in PARENT_OF if exists(image_name(release, flavour))]
        print(f"{release}: {'has ' + ' '.join(cached) if cached else 'not built yet'}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    top = argparse.ArgumentParser(prog="lab.py", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    image = commands.add_parser("image", help="build an image if needed and print its name")
    image.add_argument("release", choices=RELEASES)
    image.add_argument("flavour", nargs="?", default="base", choices=list(PARENT_OF))
    raise_group = commands.add_parser("up", help="start a group of containers")
    raise_group.add_argument("--group", required=True)
    raise_group.add_argument("--hosts", required=True, help="NAME=RELEASE[:FLAVOUR],...")
    raise_group.add_argument(
        "--keep",
        action="store_true",
        help="let the group live as long as the private view (ordinary machine: until down)",
    )
    commands.add_parser("down", help="remove a group").add_argument("--group", required=True)
    commands.add_parser("sweep", help="remove what owners left").add_argument("--owner")
    commands.add_parser("prune", help="remove images of recipes that have changed")
    commands.add_parser("doctor", help="say what this machine can do")
    return top


def main(arguments: t.Sequence[str]) -> int:
    """Run one command; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "image":
            print(build(options.release, options.flavour))
        elif options.command == "up":
            print(up(options.group, parse_hosts(options.hosts), keep=options.keep))
        elif options.command == "down":
            down(options.group)
        elif options.command == "sweep":
            sweep(options.owner)
        elif options.command == "prune":
            prune()
        else:
            return doctor()
    except NotAvailable as error:
        say(str(error))
        return NOT_AVAILABLE
    except LabError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
