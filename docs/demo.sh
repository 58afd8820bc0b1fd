#!/bin/sh
# What `make demo` shows: one customer's balance at the five platforms, on the embedded sandbox.
set -eu
PATH="$(cd "$BIN" && pwd):$PATH"

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

show loyalty --sandbox balance C-1001 --all-profiles
show loyalty --sandbox balance C-1001 -p gameball -o json
printf '\nNext: README.md, "Your own accounts".\n'
