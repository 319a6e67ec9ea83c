# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/settings.md is what its generator writes from the table."""

from __future__ import annotations

import importlib.util
import pathlib
import types

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import settings

ROOT = pathlib.Path(__file__).parents[5]


@pytest.fixture(name="generator", scope="module")
def fixture_generator() -> types.ModuleType:
    path = ROOT / "tests" / "tools" / "generate_settings_doc.py"
    spec = importlib.util.spec_from_file_location("generate_settings_doc", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator: types.ModuleType) -> None:
    assert generator.main(["--check"]) == 0, "run tests/tools/generate_settings_doc.py"


def test_the_check_finds_a_stale_page(
    generator: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "PAGE", tmp_path / "settings.md")
    assert generator.main(["--check"]) == 1
    assert (
        "settings.md is stale: run tests/tools/generate_settings_doc.py" in capsys.readouterr().err
    )
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    (tmp_path / "settings.md").write_text("old")
    assert generator.main(["--check"]) == 1
    assert generator.main(["--chekc"]) == 2


def test_the_page_names_every_parameter(generator: types.ModuleType) -> None:
    text = generator.page()
    missing = [one.parameter for one in settings.SETTINGS if f"`{one.parameter}`" not in text]
    assert missing == []


def test_every_word_of_a_condition_has_a_phrase(generator: types.ModuleType) -> None:
    words = {
        word
        for one in settings.SETTINGS
        for rule in one.rules
        for word in rule.when.split()
        if not generator.is_version(word)
    }
    assert words == set(generator.PHRASES)


@pytest.mark.parametrize(
    ("parameter", "position", "branches"),
    [
        pytest.param("smtpd_tls_protocols", 1, "3.5", id="interop-old"),
        pytest.param("smtpd_tls_protocols", 2, "*3.6*, 3.7, *3.8*, *3.9*, 3.10, 3.11", id="floor"),
        pytest.param("tls_eecdh_auto_curves", 0, "3.10", id="post-quantum"),
        pytest.param("tls_ffdhe_auto_groups", 2, "*3.8*, *3.9*, 3.10", id="groups-off"),
        pytest.param("tls_ffdhe_auto_groups", 3, "3.5, *3.6*, 3.7", id="no-groups"),
        pytest.param("smtp_dns_support_level", 0, "*not run*", id="never-run"),
        pytest.param("smtpd_tls_auth_only", 0, "all", id="everywhere"),
    ],
)
def test_the_last_column_tells_what_was_run(
    generator: types.ModuleType, parameter: str, position: int, branches: str
) -> None:
    rules = settings.BY_NAME[parameter].rules
    assert (
        generator.branch_cell(rules[position], generator.branches_of(rules, position)) == branches
    )
