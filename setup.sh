#!/bin/sh
# Makes everything evpn-fleet needs, then does what it is asked to:
#   ./setup.sh demo    sets up and shows the main job on an embedded fabric
#   ./setup.sh test    sets up and runs the tests
#   ./setup.sh         sets up only (.venv beside this file)
# Run again, it only does what is not done yet. The lab's packages are installed on Debian as root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/.venv
what=${1:-}

say() { printf '%s\n' "setup: $*" >&2; }
fail() { printf 'Error: %s\n  next: %s\n' "$1" "$2" >&2; exit 1; }

case "$what" in
    ''|demo|test) ;;
    *) fail "$what is neither demo nor test" "./setup.sh demo, or ./setup.sh test" ;;
esac

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# Installs those of the named Debian packages that are not there yet.
packages() {
    missing=
    for name in "$@"; do
        case $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || :) in
            installed) ;;
            *) missing="$missing $name" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    say "installing Debian packages:$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 - a list of names
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -qy --no-install-recommends $missing; } </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install:$missing" "mend apt (see above), then run this again"
    fi
    rm -f "$log"
}

find_python() {
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

python=$(find_python) || { can_install && packages python3 && python=$(find_python); } ||
    fail "Python 3.11 or later is not installed" "install python3, then run this again"

make_venv() {
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1
}

stamp=$venv/requirements.installed
wanted=$here/requirements.txt
if [ ! -x "$venv/bin/python" ] || ! cmp -s "$wanted" "$stamp"; then
    # Debian keeps ensurepip, which a new environment needs, in a package of its own.
    make_venv || { can_install && packages python3-venv && make_venv; } ||
        fail "$python cannot make a virtual environment in $venv" "install python3-venv"
    say "installing the Python libraries into $venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$wanted" ||
        fail "pip could not install the libraries" "check the network, then run this again"
    cp "$wanted" "$stamp"
fi

[ -n "$what" ] || { say "done: python run.py --help"; exit 0; }

if can_install; then
    packages $("$venv/bin/python" "$here/run.py" lab packages)
    [ "$what" = demo ] || packages chromium fonts-dejavu-core
fi

# Two labs have up to 12 machines, of 256 MB each.
can_run_two_labs() {
    can_install && [ "$(nproc)" -ge 2 ] &&
        awk '/^MemAvailable/ { exit $2 < 6000000 }' /proc/meminfo &&
        unshare --net --pid --fork --mount-proc true 2>/dev/null
}

# Real machines mostly wait, so two labs take little longer than one. Both sessions must pass.
test_in_two_labs() {
    beside="tests/live/test_quiet.py tests/live/test_schedule.py tests/live/test_scopes.py"
    beside="$beside tests/live/test_topologies.py"
    logs=$(mktemp -d)
    say "testing; beside it, in a lab of its own: $beside"
    # shellcheck disable=SC2086 - a list of files
    "$here/tests/beside.sh" "$venv/bin/python" -m pytest $beside </dev/null >"$logs/beside" 2>&1 &
    trap 'kill "$!" 2>/dev/null || :; rm -rf "$logs"' EXIT
    trap 'exit 130' INT TERM
    result=0
    # A lab ends every process that has its name, so neither may see the other's.
    # shellcheck disable=SC2046 - a list of options
    { unshare --pid --fork --kill-child --mount-proc \
        "$venv/bin/python" -m pytest $(printf -- '--ignore=%s ' $beside) 2>&1 ||
        echo $? >"$logs/failed"; } | tee "$logs/this"
    say "waiting for what runs beside it"
    wait $! || result=$?
    say "what ran beside it:"
    cat "$logs/beside"
    if [ -e "$logs/failed" ]; then
        result=$(cat "$logs/failed")
        say "what failed before that:"
        sed -n '/^=* \(FAILURES\|ERRORS\) =*$/,$p' "$logs/this"
    fi
    exit "$result"
}

case "$what" in
    demo) shift; exec "$venv/bin/python" "$here/run.py" demo "$@" ;;
    test)
        shift
        cd "$here"
        say "linting, type checking and room contracts"
        "$venv/bin/ruff" check .
        "$venv/bin/ruff" format --check .
        "$venv/bin/mypy"
        "$venv/bin/lint-imports"
        if [ $# = 0 ] && can_run_two_labs && "$venv/bin/python" "$here/tests/images.py"; then
            test_in_two_labs
        else
            exec "$venv/bin/python" -m pytest "$@"
        fi
        ;;
esac
