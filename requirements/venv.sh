#!/bin/sh
# venv.sh FOLDER LOCK: a virtual environment in FOLDER with exactly what LOCK names, hashes checked,
# and, when LOCK is the development lock, this project itself, editable.
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

echo "setting up $folder with $("$python" --version)" >&2
rm -rf "$folder"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    quiet "$python" -m venv "$folder" || fail "could not create $folder"
    pip() { "$folder/bin/python" -m pip --disable-pip-version-check "$@"; }
elif "$python" -m pip --version >/dev/null 2>&1; then
    quiet "$python" -m venv --without-pip "$folder" || fail "could not create $folder"
    pip() { "$python" -m pip --disable-pip-version-check --python "$folder/bin/python" "$@"; }
else
    fail "$python has neither ensurepip nor pip; install one (Debian: apt install python3-venv)"
fi
quiet pip install --require-hashes -r "$lock" || fail "could not install $lock"
case $lock in
*dev.txt) quiet pip install --no-deps --no-build-isolation -e . || fail "could not install loyalty" ;;
esac
