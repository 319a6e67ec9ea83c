# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files of a configuration of Dovecot in their order, and stage a copy with changes (effects: files)."""

from __future__ import annotations

import glob
import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.config_text import items
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files

#: A loop of includes ends.
_MAX_FILES: t.Final = 500


@dataclass(frozen=True)
class Place:
    """Where a setting is written, and in which sections."""

    file: str
    line: int
    name: str
    sections: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


@dataclass
class Tree:
    """The files that Dovecot reads for *main*, and their settings in the order in which they count."""

    main: str
    texts: dict[str, str] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)

    @property
    def directory(self) -> str:
        """The directory of the configuration."""
        return os.path.dirname(self.main)

    def includes(self, path: str) -> bool:
        """Return whether Dovecot would read a file of that name, were it there."""
        return any(_matches(pattern, path) for pattern in self._patterns())

    def _patterns(self) -> t.Iterator[str]:
        for path, text in self.texts.items():
            for item in items(text):
                if item.kind == "include":
                    yield os.path.join(os.path.dirname(path), item.name)

    def later(self, name: str, *, after: str) -> t.Optional[Place]:
        """Return the last place of a setting behind all of the file *after*, None when there is none."""
        ours = [index for index, one in enumerate(self.places) if one.file == after]
        names = {
            name,
            *(name[len(head) :] for head in ("ssl_server_", "ssl_") if name.startswith(head)),
        }
        found = [one for one in self.places[(ours[-1] + 1 if ours else 0) :] if one.name in names]
        found = [one for one in found if one.file != after]
        return found[-1] if found else None


def _matches(pattern: str, path: str) -> bool:
    # As glob(3) reads it: a star stands for no slash.
    expression = re.escape(os.path.normpath(pattern)).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.fullmatch(expression, os.path.normpath(path)) is not None


def read(main: str) -> Tree:
    """Return the files of a configuration. Raises FileProblem for one that cannot be read."""
    tree = Tree(main)
    _read(tree, main, ())
    return tree


def _read(tree: Tree, path: str, around: tuple[str, ...]) -> None:
    if path in tree.texts or len(tree.texts) >= _MAX_FILES or os.path.isdir(path):
        return
    raw = files.read_bytes(path)
    if raw is None:
        return
    text = tree.texts[path] = raw.decode("utf-8", "surrogateescape")
    for item in items(text):
        if item.kind == "setting":
            tree.places.append(Place(path, item.first + 1, item.name, (*around, *item.sections)))
        elif item.kind == "include":
            for included in sorted(glob.glob(os.path.join(os.path.dirname(path), item.name))):
                _read(tree, os.path.normpath(included), (*around, *item.sections))


def stage(tree: Tree, changed: t.Mapping[str, t.Optional[str]], *, directory: str) -> str:
    """Write a copy of the configuration with changes below *directory*; return its main file.

    Only the files of the configuration are copied; what else is beside them, keys too, is reached
    through links. *changed* has None for a file that goes.
    """
    texts: dict[str, t.Optional[str]] = {**tree.texts, **changed}
    inside = {
        os.path.relpath(path, tree.directory): text
        for path, text in texts.items()
        if path.startswith(tree.directory + "/")
    }
    _mirror(tree.directory, directory, inside=inside)
    for name, text in inside.items():
        if text is None:
            continue
        target = os.path.join(directory, name)
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_moved(text, tree.directory, directory).encode("utf-8", "surrogateescape"))
    return os.path.join(directory, os.path.basename(tree.main))


def _mirror(
    source: str, target: str, *, inside: t.Mapping[str, t.Optional[str]], below: str = ""
) -> None:
    """Link what is in *source* and does not change to *target*; directories of changed files are made."""
    os.mkdir(target, 0o700)
    for name in os.listdir(source):
        path = os.path.join(below, name)
        if path in inside:
            continue
        if any(one.startswith(path + "/") for one in inside):
            _mirror(
                os.path.join(source, name), os.path.join(target, name), inside=inside, below=path
            )
        else:
            os.symlink(os.path.join(source, name), os.path.join(target, name))


def _moved(text: str, old: str, new: str) -> str:
    """Return the text with includes that name the directory pointing to the copy."""
    return re.sub(
        rf"^(\s*!include(?:_try)?\s+){re.escape(old)}/",
        lambda match: f"{match.group(1)}{new}/",
        text,
        flags=re.MULTILINE,
    )


__all__ = ("Place", "Tree", "read", "stage")
