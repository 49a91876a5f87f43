#!/bin/sh
# Sets up everything that evpn-fleet needs, then runs the demo or the tests:
#   ./setup.sh demo    sets up and shows the main job on an embedded fabric
#   ./setup.sh test    sets up and runs all tests
#   ./setup.sh test --quick    lint, types, contracts and unit tests
#   ./setup.sh test --smoke    the main job on one fabric of the lab
#   ./setup.sh         sets up only (.venv beside this file)
# Further arguments are passed on to the demo or to pytest.
# It can be run again: it does only what is still missing. The lab's packages are installed on Debian as root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/.venv
what=${1:-}
tier=all

say() { printf '%s\n' "setup: $*" >&2; }
fail() { printf 'Error: %s\n  next: %s\n' "$1" "$2" >&2; exit 1; }

case "$what" in
    '') ;;
    demo) shift ;;
    test)
        shift
        case "${1:-}" in
            --quick|--smoke) tier=${1#--}; shift ;;
        esac
        ;;
    *) fail "$what is not a command of setup.sh" "./setup.sh demo, or ./setup.sh test" ;;
esac

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

# Installs those of the named Debian packages that are not there yet; status 1, having said what apt
# said, where that fails.
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
        say "apt-get could not install:$missing"
        return 1
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

if can_install && [ "$tier" != quick ]; then
    # Without them the demo shows recordings, and the tests say at their end what was not run.
    packages $("$venv/bin/python" "$here/run.py" lab packages) ||
        say "going on without the lab; run this again once apt can install them"
    [ "$what" = demo ] || packages nftables ||
        say "going on without nftables: the tests of translated addresses are skipped"
    [ "$what" = demo ] || [ "$tier" = smoke ] || packages chromium fonts-dejavu-core ||
        fail "the tests of the report need Chromium" "fix apt (see above), then run this again"
fi

[ "$what" = test ] || exec "$venv/bin/python" "$here/run.py" demo "$@"

cd "$here"
# With it set, each worker and each program that a test starts compiles all modules again.
unset PYTHONDONTWRITEBYTECODE
if [ "$tier" != smoke ]; then
    say "linting, type checking and room contracts"
    "$venv/bin/ruff" check .
    "$venv/bin/ruff" format --check .
    "$venv/bin/mypy"
    "$venv/bin/lint-imports"
fi
run_tests() { exec "$venv/bin/python" -m pytest "$@"; }
case $tier in
    quick)
        run_tests -n "$(nproc)" -m "not lab and not browser and not ssh and not slow" \
            --hypothesis-profile=quick "$@"
        ;;
    smoke) "$venv/bin/python" tests/images.py; run_tests -m smoke "$@" ;;
    all)
        # With words of their own, one session in the order given; all of it, side by side.
        [ $# = 0 ] || run_tests "$@"
        "$venv/bin/python" tests/images.py
        run_tests -n auto
        ;;
esac
