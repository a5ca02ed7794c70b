//! What compliance officers ask of the access log: who looked without a relation to the patient, what a person saw on a day, who saw unusually many.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use domain::access::{Above, CareRelation, CareWindow, Period, Seen, Unusual, Usual, Volume};
use domain::time::Zone;
use domain::{InvalidValue, PatientId, Permission, UserId};
use gate::VolumesAsked;
use uuid::Uuid;

use super::{AccessedKind, Purpose};
use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::{argument, global};
use crate::paging::{Page, cost};
use crate::reads::permitted;
use crate::scalars::{Date, DateTime};

/// What counts for a question that reads the access log of a period towards the limit of complexity.
const COST_OF_A_QUESTION: usize = 5000;

/// The questions.
#[derive(Default)]
pub struct AccessQuestions;

#[Object]
impl AccessQuestions {
    /// Who saw something of a patient in a period of at most 366 days, and what they were to them at that time; those whom nothing relates to the patient first.
    /// An appointment that was not cancelled, or an entry in the chart, relates whom it is with, or who made it, where it lies at most `daysBefore` (365 unless
    /// given) before the access, or at most `daysAfter` (30) after it. For those alone who read everyone's access records.
    #[graphql(complexity = "COST_OF_A_QUESTION + child_complexity")]
    async fn onlookers(
        &self,
        context: &Context<'_>,
        patient: ID,
        from: DateTime,
        to: DateTime,
        days_before: Option<u16>,
        days_after: Option<u16>,
    ) -> Result<Vec<Onlooker>> {
        let permitted = permitted(context, Permission::ReadAccessRecords)?;
        let patient: PatientId = argument("patient", &patient)?;
        let period = Period::new(from.0.to_utc(), to.0.to_utc()).map_err(|rule| Failure::Argument("to", rule))?;
        let [before, after] = [days_before.unwrap_or(CareWindow::DAYS_BEFORE), days_after.unwrap_or(CareWindow::DAYS_AFTER)];
        let window = CareWindow::days(before, after).map_err(|rule| Failure::Argument("daysBefore", rule))?;
        let found = permitted.access_log().onlookers(patient, period, window, &mut |_| {}).await.map_err(Failure::from)?;
        Ok(found.into_iter().map(Onlooker::from).collect())
    }

    /// What a person saw on a day of the calendar of a place (`timeZone` is an IANA name, UTC unless given), patient by patient. For those alone who read
    /// everyone's access records.
    #[graphql(complexity = "COST_OF_A_QUESTION + child_complexity")]
    async fn seen_on_day(&self, context: &Context<'_>, user: Uuid, day: Date, time_zone: Option<String>) -> Result<SeenOnDay> {
        let permitted = permitted(context, Permission::ReadAccessRecords)?;
        let period = Period::of_days(day.0, day.0, zone(time_zone)?).map_err(|rule| Failure::Argument("day", rule))?;
        let seen = permitted.access_log().seen_by(UserId(user), period, &mut |_| {}).await.map_err(Failure::from)?;
        Ok(SeenOnDay::from(seen))
    }

    /// Who saw something of unusually many patients on one of the days from `first` to `last`, at most 366, of the calendar of a place (`timeZone` is an IANA name,
    /// UTC unless given). Unusual is a number above `factor` (3 unless given) times the median of the 28 days before, that of the person or that of everyone
    /// in their role, and above `threshold` (50). For those alone who read everyone's access records.
    #[graphql(complexity = "COST_OF_A_QUESTION + child_complexity")]
    async fn unusual_volumes(
        &self,
        context: &Context<'_>,
        first: Date,
        last: Date,
        time_zone: Option<String>,
        threshold: Option<u32>,
        factor: Option<f64>,
    ) -> Result<Vec<AccessVolume>> {
        let permitted = permitted(context, Permission::ReadAccessRecords)?;
        let unusual = Unusual::above(threshold.unwrap_or(Unusual::THRESHOLD), factor.unwrap_or(Unusual::FACTOR));
        let unusual = unusual.map_err(|rule| Failure::Argument("factor", rule))?;
        let asked = VolumesAsked::of_days(first.0, last.0, zone(time_zone)?, unusual).map_err(|rule| Failure::Argument("last", rule))?;
        let found = permitted.access_log().volumes(&asked, &mut |_| {}).await.map_err(Failure::from)?;
        Ok(found.into_iter().map(AccessVolume::from).collect())
    }
}

fn zone(name: Option<String>) -> Result<Zone, Failure> {
    name.map_or(Ok(Zone::UTC), |name| Zone::try_from(name).map_err(|rule: InvalidValue| Failure::Argument("timeZone", rule)))
}

/// Someone who saw something of a patient.
#[derive(SimpleObject)]
pub struct Onlooker {
    /// Who.
    user: Uuid,
    /// What they were to the tenant.
    roles: Vec<String>,
    /// Their own calendars, where they are a practitioner.
    practitioners: Vec<ID>,
    /// How often they saw something of the patient.
    accesses: u64,
    /// How often, of these, nothing related them to the patient.
    unrelated: u64,
    /// What related them in the other cases.
    relations: Vec<Relation>,
    /// The kinds of data that they sought.
    kinds: Vec<AccessedKind>,
    /// Why.
    purposes: Vec<Purpose>,
    /// When first.
    first: DateTime,
    /// When last.
    last: DateTime,
}

impl From<domain::access::Onlooker> for Onlooker {
    fn from(onlooker: domain::access::Onlooker) -> Self {
        Self {
            user: onlooker.user.0,
            roles: onlooker.roles.into_iter().collect(),
            practitioners: onlooker.practitioners.into_iter().map(global).collect(),
            accesses: onlooker.accesses,
            unrelated: onlooker.unrelated,
            relations: onlooker.relations.into_iter().map(Relation::from).collect(),
            kinds: onlooker.kinds.into_iter().map(AccessedKind::from).collect(),
            purposes: onlooker.purposes.into_iter().map(Purpose::from).collect(),
            first: onlooker.first.into(),
            last: onlooker.last.into(),
        }
    }
}

/// What someone is to a patient.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "CareRelation", remote = "CareRelation")]
pub enum Relation {
    /// The patient.
    Themself,
    /// Someone whom the patient had let in at that time.
    Grantee,
    /// A practitioner with whom the patient had an appointment that was not cancelled.
    Appointment,
    /// Someone who recorded or changed facts or documents in the patient's chart.
    Author,
}

/// What a person saw on a day.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SeenOnDay {
    /// How many operations there were, of whatever outcome.
    accesses: u64,
    /// How many of them found nothing.
    nothing_found: u64,
    /// How many of them were refused, in part or as a whole.
    refused: u64,
    /// How many patients they saw something of.
    patient_count: usize,
    #[graphql(skip)]
    seen: Seen,
}

#[ComplexObject]
impl SeenOnDay {
    /// What they saw of each patient, in the order in which they came to them.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn patients(&self, first: Option<i32>, after: Option<String>) -> Result<Connection<usize, SeenPatient>> {
        let page: Page<usize> = Page::of(first, after.as_deref())?;
        let begin = page.after.map_or(0, |after| after.saturating_add(1));
        let patients = self.seen.patients().into_iter().enumerate().skip(begin).take(page.most() + 1);
        Ok(page.connection(patients.map(|(place, seen)| SeenPatient::of(place, seen)).collect(), |seen| seen.place))
    }
}

impl From<Seen> for SeenOnDay {
    fn from(seen: Seen) -> Self {
        Self { accesses: seen.accesses, nothing_found: seen.nothing_found, refused: seen.refused, patient_count: seen.patients().len(), seen }
    }
}

/// What a person saw of one patient.
#[derive(SimpleObject)]
pub struct SeenPatient {
    /// The record that they saw.
    patient: ID,
    /// How often.
    accesses: u64,
    /// The kinds of data that were sought.
    kinds: Vec<AccessedKind>,
    /// Why.
    purposes: Vec<Purpose>,
    /// The operations, and how often each.
    operations: Vec<SeenOperation>,
    /// When first.
    first: DateTime,
    /// When last.
    last: DateTime,
    #[graphql(skip)]
    place: usize,
}

impl SeenPatient {
    fn of(place: usize, seen: &domain::access::SeenPatient) -> Self {
        Self {
            patient: global(seen.patient),
            accesses: seen.accesses,
            kinds: seen.kinds.iter().copied().map(AccessedKind::from).collect(),
            purposes: seen.purposes.iter().copied().map(Purpose::from).collect(),
            operations: seen.operations.iter().map(|(operation, times)| SeenOperation { operation: operation.clone(), times: *times }).collect(),
            first: seen.first.into(),
            last: seen.last.into(),
            place,
        }
    }
}

/// An operation that showed something of a patient.
#[derive(SimpleObject)]
pub struct SeenOperation {
    /// The API's operation: `query patients`, `fhir read Condition`.
    operation: String,
    /// How often it did.
    times: u64,
}

/// How many patients a person saw something of in a day.
#[derive(SimpleObject)]
pub struct AccessVolume {
    /// Who.
    user: Uuid,
    /// What they were to the tenant, separated by commas.
    role: String,
    /// On which day.
    day: Date,
    /// How many patients.
    patients: u32,
    /// What was usual for them, where that is known.
    own: Option<UsualVolume>,
    /// What was usual for their role, where that is known.
    of_role: Option<UsualVolume>,
    /// What the number is above.
    above: Vec<AboveWhat>,
    /// The number and what it was compared with, in one sentence.
    explanation: String,
}

impl From<Volume> for AccessVolume {
    fn from(volume: Volume) -> Self {
        Self {
            user: volume.user.0,
            role: volume.role,
            day: Date(volume.day),
            patients: volume.patients,
            own: volume.own.map(UsualVolume::from),
            of_role: volume.of_role.map(UsualVolume::from),
            above: volume.above.into_iter().map(AboveWhat::from).collect(),
            explanation: volume.explanation,
        }
    }
}

/// What is usual.
#[derive(SimpleObject)]
pub struct UsualVolume {
    /// The median of the numbers of patients.
    median: f64,
    /// Of how many days with accesses among the 28 before; for a role, the days of all who have it together.
    days: usize,
}

impl From<Usual> for UsualVolume {
    fn from(usual: Usual) -> Self {
        Self { median: usual.median, days: usual.days }
    }
}

/// What a number of patients is above.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AboveWhat", remote = "Above")]
pub enum AboveWhat {
    /// What is usual for the person.
    OwnUsual,
    /// What is usual for their role.
    RoleUsual,
    /// The threshold; nothing is known of what is usual.
    Threshold,
}
