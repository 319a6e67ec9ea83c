# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate and key files, good ones and every kind of bad one, made with the openssl command."""

from __future__ import annotations

import datetime
import grp
import os
import pathlib
import ssl
import stat
import tempfile
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.x509 import pair
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import parse_pem
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import Problem
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import Pki, openssl

NOW: t.Final = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
NAME: t.Final = "mx1.example"


def judge(
    certificate: pathlib.Path | str,
    key: pathlib.Path | str,
    *,
    names: t.Sequence[str] = (NAME,),
    ca_file: pathlib.Path | str | None = None,
    strict: bool = False,
) -> pair.PairReport:
    return pair.check_pair(
        str(certificate),
        private_key_file=str(key),
        names=names,
        ca_file=None if ca_file is None else str(ca_file),
        now=NOW,
        strict=strict,
    )


def judged(problems: t.Iterable[Problem]) -> list[Problem]:
    """Return the problems without those that depend on who runs the test."""
    return [one for one in problems if os.getuid() == 0 or one.code != "key_owner_not_root"]


def codes(problems: t.Iterable[Problem]) -> list[str]:
    """Return the codes as ``code:severity``."""
    return [f"{one.code}:{one.severity}" for one in judged(problems)]


def message_of(problems: t.Iterable[Problem], *, code: str) -> str:
    return next(one.message for one in problems if one.code == code)


@pytest.mark.parametrize(
    ("kind", "strict", "expected"),
    [
        ("rsa1024", False, ["weak_key:error"]),
        ("rsa2048", False, ["weak_key:info"]),
        ("rsa2048", True, ["weak_key:error"]),
        ("rsa3072", True, []),
        ("p224", False, ["weak_key:info"]),
        ("p224", True, ["weak_key:error"]),
        ("p256", True, []),
        ("p384", True, []),
        ("ed25519", True, []),
    ],
)
def test_check_pair_judges_every_kind_of_key(
    pki: Pki, kind: str, strict: bool, expected: list[str]
) -> None:
    report = judge(
        pki.directory / f"{kind}-full.pem",
        pki.key(kind),
        ca_file=pki.directory / "root.pem",
        strict=strict,
    )

    assert codes(report.problems) == expected
    assert [one.common_name for one in report.certificates] == [NAME, "Middle"]


def test_weak_key_message_says_what_to_do(pki: Pki) -> None:
    path = pki.directory / "rsa1024-full.pem"
    report = judge(path, pki.key("rsa1024"))

    assert message_of(report.problems, code="weak_key") == (
        f"{path}: the certificate of CN=mx1.example has an RSA key of 1024 bits: "
        "use RSA of 3072 bits or more, or ECDSA P-256."
    )


# Made with: openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 (slow).
DSA_PARAMETERS: t.Final = """\
-----BEGIN DSA PARAMETERS-----
MIIBJgKBgQCeVybi5k71BqTQqdHYqxwr128jJAZ907eIi38INDQ7wMoqrpNl9+vR
cgwugHa1G+mczOhfvsSoVgAiKSViDESbokk+Anj15t5RN5aJTxQ41iIehPyfLi2b
Sl8aKW6AouUVcR5VH8XXQ8VqTMcDlEmP2LSS0Im/kaUwJGQJxB698QIdANUL4Vxe
shIYECdZPQChLkuv5BllpLj3jIXDb+MCgYB+J7npft4DMrP3pKls0xn0vBSfe/Zg
WM2+nia9wIwYioqVsrqdrWxsYfJmOe12mBqDRFb77dLT5YYtWiHbUFXs826/W2ts
wTOKum5ANkn6/7rA5k0Cbeobd07q9t2gpxSw+IUnonhCbX4INUi/ltTia5mQSxaf
En+sIQYBdKTfZA==
-----END DSA PARAMETERS-----
"""


def test_dsa_key_is_weak(pki: Pki) -> None:
    key, parameters = pki.directory / "dsa.key", pki.directory / "dsa.parameters"
    parameters.write_text(DSA_PARAMETERS)
    openssl("genpkey", "-paramfile", str(parameters), "-out", str(key))
    key.chmod(0o600)
    leaf = pki.issue("dsa", issuer="middle", key="dsa", subject=f"/CN={NAME}", names=f"DNS:{NAME}")
    report = judge(pki.file("dsa-full.pem", leaf, pki.directory / "middle.pem"), key)

    assert codes(report.problems) == ["weak_key:error"]
    assert (report.certificates[0].key_algorithm, report.certificates[0].key_bits) == ("dsa", 1024)


@pytest.mark.parametrize(
    ("algorithm", "bits", "strict", "severity"),
    [
        ("rsa", 2047, False, "error"),
        ("rsa", 2048, False, "info"),
        ("rsa", 3071, False, "info"),
        ("rsa", 3071, True, "error"),
        ("rsa", 3072, True, None),
        ("rsa-pss", 2048, True, "error"),
        ("ecdsa", 223, False, "error"),
        ("ecdsa", 255, False, "info"),
        ("ecdsa", 255, True, "error"),
        ("ecdsa", 256, True, None),
    ],
)
def test_limits_of_key_sizes(
    pki: Pki, algorithm: str, bits: int, strict: bool, severity: str | None
) -> None:
    read = parse_pem((pki.directory / "p256.pem").read_text())[0]
    found = pair._weak_key(read._replace(key_algorithm=algorithm, key_bits=bits), strict=strict)

    assert (found[0] if found else None) == severity


def test_strict_judges_the_key_of_the_server_only(pki: Pki) -> None:
    """Public authorities use RSA keys of 2048 bits themselves; nobody can choose others."""
    pki.issue("rsa-middle", issuer="root", authority=True, key="rsa2048", subject="/CN=RSA middle")
    leaf = pki.issue(
        "under-rsa", issuer="rsa-middle", issuer_key="rsa2048", subject=f"/CN={NAME}",
        names=f"DNS:{NAME}",
    )  # fmt: skip
    full = pki.file("under-rsa-full.pem", leaf, pki.directory / "rsa-middle.pem")

    assert codes(judge(full, pki.key("p256"), strict=True).problems) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param("20250101000000Z", "20260601000000Z", ["expires_soon:warning"], id="last-moment"),
        pytest.param("20250101000000Z", "20260531235959Z", ["expired:error"], id="expired"),
        pytest.param("20250101000000Z", "20260614235959Z", ["expires_soon:warning"], id="soon"),
        pytest.param("20250101000000Z", "20260615000000Z", [], id="in-14-days"),
        pytest.param("20260601000001Z", "20990101000000Z", ["not_yet_valid:error"], id="tomorrow"),
        pytest.param("20260601000000Z", "20990101000000Z", [], id="since-now"),
    ],
)  # fmt: skip
def test_check_pair_judges_dates(pki: Pki, start: str, end: str, expected: list[str]) -> None:
    leaf = pki.issue(
        "dated", issuer="middle", subject=f"/CN={NAME}", names=f"DNS:{NAME}", start=start, end=end
    )
    full = pki.file("dated-full.pem", leaf, pki.directory / "middle.pem")
    report = judge(full, pki.key("p256"), ca_file=pki.directory / "root.pem")

    assert codes(report.problems) == expected


def test_expired_intermediate_is_a_warning_and_named(pki: Pki) -> None:
    pki.issue("old", issuer="root", authority=True, subject="/CN=Old", end="20260501000000Z")
    leaf = pki.issue("under-old", issuer="old", subject=f"/CN={NAME}", names=f"DNS:{NAME}")
    full = pki.file("under-old-full.pem", leaf, pki.directory / "old.pem")
    report = judge(full, pki.key("p256"), ca_file=pki.directory / "root.pem")

    assert codes(report.problems) == ["expired:warning"]
    assert judged(report.problems)[0].message == (
        f"{full}: the certificate of CN=Old expired on 2026-05-01 00:00 UTC: renew it."
    )


def test_date_of_an_included_root_does_not_matter(pki: Pki) -> None:
    pki.issue("old-root", authority=True, subject="/CN=Old root", end="20260501000000Z")
    leaf = pki.issue("under-it", issuer="old-root", subject=f"/CN={NAME}", names=f"DNS:{NAME}")
    full = pki.file("under-it-full.pem", leaf, pki.directory / "old-root.pem")

    assert codes(judge(full, pki.key("p256")).problems) == ["chain_root_included:info"]


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        pytest.param("DNS:mx1.example,DNS:mx2.example", ["mx2.example"], [], id="second-name"),
        pytest.param("DNS:mx1.example", ["MX1.example."], [], id="spelt-otherwise"),
        pytest.param("DNS:example", ["mx1.example"], ["wrong_name:error"], id="mail-domain"),
        pytest.param(
            "DNS:mx1.example", ["mx1.example", "mx2.example"], ["wrong_name:error"], id="one-of-two"
        ),
        pytest.param("DNS:*.mx.example", ["a.mx.example"], ["wildcard:info"], id="wildcard"),
        pytest.param(
            "DNS:*.mx.example", ["mx.example"], ["wrong_name:error", "wildcard:info"],
            id="wildcard-of-another-level",
        ),
        pytest.param("IP:192.0.2.1", ["192.0.2.1"], [], id="address"),
        pytest.param("DNS:mx1.example", [], [], id="no-name-wanted"),
        pytest.param("", ["mx1.example"], ["wrong_name:error"], id="common-name-only"),
    ],
)  # fmt: skip
def test_check_pair_judges_names(
    pki: Pki, names: str, wanted: list[str], expected: list[str]
) -> None:
    leaf = pki.issue("named", issuer="middle", subject=f"/CN={NAME}", names=names)
    full = pki.file("named-full.pem", leaf, pki.directory / "middle.pem")

    assert codes(judge(full, pki.key("p256"), names=wanted).problems) == expected


def test_wrong_name_message_says_which_names_there_are_and_which_are_needed(pki: Pki) -> None:
    many = ",".join(f"DNS:h{number}.example" for number in range(12))
    leaf = pki.issue("www", issuer="middle", subject="/CN=www.example", names=many)
    bare = pki.issue("bare", issuer="middle", subject="/CN=mx1.example")
    some = message_of(judge(leaf, pki.key("p256")).problems, code="wrong_name")
    none = message_of(judge(bare, pki.key("p256")).problems, code="wrong_name")

    shown = ", ".join(f"h{number}.example" for number in range(10))
    advice = (
        "mail servers connect to mx1.example: use a certificate whose subject alternative names "
        "include it (the host name in the MX record, not the mail domain)."
    )
    assert some == f"{leaf} names {shown} and more; {advice}"
    assert none == (
        f"{bare} has no subject alternative name (the common name mx1.example does not count); "
        f"{advice}"
    )


@pytest.mark.parametrize(
    ("files", "ca_file", "expected"),
    [
        pytest.param("p256 middle", "root", [], id="complete"),
        pytest.param("p256 middle root", "root", ["chain_root_included:info"], id="with-root"),
        pytest.param("p256", "root", ["chain_incomplete:error"], id="no-intermediate"),
        pytest.param("p256", None, ["chain_incomplete:warning"], id="no-intermediate-no-roots"),
        pytest.param(
            "middle p256", "root", ["wrong_name:error", "chain_misordered:error"], id="leaf-last"
        ),
        pytest.param("p256 middle", "other-root", ["chain_incomplete:warning"], id="other-root"),
        pytest.param(
            "p256 middle root",
            "other-root",
            ["chain_root_included:info", "untrusted:warning"],
            id="own-root",
        ),
        pytest.param(
            "p256 other-root", "root", ["chain_unrelated:warning", "chain_incomplete:error"],
            id="unrelated",
        ),
        pytest.param("lonely", "root", ["self_signed:warning"], id="self-signed"),
        pytest.param("lonely", "lonely", ["self_signed:warning"], id="self-signed-and-known"),
    ],
)  # fmt: skip
def test_check_pair_judges_the_chain(
    pki: Pki, files: str, ca_file: str | None, expected: list[str]
) -> None:
    pki.issue("lonely", subject=f"/CN={NAME}", names=f"DNS:{NAME}")
    path = pki.file("chain.pem", *(pki.directory / f"{name}.pem" for name in files.split()))
    key = pki.key("p256", copy="-middle" if files.startswith("middle") else "")
    report = judge(path, key, ca_file=ca_file and pki.directory / f"{ca_file}.pem")

    assert codes(report.problems) == expected


def test_forged_intermediate_is_untrusted(pki: Pki) -> None:
    """Names and key identifiers fit, only the signature does not: the handshake finds it."""
    original = parse_pem((pki.directory / "p256.pem").read_text())[0].der
    forged = original[:-1] + bytes((original[-1] ^ 1,))
    path = pki.directory / "forged.pem"
    path.write_text(
        openssl("x509", "-inform", "DER", stdin=forged) + (pki.directory / "middle.pem").read_text()
    )
    report = judge(path, pki.key("p256"), ca_file=pki.directory / "root.pem")

    assert codes(report.problems) == ["untrusted:warning"]
    assert judged(report.problems)[0].message == (
        f"{path} is not trusted through {pki.directory}/root.pem (certificate signature failure): "
        "senders that verify (MTA-STS) refuse it; use a certificate of an authority in it."
    )


def test_verdict_waits_for_a_handshake_with_a_retry(pki: Pki) -> None:
    server = pair._load(str(pki.directory / "p256-full.pem"), str(pki.key("p256")), shown="the key")
    # The client offers X25519 first, so the server has to ask for another hello.
    server.set_ecdh_curve("secp521r1")

    pair._handshake(server, pair._client(str(pki.directory / "root.pem")))
    with pytest.raises(ssl.SSLCertVerificationError):
        pair._handshake(server, pair._client(str(pki.directory / "other-root.pem")))


def test_certificate_that_no_handshake_can_try_is_not_trusted(pki: Pki) -> None:
    server = pair._load(str(pki.directory / "p256-full.pem"), str(pki.key("p256")), shown="the key")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    client = pair._client(str(pki.directory / "root.pem"))
    found = list(pair._trust_problems(server, client, where="mx.pem", ca_file="root.pem"))

    assert codes(found) == ["untrusted:warning"]
    assert found[0].message == (
        "mx.pem could not be verified against root.pem (no handshake is possible with it: "
        "NO_SHARED_CIPHER): use an RSA or ECDSA P-256 key."
    )


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_weak_signature_is_found(pki: Pki, digest: str) -> None:
    pki.issue("rsa-ca", authority=True, key="rsa2048", subject="/CN=RSA authority", digest=digest)
    leaf = pki.issue(
        "weakly", issuer="rsa-ca", issuer_key="rsa2048", subject=f"/CN={NAME}",
        names=f"DNS:{NAME}", digest=digest,
    )  # fmt: skip
    report = judge(pki.file("weakly-full.pem", leaf, pki.directory / "rsa-ca.pem"), pki.key("p256"))

    # The root's own signature is checked by nobody.
    assert codes(report.problems) == ["weak_signature:error", "chain_root_included:info"]
    assert f"is signed with {digest}WithRSAEncryption" in judged(report.problems)[0].message


@pytest.mark.parametrize("key", ["rsa2048", "rsa3072", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("certificate", ["rsa2048", "p256", "ed25519"])
def test_key_match(pki: Pki, certificate: str, key: str) -> None:
    report = judge(pki.directory / f"{certificate}-full.pem", pki.key(key))

    assert ("key_mismatch:error" in codes(report.problems)) == (certificate != key)


def test_key_mismatch_of_the_same_kind_names_the_key_file(pki: Pki) -> None:
    other = pki.key("p256", copy="-other")
    report = judge(pki.directory / "p256-full.pem", other)

    assert codes(report.problems) == ["key_mismatch:error"]
    assert judged(report.problems)[0].message == (
        f"{other}: the private key does not belong to the certificate that is used with it: "
        "give the key for which the certificate was issued."
    )


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_encrypted_key_is_found_without_asking_anybody(pki: Pki, form: str) -> None:
    path = pki.directory / f"encrypted-{form}.key"
    more = ("-traditional",) if form == "traditional" else ()
    openssl("pkey", "-in", str(pki.key("p256")), "-aes128", "-passout", "pass:secret", *more,
            "-out", str(path))  # fmt: skip
    path.chmod(0o600)
    report = judge(pki.directory / "p256-full.pem", path, ca_file=pki.directory / "root.pem")

    assert codes(report.problems) == ["key_encrypted:error"]


@pytest.mark.parametrize("order", ["key-first", "key-last"])
def test_one_file_may_hold_both(pki: Pki, order: str) -> None:
    parts = [pki.key("p256"), pki.directory / "p256-full.pem"]
    path = pki.file("both.pem", *(parts if order == "key-first" else reversed(parts)))

    assert codes(judge(path, path, ca_file=pki.directory / "root.pem").problems) == []


class Bad(t.NamedTuple):
    """A path that is no good, and what is said of it as a certificate."""

    path: str
    code: str
    reason: str


@pytest.fixture(name="bad")
def fixture_bad(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> Bad:
    kind = request.param
    path = tmp_path / kind
    if kind == "loop":
        # Permission bits do not stop root, and tests may run as root.
        path.symlink_to(path)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "huge":
        path.write_bytes(b"\n" * 1_048_577)
    elif kind != "absent":
        path.write_bytes(
            {
                "empty": b"",
                "binary": bytes(range(256)),
                "cut": b"-----BEGIN CERTIFICATE-----\nMIIB",
                "garbage": b"-----BEGIN X-----\n\n-----END X-----\n".replace(
                    b"X", b"CERTIFICATE" if "certificates" in request.node.name else b"PRIVATE KEY"
                ),
            }[kind]
        )
    code, reason = {
        "absent": ("missing", "does not exist: give the path of the "),
        "dangling": ("missing", "does not exist: give the path of the "),
        "directory": ("directory", "is a directory: give the path of the "),
        "loop": ("unreadable", "cannot be read (Too many levels of symbolic links): "),
        "fifo": ("unreadable", "cannot be read (not a regular file): "),
        "huge": ("unreadable", "cannot be read (more than 1048576 octets): "),
        "cut": ("unreadable", "cannot be read (line 1: expected -----END CERTIFICATE-----"),
        "garbage": ("unreadable", "cannot be read ("),
        "empty": ("not_pem", "has no line -----BEGIN "),
        "binary": ("not_pem", "has no line -----BEGIN "),
    }[kind]
    return Bad(str(path), code, reason)


BAD: t.Final = "absent dangling directory loop fifo huge cut garbage empty binary".split()


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_bad_certificates(pki: Pki, bad: Bad) -> None:
    report = judge(bad.path, pki.key("p256"))

    assert codes(report.problems) == [f"{bad.code}:error"]
    assert judged(report.problems)[0].message.startswith(f"{bad.path} {bad.reason}")
    assert report.certificates == ()


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_bad_keys(pki: Pki, bad: Bad) -> None:
    if os.path.isfile(bad.path):
        os.chmod(bad.path, 0o600)
    report = judge(pki.directory / "p256-full.pem", bad.path)

    assert codes(report.problems) == [f"key_{bad.code}:error"]
    assert judged(report.problems)[0].message.startswith(f"{bad.path} {bad.reason}")
    assert "private key" in judged(report.problems)[0].message
    assert len(report.certificates) == 2


@pytest.mark.parametrize("path", ["", "/etc/ssl\0/mx.pem"], ids=["empty", "zero-octet"])
def test_impossible_paths_are_problems(pki: Pki, path: str) -> None:
    assert [one.partition(":")[2] for one in codes(judge(path, path).problems)] == [
        "error",
        "error",
    ]
    report = pair.check_chain_files([path], names=[], ca_file=str(pki.directory / "root.pem"))
    assert [one.severity for one in judged(report.problems)] == ["error"]


def test_public_key_is_no_private_key(pki: Pki) -> None:
    path = pki.directory / "public.key"
    path.write_text(openssl("pkey", "-in", str(pki.key("p256")), "-pubout"))

    assert codes(judge(pki.directory / "p256-full.pem", path).problems) == ["key_not_pem:error"]


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["absent", "empty", "text"])
def test_unusable_ca_file_is_said_and_the_rest_is_judged(
    pki: Pki, tmp_path: pathlib.Path, content: bytes | None
) -> None:
    ca_file = tmp_path / "roots.pem"
    if content is not None:
        ca_file.write_bytes(content)
    report = judge(pki.directory / "rsa1024-full.pem", pki.key("rsa1024"), ca_file=ca_file)

    assert codes(report.problems) == ["ca_unreadable:warning", "weak_key:error"]
    assert "so trust was not judged" in judged(report.problems)[0].message


@pytest.fixture(name="public")
def fixture_public() -> t.Iterator[pathlib.Path]:
    """A directory that every user can enter; those of tmp_path are closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o600, []),
        (0o400, []),
        (0o604, ["key_world_readable:error"]),
        (0o644, ["key_world_readable:error"]),
        (0o602, ["key_world_readable:error"]),
        (0o601, []),
    ],
)
def test_key_that_others_can_read(
    pki: Pki, public: pathlib.Path, mode: int, expected: list[str]
) -> None:
    key = public / "mx.key"
    key.write_bytes(pki.key("p256").read_bytes())
    key.chmod(mode)
    link = public / "link.key"
    link.symlink_to(key)

    for path in (key, link):
        found = codes(judge(pki.directory / "p256-full.pem", path).problems)
        assert [one for one in found if not one.startswith("key_group")] == expected


def test_key_that_only_its_directory_protects_is_a_warning(pki: Pki, public: pathlib.Path) -> None:
    closed = public / "archive"
    closed.mkdir(mode=0o700)
    key = closed / "privkey1.pem"
    key.write_bytes(pki.key("p256").read_bytes())
    key.chmod(0o604)
    (public / "privkey.pem").symlink_to(key)
    report = judge(pki.directory / "p256-full.pem", public / "privkey.pem")

    assert codes(report.problems) == ["key_world_readable:warning"]
    assert judged(report.problems)[0].message == (
        f"{public}/privkey.pem holds a private key and is open to all users (mode 0604); only "
        f"{closed} keeps them out: chmod 0600, and replace the key if others may have read it."
    )


@pytest.mark.parametrize(
    ("mode", "uid", "group", "expected"),
    [
        (0o640, 0, "ssl-cert", []),
        (0o640, 0, "root", []),
        (0o640, 0, "www-data", ["key_group_readable"]),
        (0o620, 0, "www-data", ["key_group_readable"]),
        (0o640, 0, None, ["key_group_readable"]),
        (0o600, 0, "www-data", []),
        (0o600, 33, "root", ["key_owner_not_root"]),
        (0o644, 33, "www-data", ["key_world_readable", "key_group_readable", "key_owner_not_root"]),
    ],
)
def test_owner_and_group_of_keys(
    monkeypatch: pytest.MonkeyPatch,
    public: pathlib.Path,
    mode: int,
    uid: int,
    group: str | None,
    expected: list[str],
) -> None:
    def getgrgid(gid: int) -> grp.struct_group:
        if group is None:
            raise KeyError(gid)
        return grp.struct_group((group, "x", gid, []))

    monkeypatch.setattr(grp, "getgrgid", getgrgid)
    gid = 0 if group == "root" else 4711
    status = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 1, 0, 0, 0))
    found = pair._key_file_problems(pair._File(str(public / "mx.key"), status, ()))

    assert [one.code for one in found] == expected
    for problem in found:
        if problem.code == "key_group_readable":
            assert f"open to the group {group or 4711} (mode {mode:04o})" in problem.message


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param("p256.key p256-full.pem", [], id="two-files"),
        pytest.param("p256-all.pem", [], id="one-file"),
        pytest.param("p256-all.pem rsa3072-all.pem", [], id="two-algorithms"),
        pytest.param("everything.pem", [], id="two-algorithms-in-one-file"),
        pytest.param("p256.key p256.pem middle.pem", [], id="three-files"),
        pytest.param(
            "p256-full.pem p256.key",
            ["key_not_first:error", "certificate_missing:error"],
            id="certificate-first",
        ),
        pytest.param("p256-full.pem", ["key_not_first:error"], id="no-key"),
        pytest.param("p256.key", ["certificate_missing:error"], id="no-certificate"),
        pytest.param(
            "p256.key rsa3072-all.pem", ["certificate_missing:error"], id="two-keys-in-a-row"
        ),
        pytest.param("p256-all.pem p384-all.pem", ["duplicate_algorithm:error"], id="two-ecdsa"),
        pytest.param("p256-all.pem p256-all.pem", ["duplicate_algorithm:error"], id="twice"),
        pytest.param(
            "rsa3072.key p256-full.pem p256.key rsa3072-full.pem",
            ["key_mismatch:error", "key_mismatch:error"],
            id="keys-swapped",
        ),
        pytest.param("p256.key p256.pem", ["chain_incomplete:error"], id="no-intermediate"),
        pytest.param("nothing.pem p256-full.pem", ["missing:error"], id="missing"),
        pytest.param("p256.key nothing.pem", ["missing:error"], id="certificate-file-missing"),
        pytest.param("encrypted.key p256-full.pem", ["key_encrypted:error"], id="encrypted"),
        pytest.param("empty.pem", ["not_pem:error"], id="empty"),
        pytest.param("", ["not_pem:error"], id="no-file"),
        pytest.param(
            "rsa3072-all.pem rsa1024-all.pem",
            ["duplicate_algorithm:error", "weak_key:error"],
            id="second-is-weak",
        ),
    ],
)
def test_check_chain_files_reads_as_postfix_does(pki: Pki, files: str, expected: list[str]) -> None:
    here = pki.directory
    for kind in ("p256", "p384", "rsa3072", "rsa1024"):
        pki.file(f"{kind}-all.pem", pki.key(kind), here / f"{kind}-full.pem")
    pki.file("everything.pem", here / "p256-all.pem", here / "rsa3072-all.pem")
    pki.file("empty.pem")
    openssl("pkey", "-in", str(pki.key("p256")), "-aes128", "-passout", "pass:secret",
            "-out", str(here / "encrypted.key"))  # fmt: skip
    report = pair.check_chain_files(
        [str(here / name) for name in files.split()],
        names=[NAME],
        ca_file=str(here / "root.pem"),
        now=NOW,
    )

    assert codes(report.problems) == expected


def test_check_chain_files_returns_each_chain_and_says_where(pki: Pki) -> None:
    here = pki.directory
    paths = [pki.key("p256"), here / "p256-full.pem", pki.key("p384"), here / "p384-full.pem"]
    report = pair.check_chain_files([str(path) for path in paths], names=[NAME], now=NOW)

    assert [[one.curve for one in chain] for chain in report.chains] == [["P-256"] * 2, ["P-384", "P-256"]]  # fmt: skip
    assert judged(report.problems)[0].message == (
        f"{pki.key('p384')} line 1 is a second ecdsa key, after {pki.key('p256')} line 1: "
        "smtpd_tls_chain_files takes one key of each algorithm, remove one of them."
    )


def test_check_chain_files_judges_who_can_read_every_file_with_a_key(
    pki: Pki, public: pathlib.Path
) -> None:
    first, second = public / "a.pem", public / "b.pem"
    first.write_bytes(pki.key("p256").read_bytes() + (pki.directory / "p256-full.pem").read_bytes())
    second.write_bytes(pki.key("rsa3072").read_bytes())
    third = pki.directory / "rsa3072-full.pem"
    for path in (first, second):
        path.chmod(0o604)
    report = pair.check_chain_files([str(first), str(second), str(third)], names=[NAME], now=NOW)

    assert codes(report.problems) == ["key_world_readable:error"] * 2


def test_messages_hold_nothing_of_a_key(pki: Pki) -> None:
    here = pki.directory
    reports: list[pair.PairReport | pair.ChainFilesReport] = [
        judge(certificate, key, ca_file=here / "other-root.pem")
        for certificate in here.glob("*.pem")
        for key in (pki.key("p256"), pki.key("rsa1024"), here / "p256-full.pem")
    ]
    reports.append(pair.check_chain_files([str(one) for one in here.glob("*.key")], names=[NAME]))
    secrets = [
        line
        for path in here.glob("*.key")
        for line in path.read_text().splitlines()
        if len(line) >= 20 and not line.startswith("-")
    ]

    said = "\n".join(problem.message for report in reports for problem in report.problems)
    assert len(secrets) > 10
    assert len(said) > 10_000
    assert not [line for line in secrets if line in said]


def test_check_pair_takes_the_time_of_day_when_none_is_given(pki: Pki) -> None:
    leaf = pki.issue(
        "past", issuer="middle", subject=f"/CN={NAME}", names=f"DNS:{NAME}", end="20210101000000Z"
    )
    report = pair.check_pair(str(leaf), private_key_file=str(pki.key("p256")), names=[NAME])

    assert codes(report.problems) == ["expired:error", "chain_incomplete:warning"]


def test_nothing_stays_open(pki: Pki) -> None:
    before = len(os.listdir("/proc/self/fd"))
    judge(pki.directory / "p256-full.pem", pki.key("p256"), ca_file=pki.directory / "root.pem")
    judge("/nothing", pki.directory)
    pair.check_chain_files([str(pki.key("p256")), str(pki.directory / "p256.pem")], names=[])

    assert len(os.listdir("/proc/self/fd")) == before


def test_sha256_of_leaf_is_that_of_openssl(pki: Pki) -> None:
    path = pki.directory / "p256-full.pem"
    said = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", str(path))

    assert pair.sha256_of_leaf(str(path)) == said.strip().split("=")[1].replace(":", "").lower()
