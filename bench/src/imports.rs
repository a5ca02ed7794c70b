//! Imports: whether a large one is as fast as a small one, and one into a full tenant as one into an empty one.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use domain::TenantId;
use serde_json::Value;

use crate::copies::Original;
use crate::server::carelog;
use crate::setup::Databases;

const COPIES: [u16; 4] = [1, 2, 5, 10];

/// What an import did.
struct Imported {
    resources: u64,
    a_second: f64,
}

/// Prints resources a second, and each as a ratio of the first import.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub async fn run() -> anyhow::Result<()> {
    let folder = data();
    if !folder.is_dir() {
        println!("\nSKIPPED: imports; there is no {}, and CARELOG_TEST_DATA names no other folder that holds it", folder.display());
        return Ok(());
    }
    let original = Original::read(folder)?;
    println!("\nimports of a bulk export in copies, each of other patients in the same clinic");
    println!("{:>40} {:>10} {:>12} {:>8}", "", "resources", "resources/s", "ratio");
    let mut first = None;
    for copies in COPIES {
        let databases = Databases::make().await?;
        let imported = import(&databases, TenantId(event_store::fresh_id()), &original, 0..copies)?;
        show(&format!("{copies} into a tenant of their own"), &imported, *first.get_or_insert(imported.a_second));
        databases.drop().await?;
    }
    let (databases, tenant) = (Databases::make().await?, TenantId(event_store::fresh_id()));
    let mut first = None;
    for copy in 0..COPIES[COPIES.len() - 1] {
        let imported = import(&databases, tenant, &original, copy..copy + 1)?;
        let first = *first.get_or_insert(imported.a_second);
        if COPIES.contains(&(copy + 1)) {
            show(&format!("1 into a tenant that has {copy}"), &imported, first);
        }
    }
    databases.drop().await
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn show(what: &str, imported: &Imported, first: f64) {
    println!("{what:>40} {:>10} {:>12.0} {:>8.2}", imported.resources, imported.a_second, imported.a_second / first);
}

/// Where the tests find the export.
fn data() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("CARELOG_TEST_DATA").map_or_else(beside, PathBuf::from).join("synthea-10")
}

/// Imports copies with the real binary; all that Carelog has a place for must go in.
fn import(databases: &Databases, tenant: TenantId, original: &Original, copies: Range<u16>) -> anyhow::Result<Imported> {
    let folder = std::env::temp_dir().join(format!("carelog-bench-copies-{}", event_store::fresh_id().simple()));
    original.write(copies, &folder)?;
    let report = folder.join("report");
    let mut command = carelog(databases)?;
    command
        .args(["import", "fhir"])
        .arg(&folder)
        .args(["--tenant", &tenant.to_string(), "--source", "synthea", "--time-zone", "America/Chicago", "--report"])
        .arg(&report);
    let output = command.env("KAFKA", "off").output()?;
    ensure!(output.status.success(), "the import failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(report)?)?;
    std::fs::remove_dir_all(folder)?;
    let all = |count: &str| report["resources"].as_object().into_iter().flatten().filter_map(|(_, counts)| counts[count].as_u64()).sum::<u64>();
    let resources = all("read");
    ensure!(resources == all("taken") + all("alreadyThere"), "not everything went in: {}", report["resources"]);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    Ok(Imported { resources, a_second: resources as f64 / report["seconds"].as_f64().unwrap_or_default() })
}
