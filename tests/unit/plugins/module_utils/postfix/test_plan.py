# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs is told setting by setting, and a plan carried out leaves nothing to do."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    plan,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf_changes import (
    ServiceChange,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.plan import Change
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.postfix.config_texts import (
    FRESH,
    NAMES,
    MainText,
    MasterText,
    main_texts,
    master_texts,
    values,
)
from hypothesis import given
from hypothesis import strategies as st

MAIN = "# c\nmyhostname = mx1.example\nmydestination = a,\n  b\n"
MASTER = "smtp inet n - y - - smtpd\n  -o a=1\n25 unix n - n - - x\n"


def make(
    *,
    parameters: t.Optional[dict[str, t.Optional[str]]] = None,
    services: t.Sequence[ServiceChange] = (),
    main: str = MAIN,
    master: str = MASTER,
) -> plan.Plan:
    return plan.make(main=main, master=master, parameters=parameters or {}, services=services)


@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"myhostname": "mx1.example"}, [], id="same"),
        pytest.param({"mydestination": " a,\tb "}, [], id="same-otherwise-spelt"),
        pytest.param({"relayhost": None}, [], id="remove-what-is-not-there"),
        pytest.param(
            {"myhostname": "mx2.example"},
            [("main.cf", "myhostname", "mx1.example", "mx2.example")],
            id="changed",
        ),
        pytest.param({"relayhost": ""}, [("main.cf", "relayhost", None, "")], id="new"),
        pytest.param(
            {"mydestination": None}, [("main.cf", "mydestination", "a, b", None)], id="removed"
        ),
    ],
)
def test_changes_of_parameters(
    parameters: dict[str, t.Optional[str]], changes: list[tuple[str, ...]]
) -> None:
    made = make(parameters=parameters)
    assert list(made.changes) == [Change(*change) for change in changes]
    assert (made.main == MAIN) == (not changes)
    assert made.master == MASTER


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"overrides": {"a": "1"}, "exclusive": True}, [], id="same"),
        pytest.param({"overrides": {"a": "2"}}, [("-o a", "1", "2")], id="override"),
        pytest.param({"overrides": {"b": "2"}}, [("-o b", None, "2")], id="new-override"),
        pytest.param({"overrides": {"a": None}}, [("-o a", "1", None)], id="removed-override"),
        pytest.param({"fields": {"chroot": "n"}}, [("chroot", "y", "n")], id="column"),
        pytest.param({"arguments": ("-v",)}, [("command", "smtpd", "smtpd -v")], id="arguments"),
        pytest.param(
            {"present": False},
            [
                ("private", "n", None),
                ("unprivileged", "-", None),
                ("chroot", "y", None),
                ("wakeup", "-", None),
                ("process_limit", "-", None),
                ("command", "smtpd", None),
                ("-o a", "1", None),
            ],
            id="absent",
        ),
    ],
)
def test_changes_of_services(change: dict[str, t.Any], changes: list[tuple[str, ...]]) -> None:
    made = make(services=[ServiceChange("25", **change)])
    assert list(made.changes) == [Change("smtp/inet", *one) for one in changes]
    assert (made.master == MASTER) == (not changes)
    assert made.main == MAIN


def test_changes_of_a_new_service() -> None:
    made = make(services=[ServiceChange("587", overrides={"b": "2"})])
    assert {change.place for change in made.changes} == {"587/inet"}
    assert {change.before for change in made.changes} == {None}
    assert ("-o b", "2") in [(change.name, change.after) for change in made.changes]


@pytest.mark.parametrize(
    ("parameters", "needed"),
    [
        pytest.param({"relayhost": "x"}, False, id="reload"),
        pytest.param({"inet_interfaces": "all"}, True, id="inet_interfaces"),
        pytest.param({"inet_protocols": "ipv4"}, True, id="inet_protocols"),
        pytest.param({"inet_protocols": None}, False, id="not-there"),
    ],
)
def test_needs_restart(parameters: dict[str, t.Optional[str]], *, needed: bool) -> None:
    assert make(parameters=parameters).needs_restart is needed


def test_an_override_needs_no_restart() -> None:
    made = make(services=[ServiceChange("25", overrides={"inet_protocols": "ipv4"})])
    assert made.changes
    assert not made.needs_restart


CHANGES = st.dictionaries(st.sampled_from((*NAMES, FRESH)), st.none() | values(), max_size=4)
SERVICES = st.lists(
    st.builds(
        ServiceChange,
        name=st.sampled_from(["smtp", "587", "465"]),
        present=st.booleans(),
        overrides=st.dictionaries(
            st.sampled_from(NAMES), st.none() | st.sampled_from(["", "a", "a, b"]), max_size=2
        ),
    ),
    max_size=2,
    unique_by=lambda change: change.name,
)


@given(main=main_texts(), master=master_texts(), parameters=CHANGES, services=SERVICES)
def test_a_plan_carried_out_leaves_nothing_to_do(
    main: MainText,
    master: MasterText,
    parameters: dict[str, t.Optional[str]],
    services: list[ServiceChange],
) -> None:
    made = make(main=main.text, master=master.text, parameters=parameters, services=services)
    again = make(main=made.main, master=made.master, parameters=parameters, services=services)
    assert again == plan.Plan(main=made.main, master=made.master, changes=())


@given(main=main_texts(), master=master_texts(), parameters=CHANGES, services=SERVICES)
def test_no_change_is_told_where_no_text_differs(
    main: MainText,
    master: MasterText,
    parameters: dict[str, t.Optional[str]],
    services: list[ServiceChange],
) -> None:
    made = make(main=main.text, master=master.text, parameters=parameters, services=services)
    places = {change.place for change in made.changes}
    assert ("main.cf" in places) == (made.main != main.text)
    if places - {"main.cf"}:
        assert made.master != master.text
    # A removed duplicate that was not in force is no change of a setting.
    names = [service.key for service in master_cf.parse(master.text)]
    if len(names) == len(set(names)):
        assert bool(places - {"main.cf"}) == (made.master != master.text)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param(
            Change("main.cf", "relayhost", None, "[mx.example]"),
            {"place": "main.cf", "name": "relayhost", "before": None, "after": "[mx.example]"},
            id="open",
        ),
        pytest.param(
            Change("main.cf", "smtp_sasl_password_maps", "static:u:geheim", None),
            {"before": "static:********", "after": None},
            id="secret",
        ),
        pytest.param(
            Change("smtp/inet", "-o smtp_sasl_password_maps", "static:u:a", "static:u:b"),
            {"before": "static:********", "after": "static:********"},
            id="secret-override",
        ),
        pytest.param(
            Change("x/unix", "command", None, "pipe argv=/x --password=geheim"),
            {"after": "pipe argv=/x --password=********"},
            id="secret-argument",
        ),
    ],
)
def test_masked_change(change: Change, shown: dict[str, t.Optional[str]]) -> None:
    assert plan.masked_change(change).items() >= shown.items()


SECRET = "geheim"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"smtp_sasl_password_maps = static:u:{SECRET}\n", id="value"),
        pytest.param(
            f"smtp_sasl_password_maps = inline:{{\n  # c\n  {{ a = u:{SECRET} }} }}\n",
            id="continued",
        ),
        pytest.param(
            f"smtp_sasl_password_maps = static:u:{SECRET}\nsmtp_sasl_password_maps =\n",
            id="duplicate",
        ),
        pytest.param(f"#smtp_sasl_password_maps = static:u:{SECRET}\n", id="commented-out"),
        pytest.param(f"  ## my_password={SECRET}\r\n", id="commented-out-name"),
        pytest.param(f"# the password: {SECRET}\n", id="comment"),
        pytest.param(f"a = ldap://u:{SECRET}@ldap.example/\n", id="url"),
    ],
)
def test_masked_main_hides(text: str) -> None:
    shown = plan.masked_main(f"myhostname = a\n{text}# end\n")
    assert SECRET in text
    assert SECRET not in shown
    assert shown.startswith("myhostname = a\n")
    assert shown.endswith("# end\n")
    assert "********" in shown


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("smtp inet n - y - - smtpd -o p_password=geheim\n", id="override"),
        pytest.param("smtp inet n - y - - smtpd -op_password=geheim\n", id="joined"),
        pytest.param(
            "smtp inet n - y - - smtpd -o p_password=geheim\nsmtp inet n - y - - smtpd\n",
            id="duplicate-service",
        ),
        pytest.param(
            "smtp inet n - y - - smtpd -o p_password=geheim -o p_password=x\n", id="duplicate"
        ),
        pytest.param("x unix - n n - - pipe argv=/x password=geheim\n", id="operand"),
        pytest.param("#  -o p_password=geheim\n", id="commented-out"),
    ],
)
def test_masked_master_hides(text: str) -> None:
    shown = plan.masked_master(f"{text}127.0.0.1:smtp inet n - y - - smtpd\n")
    assert SECRET not in shown
    assert shown.endswith("\n127.0.0.1:smtp inet n - y - - smtpd\n")
    assert shown.count("\n") == text.count("\n") + 1


@given(main=main_texts(), master=master_texts())
def test_what_holds_no_secret_is_shown_as_it_is(main: MainText, master: MasterText) -> None:
    assert plan.masked_main(main.text) == main.text
    assert plan.masked_master(master.text) == master.text


def test_a_text_that_postfix_refuses_makes_no_plan() -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=r"main\.cf, line 1"):
        make(main="x\n", parameters={"a": "1"})
    with pytest.raises(main_cf.ConfigSyntaxError, match=r"master\.cf, line 1"):
        make(master="x\n")
