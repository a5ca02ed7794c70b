//! `carelog keys rotate`.

use anyhow::ensure;
use clap::Subcommand;
use domain::{Subject, TenantId};
use uuid::Uuid;
use vault::{Rotation, Vault};

use crate::progress::Progress;

/// At which level.
#[derive(Subcommand)]
pub enum Rotate {
    /// The root key: `CARELOG_ROOT_KEY` takes the place of the one that wraps today, which every process must still know (`CARELOG_FORMER_ROOT_KEYS`).
    Root,
    /// The key of a tenant.
    Tenant {
        /// The tenant's id.
        tenant: Uuid,
    },
    /// The key of a person, organization or facility.
    Subject {
        /// The tenant's id.
        tenant: Uuid,
        /// Whose key, such as `patient/0190…`.
        #[arg(value_parser = subject)]
        subject: Subject,
    },
}

#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(vault: &Vault, rotate: Rotate) -> anyhow::Result<()> {
    match rotate {
        Rotate::Root => to_the_end(vault.rotate_root().await?, "tenants' keys").await,
        Rotate::Tenant { tenant } => to_the_end(vault.rotate_tenant(TenantId(tenant)).await?, "data keys").await,
        Rotate::Subject { tenant, subject } => {
            let version = vault.rotate_subject(TenantId(tenant), subject).await?;
            println!("what comes is sealed with version {version}");
            Ok(())
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is the output")]
async fn to_the_end(mut rotation: Rotation, what: &'static str) -> anyhow::Result<()> {
    let mut progress = Progress::of(rotation.left());
    progress.stage(what);
    let mut done = 0;
    let result = loop {
        match rotation.step().await {
            Ok(Some(some)) => {
                done += some;
                (0..some).for_each(|_| progress.step());
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    progress.end();
    result?;
    let damaged = rotation.damaged();
    println!("{} {what} wrapped again", done - damaged);
    ensure!(damaged == 0, "{damaged} {what} do not unwrap and stay under the old key, which is not retired; the log names them");
    Ok(())
}

fn subject(text: &str) -> Result<Subject, domain::DecodeError> {
    text.parse()
}
