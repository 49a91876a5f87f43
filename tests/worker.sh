#!/bin/sh
# Starts a worker of pytest-xdist where it can have a lab of its own beside those of the others: with
# its own processes, /run and state folder, and in a copy of this checkout, whose inventories it may
# lock. (Its network is its own a moment later: until then it has to reach the session that started
# it. See tests/workers.py.)
#   tests/worker.sh PYTHON [ARGUMENT]...
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
# However the worker ends (a busy session kills it after ten seconds), its place goes with it.
setsid sh -c 'while [ -d "/proc/$1" ]; do sleep 1; done; rm -rf "$2"' sh $$ "$place" \
    </dev/null >/dev/null 2>&1 &
mkdir "$place/checkout" "$place/state"
tar -C "$here" --exclude=./.venv --exclude=./.git --exclude=./audits --exclude='.*_cache' \
    --exclude=__pycache__ -c . | tar -C "$place/checkout" -x
unset XDG_STATE_HOME
export PLACE="$place" HERE="$here"
exec unshare --mount --pid --fork --kill-child --mount-proc \
    --propagation private sh -euc '
        mkdir -p "$HOME/.local/state"
        mount -t tmpfs tmpfs /run
        mount --bind "$PLACE/state" "$HOME/.local/state"
        for name in .venv .git; do
            if [ -d "$HERE/$name" ]; then
                mkdir "$PLACE/checkout/$name"
                mount --bind "$HERE/$name" "$PLACE/checkout/$name"
            elif [ -e "$HERE/$name" ]; then
                cp "$HERE/$name" "$PLACE/checkout/$name"
            fi
        done
        mount --rbind "$PLACE/checkout" "$HERE"
        cd "$HERE"
        # Not exec: this shell is the first process here, and ends those that nobody else waits for.
        "$@"' sh "$@"
