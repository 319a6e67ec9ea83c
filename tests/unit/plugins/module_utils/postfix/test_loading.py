# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the collection out of an archive: compiled once, and as Python loads them otherwise."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t
import zipfile

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import loading

UTILS: t.Final = pathlib.Path(loading.__file__).parents[1]
PLACE: t.Final = "ansible_collections/hardened/mail/plugins/module_utils"
PROGRAM: t.Final = """
import builtins, gc, json, sys, traceback
compiled = []
original = builtins.compile
def counting(source, name, *more, **named):
    compiled.append(str(name))
    return original(source, name, *more, **named)
builtins.compile = counting
import zipimport
zipimport.compile = counting
from ansible_collections.hardened.mail.plugins.module_utils.postfix import loading
quick = [loading.quickly(), loading.quickly()] if sys.argv[1] == "once" else []
for one in quick:
    one.__enter__()
from ansible_collections.hardened.mail.plugins.module_utils.policy import findings, gone, rules
try:
    gone.broken()
except ValueError:
    said = traceback.format_exc()
try:
    from ansible_collections.hardened.mail.plugins.module_utils.policy import nothing
except ImportError as error:
    missing = type(error).__name__
collecting = gc.isenabled()
for one in quick:
    one.__exit__(None, None, None)
print(json.dumps({
    "garbage": [collecting, gc.isenabled(), gc.get_freeze_count() > 10_000],
    "times": sum(name.endswith("policy/findings.py") for name in compiled),
    "rules": len(rules.RULES),
    "file": findings.__file__,
    "name": findings.__name__,
    "package": findings.__package__,
    "finding": findings.Finding.__module__,
    "said": said,
    "missing": missing,
}))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An archive as Ansible makes it."""
    path = tmp_path_factory.mktemp("archive") / "module.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
        for folder in (*pathlib.PurePosixPath(PLACE).parents, PLACE):
            if str(folder) != ".":
                stream.writestr(f"{folder}/__init__.py", "")
        for room in ("policy", "postfix", "x509"):
            stream.writestr(f"{PLACE}/{room}/__init__.py", "")
            for file in (UTILS / room).glob("*.py"):
                stream.write(file, f"{PLACE}/{room}/{file.name}")
        stream.writestr(
            f"{PLACE}/policy/gone.py", "def broken():\n    raise ValueError('x')  # why\n"
        )
    return path


@pytest.mark.parametrize(("how", "times"), [("once", 1), ("as-ever", 2)])
def test_a_file_is_compiled_once(how: str, times: int, archive: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(archive)},
    )
    found = json.loads(done.stdout)
    # When Python does it better one day, this file has done its duty.
    assert found["times"] == times
    assert found["rules"] > 100
    assert found["garbage"] == ([False, True, True] if how == "once" else [True, True, False])
    assert found["file"] == f"{archive}/{PLACE}/policy/findings.py"
    assert found["name"].endswith(".policy.findings") == found["finding"].endswith(".findings")
    assert found["package"] == found["name"].rpartition(".")[0]
    assert "raise ValueError('x')  # why" in found["said"]
    assert found["missing"] == "ImportError"


def test_what_lies_in_no_archive_is_left_to_python() -> None:
    with loading.quickly():
        pass
    try:
        assert loading.__spec__ is not None
        finder = sys.meta_path[0]
        assert (
            finder.find_spec(loading.__name__, [str(pathlib.Path(loading.__file__).parent)]) is None
        )
        assert finder.find_spec("json.decoder", ["/nowhere"]) is None
    finally:
        del sys.meta_path[0]
