#!/bin/sh
# What `make demo` shows, on the embedded sandbox: one customer's balance at each platform, a
# debit, the balance after it, and the same reference again without effect.
set -eu
PATH="$(cd "$BIN" && pwd):$PATH"
reference="demo-$(date +%s)-$$"

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

show loyalty --sandbox balance C-1001 --all-profiles
show loyalty --sandbox balance C-1001 -p gameball -o json
show loyalty --sandbox debit C-1001 5 --reference "$reference" --yes
show loyalty --sandbox balance C-1001
show loyalty --sandbox debit C-1001 5 --reference "$reference" --yes
printf '\nNext: README.md, "Your own accounts".\n'
