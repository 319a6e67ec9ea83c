# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our reading of made-up main.cf and master.cf texts is that of the real postconf.

Run with ``tests/lab/enter .venv/bin/pytest tests/integration_lab/test_parsers_real.py``. All texts of
a test go into one container at once.
"""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "tests/unit/plugins/module_utils/postfix"),
    str(pathlib.Path(__file__).parent),
]

from ansible_collections.hardened.mail.plugins.module_utils.postfix import (
    main_cf,
    master_cf,
    master_cf_changes,
    postconf_output,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf_changes import (
    ServiceChange,
)
from config_texts import (
    FRESH,
    NAMES,
    WORDS,
    main_texts,
    master_texts,
    samples,
    values,
    wild_main_texts,
    wild_master_texts,
)
from real_postconf import Answer, judge

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.tests.integration_lab.conftest import Machine

#: Made-up texts for each test; a run of postconf takes 10 to 40 ms.
COUNT = 30


def read_main(machine: Machine, texts: t.Sequence[str]) -> list[dict[str, str]]:
    """Return the parameters of each main.cf as postconf reads it."""
    answers = judge(machine, [{"main.cf": text} for text in texts], "-n")
    return [explicit(text, answer) for text, answer in zip(texts, answers, strict=True)]


def printed(out: str) -> dict[str, str]:
    """Return what postconf prints to the letter: postconf_output would fold blanks as we do."""
    pairs = (line.partition("=") for line in out.split("\n") if line)
    return {name.rstrip(" "): value.removeprefix(" ") for name, _equals, value in pairs}


def explicit(text: str, answer: Answer) -> dict[str, str]:
    status, out, err = answer["-n"]
    assert status == 0, (text, err)
    found = printed(out)
    assert postconf_output.parameters(out) == found, text
    found.pop("config_directory", None)  # 3.7 shows its option -c
    return found


def parsed_main(text: str) -> dict[str, str]:
    found = main_cf.values(main_cf.parse(text))
    return {name: value for name, value in found.items() if name in {*NAMES, FRESH, "myorigin"}}


#: Layouts that were met or thought of, on top of what is made up at random.
MAIN_TEXTS = (
    "",
    "  myorigin = a\nmyorigin = b\n",
    "  # c\n  myorigin = a\n   b\nrelayhost = x\n",
    "relayhost = a\n\x0bb\n\x0cc\nmyorigin=y\n",
    "relayhost = a\r\n\r\n b\r\nmyorigin = e\r\n",
    "relayhost = a   b\tc\x0bd\u00a0e\u2028f\x1cg\n",
    "relayhost = #x\n",
    "relayhost = a # b\n",
    "relayhost = a\nrelayhost = \n",
    "relayhost = a\n# c\n\n b\n \n\t# d\n\tc",
    "relayhost = a\rb\n",
    "relayhost = \u00a0a\u00a0\n",
    "relayhost = a\n = b\n",
    "relayhost = a\n#\r\n b\n",
    "relayhost\x0b=\x0c a \x0b\n",
    "relayhost = \udcff\udcfe\n",
    "relayhost = " + "a " * 3000 + "\n",
    "relayhost = a\\\nmyorigin = b\n",
    "\ufeffrelayhost = a\n",
)


def test_main_cf_is_read_as_postconf_reads_it(shared_machine: Machine) -> None:
    texts = [*MAIN_TEXTS, *(made.text for made in samples(main_texts(), count=COUNT))]
    for text, real in zip(texts, read_main(shared_machine, texts), strict=True):
        assert parsed_main(text) == real, text


REFUSED_MAIN_TEXTS = ("= x\n", "relayhost\n", "my origin = a\n", "a = b\n\u00a0relayhost\n")


def test_main_cf_is_refused_where_postconf_refuses_it(shared_machine: Machine) -> None:
    files = [{"main.cf": text} for text in REFUSED_MAIN_TEXTS]
    answers = judge(shared_machine, files, "-n")
    for text, answer in zip(REFUSED_MAIN_TEXTS, answers, strict=True):
        assert answer["-n"][0] != 0, text
        with pytest.raises(main_cf.ConfigSyntaxError):
            main_cf.parse(text)


def test_any_main_cf_is_read_or_refused_as_postconf_does(shared_machine: Machine) -> None:
    texts = samples(wild_main_texts(), count=3 * COUNT)
    answers = judge(shared_machine, [{"main.cf": text} for text in texts], "-n")
    refused = 0
    for text, answer in zip(texts, answers, strict=True):
        if answer["-n"][0] == 0:
            assert parsed_main(text) == explicit(text, answer), text
        else:
            refused += 1
            with pytest.raises(main_cf.ConfigSyntaxError):
                main_cf.parse(text)
    assert COUNT // 10 < refused < 2 * COUNT


def test_rendered_main_cf_says_what_was_asked(shared_machine: Machine) -> None:
    changes = st.dictionaries(
        st.sampled_from((*NAMES, FRESH)), st.none() | values(), min_size=1, max_size=4
    )
    cases = samples(st.tuples(main_texts(), changes), count=COUNT)
    before = read_main(shared_machine, [made.text for made, _asked in cases])
    rendered = [main_cf.render(made.text, changes=asked) for made, asked in cases]
    after = read_main(shared_machine, rendered)
    for (made, asked), was, is_now in zip(cases, before, after, strict=True):
        expected = {name: value for name, value in was.items() if name not in asked}
        for name, value in asked.items():
            if value is not None:
                expected[name] = main_cf.normalise(value)
        assert is_now == expected, (made.text, asked)


#: None has an argument "-": of that postconf reads beyond the end of the string, and prints what is there.
MASTER = "smtp inet n - y - - smtpd"
MASTER_TEXTS = (
    f"{MASTER} -vo mydestination=a -o myorigin=b\n",
    f"{MASTER}\n -o {{ smtpd_banner = a,\n   b }}\n -o relayhost=x\n",
    f"{MASTER}\n -o {{ smtpd_banner = a,\n # comment\n   b }}\n",
    f"{MASTER} -osmtpd_banner=a\n",
    f"{MASTER} -o{{ smtpd_banner = a b }}\n",
    f"{MASTER} -o smtpd_banner={{ a b }}c\n",
    f"{MASTER} -o smtpd_banner=}}a{{ b\n",
    f"{MASTER} -o smtpd_banner = a\n",
    f"{MASTER} -o smtpd_banner= a -o relayhost=x\n",
    f"{MASTER} -o smtpd_banner=a,  b -o relayhost=b\n",
    f"{MASTER} -- -o smtpd_banner=a\n",
    f"{MASTER} -o\n",
    f"{MASTER} -o =x\n",
    f"{MASTER} -o smtpd_banner -o relayhost=x\n",
    f"{MASTER} -o {{smtpd_banner}} -o relayhost=x\n",
    f"{MASTER}\n -o\n # x\n  smtpd_banner=a\n",
    f"  {MASTER}\n -o relayhost=a\n{MASTER}\n",
    f"{MASTER}\n25 inet n - y - - smtpd -o relayhost=a\n",
    f"{MASTER} -o relayhost=a -o {{ relayhost =  b\tc }}\n",
    f"{MASTER} -o smtpd_banner=\x0ba\n",
    f"{MASTER} -o smtpd_banner=a\u00a0b\n",
    f"{MASTER}\r\n  -o smtpd_banner=a\r\n  -o {{ smtpd_banner = b  c }}\r\n",
    f"{MASTER} -o smtpd_banner=a#b # c\n",
    f"{MASTER}\n -o relayhost=a # comment\n -o myorigin=b\n",
    f"{MASTER} -o {{ smtpd_banner = {{a b}} }}\n",
    f"{MASTER} -vv -o relayhost=a\n",
    f"{MASTER} {{-o}} relayhost=a\n",
    f"{MASTER} -o smtpd_client_restrictions=permit_mynetworks,{{a b}},reject\n",
    "smtp inet n - y 60? 0 smtpd\n",
    "x unix-dgram n - n - 1 postlogd\n",
    "m unix - n n - - pipe -o relayhost=y flags=R user=v argv=/x {a b} -o relayhost=x\n",
    "#smtp inet n - y - - smtpd\nsmtp\n inet n - y - -\n smtpd\n -o\n relayhost=x\n",
)


def facets(service: master_cf.Service) -> tuple[t.Any, ...]:
    words = [word.strip("{} ") for word in master_cf.plain_arguments(service)]
    return service.name, service.type, service.fields, service.command, words


def overrides(text: str) -> dict[str, dict[str, str]]:
    found = {service.id: dict(service.overrides) for service in master_cf.parse(text)}
    return {name: values for name, values in found.items() if values}


def lone(text: str) -> bool:
    """Return whether no service is there twice; -P then mixes up their overrides."""
    names = [service.id for service in master_cf.parse(text)]
    return len(names) == len(set(names))


Master = tuple[list[tuple[str, ...]], dict[str, dict[str, str]]]


def read_master(machine: Machine, texts: t.Sequence[str]) -> list[Master]:
    """Return the columns of the services, and the overrides, as postconf reads them."""
    answers = judge(machine, [{"master.cf": text} for text in texts], "-M", "-P")
    return [master(text, answer) for text, answer in zip(texts, answers, strict=True)]


def master(text: str, answer: Answer) -> Master:
    assert answer["-M"][0] == answer["-P"][0] == 0, (text, answer)
    columns = [tuple(line.split()[:8]) for line in answer["-M"][1].split("\n") if line]
    found: dict[str, dict[str, str]] = {}
    for path, value in printed(answer["-P"][1]).items():
        service, _slash, name = path.rpartition("/")
        found.setdefault(service, {})[name] = value
    assert postconf_output.service_parameters(answer["-P"][1]) == found, text
    return columns, found


def is_read_so(text: str, real: Master) -> None:
    """Fail unless we read the services and their overrides as postconf does."""
    services = master_cf.parse(text)
    assert [(s.name, s.type, *s.fields, s.command) for s in services] == real[0], text
    if lone(text):
        assert overrides(text) == real[1], text


def test_master_cf_is_read_as_postconf_reads_it(shared_machine: Machine) -> None:
    texts = [*MASTER_TEXTS, *(made.text for made in samples(master_texts(), count=COUNT))]
    for text, real in zip(texts, read_master(shared_machine, texts), strict=True):
        is_read_so(text, real)


def test_printed_master_cf_reads_as_the_file_itself(shared_machine: Machine) -> None:
    texts = [made.text for made in samples(master_texts(), count=COUNT)]
    answers = judge(shared_machine, [{"master.cf": text} for text in texts], "-M")
    for text, answer in zip(texts, answers, strict=True):
        ours = [(facets(s), dict(s.overrides)) for s in master_cf.parse(text)]
        real = [(facets(s), dict(s.overrides)) for s in master_cf.parse(answer["-M"][1])]
        assert ours == real, text


#: What postconf only complains of, and master(8) or the daemon dies of.
COMPLAINTS = ("missing '}'", "syntax error after '}'", "missing '='", "#comment after other text")


def test_any_master_cf_is_read_or_refused_as_postconf_does(shared_machine: Machine) -> None:
    texts = samples(wild_master_texts(), count=3 * COUNT)
    answers = judge(shared_machine, [{"master.cf": text} for text in texts], "-M", "-P")
    accepted = 0
    for text, answer in zip(texts, answers, strict=True):
        errors = answer["-M"][2] + answer["-P"][2]
        if answer["-M"][0] != 0:
            with pytest.raises(main_cf.ConfigSyntaxError):
                master_cf.parse(text)
        elif not any(complaint in errors for complaint in COMPLAINTS):
            accepted += 1
            is_read_so(text, master(text, answer))
    assert accepted > COUNT


REFUSED_MASTER_TEXTS = (
    "smtp inet n - y - smtpd\n",
    "smtp inet n - y - x smtpd\n",
    "smtp inet q - y - - smtpd\n",
    "smtp inet n - yes - - smtpd\n",
    "smtp foo n - y - - smtpd\n",
    "smtp inet n - y 60s - smtpd\n",
)


def test_master_cf_is_refused_where_postconf_refuses_it(shared_machine: Machine) -> None:
    files = [{"master.cf": text} for text in REFUSED_MASTER_TEXTS]
    answers = judge(shared_machine, files, "-M")
    for text, answer in zip(REFUSED_MASTER_TEXTS, answers, strict=True):
        assert answer["-M"][0] != 0, text
        with pytest.raises(main_cf.ConfigSyntaxError):
            master_cf.parse(text)


CHANGES = st.builds(
    ServiceChange,
    name=st.sampled_from(["smtp", "587", "127.0.0.1:10025", "[::1]:587", "465", "2525"]),
    command=st.sampled_from([None, "smtpd"]),
    arguments=st.sampled_from([None, (), ("-v",)]),
    fields=st.dictionaries(st.sampled_from(["private", "chroot"]), st.sampled_from("yn-")),
    overrides=st.dictionaries(
        st.sampled_from((*NAMES, FRESH)),
        st.none() | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
        max_size=4,
    ),
    exclusive=st.booleans(),
)


def test_rendered_master_cf_says_what_was_asked(shared_machine: Machine) -> None:
    cases = [
        (made.text, change, rendered)
        for made, change in samples(st.tuples(master_texts(), CHANGES), count=2 * COUNT)
        if lone(rendered := master_cf_changes.render(made.text, changes=[change]))
    ]
    assert len(cases) > COUNT
    before = read_master(shared_machine, [text for text, _change, _rendered in cases])
    after = read_master(shared_machine, [rendered for _text, _change, rendered in cases])
    for (text, change, rendered), was, is_now in zip(cases, before, after, strict=True):
        ours = {s.id for s in master_cf_changes.matching(master_cf.parse(rendered), change)}
        assert ours
        wanted = {n: main_cf.normalise(v) for n, v in change.overrides.items() if v is not None}
        for name in ours:
            kept = {} if change.exclusive else was[1].get(name, {})
            kept = {n: v for n, v in kept.items() if n not in change.overrides}
            assert is_now[1].get(name, {}) == {**kept, **wanted}, (text, change)
        others = [
            (
                [row for row in columns if "/".join(row[:2]) not in ours],
                {name: one for name, one in found.items() if name not in ours},
            )
            for columns, found in (was, is_now)
        ]
        assert others[0] == others[1], (text, change)


def test_joined_override_is_read_as_the_daemon_reads_it(machine: Machine) -> None:
    """In ``-oNAME=VALUE`` postconf takes a second o for an option of its own; smtpd does not."""
    text = machine.read("/etc/postfix/master.cf").decode()
    changed = text.replace("smtpd\n", "smtpd\n  -omyhostname=joined.example\n", 1)
    service = master_cf.parse(changed)[0]
    assert dict(service.overrides) == {"myhostname": "joined.example"}
    machine.write("/etc/postfix/master.cf", changed.encode())
    machine.restart()
    assert "220 joined.example ESMTP" in machine.outside()["banner"]
    rendered = master_cf_changes.render(
        changed, changes=[ServiceChange("smtp", overrides={"myhostname": "split.example"})]
    )
    machine.write("/etc/postfix/master.cf", rendered.encode())
    assert machine.sh("postconf -P smtp/inet/myhostname") == "smtp/inet/myhostname = split.example"
