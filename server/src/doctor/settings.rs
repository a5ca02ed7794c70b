//! What the settings alone tell.

use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::Finding;
use crate::config::{Config, Switch};

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = vec![tokens(config), root_key(config), kafka(config), listening(config)];
    findings.extend(storage(config));
    findings
}

fn tokens(config: &Config) -> Finding {
    const ABOUT: &str = "CARELOG_JWKS_URL";
    match &config.jwks_url {
        None => Finding::refused(ABOUT, "is not set: tokens of the development key would be believed"),
        Some(url) if url.starts_with("https://") || is_loopback(host_of(url)) => Finding::fine(ABOUT, "tokens are an external issuer's"),
        Some(_) => Finding::refused(ABOUT, "is fetched without TLS: whoever is in between decides whose tokens are believed"),
    }
}

fn root_key(config: &Config) -> Finding {
    const ABOUT: &str = "CARELOG_ROOT_KEY";
    match &config.root_keys.root_key {
        None => Finding::refused(ABOUT, "is not set: everything would be sealed under the development key"),
        Some(name) => match crate::key_ring::open(config) {
            Err(error) => Finding::refused(ABOUT, format!("{error:#}")),
            Ok(_) if name.starts_with("kms:") => Finding::fine(ABOUT, "is kept by a key management service"),
            Ok(_) => {
                Finding::warning(ABOUT, "is a file: whoever copies it, and the vault's database, opens everything; a key management service gives no key away")
            }
        },
    }
}

fn kafka(config: &Config) -> Finding {
    const ABOUT: &str = "KAFKA_BROKERS";
    if config.kafka == Switch::Off {
        return Finding::fine(ABOUT, "no broker is used");
    }
    let beyond = config.kafka_brokers.split(',').any(|broker| !is_loopback(broker.trim().rsplit_once(':').map_or(broker, |(host, _)| host).trim()));
    if beyond {
        Finding::refused(ABOUT, "is spoken to without TLS beyond this machine; put a TLS proxy on loopback before it, or set KAFKA=off")
    } else {
        Finding::fine(ABOUT, "is on loopback")
    }
}

fn listening(config: &Config) -> Finding {
    const ABOUT: &str = "CARELOG_HTTP";
    if config.http.ip().is_loopback() {
        Finding::fine(ABOUT, "listens on loopback")
    } else if config.trusted_proxies.is_empty() {
        Finding::warning(ABOUT, "is plain HTTP beyond this machine, and CARELOG_TRUSTED_PROXIES names no proxy that adds TLS")
    } else {
        Finding::fine(ABOUT, "is behind the proxies of CARELOG_TRUSTED_PROXIES")
    }
}

fn storage(config: &Config) -> Option<Finding> {
    let endpoint = config.documents.starts_with("s3://").then(|| std::env::var("AWS_ENDPOINT").ok()).flatten()?;
    let plain = endpoint.starts_with("http://") && !is_loopback(host_of(&endpoint));
    plain.then(|| Finding::refused("AWS_ENDPOINT", "is spoken to without TLS: its credentials would be seen on the way"))
}

/// How a database is spoken to.
pub(super) fn connection(about: &'static str, options: &PgConnectOptions) -> Vec<Finding> {
    if options.get_socket().is_some() || is_loopback(options.get_host()) || options.get_host().starts_with('/') {
        return vec![];
    }
    vec![match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Finding::fine(about, "is spoken to over TLS"),
        PgSslMode::Require => Finding::warning(about, "is spoken to over TLS, and could be another: sslmode=verify-full looks at its certificate"),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Finding::refused(about, "may be spoken to without TLS; its URL needs sslmode=verify-full"),
    }]
}

/// The host of a URL.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_in_a_url_and_told_from_one_that_only_looks_near() {
        let near = ["http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]:80", "http://user@127.0.0.1/"];
        assert!(near.iter().all(|url| is_loopback(host_of(url))));
        let far = ["http://127.0.0.1.example.org/", "http://127.0.0.1@example.org/", "http://example.org?127.0.0.1", "http://10.0.0.1"];
        assert!(far.iter().all(|url| !is_loopback(host_of(url))));
    }

    #[test]
    fn a_database_elsewhere_needs_tls() {
        let said = |url: &str| connection("it", &url.parse().expect("a URL")).into_iter().map(|finding| finding.to_string()).collect::<Vec<_>>().concat();
        assert_eq!(said("postgres://carelog@127.0.0.1/log"), "");
        assert!(said("postgres://carelog@db.example.org/log").starts_with("refused"));
        assert!(said("postgres://carelog@db.example.org/log?sslmode=require").starts_with("warning"));
        assert!(said("postgres://carelog@db.example.org/log?sslmode=verify-full").starts_with("ok"));
    }
}
