#!/bin/sh
# venv.sh FOLDER LOCK: a virtual environment in FOLDER with what LOCK names, hashes checked.
#
# With runtime.txt it has the run-time packages alone, and bin/loyalty runs this checkout. With
# dev.txt the rest is added to it, and this project itself is installed, editable.
#
# The system's own pip is never asked to install anything outside FOLDER, so a Python that refuses
# such installs will do. A Python without ensurepip (some distributions split it off) will do too,
# as long as it has a pip of its own.
set -eu
folder=$1
lock=$2
python=${PYTHON:-python3}

fail() {
    echo "make: $*" >&2
    exit 1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is missing or older than 3.11; name a newer one: make PYTHON=python3.12 ..."

quiet() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then rm -f "$log"; else
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
}

echo "setting up $folder from $lock with $("$python" --version)" >&2
case $lock in
*dev.txt) ;;
*) rm -rf "$folder" ;;
esac
if "$python" -c 'import ensurepip' 2>/dev/null; then
    without=
    pip() { "$folder/bin/python" -m pip --disable-pip-version-check "$@"; }
elif "$python" -m pip --version >/dev/null 2>&1; then
    without=--without-pip
    pip() { "$python" -m pip --disable-pip-version-check --python "$folder/bin/python" "$@"; }
else
    fail "$python has neither ensurepip nor pip; install one (Debian: apt install python3-venv)"
fi
[ -d "$folder" ] || quiet "$python" -m venv $without "$folder" || fail "could not create $folder"
quiet pip install --require-hashes -r "$lock" || fail "could not install $lock"
case $lock in
*runtime.txt)
    cat >"$folder/bin/loyalty" <<END
#!$PWD/$folder/bin/python
import sys

sys.path[0] = "$PWD"
from loyalty_cli.__main__ import main

main()
END
    chmod +x "$folder/bin/loyalty"
    ;;
*dev.txt) quiet pip install --no-deps --no-build-isolation -e . || fail "could not install loyalty" ;;
esac
