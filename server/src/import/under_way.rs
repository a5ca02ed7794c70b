//! The resources that are being carried out, and what came of those of one stage.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use domain::Tag;
use fhir::{Mapped, Notes, Step};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::carry_out::Importer;
use super::report::{About, Came, Outcome, Report};
use crate::progress::Progress;

/// So many resources are carried out at once; the log commits them together.
const AT_ONCE: usize = 16;

/// A resource that is carried out.
struct Done {
    about: About,
    waited_for: Vec<Tag>,
    came: anyhow::Result<(Came, Vec<Step>)>,
    notes: Notes,
}

/// What came of the resources of one stage, as far as the others need to know.
#[derive(Default)]
pub struct Ends {
    /// What came in, now or earlier.
    pub there: HashSet<Uuid>,
    /// What did not: nothing can refer to it.
    pub lost: HashSet<Uuid>,
    /// What is to be done when everything else is in.
    pub last: Vec<Later>,
}

/// A step that is carried out when everything else is in.
pub struct Later {
    /// Of which resource it is.
    pub about: About,
    /// What became of the resource itself.
    pub was: Outcome,
    /// The step.
    pub step: Step,
}

/// The resources that are carried out right now. Two that depend on the same thing go one after the other, in the order of the input: so it does not depend on
/// chance which of two patients with one medical record number is refused.
#[derive(Default)]
pub struct UnderWay {
    resources: FuturesUnordered<tokio::task::JoinHandle<Done>>,
    things: HashMap<Tag, usize>,
}

impl UnderWay {
    /// Waits until one more may begin that needs these things.
    pub async fn make_room(&mut self, needed: &[Tag], report: &mut Report, progress: &mut Progress, ends: &mut Ends) -> anyhow::Result<()> {
        while self.resources.len() >= AT_ONCE || needed.iter().any(|thing| self.things.contains_key(thing)) {
            self.settle_one(report, progress, ends).await?;
        }
        Ok(())
    }

    /// Begins with a resource, which takes its room in memory until it is done.
    pub fn begin(&mut self, importer: Importer, about: About, mapped: Mapped, needed: Vec<Tag>, room: OwnedSemaphorePermit) {
        for thing in &needed {
            *self.things.entry(thing.clone()).or_default() += 1;
        }
        self.resources.push(tokio::spawn(async move {
            let came = importer.carry_out(mapped.steps, mapped.stand_in).await;
            drop(room);
            Done { about, waited_for: needed, came, notes: mapped.notes }
        }));
    }

    /// Waits for all of them.
    pub async fn finish(&mut self, report: &mut Report, progress: &mut Progress, ends: &mut Ends) -> anyhow::Result<()> {
        while !self.resources.is_empty() {
            self.settle_one(report, progress, ends).await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self, report: &mut Report, progress: &mut Progress, ends: &mut Ends) -> anyhow::Result<()> {
        let Some(done) = self.resources.next().await else { return Ok(()) };
        let done = done.context("carrying out a resource failed")?;
        for thing in done.waited_for {
            if let Some(waiting) = self.things.get_mut(&thing) {
                *waiting -= 1;
                if *waiting == 0 {
                    self.things.remove(&thing);
                }
            }
        }
        let (came, last) = done.came?;
        let to = if matches!(came.outcome, Outcome::Refused(_)) { &mut ends.lost } else { &mut ends.there };
        to.extend(done.about.resource);
        ends.last.extend(last.into_iter().map(|step| Later { about: done.about, was: came.outcome.clone(), step }));
        report.came_of_it(done.about, &came, done.notes);
        progress.step();
        Ok(())
    }
}
