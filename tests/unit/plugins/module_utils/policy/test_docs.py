# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated pages of docs/ are what their generator writes from the tables."""

from __future__ import annotations

import importlib.util
import pathlib
import types

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules,
    settings,
    submission_settings,
)

ROOT = pathlib.Path(__file__).parents[5]


@pytest.fixture(name="generator", scope="module")
def fixture_generator() -> types.ModuleType:
    path = ROOT / "tests" / "tools" / "generate_docs.py"
    spec = importlib.util.spec_from_file_location("generate_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generator: types.ModuleType) -> None:
    assert generator.main(["--check"]) == 0, "run tests/tools/generate_docs.py"


def test_the_check_finds_a_stale_page(
    generator: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(generator, "DOCS", tmp_path)
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    capsys.readouterr()
    for name in generator.PAGES:
        (tmp_path / name).write_text("old")
        assert generator.main(["--check"]) == 1
        said = capsys.readouterr().err
        assert said == f"docs/{name} is stale: run tests/tools/generate_docs.py\n"
        assert generator.main([]) == 0
    assert generator.main(["--chekc"]) == 2


def test_the_page_names_every_rule(generator: types.ModuleType) -> None:
    text = generator.PAGES["rules.md"]()
    missing = [one.id for one in rules.RULES if f"| `{one.id}` |" not in text]
    assert missing == []


def test_a_row_has_one_cell_for_each_column(generator: types.ModuleType) -> None:
    text = generator.PAGES["rules.md"]()
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") == 7, line


def test_the_page_names_every_parameter(generator: types.ModuleType) -> None:
    text = generator.settings_page.page()
    missing = [one.parameter for one in settings.SETTINGS if f"`{one.parameter}`" not in text]
    assert missing == []


def test_the_page_of_submission_names_every_parameter(generator: types.ModuleType) -> None:
    text = generator.submission_page.page()
    names = [one.parameter for one in submission_settings.SETTINGS]
    assert [one for one in names if f"`{one}`" not in text] == []
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.count("|") == 8, line


def test_every_word_of_a_condition_of_submission_has_a_phrase(generator: types.ModuleType) -> None:
    words = {
        word
        for one in submission_settings.SETTINGS
        for rule in one.rules
        for word in rule.when.split()
        if not generator.settings_page.is_version(word)
    }
    assert words == set(generator.submission_page.PHRASES)


def test_every_word_of_a_condition_has_a_phrase(generator: types.ModuleType) -> None:
    words = {
        word
        for one in settings.SETTINGS
        for rule in one.rules
        for word in rule.when.split()
        if not generator.settings_page.is_version(word)
    }
    assert words == set(generator.settings_page.PHRASES)


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
    cases = settings.BY_NAME[parameter].rules
    page = generator.settings_page
    assert page.branch_cell(cases[position], page.branches_of(cases, position)) == branches
