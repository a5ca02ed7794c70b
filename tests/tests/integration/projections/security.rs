//! Row-level security: whoever reads finds one tenant's rows, and of patients only those within reach; and can write nothing.

use event_store::fresh_id;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use super::events::{Clinic, registered};
use super::{ReadSide, find_tables};

/// What a table says of itself: its schema and name, and whether it is about patients.
async fn tables(connection: &mut PgConnection) -> Vec<(String, bool)> {
    let statement = "select quote_ident(schema_name) || '.' || quote_ident(relname), \
             exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'patient_id'), relrowsecurity and relforcerowsecurity \
         from projection.version join pg_class on relnamespace = to_regnamespace(quote_ident(schema_name)) where relkind in ('r', 'p') order by 1";
    let rows = sqlx::query(statement).fetch_all(connection).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<bool, _>(2)), "row-level security is forced on every table");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// How many rows of a table a reader finds, and how many of those are another tenant's.
async fn found(connection: &mut PgConnection, table: &str, tenant: Uuid) -> (i64, i64) {
    let statement = format!("select count(*), count(*) filter (where tenant <> $1) from {table}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(tenant).fetch_one(connection).await.unwrap()
}

/// From here to the end of the transaction, the connection reads as the gate does.
async fn read_as(connection: &mut PgConnection, settings: &[(&str, String)]) {
    for (name, value) in settings {
        sqlx::query("select set_config($1, $2, true)").bind(name).bind(value).execute(&mut *connection).await.unwrap();
    }
    sqlx::query("set local role carelog_query").execute(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_finds_only_their_tenant_and_the_patients_within_reach() {
    let all = projections::all();
    let mut side = ReadSide::of(&all).await;
    let running = side.start(&all, projections::log_source(side.log.store.clone()));
    let (tenant, ada) = (side.log.tenant.0, fresh_id());
    for (family, patient) in [("Lovelace", ada), ("Byrd", fresh_id())] {
        let clinic = Clinic::new();
        side.append(clinic.opened()).await;
        let last = side.append([registered(patient, "Ada", family, "1815", "1"), clinic.booked(fresh_id(), patient, "2027-01-05T09:00:00")]).await;
        side.append([registered(fresh_id(), "Eve", family, "1950", "2")]).await;
        side.reached(last).await;
        side.log.tenant = domain::TenantId(fresh_id());
    }
    side.reached(side.log.store.head().await.unwrap()).await;
    let tables = tables(&mut side.read.acquire().await.unwrap()).await;
    let whose =
        |reach: &str, patients: String| vec![("carelog.tenant", tenant.to_string()), ("carelog.reach", reach.to_owned()), ("carelog.patients", patients)];
    let cases = [
        ("the whole tenant", whose("tenant", "{}".into())),
        ("one patient", whose("own", format!("{{{ada}}}"))),
        ("no patient", whose("own", "{}".into())),
        ("no reach said", vec![("carelog.tenant", tenant.to_string())]),
        ("no tenant said", vec![("carelog.reach", "tenant".to_owned())]),
        ("an unknown tenant", vec![("carelog.tenant", fresh_id().to_string()), ("carelog.reach", "tenant".to_owned())]),
    ];
    for (case, settings) in cases {
        for (table, about_patients) in &tables {
            let mut transaction = side.read.begin().await.unwrap();
            let as_owner = found(&mut transaction, table, tenant).await;
            read_as(&mut transaction, &settings).await;
            let as_reader = found(&mut transaction, table, tenant).await;
            assert_eq!(as_reader.1, 0, "{case} finds another tenant in {table}");
            let own = as_owner.0 - as_owner.1;
            let expected = match case {
                "the whole tenant" => own,
                "one patient" if *about_patients => {
                    transaction.rollback().await.unwrap();
                    transaction = side.read.begin().await.unwrap();
                    let statement = format!("select count(*) from {table} where patient_id = $1");
                    sqlx::query_scalar(AssertSqlSafe(statement)).bind(ada).fetch_one(&mut *transaction).await.unwrap()
                }
                "one patient" | "no patient" | "no reach said" if !about_patients => own,
                _ => 0,
            };
            assert_eq!(as_reader.0, expected, "{case} in {table}");
        }
    }
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_writes_nothing() {
    let side = ReadSide::of(&projections::all()).await;
    let tables = tables(&mut side.read.acquire().await.unwrap()).await;
    let registry = ["projection.version", "projection.cursor", "projection.parked"].map(str::to_owned);
    for table in tables.into_iter().map(|(table, _)| table).chain(registry) {
        for statement in [format!("delete from {table}"), format!("insert into {table} default values"), format!("truncate {table}")] {
            let mut transaction = side.read.begin().await.unwrap();
            read_as(&mut transaction, &[("carelog.projecting", "on".to_owned())]).await;
            let refused = sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await.unwrap_err();
            assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{table}");
        }
    }
}

/// The search by a word's beginning uses its index although the policies stand before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_by_name_uses_its_index_behind_the_policies() {
    let side = ReadSide::of(&projections::all()).await;
    let mut transaction = side.read.begin().await.unwrap();
    find_tables(&mut transaction).await;
    read_as(&mut transaction, &[("carelog.tenant", side.log.tenant.to_string()), ("carelog.reach", "tenant".to_owned())]).await;
    sqlx::query("set local enable_seqscan = off").execute(&mut *transaction).await.unwrap();
    let explain = "explain select patient_id from patient_name where word >= 'ada' and word < 'ada~'";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *transaction).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("Index Cond") && plan.contains("word >= 'ada'"), "{plan}");
}

/// The tables that hold nothing of patients; every other must say whose row it is.
const NOT_ABOUT_PATIENTS: [&str; 11] = [
    "calendar_event",
    "ended_sessions",
    "facility",
    "history_name",
    "organization",
    "practitioner",
    "practitioner_facility",
    "practitioner_qualification",
    "practitioner_role",
    "room",
    "taken_time",
];

#[tokio::test]
async fn a_table_without_a_patient_is_one_that_is_known_to_need_none() {
    let side = ReadSide::of(&projections::all()).await;
    let tables = tables(&mut side.read.acquire().await.unwrap()).await;
    let mut without: Vec<&str> = tables.iter().filter(|(_, of_patients)| !of_patients).map(|(name, _)| name.rsplit('.').next().unwrap()).collect();
    without.sort_unstable();
    assert_eq!(
        without, NOT_ABOUT_PATIENTS,
        "a table that is about patients needs a column `patient_id`, or all of the tenant's staff and patients see its rows"
    );
}

#[tokio::test]
async fn the_server_logs_no_refused_statement_of_the_read_models() {
    let side = ReadSide::of(&projections::all()).await;
    let settings = async |options: sqlx::postgres::PgConnectOptions| -> Vec<String> {
        let pool = projections::quiet(sqlx::postgres::PgPoolOptions::new().max_connections(1)).connect_with(options).await.unwrap();
        let mut settings = Vec::new();
        for name in ["log_min_messages", "log_min_error_statement", "log_parameter_max_length_on_error"] {
            settings.push(sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&pool).await.unwrap());
        }
        pool.close().await;
        settings
    };
    let options = side.log.databases.options(crate::harness::Kind::Read);
    assert_eq!(settings(options.clone()).await, ["log", "panic", "0"]);
    let name = format!("quiet_{}", fresh_id().simple());
    sqlx::raw_sql(AssertSqlSafe(format!("create role {name} login password 'quiet'"))).execute(&side.read).await.unwrap();
    assert_eq!(settings(options.username(&name).password("quiet")).await.len(), 3, "who may not decide that connects all the same");
    sqlx::raw_sql(AssertSqlSafe(format!("drop role {name}"))).execute(&side.read).await.unwrap();
}
