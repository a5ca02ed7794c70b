//! Patients: who they are, and how they are found. Row-level security decides which of them a caller sees; one that they may not see is as one
//! that is not there.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::Utc;
use domain::fhir_values::{IdentifierValue, SystemUri};
use domain::{InvalidValue, PatientId, Permission, fhir_values};
use gate::{MaskedRows, OfPatient};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::connection::Connection;
use crate::consents::{self, AccessGrant, Consent, ConsentsOf, GrantsOf, Restriction, RestrictionsOf};
use crate::disclosures::{Disclosure, DisclosuresOf};
use crate::errors::Failure;
use crate::history::{HistoryEntry, HistoryOf, without_unknown_successor};
use crate::ids::{argument, global};
use crate::paging::{Page, cost, cost_at_root};
use crate::reads::{Loads, by_id, permitted};
use crate::records::{AsOf, COST_OF_THE_PAST, ChartArguments, ChartChange, ChartChangesOf, ChartConnection, ChartKind, chart, chart_changes};
use crate::scalars::{DateTime, PartialDate};
use crate::scheduling::{Appointment, AppointmentStatus, AppointmentsOf, Period, Whose};
use crate::values::{Address, AdministrativeGender, ContactPoint, HumanName, Identifier, Masked};

const READ: Permission = Permission::ReadPatients;

/// The queries of this context.
#[derive(Default)]
pub struct PatientQueries;

#[Object]
impl PatientQueries {
    /// The patients that match everything asked for, by name; without a search all that you may see.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn patients(
        &self,
        context: &Context<'_>,
        search: Option<PatientSearch>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Patient>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, READ)?;
        // That somebody was found by what is masked would tell it.
        let masked = if search.is_some() { MaskedRows::LeftOut } else { MaskedRows::Kept };
        let search = search.unwrap_or_default();
        let patients = |page| {
            let statement = search.statement(&page);
            async move { Ok(statement?.build_query_as().fetch_all(&mut *permitted.connection().await).await?) }
        };
        Ok(permitted.show_page(page, masked, |patient: &Patient| patient.uuid, patients).await?)
    }

    /// One patient; null when there is none that you may see.
    async fn patient(&self, context: &Context<'_>, id: ID) -> Result<Option<Patient>> {
        Ok(patient(context, argument("id", &id)?).await?)
    }
}

/// One patient, and the note that they are shown.
pub async fn patient(context: &Context<'_>, id: PatientId) -> Result<Option<Patient>, Failure> {
    let permitted = permitted(context, READ)?;
    permitted.show_one(permitted.load(id).await?).await
}

/// What patients are found by; everything given must match.
#[derive(Default, InputObject)]
pub struct PatientSearch {
    /// The beginnings of any words of any of their names, in any order, without case and diacritics: `zoe obr` finds Zoë O’Brien.
    name: Option<String>,
    /// The date of birth: finds everyone whose date, as far as it is known, can be this one.
    birth_date: Option<PartialDate>,
    /// An identifier they have.
    identifier: Option<IdentifierSearch>,
    /// Whether the record is in use: neither deactivated nor merged into another.
    active: Option<bool>,
}

/// An identifier to find somebody by.
#[derive(InputObject)]
pub struct IdentifierSearch {
    /// Who assigned it; left out, anybody.
    pub system: Option<String>,
    /// The value, exactly.
    pub value: String,
}

impl IdentifierSearch {
    /// The condition on the columns `value` and `system`.
    pub fn push_to(&self, statement: &mut QueryBuilder<Postgres>) -> Result<(), Failure> {
        let value = IdentifierValue::try_from(self.value.as_str()).map_err(|rule| Failure::Argument("identifier", rule))?;
        statement.push("value = ").push_bind(String::from(value));
        if let Some(system) = &self.system {
            let system = SystemUri::try_from(system.as_str()).map_err(|rule| Failure::Argument("identifier", rule))?;
            statement.push(" and system = ").push_bind(String::from(system));
        }
        Ok(())
    }
}

impl PatientSearch {
    fn statement(&self, page: &Page<Uuid>) -> Result<QueryBuilder<Postgres>, Failure> {
        let mut statement = QueryBuilder::new("select p.* from patient p where true");
        for word in search_words(self.name.as_deref())? {
            let range = projections::prefix_range(&word);
            statement.push(" and p.patient_id in (select patient_id from patient_name where word >= ").push_bind(range.start);
            statement.push(" and word < ").push_bind(range.end).push(")");
        }
        if let Some(PartialDate(date)) = &self.birth_date {
            let date = fhir_values::PartialDate::try_from(date.clone()).map_err(|rule| Failure::Argument("birthDate", rule))?;
            statement.push(" and p.birth_earliest <= ").push_bind(date.latest());
            statement.push(" and p.birth_latest >= ").push_bind(date.earliest());
        }
        if let Some(identifier) = &self.identifier {
            statement.push(" and p.patient_id in (select patient_id from patient_identifier where ");
            identifier.push_to(&mut statement)?;
            statement.push(")");
        }
        if let Some(active) = self.active {
            statement.push(" and p.active = ").push_bind(active);
        }
        if let Some(after) = page.after {
            statement.push(" and (p.name_key, p.patient_id) > (select name_key, patient_id from patient where patient_id = ").push_bind(after).push(")");
        }
        statement.push(" order by p.name_key, p.patient_id limit ").push_bind(page.limit());
        Ok(statement)
    }
}

/// The words to find a name by, folded as the stored ones are.
pub fn search_words(name: Option<&str>) -> Result<Vec<String>, Failure> {
    let words = name.map(projections::fold).unwrap_or_default();
    match name {
        Some(_) if words.is_empty() => Err(Failure::Argument("name", InvalidValue("hold a letter or a digit"))),
        _ if words.len() > 10 => Err(Failure::Argument("name", InvalidValue("hold at most ten words"))),
        _ => Ok(words),
    }
}

/// A person who is cared for (FHIR `Patient`), as one record of them says.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Patient {
    /// The id as commands have it.
    #[sqlx(rename = "patient_id")]
    uuid: Uuid,
    /// Whether the record is in use: neither deactivated nor merged into another.
    active: bool,
    #[graphql(skip)]
    merged_into: Option<Uuid>,
    /// Whether what was protected is gone for good.
    erased: bool,
    /// The names, the official one first; none of an unidentified patient.
    #[graphql(name = "names")]
    #[sqlx(json)]
    name: Vec<HumanName>,
    /// The first name as a person reads it.
    display_name: Option<String>,
    #[graphql(skip)]
    gender: Option<String>,
    #[graphql(skip)]
    birth_date: Option<String>,
    /// A code of HL7's `v3-MaritalStatus`.
    marital_status: Option<String>,
    /// The languages that they speak, BCP 47, the preferred one first.
    #[graphql(name = "languages")]
    #[sqlx(json)]
    language: Vec<String>,
    #[graphql(skip)]
    #[sqlx(json)]
    telecom: Vec<ContactPoint>,
    #[graphql(skip)]
    #[sqlx(json)]
    address: Vec<Address>,
    /// Business identifiers, such as the medical record number.
    #[sqlx(json)]
    identifiers: Vec<Identifier>,
    /// Whether they died; null where it is masked.
    deceased: Option<bool>,
    /// When they died (FHIR `dateTime`, perhaps partial); null also when it is not known when.
    deceased_date_time: Option<String>,
    #[graphql(skip)]
    registered_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    changed_at: chrono::DateTime<Utc>,
    /// Why who they are is not shown, where it is not: everything else is empty then.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// How to reach a person.
#[derive(Clone, SimpleObject)]
pub struct Contact {
    /// Telephone, email and the like.
    telecom: Vec<ContactPoint>,
    /// Postal addresses.
    address: Vec<Address>,
}

impl OfPatient for Patient {
    fn type_name(&self) -> &'static str {
        "Patient"
    }
    fn permission(&self) -> Permission {
        READ
    }
    fn patient(&self) -> PatientId {
        PatientId(self.uuid)
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            name: Vec::new(),
            display_name: None,
            gender: None,
            birth_date: None,
            marital_status: None,
            language: Vec::new(),
            telecom: Vec::new(),
            address: Vec::new(),
            identifiers: Vec::new(),
            deceased: None,
            deceased_date_time: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            active: self.active,
            merged_into: self.merged_into,
            erased: self.erased,
            registered_at: self.registered_at,
            changed_at: self.changed_at,
        }
    }
}

#[ComplexObject]
impl Patient {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(PatientId(self.uuid))
    }

    /// The gender that they are considered to have for administration.
    async fn gender(&self) -> Option<AdministrativeGender> {
        self.gender.as_ref().and_then(|code| serde_json::from_value(code.as_str().into()).ok())
    }

    /// The date of birth, as far as it is known.
    async fn birth_date(&self) -> Option<PartialDate> {
        self.birth_date.clone().map(PartialDate)
    }

    /// How to reach them; null for those who do not need it.
    async fn contact(&self) -> Option<Contact> {
        Some(Contact { telecom: self.telecom.clone(), address: self.address.clone() })
    }

    /// When Carelog first learned of them.
    async fn registered_at(&self) -> DateTime {
        self.registered_at.into()
    }

    /// When Carelog last learned something new about them.
    async fn changed_at(&self) -> DateTime {
        self.changed_at.into()
    }

    /// The record to use instead of this one.
    async fn merged_into(&self, context: &Context<'_>) -> Result<Option<Patient>> {
        let Some(survivor) = self.merged_into else { return Ok(None) };
        Ok(patient(context, PatientId(survivor)).await?)
    }

    /// The records that were merged into this one.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn merged_records(&self, context: &Context<'_>) -> Result<Vec<Patient>> {
        let permitted = permitted(context, READ)?;
        Ok(permitted.show_all(permitted.load(MergedInto(self.uuid)).await?.unwrap_or_default()).await?)
    }

    /// Their appointments under any record of theirs, by their start. `from` and `to` bound the time, half-open.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn appointments(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        from: Option<DateTime>,
        to: Option<DateTime>,
        status: Option<Vec<AppointmentStatus>>,
    ) -> Result<Connection<Uuid, Appointment>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadAppointments)?;
        let (whose, period) = (Whose::Patient(self.uuid), Period::of(from, to)?);
        let appointments = |page| {
            let key = AppointmentsOf { whose, period, status: status.clone(), page };
            async move { Ok(permitted.load(key).await?.unwrap_or_default()) }
        };
        Ok(permitted.show_page(page, MaskedRows::Kept, Appointment::key, appointments).await?)
    }

    /// What is known of their health under any record of theirs: the clinical facts, newest first by when it was so, also what was entered in error, and beside them
    /// the documents. With `asOf` as it was known at that moment, under the records that were theirs then.
    #[graphql(complexity = "cost(first, child_complexity) + if as_of.is_some() { COST_OF_THE_PAST } else { 0 }")]
    async fn chart(
        &self,
        context: &Context<'_>,
        as_of: Option<AsOf>,
        kinds: Option<Vec<ChartKind>>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<ChartConnection> {
        let page = Page::of(first, after.as_deref())?;
        Ok(chart(context, PatientId(self.uuid), ChartArguments { as_of, kinds, page }).await?)
    }

    /// Every change of their chart, facts and documents, after one moment and up to another, in the log's order.
    #[graphql(complexity = "cost(first, child_complexity) + 2 * COST_OF_THE_PAST")]
    async fn chart_changes(
        &self,
        context: &Context<'_>,
        from: AsOf,
        to: AsOf,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<(i64, Uuid), ChartChange>> {
        let page = Page::of(first, after.as_deref())?;
        Ok(chart_changes(context, ChartChangesOf { patient: PatientId(self.uuid), from, to, page }).await?)
    }

    /// What they consented to under any record of theirs, the newest id first. Whom they let in does not see it.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn consents(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Consent>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, consents::READ)?;
        let patient = self.uuid;
        let consents = |page| async move { Ok(permitted.load(ConsentsOf { patient, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, Consent::key, consents).await?)
    }

    /// The restrictions that they asked for under any record of theirs, the newest id first. Whom they let in does not see it.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn restrictions(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Restriction>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, consents::READ)?;
        let patient = self.uuid;
        let restrictions = |page| async move { Ok(permitted.load(RestrictionsOf { patient, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, Restriction::key, restrictions).await?)
    }

    /// Whom they let in, under any record of theirs, also where it has ended. Whom they let in does not see it.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn grants(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<(Uuid, Uuid), AccessGrant>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, consents::READ)?;
        let patient = self.uuid;
        let grants = |page| async move { Ok(permitted.load(GrantsOf { patient, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, AccessGrant::key, grants).await?)
    }

    /// What was disclosed of them to somebody outside under any record of theirs, the newest first. Patients see their own, but for wrong entries and for what
    /// is kept from them for a time.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn disclosures(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Disclosure>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadDisclosures)?;
        let (patient, shown_to_patient_at) = (self.uuid, (!permitted.reaches_whole_tenant()).then(|| permitted.now()));
        let disclosures = |page| async move { Ok(permitted.load(DisclosuresOf { patient, shown_to_patient_at, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, Disclosure::key, disclosures).await?)
    }

    /// What happened to them and to their records, newest first; of what you may not read, that it happened.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn history(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<i64, HistoryEntry>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadHistory)?;
        let patient = self.uuid;
        permitted.notes_look_up(PatientId(patient));
        let entries = |page| async move {
            let entries: Vec<HistoryEntry> = permitted.load(HistoryOf { patient, page }).await?.unwrap_or_default();
            let entries = entries.into_iter().map(|entry| entry.with_details(|of, label| permitted.sees_detail(of, label)));
            futures::future::try_join_all(entries.map(|entry| without_unknown_successor(permitted, entry))).await
        };
        Ok(permitted.show_page(page, MaskedRows::Kept, HistoryEntry::key, entries).await?)
    }
}

impl Loader<PatientId> for Loads {
    type Value = Patient;
    type Error = Failure;
    async fn load(&self, ids: &[PatientId]) -> Result<HashMap<PatientId, Patient>, Failure> {
        let found: Vec<Patient> = self.rows("select * from patient where patient_id = any($1)", ids).await?;
        Ok(by_id(found, |patient| PatientId(patient.uuid)))
    }
}

/// The records that were merged into one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MergedInto(Uuid);

impl Loader<MergedInto> for Loads {
    type Value = Vec<Patient>;
    type Error = Failure;
    async fn load(&self, survivors: &[MergedInto]) -> Result<HashMap<MergedInto, Vec<Patient>>, Failure> {
        let survivors: Vec<Uuid> = survivors.iter().map(|survivor| survivor.0).collect();
        let found: Vec<Patient> = sqlx::query_as("select * from patient where merged_into = any($1) order by name_key, patient_id")
            .bind(survivors)
            .fetch_all(&mut *self.connection().await)
            .await?;
        let mut records: HashMap<MergedInto, Vec<Patient>> = HashMap::new();
        for record in found {
            if let Some(survivor) = record.merged_into {
                records.entry(MergedInto(survivor)).or_default().push(record);
            }
        }
        Ok(records)
    }
}
