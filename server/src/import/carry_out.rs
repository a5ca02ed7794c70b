//! The second pass: what a resource says becomes commands, through the gate like anyone else's.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use command_api::Problem;
use documents::{Documents, NotTaken};
use domain::query::TagKind;
use domain::time::Zone;
use domain::{Command, Tag};
use event_store::Position;
use fhir::{Glance, ImportCommand, Imported, Mapped, NotUnderstood, Patients, StandIn, Step, Turn, Upload, Visitor};
use futures::future::BoxFuture;
use futures::{Stream, stream};
use gate::{Accepted, Caller, Gate, Refusal, Request};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use super::report::{About, Came, Outcome, Report};
use super::source::{Item, Source};
use super::survey::{Stage, Survey};
use super::under_way::{Ends, Later, UnderWay};
use crate::progress::Progress;
use crate::shutdown::Shutdown;

/// So many resources are read ahead.
const READ_AHEAD: usize = 64;
/// And so many kilobytes of them, or one that is larger: a document stands in its line whole.
const KILOBYTES_AHEAD: u32 = 64 * 1024;
/// So many bytes of a document are sealed at once.
const STRETCH: usize = 64 * 1024;
/// How long a log that is not available is asked again before the run is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// The rejection that says that there is nothing to be done before a resource.
const ALREADY_REGISTERED: &str = "patient-exists";

/// What is said where a patient who was registered as unidentified has been changed by somebody since: then they know better.
const IDENTIFIED_OTHERWISE: &str = "stale";

/// Carries resources out for one tenant.
#[derive(Clone)]
pub struct Importer {
    /// The one way in.
    pub gate: Gate,
    /// The way in of documents.
    pub documents: Documents,
    /// The operator.
    pub caller: Caller,
    /// What all commands of this run are traced by.
    pub correlation: Uuid,
    /// The zone in which the clocks of the facilities are read.
    pub zone: Zone,
    /// What to do about patients who are not in the input.
    pub patients: Arc<Patients>,
    /// Since when nothing may have changed for a command to be taken, where that matters.
    pub based_on: Option<Position>,
    /// Whether to stop.
    pub shutdown: Shutdown,
}

/// A resource as the reading side hands it over.
struct Read {
    about: About,
    mapped: Result<Mapped, NotUnderstood>,
    room: OwnedSemaphorePermit,
}

/// What the reading side hands over.
enum Found {
    Surveyed(Box<Read>),
    /// A resource that came into the input after the survey, of which therefore nothing is known that others say.
    NotSurveyed,
}

/// What a file is read against, and how far ahead.
struct Reader<'survey> {
    imported: Imported<'survey>,
    stage: Stage,
    file: usize,
    /// So many lines or entries the survey found in it.
    items: u64,
    sender: mpsc::Sender<Found>,
    room: Arc<Semaphore>,
}

impl Importer {
    /// Carries every stage out, in order; the second is begun when the first is done.
    pub async fn run(&self, sources: &[Source], survey: Survey, report: &mut Report) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut progress = Progress::of(report.resources.values().map(|counts| counts.not_reached).sum());
        let ended = self.stages(sources, survey, report, &mut progress).await;
        report.seconds = began.elapsed().as_secs_f64();
        report.interrupted |= ended.is_err() || *self.shutdown.borrow();
        progress.end();
        let (taken, already_there) = report.resources.values().fold((0, 0), |(taken, there), counts| (taken + counts.taken, there + counts.already_there));
        tracing::info!(taken, already_there, "imported");
        ended
    }

    async fn stages(&self, sources: &[Source], survey: Survey, report: &mut Report, progress: &mut Progress) -> anyhow::Result<()> {
        let mut survey = Arc::new(survey);
        let mut last = Vec::new();
        for stage in survey.stages() {
            progress.stage(stage.resource_type.name());
            let mut ends = Ends::default();
            for source in sources.iter().enumerate().filter(|(file, _)| survey.holds(*file, stage.resource_type)) {
                self.file(source, stage, &survey, report, progress, &mut ends).await?;
                if *self.shutdown.borrow() {
                    return Ok(());
                }
            }
            let index = &mut Arc::get_mut(&mut survey).context("a stage is still being read")?.index;
            ends.lost.difference(&ends.there).for_each(|resource| index.forget(*resource));
            last.append(&mut ends.last);
        }
        for Later { about, was, step } in last {
            let name = step.command.name();
            let outcome = self.send(step.id, &step.command).await?;
            report.came_of_it_later(about, &was, name, &outcome);
        }
        Ok(())
    }

    async fn file(
        &self,
        (file, source): (usize, &Source),
        stage: Stage,
        survey: &Arc<Survey>,
        report: &mut Report,
        progress: &mut Progress,
        ends: &mut Ends,
    ) -> anyhow::Result<()> {
        let (sender, mut receiver) = mpsc::channel(READ_AHEAD);
        let reading = tokio::task::spawn_blocking({
            let (source, survey, zone, patients) = (source.clone(), Arc::clone(survey), self.zone, Arc::clone(&self.patients));
            let items = report.items_of(file);
            move || {
                let imported = Imported::new(&survey.index, zone, &patients);
                let room = Arc::new(Semaphore::new(KILOBYTES_AHEAD as usize));
                let reader = Reader { imported, stage, file, items, sender, room };
                source.read(|item| reader.hand_over(&item))
            }
        });
        let mut under_way = UnderWay::default();
        while let Some(found) = receiver.recv().await {
            if *self.shutdown.borrow() {
                break;
            }
            let Found::Surveyed(read) = found else {
                report.not_surveyed();
                continue;
            };
            let Read { about, mapped, room } = *read;
            match mapped {
                Err(reason) => {
                    ends.lost.extend(about.resource);
                    report.not_understood(about, &reason);
                    progress.step();
                }
                Ok(mapped) => {
                    let needed = things(&mapped);
                    under_way.make_room(&needed, report, progress, ends).await?;
                    under_way.begin(self.clone(), about, mapped, needed, room);
                }
            }
        }
        drop(receiver);
        under_way.finish(report, progress, ends).await?;
        reading.await.context("reading the input failed")?
    }

    /// Carries the steps of one resource out, but for those that come last.
    pub async fn carry_out(&self, steps: Vec<Step>, stand_in: Option<StandIn>) -> anyhow::Result<(Came, Vec<Step>)> {
        let mut came = Came { outcome: Outcome::AlreadyThere, not_taken: Vec::new(), registered: false };
        let mut last = Vec::new();
        let mut own = 0;
        for step in steps {
            if step.turn == Turn::Last {
                last.push(step);
                continue;
            }
            let mut outcome = self.send(step.id, &step.command).await?;
            if let (0, Turn::Own, Outcome::Refused(_) | Outcome::Changed, Some(stand_in)) = (own, step.turn, &outcome, &stand_in)
                && let Some((identified, not_taken)) = self.identify(stand_in).await?
            {
                outcome = identified;
                came.not_taken = not_taken;
            }
            match (step.turn, outcome) {
                (Turn::Before, Outcome::Refused(code)) if code != ALREADY_REGISTERED => return Ok((Came { outcome: Outcome::Refused(code), ..came }, vec![])),
                (Turn::Before, outcome) => {
                    came.registered = outcome == Outcome::Taken;
                    continue;
                }
                (_, Outcome::Refused(code)) if own == 0 => return Ok((Came { outcome: Outcome::Refused(code), ..came }, vec![])),
                (_, outcome) if own == 0 => came.outcome = outcome,
                (_, Outcome::Taken) if came.outcome == Outcome::AlreadyThere => came.outcome = Outcome::Taken,
                (_, Outcome::AlreadyThere | Outcome::Taken) => {}
                (_, outcome) => came.not_taken.push((step.command.name(), outcome)),
            }
            own += 1;
        }
        Ok((came, last))
    }

    async fn send(&self, id: Uuid, command: &ImportCommand) -> anyhow::Result<Outcome> {
        self.send_based_on(None, id, command).await
    }

    /// Sends a command that is taken only as long as what it depends on is as it was then.
    pub async fn send_based_on(&self, based_on: Option<Position>, id: Uuid, command: &ImportCommand) -> anyhow::Result<Outcome> {
        command.visit(Send { importer: Self { based_on, ..self.clone() }, id }).await
    }

    fn request(&self, id: Uuid) -> Request {
        Request { command_id: Some(id), correlation: self.correlation, causation: None, based_on: self.based_on }
    }

    async fn execute<C: Command + Clone>(&self, id: Uuid, command: C) -> anyhow::Result<Outcome> {
        let mut patience = Patience::begin();
        loop {
            let failure = match self.gate.execute(&self.caller, command.clone(), self.request(id)).await {
                Ok(accepted) => return Ok(taken(&accepted)),
                Err(Refusal::Rejected(rejection)) => return Ok(Outcome::Refused(code(&rejection))),
                Err(Refusal::CommandMismatch) => return Ok(Outcome::Changed),
                Err(Refusal::Stale { .. }) => return Ok(Outcome::Refused(IDENTIFIED_OTHERWISE.to_owned())),
                Err(failure @ (Refusal::Contended | Refusal::Unavailable(_))) => failure,
                Err(other) => bail!(other),
            };
            patience.wait(C::NAME, failure.into(), &self.shutdown).await?;
        }
    }

    async fn upload(&self, id: Uuid, upload: Upload) -> anyhow::Result<Outcome> {
        let mut patience = Patience::begin();
        loop {
            let Upload { metadata, content } = upload.clone();
            let refused = match self.documents.take(&self.caller, metadata, stretches(content), self.request(id)).await {
                Ok(accepted) => return Ok(taken(&accepted)),
                Err(NotTaken::Refused(Refusal::CommandMismatch)) => return Ok(Outcome::Changed),
                Err(refused) => refused,
            };
            let passes = refused.passes();
            let code = refused.into_problem(&self.documents).code;
            if !passes {
                return Ok(Outcome::Refused(code));
            }
            patience.wait("upload", anyhow::anyhow!("{code}"), &self.shutdown).await?;
        }
    }
}

/// How long something that is not there is asked again.
pub struct Patience {
    give_up: tokio::time::Instant,
    pause: Duration,
}

impl Patience {
    /// Begins to wait.
    pub fn begin() -> Self {
        Self { give_up: tokio::time::Instant::now() + PATIENCE, pause: Duration::from_millis(100) }
    }

    /// Waits until it is time to try again, or gives the run up.
    pub async fn wait(&mut self, command: &'static str, failure: anyhow::Error, shutdown: &Shutdown) -> anyhow::Result<()> {
        if tokio::time::Instant::now() + self.pause >= self.give_up || *shutdown.borrow() {
            return Err(failure).context("the import was given up; run it again to go on, nothing is taken twice");
        }
        tracing::warn!(command, error = failure.as_ref() as &dyn std::error::Error, "trying again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(5));
        Ok(())
    }
}

/// The bytes of a document as a stream, as any upload's.
fn stretches(content: Bytes) -> impl Stream<Item = Result<Bytes, Problem>> {
    let length = content.len();
    let stretch = move |from: usize| Ok(content.slice(from..length.min(from + STRETCH)));
    stream::iter((0..length).step_by(STRETCH).map(stretch).collect::<Vec<_>>())
}

fn taken(accepted: &Accepted) -> Outcome {
    if accepted.repeated || accepted.event_ids.is_empty() { Outcome::AlreadyThere } else { Outcome::Taken }
}

/// Sends a command, of whatever type, through the gate.
struct Send {
    importer: Importer,
    id: Uuid,
}

impl Visitor for Send {
    type Output = BoxFuture<'static, anyhow::Result<Outcome>>;
    fn visit<C: Command + Clone + Into<ImportCommand>>(self, command: &C) -> Self::Output {
        let command = command.clone();
        Box::pin(async move { self.importer.execute(self.id, command).await })
    }
    fn upload(self, upload: &Upload) -> Self::Output {
        let upload = upload.clone();
        Box::pin(async move { Box::pin(self.importer.upload(self.id, upload)).await })
    }
}

impl Reader<'_> {
    /// Reads one item, and sends it on where it belongs to the stage.
    fn hand_over(&self, item: &Item) -> ControlFlow<()> {
        let (index, stage) = (self.imported.index, self.stage);
        let Ok(json) = &item.content else { return ControlFlow::Continue(()) };
        let Ok(Glance::Imported(resource_type, resource)) = index.glance(json, item.full_url.as_deref()) else { return ControlFlow::Continue(()) };
        if resource_type != stage.resource_type || index.depth(resource) != stage.depth {
            return ControlFlow::Continue(());
        }
        if item.number > self.items || !index.knows(resource) {
            return if self.sender.blocking_send(Found::NotSurveyed).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        }
        // Only as much is held in memory as there is room for.
        let kilobytes = u32::try_from(json.len() / 1024 + 1).unwrap_or(u32::MAX).min(KILOBYTES_AHEAD);
        let Ok(room) = tokio::runtime::Handle::current().block_on(Arc::clone(&self.room).acquire_many_owned(kilobytes)) else { return ControlFlow::Break(()) };
        let about = About { file: self.file, item: item.number, resource_type: Some(resource_type), resource: Some(resource) };
        let mapped = fhir::map(json, resource, resource_type, &self.imported);
        // Nobody receives any more once the run is interrupted.
        if self.sender.blocking_send(Found::Surveyed(Box::new(Read { about, mapped, room }))).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// Everything that the resource's commands depend on.
fn things(mapped: &Mapped) -> Vec<Tag> {
    let mut things: Vec<Tag> = mapped.steps.iter().flat_map(|step| step.command.depends_on()).filter(|tag| tag.kind() != TagKind::Tenant).collect();
    let mut seen = std::collections::HashSet::new();
    things.retain(|tag| seen.insert(tag.clone()));
    things
}

fn code<R: std::error::Error + serde::Serialize>(rejection: &R) -> String {
    let value = serde_json::to_value(rejection).unwrap_or_default();
    value.get("code").and_then(Value::as_str).unwrap_or("rejected").to_owned()
}
