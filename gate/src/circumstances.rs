//! What a caller is to patients: the facts that the policies decide by, as the read models have them in a snapshot.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{DataKind, DecisionFact};
use domain::{BreakGlassId, ConsentId, FacilityId, Label, PatientId, RestrictionId, Role};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::caller::Caller;
use crate::policy::Facts;

/// How long after an appointment its practitioner counts as treating the patient; before it, they do from when it is booked.
const CARE_LASTS: TimeDelta = TimeDelta::days(365);

/// What a caller is to one patient.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Circumstances {
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
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Grant {
    kinds: BTreeSet<DataKind>,
    labels: BTreeSet<Label>,
}

/// What a consent or a restriction says, of those that name the caller and the caller's purpose.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Provision {
    id: Uuid,
    source: Source,
    decision: Decision,
    kinds: BTreeSet<DataKind>,
    labels: BTreeSet<Label>,
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

impl Circumstances {
    /// What the policies are told about a datum, or about one label of it, and what that rests on.
    pub(crate) fn facts(&self, datum: Datum<'_>, label: Option<Label>) -> (Facts, Vec<DecisionFact>) {
        let mut rests_on = BTreeSet::new();
        let mut facts = Facts { own: self.own, treats: self.treats, authored: datum.authored, glass_broken: self.glass.is_some(), ..Facts::default() };
        if self.own {
            rests_on.insert(DecisionFact::OwnRecord);
        } else if let Some(covering) = self.grants.iter().find(|grant| covers(&grant.kinds, datum.kind)).or(self.grants.first()) {
            facts.proxy = true;
            facts.covered = covers(&covering.kinds, datum.kind);
            let opened = |grant: &Grant| covers(&grant.kinds, datum.kind) && label.is_some_and(|label| grant.labels.contains(&label));
            facts.consented = self.grants.iter().any(opened);
            rests_on.insert(DecisionFact::Grant);
        }
        for provision in self.provisions.iter().filter(|provision| covers(&provision.kinds, datum.kind)) {
            let fact = match (provision.source, provision.decision) {
                (_, Decision::Permit) if label.is_some_and(|label| provision.labels.contains(&label)) => {
                    facts.consented = true;
                    DecisionFact::Consent(ConsentId(provision.id))
                }
                (_, Decision::Permit) => continue,
                (_, Decision::Deny) if !provision.labels.is_empty() && datum.labels.iter().all(|label| !provision.labels.contains(label)) => continue,
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

/// Whether what is said of these kinds is said of this one: of none means of all.
fn covers(kinds: &BTreeSet<DataKind>, kind: Option<DataKind>) -> bool {
    kinds.is_empty() || kind.is_some_and(|kind| kinds.contains(&kind))
}

/// One row a patient. What it reads are a handful of rows of each.
const STATEMENT: &str = "select asked.id, asked.id = any($2) or person.records && $2 as own, \
     coalesce((select json_agg(json_build_object('kinds', kinds, 'labels', labels)) from patient_grant \
        where grantee = $3 and patient_id = any(person.records) and patient_id = any($10)), '[]') as grants, \
     exists (select from appointment where practitioner_id = $4 and patient_id = any(person.records) \
        and status not in ('cancelled', 'noshow') and start_at > $5) as treats, \
     coalesce((select json_agg(json_build_object('id', provision_id, 'source', source, 'decision', decision, 'kinds', kinds, 'labels', labels)) \
        from provision where patient_id = any(person.records) \
        and (starts_at is null or starts_at <= $6) and (ends_at is null or ends_at > $6) and (purposes = '{}' or $7 = any(purposes)) \
        and (recipient_kind = 'anyone' or recipient_kind = 'user' and recipient = $3::text or recipient_kind = 'role' and recipient = any($8) \
            or recipient_kind = 'facility' and recipient::uuid = any($9))), '[]') as provisions, \
     (select break_glass_id from break_glass where user_id = $3 and patient_id = any(person.records) and starts_at <= $6 and ends_at > $6 \
        order by ends_at desc limit 1) as glass, \
     array(select distinct facility_id from appointment where patient_id = any(person.records) and facility_id = any($9)) as facilities \
     from unnest($1::uuid[]) as asked (id) cross join lateral \
     (select coalesce(array_agg(record_id), '{}') || asked.id as records from patient_link where patient_id = asked.id) as person";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    own: bool,
    grants: Value,
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
) -> Result<HashMap<PatientId, Circumstances>, sqlx::Error> {
    let uuids = |patients: &BTreeSet<PatientId>| patients.iter().map(|patient| patient.0).collect::<Vec<_>>();
    let roles: Vec<&str> = caller.roles().into_iter().map(Role::name).collect();
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
        .bind(uuids(reached.own))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((PatientId(row.id), row.circumstances()?))).collect()
}

/// Whom a caller reaches as a patient or for one, and when they ask.
pub(crate) struct Reached<'snapshot> {
    /// Every record of their own, and of those who let them in.
    pub(crate) own: &'snapshot BTreeSet<PatientId>,
    /// Those that are their own.
    pub(crate) themself: &'snapshot BTreeSet<PatientId>,
    /// The moment.
    pub(crate) now: DateTime<Utc>,
}

impl Row {
    fn circumstances(self) -> Result<Circumstances, sqlx::Error> {
        Ok(Circumstances {
            own: self.own,
            grants: read(self.grants)?,
            treats: self.treats,
            provisions: read(self.provisions)?,
            glass: self.glass.map(BreakGlassId),
            facilities: self.facilities.into_iter().map(FacilityId).collect(),
        })
    }
}

/// A row that this build does not understand closes: it may be a dissent.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, sqlx::Error> {
    serde_json::from_value(value).map_err(|error| sqlx::Error::Decode(error.into()))
}
