# Shared by the scripts of this folder: where things are, how steps are told, and which ports answer. Sourced, not run.
# shellcheck shell=bash

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# The clock every step is told by starts with the outermost script.
export CARELOG_STARTED_AT=${CARELOG_STARTED_AT:-$EPOCHSECONDS}

step() {
    local elapsed=$((EPOCHSECONDS - CARELOG_STARTED_AT))
    printf '[%2d:%02d] %s\n' $((elapsed / 60)) $((elapsed % 60)) "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

port_answers() { # port
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

require_free_port() { # port, what wants it, the variable that moves it
    ! port_answers "$1" || fail "port $1, which $2 needs, is taken by another process; set $3 to a free port"
}

# Waits until "$@" succeeds; fails when the time, in seconds, is up.
wait_until() { # seconds, command...
    local end=$((EPOCHSECONDS + $1))
    shift
    until "$@"; do
        ((EPOCHSECONDS < end)) || return 1
        sleep 0.05
    done
}
