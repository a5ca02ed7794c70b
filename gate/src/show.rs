//! Showing: the one way out of a snapshot for something of a patient. It is decided whether the caller sees it, and noted for the access record.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::access::{AccessDecision, DecisionOutcome, PurposeOfUse};
use domain::{Context, FacilityId, Label, PatientId, Permission, Role, UserId};

use crate::decision_information::{Datum, DecisionInformation, Reached, look_up};
use crate::policy::{Action, Facts, ProtectedField, Question, ask};
use crate::read::Snapshot;
use crate::unvalued::Unvalued;

/// What goes with a record of substance use wherever it goes (42 CFR 2.32(a)(2)).
pub const REDISCLOSURE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these records.";

/// How many decisions one access record keeps apart; of more it says only how many there were.
const DECISIONS_AT_MOST: usize = 256;

/// Something of a patient that an answer can hold.
pub trait OfPatient: Sized {
    /// The type that clients know it as.
    fn type_name(&self) -> &'static str;
    /// Under which permission it is read.
    fn permission(&self) -> Permission;
    /// Whose it is.
    fn patient(&self) -> PatientId;
    /// How sensitive it is beyond normal.
    fn labels(&self) -> Vec<Label> {
        Vec::new()
    }
    /// Whether this user wrote it.
    fn is_by(&self, user: UserId) -> bool {
        let _ = user;
        false
    }
    /// Where it is kept or takes place, where that is one facility.
    fn facility(&self) -> Option<FacilityId> {
        None
    }
    /// What is left of it for those who may know that it is there, and no more. Every field is named, so that one that is added is masked or shown on purpose.
    #[must_use]
    fn mask(self, why: Masked) -> Self;
}

/// Why something is there and not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Masked {
    /// No policy opens it to the caller's roles, here and for this purpose.
    Role,
    /// It bears a sensitive label, and nothing opens that.
    Label,
    /// The patient's dissent closes it.
    Dissent,
    /// A restriction closes it that was agreed to.
    Restriction,
}

/// What is decided of something of a patient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The caller sees it.
    Shown,
    /// The caller may know that it is there.
    Masked(Masked),
    /// The caller may not even know that.
    Withheld,
}

/// What becomes of rows of which the caller may know no more than that they are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MaskedRows {
    /// They are there.
    Kept,
    /// They are left out: they were searched for, and that they were found would tell what is masked.
    LeftOut,
}

/// The first that a caller sees of some rows.
pub struct First<T> {
    /// They, each with its place among the rows.
    pub shown: Vec<(usize, T)>,
    /// Whether the caller sees one behind them.
    pub more: bool,
}

/// Whether a caller's role at one facility has a permission over everyone's: whoever receives patients somewhere must find them, wherever they were before.
pub(crate) fn holds_everywhere(permission: Permission) -> bool {
    matches!(permission, Permission::ReadPatients | Permission::ManagePatients | Permission::BreakGlass)
}

impl Snapshot {
    /// Gets to know what the caller is to these patients. One statement for all that are not known yet.
    pub async fn learn(&self, patients: impl IntoIterator<Item = PatientId>) -> Result<(), Unvalued> {
        let unknown: BTreeSet<PatientId> = {
            let known = self.known();
            patients.into_iter().filter(|patient| !known.contains_key(patient)).collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<PatientId> = unknown.into_iter().collect();
        let reached = Reached { themself: &self.themself, grants: &self.grants, now: self.now };
        let found = look_up(&mut *self.connection().await, self.caller(), &reached, &unknown).await?;
        self.known().extend(found.into_iter().map(|(patient, information)| (patient, Arc::new(information))));
        Ok(())
    }

    /// What of each of these the caller sees, noted as shown.
    pub async fn show<T: OfPatient>(&self, values: Vec<T>) -> Result<Vec<Option<T>>, Unvalued> {
        self.learn(values.iter().map(OfPatient::patient)).await?;
        let shown = |value: T| match self.decide(&value, true) {
            Verdict::Shown => Some(value),
            Verdict::Masked(why) => Some(value.mask(why)),
            Verdict::Withheld => None,
        };
        Ok(values.into_iter().map(shown).collect())
    }

    /// The first of these that the caller sees, at most so many, noted as shown. Nothing is noted as shown of those behind them.
    pub async fn show_first<T: OfPatient>(&self, values: Vec<T>, most: usize, masked: MaskedRows) -> Result<First<T>, Unvalued> {
        self.learn(values.iter().map(OfPatient::patient)).await?;
        let mut first = First { shown: Vec::new(), more: false };
        for (place, value) in values.into_iter().enumerate() {
            let (verdict, decisions) = self.ruled(&value);
            let counts = verdict == Verdict::Shown || masked == MaskedRows::Kept && verdict != Verdict::Withheld;
            if counts && first.shown.len() == most {
                first.more = true;
                break;
            }
            self.note(&value, verdict, decisions, counts);
            if !counts {
                continue;
            }
            let value = if let Verdict::Masked(why) = verdict { value.mask(why) } else { value };
            first.shown.push((place, value));
        }
        Ok(first)
    }

    /// What is decided of each of these, of which no more goes out than what they come to together.
    pub async fn judge<T: OfPatient>(&self, values: &[T]) -> Result<Vec<Verdict>, Unvalued> {
        self.learn(values.iter().map(OfPatient::patient)).await?;
        Ok(values.iter().map(|value| self.decide(value, false)).collect())
    }

    /// What is decided of something of a patient, and why; noted, and as shown where it is.
    pub(crate) fn decide<T: OfPatient>(&self, value: &T, shows: bool) -> Verdict {
        let (verdict, decisions) = self.ruled(value);
        self.note(value, verdict, decisions, shows);
        verdict
    }

    fn ruled<T: OfPatient>(&self, value: &T) -> (Verdict, Vec<AccessDecision>) {
        let labels = value.labels();
        let (permission, patient) = (value.permission(), value.patient());
        let known = self.known().get(&patient).cloned().unwrap_or_default();
        let datum = Datum { kind: permission.data_kind(), labels: &labels, authored: value.is_by(self.caller().user) };
        let roles = self.roles_over(permission, value.facility(), &known);
        let questions = [(Action::Use(permission), None)].into_iter();
        let questions = questions.chain(labels.iter().copied().filter(|label| label.is_sensitive()).map(|label| (Action::Open(label), Some(label))));
        let mut decisions = Vec::new();
        let mut refused = None;
        for (action, label) in questions {
            let (facts, rests_on) = known.facts(datum, label);
            let ruling = ask(Question { roles: roles.clone(), purpose: self.caller().purpose, action, facts });
            if !ruling.allowed && refused.is_none() {
                refused = Some((because(label, &ruling.policies), facts));
            }
            let outcome = if ruling.allowed { DecisionOutcome::Permitted } else { DecisionOutcome::Withheld };
            decisions.push(AccessDecision { action: action.name(), label, outcome, policies: ruling.policies.clone(), facts: rests_on, count: 1 });
        }
        let verdict = match refused {
            None => Verdict::Shown,
            Some((why, facts)) => {
                // Wherever they work: that something is kept elsewhere, they may need to know.
                let roles = self.caller().roles();
                let knowledge = ask(Question { roles, purpose: self.caller().purpose, action: Action::KnowOf, facts });
                if knowledge.allowed { Verdict::Masked(why) } else { Verdict::Withheld }
            }
        };
        if let Verdict::Masked(_) = verdict {
            let withheld = decisions.iter_mut().filter(|decision| decision.outcome == DecisionOutcome::Withheld);
            withheld.for_each(|decision| decision.outcome = DecisionOutcome::Masked);
        }
        (verdict, decisions)
    }

    /// Notes what was decided of something and, where it goes out, that it is shown, as far as it is.
    fn note<T: OfPatient>(&self, value: &T, verdict: Verdict, decisions: Vec<AccessDecision>, shows: bool) {
        let mut access = self.lock();
        for decision in decisions {
            access.decides(decision);
        }
        if shows && verdict != Verdict::Withheld {
            access.patients.insert(value.patient());
        }
        if shows && matches!(verdict, Verdict::Masked(_)) {
            access.masked.insert(value.type_name());
        }
        if shows && verdict == Verdict::Shown {
            access.count += 1;
            if value.labels().contains(&Label::SubstanceAbuse) {
                access.notices.insert(REDISCLOSURE);
            }
        }
    }

    /// The caller's roles that hold where a datum is.
    fn roles_over(&self, permission: Permission, facility: Option<FacilityId>, known: &DecisionInformation) -> BTreeSet<Role> {
        let caller = self.caller();
        // Whoever broke the glass did so as what they are, wherever.
        if holds_everywhere(permission) || (known.broke_the_glass() && caller.purpose == PurposeOfUse::BreakTheGlass) {
            return caller.roles();
        }
        caller.roles_at(|place| facility.map_or_else(|| known.facilities.contains(&place), |facility| facility == place))
    }

    /// Whether the caller sees a field of GraphQL objects of a type at all, in whatever they see.
    pub fn sees_field(&self, of: &str, field: &str) -> bool {
        self.sees(ProtectedField::in_graphql(of, field))
    }

    /// Whether the caller sees an element of FHIR resources of a type at all.
    pub fn sees_element(&self, resource: &str, element: &str) -> bool {
        self.sees(ProtectedField::in_fhir(resource, element))
    }

    /// Whether the caller sees what a label says among the details of the history of a context's events.
    pub fn sees_detail(&self, context: Context, label: &str) -> bool {
        self.sees(ProtectedField::in_history(context, label))
    }

    fn sees(&self, protected: Option<&'static ProtectedField>) -> bool {
        let Some(ProtectedField { graphql, .. }) = protected else { return true };
        let caller = self.caller();
        // What somebody sees of themself as a patient is no reason to see it of everybody.
        let mut roles = caller.roles();
        if roles.len() > 1 {
            roles.remove(&Role::Patient);
        }
        let question = Question { roles, purpose: caller.purpose, action: Action::SeeField(graphql), facts: Facts::default() };
        let allowed = ask(question).allowed;
        if !allowed {
            self.lock().masked.insert(graphql);
        }
        allowed
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PatientId, Arc<DecisionInformation>>> {
        self.information.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Why something is not shown, by the policies that forbid it; where none does, none permits it.
fn because(label: Option<Label>, policies: &[String]) -> Masked {
    let forbids = |id: &str| policies.iter().any(|policy| policy == id);
    if forbids("closed-by-dissent") {
        Masked::Dissent
    } else if forbids("closed-by-restriction") {
        Masked::Restriction
    } else if label.is_some() {
        Masked::Label
    } else {
        Masked::Role
    }
}

impl crate::access::Access {
    /// Notes a decision; like ones are counted together.
    pub(crate) fn decides(&mut self, decision: AccessDecision) {
        let count = decision.count;
        let mut decision = AccessDecision { count: 0, ..decision };
        if self.decisions.len() >= DECISIONS_AT_MOST && !self.decisions.contains_key(&decision) {
            decision.facts.clear();
        }
        *self.decisions.entry(decision).or_default() += count;
    }
}
