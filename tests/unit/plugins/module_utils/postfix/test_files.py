# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced, on a real file system: what survives of them, and what a power cut leaves."""

from __future__ import annotations

import os
import pathlib
import stat
import struct
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files

ACL: t.Final = "system.posix_acl_access"
DEFAULT: t.Final = "system.posix_acl_default"
NOBODY: t.Final = 0xFFFFFFFF


def acl(*, group: int, user: int, mask: int, other: int = 0) -> bytes:
    """Return an ACL as the kernel takes it: rw for the owner, and a user 1234."""
    entries = ((1, 6, NOBODY), (2, user, 1234), (4, group, NOBODY), (16, mask, NOBODY))
    packed = (struct.pack("<HHI", *entry) for entry in (*entries, (32, other, NOBODY)))
    return struct.pack("<I", 2) + b"".join(packed)


class Place(t.NamedTuple):
    """A file that is replaced, and the state directory."""

    file: pathlib.Path
    state: pathlib.Path

    def replacement(self) -> files.Replacement:
        """Return one that is swapped, not ended."""
        before = self.file.read_bytes()
        change = files.FileChange(str(self.file), before, b"new\n")
        made = files.Replacement(str(self.state), changes=[change])
        made.prepare()
        made.swap()
        return made


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "main.cf"
    file.write_bytes(b"old\n")
    try:
        os.getxattr(file, ACL)
    except OSError as error:
        if "not supported" in str(error):
            pytest.skip("the file system has no ACLs")
    return Place(file, tmp_path / "state")


def test_an_acl_is_kept(place: Place) -> None:
    place.file.chmod(0o640)
    given = acl(group=4, user=6, mask=6)
    os.setxattr(place.file, ACL, given)
    place.replacement().commit()
    assert place.file.read_bytes() == b"new\n"
    assert os.getxattr(place.file, ACL) == given


def test_an_acl_is_put_back(place: Place) -> None:
    given = acl(group=0, user=4, mask=4)
    os.setxattr(place.file, ACL, given)
    made = place.replacement()
    assert made.undo() == ()
    made.end()
    assert place.file.read_bytes() == b"old\n"
    assert os.getxattr(place.file, ACL) == given


def test_what_the_directory_gives_new_files_is_not_for_one_that_was_there(place: Place) -> None:
    place.file.chmod(0o644)
    os.setxattr(place.file.parent, DEFAULT, acl(group=6, user=6, mask=6))
    place.replacement().commit()
    assert ACL not in os.listxattr(place.file)
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o644


def test_a_power_cut_after_the_end_undoes_nothing(place: Place) -> None:
    journal = place.state / "journal.json"
    made = place.replacement()
    kept = journal.read_bytes()
    made.commit()
    # The removal of the old file is on the disk, that of the journal on another one is not.
    journal.write_bytes(kept)
    assert files.recover(str(place.state)) is None
    files.end_recovery(str(place.state))
    assert not files.interrupted(str(place.state))
    assert place.file.read_bytes() == b"new\n"


def test_a_power_cut_before_the_end_is_undone(place: Place) -> None:
    place.replacement()
    assert files.recover(str(place.state)) == ()
    # Cut off again in the middle of it: the old file is in its place, and the journal says so.
    assert files.recover(str(place.state)) == ()
    assert place.file.read_bytes() == b"old\n"


def test_a_lock_that_cannot_be_made_is_said(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    said = r"^Cannot write .*/file.*: Not a directory\. Make .* Nothing was changed\.$"
    with pytest.raises(files.FileProblem, match=said), files.locked(str(tmp_path / "file" / "x")):
        pass
