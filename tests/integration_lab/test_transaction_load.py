# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under a steady load: no message is lost; no connection is refused unless a change is put back."""

from __future__ import annotations

import json
import statistics
import time
import typing as t

import pytest

from .conftest import Machine, applied

TURNS = 20
#: The longest silence of port 25 when a change is put back, in seconds; more only on a machine that is too busy for
#: a plain restart of Postfix to be done in less than two.
GAP = 5.0
RESTARTS = 2.5

#: Takes every recipient and throws the messages away after they went through the queue.
SINK = "local_recipient_maps =\nlocal_transport = discard:kept\n"

#: Two connections at a time, one for each message; smtp-source ends with an error when one is refused.
STRICT_LOAD = """
sent=0
rm -f /root/load.stop /root/load.done
until [ -e /root/load.stop ]; do
  smtp-source -s 2 -m 10 -N -M {peer}.example -f from@{peer}.example -t "m$sent.x@{host}.example" {host}.example:25 \\
    2>>/root/load.errors || break
  sent=$((sent + 10))
  sleep 0.1
done
echo $sent >/root/load.done
"""

#: Through the queue of the sender's own Postfix, which tries again as every mail server does.
PATIENT_LOAD = """
sent=0
rm -f /root/load.stop /root/load.done
until [ -e /root/load.stop ]; do
  smtp-source -s 1 -m 2 -N -M {peer}.example -f from@{peer}.example -t "m$sent.x@{host}.example" 127.0.0.1:25 \\
    2>>/root/load.errors || break
  sent=$((sent + 2))
  sleep 0.3
done
echo $sent >/root/load.done
"""

#: The longest time between two greetings that a stranger gets.
WATCH = """
import os, socket, sys, time
longest, last = 0.0, time.monotonic()
while not os.path.exists("/root/load.stop"):
    try:
        with socket.create_connection((sys.argv[1], 25), 2) as peer:
            peer.settimeout(2)
            if peer.recv(100).startswith(b"220"):
                now = time.monotonic()
                longest, last = max(longest, now - last), now
                peer.sendall(b"QUIT\\\\r\\\\n")
                peer.recv(100)
    except OSError:
        pass
    time.sleep(0.1)
print(max(longest, time.monotonic() - last), file=open("/root/watch.done", "w"))
"""


@pytest.fixture
def sink(machine: Machine) -> t.Iterator[Machine]:
    """A machine that takes and discards all mail for it; the other one is fresh as well."""
    machine.peer.reset()
    machine.append("/etc/postfix/main.cf", SINK)
    machine.sh("postfix reload 2>/dev/null; journalctl --rotate; journalctl --vacuum-time=1s -q")
    machine.peer.sh("rm -f /root/load.* /root/watch.done")
    machine.wait_for_banner()
    yield machine
    machine.peer.sh("touch /root/load.stop")
    machine.peer.reset()


def start(machine: Machine, load: str) -> None:
    """Start a load from the other machine and wait for its first message."""
    script = load.format(host=machine.name, peer=machine.peer.name)
    machine.peer.sh("cat >/root/load.sh", stdin=script)
    machine.peer.sh("systemd-run --quiet --collect --unit=postfix-load bash /root/load.sh")
    ended = "cat /root/load.errors; [ ! -e /root/load.done ] || echo the load has ended"
    wait_until(lambda: arrived(machine) > 0 or machine.peer.sh(ended) != "")
    assert machine.peer.sh(ended) == ""


def end(machine: Machine) -> int:
    """End the load; return how many messages it sent, once the queues are empty."""
    machine.peer.sh("touch /root/load.stop; until [ -e /root/load.done ]; do sleep 0.1; done")
    assert machine.peer.sh("cat /root/load.errors") == ""
    # A message that qmgr(8) took back to the incoming queue waits there for its next wakeup, 300 s away.
    left = "postqueue -f; postqueue -j"
    for one in (machine.peer, machine):
        wait_until(lambda one=one: one.sh(left) == "")  # type: ignore[misc]
    return int(machine.peer.sh("cat /root/load.done"))


def arrived(machine: Machine) -> int:
    """Return how many different messages were taken and came to their end on the machine."""
    return int(
        machine.sh(
            "journalctl --no-pager -o cat -t postfix/discard | grep -o 'to=<[^>]*@.*status=sent' "
            "| cut -d, -f1 | sort -u | wc -l"
        )
    )


def wait_until(reached: t.Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for something that will come."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


def test_changes_under_load_lose_no_message_and_refuse_no_connection(sink: Machine) -> None:
    pid = sink.master_pid()
    start(sink, STRICT_LOAD)
    for turn in range(TURNS):
        parameters = {"smtpd_banner": f"$myhostname ESMTP turn {turn}"}
        service = {"name": "submission", "command": "smtpd"}
        state = "present" if turn % 2 == 0 else "absent"
        result = sink.apply(
            parameters=parameters, services=[{**service, "state": state}], rehearse=turn % 5 == 0
        )
        applied(result)
        assert result["activation"] == "reload"
    sent = end(sink)
    assert sent > TURNS
    assert arrived(sink) == sent
    assert sink.master_pid() == pid
    assert sink.outside()["banner"].endswith(f"turn {TURNS - 1}")
    sink.left_nothing()


DEADLY: t.Final = {
    "smtpd_sasl_auth_enable": True,
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/nothing-here",
}


def test_putting_back_under_load_loses_no_message_and_is_soon_over(sink: Machine) -> None:
    address = sink.peer.sh(f"getent ahostsv4 {sink.name}.example | cut -d' ' -f1 | head -1")
    quick = (
        "minimal_backoff_time=1s maximal_backoff_time=2s queue_run_delay=1s smtp_helo_timeout=5s"
    )
    sink.peer.sh(f"postconf -e relayhost=[{address}] {quick} && postfix reload 2>/dev/null")
    before = sink.read("/etc/postfix/main.cf")
    start(sink, PATIENT_LOAD)
    began = time.monotonic()
    sink.restart()
    limit = max(GAP, RESTARTS * (time.monotonic() - began))
    sink.peer.sh("cat >/root/watch.py", stdin=WATCH)
    sink.peer.sh(
        f"systemd-run --quiet --collect --unit=postfix-watch python3 /root/watch.py {address}"
    )
    gaps = []
    for _turn in range(TURNS):
        result = sink.apply(parameters=DEADLY, rehearse=False)
        assert result.get("failed"), result
        assert "Postfix was restarted and answers as before" in result["msg"]
        gaps.append(result["gap_seconds"])
        assert sink.read("/etc/postfix/main.cf") == before
    sent = end(sink)
    wait_until(lambda: sink.peer.try_run("test", "-s", "/root/watch.done").status == 0)
    seen = float(sink.peer.sh("cat /root/watch.done"))
    print(json.dumps({"sent": sent, "reported": gaps, "longest seen": round(seen, 1)}))
    assert sent > TURNS
    assert arrived(sink) == sent
    assert sink.peer.sh("journalctl --no-pager -o cat | grep -c status=bounced || :") == "0"
    # The median: one slow turn says more of a busy machine than of the put-back.
    assert statistics.median(gaps) <= limit, (gaps, limit)
    assert seen <= 2 * max(limit, *gaps), (seen, gaps)
    sink.left_nothing()
