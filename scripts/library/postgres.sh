# The Postgres server of one data folder. Sourced by scripts/servers.
# shellcheck shell=bash

# Postgres refuses to run as root; root hands the cluster to Debian's own account for it.
postgres_user=
[[ $EUID -ne 0 ]] || postgres_user=postgres

as_postgres_user() {
    # From / because the account may not be able to enter the current folder.
    (cd / && ${postgres_user:+setpriv --reuid="$postgres_user" --regid="$(id -g "$postgres_user")" --clear-groups} "$@")
}

# The cluster's folder, resolved: processes are recognised by it.
postgres_folder() {
    local link=$CARELOG_DATA/postgres
    if [[ ! -e $link && -n $postgres_user ]] && ! as_postgres_user test -x "$CARELOG_DATA"; then
        # A checkout below /root, say: the account cannot get there, so the cluster lives outside and is linked.
        local outside
        outside=/var/lib/carelog/$(sha256sum <<<"$CARELOG_DATA" | cut -c1-16)
        mkdir -p "$outside/postgres"
        chmod 755 /var/lib/carelog "$outside"
        ln -sfn "$outside/postgres" "$link"
    fi
    mkdir -p "$link"
    realpath "$link"
}

postgres_programs() {
    find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1
}

# Every process of the cluster, orphans of a killed postmaster included: all run in its folder.
postgres_processes() {
    local process
    # find complains about every process that ends meanwhile.
    { find /proc -maxdepth 2 -name cwd -lname "$(postgres_folder)" 2>/dev/null || true; } | while read -r process; do
        process=${process%/cwd}
        [[ $(readlink "$process/exe") != */postgres* ]] || echo "${process#/proc/}"
    done
}

postgres_running() {
    local file pid
    file=$(postgres_folder)/postmaster.pid
    [[ -e $file ]] && pid=$(head -1 "$file") && [[ /proc/$pid/cwd -ef $(postgres_folder) ]]
}

postgres_port() {
    sed -n 4p "$(postgres_folder)/postmaster.pid"
}

postgres_create() { # folder, programs
    step "postgres: creating a cluster in $CARELOG_DATA/postgres"
    # Built beside its place and moved there: an interrupted initdb leaves nothing behind that looks like a cluster.
    local new=$1.new password
    password=$(mktemp)
    chmod 644 "$password" # for the account to read; a development password is no secret
    echo carelog >"$password"
    rm -rf "$new"
    mkdir -m 700 "$new"
    [[ -z $postgres_user ]] || chown "$postgres_user:" "$new"
    as_postgres_user "$2/initdb" --pgdata="$new" --encoding=UTF8 --locale=C.UTF-8 --data-checksums --username=carelog \
        --auth-local=trust --auth-host=scram-sha-256 --pwfile="$password" >>"$CARELOG_DATA/postgres.log" 2>&1 ||
        fail "postgres: initdb failed: $(tail -3 "$CARELOG_DATA/postgres.log")"
    rm -f "$password"
    mv --no-target-directory "$new" "$1"
}

postgres_start() {
    local folder programs
    folder=$(postgres_folder)
    programs=$(postgres_programs)
    [[ -n $programs ]] || fail "postgres is not installed; run scripts/install"
    if postgres_running; then
        [[ $(postgres_port) == "$CARELOG_POSTGRES_PORT" ]] ||
            fail "postgres of $CARELOG_DATA already runs, on port $(postgres_port), not $CARELOG_POSTGRES_PORT"
        step "postgres: running on 127.0.0.1:$CARELOG_POSTGRES_PORT"
        return
    fi
    require_free_port "$CARELOG_POSTGRES_PORT" postgres CARELOG_POSTGRES_PORT
    postgres_kill_all # orphans of a killed postmaster hold its shared memory
    # Their numbers may belong to other processes by now, and Postgres would refuse to start over them.
    rm -f "$folder/postmaster.pid" "$folder"/.s.PGSQL.*
    [[ -e $folder/PG_VERSION ]] || postgres_create "$folder" "$programs"
    # Values of read models are clear, so no refused statement is logged: a value may be in its message.
    # The socket's folder is relative to the cluster's: a socket's path may have only 107 bytes.
    as_postgres_user "$programs/pg_ctl" start --pgdata="$folder" --wait --timeout=60 --silent --options="\
        -c listen_addresses=127.0.0.1 -c port=$CARELOG_POSTGRES_PORT -c unix_socket_directories=. \
        -c max_connections=300 -c shared_buffers=512MB -c max_wal_size=4GB \
        -c log_min_messages=log -c log_min_error_statement=panic -c log_parameter_max_length_on_error=0 \
        -c wal_level=replica -c fsync=on -c synchronous_commit=on" </dev/null >>"$CARELOG_DATA/postgres.log" 2>&1 ||
        fail "postgres did not start: $(tail -3 "$CARELOG_DATA/postgres.log")"
    step "postgres: ready on 127.0.0.1:$CARELOG_POSTGRES_PORT"
}

postgres_stop() {
    postgres_running || return 0
    # Fast: sessions are ended and everything is written out.
    as_postgres_user "$(postgres_programs)/pg_ctl" stop --pgdata="$(postgres_folder)" --mode=fast --wait --timeout=60 --silent \
        >>"$CARELOG_DATA/postgres.log" 2>&1 || fail "postgres did not stop: $(tail -3 "$CARELOG_DATA/postgres.log")"
    step "postgres: stopped"
}

# A crash of the whole server at once: the postmaster and every child.
postgres_kill_all() {
    local processes
    while processes=$(postgres_processes) && [[ -n $processes ]]; do
        # shellcheck disable=SC2086 # one argument a process; one may be gone already
        kill -KILL $processes 2>/dev/null || true
        sleep 0.02
    done
}

postgres_kill() {
    postgres_running || return 0
    postgres_kill_all
    step "postgres: killed"
}

postgres_erase() {
    # In good order where possible: a killed cluster leaves shared memory that only its own next start would free.
    (postgres_stop) || postgres_kill_all
    local folder
    folder=$(postgres_folder)
    rm -rf "$folder" "$folder.new" "$CARELOG_DATA/postgres" "$CARELOG_DATA/postgres.log"
}
