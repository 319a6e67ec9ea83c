# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""master.cf is read as Postfix reads it, and a change touches its own words only."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    master_cf_changes,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf_changes import (
    ServiceChange,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.postfix.config_texts import (
    FRESH,
    NAMES,
    WORDS,
    MasterText,
    master_texts,
)
from hypothesis import given
from hypothesis import strategies as st

SMTP = "smtp inet n - y - - smtpd"


def only(text: str) -> master_cf.Service:
    (service,) = master_cf.parse(text)
    return service


def render(text: str, *changes: ServiceChange) -> str:
    return master_cf_changes.render(text, changes=changes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param("", {}, id="none"),
        pytest.param(" -o a=1", {"a": "1"}, id="two-words"),
        pytest.param(" -oa=1", {"a": "1"}, id="one-word"),
        pytest.param(" -vo a=1", {"a": "1"}, id="cluster"),
        pytest.param(" -vvoa=1", {"a": "1"}, id="cluster-one-word"),
        pytest.param(" -v -c -o a=1", {"a": "1"}, id="behind-options"),
        pytest.param(" -o { a = b, c }", {"a": "b, c"}, id="braces"),
        pytest.param(" -o {a=b,\tc}", {"a": "b, c"}, id="narrow-braces"),
        pytest.param(" -o{ a = b }", {"a": "b"}, id="joined-braces"),
        pytest.param(" {-o} a=1", {"a": "1"}, id="option-in-braces"),
        pytest.param(
            "\n  -o { a = b,\n  # why c\n\n    c }", {"a": "b, c"}, id="braces-over-lines"
        ),
        pytest.param("\n  -o\n # why\n  a=1", {"a": "1"}, id="line-break-behind-o"),
        pytest.param("\n  -o a=1\n# x\n  # y\n\n  -o b=2", {"a": "1", "b": "2"}, id="comments"),
        pytest.param("\r\n  -o a=1\r\n  -o { b = 2  3 }\r\n", {"a": "1", "b": "2 3"}, id="dos"),
        pytest.param(" -o a=1 -o a=2", {"a": "2"}, id="the-last-wins"),
        pytest.param(" -o a=", {"a": ""}, id="empty"),
        pytest.param(" -o a=b=c", {"a": "b=c"}, id="equals-in-value"),
        pytest.param(" -o a={b c}d", {"a": "{b c}d"}, id="braces-in-value"),
        pytest.param(" -o { a = {b c} }", {"a": "{b c}"}, id="braces-in-braces"),
        pytest.param(" -o a=${b?{c d}}", {"a": "${b?{c d}}"}, id="conditional"),
        pytest.param(" -o a=}b{ c", {"a": "}b{ c"}, id="unbalanced-in-the-last-word"),
        pytest.param(" -o a=b#c", {"a": "b#c"}, id="sharp"),
        pytest.param(" -o a=b\u00a0c", {"a": "b\u00a0c"}, id="no-break-space"),
        pytest.param(" -o a=\x0bb", {"a": "b"}, id="vertical-tab"),
    ],
)
def test_overrides(arguments: str, expected: dict[str, str]) -> None:
    service = only(SMTP + arguments)
    assert dict(service.overrides) == expected
    assert service.broken_arguments == ()


@pytest.mark.parametrize(
    ("arguments", "overrides", "broken"),
    [
        pytest.param(" -o a = b", {}, ("-o a", "=", "b"), id="blanks"),
        pytest.param(" -o a= b -o c=d", {"a": ""}, ("b", "-o", "c=d"), id="blank-behind-equals"),
        pytest.param(" -o a=b, c -o d=e", {"a": "b,"}, ("c", "-o", "d=e"), id="blank-behind-comma"),
        pytest.param(" -o a=b # why", {"a": "b"}, ("#", "why"), id="no-comment-there"),
        pytest.param(" -o a -o b=c", {"b": "c"}, ("-o a",), id="no-equals"),
        pytest.param(" -o {a} -o b=c", {"b": "c"}, ("-o {a}",), id="no-equals-in-braces"),
        pytest.param(" -o =b", {}, ("-o =b",), id="no-name"),
        pytest.param(" -o { a b = c }", {}, ("-o { a b = c }",), id="two-names"),
        pytest.param(" -o", {}, ("-o",), id="nothing-behind-o"),
        pytest.param(" -- -o a=b", {}, ("--", "-o", "a=b"), id="end-of-options"),
        pytest.param(" - -o a=b", {}, ("-", "-o", "a=b"), id="dash"),
    ],
)
def test_broken_arguments(
    arguments: str, overrides: dict[str, str], broken: tuple[str, ...]
) -> None:
    service = only(SMTP + arguments)
    assert dict(service.overrides) == overrides
    assert service.broken_arguments == broken


def test_end_of_options_alone_is_not_broken() -> None:
    assert only(SMTP + " -v --").broken_arguments == ()


def test_words_of_a_sites_own_command_are_not_broken() -> None:
    service = only("x unix - n n - 2 pipe -o a=1\n  flags=R user=v argv=/x {b c} -o d=2\n")
    assert service.broken_arguments == ()
    assert dict(service.overrides) == {"a": "1"}
    assert master_cf.plain_arguments(service) == (
        "flags=R", "user=v", "argv=/x", "{b c}", "-o", "d=2",
    )  # fmt: skip


def test_columns() -> None:
    service = only("#c\nsmtp\n  inet n - y 60? 100\n # c\n smtpd\n  -v\n")
    assert (service.name, service.type, service.id) == ("smtp", "inet", "smtp/inet")
    assert service.fields == ("n", "-", "y", "60?", "100")
    assert (service.command, service.arguments) == ("smtpd", ("-v",))
    assert service.lines == (1, 2, 4, 5)


def test_a_continuation_of_nothing_is_ignored() -> None:
    text = "  smtp inet n - y - - smtpd\n  -o a=1\n587 inet n - y - - smtpd\n"
    assert [service.name for service in master_cf.parse(text)] == ["587"]


def test_duplicates_are_all_read() -> None:
    first, second = master_cf.parse(f"{SMTP} -o a=1\n{SMTP} -o a=2\n")
    assert (first.overrides["a"], second.overrides["a"]) == ("1", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "\nsmtp inet n - y - smtpd\n",
            r"^master.cf, line 2: expected the eight fields of master\(5\), found 7: 'smtp inet",
            id="seven-fields",
        ),
        pytest.param("smtp ipv4 n - y - - smtpd", "line 1: invalid type 'ipv4': 'smtp", id="type"),
        pytest.param("a inet q - y - - smtpd", "invalid private 'q'", id="private"),
        pytest.param("a inet n yes y - - smtpd", "invalid unprivileged 'yes'", id="unprivileged"),
        pytest.param("a inet n - 1 - - smtpd", "invalid chroot '1'", id="chroot"),
        pytest.param("a inet n - y 60s - smtpd", "invalid wakeup '60s'", id="wakeup"),
        pytest.param("a inet n - y - x smtpd", "invalid process_limit 'x'", id="process-limit"),
        pytest.param(SMTP + " -o { a = b", "missing '}' in '{ a =...'", id="open-brace"),
        pytest.param(SMTP + " -o { a = b{ }", "missing '}' in", id="open-inner-brace"),
        pytest.param(SMTP + " -o {a=b}c", "text behind '}' in '{a=...'", id="text-behind-brace"),
        pytest.param("a unix - n n - - pipe x {y}z", "text behind '}'", id="operand"),
        pytest.param(SMTP + "\0", "line 1: the line contains a NUL byte", id="nul"),
    ],
)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=message):
        master_cf.parse(text)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("smtp", "inet", ("inet", "", "25"), id="smtp"),
        pytest.param("25", "inet", ("inet", "", "25"), id="25"),
        pytest.param("submission", "inet", ("inet", "", "587"), id="submission"),
        pytest.param("smtps", "inet", ("inet", "", "465"), id="smtps"),
        pytest.param("submissions", "inet", ("inet", "", "465"), id="submissions"),
        pytest.param("192.0.2.1:smtp", "inet", ("inet", "192.0.2.1", "25"), id="ipv4"),
        pytest.param("[2001:DB8::1]:587", "inet", ("inet", "2001:db8::1", "587"), id="ipv6"),
        pytest.param("10025", "inet", ("inet", "", "10025"), id="number"),
        pytest.param("bsmtp-x", "inet", ("inet", "", "bsmtp-x"), id="other-name"),
        pytest.param("smtp", "unix", ("unix", "", "smtp"), id="unix"),
        pytest.param("smtpd", "pass", ("pass", "", "smtpd"), id="pass"),
    ],
)
def test_service_key(name: str, kind: str, expected: tuple[str, str, str]) -> None:
    assert master_cf.service_key(name, type=kind) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(ServiceChange("587"), ["submission", "192.0.2.1:587"], id="port"),
        pytest.param(ServiceChange("submission"), ["submission", "192.0.2.1:587"], id="name"),
        pytest.param(ServiceChange("192.0.2.1:submission"), ["192.0.2.1:587"], id="address"),
        pytest.param(ServiceChange("192.0.2.2:587"), [], id="other-address"),
        pytest.param(ServiceChange("25"), ["smtp", "smtp"], id="duplicates"),
        pytest.param(ServiceChange("smtp", type="unix"), ["smtp"], id="type"),
        pytest.param(ServiceChange("25", type="unix"), [], id="unix-is-no-port"),
    ],
)
def test_matching(change: ServiceChange, expected: list[str]) -> None:
    text = (
        f"{SMTP}\nsmtp unix - - y - - smtp\nsubmission inet n - y - - smtpd\n"
        f"192.0.2.1:587 inet n - y - - smtpd\n{SMTP} -v\n"
    )
    found = master_cf_changes.matching(master_cf.parse(text), change)
    assert [service.name for service in found] == expected
    assert {service.type for service in found} <= {change.type}


BODY = """\
# The public port
smtp      inet  n       -       y       -       -       smtpd
  -o a=1
# why b
  -o { b = 2, 3 }
  -oc=4

pickup    unix  n       -       y       60      1       pickup
"""


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        pytest.param(
            {"fields": {"chroot": "n"}}, "n       -       y", "n       -       n", id="chroot"
        ),
        pytest.param({"command": "postscreen"}, " smtpd\n", " postscreen\n", id="command"),
        pytest.param({"arguments": ("-v",)}, " smtpd\n", " smtpd -v\n", id="add-an-argument"),
        pytest.param(
            {"command": "postscreen", "arguments": ("-v", "-D")},
            " smtpd\n",
            " postscreen -v -D\n",
            id="command-and-arguments",
        ),
        pytest.param({"overrides": {"a": "2"}}, "-o a=1", "-o a=2", id="set"),
        pytest.param({"overrides": {"a": "2 3"}}, "-o a=1", "-o { a = 2 3 }", id="set-with-blanks"),
        pytest.param({"overrides": {"b": "2"}}, "{ b = 2, 3 }", "b=2", id="set-without-blanks"),
        pytest.param({"overrides": {"c": "5"}}, "-oc=4", "-o c=5", id="set-in-one-word"),
        pytest.param({"overrides": {"a": None}}, "  -o a=1\n", "", id="remove"),
        pytest.param({"overrides": {"b": None}}, "  -o { b = 2, 3 }\n", "", id="remove-braces"),
        pytest.param({"overrides": {"c": None}}, "  -oc=4\n", "", id="remove-one-word"),
        pytest.param({"overrides": {"d": None}}, "", "", id="remove-what-is-not-there"),
        pytest.param({"overrides": {"d": "6"}}, "-oc=4\n", "-oc=4\n  -o d=6\n", id="add"),
        pytest.param(
            {"overrides": {"d": "6", "e": "7 8"}},
            "-oc=4\n",
            "-oc=4\n  -o d=6\n  -o { e = 7 8 }\n",
            id="add-two",
        ),
        pytest.param({"overrides": {"b": "2,  3"}}, "", "", id="same-value-otherwise-spelt"),
        pytest.param(
            {"overrides": {"b": "2, 3"}, "exclusive": True},
            "  -o a=1\n# why b\n  -o { b = 2, 3 }\n  -oc=4\n",
            "# why b\n  -o { b = 2, 3 }\n",
            id="exclusive",
        ),
        pytest.param({"name": "25"}, "", "", id="no-change"),
        pytest.param({"name": "192.0.2.1:25", "present": False}, "", "", id="remove-other-address"),
        pytest.param(
            {"present": False}, BODY[18:], "# why b\n\n" + BODY[BODY.index("pickup") :], id="absent"
        ),
    ],
)
def test_render(change: dict[str, t.Any], old: str, new: str) -> None:
    expected = BODY.replace(old, new, 1)
    asked = ServiceChange(**{"name": "smtp", **change})
    assert render(BODY, asked) == expected
    assert render(expected, asked) == expected
    dos = BODY.replace("\n", "\r\n")
    assert render(dos, asked) == expected.replace("\n", "\r\n")


PIPE = "x unix - n n - - pipe flags=R user=v argv=/x -o a=1\n"


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        pytest.param(
            f"{SMTP} -o a=1 -o b=2 -v\n",
            {"overrides": {"a": None}},
            f"{SMTP} -o b=2 -v\n",
            id="remove-in-the-middle",
        ),
        pytest.param(
            f"{SMTP} -v -o a=1", {"overrides": {"a": None}}, f"{SMTP} -v", id="remove-at-the-end"
        ),
        pytest.param(
            f"{SMTP}\n  -o\n  a=1\n  -v\n",
            {"overrides": {"a": None}},
            f"{SMTP}\n  -v\n",
            id="remove-over-two-lines",
        ),
        pytest.param(
            f"{SMTP}\n  -o {{ a = 1,\n # why\n    2 }} -v\n",
            {"overrides": {"a": "3"}},
            f"{SMTP}\n  -o a=3\n # why\n    -v\n",
            id="set-over-two-lines",
        ),
        pytest.param(
            f"{SMTP} -vo a=1\n", {"overrides": {"a": "2"}}, f"{SMTP} -vo a=2\n", id="set-in-cluster"
        ),
        pytest.param(
            f"{SMTP} -voa=1\n",
            {"overrides": {"a": "2"}},
            f"{SMTP} -v -o a=2\n",
            id="joined-cluster",
        ),
        pytest.param(
            f"{SMTP} -vo a=1\n",
            {"overrides": {"a": None}},
            f"{SMTP} -v\n",
            id="remove-from-cluster",
        ),
        pytest.param(
            f"{SMTP} -vo a=1 -vDob=2\n",
            {"arguments": ("-D",), "overrides": {"b": "3"}},
            f"{SMTP} -D -o a=1 -o b=3\n",
            id="replace-the-options-of-clusters",
        ),
        pytest.param(
            f"{SMTP} -vo a=1\n", {"arguments": ("-v",)}, f"{SMTP} -vo a=1\n", id="same-in-cluster"
        ),
        pytest.param(
            f"{SMTP} -o a=1 -o b=2 -o a=3\n",
            {"overrides": {"a": "4"}},
            f"{SMTP} -o b=2 -o a=4\n",
            id="duplicate-overrides",
        ),
        pytest.param(
            f"{SMTP} -o a=1 -o a=3\n",
            {"overrides": {"a": "3"}},
            f"{SMTP} -o a=1 -o a=3\n",
            id="duplicate-overrides-without-a-change",
        ),
        pytest.param(f"{SMTP} -v\n", {"arguments": ()}, f"{SMTP}\n", id="remove-the-arguments"),
        pytest.param(
            f"{SMTP} -o a = b\n",
            {"arguments": (), "overrides": {"a": "b"}},
            f"{SMTP}\n  -o a=b\n",
            id="repair",
        ),
        pytest.param(SMTP, {"overrides": {"a": "1"}}, f"{SMTP}\n  -o a=1\n", id="no-final-newline"),
        pytest.param(
            PIPE,
            {"overrides": {"b": "2", "c": "3 4"}},
            PIPE.replace("flags", "-o b=2 -o { c = 3 4 } flags"),
            id="override-before-the-operands",
        ),
        pytest.param(
            PIPE.replace("flags", "\n  # why\n  flags"),
            {"overrides": {"b": "2"}},
            PIPE.replace("flags", "\n  # why\n  -o b=2\n  flags"),
            id="override-before-operands-on-their-own-line",
        ),
        pytest.param(
            PIPE.replace("flags", "-o b=2 flags"),
            {"overrides": {"b": None}, "arguments": ("-v", "user=w", "argv=/y", "a b")},
            "x unix - n n - - pipe -v\n  user=w argv=/y { a b }\n",
            id="replace-the-operands",
        ),
        pytest.param(
            PIPE.replace("flags", "-o b=2 flags"),
            {"arguments": ("user=w",)},
            "x unix - n n - - pipe -o b=2\n  user=w\n",
            id="operands-stay-behind-the-overrides",
        ),
        pytest.param(
            PIPE,
            {"arguments": ("flags=R", "user=v", "argv=/x", "-o", "a=1")},
            PIPE,
            id="same-operands",
        ),
        pytest.param(
            PIPE.replace("argv=/x", "argv=/x {a  b}"),
            {"arguments": ("flags=R", "user=v", "argv=/x", "a  b", "-o", "a=1")},
            PIPE.replace("argv=/x", "argv=/x {a  b}"),
            id="same-operand-in-braces",
        ),
    ],
)
def test_render_words(text: str, change: dict[str, t.Any], expected: str) -> None:
    kind = master_cf.parse(text)[0].type
    name = master_cf.parse(text)[0].name
    asked = ServiceChange(**{"name": name, "type": kind, **change})
    assert render(text, asked) == expected
    assert render(expected, asked) == expected


def test_render_changes_the_last_of_duplicates() -> None:
    text = f"{SMTP} -v\n25 inet n - y - - smtpd\n"
    changed = render(text, ServiceChange("smtp", overrides={"a": "1"}))
    assert changed == text + "  -o a=1\n"


def test_render_changes_each_address_of_a_port() -> None:
    text = "587 inet n - y - - smtpd\n192.0.2.1:587 inet n - y - - smtpd\n"
    changed = render(text, ServiceChange("submission", fields={"chroot": "n"}))
    assert changed == text.replace(" y ", " n ")


def test_render_removes_all_duplicates() -> None:
    text = f"{SMTP}\n# c\n25 inet n - y - - smtpd -v\n  -o a=1\n587 inet n - y - - smtpd\n"
    changed = render(text, ServiceChange("smtp", present=False))
    assert changed == "# c\n587 inet n - y - - smtpd\n"


def test_render_takes_the_changes_in_their_order() -> None:
    changed = render(
        "",
        ServiceChange("465", overrides={"a": "1"}),
        ServiceChange("smtps", overrides={"a": "2"}),
        ServiceChange("submissions", command="postscreen"),
    )
    assert changed == (
        "465       inet  n       -       -       -       -       postscreen\n  -o a=2\n"
    )


def test_render_adds_a_service_behind_all_others() -> None:
    change = ServiceChange(
        "maildrop",
        type="unix",
        command="pipe",
        arguments=("-v", "flags=DRhu", "argv=/usr/bin/maildrop", "-d", "${recipient}"),
        fields={"unprivileged": "n", "chroot": "n"},
        overrides={"a": "1", "b": "2 3", "c": None},
    )
    assert render(f"{SMTP} -v", change) == (
        f"{SMTP} -v\nmaildrop  unix  -       n       n       -       -       pipe -v\n  -o a=1\n"
        "  -o { b = 2 3 }\n  flags=DRhu argv=/usr/bin/maildrop -d ${recipient}\n"
    )


def test_render_does_not_add_what_shall_be_absent() -> None:
    assert render(SMTP, ServiceChange("587", present=False)) == SMTP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"name": ""}, "the name of service '' must be one word", id="no-name"),
        pytest.param({"name": "a b"}, "the name of service 'a b' must be one word", id="name"),
        pytest.param({"name": "#a"}, "must be one word: '#a'", id="comment"),
        pytest.param({"command": "a b"}, "the command of service 'smtp' must be", id="command"),
        pytest.param({"type": "tcp"}, "invalid type 'tcp'", id="type"),
        pytest.param({"fields": {"wakeup": "never"}}, "invalid wakeup 'never'", id="field"),
        pytest.param({"arguments": ("a\nb",)}, "cannot be an argument", id="line-break"),
        pytest.param({"arguments": ("a { b",)}, "cannot be an argument", id="open-brace"),
        pytest.param({"arguments": ("",)}, "cannot be an argument", id="empty-argument"),
        pytest.param({"overrides": {"a b": "1"}}, "'a b' is not the name of", id="override-name"),
        pytest.param({"overrides": {"a": "1\n2"}}, "a contains a line break", id="value"),
        pytest.param({"overrides": {"a": "{b"}}, "braces in the value of a for", id="open-value"),
        pytest.param({"overrides": {"a": "b }c"}}, "braces in the value of a", id="closed-value"),
    ],
)
def test_render_refuses(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(main_cf.ConfigSyntaxError, match=message):
        render(f"{SMTP}\n", ServiceChange(**{"name": "smtp", **change}))


def test_mask_hides_duplicates_and_keeps_the_layout() -> None:
    text = (
        f"# c\n{SMTP} -o p=secret -o p=secret2\n  -op=secret3 -vop=secret4\n"
        f"{SMTP} -o a=1 -o {{ p = secret5\n  more }}\n"
        "x unix - n n - - pipe user=v argv=/x secret6\n"
    )
    masked = master_cf_changes.mask(
        text, masked=lambda name, value: "**" if name == "p" or "secret" in value else value
    )
    assert masked == (
        f"# c\n{SMTP} -o p=** -o p=**\n  -o p=** -v -o p=**\n"
        f"{SMTP} -o a=1 -o p=**\nx unix - n n - - pipe user=v argv=/x **\n"
    )


VALUES = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
CHANGES = st.builds(
    ServiceChange,
    name=st.sampled_from(["smtp", "25", "587", "127.0.0.1:10025", "[::1]:587", "465", "2525"]),
    present=st.sampled_from([True, True, True, False]),
    command=st.sampled_from([None, None, "smtpd", "postscreen"]),
    arguments=st.sampled_from([None, None, (), ("-v",)]),
    fields=st.dictionaries(
        st.sampled_from(["private", "unprivileged", "chroot"]), st.sampled_from("yn-")
    ),
    overrides=st.dictionaries(st.sampled_from((*NAMES, FRESH)), st.none() | VALUES, max_size=4),
    exclusive=st.booleans(),
)


@given(made=master_texts())
def test_parse_gives_what_the_text_says(made: MasterText) -> None:
    found = master_cf.parse(made.text)
    assert [(*s.id.split("/"), *s.fields, s.command) for s in found if "/" not in s.name] == [
        s.columns for s in made.services if "/" not in s.columns[0]
    ]
    assert [s.id for s in found] == [s.id for s in made.services]
    assert [dict(s.overrides) for s in found] == [dict(s.overrides) for s in made.services]
    assert [master_cf.plain_arguments(s) for s in found] == [
        (*s.options, *s.operands) for s in made.services
    ]
    assert not any(s.broken_arguments for s in found)


@given(made=master_texts())
def test_render_without_changes_is_identity(made: MasterText) -> None:
    assert render(made.text) == made.text
    # Of a port asked for without an address all entries are meant, so only lone entries here.
    ports = [master_cf.service_key(s.columns[0], type=s.columns[1])[2] for s in made.services]
    same = [
        ServiceChange(
            s.columns[0],
            type=s.columns[1],
            command=s.columns[7],
            fields=dict(zip(master_cf.FIELDS, s.columns[2:7])),
            overrides=dict(s.overrides),
            arguments=(*s.options, *s.operands),
            exclusive=True,
        )
        for s, port in zip(made.services, ports)
        if ports.count(port) == 1
    ]
    assert render(made.text, *same) == made.text


@given(made=master_texts(), change=CHANGES)
def test_render_gives_what_was_asked(made: MasterText, change: ServiceChange) -> None:
    rendered = render(made.text, change)
    found = {s.key: s for s in master_cf_changes.matching(master_cf.parse(rendered), change)}
    assert bool(found) == change.present
    for service in found.values():
        wanted = {n: main_cf.normalise(v) for n, v in change.overrides.items() if v is not None}
        assert {n: v for n, v in service.overrides.items() if n in change.overrides} == wanted
        assert service.command == (change.command or service.command)
        assert dict(zip(master_cf.FIELDS, service.fields)).items() >= change.fields.items()
        assert not change.exclusive or set(service.overrides) == set(wanted)
        if change.arguments is not None:
            assert master_cf.plain_arguments(service) == change.arguments
    assert not any(s.broken_arguments for s in master_cf.parse(rendered))


@given(made=master_texts(), change=CHANGES)
def test_render_twice_changes_nothing(made: MasterText, change: ServiceChange) -> None:
    once = render(made.text, change)
    assert render(once, change) == once


@given(made=master_texts(), change=CHANGES)
def test_render_leaves_all_other_lines_byte_identical(
    made: MasterText, change: ServiceChange
) -> None:
    def others(text: str) -> list[str]:
        services = master_cf.parse(text)
        found = master_cf_changes.matching(services, change)
        touched = found if not change.present else {s.key: s for s in found}.values()
        ours = {index for service in touched for index in service.lines}
        if text and not text.endswith("\n"):
            text += "\r\n" if "\r\n" in text else "\n"
        return [line for index, line in enumerate(text.split("\n")) if index not in ours]

    assert others(render(made.text, change)) == others(made.text)


@given(text=st.text(alphabet="ab-o= {}#\t\r\n\0", max_size=40))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    problem = ""
    found: tuple[master_cf.Service, ...] = ()
    text = f"{SMTP} {text}"
    try:
        found = master_cf.parse(text)
    except main_cf.ConfigSyntaxError as error:
        problem = str(error)
    assert problem.startswith("master.cf, line ") if problem else found[0].id == "smtp/inet"
    if not problem:
        assert render(text, ServiceChange("smtp", overrides={"q": None})) == text
