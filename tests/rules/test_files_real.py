# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that look at the host, on real hosts: break something, see it found, mend it, see it gone.

What is said to die at run time dies here, seen by clients that are not the collection's. Run with
``tests/lab/enter .venv/bin/pytest tests/rules/test_files_real.py``.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import pathlib
import sys
import tarfile
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_certificates,
    rules_files,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
laboratory = importlib.import_module("laboratory").load()

#: A client of the standard library: EHLO, MAIL and RCPT as a stranger, and what was answered.
ASK = """
import json, smtplib, sys
host, recipient = sys.argv[1:]
try:
    with smtplib.SMTP(host, 25, local_hostname="probe.example", timeout=20) as client:
        client.ehlo()
        code, text = client.mail("probe@probe.example")
        if code < 400:
            code, text = client.rcpt(recipient)
    print(json.dumps([code, text.decode()]))
except smtplib.SMTPResponseException as refused:
    print(json.dumps([refused.smtp_code, refused.smtp_error.decode()]))
except (OSError, smtplib.SMTPException) as error:
    print(json.dumps([0, repr(error)]))
"""

#: A daemon that keeps a UNIX-domain socket until its standard input ends.
LISTEN = """
import os, socket, sys
path, mode = sys.argv[1], int(sys.argv[2], 8)
if os.path.exists(path):
    os.unlink(path)
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path)
os.chmod(path, mode)
"""


def findings(machine: t.Any, *rules: str, **options: t.Any) -> list[dict[str, t.Any]]:
    """Return what these rules find on a host."""
    arguments = {"rules_enabled": rules, "fail_on": "never", **options}
    done = machine.try_run(
        "python3", f"{laboratory.CODE}/run.py", "postconf_validate", stdin=json.dumps(arguments)
    )
    result = laboratory.result_of(done)
    assert not result.get("failed"), result
    assert not result["incomplete"], result["incomplete"]
    return list(result["findings"])


def answer(machine: t.Any, recipient: str = "") -> tuple[int, str]:
    """Return how the host answers a stranger who has mail for somebody."""
    wanted = recipient or f"root@{machine.name}.example"
    done = machine.peer.try_run("python3", "-c", ASK, machine.name, wanted)
    code, text = json.loads(done.out)
    return code, text


def works(machine: t.Any) -> None:
    """Fail unless a stranger gets TLS and may hand in mail."""
    machine.serves()
    code, text = answer(machine)
    assert code == 250, (code, text)


def no_tls(machine: t.Any) -> None:
    """Fail unless the port answers and TLS does not work."""
    seen = machine.outside()
    assert "banner" in seen, seen
    assert "tls" not in seen, seen


def port_dead(machine: t.Any) -> None:
    """Fail unless no client gets as far as an answer to EHLO."""
    seen = machine.outside()
    assert "plain" not in seen, seen


def put_off(machine: t.Any) -> None:
    """Fail unless a recipient of this host is refused for now."""
    code, text = answer(machine)
    assert 400 <= code < 500, (code, text)


def outcome(machine: t.Any, recipient: str) -> str:
    """Hand in mail on the host itself; return the lines of the log up to an outcome."""
    cursor = machine.sh("journalctl -n 0 --show-cursor").rpartition("cursor: ")[2].strip()
    machine.sh(f"sendmail -f root@{machine.name}.example {recipient}", stdin="Subject: a\n\nb\n")
    deadline = time.monotonic() + 40
    said = ""
    while time.monotonic() < deadline:
        said = machine.sh(f"journalctl -o cat --after-cursor='{cursor}'")
        if "status=" in said or "-- throttling" in said:
            return said
        time.sleep(0.2)
    pytest.fail(f"no outcome in the log:\n{said}")


def to_peer(machine: t.Any) -> str:
    """Return what the log says of a message to the other host."""
    return outcome(machine, f"root@{machine.peer.name}.example")


OUT: t.Final = (
    "postconf -e 'relayhost = [{peer}]' 'smtp_tls_security_level = may' 'smtp_tls_loglevel = 1'"
)


def out_in_clear(machine: t.Any) -> None:
    """Fail unless mail goes out, and without TLS."""
    said = to_peer(machine)
    assert "status=sent" in said, said
    assert "TLS connection established to" not in said, said


def out_with_tls(machine: t.Any) -> None:
    """Fail unless mail goes out with TLS."""
    said = to_peer(machine)
    assert "status=sent" in said, said
    assert "TLS connection established to" in said, said


def out_stuck(machine: t.Any) -> None:
    """Fail when mail to the other host is delivered."""
    assert "status=sent" not in to_peer(machine)


def local_stuck(machine: t.Any) -> None:
    """Fail when mail to a user of the host is delivered."""
    assert "status=sent" not in outcome(machine, f"root@{machine.name}.example")


def local_works(machine: t.Any) -> None:
    """Fail unless mail to a user of the host is delivered."""
    assert "status=sent" in outcome(machine, f"root@{machine.name}.example")


def cannot_hand_in(machine: t.Any) -> None:
    """Fail when an ordinary user can send mail."""
    done = hand_in(machine)
    assert done.status != 0, done


def can_hand_in(machine: t.Any) -> None:
    """Fail unless an ordinary user can send mail."""
    done = hand_in(machine)
    assert done.status == 0, done


def hand_in(machine: t.Any) -> t.Any:
    """Send mail as nobody."""
    # postdrop tries again for ever.
    return machine.try_run(
        *("timeout", "3", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        *("sendmail", "root"),
        stdin="Subject: a\n\nb\n",
    )


def cannot_start(machine: t.Any) -> None:
    """Fail when Postfix starts."""
    done = machine.try_run("postfix", "reload")
    assert done.status != 0, done


def can_start(machine: t.Any) -> None:
    """Fail unless Postfix reads its configuration."""
    machine.sh("postfix reload")


@dataclasses.dataclass(frozen=True)
class Trouble:
    """Something to break on a host, and what comes of it.

    ``breaks`` and ``mends`` are shell scripts; ``{peer}`` is the other host. ``subject`` is what the finding
    must name. ``dies`` sees what a client sees while it is broken, ``lives`` when it is mended.
    ``releases`` are those where it is wrong at all.
    """

    rule: str
    breaks: str
    mends: str
    subject: str = "main.cf"
    dies: t.Callable[[t.Any], None] | None = None
    lives: t.Callable[[t.Any], None] | None = None
    severity: str = ""
    releases: t.Container[str] = ("bullseye", "bookworm", "trixie", "sid")
    name: str = ""

    @property
    def id(self) -> str:
        """The name of the test."""
        return "-".join(filter(None, (self.rule, self.name)))


PAIR: t.Final = (
    "postconf -e 'smtpd_tls_cert_file = /srv/certificates/{certificate}' "
    "'smtpd_tls_key_file = /srv/certificates/{key}'; postfix reload"
)
CHAIN: t.Final = (
    "postconf -X smtpd_tls_cert_file smtpd_tls_key_file; "
    "postconf -e 'smtpd_tls_chain_files = {files}'; postfix reload"
)
IN: t.Final = "/srv/certificates"
GOOD: t.Final = PAIR.format(certificate="chain.pem", key="p256.key")


def served(rule: str, file: str, **more: t.Any) -> Trouble:
    """Return the trouble with a certificate file that is good for its key."""
    breaks = PAIR.format(certificate=file, key=more.pop("key", "p256.key"))
    return Trouble(rule, breaks, more.pop("mends", GOOD), **more)


KEY_RULE: t.Final = "certificate-key-mismatch"
CERTIFICATES: t.Final = (
    served("certificate-file-unusable", "none.pem", dies=no_tls, lives=works),
    served(
        "certificate-file-unusable", "p256.key", dies=no_tls, lives=works, name="no-certificate"
    ),
    served("certificate-file-unusable", "chain.pem", key="none.key", dies=no_tls, name="no-key"),
    Trouble(
        "certificate-file-unusable",
        CHAIN.format(files=f"{IN}/none.pem"),
        CHAIN.format(files=f"{IN}/all.pem"),
        dies=no_tls,
        lives=works,
        name="chain-files",
    ),
    Trouble(
        "certificate-file-unusable",
        f"{OUT}; postconf -e 'smtp_tls_cert_file = {IN}/none.pem'; postfix reload",
        "postconf -X smtp_tls_cert_file; postfix reload",
        dies=out_in_clear,
        lives=out_with_tls,
        name="client",
    ),
    Trouble(
        "certificate-file-unusable",
        f"{GOOD}; postconf -e "
        f"'tls_server_sni_maps = inline:{{{{ a.example = {IN}/none.pem }}}}'; postfix reload",
        "postconf -X tls_server_sni_maps; postfix reload",
        lives=works,
        name="name-that-is-asked-for",
    ),
    served("certificate-key-mismatch", "chain.pem", key="rsa2048.key", dies=no_tls, lives=works),
    served("certificate-key-encrypted", "chain.pem", key="locked.key", dies=no_tls, lives=works),
    Trouble(
        "certificate-files-order",
        CHAIN.format(files=f"{IN}/chain.pem, {IN}/p256.key"),
        CHAIN.format(files=f"{IN}/p256.key, {IN}/chain.pem"),
        dies=no_tls,
        lives=works,
    ),
    Trouble(
        "certificate-files-order",
        CHAIN.format(files=f"{IN}/all.pem, {IN}/another.pem"),
        CHAIN.format(files=f"{IN}/all.pem"),
        dies=no_tls,
        lives=works,
        name="two-of-a-kind",
    ),
    served("certificate-chain-order", "upside-down.pem", dies=no_tls, lives=works),
    served("certificate-chain-incomplete", "good.pem", lives=works),
    served("certificate-chain-surplus", "surplus.pem", severity="low"),
    served("certificate-chain-surplus", "with-root.pem", severity="info", name="root"),
    served("certificate-expired", "expired-chain.pem", severity="high"),
    served("certificate-expired", "future-chain.pem", severity="high", name="not-yet"),
    served("certificate-expires-soon", "soon-chain.pem"),
    served("certificate-wrong-name", "other-chain.pem", severity="medium"),
    served("certificate-wildcard", "wildcard-chain.pem", severity="info"),
    served("certificate-self-signed", "self.pem", severity="medium"),
    served("certificate-weak-key", "small-chain.pem", key="rsa1024.key"),
    served("certificate-weak-signature", "sha1-chain.pem"),
    *(
        Trouble(
            rule,
            f"{GOOD}; {change}",
            f"chmod 0755 {IN}; chown root:root {IN}/p256.key; chmod 0600 {IN}/p256.key",
            severity=severity,
            name=name,
        )
        for rule, change, severity, name in (
            ("key-readable-by-all", f"chmod 0644 {IN}/p256.key", "high", ""),
            (
                "key-readable-by-all",
                f"chmod 0644 {IN}/p256.key; chmod 0700 {IN}",
                "low",
                "closed-directory",
            ),
            (
                "key-readable-by-group",
                f"chgrp mail {IN}/p256.key; chmod 0640 {IN}/p256.key",
                "medium",
                "",
            ),
            ("key-owned-by-user", f"chown mail {IN}/p256.key", "medium", ""),
        )
    ),
)

Q: t.Final = "/var/spool/postfix"
TABLE: t.Final = "kind=$(postconf -h default_database_type); "
LOGIN: t.Final = (
    "postconf -e smtpd_sasl_auth_enable=yes smtpd_sasl_type=dovecot smtpd_sasl_path={path}; "
    "postconf -F smtp/inet/chroot=y; postfix reload"
)
# A restart: master(8) starts a daemon that died again only after a minute.
NO_LOGIN: t.Final = "postconf -X smtpd_sasl_auth_enable; systemctl restart postfix.service"

FILES: t.Final = (
    Trouble(
        "config-file-writable",
        "chmod 0666 /etc/postfix/master.cf",
        "chmod 0644 /etc/postfix/master.cf",
        subject="/etc/postfix/master.cf",
    ),
    Trouble(
        "config-file-writable",
        "chown mail /etc/postfix/main.cf",
        "chown root /etc/postfix/main.cf",
        subject="/etc/postfix/main.cf",
        name="owner",
    ),
    Trouble(
        "config-file-writable",
        "chmod 0777 /etc/postfix",
        "chmod 0755 /etc/postfix",
        subject="/etc/postfix",
        name="directory",
    ),
    Trouble(
        "queue-directory-open",
        f"chmod 0755 {Q}/private",
        f"chmod 0700 {Q}/private",
        subject=f"{Q}/private",
    ),
    Trouble(
        "queue-directory-open",
        f"chmod 0777 {Q}",
        f"chmod 0755 {Q}",
        subject=Q,
        name="top",
    ),
    Trouble(
        "queue-directory-open",
        f"chmod 1777 {Q}/maildrop",
        f"chmod 1730 {Q}/maildrop",
        subject=f"{Q}/maildrop",
        name="maildrop",
    ),
    Trouble(
        "data-directory-unusable",
        "systemctl stop postfix.service postfix@-.service; rm -f /var/lib/postfix/prng_exch; "
        "chown root:root /var/lib/postfix; systemctl start postfix.service",
        "chown postfix:postfix /var/lib/postfix; systemctl restart postfix.service",
        subject="/var/lib/postfix",
        dies=port_dead,
        lives=works,
    ),
    Trouble(
        "postdrop-not-setgid",
        "chmod 0755 /usr/sbin/postdrop",
        "chgrp postdrop /usr/sbin/postdrop; chmod 2555 /usr/sbin/postdrop",
        subject="/usr/sbin/postdrop",
        dies=cannot_hand_in,
        lives=can_hand_in,
    ),
    Trouble(
        "queue-disk-full",
        "systemctl stop postfix.service postfix@-.service; "
        f"mount -t tmpfs -o size=12m,mode=0755 none {Q}; systemctl start postfix.service",
        f"systemctl stop postfix.service postfix@-.service; umount {Q}; "
        "systemctl start postfix.service",
        subject=Q,
        dies=put_off,
        lives=works,
    ),
    Trouble(
        "daemon-program-missing",
        "postconf -F smtp/inet/command=smtpdd; postfix reload",
        "postconf -F smtp/inet/command=smtpd; systemctl restart postfix.service",
        subject="smtp/inet",
        dies=port_dead,
        lives=works,
    ),
    Trouble(
        "secret-table-readable",
        "echo 'relay.example mail:hunter2' >/etc/postfix/passwords; "
        f"{TABLE} postmap $kind:/etc/postfix/passwords; chmod 0644 /etc/postfix/passwords*; "
        "postconf -e smtp_sasl_password_maps=$kind:/etc/postfix/passwords",
        "chmod 0600 /etc/postfix/passwords*",
        subject="/etc/postfix/passwords",
    ),
    Trouble(
        "secret-table-readable",
        "printf '%s\\n' 'hosts = 192.0.2.1' 'password = hunter2' >/etc/postfix/users.cf; "
        "chmod 0644 /etc/postfix/users.cf; "
        "postconf -e virtual_mailbox_maps=proxy:mysql:/etc/postfix/users.cf 2>/dev/null",
        "chown root:postfix /etc/postfix/users.cf; chmod 0640 /etc/postfix/users.cf",
        subject="/etc/postfix/users.cf",
        name="sql",
    ),
    Trouble(
        "table-file-missing",
        f"{TABLE} postconf -e virtual_alias_maps=$kind:/etc/postfix/virtual; postfix reload",
        f"{TABLE} : >/etc/postfix/virtual; postmap $kind:/etc/postfix/virtual; postfix reload",
        dies=put_off,
        lives=works,
    ),
    Trouble(
        "table-file-missing",
        "postconf -e virtual_alias_maps=texthash:/etc/postfix/virtual; postfix reload",
        ": >/etc/postfix/virtual; postfix reload",
        dies=put_off,
        lives=works,
        name="plain",
    ),
    Trouble(
        "table-index-stale",
        f"{TABLE} echo 'a@a.example root' >/etc/postfix/virtual; "
        "postmap $kind:/etc/postfix/virtual; "
        "postconf -e virtual_alias_maps=$kind:/etc/postfix/virtual; "
        "touch -d '+1 minute' /etc/postfix/virtual",
        f"touch /etc/postfix/virtual; {TABLE} postmap $kind:/etc/postfix/virtual",
    ),
    Trouble(
        "table-closed-to-proxymap",
        ": >/etc/postfix/virtual; chmod 0600 /etc/postfix/virtual; "
        "postconf -e virtual_alias_maps=proxy:texthash:/etc/postfix/virtual; postfix reload",
        "chgrp postfix /etc/postfix/virtual; chmod 0640 /etc/postfix/virtual; postfix reload",
        dies=put_off,
        lives=works,
    ),
    Trouble(
        "table-writable",
        ": >/etc/postfix/virtual; chmod 0666 /etc/postfix/virtual; "
        "postconf -e virtual_alias_maps=texthash:/etc/postfix/virtual",
        "chmod 0644 /etc/postfix/virtual",
        subject="/etc/postfix/virtual",
    ),
    Trouble(
        "table-writable",
        ": >/tmp/virtual; postconf -e virtual_alias_maps=texthash:/tmp/virtual",
        "mv /tmp/virtual /etc/postfix/; "
        "postconf -e virtual_alias_maps=texthash:/etc/postfix/virtual",
        subject="/tmp/virtual",
        name="place",
    ),
    Trouble(
        "aliases-writable",
        "chgrp mail /etc/aliases; chmod 0664 /etc/aliases",
        "chgrp root /etc/aliases; chmod 0644 /etc/aliases",
        subject="/etc/aliases",
    ),
    Trouble(
        "sasl-socket-missing",
        LOGIN.format(path="private/auth"),
        NO_LOGIN,
        dies=port_dead,
        lives=works,
    ),
    Trouble(
        "sasl-socket-closed",
        f'python3 -c "$LISTEN" {Q}/private/auth 0600; ' + LOGIN.format(path="private/auth"),
        f"rm {Q}/private/auth; {NO_LOGIN}",
        subject=f"{Q}/private/auth",
        dies=port_dead,
        lives=works,
    ),
    Trouble(
        "sasl-socket-open",
        'mkdir -p /run/login; python3 -c "$LISTEN" /run/login/auth 0666; '
        + LOGIN.format(path="/run/login/auth").replace("chroot=y", "chroot=n"),
        "chown postfix /run/login/auth; chmod 0600 /run/login/auth",
        subject="/run/login/auth",
    ),
    Trouble(
        "sasl-path-outside-chroot",
        LOGIN.format(path=f"{Q}/private/auth"),
        NO_LOGIN,
        dies=port_dead,
        lives=works,
    ),
    Trouble(
        "milter-socket-unusable",
        "postconf -e smtpd_milters=unix:filter/socket; postfix reload",
        "postconf -X smtpd_milters; postfix reload",
        severity="high",
        dies=put_off,
        lives=works,
    ),
    Trouble(
        "milter-socket-unusable",
        "postconf -e smtpd_milters=unix:filter/socket milter_default_action=accept; postfix reload",
        "postconf -X smtpd_milters; postfix reload",
        severity="medium",
        dies=works,
        lives=works,
        name="accept",
    ),
    Trouble(
        "policy-socket-unusable",
        "postconf -e 'smtpd_recipient_restrictions = check_policy_service unix:private/policy'; "
        "postfix reload",
        "postconf -X smtpd_recipient_restrictions; postfix reload",
        dies=put_off,
        lives=works,
    ),
    Trouble(
        "delivery-socket-unusable",
        "postconf -e mailbox_transport=lmtp:unix:private/store; postfix reload",
        "postconf -X mailbox_transport; postfix reload",
        dies=local_stuck,
        lives=local_works,
    ),
    Trouble(
        "chroot-resolver-missing",
        f"{OUT}; postconf -F smtp/unix/chroot=y; postfix reload; "
        f"mkdir -p {Q}/etc; rm -f {Q}/etc/resolv.conf",
        f"install -m 0644 /etc/resolv.conf {Q}/etc/resolv.conf; postfix reload",
        subject=f"{Q}/etc/resolv.conf",
        dies=out_stuck,
        lives=out_with_tls,
    ),
    Trouble(
        "chroot-resolver-stale",
        "postconf -F smtp/unix/chroot=y; "
        f"mkdir -p {Q}/etc; echo nameserver 192.0.2.53 >{Q}/etc/resolv.conf",
        f"install -m 0644 /etc/resolv.conf {Q}/etc/resolv.conf",
        subject=f"{Q}/etc/resolv.conf",
    ),
    Trouble(
        "chroot-services-missing",
        f"{OUT}; postconf -F smtp/unix/chroot=y; postfix reload; rm -f {Q}/etc/services",
        f"install -D -m 0644 /etc/services {Q}/etc/services; systemctl restart postfix.service",
        subject=f"{Q}/etc/services",
        dies=out_stuck,
        lives=out_with_tls,
        releases=("bullseye",),
    ),
    Trouble(
        "chroot-service-cannot-run",
        "postconf -F local/unix/chroot=y; postfix reload",
        "postconf -F local/unix/chroot=n; postfix reload",
        subject="local/unix",
        dies=local_stuck,
        lives=local_works,
    ),
    Trouble(
        "service-lacks-root",
        "postconf -F local/unix/unprivileged=y; postfix reload",
        "postconf -F local/unix/unprivileged=n; systemctl restart postfix.service",
        subject="local/unix",
        dies=local_stuck,
        lives=local_works,
    ),
    Trouble(
        "ca-file-unreadable",
        f"{OUT}; postconf -e smtp_tls_CAfile=/etc/ssl/none.crt; postfix reload",
        "postconf -e smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt; postfix reload",
        dies=out_in_clear,
        lives=out_with_tls,
    ),
    Trouble(
        "ca-directory-missing",
        "postconf -X smtp_tls_CAfile; postconf -F smtp/unix/chroot=n relay/unix/chroot=n; "
        "postconf -e smtp_tls_CApath=/etc/ssl/none smtp_tls_security_level=may",
        "postconf -e smtp_tls_CApath=/etc/ssl/certs",
        severity="low",
    ),
    Trouble(
        "ca-directory-missing",
        "postconf -X smtp_tls_CAfile; "
        "postconf -e smtp_tls_CApath=/etc/ssl/certs/java smtp_tls_security_level=secure; "
        "postconf -F smtp/unix/chroot=y relay/unix/chroot=y",
        f"mkdir -p {Q}/etc/ssl/certs/java",
        severity="high",
        name="chroot",
    ),
    Trouble(
        "tls-config-file-missing",
        "postconf -e tls_config_file=/etc/postfix/none.cnf; postfix reload",
        "postconf -X tls_config_file; postfix reload",
        dies=no_tls,
        lives=works,
    ),
    Trouble(
        "log-file-place",
        "postconf -e maillog_file=/opt/mail.log",
        "postconf -X maillog_file",
        dies=cannot_start,
        lives=can_start,
    ),
    Trouble(
        "certificate-absent",
        "postconf -e smtpd_tls_security_level=may; "
        "postconf -X smtpd_tls_cert_file smtpd_tls_key_file; postfix reload",
        GOOD,
        dies=no_tls,
        lives=works,
    ),
)


@pytest.fixture(scope="session")
def certificates(pki_module: t.Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of certificates for hosts of the laboratory, and their keys."""
    directory = tmp_path_factory.mktemp("certificates")
    pki = pki_module.Pki(directory)
    pki.issue("root", authority=True)
    pki.issue("authority", issuer="root", authority=True)
    names = ", ".join(f"DNS:{name}.example" for name in "abcd")
    for name, more in {
        "good": {},
        "expired": {"end": "20210101000000Z"},
        "future": {"start": "20800101000000Z"},
        "soon": {"end": time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5 * 86400))},
        "other": {"names": "DNS:other.example"},
        "wildcard": {"names": "DNS:*.example"},
        "small": {"key": "rsa1024"},
        "sha1": {"digest": "sha1"},
    }.items():
        one = pki.issue(name, issuer="authority", **{"names": names, **more})
        pki.file(f"{name}-chain.pem", one, directory / "authority.pem")
    pki.issue("self", names=names)
    good, issuer = directory / "good.pem", directory / "authority.pem"
    pki.file("chain.pem", good, issuer)
    pki.file("upside-down.pem", issuer, good)
    pki.file("surplus.pem", good, issuer, directory / "self.pem")
    pki.file("with-root.pem", good, issuer, directory / "root.pem")
    pki.file("all.pem", pki.key("p256"), good, issuer)
    another = pki.issue("second", issuer="authority", names=names, key="p384")
    pki.file("another.pem", pki.key("p384"), another, issuer)
    pki.key("rsa2048")
    pki_module.openssl(
        *("pkey", "-in", str(pki.key("p256")), "-out", str(directory / "locked.key")),
        *("-aes-256-cbc", "-passout", "pass:word"),
    )
    (directory / "locked.key").chmod(0o600)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted((*directory.glob("*.pem"), *directory.glob("*.key"))):
            archive.add(path, path.name)
    return packed.getvalue()


def _try(machine: t.Any, one: Trouble) -> None:
    peer = machine.peer.name
    if "{peer}" in one.breaks:
        # It takes the mail, whatever the last test made of it.
        machine.peer.reset()
    machine.sh(f"LISTEN={_quoted(LISTEN)}\n" + one.breaks.replace("{peer}", peer))
    try:
        found = {finding["subject"]: finding for finding in findings(machine, one.rule)}
        if machine.release not in one.releases:
            assert not found
            return
        assert one.subject in found, found
        if one.severity:
            assert found[one.subject]["severity"] == one.severity
        if one.dies:
            one.dies(machine)
    finally:
        machine.sh(one.mends.replace("{peer}", peer))
    assert not findings(machine, one.rule)
    if one.lives:
        one.lives(machine)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.mark.parametrize("one", CERTIFICATES, ids=lambda one: one.id)
def test_rule_sees_the_certificate(machine: t.Any, certificates: bytes, one: Trouble) -> None:
    machine.unpack(certificates, IN)
    _try(machine, one)


@pytest.mark.parametrize("one", FILES, ids=lambda one: one.id)
def test_rule_sees_the_host(machine: t.Any, certificates: bytes, one: Trouble) -> None:
    machine.unpack(certificates, IN)
    _try(machine, one)


def test_no_rule_accuses_a_sound_host(machine: t.Any, certificates: bytes) -> None:
    """Debian's own files, permissions and chroot, with a certificate of an authority."""
    machine.unpack(certificates, IN)
    machine.sh(GOOD)
    rules = (*rules_files.RULES, *rules_certificates.RULES)
    assert findings(machine, *(rule.id for rule in rules)) == []


def test_who_may_not_see_it_all_is_told_so(machine: t.Any) -> None:
    machine.sh(f"chmod 0755 {laboratory.CODE}")
    machine.sh(f"{TABLE} : >/etc/postfix/x.cf; chmod 0600 /etc/postfix/x.cf")
    machine.sh("postconf -e virtual_alias_maps=proxy:mysql:/etc/postfix/x.cf 2>/dev/null")
    arguments = {"fail_on": "never", "rules_enabled": ["secret-table-readable", KEY_RULE]}
    done = machine.try_run(
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        *("python3", f"{laboratory.CODE}/run.py", "postconf_validate"),
        stdin=json.dumps(arguments),
    )
    machine.sh("postconf -X virtual_alias_maps")
    result = laboratory.result_of(done)
    assert result["findings"] == []
    unseen = {rule: one["reason"] for one in result["incomplete"] for rule in one["rules"]}
    assert "/etc/postfix/x.cf" in unseen["secret-table-readable"]
    assert "ssl-cert-snakeoil.key" in unseen[KEY_RULE]
    assert not result["passed"]


def test_a_resolver_elsewhere_is_no_ground_for_dane(machine: t.Any) -> None:
    rule = "dane-remote-resolver"
    file = "/etc/resolv.conf"
    machine.sh("postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec")
    machine.sh(f"cp {file} /root/resolver; echo nameserver 192.0.2.53 >{file}")
    try:
        (found,) = findings(machine, rule)
        assert (found["subject"], found["observed"]) == (file, "nameserver 192.0.2.53")
        machine.sh(f"echo nameserver 127.0.0.1 >{file}")
        assert findings(machine, rule) == []
        machine.sh(f"echo nameserver 192.0.2.53 >{file}; postconf -X smtp_tls_security_level")
        assert findings(machine, rule) == []
    finally:
        machine.sh(f"cat /root/resolver >{file}")


def test_every_rule_that_looks_at_the_host_is_tried() -> None:
    rules = (*rules_files.RULES, *rules_certificates.RULES)
    tried = {one.rule for one in (*CERTIFICATES, *FILES)}
    died = {one.rule for one in (*CERTIFICATES, *FILES) if one.dies}
    assert {rule.id for rule in rules if "host" in rule.needs} - tried == set()
    assert {rule.id for rule in rules if rule.dies} - died == set()
