# The Kafka node of one data folder. Sourced by scripts/servers.
# shellcheck shell=bash disable=SC2154

kafka_folder=$CARELOG_DATA/kafka
kafka_properties=$kafka_folder/server.properties
kafka_jars=$checkout/data/kafka/libs # shared by every data folder of the checkout
kafka_controller_port=$((CARELOG_KAFKA_PORT + 1))

# Takes the place of its shell, so that the pid of a background job is Java's.
kafka_java() { # heap, class, arguments...
    # Its own session: Ctrl-C in the terminal is not meant for it.
    exec setsid java -Xmx"$1" -XX:+UseSerialGC -Dlog4j2.configurationFile="$checkout/kafka/development/log4j2.properties" \
        -cp "$kafka_jars/*" "${@:2}"
}

# The pid file may be stale and its number taken by another process, so the command line is compared.
kafka_running() {
    local pid
    pid=$(cat "$kafka_folder/kafka.pid" 2>/dev/null) && grep -qsF "$kafka_properties" "/proc/$pid/cmdline"
}

kafka_gone() {
    ! kafka_running
}

kafka_configure() {
    local template
    template=$(<"$checkout/kafka/development/server.properties")
    template=${template//@PORT@/"$CARELOG_KAFKA_PORT"}
    template=${template//@CONTROLLER_PORT@/"$kafka_controller_port"}
    printf '%s\n' "${template//@LOGS@/"$kafka_folder/logs"}" >"$kafka_properties"
}

kafka_format() {
    step "kafka: formatting its storage in $kafka_folder/logs"
    # Sixteen random bytes in Kafka's own alphabet for ids, without the dash that would read as an option.
    local cluster
    cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)
    (kafka_java 128m kafka.tools.StorageTool format --cluster-id "$cluster" --config "$kafka_properties" \
        >"$kafka_folder/server.log" 2>&1) || fail "kafka: formatting failed: $(tail -3 "$kafka_folder/server.log")"
}

# Starts the node without waiting for it: `kafka_await` does.
kafka_launch() {
    ls "$kafka_jars"/kafka-server-*.jar >/dev/null 2>&1 || fail "kafka is not installed; run scripts/install"
    if kafka_running; then
        grep -qF "PLAINTEXT://127.0.0.1:$CARELOG_KAFKA_PORT," "$kafka_properties" ||
            fail "kafka of $CARELOG_DATA already runs, on another port than $CARELOG_KAFKA_PORT"
        return
    fi
    require_free_port "$CARELOG_KAFKA_PORT" kafka CARELOG_KAFKA_PORT
    require_free_port "$kafka_controller_port" "kafka's controller" CARELOG_KAFKA_PORT
    mkdir -p "$kafka_folder"
    kafka_configure
    [[ -e $kafka_folder/logs/meta.properties ]] || kafka_format
    kafka_java 512m kafka.Kafka "$kafka_properties" </dev/null >"$kafka_folder/server.log" 2>&1 &
    echo $! >"$kafka_folder/kafka.pid"
}

kafka_started_or_dead() {
    grep -qs 'Kafka Server started' "$kafka_folder/server.log" || kafka_gone
}

kafka_await() {
    wait_until 90 kafka_started_or_dead || fail "kafka is not ready after 90 s; see $kafka_folder/server.log"
    kafka_running || fail "kafka did not start: $(tail -3 "$kafka_folder/server.log")"
    step "kafka: ready on 127.0.0.1:$CARELOG_KAFKA_PORT"
}

kafka_stop() {
    kafka_running || return 0
    kill -TERM "$(<"$kafka_folder/kafka.pid")"
    wait_until 60 kafka_gone || fail "kafka did not stop within 60 s; see $kafka_folder/server.log"
    rm -f "$kafka_folder/kafka.pid"
    step "kafka: stopped"
}

kafka_kill() {
    kafka_running || return 0
    kill -KILL "$(<"$kafka_folder/kafka.pid")"
    wait_until 10 kafka_gone || fail "kafka did not die"
    rm -f "$kafka_folder/kafka.pid"
    step "kafka: killed"
}

kafka_erase() {
    kafka_kill
    rm -rf "$kafka_folder/logs" "$kafka_properties" "$kafka_folder/server.log"
}
