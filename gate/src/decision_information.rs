//! Decision information (ISO/IEC 10181-3): what a caller is to patients, by which the policies decide, as the read models have it in a snapshot.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{DataKind, DecisionFact, PurposeOfUse};
use domain::{BreakGlassId, ConsentId, FacilityId, Label, PatientId, RestrictionId, Role};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::caller::Caller;
use crate::policy::Facts;
use crate::read;

/// How long after an appointment its practitioner counts as treating the patient; before it, they do from when it is booked.
const CARE_LASTS: TimeDelta = TimeDelta::days(365);

/// What a caller is to one patient.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct DecisionInformation {
    /// They are the patient.
    pub(crate) own: bool,
    /// What the patient let them have.
    grants: Vec<Grant>,
    /// There is an appointment of theirs with the patient.
    treats: bool,
    /// What consents and restrictions say of them, of those that hold now.
    provisions: Vec<Provision>,
    /// The glass that they broke, where its minutes are not over.
    glass: Option<BreakGlassId>,
    /// Those of their facilities where the patient has had an appointment.
    pub(crate) facilities: BTreeSet<FacilityId>,
}

/// What a patient let somebody have.
#[derive(Clone, PartialEq, Debug)]
struct Grant {
    kinds: BTreeSet<DataKind>,
    labels: Vec<Label>,
}

/// What a consent or a restriction says, of those that name the caller and the caller's purpose.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Provision {
    id: Uuid,
    source: Source,
    decision: Decision,
    kinds: BTreeSet<DataKind>,
    #[serde(deserialize_with = "Label::all_borne")]
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Source {
    Consent,
    Restriction,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Decision {
    Permit,
    Deny,
}

/// What is to be decided about: something of a patient.
#[derive(Clone, Copy)]
pub(crate) struct Datum<'row> {
    /// What kind of data.
    pub(crate) kind: Option<DataKind>,
    /// Its labels.
    pub(crate) labels: &'row [Label],
    /// Whether the caller wrote it.
    pub(crate) authored: bool,
}

impl DecisionInformation {
    /// Whether the caller broke the glass, and its minutes are not over.
    pub(crate) fn broke_the_glass(&self) -> bool {
        self.glass.is_some()
    }

    /// What the policies are told about a datum, or about one label of it, and what that rests on.
    pub(crate) fn facts(&self, datum: Datum<'_>, label: Option<Label>) -> (Facts, Vec<DecisionFact>) {
        let mut rests_on = BTreeSet::new();
        let mut facts = Facts { own: self.own, treats: self.treats, authored: datum.authored, glass_broken: self.glass.is_some(), ..Facts::default() };
        if self.own {
            rests_on.insert(DecisionFact::OwnRecord);
        } else if !self.grants.is_empty() {
            let covering = || self.grants.iter().filter(|grant| grant_covers(&grant.kinds, datum.kind));
            facts.proxy = true;
            facts.covered = covering().count() > 0;
            facts.consented = covering().any(|grant| label.is_some_and(|label| names(&grant.labels, label)));
            rests_on.insert(DecisionFact::Grant);
        }
        for provision in self.provisions.iter().filter(|provision| covers(&provision.kinds, datum.kind)) {
            let fact = match (provision.source, provision.decision) {
                (_, Decision::Permit) if label.is_some_and(|label| names(&provision.labels, label)) => {
                    facts.consented = true;
                    DecisionFact::Consent(ConsentId(provision.id))
                }
                (_, Decision::Permit) => continue,
                (_, Decision::Deny) if !denies(&provision.labels, datum.labels) => continue,
                (Source::Consent, Decision::Deny) => {
                    facts.dissented = true;
                    DecisionFact::Dissent(ConsentId(provision.id))
                }
                (Source::Restriction, Decision::Deny) => {
                    facts.restricted = true;
                    DecisionFact::Restriction(RestrictionId(provision.id))
                }
            };
            rests_on.insert(fact);
        }
        if self.treats && label.is_some() {
            rests_on.insert(DecisionFact::CareRelation);
        }
        if datum.authored && label.is_some() {
            rests_on.insert(DecisionFact::Author);
        }
        rests_on.extend(self.glass.map(DecisionFact::BrokenGlass));
        (facts, rests_on.into_iter().collect())
    }
}

/// Whether what is permitted names a label: one of a later build is named by nothing.
fn names(labels: &[Label], label: Label) -> bool {
    labels.iter().any(|named| named.is(label))
}

/// Whether what is denied reaches data that bear these labels: of none it denies all, and of one of a later build it may deny any.
fn denies(labels: &[Label], borne: &[Label]) -> bool {
    labels.is_empty() || labels.contains(&Label::Unknown) || borne.iter().any(|label| names(labels, *label))
}

/// Whether a grant of access to these kinds of data reaches this one. Who the patient is, whoever reaches anything of theirs knows.
pub(crate) fn grant_covers(kinds: &BTreeSet<DataKind>, kind: Option<DataKind>) -> bool {
    covers(kinds, kind) || kind == Some(DataKind::Demographics)
}

/// Whether what is said of these kinds is said of this one: of none means of all.
fn covers(kinds: &BTreeSet<DataKind>, kind: Option<DataKind>) -> bool {
    kinds.is_empty() || kind.is_some_and(|kind| kinds.contains(&kind))
}

/// One row a patient. What it reads are a handful of rows of each.
const STATEMENT: &str = "select asked.id, person.records, asked.id = any($2) or person.records && $2 as own, \
     exists (select from appointment where practitioner_id = $4 and patient_id = any(person.records) \
        and status not in ('cancelled', 'noshow') and start_at > $5) as treats, \
     coalesce((select json_agg(json_build_object('id', provision_id, 'source', source, 'decision', decision, 'kinds', kinds, 'labels', labels)) \
        from provision where patient_id = any(person.records) \
        and (starts_at is null or starts_at <= $6) and (ends_at is null or ends_at > $6) and (purposes = '{}' or $7 = any(purposes) or decision = 'deny' and $11) \
        and (recipient_kind = 'anyone' or recipient_kind = 'user' and recipient = $3::text or recipient_kind = 'role' and recipient = any($8) \
            or recipient_kind = 'facility' and (recipient::uuid = any($9) or decision = 'deny' and $10))), '[]') as provisions, \
     (select break_glass_id from break_glass where user_id = $3 and patient_id = any(person.records) and starts_at <= $6 and ends_at > $6 \
        order by ends_at desc limit 1) as glass, \
     array(select distinct facility_id from appointment where patient_id = any(person.records) and facility_id = any($9) and status <> 'cancelled') as facilities \
     from unnest($1::uuid[]) as asked (id) cross join lateral \
     (select coalesce(array_agg(record_id), '{}') || asked.id as records from patient_link where patient_id = asked.id) as person";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    records: Vec<Uuid>,
    own: bool,
    treats: bool,
    provisions: Value,
    glass: Option<Uuid>,
    facilities: Vec<Uuid>,
}

/// What a caller is to patients at a moment, under any record of each person.
pub(crate) async fn look_up(
    connection: &mut PgConnection,
    caller: &Caller,
    reached: &Reached<'_>,
    patients: &[PatientId],
) -> Result<HashMap<PatientId, DecisionInformation>, sqlx::Error> {
    let uuids = |patients: &BTreeSet<PatientId>| patients.iter().map(|patient| patient.0).collect::<Vec<_>>();
    let roles: Vec<&str> = caller.roles().into_iter().map(Role::name).collect();
    let works_here = caller.roles().into_iter().any(|role| role != Role::Patient);
    let asks_as_patient = works_here && matches!(caller.purpose, PurposeOfUse::PatientRequest | PurposeOfUse::FamilyRequest);
    let facilities: Vec<Uuid> = caller.facility_roles.keys().map(|facility| facility.0).collect();
    let rows: Vec<Row> = sqlx::query_as(STATEMENT)
        .bind(patients.iter().map(|patient| patient.0).collect::<Vec<_>>())
        .bind(uuids(reached.themself))
        .bind(caller.user.0)
        .bind(caller.practitioner.map(|practitioner| practitioner.0))
        .bind(reached.now - CARE_LASTS)
        .bind(reached.now)
        .bind(caller.purpose.code())
        .bind(roles)
        .bind(facilities)
        // Whoever works for the whole tenant works at every facility of it, as far as somebody denies it to those who do.
        .bind(caller.roles.iter().any(|role| *role != Role::Patient))
        // Whoever works here and asks as a patient asks for what they work for, too.
        .bind(asks_as_patient)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((PatientId(row.id), row.information(reached.grants)?))).collect()
}

/// Whom a caller reaches as a patient or for one, and when they ask.
pub(crate) struct Reached<'snapshot> {
    /// Every record of their own.
    pub(crate) themself: &'snapshot BTreeSet<PatientId>,
    /// What others granted them, of what holds.
    pub(crate) grants: &'snapshot [read::Grant],
    /// The moment.
    pub(crate) now: DateTime<Utc>,
}

impl Row {
    fn information(self, grants: &[read::Grant]) -> Result<DecisionInformation, sqlx::Error> {
        let grants = grants.iter().filter(|grant| self.records.contains(&grant.patient_id));
        let grants = grants.map(|grant| Ok(Grant { kinds: listed(&grant.kinds)?, labels: Label::from_codes(&grant.labels) }));
        Ok(DecisionInformation {
            own: self.own,
            grants: grants.collect::<Result<_, sqlx::Error>>()?,
            treats: self.treats,
            provisions: known(self.provisions)?,
            glass: self.glass.map(BreakGlassId),
            facilities: self.facilities.into_iter().map(FacilityId).collect(),
        })
    }
}

/// A row that this build does not understand closes: it may be a dissent.
fn known<T: DeserializeOwned>(value: Value) -> Result<T, sqlx::Error> {
    serde_json::from_value(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn listed<T: DeserializeOwned>(names: &[String]) -> Result<T, sqlx::Error> {
    known(Value::from(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_a_later_build_opens_nothing_and_closes_all() {
        let unknown = Label::from_codes(&["XYZ".to_owned()]);
        assert!(!names(&unknown, Label::Unknown) && !names(&unknown, Label::Hiv));
        assert!(denies(&unknown, &[]) && denies(&unknown, &[Label::Hiv]));
        let hiv = [Label::Hiv];
        assert!(names(&hiv, Label::Hiv) && denies(&hiv, &hiv) && !denies(&hiv, &[Label::Psychiatry]) && denies(&[], &[]));
    }
}
