# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate Postfix shows to a client that asks for a name, as ``openssl s_client`` sees it."""

from __future__ import annotations

import typing as t

import pytest

OWNED: t.Final = {"owner": "postfix_tls", "rehearse": False}
DIRECTORY: t.Final = "/srv/certificates"

#: Three names, the second with an RSA key as well.
MAKE: t.Final = f"""
mkdir -p {DIRECTORY} && cd {DIRECTORY}
own() {{
  openssl req -x509 -nodes -newkey $2 -days 300 -subj /CN=$1 -addext subjectAltName=DNS:$3 \
    -keyout $1.key -out $1.pem 2>/dev/null
  chmod 600 $1.key
}}
own host 'ec -pkeyopt ec_paramgen_curve:P-256' $(postconf -h myhostname)
own one 'ec -pkeyopt ec_paramgen_curve:P-256' mail.one.example
own one-rsa rsa:2048 mail.one.example
own two 'ec -pkeyopt ec_paramgen_curve:P-256' '*.two.example'
"""

HOST: t.Final = {"certificate": f"{DIRECTORY}/host.pem", "private_key": f"{DIRECTORY}/host.key"}


def row(file: str, *names: str) -> dict[str, t.Any]:
    """Return an element of O(policy.sni)."""
    pair = {"certificate": f"{DIRECTORY}/{file}.pem", "private_key": f"{DIRECTORY}/{file}.key"}
    return {"names": list(names), **pair}


SNI: t.Final = [
    row("one", "mail.one.example"),
    row("one-rsa", "mail.one.example"),
    row("two", ".two.example"),
]


@pytest.fixture
def holder(machine: t.Any) -> t.Any:
    """A machine that has the certificates."""
    machine.sh(MAKE)
    return machine


def shown(machine: t.Any, *options: str) -> str:
    """Return the common name of the certificate that a client gets; empty when there is none."""
    asked = ("openssl", "s_client", "-connect", f"{machine.name}:25", "-starttls", "smtp")
    text = machine.peer.try_run(*asked, *options, stdin="QUIT\n", seconds=20).out
    found = machine.peer.try_run("openssl", "x509", "-noout", "-subject", stdin=text).out
    return str(found.rpartition("=")[2].strip())


def test_each_name_gets_its_certificate_until_it_is_dropped(holder: t.Any) -> None:
    holder.sh(f"cat {DIRECTORY}/two.key {DIRECTORY}/two.pem >{DIRECTORY}/old.pem")
    site = f"inline:{{ {{ old.example = {DIRECTORY}/old.pem }} }}"
    holder.apply(parameters={"tls_server_sni_maps": site}, rehearse=False)
    request = {"policy": {"certificates": [HOST], "sni": SNI}, **OWNED}
    assert holder.apply(**request, check_mode=True)["changed"]
    assert holder.value("tls_server_sni_maps") == site
    result = holder.apply(**request)
    assert not result.get("failed"), result
    assert not holder.apply(**request)["changed"]
    assert shown(holder, "-servername", "mail.one.example") == "one"
    old = ("-servername", "mail.one.example", "-tls1_2", "-cipher", "aRSA")
    assert shown(holder, *old) == "one-rsa"
    assert shown(holder, "-servername", "imap.two.example") == "two"
    assert shown(holder, "-servername", "two.example") == "host"
    assert shown(holder, "-servername", "old.example") == "two"
    assert shown(holder, "-noservername") == "host"
    holder.apply(policy={"certificates": [HOST]}, **OWNED)
    assert holder.value("tls_server_sni_maps") == site
    assert shown(holder, "-servername", "mail.one.example") == "host"


def test_a_renewed_certificate_needs_a_reload_and_nothing_more(holder: t.Any) -> None:
    result = holder.apply(policy={"certificates": [HOST], "sni": SNI[:1]}, **OWNED)
    assert not result.get("failed"), result
    holder.sh(
        f"cd {DIRECTORY} && openssl req -x509 -key one.key -days 300 -subj /CN=renewed"
        " -addext subjectAltName=DNS:mail.one.example -out one.pem && postfix reload 2>/dev/null"
    )
    assert shown(holder, "-servername", "mail.one.example") == "renewed"


#: What is wrong, and what is said of it.
FAULTY: t.Final = {
    "missing": ([row("none", "a.example")], ["none.pem", "does not exist"]),
    "other name": ([row("one", "b.example")], ["mail.one.example", "b.example"]),
    "wrong domain": ([row("two", ".three.example")], ["two.example", "three"]),
    "two of a type": ([SNI[0], SNI[0]], ["both have a key of the type"]),
    "wildcard": ([row("one", "*.one.example")], ["is not a name"]),
}


def test_faulty_sni_is_refused(holder: t.Any) -> None:
    # With a file missing, Postfix would turn away every client that asks for any name at all.
    with holder.untouched():
        for case, (sni, fragments) in FAULTY.items():
            result = holder.apply(policy={"certificates": [HOST], "sni": sni}, **OWNED)
            assert result.get("failed"), case
            assert not [one for one in fragments if one not in result["msg"]], (case, result["msg"])
            assert "Nothing was changed" in result["msg"], case
        site = {"tls_server_sni_maps": "hash:/etc/postfix/sni"}
        result = holder.apply(policy={"sni": SNI}, parameters=site)
        assert "put all names into sni" in result["msg"]
