//! `carelog export`: a tenant's read models as data for other systems, of one moment.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use documents::Documents;
use domain::{DocumentId, TenantId};
use fhir::ResourceType;
use fhir_api::Place;
use gate::{Caller, ReadRefusal, Reading, Role, Snapshot};
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::progress::Progress;
use crate::shutdown::{self, Shutdown};

/// What the data is for.
#[derive(Args)]
pub struct Export {
    #[command(subcommand)]
    target: ExportTarget,
}

#[derive(Subcommand)]
enum ExportTarget {
    /// FHIR R4: a folder of bulk NDJSON files, one a resource type.
    Fhir(FhirExport),
}

#[derive(Args)]
struct FhirExport {
    /// The folder, which is made; what it holds is protected, so nobody else may read it.
    path: PathBuf,
    /// The tenant whose data it is.
    #[arg(long)]
    tenant: Uuid,
}

/// So many resources are read at once.
const AT_ONCE: u16 = 1000;

/// Exports. The folder has its name only when everything is in it.
#[expect(clippy::print_stdout, reason = "the counts are the output")]
pub async fn run(config: &Config, export: Export) -> anyhow::Result<ExitCode> {
    let ExportTarget::Fhir(FhirExport { path, tenant }) = export.target;
    ensure!(!path.exists(), "there is something at the path given; an export makes its own folder");
    let part = Part::of(&path)?;
    let app = App::open(config).await?;
    // Compliance officers read everything and change nothing.
    let caller = Caller::operator(TenantId(tenant), "export", [Role::ComplianceOfficer]);
    let head = app.store.head().await.context("the log does not answer")?;
    let reading = Reading { wait_for: Some(head), ..Reading::of("fhir export", event_store::fresh_id()) };
    let shutdown = shutdown::on_signal();
    let documents = app.documents(config);
    let read = app
        .gate
        .read(&caller, reading, |snapshot| async move {
            let counts = Writer { snapshot: &snapshot, documents: &documents, folder: &part.0, shutdown: &shutdown }.write().await;
            counts.map(|counts| (part, counts))
        })
        .await;
    let answered = match read {
        Err(ReadRefusal::PositionTimeout { wanted, reached }) => {
            bail!("the read models are at position {} of {}; run the projections (carelog serve, or carelog project) and try again", reached.0, wanted.0)
        }
        other => other.context("the read models do not answer")?,
    };
    let (part, counts) = answered.value?;
    // Only what was settled as disclosed gets its name.
    std::fs::rename(&part.0, &path).context("the folder cannot be given its name")?;
    for (resource_type, count) in &counts {
        println!("{count:>10}  {}", resource_type.name());
    }
    println!("{:>10}  in all, as of position {}", counts.iter().map(|(_, count)| count).sum::<u64>(), answered.reflects.0);
    for notice in &answered.notices {
        println!("\n{notice}");
    }
    if !answered.parked.is_empty() {
        println!("\nSomething about these could not be applied to the read models, and may be missing: {}", answered.parked.join(", "));
    }
    app.answered(false).await;
    Ok(ExitCode::SUCCESS)
}

/// The folder while it is being written; it goes away unless it gets its name.
struct Part(PathBuf);

impl Part {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let part = Self(path.with_added_extension("part"));
        if part.0.exists() {
            std::fs::remove_dir_all(&part.0).context("what an export left that was cut off cannot be removed")?;
        }
        DirBuilder::new().mode(0o700).create(&part.0).context("the folder cannot be made")?;
        Ok(part)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Not there any more once it has its name.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What writes the files of one snapshot.
struct Writer<'export> {
    snapshot: &'export Snapshot,
    documents: &'export Documents,
    folder: &'export Path,
    shutdown: &'export Shutdown,
}

impl Writer<'_> {
    async fn write(&self) -> anyhow::Result<Vec<(ResourceType, u64)>> {
        let mut progress = Progress::without_end();
        let mut counts = Vec::new();
        for resource_type in ResourceType::all() {
            progress.stage(resource_type.name());
            let count = self.write_type(resource_type, &mut progress).await?;
            if count > 0 {
                counts.push((resource_type, count));
            }
        }
        progress.end();
        Ok(counts)
    }

    async fn write_type(&self, resource_type: ResourceType, progress: &mut Progress) -> anyhow::Result<u64> {
        let mut file = None;
        let mut count = 0;
        let mut place = Some(Place::default());
        while let Some(from) = place {
            let page = fhir_api::page(self.snapshot, resource_type, from, AT_ONCE).await?;
            for mut resource in page.resources {
                ensure!(!*self.shutdown.borrow(), "the export was interrupted; nothing is kept of it");
                self.embed(&mut resource).await?;
                let file = match &mut file {
                    Some(file) => file,
                    // A type of which there is nothing has no file.
                    none => none.insert(BufWriter::new(
                        File::create_new(self.folder.join(format!("{}.ndjson", resource_type.name()))).context("a file cannot be made")?,
                    )),
                };
                serde_json::to_writer(&mut *file, &resource).context("a file cannot be written")?;
                file.write_all(b"\n").context("a file cannot be written")?;
                progress.step();
                count += 1;
            }
            place = page.next;
        }
        if let Some(file) = file {
            file.into_inner().context("a file cannot be written")?.sync_all().context("a file cannot be written")?;
        }
        Ok(count)
    }

    /// Puts a document's bytes where a path of this installation's would lead nowhere. A document whose bytes cannot be had ends the export: it would not be whole.
    async fn embed(&self, resource: &mut Value) -> anyhow::Result<()> {
        let document = resource["id"].as_str().and_then(|id| id.parse().ok()).map(DocumentId);
        let attachment = resource.pointer_mut("/content/0/attachment").and_then(Value::as_object_mut);
        let (Some(document), Some(attachment)) = (document, attachment) else { return Ok(()) };
        if attachment.remove("url").is_some() {
            let whole = self.documents.whole(self.snapshot, document).await;
            let bytes = whole.map_err(|problem| anyhow::anyhow!("{}", problem.code)).with_context(|| format!("the document {document} cannot be read"))?;
            attachment.insert("data".to_owned(), STANDARD.encode(bytes).into());
        }
        Ok(())
    }
}
