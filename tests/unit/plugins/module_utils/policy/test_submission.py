# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services on 587 and 465 become on a host, and what becomes of logins elsewhere."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    explain,
    submission,
    submission_choices,
    submission_settings,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import (
    CertificateChoice,
    ChoiceError,
    Host,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.submission import (
    Given,
    Submission,
    SubmissionChoices,
    resolve_for,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    master_cf_changes,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.version import (
    TlsLibrary,
    Version,
)

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
RECORDED = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")
STRONG = "aNULL, kRSA, kDHE, SHA1, SHA256, SHA384, CAMELLIA, ARIA, AESCCM8, AESCCM, PSK, SRP, DSS"
PERMIT = "permit_sasl_authenticated, reject"
SMTP = "smtp inet n - y - - smtpd\n"


@functools.cache
def host_of(version: str) -> tuple[Host, dict[str, str]]:
    """Return a recorded host and the defaults of its Postfix, those with a dollar sign left out."""
    lines = (FIXTURES / f"postconf-d-{version}.txt").read_text().splitlines()
    defaults = {name: value for name, _, value in (line.partition(" = ") for line in lines)}
    defaults = {name.rstrip(" ="): value for name, value in defaults.items()}
    host = Host(
        postfix=Version.parse(version),
        tls_library=TlsLibrary.parse((FIXTURES / f"postconf-T-{version}.txt").read_text()),
        map_types=frozenset((FIXTURES / f"postconf-m-{version}.txt").read_text().split()),
        known_parameters=frozenset(defaults),
    )
    expanded = {name: value if "$" not in value else "" for name, value in defaults.items()}
    return host, {**expanded, "queue_directory": "/var/spool/postfix", "syslog_name": "postfix"}


def given(
    master: str = SMTP,
    *,
    version: str = "3.10.13",
    recorded: t.Collection[str] = (),
    accepted: t.Collection[str] = (),
    main: t.Optional[t.Mapping[str, str]] = None,
    **choices: t.Any,
) -> Given:
    host, defaults = host_of(version)
    return Given(
        host=host,
        choices=SubmissionChoices(**choices),
        services=master_cf.parse(master),
        explicit=main or {},
        effective={**defaults, **(main or {})},
        recorded=recorded,
        accepted=accepted,
    )


def rendered(before: Given, found: Submission) -> Given:
    """Return the host after the changes, as the next run sees it."""
    master = "".join(
        " ".join([one.name, one.type, *one.fields, one.command, *one.arguments]) + "\n"
        for one in before.services
    )
    explicit = {
        name: value
        for name, value in {**before.explicit, **found.parameters}.items()
        if value is not None
    }
    return dataclasses.replace(
        before,
        services=master_cf.parse(master_cf_changes.render(master, changes=found.changes)),
        explicit=explicit,
        effective={**before.effective, **explicit},
        recorded=found.record,
    )


def overrides(before: Given, name: str = "submission") -> dict[str, str]:
    """Return the ``-o`` that a service has after a run."""
    after = rendered(before, resolve_for(before))
    return next(dict(one.overrides) for one in after.services if one.name == name)


def adopted(options: str, *, port: str = "submission", **rest: t.Any) -> dict[str, str]:
    return overrides(given(f"{SMTP}{port} inet n - y - - smtpd {options}\n", **rest), port)


EVERYWHERE = {
    "milter_macro_daemon_name": "ORIGINATING",
    "smtpd_tls_security_level": "encrypt",
    "smtpd_tls_auth_only": "yes",
    "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
    "smtpd_tls_mandatory_ciphers": "high",
    "smtpd_tls_mandatory_exclude_ciphers": STRONG,
    "smtpd_tls_loglevel": "1",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
    "smtpd_sasl_security_options": "noanonymous",
    "smtpd_sasl_tls_security_options": "noanonymous",
    "smtpd_client_restrictions": PERMIT,
    "smtpd_helo_restrictions": "",
    "smtpd_sender_restrictions": "",
    "smtpd_relay_restrictions": PERMIT,
    "smtpd_recipient_restrictions": "",
    "smtpd_client_auth_rate_limit": "30",
    "disable_vrfy_command": "yes",
    "smtpd_forbid_bare_newline_exclusions": "",
    "smtpd_helo_required": "yes",
}
DIFFERS: dict[str, dict[str, str]] = {
    "3.5.25": {
        "smtpd_tls_mandatory_protocols": "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
        "smtpd_forbid_bare_newline": "normalize",
    },
    "3.7.11": {"smtpd_forbid_bare_newline": "normalize"},
    "3.10.13": {"smtpd_hide_client_session": "yes"},
    "3.11.7": {"smtpd_hide_client_session": "yes"},
}


@pytest.mark.parametrize("version", RECORDED)
def test_a_new_service_has_exactly_these_overrides(version: str) -> None:
    before = given(version=version)
    expected = {**EVERYWHERE, **DIFFERS[version]}
    assert overrides(before) == {**expected, "syslog_name": "postfix/submission"}
    assert overrides(before, "submissions") == {
        **expected,
        "syslog_name": "postfix/submissions",
        "smtpd_tls_wrappermode": "yes",
    }


def test_a_new_service_is_chrooted_like_port_25() -> None:
    before = given("smtp inet n - n - - smtpd\n")
    after = rendered(before, resolve_for(before))
    assert [one.fields[2] for one in after.services] == ["n", "n", "n"]


HOSTS = [
    pytest.param(SMTP, {}, id="stock"),
    pytest.param(
        SMTP + "587 inet n - y - - smtpd -o smtpd_tls_security_level=may\n",
        {
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
        },
        id="grown",
    ),
    pytest.param(
        SMTP + "submission inet n - y - - smtpd\nsmtps inet n - y - - smtpd\n",
        {
            "smtpd_recipient_restrictions": "check_policy_service unix:private/policy, "
            "check_sender_access inline:{ {a.example = OK} }, reject_rbl_client bl.example, "
            "permit_sasl_authenticated, reject_unauth_destination",
            "smtpd_sender_restrictions": "reject_sender_login_mismatch",
            "smtpd_sender_login_maps": "inline:{ {a@x.example = a} }",
        },
        id="carried",
    ),
]


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param({}, id="plain"),
        pytest.param({"profile": "interop", "auth_on_25": True}, id="interop-25"),
        pytest.param(
            {
                "profile": "strict",
                "sender_login_maps": "inline:{ {a@x.example = a} }",
                "auth_rate_limit": 7,
                "certificates": (CertificateChoice("/etc/c/a.pem", "/etc/c/a.key"),),
                "overrides": {"smtpd_banner": "hello there", "smtpd_milters": ""},
            },
            id="all",
        ),
    ],
)
@pytest.mark.parametrize(("master", "main"), HOSTS)
@pytest.mark.parametrize("version", RECORDED)
def test_a_second_run_changes_nothing(
    version: str, master: str, main: dict[str, str], choices: dict[str, t.Any]
) -> None:
    before = given(master, version=version, main=main, **choices)
    first = resolve_for(before)
    after = rendered(before, first)
    second = resolve_for(after)
    assert [
        (change.name, name, value)
        for change in second.changes
        for service in master_cf_changes.matching(after.services, change)
        for name, value in change.overrides.items()
        if service.overrides.get(name) != (None if value is None else main_cf.normalise(value))
    ] == []
    assert not second.parameters
    assert second.record == first.record
    assert not [one for one in second.below if not one.accepted]


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("submission", "starttls"),
        ("587", "starttls"),
        ("192.0.2.1:587", "starttls"),
        ("[2001:db8::1]:submission", "starttls"),
        ("smtps", "implicit_tls"),
        ("submissions", "implicit_tls"),
        ("465", "implicit_tls"),
        ("urd", "implicit_tls"),
        ("192.0.2.1:465", "implicit_tls"),
    ],
)
def test_a_service_is_adopted_however_it_is_spelt(name: str, port: str) -> None:
    others = {one: False for one in submission_settings.PORTS if one != port}
    before = given(f"{SMTP}{name} inet n - y - 7 smtpd -o smtpd_banner=mine\n", **others)
    after = rendered(before, resolve_for(before))
    assert [one.name for one in after.services] == ["smtp", name]
    assert after.services[1].fields[4] == "7"
    assert after.services[1].overrides["smtpd_banner"] == "mine"
    assert after.services[1].overrides["smtpd_sasl_auth_enable"] == "yes"


def test_every_address_of_a_port_is_adopted_by_itself() -> None:
    before = given(
        f"{SMTP}192.0.2.1:587 inet n - y - - smtpd -o syslog_name=one\n192.0.2.2:587 inet n - y - - smtpd\n",
        implicit_tls=False,
    )
    after = {one.name: one.overrides for one in rendered(before, resolve_for(before)).services}
    assert after["192.0.2.1:587"]["syslog_name"] == "one"
    assert after["192.0.2.2:587"]["syslog_name"] == "postfix/submission"


def test_what_is_no_smtpd_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"port 587 is served by 'spawn' .*587/inet.* no smtpd"):
        resolve_for(given(SMTP + "587 inet n - n - - spawn argv=/bin/cat\n"))


# A -o of the site, and what stays of it.
SITES_OWN = [
    pytest.param("smtpd_tls_mandatory_protocols", ">=TLSv1.3", True, id="stricter"),
    pytest.param("smtpd_tls_mandatory_protocols", ">=TLSv1", False, id="old-protocols"),
    pytest.param("smtpd_tls_security_level", "may", False, id="level"),
    pytest.param("smtpd_tls_wrappermode", "yes", False, id="wrapper-on-587"),
    pytest.param("smtpd_tls_auth_only", "no", False, id="auth-before-tls"),
    pytest.param("smtpd_sasl_security_options", "noanonymous,noplaintext", True, id="options"),
    pytest.param("smtpd_sasl_tls_security_options", "noplaintext", False, id="anonymous"),
    pytest.param("smtpd_sasl_path", "private/other", True, id="path"),
    pytest.param("smtpd_sasl_path", "/var/spool/postfix/private/auth", False, id="absolute-path"),
    pytest.param("smtpd_sasl_path", "/run/dovecot/auth-client", True, id="path-elsewhere"),
    pytest.param("smtpd_sasl_type", "cyrus", True, id="cyrus"),
    pytest.param("smtpd_sasl_authenticated_header", "yes", False, id="header"),
    pytest.param("smtpd_client_auth_rate_limit", "100", True, id="other-limit"),
    pytest.param("smtpd_client_auth_rate_limit", "0", False, id="no-limit"),
    pytest.param("smtpd_discard_ehlo_keywords", "etrn", True, id="keywords"),
    pytest.param("smtpd_discard_ehlo_keywords", "etrn,auth", False, id="hides-auth"),
    pytest.param("smtpd_client_restrictions", "check_client_access,static:OK", True, id="client"),
    pytest.param("smtpd_client_restrictions", "$mua_client_restrictions", False, id="undefined"),
    pytest.param("smtpd_relay_restrictions", "permit_mynetworks,reject", False, id="mynetworks"),
    pytest.param(
        "smtpd_relay_restrictions",
        "permit_sasl_authenticated,reject_unauth_destination",
        False,
        id="strangers-to-us",
    ),
    pytest.param(
        "smtpd_relay_restrictions",
        "check_client_access,hash:/x,permit_sasl_authenticated,reject",
        False,
        id="table",
    ),
    pytest.param(
        "smtpd_relay_restrictions",
        "permit_sasl_authenticated,permit_tls_clientcerts,reject",
        True,
        id="certificates",
    ),
    pytest.param("smtpd_recipient_restrictions", "reject_non_fqdn_recipient", True, id="recipient"),
    pytest.param("smtpd_hide_client_session", "no", True, id="shows-client"),
    pytest.param("smtpd_reject_unlisted_recipient", "no", False, id="unlisted"),
    pytest.param("smtpd_forbid_bare_newline", "no", False, id="smuggling"),
    pytest.param("syslog_name", "postfix/mine", True, id="syslog"),
]


@pytest.mark.parametrize(("name", "value", "stays"), SITES_OWN)
def test_an_override_of_the_site_stays_unless_it_is_below(
    name: str, value: str, stays: bool
) -> None:
    before = given(f"{SMTP}submission inet n - y - - smtpd -o {name}={value}\n")
    found = resolve_for(before)
    after = rendered(before, found).services[1].overrides.get(name)
    assert (after == value) is stays
    assert [one.weaker.parameter for one in found.below] == ([] if stays else [name])
    assert any(name in one.parameter for one in found.notes) is not stays
    assert not any(one.endswith(f"/{name}") and ":587" in one for one in found.record) or not stays


@pytest.mark.parametrize(
    ("name", "value"),
    [(case.values[0], case.values[1]) for case in SITES_OWN if not case.values[2]],
)
def test_an_override_below_stays_when_it_is_accepted(name: t.Any, value: t.Any) -> None:
    before = given(f"{SMTP}submission inet n - y - - smtpd -o {name}={value}\n", accepted=[name])
    found = resolve_for(before)
    assert rendered(before, found).services[1].overrides[name] == value
    assert [one.accepted for one in found.below] == [True]


def test_an_accepted_relay_list_is_not_made_void_by_our_list_of_clients() -> None:
    options = "-o smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject"
    after = adopted(options, accepted=["smtpd_relay_restrictions"])
    assert after["smtpd_client_restrictions"] == ""


def test_debians_old_sample_is_safe_as_it_is() -> None:
    options = "-o smtpd_relay_restrictions= -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
    after = adopted(options)
    assert after["smtpd_relay_restrictions"] == ""
    assert after["smtpd_recipient_restrictions"] == "permit_sasl_authenticated,reject"


def test_lists_of_main_cf_give_what_users_met_and_no_spam_policy() -> None:
    main = {
        "smtpd_client_restrictions": "reject_rbl_client bl.example, check_sasl_access hash:/blocked",
        "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname",
        "smtpd_sender_restrictions": "reject_unknown_sender_domain, warn_if_reject reject_unlisted_sender",
        "smtpd_recipient_restrictions": "check_policy_service unix:private/limits, permit_mynetworks, "
        "reject_rbl_client bl.example, permit_sasl_authenticated, check_policy_service unix:private/grey",
        "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
    }
    after = adopted("", main=main)
    assert after["smtpd_client_restrictions"] == f"check_sasl_access hash:/blocked, {PERMIT}"
    assert after["smtpd_helo_restrictions"] == ""
    assert (
        after["smtpd_sender_restrictions"]
        == "reject_unknown_sender_domain, warn_if_reject reject_unlisted_sender"
    )
    assert after["smtpd_recipient_restrictions"] == "check_policy_service unix:private/limits"
    assert after["smtpd_relay_restrictions"] == PERMIT
    fresh = overrides(given(main=main))
    assert fresh["smtpd_client_restrictions"] == PERMIT
    assert fresh["smtpd_recipient_restrictions"] == ""


MAPS = "texthash:/etc/postfix/senders"
SENDERS = [
    pytest.param("", {}, "reject_sender_login_mismatch", id="none"),
    pytest.param(
        "-o smtpd_sender_restrictions=reject_unlisted_sender",
        {},
        "reject_sender_login_mismatch, reject_unlisted_sender",
        id="before-the-sites",
    ),
    pytest.param(
        "-o smtpd_sender_restrictions=reject_known_sender_login_mismatch",
        {},
        "reject_known_sender_login_mismatch",
        id="the-sites-own",
    ),
    pytest.param(
        "",
        {"smtpd_sender_restrictions": "reject_authenticated_sender_login_mismatch, permit"},
        "reject_authenticated_sender_login_mismatch",
        id="carried",
    ),
]


@pytest.mark.parametrize(("options", "main", "expected"), SENDERS)
def test_a_table_of_senders_is_looked_at(options: str, main: dict[str, str], expected: str) -> None:
    after = adopted(options, main=main, sender_login_maps=MAPS)
    assert after["smtpd_sender_login_maps"] == MAPS
    assert after["smtpd_sender_restrictions"] == expected


def test_senders_are_not_checked_without_a_table() -> None:
    options = "-o smtpd_sender_restrictions=reject_sender_login_mismatch,reject_unlisted_sender"
    assert adopted(options)["smtpd_sender_restrictions"] == "reject_unlisted_sender"
    main = {"smtpd_sender_login_maps": MAPS}
    assert "mismatch" in adopted(options, main=main)["smtpd_sender_restrictions"]


def test_choices_that_are_dropped_go() -> None:
    before = given(
        sender_login_maps=MAPS,
        auth_rate_limit=5,
        message_rate_limit=50,
        profile="interop",
        certificates=(CertificateChoice("/etc/c/a.pem", "/etc/c/a.key"),),
        overrides={"smtpd_banner": "mine"},
    )
    with_choices = overrides(before)
    assert with_choices["smtpd_client_message_rate_limit"] == "50"
    assert with_choices["smtpd_tls_chain_files"] == "/etc/c/a.key, /etc/c/a.pem"
    assert with_choices["smtpd_tls_exclude_ciphers"] == ""
    after = dataclasses.replace(rendered(before, resolve_for(before)), choices=SubmissionChoices())
    assert overrides(after) == overrides(given())


def test_a_choice_wins_over_the_site() -> None:
    options = (
        "-o smtpd_client_auth_rate_limit=100 -o smtpd_sasl_type=cyrus -o smtpd_sasl_path=smtpd"
    )
    after = adopted(options, auth_rate_limit=5, sasl_type="dovecot")
    assert after["smtpd_client_auth_rate_limit"] == "5"
    assert (after["smtpd_sasl_type"], after["smtpd_sasl_path"]) == ("dovecot", "private/auth")


SASL = [
    pytest.param({}, {}, ("dovecot", "private/auth"), id="nothing-named"),
    pytest.param(
        {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd"}, {}, ("cyrus", "smtpd"), id="cyrus"
    ),
    pytest.param(
        {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/dovecot"},
        {},
        ("dovecot", "private/dovecot"),
        id="named-path",
    ),
    pytest.param(
        {"smtpd_sasl_path": "/var/spool/postfix/private/auth"},
        {},
        ("dovecot", "private/auth"),
        id="absolute",
    ),
    pytest.param(
        {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "inet:127.0.0.1:12345"},
        {},
        ("dovecot", "inet:127.0.0.1:12345"),
        id="inet",
    ),
    pytest.param(
        {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd"},
        {"sasl_type": "dovecot"},
        ("dovecot", "private/auth"),
        id="moved-to-dovecot",
    ),
    pytest.param({}, {"sasl_path": "private/x"}, ("dovecot", "private/x"), id="chosen-path"),
]


@pytest.mark.parametrize(("main", "choices", "expected"), SASL)
def test_the_login_service_is_the_sites_or_dovecot(
    main: dict[str, str], choices: dict[str, str], expected: tuple[str, str]
) -> None:
    found = resolve_for(given(main=main, **choices))
    assert {(one.type, one.path) for one in found.backends} == {expected}


GROWN = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_relay_restrictions": "permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
}
ELSEWHERE = (
    SMTP
    + "2525 inet n - y - - smtpd\n"
    + "127.0.0.1:10025 inet n - n - - smtpd -o smtpd_relay_restrictions=permit_mynetworks,reject\n"
    + "2526 inet n - y - - smtpd -o smtpd_sasl_auth_enable=no\n"
    + "2527 inet n - y - - postscreen\n"
)


def test_logins_leave_main_cf_and_nobody_is_locked_out() -> None:
    before = given(ELSEWHERE, main=GROWN)
    found = resolve_for(before)
    assert found.parameters == {
        "smtpd_sasl_auth_enable": "no",
        "smtpd_relay_restrictions": "permit_mynetworks defer_unauth_destination",
    }
    after = {one.name: one.overrides for one in rendered(before, found).services}
    assert after["smtp"] == {}
    assert after["2525"] == {
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_relay_restrictions": GROWN["smtpd_relay_restrictions"],
    }
    assert after["127.0.0.1:10025"] == {
        "smtpd_relay_restrictions": "permit_mynetworks,reject",
        "smtpd_sasl_auth_enable": "yes",
    }
    assert after["2526"] == {"smtpd_sasl_auth_enable": "no"}
    assert after["2527"] == {}


@pytest.mark.parametrize("service", ["smtp inet", "192.0.2.1:25 inet", "smtpd pass"])
def test_logins_leave_port_25_however_it_is_made(service: str) -> None:
    master = f"{service} n - y - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_banner=x\n"
    before = given(master)
    after = rendered(before, resolve_for(before)).services[0]
    assert after.overrides == {"smtpd_banner": "x"}
    kept = given(master, auth_on_25=True)
    found = resolve_for(kept)
    assert rendered(kept, found).services[0].overrides == {
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_banner": "x",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "private/auth",
    }
    assert [one.parameter for one in found.notes] == ["port 25"]


def test_logins_on_port_25_keep_the_relay_list() -> None:
    found = resolve_for(given(ELSEWHERE, main=GROWN, auth_on_25=True))
    assert found.parameters == {"smtpd_sasl_auth_enable": "no"}


@pytest.mark.parametrize(
    ("relay", "master"),
    [
        pytest.param(
            "{permit_sasl_authenticated}, permit_sasl_authenticated, reject", SMTP, id="braces"
        ),
        pytest.param(
            "permit_sasl_authenticated, reject",
            SMTP
            + "2525 inet n - y - - smtpd -o smtpd_relay_restrictions=$smtpd_relay_restrictions\n",
            id="used-elsewhere",
        ),
        pytest.param("permit_sasl_authenticated", SMTP, id="nothing-left"),
    ],
)
def test_a_relay_list_that_cannot_be_changed_stays_and_is_said(relay: str, master: str) -> None:
    found = resolve_for(given(master, main={"smtpd_relay_restrictions": relay}))
    assert found.parameters == {}
    assert "smtpd_relay_restrictions" in [one.parameter for one in found.notes]


def test_a_service_that_is_switched_off_stays_and_keeps_its_logins() -> None:
    master = SMTP + "submission inet n - y - - smtpd\n"
    before = given(master, main=GROWN, starttls=False)
    found = resolve_for(before)
    after = {one.name: one.overrides for one in rendered(before, found).services}
    assert after["submission"]["smtpd_sasl_auth_enable"] == "yes"
    assert "smtpd_tls_security_level" not in after["submission"]
    assert "submission/inet" in [one.parameter for one in found.notes]
    gone = given(master, main=GROWN, starttls=False, remove=True)
    names = [one.name for one in rendered(gone, resolve_for(gone)).services]
    assert names == ["smtp", "submissions"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtpd_tls_mandatory_protocols", ">=TLSv1"),
        ("smtpd_sasl_auth_enable", "no"),
        ("smtpd_tls_security_level", None),
        ("smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, reject"),
    ],
)
def test_an_override_of_the_operator_below_the_floor_is_told(
    name: str, value: t.Optional[str]
) -> None:
    found = resolve_for(given(overrides={name: value}))
    assert {one.parameter for one in found.refused} == {name}


def test_overrides_of_the_operator_are_written_and_recorded() -> None:
    before = given(overrides={"smtpd_banner": "hello there", "smtpd_milters": None})
    found = resolve_for(before)
    assert rendered(before, found).services[1].overrides["smtpd_banner"] == "hello there"
    assert ":587/smtpd_banner" in found.record
    assert found.refused == ()


def test_what_postfix_expands_from_main_cf_is_replaced_where_a_certificate_is_given() -> None:
    main = {"smtpd_tls_cert_file": "/etc/c/old.pem", "smtpd_tls_key_file": "/etc/c/old.key"}
    certificates = (CertificateChoice("/etc/c/a.pem", "/etc/c/a.key"),)
    after = overrides(given(main=main, certificates=certificates))
    assert after["smtpd_tls_cert_file"] == after["smtpd_tls_key_file"] == ""
    assert "smtpd_tls_eccert_file" not in after


def test_strict_has_a_file() -> None:
    found = resolve_for(given(profile="strict"))
    assert [one.name for one in found.files] == ["openssl-postfix.cnf"]
    assert (
        overrides(given(profile="strict"))["tls_config_file"] == "/etc/postfix/openssl-postfix.cnf"
    )


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"profile": "stern"}, "inbound_profile is 'stern'"),
        ({"sasl_type": "gsasl"}, "sasl_type is 'gsasl': expected one of auto, dovecot, cyrus"),
        ({"sasl_path": "private/auth x"}, "sasl_path is 'private/auth x'"),
        (
            {"sender_login_maps": "/etc/postfix/senders"},
            "sender_login_maps is .*expected type:name",
        ),
        ({"sender_login_check": "reject"}, "sender_login_check is 'reject'"),
        ({"auth_rate_limit": -1}, "auth_rate_limit is -1"),
        (
            {"message_size_limit": 10240001},
            "message_size_limit is 10240001: expected at most 10240000",
        ),
        ({"message_size_limit": 0}, "message_size_limit is 0"),
        ({"certificates": (CertificateChoice("a.pem", "/a.key"),)}, "'a.pem' is not the absolute"),
    ],
)
def test_choices_that_cannot_work_are_refused(choices: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        resolve_for(given(**choices))


def test_every_decision_has_its_reason_and_source() -> None:
    for one in resolve_for(given(profile="interop", sender_login_maps=MAPS)).decisions:
        assert one.reason.endswith(".")
        assert one.source.startswith(f"postconf(5) {one.parameter}")


def test_every_parameter_of_the_table_is_known_to_some_postfix() -> None:
    known = {name for version in RECORDED for name in host_of(version)[0].known_parameters or ()}
    assert {one.parameter for one in submission_settings.SETTINGS} <= known
    assert set(submission_choices.LIMITS.values()) <= known


def test_below_the_floor_reads_as_one_line() -> None:
    before = given(SMTP + "587 inet n - y - - smtpd -o smtpd_tls_security_level=may\n")
    (one,) = resolve_for(before).below
    assert str(one) == "587/inet -o smtpd_tls_security_level=may: may is below encrypt"
    assert isinstance(one, submission.BelowFloor)


def test_the_explanation_names_the_service_and_who_decided() -> None:
    before = given(
        SMTP + "submission inet n - y - - smtpd -o syslog_name=mine\n",
        overrides={"smtpd_helo_required": "yes"},
    )
    rows = explain.explain_services(
        resolve_for(before).decisions,
        overrides=before.choices.overrides,
        current={"submission/inet": {"syslog_name": "mine"}},
    )
    by_name = {row["parameter"]: row for row in rows if row["place"] == "submission/inet"}
    assert by_name["syslog_name"]["value"] == by_name["syslog_name"]["current"] == "mine"
    assert by_name["syslog_name"]["overridden_by"] == "site"
    assert by_name["smtpd_helo_required"]["overridden_by"] == "site"
    assert by_name["smtpd_sasl_auth_enable"]["overridden_by"] is None
