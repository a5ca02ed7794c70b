//! Which databases share a server, and what becomes of what the server writes: its WAL, and its own log.

use super::{ACCESS_LOG, Finding, LOG, READ_MODELS, Server, VAULT};

pub(super) async fn findings(servers: &mut [Server]) -> Vec<Finding> {
    let mut clusters = Vec::new();
    for server in servers.iter_mut() {
        // Given to a cluster when it is made, and kept by its copies.
        let cluster: Option<i64> = sqlx::query_scalar("select system_identifier from pg_control_system()").fetch_one(&mut server.connection).await.ok();
        clusters.push((server.about, cluster, server.options.get_username().to_owned()));
    }
    let mut findings: Vec<Finding> = Vec::new();
    if let Some((_, read, _)) = clusters.iter().find(|(about, ..)| *about == READ_MODELS) {
        let beside: Vec<&str> =
            clusters.iter().filter(|(about, cluster, _)| *about != READ_MODELS && (cluster == read || cluster.is_none())).map(|(about, ..)| *about).collect();
        findings.push(match (read, beside.is_empty()) {
            (Some(_), true) => Finding::fine(READ_MODELS, "have a cluster of their own"),
            (None, _) => Finding::refused(READ_MODELS, "which cluster they are in cannot be told: their login may not call pg_control_system()"),
            _ => Finding::refused(READ_MODELS, format!("share a cluster with {}: its WAL and its backups would hold clear values", beside.join(" and "))),
        });
    }
    findings.extend(apart_from_the_keys(&clusters));
    for server in servers {
        let judged = if server.about == READ_MODELS { unarchived(server).await } else { durable(server).await };
        findings.extend(judged.unwrap_or_else(|_| vec![Finding::refused(server.about, "its settings cannot be read")]));
    }
    findings
}

fn apart_from_the_keys(clusters: &[(&'static str, Option<i64>, String)]) -> Option<Finding> {
    let (_, vault, login) = clusters.iter().find(|(about, ..)| *about == VAULT)?;
    let near: Vec<_> =
        clusters.iter().filter(|(about, cluster, _)| [LOG, ACCESS_LOG, READ_MODELS].contains(about) && (cluster.is_none() || cluster == vault)).collect();
    let same_login = near.iter().any(|(_, _, other)| other == login);
    Some(match (near.is_empty(), same_login) {
        (true, _) => Finding::fine(VAULT, "has a server of its own"),
        (false, false) => Finding::warning(
            VAULT,
            format!("shares a server with {}: who administers one administers both, and a backup of the server holds keys and log", near[0].0),
        ),
        (false, true) => Finding::refused(VAULT, format!("has the login and the server of {}: whoever has that password has the keys", near[0].0)),
    })
}

/// What leaves the read models' server besides answers. Their backup is the rebuild: no copy of their WAL has a purpose, and every one holds clear values
/// that no destroyed key makes unreadable.
async fn unarchived(server: &mut Server) -> Result<Vec<Finding>, sqlx::Error> {
    let connection = &mut server.connection;
    let setting = |name: &'static str| sqlx::query_scalar::<_, Option<String>>("select current_setting($1, true)").bind(name);
    let mut findings = Vec::new();
    let archiving = setting("archive_mode").fetch_one(&mut *connection).await?.unwrap_or_default();
    if archiving != "off" {
        findings.push(Finding::refused(
            READ_MODELS,
            format!("their cluster archives its WAL, which holds clear values: archive_mode is {archiving}, and must be off"),
        ));
    }
    for name in ["archive_command", "archive_library"] {
        let value = setting(name).fetch_one(&mut *connection).await?.unwrap_or_default();
        if !value.is_empty() && value != "(disabled)" && archiving == "off" {
            findings.push(Finding::warning(READ_MODELS, format!("{name} is set, and waits for archive_mode")));
        }
    }
    let slots: i64 = sqlx::query_scalar("select count(*) from pg_replication_slots").fetch_one(&mut *connection).await?;
    let senders: i64 = sqlx::query_scalar("select count(*) from pg_stat_get_wal_senders()").fetch_one(&mut *connection).await?;
    if slots + senders > 0 {
        findings.push(Finding::refused(
            READ_MODELS,
            format!("their cluster's WAL is copied elsewhere: {slots} replication slots, {senders} WAL senders (a standby, pg_receivewal, a base backup)"),
        ));
    }
    if setting("wal_level").fetch_one(&mut *connection).await?.as_deref() == Some("logical") {
        findings.push(Finding::warning(READ_MODELS, "wal_level is logical, which only a reader of their WAL needs; minimal is enough"));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(READ_MODELS, "their WAL stays on their server"));
    }
    findings.extend(unlogged(server).await?);
    Ok(findings)
}

/// What the read models' server writes into its own log: a statement of ours, or what is wrong with a value in it.
async fn unlogged(server: &mut Server) -> Result<Vec<Finding>, sqlx::Error> {
    let connection = &mut server.connection;
    let mut findings = Vec::new();
    for (name, harmless) in
        [("log_statement", "none"), ("log_min_duration_statement", "-1"), ("log_min_duration_sample", "-1"), ("log_transaction_sample_rate", "0")]
    {
        let value: String = sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut *connection).await?;
        if value != harmless {
            findings.push(Finding::refused(READ_MODELS, format!("their server logs statements and their values: {name} is {value}, and must be {harmless}")));
        }
    }
    for (name, quiet) in [
        ("log_min_messages", &["log", "fatal", "panic"][..]),
        ("log_min_error_statement", &["log", "fatal", "panic"]),
        ("log_parameter_max_length_on_error", &["0"]),
    ] {
        let (value, ours): (String, bool) =
            sqlx::query_as("select current_setting($1), has_parameter_privilege($1, 'set')").bind(name).fetch_one(&mut *connection).await?;
        if !quiet.contains(&value.as_str()) && !ours {
            findings
                .push(Finding::refused(READ_MODELS, format!("their server logs what it refuses: {name} is {value}, and Carelog may not set it for itself")));
        }
    }
    Ok(findings)
}

/// That an acknowledged commit survives a crash of the server.
async fn durable(server: &mut Server) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = Vec::new();
    for name in ["fsync", "full_page_writes"] {
        let value: String = sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut server.connection).await?;
        if value != "on" {
            findings.push(Finding::refused(server.about, format!("{name} is {value}: what was acknowledged may be gone after a crash")));
        }
    }
    if server.about != VAULT {
        let archiving: String = sqlx::query_scalar("select current_setting('archive_mode')").fetch_one(&mut server.connection).await?;
        if archiving == "off" {
            findings.push(Finding::warning(server.about, "its WAL is not archived: a restore loses what came after the last backup"));
        }
    }
    Ok(findings)
}
