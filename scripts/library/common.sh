# Shared by the scripts of this folder: where things are, how steps are told, and which ports answer. Sourced, not run.
# shellcheck shell=bash disable=SC2034

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

# Tells Carelog where the Postgres of scripts/servers is.
export_databases() {
    local server=postgres://carelog:carelog@127.0.0.1:$CARELOG_POSTGRES_PORT
    export DATABASE_URL=$server/carelog_log CARELOG_VAULT_DATABASE_URL=$server/carelog_vault
    export CARELOG_READ_DATABASE_URL=$server/carelog_read CARELOG_ACCESS_DATABASE_URL=$server/carelog_access
}

# Tells Carelog where everything of this checkout is, as far as the environment does not say otherwise.
export_settings() {
    export CARELOG_DATA=${CARELOG_DATA:-$checkout/data}
    export CARELOG_POSTGRES_PORT=${CARELOG_POSTGRES_PORT:-54329} CARELOG_KAFKA_PORT=${CARELOG_KAFKA_PORT:-9092}
    export CARELOG_HTTP=127.0.0.1:${CARELOG_PORT:-8080} CARELOG_KEYS=$CARELOG_DATA/keys CARELOG_DOCUMENTS=$CARELOG_DATA/documents
    export CARELOG_TILES=$CARELOG_DATA/tiles CARELOG_WEB=$checkout/web
    binary=${CARELOG_BINARY:-${CARGO_TARGET_DIR:-$checkout/target}/trial/carelog}
    if [[ -z ${DATABASE_URL:-} ]]; then
        export_databases
    elif [[ -z ${CARELOG_VAULT_DATABASE_URL:-} || -z ${CARELOG_READ_DATABASE_URL:-} ]]; then
        fail "DATABASE_URL is set; set CARELOG_VAULT_DATABASE_URL and CARELOG_READ_DATABASE_URL too"
    fi
    if [[ ${KAFKA:-} == off ]]; then
        unset KAFKA_BROKERS
    else
        export KAFKA_BROKERS=${KAFKA_BROKERS:-127.0.0.1:$CARELOG_KAFKA_PORT}
    fi
}

# Commands get sessions of their own: Ctrl-C reaches only the script, which ends its children in its own order.
children=()
launch() { # command...
    setsid "$@" &
    children+=($!)
}

attend() { # command...
    local result=0
    launch "$@"
    wait "${children[-1]}" || result=$?
    unset 'children[-1]'
    return $result
}

gone() { # child
    ! kill -0 "$1" 2>/dev/null
}

# Asks the youngest child first, with all that it started, and insists after half a minute.
end_children() {
    while [[ ${#children[@]} -gt 0 ]]; do
        kill -TERM -- "-${children[-1]}" 2>/dev/null || true
        wait_until 30 gone "${children[-1]}" || kill -KILL -- "-${children[-1]}" 2>/dev/null || true
        unset 'children[-1]'
    done
}
