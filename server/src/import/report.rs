//! What was taken, what was not, and why: every item that was read is in exactly one count. It names places and rules, and never a value.

use std::collections::BTreeMap;

use anyhow::ensure;
use domain::TenantId;
use fhir::{NotUnderstood, Notes, ResourceType};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// So many problems are listed one by one; all are counted.
const LISTED: usize = 10_000;
/// So many different paths are counted one by one, so that nonsense in the input does not fill the memory.
const PATHS: usize = 5_000;

/// The report of one run.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where everything went.
    pub tenant: Option<TenantId>,
    /// What the operator calls the system that it came from.
    pub source: String,
    /// Whether the run ended before the input did.
    pub interrupted: bool,
    /// The files, in the order in which they were read.
    pub files: Vec<FileCount>,
    /// Files and folders beside them that are no input.
    pub other_files: usize,
    /// Every line, and every entry of a bundle.
    pub items: u64,
    /// Lines with nothing on them.
    pub blank: u64,
    /// Items that are no resource of FHIR R4, by code.
    pub no_resource: BTreeMap<String, u64>,
    /// Resources that Carelog has no place for yet, by type.
    pub not_yet: BTreeMap<String, u64>,
    /// Resources that Carelog has a place for, by type.
    pub resources: BTreeMap<String, Counts>,
    /// Resources that the second pass found and the first had not: the input changed while it was read. They are not taken, and stand in no other count.
    pub not_surveyed: u64,
    /// Patients who are in the input by reference only and were registered as unidentified.
    pub registered_unidentified: u64,
    /// How long it took to carry the resources out.
    pub seconds: f64,
    /// What resources that were taken say more, and that was not taken: by command and code.
    pub in_part: BTreeMap<String, u64>,
    /// What resources carried that Carelog has no place for, by FHIR path.
    pub not_kept: BTreeMap<String, u64>,
    /// What was taken though it breaks a rule, by FHIR path and rule.
    pub flagged: BTreeMap<String, u64>,
    /// Values that break a rule and were left out, by FHIR path and rule.
    pub left_out: BTreeMap<String, u64>,
    /// What a person should look at, in the order of the input.
    #[serde(serialize_with = "values")]
    pub problems: BTreeMap<Place, Problem>,
    /// How many more there are.
    pub problems_not_listed: u64,
}

/// How much was read of a file.
#[derive(Serialize)]
pub struct FileCount {
    /// Its name, where that is a bulk export's.
    pub file: String,
    /// Lines or entries.
    pub items: u64,
}

/// What became of the resources of one type; the parts add up to `read`.
#[derive(Serialize, Default, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All of them.
    pub read: u64,
    /// It, or something about it, became known.
    pub taken: u64,
    /// An earlier run or line had said the same.
    pub already_there: u64,
    /// An earlier run or line had said something else, which still holds.
    pub changed: u64,
    /// Carelog rejected it.
    pub refused: u64,
    /// It could not be read.
    pub not_understood: u64,
    /// The run ended before it.
    pub not_reached: u64,
}

/// What became of a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Came {
    /// Of the resource itself; something new about one that is there counts as taken.
    pub outcome: Outcome,
    /// What else it says that was not taken, by the command's name.
    pub not_taken: Vec<(&'static str, Outcome)>,
    /// Whether its patient was registered for it.
    pub registered: bool,
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing new.
    AlreadyThere,
    /// Something new.
    Taken,
    /// The same thing had been imported with another content.
    Changed,
    /// Rejected, with the rejection's code.
    Refused(String),
}

/// Where a problem is: the file by its number, the line or entry, and which of several there.
pub type Place = (usize, u64, usize);

/// Something that a person should look at.
#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line; in a bundle the entry.
    pub item: u64,
    /// The type and Carelog's id of the resource, as far as it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `changed`, `refused`, `not-a-fhir-resource`, `not-understood`, `left-out`, `flagged`.
    pub kind: &'static str,
    /// The command, where the resource itself was taken and something more about it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The rejection's code, or why it was not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The FHIR path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The rule that is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The item that something is said about.
#[derive(Clone, Copy)]
pub struct About {
    /// The file's place in the list.
    pub file: usize,
    /// The line or entry.
    pub item: u64,
    /// The type of a resource that is to be imported.
    pub resource_type: Option<ResourceType>,
    /// Carelog's id of it.
    pub resource: Option<Uuid>,
}

impl Report {
    /// A line with nothing on it.
    pub fn blank(&mut self) {
        self.blank += 1;
    }

    /// A resource that has no place yet.
    pub fn not_yet(&mut self, resource_type: &str) {
        count(&mut self.not_yet, resource_type.to_owned());
    }

    /// A resource that is to be imported.
    pub fn found(&mut self, resource_type: ResourceType) {
        let counts = self.counts(resource_type);
        counts.read += 1;
        counts.not_reached += 1;
    }

    /// An item that is no resource.
    pub fn no_resource(&mut self, about: About, code: &str) {
        count(&mut self.no_resource, code.to_owned());
        self.problem(about, "not-a-fhir-resource", |problem| problem.code = Some(code.to_owned()));
    }

    /// A resource that could not be read.
    pub fn not_understood(&mut self, about: About, reason: &NotUnderstood) {
        let Some(resource_type) = about.resource_type else { return self.no_resource(about, &reason.code()) };
        if !self.reached(resource_type) {
            return;
        }
        self.counts(resource_type).not_understood += 1;
        self.problem(about, "not-understood", |problem| {
            problem.code = Some(reason.code());
            problem.path = reason.path().map(str::to_owned);
            problem.rule = reason.rule().map(str::to_owned);
        });
    }

    /// A resource that was carried out, to whatever end.
    pub fn came_of_it(&mut self, about: About, came: &Came, notes: Notes) {
        let Some(resource_type) = about.resource_type else { return };
        if !self.reached(resource_type) {
            return;
        }
        self.registered_unidentified += u64::from(came.registered);
        let counts = self.counts(resource_type);
        match came.outcome {
            Outcome::AlreadyThere => counts.already_there += 1,
            Outcome::Taken => counts.taken += 1,
            Outcome::Changed => counts.changed += 1,
            Outcome::Refused(_) => counts.refused += 1,
        }
        self.not_taken(about, None, &came.outcome);
        for (command, outcome) in &came.not_taken {
            self.not_taken(about, Some(command), outcome);
        }
        if matches!(came.outcome, Outcome::AlreadyThere | Outcome::Taken) {
            self.noted(about, notes);
        }
    }

    /// A resource that the first pass had not found.
    pub fn not_surveyed(&mut self) {
        self.not_surveyed += 1;
    }

    /// Whether one more of those that the first pass found is done with; otherwise it is another one, which came into the input since.
    fn reached(&mut self, resource_type: ResourceType) -> bool {
        let counts = self.counts(resource_type);
        let Some(not_reached) = counts.not_reached.checked_sub(1) else {
            self.not_surveyed();
            return false;
        };
        counts.not_reached = not_reached;
        true
    }

    /// So many lines or entries the first pass found in a file.
    pub fn items_of(&self, file: usize) -> u64 {
        self.files.get(file).map_or(0, |file| file.items)
    }

    /// A step of a resource that was carried out when everything else was in.
    pub fn came_of_it_later(&mut self, about: About, was: &Outcome, command: &str, outcome: &Outcome) {
        let Some(resource_type) = about.resource_type else { return };
        if (was, outcome) == (&Outcome::AlreadyThere, &Outcome::Taken) {
            let counts = self.counts(resource_type);
            counts.already_there = counts.already_there.saturating_sub(1);
            counts.taken += 1;
        }
        self.not_taken(about, Some(command), outcome);
    }

    /// How many resources were carried out in a second.
    pub fn a_second(&self) -> f64 {
        let done: u64 = self.resources.values().map(|counts| counts.read - counts.not_reached).sum();
        #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
        let done = done as f64;
        if self.seconds > 0.0 { done / self.seconds } else { 0.0 }
    }

    fn not_taken(&mut self, about: About, command: Option<&str>, outcome: &Outcome) {
        let (kind, code) = match outcome {
            Outcome::AlreadyThere | Outcome::Taken => return,
            Outcome::Changed => ("changed", None),
            Outcome::Refused(code) => ("refused", Some(code.clone())),
        };
        if let Some(command) = command {
            count(&mut self.in_part, [command, kind].into_iter().chain(code.as_deref()).collect::<Vec<_>>().join(" "));
        }
        self.problem(about, kind, |problem| {
            problem.command = command.map(str::to_owned);
            problem.code = code;
        });
    }

    fn noted(&mut self, about: About, notes: Notes) {
        for path in notes.not_kept {
            count(&mut self.not_kept, path);
        }
        for (kind, noted) in [("left-out", notes.left_out), ("flagged", notes.flagged)] {
            for value in noted {
                let counts = if kind == "flagged" { &mut self.flagged } else { &mut self.left_out };
                count(counts, format!("{} {}", value.path, value.rule));
                self.problem(about, kind, |problem| {
                    problem.path = Some(value.path.clone());
                    problem.rule = Some(value.rule.to_string());
                });
            }
        }
    }

    fn problem(&mut self, about: About, kind: &'static str, say: impl FnOnce(&mut Problem)) {
        let file = self.files.get(about.file).map(|file| file.file.clone()).unwrap_or_default();
        let resource = about.resource_type.zip(about.resource).map(|(resource_type, id)| format!("{}/{id}", resource_type.name()));
        let mut problem = Problem { file, item: about.item, resource, kind, command: None, code: None, path: None, rule: None };
        say(&mut problem);
        let before = self.problems.range((about.file, about.item, 0)..=(about.file, about.item, usize::MAX)).count();
        self.problems.insert((about.file, about.item, before), problem);
        // The last ones go, so that what is listed does not depend on which was carried out first.
        if self.problems.len() > LISTED {
            self.problems.pop_last();
            self.problems_not_listed += 1;
        }
    }

    fn counts(&mut self, resource_type: ResourceType) -> &mut Counts {
        self.resources.entry(resource_type.name().to_owned()).or_default()
    }

    /// Refuses to be shown where an item is in no count, or in two.
    pub fn check(&self) -> anyhow::Result<()> {
        let read: u64 = self.resources.values().map(|counts| counts.read).sum();
        let counted = self.blank + self.no_resource.values().sum::<u64>() + self.not_yet.values().sum::<u64>() + read;
        ensure!(counted == self.items, "{} items were read and {counted} are accounted for", self.items);
        ensure!(self.files.iter().map(|file| file.items).sum::<u64>() == self.items, "the files do not add up to the items");
        for (name, counts) in &self.resources {
            let parts = counts.taken + counts.already_there + counts.changed + counts.refused + counts.not_understood + counts.not_reached;
            ensure!(parts == counts.read, "{} of {name} were read and {parts} are accounted for", counts.read);
            ensure!(self.interrupted || counts.not_reached == 0, "{} of {name} were passed over: the input changed while it was read", counts.not_reached);
        }
        Ok(())
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: String) {
    let name = if counts.len() < PATHS || counts.contains_key(&name) { name } else { "(more)".to_owned() };
    *counts.entry(name).or_default() += 1;
}

fn values<S: serde::Serializer>(problems: &BTreeMap<Place, Problem>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(problems.values())
}

impl Report {
    /// As JSON, for a program.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_pass_had_not_found_is_counted_on_its_own() {
        let mut report = Report { items: 1, files: vec![FileCount { file: "file 1".to_owned(), items: 1 }], ..Report::default() };
        let about = |item| About { file: 0, item, resource_type: Some(ResourceType::Patient), resource: Some(Uuid::nil()) };
        report.found(ResourceType::Patient);
        report.came_of_it(about(1), &Came { outcome: Outcome::Taken, not_taken: Vec::new(), registered: false }, Notes::default());
        report.came_of_it(about(2), &Came { outcome: Outcome::Taken, not_taken: Vec::new(), registered: false }, Notes::default());
        report.not_understood(about(3), &NotUnderstood::NotJson);
        assert_eq!((report.not_surveyed, report.resources["Patient"].taken), (2, 1));
        assert!(report.check().is_ok());
    }
}
