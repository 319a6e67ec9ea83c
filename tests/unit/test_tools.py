# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate itself: a gate that cannot fail lets everything pass."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import sys
import types
import typing as t

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"hardened_mail_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


jobs = load("run_jobs")
texts = load("check_text")


@pytest.fixture
def logs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A place of this test's own for the logs."""
    monkeypatch.setattr(jobs, "LOGS", tmp_path)
    monkeypatch.setattr(jobs, "ROOT", tmp_path)
    return tmp_path


def run(*table: t.Any) -> dict[str, tuple[str, int, int]]:
    return {o.job.name: (o.result, o.passed, o.failed) for o in jobs.run(table)}


@pytest.mark.parametrize(
    ("text", "ok", "counts"),
    [
        pytest.param("nothing to count", True, (1, 0), id="a-job-without-tests"),
        pytest.param("nothing to count", False, (0, 1), id="a-job-that-failed"),
        pytest.param("===== 12 passed in 3.21s =====", True, (12, 0), id="pytest"),
        pytest.param(
            "== 2 failed, 9 passed, 1 warning in 61.00s (0:01:01) ==", False, (9, 2), id="mixed"
        ),
        pytest.param("= 3 passed, 2 errors in 1.0s =", False, (3, 2), id="errors"),
        pytest.param("= 3 passed in 1.0s =\n...\n4 passed in 2.00s\n", True, (7, 0), id="two-runs"),
        pytest.param("= 3 passed in 1.0s =\nTraceback", False, (3, 1), id="failed-after-the-tests"),
    ],
)
def test_count_tests_adds_up_closing_lines(text: str, ok: bool, counts: tuple[int, int]) -> None:
    assert jobs.count_tests(text, ok=ok) == counts


def test_run_tells_passed_failed_absent_and_timed_out_apart(logs: pathlib.Path) -> None:
    assert run(
        jobs.Job("good", "g", "true"),
        jobs.Job("bad", "g", "echo why; exit 3"),
        jobs.Job("absent", "g", "echo no such thing here; exit 77"),
        jobs.Job("slow", "g", "sleep 600", minutes=0.005),
    ) == {
        "good": ("ok", 1, 0),
        "bad": ("FAILED", 0, 1),
        "absent": ("absent", 0, 0),
        "slow": ("TIMEOUT", 0, 1),
    }
    assert (logs / "bad.log").read_text(encoding="utf-8") == "why\n"


@pytest.mark.usefixtures("logs")
def test_run_leaves_out_what_needs_a_failed_job() -> None:
    assert run(
        jobs.Job("first", "g", "false"),
        jobs.Job("second", "g", "true", needs=("first",)),
        jobs.Job("third", "g", "true", needs=("not-selected",)),
    ) == {"first": ("FAILED", 0, 1), "second": ("NOT RUN", 0, 1), "third": ("ok", 1, 0)}


def test_run_has_jobs_side_by_side(logs: pathlib.Path) -> None:
    """Each waits for the others; were there one worker less, the last of them would not be met."""
    meet = "touch {0}; until [ -e one -a -e two -a -e three ]; do sleep 0.01; done"
    outcomes = run(
        *(
            jobs.Job(name, "g", f"cd {logs}; " + meet.format(name), minutes=0.5)
            for name in ("one", "two", "three")
        )
    )
    assert set(outcomes.values()) == {("ok", 1, 0)}


def test_run_has_what_measures_beside_one_other_at_most(logs: pathlib.Path) -> None:
    count = f"cd {logs}; touch run.{{0}}; sleep 0.3; ls run.* | wc -l >seen.{{0}}; rm run.{{0}}"
    outcomes = run(
        *(jobs.Job(f"job{number}", "g", count.format(number)) for number in range(3)),
        jobs.Job("measures", "g", count.format("measures"), workers=2),
        *(jobs.Job(f"job{number}", "g", count.format(number)) for number in range(3, 6)),
    )
    assert set(outcomes.values()) == {("ok", 1, 0)}
    assert int((logs / "seen.measures").read_text()) <= 2


def test_every_file_of_tests_of_the_rules_is_in_one_job() -> None:
    commands = " ".join(job.command for job in jobs.JOBS)
    named = re.findall(r"tests/rules/(test_\w+\.py)", commands)
    assert sorted(named) == sorted(
        path.name for path in (TOOLS.parent / "rules").glob("test_*_real.py")
    )


def test_summarise_ends_with_the_counts_and_fails_on_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = jobs.Job("unit", "unit", "true")
    good = jobs.Outcome(job=job, result="ok", seconds=1, passed=7, failed=0)
    bad = jobs.Outcome(job=job, result="FAILED", seconds=1, passed=2, failed=1)
    assert jobs.summarise([good], seconds=1) == 0
    assert capsys.readouterr().out.endswith("\n7 passed, 0 failed\n")
    assert jobs.summarise([good, bad], seconds=1) == 1
    assert capsys.readouterr().out.endswith("\n9 passed, 1 failed\n")


def test_select_knows_jobs_and_groups_and_refuses_the_rest() -> None:
    assert [job.name for job in jobs.select(["unit", "texts"])] == [
        "texts",
        "unit",
        "unit-python3.9",
        "unit-playing",
    ]
    assert jobs.select([]) == list(jobs.JOBS)
    with pytest.raises(SystemExit, match="no such job or group: nonsense"):
        jobs.select(["nonsense"])


def test_jobs_have_names_of_their_own_and_needs_that_exist() -> None:
    names = [job.name for job in jobs.JOBS]
    assert len(names) == len(set(names))
    assert {need for job in jobs.JOBS for need in job.needs} <= set(names)


LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later\n"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param("docs/a.md", "see /wo" + "rk/main", "a path of one machine", id="path"),
        pytest.param(
            "a.yml", "url: deb" + ".debian.org", "a package registry's host name", id="mirror"
        ),
        pytest.param("a.md", "from pypi" + ".org", "a package registry's host name", id="index"),
        pytest.param("a.yaml", "---\n", "end in .yml", id="yaml"),
        pytest.param("a.py", "import os\n", "SPDX", id="no-licence"),
        pytest.param("a.md", "<" * 7 + " HEAD\n", "a merge conflict", id="conflict"),
    ],
)
def test_check_text_sees(name: str, text: str, problem: str) -> None:
    (found,) = texts.problems_of(name, text)
    assert problem in found
    assert found.startswith(f"{name}:")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.py", LICENCE + "import os\n", id="licence"),
        pytest.param("changelogs/config.yaml", "---\n", id="config-of-a-tool"),
        pytest.param("a.md", "Debian and PyPI are reached by name.\n", id="prose"),
    ],
)
def test_check_text_lets_pass(name: str, text: str) -> None:
    assert texts.problems_of(name, text) == []


def test_check_text_names_the_line() -> None:
    (found,) = texts.problems_of("docs/a.md", "one\ntwo /wo" + "rk/main\n")
    assert found.startswith("docs/a.md:2: ")
