//! Who may do what in a database, by its own catalog.

use super::{ACCESS_LOG, Finding, LOG, READ_MODELS, Server, VAULT};

pub(super) async fn findings(server: &mut Server) -> Vec<Finding> {
    let judged = async {
        let mut findings = login(server).await?;
        findings.extend(match server.about {
            LOG => append_only(server, "clinical").await?,
            ACCESS_LOG => append_only(server, "access").await?,
            VAULT => keys(server).await?,
            READ_MODELS => confined(server, "carelog_query").await?,
            _ => vec![],
        });
        Ok::<_, sqlx::Error>(findings)
    };
    judged.await.unwrap_or_else(|_| vec![Finding::refused(server.about, "its roles cannot be read")])
}

/// Who we log in as: a superuser passes every grant, trigger and policy.
async fn login(server: &mut Server) -> Result<Vec<Finding>, sqlx::Error> {
    let (superuser, bypasses, replicates): (bool, bool, bool) =
        sqlx::query_as("select rolsuper, rolbypassrls, rolreplication from pg_roles where rolname = session_user").fetch_one(&mut server.connection).await?;
    Ok(match (superuser, bypasses || replicates) {
        (true, _) => vec![Finding::refused(server.about, "its login is a superuser, whom no grant, trigger or policy holds")],
        (false, true) => vec![Finding::refused(server.about, "its login may pass row-level security, or copy the whole server")],
        (false, false) => vec![Finding::fine(server.about, "its login is no superuser")],
    })
}

/// A role that reads or writes for us owns nothing and passes nothing.
async fn confined(server: &mut Server, role: &str) -> Result<Vec<Finding>, sqlx::Error> {
    let known: Option<(bool, bool)> = sqlx::query_as(
        "select rolsuper or rolbypassrls or exists (select from pg_class where relowner = pg_roles.oid), pg_has_role(session_user, pg_roles.oid, 'member') \
         from pg_roles where rolname = $1",
    )
    .bind(role)
    .fetch_optional(&mut server.connection)
    .await?;
    Ok(match known {
        None => vec![Finding::refused(server.about, format!("there is no role {role}: run `carelog migrate`"))],
        Some((false, true)) => vec![],
        Some((false, false)) => vec![Finding::refused(server.about, format!("its login is no member of the role {role}"))],
        Some((true, _)) => vec![Finding::refused(server.about, format!("the role {role} is a superuser, passes row-level security or owns tables"))],
    })
}

/// That a log can only be added to.
async fn append_only(server: &mut Server, schema: &str) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = confined(server, "carelog_log").await?;
    if !findings.is_empty() {
        return Ok(findings);
    }
    let (tables, changeable, owned): (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where has_table_privilege('carelog_log', pg_class.oid, 'update, delete, truncate')), \
         count(*) filter (where pg_has_role(session_user, relowner, 'usage')) \
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname = $1 and relkind in ('r', 'p') and relname in ('event', 'command')",
    )
    .bind(schema)
    .fetch_one(&mut server.connection)
    .await?;
    if tables == 0 {
        findings.push(Finding::refused(server.about, "its tables are not there: run `carelog migrate`"));
    } else if changeable > 0 {
        findings.push(Finding::refused(server.about, "the role carelog_log may change or delete what was appended"));
    } else if owned > 0 {
        findings.push(Finding::warning(
            server.about,
            "its login owns the tables and could drop their triggers; migrate as another, and serve as one that does not",
        ));
    } else {
        findings.push(Finding::fine(server.about, "can only be added to"));
    }
    Ok(findings)
}

/// That nobody reads the keys but the role that is there for it.
async fn keys(server: &mut Server) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = confined(server, "carelog_keys").await?;
    let (others, open): (i64, bool) = sqlx::query_as(
        "select (select count(*) from pg_roles where rolname in ('carelog_log', 'carelog_query') and exists (select from pg_class join pg_namespace on \
         pg_namespace.oid = relnamespace where nspname = 'vault' and relkind = 'r' and has_table_privilege(pg_roles.oid, pg_class.oid, 'select'))), \
         has_database_privilege('public', current_database(), 'connect')",
    )
    .fetch_one(&mut server.connection)
    .await?;
    if others > 0 {
        findings.push(Finding::refused(server.about, "the roles of the log or of the read models may read the keys"));
    }
    if open {
        findings.push(Finding::warning(server.about, "anybody with a login on its server may connect to it: revoke connect on its database from public"));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(server.about, "only its own role reads the keys"));
    }
    Ok(findings)
}
