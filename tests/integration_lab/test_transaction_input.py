# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input is refused before anything is touched, and the message says what was found and what to do."""

from __future__ import annotations

import io
import json
import pathlib
import tarfile
import types
import typing as t

import pytest

from .conftest import Machine, applied, refused

DIRECTORY = "/srv/certificates"
SMTPD = {"command": "smtpd"}


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        pytest.param(
            {"parameters": {"smtpd_tls_secuirty_level": "may"}},
            ["main.cf smtpd_tls_secuirty_level", "did you mean smtpd_tls_security_level"],
            id="misspelt-parameter",
        ),
        pytest.param(
            {"parameters": {"smtpd_quantum_shield": "yes"}},
            ["main.cf smtpd_quantum_shield", "does not know it"],
            id="unknown-parameter",
        ),
        pytest.param(
            {"parameters": {"smtp_requiretls_policy": "opportunistic"}},
            ["main.cf smtp_requiretls_policy", "needs Postfix 3.11.0", "this host has 3."],
            id="newer-parameter",
        ),
        pytest.param(
            {"parameters": {"smtpd_tls_security_level": "mandatory"}},
            ["main.cf smtpd_tls_security_level", "'mandatory'", "none, may or encrypt"],
            id="level-of-the-server",
        ),
        pytest.param(
            {"parameters": {"smtp_tls_security_level": "danger"}},
            ["main.cf smtp_tls_security_level", "'danger'", "dane-only"],
            id="level-of-the-client",
        ),
        pytest.param(
            {"parameters": {"smtpd_tls_protocols": "!SSLv2, TLSv1.4"}},
            ["main.cf smtpd_tls_protocols", "'TLSv1.4'", "TLSv1.3"],
            id="protocol-list",
        ),
        pytest.param(
            {"parameters": {"smtpd_tls_mandatory_protocols": ">=TLSv1.9"}},
            ["main.cf smtpd_tls_mandatory_protocols", "'>=TLSv1.9'", "TLSv1.3"],
            id="protocol-bound",
        ),
        pytest.param(
            {"parameters": {"smtpd_tls_ciphers": "strong"}},
            ["main.cf smtpd_tls_ciphers", "'strong'", "high, medium"],
            id="suite-grade",
        ),
        pytest.param(
            {"parameters": {"smtp_tls_policy_maps": "mysql:/etc/postfix/policy"}},
            ["main.cf smtp_tls_policy_maps", "no table type 'mysql'", "it has", "hash"],
            id="map-type",
        ),
        pytest.param(
            {"parameters": {"smtp_tls_policy_maps": "hash:/etc/postfix/absent"}},
            ["main.cf smtp_tls_policy_maps", "/etc/postfix/absent"],
            id="map-file-missing",
        ),
        pytest.param(
            {"parameters": {"smtpd_banner": "220 $nosuchname ESMTP"}},
            ["main.cf $nosuchname", "defined nowhere"],
            id="undefined-name-in-a-value",
        ),
        pytest.param(
            {"parameters": {"smtpd_banner": "$smtpd_banner ESMTP"}},
            ["smtpd_banner"],
            id="value-that-refers-to-itself",
        ),
        pytest.param(
            {"parameters": {"smtpd_banner": "220 mx\nrelayhost = evil.example"}},
            ["smtpd_banner", "a line break"],
            id="line-break-in-a-value",
        ),
        pytest.param(
            {"parameters": {"relayhost = evil.example\nsmtpd_banner": "220 mx"}},
            ["is not the name of a Postfix parameter"],
            id="line-break-in-a-name",
        ),
        pytest.param(
            {"parameters": {"message_size_limit": "ten"}},
            ["message_size_limit"],
            id="word-for-a-number",
        ),
        pytest.param(
            {"parameters": {"smtpd_timeout": "soon"}}, ["smtpd_timeout"], id="word-for-a-time"
        ),
        pytest.param(
            {"parameters": {"myhostname": "not a name"}}, ["myhostname"], id="blanks-in-a-host-name"
        ),
        pytest.param(
            {"parameters": {"smtpd_client_restrictions": "reject_everything_bad"}},
            ["reject_everything_bad"],
            id="unknown-restriction",
        ),
        pytest.param(
            {"parameters": {"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions": ""}},
            ["smtpd_relay_restrictions"],
            id="open-relay-that-smtpd-refuses",
        ),
        pytest.param(
            {"parameters": {"mailbox_size_limit": "1000"}},
            ["main.cf mailbox_size_limit", "local(8) dies"],
            id="mailbox-smaller-than-a-message",
        ),
        pytest.param(
            {"parameters": {"smtpd_tls_protocols": "SSLv3"}},
            ["main.cf smtpd_tls_protocols"],
            id="no-protocol-left",
        ),
        pytest.param(
            {"parameters": {"mail_owner": "nobodyatall"}}, ["nobodyatall"], id="unknown-mail-owner"
        ),
        pytest.param(
            {"parameters": {"inet_interfaces": "203.0.113.77"}},
            ["203.0.113.77"],
            id="interface-that-this-host-has-not",
        ),
        pytest.param(
            {
                "services": [
                    {
                        "name": "submission",
                        **SMTPD,
                        "overrides": {"smtpd_tls_security_level": "secure"},
                    }
                ]
            },
            ["submission/inet smtpd_tls_security_level", "'secure'"],
            id="override-with-a-bad-level",
        ),
        pytest.param(
            {
                "services": [
                    {"name": "submission", **SMTPD, "overrides": {"smtpd_tsl_auth_only": "yes"}}
                ]
            },
            ["smtpd_tsl_auth_only", "did you mean smtpd_tls_auth_only"],
            id="misspelt-override",
        ),
        pytest.param(
            {"services": [{"name": "2525", "command": "smtpdd"}]},
            ["2525/inet", "smtpdd"],
            id="unknown-daemon",
        ),
        pytest.param(
            {"services": [{"name": "2525", **SMTPD, "process_limit": "many"}]},
            ["many"],
            id="process-limit-that-is-no-number",
        ),
        pytest.param(
            {"services": [{"name": "nosuchport", **SMTPD}]}, ["nosuchport"], id="unknown-port"
        ),
        pytest.param(
            {"services": [{"name": "203.0.113.7:2525", **SMTPD}]},
            ["203.0.113.7"],
            id="address-that-this-host-has-not",
        ),
    ],
)
def test_bad_input_is_refused(
    machine: Machine, options: dict[str, t.Any], fragments: list[str]
) -> None:
    with machine.untouched():
        refused(machine.apply(**options), *fragments)


SECRET: t.Final = "inline:{ { [relay.example]:587 = user:s3cret-word } }"
MAPS: t.Final = "smtp_sasl_password_maps"


@pytest.mark.parametrize(
    ("line", "options"),
    [
        pytest.param("", {"parameters": {MAPS: f"{SECRET}\n"}}, id="block-of-yaml"),
        pytest.param(
            "",
            {"services": [{"name": "2525", **SMTPD, "overrides": {MAPS: SECRET[:-1]}}]},
            id="braces-of-an-override",
        ),
        pytest.param(f"{MAPS} {SECRET}\n", {}, id="line-without-equals-sign"),
    ],
)
def test_no_secret_is_in_what_is_said_of_a_fault(
    machine: Machine, line: str, options: dict[str, t.Any]
) -> None:
    machine.append("/etc/postfix/main.cf", line)
    result = machine.apply(**options)
    refused(result, MAPS)
    assert "s3cret" not in json.dumps(result)


def test_a_port_of_another_program_is_not_fought_over(machine: Machine) -> None:
    machine.sh(
        "systemd-run --quiet --unit=postfix-rival python3 -c "
        "'import socket, time; s = socket.create_server((\"\", 2525)); time.sleep(600)'"
    )
    machine.sh("until ss -Hltn 'sport = :2525' | grep -q .; do :; done", seconds=20)
    with machine.untouched():
        refused(machine.apply(services=[{"name": "2525", **SMTPD}]), "2525", "in use")


def test_several_faults_are_told_at_once(machine: Machine) -> None:
    parameters = {"smtpd_tls_ciphers": "strong", "smtpd_tls_security_level": "no"}
    with machine.untouched():
        refused(machine.apply(parameters=parameters), "'strong'", "'no'")


def test_a_fault_that_was_there_stops_nobody_but_is_told(machine: Machine) -> None:
    machine.append("/etc/postfix/main.cf", "smtpd_tls_secuirty_level = may\n")
    warnings = applied(machine.apply(parameters={"disable_vrfy_command": True}))
    found = [warning for warning in warnings if "smtpd_tls_secuirty_level" in warning]
    assert len(found) == 1
    assert "left alone" in found[0]
    assert machine.value("disable_vrfy_command") == "yes"


class Certificates:
    """Certificates of a throw-away authority, as files on a machine."""

    def __init__(self, pki: t.Any) -> None:
        names = ",".join(f"DNS:{name}.example" for name in "abcd")
        pki.issue("root", authority=True)
        pki.issue("middle", issuer="root", authority=True)
        for name, more in (
            ("good", {}),
            ("expired", {"end": "20200201000000Z"}),
            ("early", {"start": "20800101000000Z"}),
        ):
            pki.issue(name, issuer="middle", names=names, **more)
        pki.issue("stranger", issuer="middle", names="DNS:other.example")
        part = {one: pki.directory / f"{one}.pem" for one in ("root", "middle", "good", "stranger")}
        for name in ("good", "expired", "early", "stranger"):
            pki.file(f"{name}-chain.pem", pki.directory / f"{name}.pem", part["middle"], mode=0o644)
        pki.file("upside-down.pem", part["middle"], part["good"], mode=0o644)
        pki.file("shuffled.pem", part["good"], part["root"], part["middle"], mode=0o644)
        pki.key("p256", copy="-another")
        encrypted = pki.directory / "encrypted.key"
        key = str(pki.key("p256"))
        pki.openssl(
            "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", str(encrypted)
        )
        (pki.directory / "empty.pem").touch()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(pki.directory, ".")
        self.archive = packed.getvalue()


@pytest.fixture(scope="session")
def certificates(
    pki_module: types.ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Certificates:
    directory: pathlib.Path = tmp_path_factory.mktemp("pki")
    pki = pki_module.Pki(directory)
    pki.openssl = pki_module.openssl
    return Certificates(pki)


@pytest.fixture
def holder(machine: Machine, certificates: Certificates) -> Machine:
    """A machine that has the certificates."""
    machine.unpack(certificates.archive, DIRECTORY)
    machine.sh(f"chown -R root:root {DIRECTORY} && chmod 755 {DIRECTORY}")
    return machine


def policy(certificate: str, key: str = "p256.key") -> dict[str, t.Any]:
    """Return the option O(policy) with one certificate."""
    pair = {"certificate": f"{DIRECTORY}/{certificate}", "private_key": f"{DIRECTORY}/{key}"}
    return {"certificates": [pair]}


@pytest.mark.parametrize(
    ("certificate", "key", "fragments"),
    [
        pytest.param("absent.pem", "p256.key", ["absent.pem", "does not exist"], id="missing"),
        pytest.param(
            "", "p256.key", [f"{DIRECTORY}", "is a directory", "give the path"], id="directory"
        ),
        pytest.param(
            "empty.pem", "p256.key", ["empty.pem", "-----BEGIN CERTIFICATE-----"], id="empty"
        ),
        pytest.param(
            "p256.key", "p256.key", ["p256.key", "BEGIN CERTIFICATE"], id="key-for-certificate"
        ),
        pytest.param(
            "good-chain.pem", "absent.key", ["absent.key", "does not exist"], id="key-missing"
        ),
        pytest.param(
            "good-chain.pem", "good.pem", ["good.pem", "PRIVATE KEY"], id="certificate-for-key"
        ),
        pytest.param(
            "expired-chain.pem", "p256.key", ["expired on 2020-02-01", "renew"], id="expired"
        ),
        pytest.param("early-chain.pem", "p256.key", ["2080-01-01"], id="not-yet-valid"),
        pytest.param(
            "stranger-chain.pem", "p256.key", ["other.example", ".example"], id="other-name"
        ),
        pytest.param(
            "upside-down.pem", "p256.key", ["CN=middle", "own certificate first"], id="issuer-first"
        ),
        pytest.param(
            "shuffled.pem",
            "p256.key",
            ["shuffled.pem", "CN=root before the one that it certifies"],
            id="out-of-order",
        ),
        pytest.param(
            "good-chain.pem",
            "p256-another.key",
            ["does not belong to the certificate"],
            id="mismatch",
        ),
        pytest.param(
            "good-chain.pem", "encrypted.key", ["encrypted.key", "encrypted"], id="encrypted"
        ),
    ],
)
def test_faulty_certificate_is_refused(
    holder: Machine, certificate: str, key: str, fragments: list[str]
) -> None:
    with holder.untouched():
        refused(holder.apply(policy=policy(certificate, key)), *fragments)


def test_certificate_without_its_intermediate_is_told(holder: Machine) -> None:
    # No error: the certificate of a private root, which needs no intermediate, looks the same.
    warnings = applied(holder.apply(policy=policy("good.pem")))
    told = [warning for warning in warnings if "good.pem" in warning and "CN=middle" in warning]
    assert told
    assert "fullchain" in told[0]
    warnings = applied(holder.apply(policy=policy("good-chain.pem")))
    assert not [warning for warning in warnings if "CN=middle" in warning]


def test_key_that_the_world_can_read_is_refused(holder: Machine) -> None:
    holder.sh(f"chmod 0644 {DIRECTORY}/p256.key")
    with holder.untouched():
        refused(holder.apply(policy=policy("good-chain.pem")), "p256.key", "0644", "chmod")


def test_key_of_the_group_ssl_cert_is_normal(holder: Machine) -> None:
    holder.sh(f"chown root:ssl-cert {DIRECTORY}/p256.key && chmod 0640 {DIRECTORY}/p256.key")
    warnings = applied(holder.apply(policy=policy("good-chain.pem")))
    assert not [warning for warning in warnings if "p256.key" in warning]
    leaf = holder.sh(f"openssl x509 -in {DIRECTORY}/good.pem -outform DER | sha256sum | cut -c-64")
    assert holder.outside()["leaf"] == leaf


@pytest.mark.parametrize("check", ["warn", "skip"])
def test_faulty_certificate_may_be_accepted(
    holder: Machine, check: t.Literal["warn", "skip"]
) -> None:
    result = holder.apply(policy=policy("expired-chain.pem"), certificate_check=check)
    told = [warning for warning in applied(result) if "expired on 2020-02-01" in warning]
    assert len(told) == (check == "warn")
    holder.serves()
