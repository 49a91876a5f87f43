#!/bin/sh
# Runs a command where it can have a lab of its own beside the one that runs already: with its own
# network, processes and state folder, and in a copy of this checkout, whose inventories it may lock.
#   tests/beside.sh COMMAND [ARGUMENT]...
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
child=
# Its first process takes all others of its own with it.
trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || :; rm -rf "$place"' EXIT
trap 'exit 143' INT TERM
mkdir "$place/checkout" "$place/state"
tar -C "$here" --exclude=./.venv -c . | tar -C "$place/checkout" -x
unset XDG_STATE_HOME
cd "$place/checkout"
PLACE=$place unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh -euc '
        ip link set lo up
        mkdir -p "$HOME/.local/state"
        # The whole of it: a folder in it that the other lab removes would take a mount with it.
        mount -t tmpfs tmpfs /run
        mount --bind "$PLACE/state" "$HOME/.local/state"
        exec "$@"' sh "$@" &
child=$!
wait "$child"
