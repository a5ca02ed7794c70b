//! `GET /fhir/Patient/<id>/$everything?_count&_after`: all that is recorded of a person, page by page (<http://hl7.org/fhir/R4/patient-operation-everything.html>).

use std::fmt::{Display, Formatter};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::{PatientId, Permission};
use fhir::ResourceType;
use gate::{Answered, Credentials, Gate, MaskedRows, Snapshot, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Problem, outcome, resource};
use crate::http::{Named, link, located, origin, reading_for, settled};
use crate::read::{Candidate, Failure, candidates, require, settle_fields};
use crate::tables::{Table, tables};

/// How many resources a page has unless the client says, and the most.
const USUAL: usize = 200;
const MOST: usize = 1_000;
/// How many rows are read at once.
const AT_ONCE: usize = 200;

const COUNT: Problem = Problem::BadSearch("`_count` must be 1 to 1000.");
const AFTER: Problem = Problem::BadSearch("`_after` must be as a link to the next page has it.");
const UNKNOWN: Problem = Problem::BadSearch("The operation takes `_count` and `_after` here, each at most once.");

/// The parameters that a client may give, with what they mean.
pub const PARAMETERS: &str =
    "In pages: `_count` is how many resources a page has, 200 unless given and at most 1000; the link `next` leads to the page behind it.";

/// Which page is asked for.
struct Asked {
    count: usize,
    after: Option<Place>,
}

/// The last resource of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    resource_type: ResourceType,
    id: Uuid,
}

/// A page of a person's resources.
struct Page {
    /// The person's records.
    records: Vec<Uuid>,
    resources: Vec<Value>,
    /// How many there are among them that the caller may know of, and not see.
    masked: usize,
    last: Option<Place>,
    /// Whether the caller sees more behind it.
    more: bool,
    /// Whether there is no other page.
    whole: bool,
}

/// Answers with a page.
pub async fn answer(
    State(gate): State<Gate>,
    named: Named<String>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        let caller = gate.admit(Credentials::of(&headers)).await?;
        let id = named.map_err(|_| Problem::NotFound)?.0;
        let patient: Uuid = id.parse().map_err(|_| Problem::NotFound)?;
        let Query(parameters) = parameters.map_err(|_| UNKNOWN)?;
        let asked = Asked::of(&parameters)?;
        let reading = reading_for(&headers, "fhir everything".to_owned(), &json!({ "id": id }))?;
        let read = gate.read(&caller, reading, |snapshot| async move { page(&snapshot, PatientId(patient), &asked).await }).await;
        settled(read).map(|answered| (patient, parameters, answered))
    };
    let origin = origin(&headers);
    answered.await.map_or_else(Problem::into_response, |(patient, parameters, answered)| {
        let (reflects, notices) = (answered.reflects.0, answered.notices.clone());
        resource(&bundle(patient, &parameters, answered, &origin), reflects, &notices)
    })
}

impl Asked {
    fn of(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (mut count, mut after) = (None, None);
        for (name, value) in parameters {
            let twice = match name.as_str() {
                "_count" => count.replace(value.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or(COUNT)?).is_some(),
                "_after" => after.replace(Place::read(value).ok_or(AFTER)?).is_some(),
                _ => true,
            };
            if twice {
                return Err(UNKNOWN);
            }
        }
        Ok(Self { count: count.unwrap_or(USUAL), after })
    }
}

impl Place {
    fn read(reference: &str) -> Option<Self> {
        let (name, id) = reference.split_once('/')?;
        let resource_type = ResourceType::named(name).filter(|resource_type| sections().contains(resource_type))?;
        Some(Self { resource_type, id: id.parse().ok()? })
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.resource_type.name(), self.id)
    }
}

/// The types of what is recorded of a person, in the order in which they are told.
fn sections() -> Vec<ResourceType> {
    let mut facts: Vec<ResourceType> = ResourceType::all().filter(|resource_type| matches!(resource_type, ResourceType::Fact(_))).collect();
    facts.sort_by_key(|kind| kind.name());
    [vec![ResourceType::Patient], facts, vec![ResourceType::DocumentReference]].concat()
}

/// All that is recorded of a person, under whichever of their records: the records themselves first, the others type by type in the order of their ids, which no change
/// moves. So every resource that stays is on exactly one page, whatever happens between the pages.
async fn page(snapshot: &Snapshot, patient: PatientId, asked: &Asked) -> Result<Page, Failure> {
    let sections = sections();
    sections.iter().try_for_each(|resource_type| require(snapshot, *resource_type))?;
    let records: Vec<Uuid> = sqlx::query_scalar("select record_id from patient_link where patient_id = $1 order by record_id <> $1, record_id")
        .bind(patient.0)
        .fetch_all(&mut *snapshot.connection().await)
        .await?;
    let mut page = Page { records, resources: Vec::new(), masked: 0, last: None, more: false, whole: asked.after.is_none() };
    if asked.after.is_some() {
        page.refuse_unless_known(snapshot, patient).await?;
    }
    let begin = asked.after.and_then(|after| sections.iter().position(|section| *section == after.resource_type)).unwrap_or_default();
    for section in &sections[begin..] {
        let after = asked.after.filter(|after| after.resource_type == *section).map(|after| after.id);
        page.fill(snapshot, *section, after, asked.count).await?;
        if page.last.is_none() && asked.after.is_none() {
            return Err(Failure::NotFound);
        }
        if page.resources.is_empty() && asked.after.is_none() {
            return Err(Failure::Masked);
        }
        if page.more {
            page.whole = false;
            break;
        }
    }
    Ok(page)
}

impl Page {
    /// Refuses what nobody may ask for page by page who may not ask for the person.
    async fn refuse_unless_known(&self, snapshot: &Snapshot, patient: PatientId) -> Result<(), Failure> {
        let themself = Candidate::of_patient(ResourceType::Patient.name(), Permission::ReadPatients, patient);
        match snapshot.judge(&[themself]).await?.first() {
            Some(Verdict::Shown) if !self.records.is_empty() => Ok(()),
            Some(Verdict::Masked(_)) if !self.records.is_empty() => Err(Failure::Masked),
            _ => Err(Failure::NotFound),
        }
    }

    /// Adds resources of a type, until there are so many on the page and it is known whether there are more.
    async fn fill(&mut self, snapshot: &Snapshot, section: ResourceType, after: Option<Uuid>, count: usize) -> Result<(), Failure> {
        let Some(table) = tables(section).first() else { return Ok(()) };
        let mut after = after;
        loop {
            let ids = self.ids(snapshot, section, after).await?;
            let (last, of_all) = (ids.last().copied(), ids.len() < AT_ONCE);
            let rows = candidates(snapshot, section, table, rows(snapshot, section, table, ids).await?).await?.of_patients;
            let ids: Vec<Uuid> = rows.iter().map(|candidate| candidate.id).collect();
            let room = count - self.resources.len() - self.masked;
            let first = snapshot.show_first(rows, room, MaskedRows::Kept).await?;
            for (place, candidate) in first.shown {
                self.last = Some(Place { resource_type: section, id: ids[place] });
                match candidate.resource {
                    Some(resource) => self.resources.push(settle_fields(snapshot, resource)),
                    None => self.masked += 1,
                }
            }
            self.more = first.more;
            if self.more || of_all {
                return Ok(());
            }
            after = last;
        }
    }

    /// The next ids of a type.
    async fn ids(&self, snapshot: &Snapshot, section: ResourceType, after: Option<Uuid>) -> Result<Vec<Uuid>, Failure> {
        let statement = match section {
            ResourceType::Patient => {
                let begin = after.and_then(|after| self.records.iter().position(|record| *record == after)).map_or(0, |place| place + 1);
                return Ok(self.records.iter().skip(begin).take(AT_ONCE).copied().collect());
            }
            ResourceType::DocumentReference => {
                "select document_id from document where patient_id = any($1) and '' <> $2 and ($3::uuid is null or document_id > $3) order by document_id limit $4"
            }
            _ => "select fact_id from chart_fact where patient_id = any($1) and kind = $2 and ($3::uuid is null or fact_id > $3) order by fact_id limit $4",
        };
        let statement = sqlx::query_scalar(statement).bind(&self.records).bind(section.name()).bind(after).bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        Ok(statement.fetch_all(&mut *snapshot.connection().await).await?)
    }
}

/// The rows of these ids, in their order.
async fn rows(snapshot: &Snapshot, section: ResourceType, table: &Table, ids: Vec<Uuid>) -> Result<Vec<(Uuid, Value)>, Failure> {
    let statement = sqlx::query_as(table.some).bind(ids.clone()).bind(section.name());
    let mut rows: Vec<(Uuid, Value)> = statement.fetch_all(&mut *snapshot.connection().await).await?;
    rows.sort_by_key(|(id, _)| ids.iter().position(|wanted| wanted == id));
    Ok(rows)
}

/// A `Bundle` of the type `searchset`; it says so where the read models lack something of these records, and where something of them is not for the caller.
fn bundle(patient: Uuid, parameters: &[(String, String)], answered: Answered<Page>, origin: &str) -> Value {
    let Page { records, resources, masked, last, more, whole } = answered.value;
    let about = |parked: &String| records.iter().any(|record| parked.strip_prefix("patient/") == Some(record.to_string().as_str()));
    let incomplete = answered.parked.iter().any(about);
    let warning = incomplete.then(|| {
        let text = "Something that was recorded could not be applied to the read models yet, so it may be missing here.";
        json!({ "resource": outcome("warning", "incomplete", text), "search": { "mode": "outcome" } })
    });
    let suppressed = (masked > 0).then(|| {
        let text = format!("What {masked} more of the resources say is not for you; the patient's consent, or breaking the glass, opens it.");
        json!({ "resource": outcome("information", "suppressed", &text), "search": { "mode": "outcome" } })
    });
    let matched = |resource: Value| {
        let [name, id] = ["resourceType", "id"].map(|field| resource[field].as_str().unwrap_or_default());
        json!({ "fullUrl": format!("{origin}/fhir/{name}/{id}"), "resource": located(resource, origin), "search": { "mode": "match" } })
    };
    let path = format!("Patient/{patient}/$everything");
    let given = || parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let mut links = vec![json!({ "relation": "self", "url": link(origin, &path, given()) })];
    if let Some(last) = last.filter(|_| more) {
        let next = given().filter(|(name, _)| *name != "_after").chain([("_after", last.to_string())]);
        links.push(json!({ "relation": "next", "url": link(origin, &path, next) }));
    }
    let total = resources.len();
    let entries: Vec<Value> = resources.into_iter().map(matched).chain(warning).chain(suppressed).collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries });
    if whole {
        // Of one page among several it is not known.
        bundle["total"] = total.into();
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(parameters: &[(&str, &str)]) -> Result<(usize, Option<String>), Problem> {
        let owned: Vec<(String, String)> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::of(&owned).map(|asked| (asked.count, asked.after.map(|after| after.to_string())))
    }

    #[test]
    fn a_page_has_its_bounds_and_a_place_is_one_that_a_link_has() {
        let place = format!("Condition/{}", Uuid::from_u128(7));
        assert_eq!(asked(&[]), Ok((USUAL, None)));
        assert_eq!(asked(&[("_count", "1000"), ("_after", &place)]), Ok((1000, Some(place.clone()))));
        for count in ["0", "1001", "-1", "many"] {
            assert_eq!(asked(&[("_count", count)]), Err(COUNT), "{count}");
        }
        for after in ["Condition", "Condition/1", &format!("Organization/{}", Uuid::nil()), &format!("Nothing/{}", Uuid::nil())] {
            assert_eq!(asked(&[("_after", after)]), Err(AFTER), "{after}");
        }
        assert_eq!((asked(&[("_count", "1"), ("_count", "2")]), asked(&[("_since", "2026")])), (Err(UNKNOWN), Err(UNKNOWN)));
    }
}
