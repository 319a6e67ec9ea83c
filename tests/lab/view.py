# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as the owner of laboratory containers, in a private view where one is needed.

``view.py plain -- COMMAND`` runs it as it is; ``view.py view -- COMMAND`` in the private view of
this machine, which is joined when it is there and made when it is not. A view is a mount and a
process namespace with a pure cgroup v2 tree and fresh run-time state for Podman; it ends, with
every process in it, when the command that made it ends.

Every call is an *owner*: it holds a lock for as long as it lives. Containers and networks carry
their owner's name in a label, so that they can be removed when the owner ends, and found when the
owner was killed.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
OWNER_VARIABLE = "HARDENED_MAIL_LAB"
# For the laboratory's own test, which must not meet the machine's view.
STATE_VARIABLE = "HARDENED_MAIL_LAB_STATE"
INOTIFY_LIMIT = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
MARK = pathlib.Path("/run/containers/hardened-mail-lab")
PODMAN_STATE = ("containers", "libpod", "netns", "runc")
GRACE_SECONDS = 30.0

# <sched.h>, <sys/mount.h>, <sys/prctl.h>, <asm-generic/siginfo.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC, MS_PRIVATE = 16384, 1 << 18
PR_SET_PDEATHSIG = 1
SI_KERNEL = 0x80

PASSED_ON = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
WATCHED = PASSED_ON | {signal.SIGCHLD}

# Daemons of containers: they end with their containers, not with the command that started one.
PODMAN_DAEMONS = {"conmon", "aardvark-dns", "catatonit", "slirp4netns", "pasta", "rootlessport"}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: t.Any) -> None:
    """Call a function of the C library; raises OSError with its errno."""
    if getattr(_libc, name)(*args) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int) -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), flags, None)


def state_directory() -> pathlib.Path:
    """Return the folder for locks and the view's record; it does not outlive a reboot."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return pathlib.Path(named)
    base = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp")
    path = pathlib.Path(base) / f"hardened-mail-lab{'' if base != '/tmp' else os.geteuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def lock_of(owner: str) -> pathlib.Path:
    """Return the file that the owner keeps locked for as long as it lives."""
    return state_directory() / f"owner-{owner}.lock"


def is_alive(owner: str) -> bool:
    """Tell whether the owner still runs."""
    try:
        with lock_of(owner).open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def start_time(pid: int) -> str:
    """Return the kernel's start time of a process; raises FileNotFoundError when it is gone."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[19]


class View(t.NamedTuple):
    """A living private view: its first process as seen from the machine, and Podman's settings."""

    pid: int
    owner: str
    environment: dict[str, str]


def record() -> pathlib.Path:
    """Return the file that names the machine's view."""
    return state_directory() / "view.json"


def find_view() -> t.Optional[View]:
    """Return the machine's living view, or None."""
    try:
        entry = json.loads(record().read_text(encoding="utf-8"))
        if start_time(entry["pid"]) != entry["start"] or not is_alive(entry["owner"]):
            return None
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return None
    return View(entry["pid"], entry["owner"], entry["environment"])


def surroundings() -> t.Optional[View]:
    """Return the view that this process is in, or None."""
    try:
        entry = json.loads(MARK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return View(1, entry["owner"], entry["environment"])


def exit_code(status: int) -> int:
    """Return what a shell would report for a wait status."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def follow(child: int, *, grace: t.Optional[float]) -> int:
    """Wait for the child, pass signals on to it, reap every other child; return its exit code.

    A signal from the terminal reached the child already and is not sent twice. A child that was
    told to end is killed ``grace`` seconds later, or never when that is None.
    """
    deadline: t.Optional[float] = None
    while True:
        if deadline is None:
            info = signal.sigwaitinfo(WATCHED)
        else:
            waited = signal.sigtimedwait(WATCHED, max(0.0, deadline - time.monotonic()))
            if waited is None:
                os.kill(child, signal.SIGKILL)
                deadline = None
                continue
            info = waited
        if info.si_signo in PASSED_ON:
            if info.si_code != SI_KERNEL:
                os.kill(child, info.si_signo)
            if info.si_signo != signal.SIGINT and grace is not None and deadline is None:
                deadline = time.monotonic() + grace
            continue
        code = _reap(child)
        if code is not None:
            return code


def _reap(child: int) -> t.Optional[int]:
    """Reap what has ended; return the child's exit code once it is among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = exit_code(status)


def spawn(command: t.Sequence[str]) -> int:
    """Start the command with an open signal mask; return its process id."""
    child = os.fork()
    if child:
        return child
    _open_signal_mask()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        sys.stderr.write(f"lab: cannot run {command[0]!r}: {error.strerror}\n")
    os._exit(127)


def sweep(*arguments: str) -> bool:
    """Remove containers and networks of dead owners, or of the one named; tell if that worked."""
    # In a session of its own: a second Ctrl-C of an impatient person must not stop it half-way.
    done = subprocess.run(
        [sys.executable, str(HERE / "lab.py"), "sweep", *arguments],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_open_signal_mask,
        check=False,
    )
    return done.returncode == 0


def _open_signal_mask() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def clean_up(owner: str) -> None:
    """Remove the owner's containers and networks, and end what it left running."""
    if not sweep("--owner", owner):
        sys.stderr.write(f"lab: could not remove everything of owner {owner}\n")
    for pid in stragglers(owner):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def stragglers(owner: str) -> t.Iterator[int]:
    """Yield processes that the owner's command left behind, such as shared SSH connections."""
    wanted = f"{OWNER_VARIABLE}={owner}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
            name = (entry / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
        if wanted in variables and name not in PODMAN_DAEMONS:
            yield int(entry.name)


def run_as_owner(owner: str, command: t.Sequence[str]) -> int:
    """Run the command, then remove what it made; return its exit code."""
    os.environ[OWNER_VARIABLE] = owner
    code = follow(spawn(command), grace=GRACE_SECONDS)
    clean_up(owner)
    return code


def podman_settings() -> dict[str, str]:
    """Return the variables that make Podman work in a view; the laboratory's test has its own."""
    defaults = {
        "CONTAINERS_CONF": str(HERE / "containers-bare.conf"),
        "CONTAINERS_STORAGE_CONF": str(HERE / "storage-bare.conf"),
    }
    own = os.environ if os.environ.get(STATE_VARIABLE) else {}
    return {name: own.get(name, value) for name, value in defaults.items()}


def furnish(owner: str) -> None:
    """Give this process's own mount namespace a cgroup v2 tree and fresh Podman state."""
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    if os.path.ismount("/sys/fs/cgroup"):
        subprocess.run(["umount", "-R", "/sys/fs/cgroup"], check=True)
    _mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in PODMAN_STATE:
        directory = pathlib.Path("/run") / name
        directory.mkdir(exist_ok=True)
        _mount("tmpfs", str(directory), "tmpfs", MS_NOSUID | MS_NODEV)
    mark = {"owner": owner, "environment": podman_settings()}
    MARK.write_text(json.dumps(mark), encoding="utf-8")


def allow_inotify() -> t.Optional[str]:
    """Let the kernel give root enough inotify instances; return the former limit if it was raised.

    Every systemd in a container takes about fourteen, and one that gets none hangs while it boots.
    """
    former = INOTIFY_LIMIT.read_text(encoding="ascii").strip()
    if int(former) >= INOTIFY_INSTANCES:
        return None
    INOTIFY_LIMIT.write_text(str(INOTIFY_INSTANCES), encoding="ascii")
    return former


def make_view(owner: str, command: t.Sequence[str], creation_lock: t.IO[str]) -> int:
    """Run the command as the first one of a new view; return its exit code."""
    os.environ.update(podman_settings())
    former = allow_inotify()
    _call("unshare", CLONE_NEWPID)
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        _die_with_parent()
        try:
            _call("unshare", CLONE_NEWNS)
            furnish(owner)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"lab: cannot make the private view: {error}\n")
            os._exit(2)
        sweep()
        os.write(tell, b"!")
        os.close(tell)
        creation_lock.close()
        os._exit(run_as_owner(owner, command))
    os.close(tell)
    if os.read(ready, 1):
        entry = {
            "pid": child,
            "start": start_time(child),
            "owner": owner,
            "environment": podman_settings(),
        }
        record().write_text(json.dumps(entry), encoding="utf-8")
    creation_lock.close()
    code = follow(child, grace=None)
    record().unlink(missing_ok=True)
    if former:
        INOTIFY_LIMIT.write_text(former, encoding="ascii")
    return code


def join_view(view: View, owner: str, command: t.Sequence[str]) -> int:
    """Run the command in a view that is there already; return its exit code."""
    os.environ.update(view.environment)
    directory = os.getcwd()
    processes, mounts = (
        os.open(f"/proc/{view.pid}/ns/{name}", os.O_RDONLY) for name in ("pid", "mnt")
    )
    _call("setns", processes, 0)
    child = os.fork()
    if child == 0:
        _die_with_parent()
        _call("setns", mounts, 0)
        os.chdir(directory)
        os._exit(run_as_owner(owner, command))
    return follow(child, grace=None)


def _die_with_parent() -> None:
    # SIGTERM, not SIGKILL: the command is ended and cleaned up after even then.
    _call("prctl", PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def run(mode: str, command: t.Sequence[str]) -> int:
    """Run the command in the given mode; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    owner = secrets.token_hex(6)
    lock = lock_of(owner).open("w", encoding="utf-8")
    os.set_inheritable(lock.fileno(), False)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if mode == "plain":
            inside = surroundings()
            os.environ.update(inside.environment if inside else {})
            return run_as_owner(owner, command)
        creation = (state_directory() / "create.lock").open("w", encoding="utf-8")
        fcntl.flock(creation, fcntl.LOCK_EX)
        view = find_view()
        if view is None:
            return make_view(owner, command, creation)
        creation.close()
        return join_view(view, owner, command)
    finally:
        lock_of(owner).unlink(missing_ok=True)


def main(arguments: t.Sequence[str]) -> int:
    """Read the command line and run; return the exit code."""
    if len(arguments) < 3 or arguments[0] not in {"plain", "view"} or arguments[1] != "--":
        sys.stderr.write("usage: view.py plain|view -- COMMAND [ARGUMENT]...\n")
        return 2
    try:
        return run(arguments[0], arguments[2:])
    except OSError as error:
        sys.stderr.write(f"lab: cannot make or join the private view: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
