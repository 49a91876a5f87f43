set -u
umask 077
PATH=${PATH:-}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
mode=${1:-hand}
number=@NUMBER@
state=@STATE@
here=@STATE@/backups/$number
lock=@LOCK@
stage=@STAGE@

say() {
    printf '%s\n' "$*"
    printf '%s\n' "$*" >> "$here/said"
}

is_pending() {
    [ "$(readlink "$state/pending")" = "backups/$number" ]
}

# Space that was set aside at a time when there was some: what follows writes on a full disk, too.
free_reserve() {
    rm -f "$here/reserve"
}

# Writes down how this deployment ended: one of confirmed, restored, restore-failed.
tell() {
    {
        printf '%s\nmode=%s\nat=%s\n' "$1" "$mode" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
        [ ! -f "$here/said" ] || sed 's/^/note=/' "$here/said"
    } > "$here/outcome.new"
    sync "$here/outcome.new"
    mv -fT "$here/outcome.new" "$here/outcome"
    sync "$here"
}

forget_pending() {
    is_pending && rm -f "$state/pending"
    sync "$state"
}

# What belongs to a deployment that is decided: its timers, its staged files, its lock.
release() {
    if [ "$mode" != boot ]; then
        for phase in apply confirm; do
            systemctl stop "evpn-fleet-undo-$number-$phase.timer" > /dev/null 2>&1 9>&-
        done
    fi
    rm -rf "$stage"
    [ "$(cat "$lock/token" 2> /dev/null)" != @TOKEN@ ] || rm -rf "$lock"
}
