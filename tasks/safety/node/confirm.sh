#!/bin/sh
# Confirms deployment @NUMBER@ of evpn-fleet: the node keeps its new configuration.
# Written by evpn-fleet @VERSION@. By hand: sh confirm.sh
@COMMON@

exec 9>> @DECISION@ || exit 1
flock -w 5 9 || { echo "deployment $number is being restored at this moment"; exit 3; }
if ! is_pending; then
    was=$(head -n 1 "$here/outcome" 2> /dev/null)
    echo "deployment $number does not wait for a confirmation: ${was:-no outcome is written down}"
    [ "$was" = confirmed ]
    exit
fi
[ ! -e "$here/restoring" ] || { echo "deployment $number is half restored"; exit 4; }
if systemctl --quiet is-active "evpn-fleet-apply-$number.service" 9>&-; then
    echo "deployment $number is still being applied"
    exit 5
fi
free_reserve
tell confirmed
forget_pending
release
# The oldest backups go; every one left can still be rolled back to.
ls -1 "$state/backups" | grep -xE '[0-9]{4}' | sort | head -n -@KEPT@ | while read -r old; do
    rm -rf "${state:?}/backups/$old"
done
exit 0
