//! What content refers to in a chart: a fact that it names must be one of the same person's, in force.

use crate::ids::FactId;
use crate::records::chart::Chart;
use crate::records::element::{Element, Seen};
use crate::records::elements::Target;
use crate::records::fact::FactKind;

/// Where an encounter names the one that it is part of.
const PART_OF: &str = "Encounter.partOf";

/// A literal that names a kind of fact, or that stands where an encounter has to.
pub(crate) struct Referral {
    /// Where it stands, by its FHIR path.
    pub(crate) field: String,
    /// The id that it names.
    pub(crate) fact: FactId,
    /// The kind that it names; none where nothing of that type is in a chart.
    kind: Option<FactKind>,
    /// Whether it must name an encounter: during which, or part of which.
    is_encounter: bool,
}

impl Referral {
    /// Whether what it names is in the chart.
    pub(crate) fn holds_in(&self, chart: &Chart) -> bool {
        self.kind.is_some_and(|kind| (!self.is_encounter || kind == FactKind::Encounter) && chart.holds(kind, self.fact))
    }

    /// Whether it says during which encounter.
    pub(crate) fn is_during(&self) -> bool {
        self.is_encounter && self.field != PART_OF
    }

    /// Whether it names the same as another.
    pub(crate) fn names_as(&self, other: &Self) -> bool {
        (self.fact, self.kind, self.is_encounter) == (other.fact, other.kind, other.is_encounter)
    }
}

/// Everything that content refers to in a chart.
pub(crate) fn referrals(resource_type: &str, content: &dyn Element) -> Vec<Referral> {
    let mut found = Vec::new();
    content.look(resource_type, &mut |path, seen| {
        if let Seen::Target(target) = seen {
            found.extend(referral(path, target));
        }
    });
    found
}

fn referral(path: &str, target: &Target) -> Option<Referral> {
    let field = path.strip_suffix(".reference").unwrap_or(path);
    let (of_type, id) = target.as_str().split_once('/')?;
    let last = field.rsplit('.').next().and_then(|last| last.split('[').next());
    let is_encounter = last == Some("encounter") || field == PART_OF;
    // In another spelling it leads nowhere, which is said rather than left for nobody to find.
    let is_meant = FactKind::ALL.iter().any(|kind| kind.resource_type().eq_ignore_ascii_case(of_type));
    let kind = FactKind::ALL.iter().copied().find(|kind| kind.resource_type() == of_type);
    let fact = FactId(id.parse().ok()?);
    (is_meant || is_encounter).then(|| Referral { field: field.to_owned(), fact, kind, is_encounter })
}
