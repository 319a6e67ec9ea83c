#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Puts the collection community.crypto, and nothing else of the package `ansible`, into .cache/collections.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly requirements=tests/requirements/collections.txt
readonly tree=.cache/collections/ansible_collections/community

exec 9>.cache/crypto_collection.lock
flock 9
digest=$(sha256sum "$requirements" "$0" | sha256sum)
[ "$(cat "$tree/.stamp" 2>/dev/null)" != "$digest" ] || exit 0

work=$(mktemp -d .cache/crypto_collection.XXXXXX)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m pip download -qq --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --dest "$work" --requirement "$requirements"
.venv/bin/python - "$work" <<'END'
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
    prefix = "ansible_collections/community/crypto/"
    wheel.extractall(work, [one for one in wheel.namelist() if one.startswith(prefix)])
END
mkdir -p "$tree"
rm -rf "$tree/crypto"
mv "$work/ansible_collections/community/crypto" "$tree/crypto"
printf '%s\n' "$digest" >"$tree/.stamp"
