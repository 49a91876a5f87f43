#!/bin/sh
# Puts back what deployment @NUMBER@ of evpn-fleet replaced on this node, and has it loaded again.
# Written by evpn-fleet @VERSION@. It can be killed at any point and run again.
#
#   sh restore.sh hand    by hand, also when the deployment was confirmed (of the last one)
#   timer, now, boot      only while the deployment waits for its confirmation
@COMMON@
bad=0

# Names the temporary copies beside a file; hidden, for interfaces.d/* is read as a whole.
beside() {
    folder=${1%/*}
    fresh=$folder/.${1##*/}.evpn-fleet-old
    rm -f "$fresh" "$folder/.${1##*/}.evpn-fleet-new"
}

# Whether a file is what its backup says it was: then nothing is written, which a full disk forbids.
is_old() {
    [ "$(stat -c '%f %u %g' "$1" 2> /dev/null)" = "$(stat -c '%f %u %g' "$2")" ] || return 1
    if [ -L "$2" ]; then
        [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else
        cmp -s "$1" "$2"
    fi
}

# A file gets its old bytes, mode and owner in one rename, so that no half of it is ever there.
put_back() {
    beside "$1"
    saved=$here/old$1
    if [ ! -L "$saved" ] && ! printf '%s  %s\n' "$2" "$saved" | sha256sum --check --status; then
        say "$1: its backup $saved is damaged, so it stays as it is"
        bad=1
    elif ! is_old "$1" "$saved" && ! {
        cp -a "$saved" "$fresh" && sync "$fresh" && mv -fT "$fresh" "$1" && sync "$folder"
    }; then
        say "$1: could not be put back from $saved"
        bad=1
    fi
}

put_away() {
    beside "$1"
    rm -f "$1" && sync "$folder" && return
    say "$1: was not there before and could not be removed"
    bad=1
}

# Runs one step (name, seconds, command); a failure is written down with the step's last words.
try() {
    timeout -k 5 "$2" sh -c "umask 022; $3" < /dev/null > "$here/step" 2>&1 9>&- && return
    rc=$?
    say "$1 failed (exit status $rc): $(sed 's/\(password\) .*/\1 <redacted>/' "$here/step" |
        tail -c 400 | tr '\n' ' ')"
    return "$rc"
}

exec 9>> @DECISION@ || exit 1
flock -w 400 9 || { echo "another restore or a confirmation is still at work"; exit 1; }
if [ "$mode" != hand ] && ! is_pending; then
    release
    echo "deployment $number does not wait for a confirmation: nothing to restore"
    exit 0
fi
free_reserve
# The marker comes before the stop: an apply that starts in between sees it and does nothing.
: > "$here/restoring"
sync "$here"
rm -f "$here/said"
if [ "$mode" != boot ]; then
    systemctl stop "evpn-fleet-apply-$number.service" > /dev/null 2>&1 9>&-
fi
@FILES@
if [ "$mode" != boot ]; then
    : # at boot the services start with the old files by themselves
@RELOAD@
fi
if [ "$bad" = 0 ]; then
    tell restored
    forget_pending
    rm -f "$here/restoring"
    release
    echo "deployment $number: the old configuration is back"
    exit 0
fi
tell restore-failed
release
logger -p daemon.crit -t evpn-fleet "RESTORING deployment $number FAILED: see $here/outcome" || :
exit 75
