#!/bin/bash
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# venv.sh NAME: makes the virtual environment of tests/requirements/NAME.txt, unless it is up to date, and prints
# its bin directory. Exit status 77: no interpreter for it was found (said on standard error).
#   HM_PYTHON=/path/to/python3.x   try this interpreter first for `tools`
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly name=$1
readonly requirements=tests/requirements/$name.txt

# The newest interpreter first.
case $name in
tools) versions="3.13 3.12 3.11" directory=.venv ;;
core-oldest) versions="3.12 3.11 3.10" directory=.cache/venvs/$name ;;
pure) versions="3.9" directory=.cache/venvs/$name ;;
*) echo "venv.sh: unknown name: $name" >&2 && exit 2 ;;
esac

say() { printf '%s: %s\n' "$name" "$*" >&2; }

# The name alone proves nothing: a pyenv shim is on PATH for every version, and Debian's python3 lacks ensurepip.
works() {
    "$1" -c 'import ctypes, ensurepip, ssl, sys, venv
sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1].split())' "$versions" 2>/dev/null
}

find_python() {
    local version candidate
    for version in $versions; do
        for candidate in "${HM_PYTHON:-}" "$(command -v "python$version" || true)" \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/"python$version" \
            "$HOME"/.pyenv/versions/"$version".*/bin/"python$version"; do
            if [ -x "$candidate" ] && works "$candidate"; then
                printf '%s\n' "$candidate"
                return 0
            fi
        done
    done
    return 1
}

install_python() {
    if [ "$name" != tools ]; then
        say "no Python $versions found"
        exit 77
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "no Python ($versions) with venv and pip found; install one (Debian: python3-venv) and try again"
        exit 1
    fi
    tests/tools/apt_install.sh tools python3-venv
}

version_of() { "$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null || echo none; }

make_venv() {
    local python wanted
    python=$(find_python) || { install_python && python=$(find_python); }
    wanted=$(version_of "$python")
    # An environment of the same Python is brought up to date in place: others may be using it.
    if [ "$(version_of "$directory/bin/python")" != "$wanted" ]; then
        say "making $directory with Python $wanted ($python)"
        "$python" -m venv --clear "$directory"
    fi
    say "installing $requirements"
    "$directory/bin/python" -m pip install -qq --disable-pip-version-check --no-input --requirement "$requirements"
}

link_collection() {
    local tree=.cache/collections/ansible_collections/hardened
    mkdir -p "$tree"
    [ "$(readlink "$tree/mail" || true)" = "$PWD" ] || ln -sfn "$PWD" "$tree/mail"
}

mkdir -p .cache/venvs
exec 9>".cache/venvs/$name.lock"
flock 9
digest=$(sha256sum "$requirements" "$0" | sha256sum)
if ! [ "$(cat "$directory/.stamp" 2>/dev/null)" = "$digest" ] || ! "$directory/bin/python" -c '' 2>/dev/null; then
    make_venv
    printf '%s\n' "$digest" >"$directory/.stamp"
fi
[ "$name" != tools ] || link_collection
printf '%s\n' "$PWD/$directory/bin"
