//! Who may read the keys: the vault's own role, and no other of Carelog's.

use domain::{Subject, TenantId};
use event_store::fresh_id;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use vault::VaultError;

use crate::examples::patient;
use crate::harness::{Databases, Kind};

/// Whether a statement is refused to a role for want of the right to it.
async fn is_refused(connection: &mut PgConnection, role: &str, statement: &str) -> bool {
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("set local role {role}"))).execute(&mut *transaction).await.unwrap();
    let result = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut *transaction).await;
    match result {
        Ok(_) => false,
        Err(error) => {
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
            assert_eq!(code, "42501", "{role}: {statement}: {error}");
            true
        }
    }
}

#[tokio::test]
async fn the_keys_are_read_by_their_own_role_alone() {
    let databases = Databases::of(&Kind::ALL).await;
    databases.vault().await.digest(TenantId(fresh_id()), Subject::Patient(patient()), b"body").await.unwrap();
    let mut connection = databases.pool(Kind::Vault).acquire().await.unwrap().detach();
    let tables: Vec<String> =
        sqlx::query_scalar("select format('vault.%I', tablename) from pg_tables where schemaname = 'vault'").fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() >= 6, "{tables:?}");
    for table in &tables {
        for role in ["carelog_log", "carelog_query"] {
            for statement in ["select from", "delete from", "truncate"] {
                assert!(is_refused(&mut connection, role, &format!("{statement} {table}")).await, "{role} may {statement} {table}");
            }
        }
        assert!(!is_refused(&mut connection, "carelog_keys", &format!("select from {table}")).await);
        for statement in ["delete from", "truncate"] {
            assert!(is_refused(&mut connection, "carelog_keys", &format!("{statement} {table}")).await, "the vault may {statement} {table}");
        }
    }

    // Nor does that role read anything else.
    for (kind, tables) in [(Kind::Log, &["clinical.event", "clinical.event_tag", "clinical.command"][..]), (Kind::Read, &["projection.version"])] {
        let mut connection = databases.pool(kind).acquire().await.unwrap().detach();
        for table in tables {
            assert!(is_refused(&mut connection, "carelog_keys", &format!("select from {table}")).await, "the vault may read {table}");
        }
    }
    let mut connection = databases.pool(Kind::Log).acquire().await.unwrap().detach();
    for role in ["carelog_log", "carelog_query"] {
        assert!(is_refused(&mut connection, role, "select from key_register.destroyed_key").await);
    }
}

#[tokio::test]
async fn the_vaults_connections_are_of_that_role() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let vault = databases.vault().await;
    let digest = || vault.digest(TenantId(fresh_id()), Subject::Patient(patient()), b"body");
    digest().await.unwrap();
    sqlx::raw_sql("revoke select on vault.data_key from carelog_keys").execute(&databases.pool(Kind::Vault)).await.unwrap();
    assert!(matches!(digest().await, Err(VaultError::Database(_))), "they read as somebody who may do anything");
}
