# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of docs/validate.md and of the module's examples are ones that the module takes."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.modules import postconf_validate

PAGE: t.Final = pathlib.Path(__file__).parents[4] / "docs" / "validate.md"
MODULE: t.Final = "hardened.mail.postconf_validate"


def tasks_of(parsed: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Return the tasks in a list of tasks or plays."""
    for one in parsed:
        yield from tasks_of(one["tasks"]) if "tasks" in one else [one]


def tasks() -> list[dict[str, t.Any]]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    texts = [*blocks, postconf_validate.EXAMPLES]
    return [task for text in texts for task in tasks_of(yaml.safe_load(text)) if MODULE in task]


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task["name"].replace(" ", "-"))
def test_the_module_takes_the_task(task: dict[str, t.Any]) -> None:
    options = task[MODULE] or {}
    spec = postconf_validate.argument_spec()
    assert set(options) <= set(spec)
    for name, value in options.items():
        assert value in spec[name].get("choices", [value])
    rules = {one["rule"] for one in options.get("waivers", [])}
    assert rules <= {one.id for one in RULES}


def test_the_rules_in_the_text_are_rules() -> None:
    named = set(re.findall(r'\.rule == "([a-z-]+)"', PAGE.read_text()))
    assert named
    assert named <= {one.id for one in RULES}
