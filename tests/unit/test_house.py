# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house rules: which file may import what, and what every file and role must have.

Knowledge in tables, judgement in pure functions, effects at the edge. The tables below are the plan of the
house; a new file of module_utils is entered here first.
"""

from __future__ import annotations

import ast
import pathlib
import re
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.hardened.mail."
UTILS = "plugins/module_utils/"

# Room -> files without effects, files with effects. A star stands for the whole room.
ROOMS: t.Final = {
    "postfix": (
        {
            "capture",
            "dnssec_question",
            "effective",
            "expand",
            "login_log",
            "mail_log",
            "main_cf",
            "master_cf",
            "master_cf_changes",
            "patterns",
            "plan",
            "postconf_output",
            "validate",
            "values",
            "version",
            "words",
        },
        {
            "bulk",
            "certificates",
            "endpoints",
            "files",
            "host_look",
            "live",
            "loading",
            "log_files",
            "probe",
            "processes",
            "rehearsal",
            "resolver",
            "runner",
            "sasl_look",
            "service",
            "staged",
            "survey",
            "transaction",
            "validate_task",
        },
    ),
    "dovecot": (
        {"config_files", "config_text", "doveconf_output", "drop_in", "passwd_file", "user_list"},
        {
            "ask",
            "certificates",
            "hashing",
            "host_look",
            "live",
            "recovery",
            "runner",
            "service",
            "show",
            "survey",
            "transaction",
            "tree",
        },
    ),
    "policy": ({"*"}, set()),
    "records": (
        {
            "address",
            "caa",
            "dkim",
            "dkim_rollover",
            "dmarc",
            "description",
            "domain_look",
            "host_claims",
            "ed25519",
            "ip_ranges",
            "keys",
            "lookup",
            "milter_protocol",
            "mta_sts",
            "mx",
            "numbers",
            "rrset",
            "site",
            "spf",
            "spf_tree",
            "srv",
            "tags",
            "tls_rpt",
            "tlsa",
            "tlsa_rollover",
            "tsig_key",
            "update_plan",
        },
        {
            "dkim_key_file",
            "dkim_signing",
            "dns_client",
            "key_file",
            "milter_client",
            "publish",
            "readback",
            "resolver",
            "sts_fetch",
        },
    ),
    "report": ({"*"}, set()),
    "starttls": (
        {"conduct", "dialogue", "replies", "report", "suites", "tls_codec"},
        {"conversation", "deadline", "prober", "renegotiation", "roundtrip", "session", "talk"},
    ),
    "x509": ({"certificate", "chain", "der"}, {"pair", "private_key", "public", "request"}),
}

# What code without effects may use of the standard library; modules and filters too.
PURE_STDLIB: t.Final = frozenset(
    """
    __future__ abc base64 binascii bisect collections copy dataclasses datetime difflib enum functools hashlib heapq
    hmac ipaddress itertools json math operator re shlex string struct textwrap types typing unicodedata
    """.split()
)
# The error border of a module may show where an error of ours came from.
MODULE_STDLIB: t.Final = frozenset({"traceback"})
EFFECT_CALLS: t.Final = frozenset(
    {"open", "print", "input", "exec", "eval", "compile", "__import__"}
)
OLDEST_PYTHON: t.Final = (3, 9)
HEADER: t.Final = (
    "# Copyright (c) 2026, the hardened.mail authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
MODULE_SHEBANG: t.Final = "#!/usr/bin/python\n"


def imports_of(source: str) -> set[str]:
    """Return the full dotted names of all that ``source`` imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {
                "." * node.level + (node.module or "") + "." + alias.name for alias in node.names
            }
    return names


def kind_of(name: str) -> str:
    """Return ``pure``, ``effects`` or ``unknown`` for a file or a dotted name under module_utils."""
    room, _dot, rest = name.replace("/", ".").partition(".")
    file = rest.partition(".")[0]
    pure, effects = ROOMS.get(room, (set(), set()))
    if file in effects:
        return "effects"
    return "pure" if file in pure or (pure == {"*"} and file) else "unknown"


def is_stdlib(name: str) -> bool:
    return name.split(".", 1)[0] in sys.stdlib_module_names


def is_pure_stdlib(name: str) -> bool:
    return name.split(".", 1)[0] in PURE_STDLIB


def is_util(name: str, *, kinds: t.AbstractSet[str]) -> bool:
    prefix = COLLECTION + "plugins.module_utils."
    return name.startswith(prefix) and kind_of(name[len(prefix) :]) in kinds


ALL_UTILS: t.Final = frozenset({"pure", "effects"})
PURE_UTILS: t.Final = frozenset({"pure"})


def may_import(path: str, name: str) -> bool:
    """Tell whether the file ``path`` (relative to the root) may import ``name``."""
    if path.startswith(UTILS):
        if kind_of(path[len(UTILS) : -len(".py")]) == "effects":
            # Python has no library for DNS; these files say so where it is missing.
            is_dns = path.startswith(UTILS + "records/") and name.split(".", 1)[0] == "dns"
            return is_dns or is_stdlib(name) or is_util(name, kinds=ALL_UTILS)
        return is_pure_stdlib(name) or is_util(name, kinds=PURE_UTILS)
    if path.startswith("plugins/modules/"):
        from_ansible = name.startswith("ansible.module_utils.")
        at_the_border = is_pure_stdlib(name) or name in MODULE_STDLIB
        return at_the_border or from_ansible or is_util(name, kinds=ALL_UTILS)
    if path.startswith("plugins/"):
        return (
            is_pure_stdlib(name) or name.startswith("ansible.") or is_util(name, kinds=PURE_UTILS)
        )
    if path.startswith("molecule/"):
        # The referee must not be our own code.
        return not name.startswith((COLLECTION, "plugins", "."))
    return True


def problems_of(path: str, source: str) -> list[str]:
    """Return what breaks the house rules in the Python file ``path`` that holds ``source``."""
    found = [
        f"{path} imports {name}"
        for name in sorted(imports_of(source))
        if not may_import(path, name)
    ]
    if not path.startswith("plugins/"):
        return found
    try:
        tree = ast.parse(source, feature_version=OLDEST_PYTHON)
    except SyntaxError as error:
        return [*found, f"{path}:{error.lineno}: not Python 3.9: {error.msg}"]
    lines = source.removeprefix(MODULE_SHEBANG if path.startswith("plugins/modules/") else "")
    if tuple(lines.splitlines()[:3]) != HEADER:
        found.append(f"{path}: the first three lines are not the licence header")
    if "from __future__ import annotations" not in source:
        found.append(f"{path}: no 'from __future__ import annotations'")
    if path.startswith(UTILS):
        kind = kind_of(path[len(UTILS) : -len(".py")])
        if kind == "unknown":
            found.append(f"{path} is in no table of tests/unit/test_house.py")
        if kind != "effects":
            found += [f"{path}:{line}: calls {name}" for line, name in effect_calls(tree)]
    return found


def effect_calls(tree: ast.AST) -> list[tuple[int, str]]:
    """Return (line, name) of every call of a builtin with effects."""
    return [
        (node.lineno, node.func.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in EFFECT_CALLS
    ]


def role_problems(role: pathlib.Path) -> list[str]:
    """Return what breaks the house rules in a role: its specs, its defaults, its README."""
    specs_file, defaults_file = role / "meta/argument_specs.yml", role / "defaults/main.yml"
    missing = [
        f"{role.name}: no {file.relative_to(role)}"
        for file in (specs_file, defaults_file, role / "README.md", role / "tasks/main.yml")
        if not file.is_file()
    ]
    if missing:
        return missing
    specs = yaml.safe_load(specs_file.read_text(encoding="utf-8"))["argument_specs"]
    defaults = yaml.safe_load(defaults_file.read_text(encoding="utf-8")) or {}
    options = {
        key: value for entry in specs.values() for key, value in entry.get("options", {}).items()
    }
    specified = {key: value["default"] for key, value in options.items() if "default" in value}
    found = [
        f"{role.name}: no tasks/{entry}.yml"
        for entry in specs
        if not (role / f"tasks/{entry}.yml").is_file()
    ]
    found += [
        f"{role.name}: {key} does not start with {role.name}_"
        for key in options
        if not key.startswith(f"{role.name}_")
    ]
    for key in sorted(specified.keys() | defaults.keys()):
        if key not in specified or key not in defaults or specified[key] != defaults[key]:
            spec, default = specified.get(key, "none"), defaults.get(key, "none")
            found.append(
                f"{role.name}: {key} is {spec!r} in the specs and {default!r} in the defaults"
            )
    return found + tag_problems(role) + handler_problems(role)


def tag_problems(role: pathlib.Path) -> list[str]:
    """Return the tags that select nothing: an include without them is not gone into."""
    return [
        f"{role.name}: {file.name} has the tag {tag}"
        for file in sorted((role / "tasks").glob("*.yml"))
        for tags in re.findall(
            r"^[ -]*tags: \[(.*)\]$", file.read_text(encoding="utf-8"), re.MULTILINE
        )
        for tag in tags.split(", ")
        if tag != role.name
    ]


def handler_problems(role: pathlib.Path) -> list[str]:
    """Return the handlers with a name that a site's own may have: the names are those of the whole play."""
    file = role / "handlers/main.yml"
    handlers = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else []
    return [
        f"{role.name}: the handler {one['name']} has a name that others take"
        for one in handlers
        if len(one["name"].split()) < 4
    ]


def python_files(*rooms: str) -> list[str]:
    return sorted(
        str(file.relative_to(ROOT)) for room in rooms for file in (ROOT / room).rglob("*.py")
    )


def role_directories() -> list[pathlib.Path]:
    return sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


def test_every_file_keeps_the_house_rules() -> None:
    files = python_files("plugins", "molecule")
    assert files
    found = [
        line
        for file in files
        for line in problems_of(file, (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_every_role_keeps_the_house_rules() -> None:
    found = [line for role in role_directories() for line in role_problems(role)]
    assert not found, "\n".join(found)


FUTURE = "\n".join([*HEADER, '"""About."""', "", "from __future__ import annotations", ""])
MINE = "from ansible_collections.hardened.mail.plugins.module_utils"


@pytest.mark.parametrize(
    ("path", "source", "problem"),
    [
        pytest.param(UTILS + "postfix/plan.py", "import os", "imports os", id="pure-effect"),
        pytest.param(
            UTILS + "policy/rules.py", "from os import path", "imports os.path", id="pure-from"
        ),
        pytest.param(
            UTILS + "x509/der.py",
            "def f():\n    import ssl",
            "imports ssl",
            id="pure-inside-a-function",
        ),
        pytest.param(
            UTILS + "postfix/plan.py",
            f"{MINE}.postfix.runner import Runner",
            "imports",
            id="pure-to-effects",
        ),
        pytest.param(UTILS + "postfix/plan.py", "x = open('y')", "calls open", id="pure-opens"),
        pytest.param(UTILS + "postfix/runner.py", "import yaml", "imports yaml", id="third-party"),
        pytest.param(
            UTILS + "postfix/runner.py",
            "from ansible.module_utils.basic import AnsibleModule",
            "imports ansible.module_utils",
            id="util-imports-ansible",
        ),
        pytest.param(UTILS + "postfix/new.py", "", "in no table", id="file-without-a-kind"),
        pytest.param(UTILS + "hall/new.py", "", "in no table", id="room-without-a-kind"),
        pytest.param("plugins/modules/a.py", "import socket", "imports socket", id="module-socket"),
        pytest.param(
            "plugins/modules/a.py",
            "from ansible.errors import AnsibleError",
            "imports",
            id="module-errors",
        ),
        pytest.param(
            "plugins/filter/a.py",
            f"{MINE}.x509.pair import read",
            "imports",
            id="filter-to-effects",
        ),
        pytest.param(
            "plugins/modules/a.py", "match 1:\n    case 1: pass", "not Python 3.9", id="match"
        ),
        pytest.param(
            "molecule/default/tests/test_a.py", f"{MINE}.x509.der import f", "imports", id="referee"
        ),
    ],
)
def test_rules_see_what_is_forbidden(path: str, source: str, problem: str) -> None:
    found = problems_of(path, FUTURE + source + "\n")
    assert [line for line in found if re.search(problem, line)] == found
    assert len(found) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param(
            UTILS + "postfix/plan.py", f"import re\n{MINE}.postfix.values import f", id="pure"
        ),
        pytest.param(
            UTILS + "postfix/transaction.py",
            f"import os\n{MINE}.postfix.runner import f",
            id="effects",
        ),
        pytest.param(
            "plugins/modules/a.py",
            f"from ansible.module_utils.basic import AnsibleModule\n{MINE}.postfix.runner import f",
            id="module",
        ),
        pytest.param("plugins/filter/a.py", f"{MINE}.policy.settings import TABLE", id="filter"),
        pytest.param("molecule/default/tests/test_a.py", "import socket, testinfra", id="referee"),
    ],
)
def test_rules_let_pass_what_is_allowed(path: str, source: str) -> None:
    assert problems_of(path, FUTURE + source + "\n") == []


def test_rules_ask_for_the_licence_header() -> None:
    without = FUTURE.partition("\n")[2]
    assert problems_of(UTILS + "postfix/plan.py", without) == [
        "plugins/module_utils/postfix/plan.py: the first three lines are not the licence header"
    ]


@pytest.fixture
def role(tmp_path: pathlib.Path) -> pathlib.Path:
    """A role that keeps the rules."""
    path = tmp_path / "tidy"
    for name, text in {
        "README.md": "# tidy\n",
        "tasks/main.yml": "---\n",
        "defaults/main.yml": "tidy_port: 25\n",
        "meta/argument_specs.yml": "argument_specs: {main: {options: {tidy_port: {type: int, default: 25}}}}\n",
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_role_rules_let_pass_a_tidy_role(role: pathlib.Path) -> None:
    assert role_problems(role) == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        pytest.param(
            "defaults/main.yml",
            "tidy_port: 26\n",
            "25 in the specs and 26 in the defaults",
            id="other",
        ),
        pytest.param("defaults/main.yml", "---\n", "'none' in the defaults", id="missing-default"),
        pytest.param(
            "defaults/main.yml",
            "tidy_port: 25\ntidy_extra: 1\n",
            "tidy_extra is 'none' in the specs",
            id="missing-spec",
        ),
        pytest.param(
            "meta/argument_specs.yml",
            "argument_specs: {main: {options: {tidy_port: {default: 25}}}, other: {}}\n",
            "no tasks/other.yml",
            id="entry-point-without-tasks",
        ),
        pytest.param(
            "meta/argument_specs.yml",
            "argument_specs: {main: {options: {tidy_port: {default: 25}, messy: {type: str}}}}\n",
            "messy does not start with tidy_",
            id="foreign-name",
        ),
        pytest.param("README.md", None, "no README.md", id="no-readme"),
        pytest.param(
            "tasks/main.yml", "---\n- tags: [tidy, tidy_more]\n", "the tag tidy_more", id="tag"
        ),
        pytest.param(
            "handlers/main.yml", "- name: Reload nginx\n", "the handler Reload nginx", id="handler"
        ),
    ],
)
def test_role_rules_see_what_is_wrong(
    role: pathlib.Path, file: str, text: str | None, problem: str
) -> None:
    if text is None:
        (role / file).unlink()
    else:
        (role / file).parent.mkdir(exist_ok=True)
        (role / file).write_text(text, encoding="utf-8")
    found = role_problems(role)
    assert len(found) == 1
    assert problem in found[0]
