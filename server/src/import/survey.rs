//! The first pass: what there is, how it is referred to, and in which files.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use fhir::{Glance, Index, NotUnderstood, ResourceType};

use super::report::{About, FileCount, Report};
use super::source::{Item, Source, Unread};
use crate::shutdown::Shutdown;

/// What the first pass found out.
pub struct Survey {
    /// By what resources are referred to.
    pub index: Index,
    /// Which types are in which files, by the files' places.
    found: BTreeSet<(ResourceType, usize)>,
}

/// One sweep over the files: a type, and of a type whose resources are part of one another those that need as many others before them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stage {
    /// The type.
    pub resource_type: ResourceType,
    /// How many are above them.
    pub depth: usize,
}

impl Survey {
    /// Reads every file once, and counts what the second pass has nothing to do with.
    pub fn of(sources: &[Source], index: Index, report: &mut Report, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let mut survey = Self { index, found: BTreeSet::new() };
        for (file, source) in sources.iter().enumerate() {
            report.files.push(FileCount { file: source.label.clone(), items: 0 });
            source.read(|item| {
                if *shutdown.borrow() {
                    report.interrupted = true;
                    return ControlFlow::Break(());
                }
                report.items += 1;
                report.files[file].items += 1;
                survey.add(file, &item, report);
                ControlFlow::Continue(())
            })?;
        }
        Ok(survey)
    }

    fn add(&mut self, file: usize, item: &Item, report: &mut Report) {
        let about = About { file, item: item.number, resource_type: None, resource: None };
        let json = match &item.content {
            Ok(json) => json,
            Err(Unread::Blank) => return report.blank(),
            Err(unread) => return report.no_resource(about, unread.code()),
        };
        match self.index.add(json, item.full_url.as_deref()) {
            Err(reason) => report.no_resource(about, &reason.code()),
            Ok(Glance::NotYet(name)) => report.not_yet(name),
            Ok(Glance::Unnamed(resource_type)) => {
                report.found(resource_type);
                let reason = NotUnderstood::ValueMissing { path: format!("{}.id", resource_type.name()) };
                report.not_understood(About { resource_type: Some(resource_type), ..about }, &reason);
            }
            Ok(Glance::Imported(resource_type, _)) => {
                self.found.insert((resource_type, file));
                report.found(resource_type);
            }
        }
    }

    /// The second pass, sweep by sweep: whatever the order of the files, what is referred to comes first.
    pub fn stages(&self) -> Vec<Stage> {
        let found = ResourceType::all().filter(|resource_type| self.has(*resource_type));
        found.flat_map(|resource_type| (0..=self.index.deepest(resource_type)).map(move |depth| Stage { resource_type, depth })).collect()
    }

    fn has(&self, resource_type: ResourceType) -> bool {
        self.found.iter().any(|(found, _)| *found == resource_type)
    }

    /// Whether a file holds resources of a type.
    pub fn holds(&self, file: usize, resource_type: ResourceType) -> bool {
        self.found.contains(&(resource_type, file))
    }
}

impl Unread {
    fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLarge => "too-large",
            Self::NotJson => "not-json",
            Self::BundleType => "bundle-type-not-imported",
            Self::NotAnEntry => "no-resource-to-create",
        }
    }
}
