# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order and completeness of chains, judged on certificates that openssl made."""

from __future__ import annotations

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    Certificate,
    parse_pem,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.chain import chain_problems
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import Pki


@pytest.fixture(name="known", scope="module")
def fixture_known(pki: Pki) -> dict[str, Certificate]:
    pki.issue("upper", issuer="root", authority=True, subject="/O=Throw-away/CN=Upper")
    pki.issue("lower", issuer="upper", authority=True, subject="/O=Throw-away/CN=Lower")
    # The same authority under two roots, as public authorities have it for older clients.
    pki.issue("cross", issuer="other-root", authority=True, subject="/O=Throw-away/CN=Upper")
    pki.issue("low-leaf", issuer="lower", subject="/CN=mx1.example", names="DNS:mx1.example")
    pki.issue("root-leaf", issuer="root", subject="/CN=mx1.example", names="DNS:mx1.example")
    pki.issue("alone", subject="/CN=mx1.example", names="DNS:mx1.example")
    pki.issue("own-ca", authority=True, subject="/CN=mx1.example", names="DNS:mx1.example")
    return {path.stem: parse_pem(path.read_text())[0] for path in pki.directory.glob("*.pem")}


ERROR, WARNING, INFO = "error", "warning", "info"


@pytest.mark.parametrize(
    ("chain", "roots", "expected"),
    [
        pytest.param("p256 middle", "root", [], id="complete"),
        pytest.param("p256 middle", None, [], id="complete-as-far-as-is-known"),
        pytest.param("low-leaf lower upper", "root", [], id="two-intermediates"),
        pytest.param("root-leaf", "root", [], id="issued-by-a-known-root"),
        pytest.param("alone", "root", [], id="self-signed"),
        pytest.param("own-ca", "root", [], id="self-signed-authority"),
        pytest.param("", "root", [], id="empty"),
        pytest.param("p256", "root", [("chain_incomplete", ERROR)], id="no-intermediate"),
        pytest.param("p256", None, [("chain_incomplete", WARNING)], id="alone-and-no-roots-known"),
        pytest.param(
            "low-leaf lower", "root", [("chain_incomplete", WARNING)], id="second-is-missing"
        ),
        pytest.param(
            "low-leaf upper",
            "root",
            [("chain_unrelated", WARNING), ("chain_incomplete", ERROR)],
            id="first-is-missing",
        ),
        pytest.param(
            "p256 middle", "other-root", [("chain_incomplete", WARNING)], id="unknown-root"
        ),
        pytest.param(
            "low-leaf upper lower",
            "root",
            [("chain_misordered", ERROR)],
            id="intermediates-swapped",
        ),
        pytest.param("middle p256", "root", [("chain_misordered", ERROR)], id="leaf-last"),
        pytest.param("root middle p256", "root", [("chain_misordered", ERROR)], id="upside-down"),
        pytest.param(
            "p256 middle root", "root", [("chain_root_included", INFO)], id="with-the-root"
        ),
        pytest.param(
            "p256 root middle",
            "root",
            [("chain_misordered", ERROR), ("chain_root_included", INFO)],
            id="root-before-the-intermediate",
        ),
        pytest.param(
            "p256 middle other-root", "root", [("chain_unrelated", WARNING)], id="another-root"
        ),
        pytest.param(
            "p256 middle rsa2048", "root", [("chain_unrelated", WARNING)], id="another-leaf"
        ),
        pytest.param("p256 p256 middle", "root", [("chain_unrelated", WARNING)], id="leaf-twice"),
        pytest.param(
            "p256 middle middle", "root", [("chain_unrelated", WARNING)], id="intermediate-twice"
        ),
        pytest.param(
            " ".join(["p256", "middle"] * 51), "root", [("chain_too_long", ERROR)], id="too-long"
        ),
    ],
)
def test_chain_problems_are_found(
    known: dict[str, Certificate], chain: str, roots: str | None, expected: list[tuple[str, str]]
) -> None:
    found = chain_problems(
        [known[name] for name in chain.split()],
        root_subjects=None if roots is None else {known[roots].subject_der},
    )

    assert [(problem.code, problem.severity) for problem in found] == expected


def test_chain_with_a_cross_signed_authority_is_complete_through_either_root(
    known: dict[str, Certificate],
) -> None:
    # The key of "cross" is another one than that of "upper"; as one authority they share it.
    cross = known["cross"]._replace(subject_key_id=known["upper"].subject_key_id)
    chain = [known["low-leaf"], known["lower"], known["upper"], cross]

    for root in ("root", "other-root"):
        assert chain_problems(chain, root_subjects={known[root].subject_der}) == ()


def test_key_identifiers_tell_authorities_of_the_same_name_apart(
    known: dict[str, Certificate],
) -> None:
    chain = [known["low-leaf"], known["lower"], known["cross"]]

    codes = [one.code for one in chain_problems(chain, root_subjects={known["root"].subject_der})]
    assert codes == ["chain_unrelated", "chain_incomplete"]


def test_names_in_another_encoding_are_the_same_names(known: dict[str, Certificate]) -> None:
    leaf = known["p256"]._replace(
        issuer_der=b"in printable strings", issuer=known["p256"].issuer.upper()
    )

    assert chain_problems([leaf, known["middle"]]) == ()


def test_certificates_without_key_identifiers_are_ordered_by_name(
    known: dict[str, Certificate],
) -> None:
    bare = {
        name: one._replace(subject_key_id=None, authority_key_id=None)
        for name, one in known.items()
    }

    for source in (bare, known):
        assert chain_problems([bare["p256"], source["middle"]]) == ()
        assert chain_problems([source["p256"], bare["middle"]]) == ()


def test_messages_say_what_to_do(known: dict[str, Certificate]) -> None:
    roots = {known["root"].subject_der}
    incomplete = chain_problems([known["p256"]], where="/etc/ssl/mx.pem", root_subjects=roots)
    upside_down = chain_problems([known["middle"], known["p256"]], where="/etc/ssl/mx.pem")

    assert incomplete[0].message == (
        "/etc/ssl/mx.pem ends with CN=mx1.example, issued by CN=Middle,O=Throw-away, which is not a "
        "known root: append the certificates of the intermediate authorities "
        "(many tools call the whole file fullchain.pem)."
    )
    assert upside_down[0].message == (
        "/etc/ssl/mx.pem starts with the certificate of the authority CN=Middle,O=Throw-away: put "
        "the server's own certificate (CN=mx1.example) first, then its issuers upwards."
    )
