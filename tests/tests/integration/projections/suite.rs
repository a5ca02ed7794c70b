//! What holds over every live source.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::consents::{ConsentGranted, ConsentRevoked, RestrictionAgreed, RestrictionDeclined, RestrictionEnded, RestrictionRequested};
use domain::disclosures::{DisclosureMade, DisclosureRetracted};
use domain::emergency::{BreakGlassEscalated, BreakGlassReviewed, GlassBroken};
use domain::identity::SessionsEnded;
use domain::patients::{
    ContactDetailsChanged, DeathRecorded, DeathReversed, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted, PatientAccessRevoked,
    PatientDeactivated, PatientMergeUndone, PatientsMerged,
};
use domain::providers::{AvailabilityExceptionSet, Calendar, PractitionerRetired, QualificationAdded};
use domain::records::{ConditionAmended, ConditionRecorded, FactKind};
use domain::scheduling::{AppointmentCancelled, AppointmentFulfilled, AppointmentNoShow, AppointmentRescheduled, AppointmentStatusReverted};
use domain::{Event, Phi};
use event_store::{Position, fresh_id};
use projections::{DeadLetters, OpenSource};
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{Clinic, event, registered};
use super::tally::Tally;
use super::{PATIENCE, ReadSide};

/// Makes the suite's tests over a source: a path to an `async fn(&ReadSide) -> (OpenSource, whatever must live as long)`.
macro_rules! over_source {
    ($open:path) => {
        $crate::projections::suite::over_source!($open: organizations, patients, merges, providers, appointments, charts, consents, history, emergency, disclosures, identity, kills, two_runners, poison);
    };
    ($open:path: $($test:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let side = $crate::projections::ReadSide::new().await;
            let (open, _lives) = $open(&side).await;
            $crate::projections::suite::$test(side, open).await;
        }
    )*};
}
pub(crate) use over_source;

/// Folds these events with every read model.
async fn folded(side: &ReadSide, open: OpenSource, events: impl IntoIterator<Item = Event>) {
    let all = projections::all();
    projections::prepare(&side.read, &all).await.unwrap();
    let running = side.start(&all, open);
    let last = side.append(events).await;
    side.reached(last).await;
    running.kill().await;
    side.agrees(&all).await;
    assert_eq!(side.value::<i64>("select count(*) from projection.parked").await, 0);
}

pub async fn organizations(side: ReadSide, open: OpenSource) {
    let clinic = Clinic::new();
    folded(&side, open, clinic.opened()).await;
    let (name, key): (String, String) = sqlx::query_as("select name, name_key from organization").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!((name.as_str(), key.as_str()), ("Élan Health", "elan health"));
    let (zone, address): (String, Value) = sqlx::query_as("select time_zone, address from facility").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!((zone.as_str(), address), ("America/Chicago", json!({ "line": ["1 Main St"], "city": "Chicago" })));
    assert_eq!(side.value::<String>("select room.name from room join facility using (tenant, facility_id)").await, "Room 1");
}

pub async fn patients(side: ReadSide, open: OpenSource) {
    type Known = (String, chrono::NaiveDate, bool, Option<String>, Value, Value, bool);
    let (ada, bob) = (fresh_id(), fresh_id());
    let (mother, stranger) = (fresh_id(), fresh_id());
    let events = [
        registered(ada, "Ada", "Łukasz-Byron", "1815-12", "1"),
        registered(bob, "Bob", "Byrd", "1950-02-09", "2"),
        event::<IdentifierAssigned>(json!({ "patient": ada, "identifier": { "system": "urn:ssn", "value": "9" }, "knownIdentifierAccepted": null })),
        event::<DemographicsCorrected>(json!({ "patient": ada, "correction": { "birthDate": "1815-12-10", "name": [
            { "given": ["Ada"], "family": "Lovelace" }, { "use": "maiden", "family": "Łukasz-Byron" }] }, "reason": "typo" })),
        event::<ContactDetailsChanged>(json!({ "patient": ada, "contact": { "telecom": [{ "system": "email", "value": "ada@example.org" }] } })),
        event::<DeathRecorded>(json!({ "patient": ada, "deceased": { "on": "1852-11" } })),
        event::<DeathRecorded>(json!({ "patient": bob, "deceased": { "at": "2020-01-01T10:00:00-06:00" } })),
        event::<DeathReversed>(json!({ "patient": bob, "reason": "another Bob" })),
        event::<PatientDeactivated>(json!({ "patient": bob, "reason": "test record" })),
        event::<PatientAccessGranted>(json!({ "patient": ada, "grantee": mother })),
        event::<PatientAccessGranted>(
            json!({ "patient": ada, "grantee": mother, "granteeName": { "of": format!("user/{mother}"), "value": { "family": "Byron" } },
            "scope": { "relationship": "PRN", "kinds": ["chart"], "labels": ["SEX"], "ends": "2028-01-01T00:00:00Z", "untilMajority": true } }),
        ),
        event::<PatientAccessGranted>(json!({ "patient": ada, "grantee": stranger })),
        event::<PatientAccessRevoked>(json!({ "patient": ada, "grantee": stranger })),
    ];
    folded(&side, open, events).await;
    let found = "select p.display_name from patient p join patient_name n using (tenant, patient_id) where n.word >= $1 and n.word < $2";
    for (typed, name) in [("LOVE", "Ada Lovelace"), ("lukasz", "Ada Lovelace"), ("Býr", "Ada Lovelace, Bob Byrd"), ("Bob", "Bob Byrd")] {
        let range = projections::prefix_range(&projections::fold(typed)[0]);
        let mut names: Vec<String> = sqlx::query_scalar(found).bind(&range.start).bind(&range.end).fetch_all(&mut *side.tables().await).await.unwrap();
        names.sort();
        assert_eq!(names.join(", "), name, "found by {typed}");
    }
    let ada: Known = sqlx::query_as(
        "select birth_date, birth_latest, deceased, deceased_date_time, telecom, identifiers, active from patient where display_name = 'Ada Lovelace'",
    )
    .fetch_one(&mut *side.tables().await)
    .await
    .unwrap();
    assert_eq!((ada.0.as_str(), ada.1.to_string().as_str(), ada.2, ada.3.as_deref(), ada.6), ("1815-12-10", "1815-12-10", true, Some("1852-11"), true));
    assert_eq!(ada.4, json!([{ "system": "email", "value": "ada@example.org" }]));
    assert_eq!(ada.5, json!([{ "system": "urn:mrn", "value": "1", "type": "MR" }, { "system": "urn:ssn", "value": "9" }]));
    let bob = "select not active and not deceased and deceased_date_time is null and deactivated from patient where display_name = 'Bob Byrd'";
    assert!(side.value::<bool>(bob).await);
    assert_eq!(side.value::<Uuid>("select grantee from patient_grant").await, mother);
    let scope = "select concat_ws(' ', relationship, kinds, labels, ends_at at time zone 'utc', until_majority, grantee_name ->> 'family') from patient_grant";
    assert_eq!(side.value::<String>(scope).await, "PRN {chart} {SEX} 2028-01-01 00:00:00 t Byron");
    assert_eq!(side.value::<i64>("select count(*) from patient_identifier where system = 'urn:ssn' and value = '9'").await, 1);
}

pub async fn consents(side: ReadSide, open: OpenSource) {
    let (ada, user) = (fresh_id(), fresh_id());
    let [kept, revoked, asked, agreed, declined, ended] = [1, 2, 3, 4, 5, 6].map(|_| fresh_id());
    let granted = |consent: Uuid, provision: Value| {
        event::<ConsentGranted>(json!({ "patient": ada, "consent": consent, "decision": "permit", "provision": provision, "signed": null, "note": "seen" }))
    };
    let requested = |restriction: Uuid| {
        let provision = json!({ "recipient": "anyone", "purposes": ["HPAYMT"] });
        event::<RestrictionRequested>(json!({ "patient": ada, "restriction": restriction, "provision": provision, "reason": "private", "paidInFull": true }))
    };
    let told = |restriction: Uuid| event::<RestrictionAgreed>(json!({ "patient": ada, "restriction": restriction }));
    let whole = json!({ "recipient": { "user": user }, "purposes": ["TREAT"], "kinds": ["chart", "access-records"], "labels": ["HIV", "PSY"],
        "period": { "start": "2027-01-01T00:00:00Z" } });
    let events = [
        registered(ada, "Ada", "Lovelace", "1815-12", "1"),
        granted(kept, whole),
        granted(revoked, json!({ "recipient": { "role": "clinician" } })),
        event::<ConsentRevoked>(json!({ "patient": ada, "consent": revoked, "reason": "changed their mind" })),
        requested(asked),
        requested(agreed),
        requested(declined),
        requested(ended),
        told(agreed),
        told(ended),
        event::<RestrictionDeclined>(json!({ "patient": ada, "restriction": declined, "reason": "care" })),
        event::<RestrictionEnded>(json!({ "patient": ada, "restriction": ended, "by": "patient-wish", "reason": "moved" })),
    ];
    folded(&side, open, events).await;
    let in_force = "select string_agg(concat_ws(' ', source, decision, recipient_kind, coalesce(recipient, '-'), purposes, kinds, labels, \
                    starts_at at time zone 'utc', ends_at), '; ' order by source) from provision";
    let expected = format!(
        "consent permit user {user} {{TREAT}} {{chart,access-records}} {{HIV,PSY}} 2027-01-01 00:00:00; restriction deny anyone - {{HPAYMT}} {{}} {{}}"
    );
    assert_eq!(side.value::<String>(in_force).await, expected);
    let since = "select count(*) from provision join consent on consent_id = provision_id where provision.position = (granted ->> 'position')::bigint";
    assert_eq!(side.value::<i64>(since).await, 1);
    let since = "select count(*) from provision join restriction on restriction_id = provision_id where provision.position = (answered ->> 'position')::bigint";
    assert_eq!(side.value::<i64>(since).await, 1);
    let states = "select string_agg(status || ' ' || coalesce(revocation_reason, '-'), '; ' order by status) from consent where note = 'seen'";
    assert_eq!(side.value::<String>(states).await, "active -; inactive changed their mind");
    let states = "select string_agg(concat_ws(' ', status, request_reason, decline_reason, ended_by, end_reason, \
                  answered is not null, ended is not null), '; ' order by status) from restriction where paid_in_full";
    let expected = "agreed private t f; declined private care t f; ended private patient-wish moved t t; requested private f f";
    assert_eq!(side.value::<String>(states).await, expected);
    let told = "select string_agg(summary, '; ' order by position) from history_entry where event_type like 'consents.Consent%'";
    let expected = format!(
        "Consented: use and disclosure permitted to the user {user}; Consented: use and disclosure permitted to everyone in the role clinician; Consent revoked"
    );
    assert_eq!(side.value::<String>(told).await, expected);
}

pub async fn merges(side: ReadSide, open: OpenSource) {
    let [a, b, c] = [1, 2, 3].map(|_| fresh_id());
    let merged = |survivor: Uuid, merged: Uuid| event::<PatientsMerged>(json!({ "survivor": survivor, "merged": merged, "reason": "same person" }));
    let undone = |survivor: Uuid, merged: Uuid| event::<PatientMergeUndone>(json!({ "survivor": survivor, "merged": merged, "reason": "twins" }));
    let names = [(a, "A"), (b, "B"), (c, "C")];
    let all = projections::all();
    projections::prepare(&side.read, &all).await.unwrap();
    let running = side.start(&all, open);
    side.append(names.map(|(patient, name)| registered(patient, name, "Same", "1950", name))).await;
    let links = async |events: Vec<Event>| {
        let last = side.append(events).await;
        side.reached(last).await;
        let statement = "select one.display_name || other.display_name from patient_link l \
             join patient one on one.patient_id = l.patient_id join patient other on other.patient_id = l.record_id order by 1";
        let pairs: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut *side.tables().await).await.unwrap();
        pairs.join(" ").replace(" Same", "")
    };
    assert_eq!(links(vec![merged(b, c)]).await, "AA BB BC CB CC");
    assert_eq!(links(vec![merged(a, b)]).await, "AA AB AC BA BB BC CA CB CC");
    assert_eq!(side.value::<i64>("select count(*) from patient where not active and merged_into is not null").await, 2);
    assert_eq!(links(vec![undone(b, c)]).await, "AA AB BA BB CC");
    assert_eq!(links(vec![undone(a, b)]).await, "AA BB CC");
    assert_eq!(side.value::<i64>("select count(*) from patient where active and merged_into is null").await, 3);
    running.kill().await;
    side.agrees(&all).await;
}

pub async fn providers(side: ReadSide, open: OpenSource) {
    let clinic = Clinic::new();
    let practitioner = clinic.practitioner;
    let more = [
        event::<QualificationAdded>(json!({ "practitioner": practitioner, "code": { "system": "urn:q", "code": "MD" }, "issuer": "Board",
            "validFrom": "2020-01-01", "validUntil": null })),
        event::<AvailabilityExceptionSet>(json!({ "practitioner": practitioner, "facility": clinic.facility, "date": "2027-01-05", "hours": [] })),
        event::<PractitionerRetired>(json!({ "practitioner": practitioner, "from": "2027-02-01", "reason": "private" })),
    ];
    folded(&side, open, clinic.opened().into_iter().chain(more)).await;
    let (name, key): (String, String) =
        sqlx::query_as("select display_name, name_key from practitioner where retired_from = '2027-02-01'").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!((name.as_str(), key.as_str()), ("Dr. Zoë O'Brien", "obrien zoe"));
    assert_eq!(
        side.value::<Uuid>("select facility_id from practitioner_facility join practitioner_role using (tenant, practitioner_id)").await,
        clinic.facility
    );
    assert_eq!(side.value::<String>("select code->>'code' from practitioner_qualification").await, "MD");
    let rows: Vec<(String, i16, Value)> =
        sqlx::query_as("select event_type, version, payload from calendar_event order by position").fetch_all(&mut *side.tables().await).await.unwrap();
    let mut calendar = Calendar::default();
    for (event_type, version, payload) in rows {
        // The payload holds no protected value; what was one is no part of a calendar.
        let Event::Providers(event) = Event::decode(&event_type, version.cast_unsigned(), payload, Phi::Erased).unwrap() else { panic!("{event_type}") };
        calendar.apply(&event);
    }
    let slots = |day: &str| {
        let start: DateTime<Utc> = format!("{day}T00:00:00Z").parse().unwrap();
        calendar.slots(domain::FacilityId(clinic.facility), domain::time::Interval { start, end: start + chrono::TimeDelta::days(1) }).len()
    };
    assert_eq!([slots("2027-01-04"), slots("2027-01-05"), slots("2027-01-12"), slots("2027-02-02")], [18, 0, 18, 0], "weekly, closed, weekly, retired");
}

pub async fn appointments(side: ReadSide, open: OpenSource) {
    let (clinic, patient) = (Clinic::new(), fresh_id());
    let [seen, moved, cancelled, missed] = [1, 2, 3, 4].map(|_| fresh_id());
    let about = |appointment: Uuid, start: &str| json!({ "appointment": appointment, "patient": patient, "placement": clinic.placement(start) });
    let with = |mut event: Value, more: Value| {
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let nine = "2027-01-05T09:00:00";
    let events = [
        clinic.booked(seen, patient, nine),
        clinic.booked(moved, patient, "2027-03-13T02:30:00"),
        clinic.booked(cancelled, patient, nine),
        clinic.booked(missed, patient, nine),
        clinic.checked_in(seen, patient, nine),
        event::<AppointmentFulfilled>(about(seen, nine)),
        event::<AppointmentStatusReverted>(with(about(seen, nine), json!({ "from": "fulfilled", "to": "checked-in", "reason": "mis-click" }))),
        event::<AppointmentRescheduled>(json!({ "appointment": moved, "patient": patient, "from": clinic.placement("2027-03-13T02:30:00"),
            "to": clinic.placement("2027-07-05T08:00:00"), "reason": "later", "exception": { "kind": "overbooked", "reason": "urgent" } })),
        event::<AppointmentCancelled>(with(about(cancelled, nine), json!({ "reason": "ill" }))),
        event::<AppointmentNoShow>(about(missed, nine)),
    ];
    folded(&side, open, events).await;
    let statement = "select status || coalesce('<' || previous_status, '') || coalesce(' ' || exception, '') || coalesce(' ' || status_reason, '') \
                     || ' ' || position from appointment order by booked_at, appointment_id";
    let rows: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut *side.tables().await).await.unwrap();
    assert_eq!(rows, ["checked-in<booked mis-click 7", "booked overbooked later 8", "cancelled<booked ill 9", "noshow<booked 10"]);
    let times: (DateTime<Utc>, DateTime<Utc>, NaiveDateTime, String) =
        sqlx::query_as("select start_at, end_at, local_start, zone from appointment where exception is not null")
            .fetch_one(&mut *side.tables().await)
            .await
            .unwrap();
    let expected = ("2027-07-05T13:00:00Z".parse().unwrap(), "2027-07-05T13:30:00Z".parse().unwrap(), "2027-07-05T08:00:00".parse().unwrap());
    assert_eq!(times, (expected.0, expected.1, expected.2, "America/Chicago".to_owned()));
}

pub async fn charts(side: ReadSide, open: OpenSource) {
    let patient: Uuid = "01990000-0000-7000-8000-000000000005".parse().unwrap();
    let examples = event_schemas::examples::examples().into_iter().map(|example| example.event).filter(|event| matches!(event, Event::Records(_)));
    let kept = fresh_id();
    let condition = |text: &str| {
        json!({ "patient": patient, "fact": kept, "content": { "code": { "text": text }, "recordedDate": "2026-03" }, "security": ["R"],
        "screening": null, "reason": "It was so" })
    };
    let events = [registered(patient, "Ada", "Lovelace", "1950", "1")]
        .into_iter()
        .chain(examples)
        .chain([event::<ConditionRecorded>(condition("Cough")), event::<ConditionAmended>(condition("Asthma"))]);
    folded(&side, open, events).await;
    let kinds = i64::try_from(FactKind::ALL.len()).unwrap();
    let one_each = "select count(distinct kind) from chart_fact where entered_in_error and amendments >= 2 and error_reason is not null";
    assert_eq!(side.value::<i64>(one_each).await, kinds);
    assert_eq!(side.value::<i64>("select count(*) from chart_fact").await, kinds + 1);
    let (title, amendments, security): (String, i32, Vec<String>) =
        sqlx::query_as("select title, amendments, security from chart_fact where fact_id = $1").bind(kept).fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!((title.as_str(), amendments, security), ("Asthma", 1, vec!["R".to_owned()]));
    let sorted = "select count(*) from chart_fact where sort_at = coalesce(occurred_at, (recorded->>'recorded')::timestamptz)";
    assert_eq!(side.value::<i64>(sorted).await, kinds + 1);
}

pub async fn history(side: ReadSide, open: OpenSource) {
    let (clinic, ada, bob, visit) = (Clinic::new(), fresh_id(), fresh_id(), fresh_id());
    let events = [
        registered(ada, "Ada", "Lovelace", "1815-12-10", "1"),
        registered(bob, "Bob", "Byrd", "1950-02", "2"),
        clinic.booked(visit, ada, "2027-01-05T09:00:00"),
        clinic.checked_in(visit, ada, "2027-01-05T09:00:00"),
        event::<PatientsMerged>(json!({ "survivor": ada, "merged": bob, "reason": "same person" })),
    ];
    folded(&side, open, clinic.opened().into_iter().chain(events)).await;
    let of = async |patient: Uuid| -> Vec<String> {
        let statement = "select summary from history_entry where patient_id = $1 order by position";
        sqlx::query_scalar(statement).bind(patient).fetch_all(&mut *side.tables().await).await.unwrap()
    };
    assert_eq!(
        of(ada).await,
        [
            "Registered: Ada Lovelace".to_owned(),
            "Booked with Dr. Zoë O'Brien on 5 January 2027, 09:00 (America/Chicago)".to_owned(),
            "Checked in for the appointment with Dr. Zoë O'Brien on 5 January 2027, 09:00 (America/Chicago)".to_owned(),
            format!("Record {bob} merged into this one"),
        ]
    );
    assert_eq!(of(bob).await, ["Registered: Bob Byrd".to_owned(), format!("Record merged into {ada}")]);
    let details = side.value::<Value>("select details from history_entry where event_type = 'scheduling.AppointmentBooked'").await;
    let pair = |label: &str, value: &str| json!({ "label": label, "value": value });
    let expected = [
        pair("Practitioner", "Dr. Zoë O'Brien"),
        pair("Facility", "Main"),
        pair("Time", "5 January 2027, 09:00 (America/Chicago)"),
        pair("Length", "30 minutes"),
        pair("Room", "Room 1"),
        pair("For", "cough"),
    ];
    assert_eq!(details, json!(expected));
    assert_eq!(side.value::<Uuid>("select distinct actor_user from history_entry").await, side.log.actor.user.0);
}

/// A few events of several patients that build on each other.
fn visits(clinic: &Clinic) -> Vec<Event> {
    let (patient, visit) = (fresh_id(), fresh_id());
    let number = patient.to_string();
    let start = "2027-01-05T09:00:00";
    vec![registered(patient, "Ada", "Lovelace", "1815", &number), clinic.booked(visit, patient, start), clinic.checked_in(visit, patient, start)]
}

/// The runner dies again and again, between any two statements, and its connections too: the rows are still those of each event applied once.
pub async fn kills(side: ReadSide, open: OpenSource) {
    const VISITS: usize = 150;
    let all = [projections::all(), Tally::alone()].concat();
    projections::prepare(&side.read, &all).await.unwrap();
    let clinic = Clinic::new();
    side.append(clinic.opened()).await;
    let appended = AtomicUsize::new(0);
    let appends = async {
        for _ in 0..VISITS {
            side.append(visits(&clinic)).await;
            appended.fetch_add(1, Ordering::Relaxed);
        }
    };
    let deaths = async {
        let mut deaths = 0_u64;
        while appended.load(Ordering::Relaxed) < VISITS || deaths < 30 {
            let running = side.start(&all, Arc::clone(&open));
            // Mostly short, and sometimes long enough for a source that takes its time to open.
            let random = u64::from(fresh_id().as_bytes()[15]);
            tokio::time::sleep(Duration::from_millis(random * random / 64)).await;
            if deaths.is_multiple_of(3) {
                let statement = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
                sqlx::query(statement).execute(&side.read).await.ok();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            running.kill().await;
            deaths += 1;
        }
    };
    tokio::join!(appends, deaths);
    let running = side.start(&all, open);
    let head = side.log.store.head().await.unwrap();
    side.reached(head).await;
    running.kill().await;
    let counted: (i64, i64) =
        sqlx::query_as("select sum(events)::bigint, sum(positions)::bigint from tally").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!(counted, (head.0, head.0 * (head.0 + 1) / 2), "each event once");
    side.agrees(&all).await;
}

pub async fn emergency(side: ReadSide, open: OpenSource) {
    let (ada, reviewed, awaited, user, officer) = (fresh_id(), fresh_id(), fresh_id(), fresh_id(), fresh_id());
    let broken = |glass: Uuid| {
        event::<GlassBroken>(json!({ "breakGlass": glass, "patient": ada, "user": user, "reason": "unconscious", "starts": "2026-03-02T21:00:00Z",
            "ends": "2026-03-02T21:30:00Z", "reviewDue": "2026-03-05T21:00:00Z" }))
    };
    let escalated = |glass: Uuid| event::<BreakGlassEscalated>(json!({ "breakGlass": glass, "patient": ada }));
    let review = json!({ "breakGlass": reviewed, "patient": ada, "reviewer": officer, "finding": "not-justified", "note": "no emergency" });
    let events = [broken(reviewed), escalated(reviewed), broken(awaited), event::<BreakGlassReviewed>(review), escalated(awaited)];
    folded(&side, open, [vec![registered(ada, "Ada", "Lovelace", "1815", "1")], events.to_vec()].concat()).await;
    type Row = (Uuid, String, Option<String>, Option<Uuid>, Option<String>, i64);
    let rows: Vec<Row> = sqlx::query_as("select break_glass_id, status, finding, reviewed_by, review_note, position from break_glass order by position")
        .fetch_all(&mut *side.tables().await)
        .await
        .unwrap();
    let first = (reviewed, "reviewed".to_owned(), Some("not-justified".to_owned()), Some(officer), Some("no emergency".to_owned()));
    assert_eq!((rows[0].0, rows[0].1.clone(), rows[0].2.clone(), rows[0].3, rows[0].4.clone()), first);
    assert_eq!((rows[1].0, rows[1].1.as_str(), rows[1].3), (awaited, "escalated", None));
    assert_eq!(side.value::<i64>("select count(*) from break_glass where reason = 'unconscious' and reviewed_at is null and review_due_at > ends_at").await, 1);
}

pub async fn disclosures(side: ReadSide, open: OpenSource) {
    let (ada, kept, wrong) = (fresh_id(), fresh_id(), fresh_id());
    let made = |disclosure: Uuid, basis: &str| {
        event::<DisclosureMade>(json!({ "disclosure": disclosure, "patient": ada, "madeAt": "2026-03-02T16:30:00Z", "what": "A test", "kinds": ["chart"],
            "recipient": { "name": "County", "address": { "city": "Chicago" } }, "basis": basis, "source": "by-hand" }))
    };
    let retracted = event::<DisclosureRetracted>(json!({ "disclosure": wrong, "patient": ada, "reason": "another Ada" }));
    folded(&side, open, [registered(ada, "Ada", "Lovelace", "1815", "1"), made(kept, "payment"), made(wrong, "research"), retracted]).await;
    type Row = (Uuid, bool, bool, Option<String>, Value, Vec<String>);
    let rows: Vec<Row> =
        sqlx::query_as("select disclosure_id, accountable, retracted, retraction_reason, recipient_address, kinds from disclosure order by position")
            .fetch_all(&mut *side.tables().await)
            .await
            .unwrap();
    let (address, kinds) = (json!({ "city": "Chicago" }), vec!["chart".to_owned()]);
    assert_eq!(rows[0], (kept, false, false, None, address.clone(), kinds.clone()));
    assert_eq!(rows[1], (wrong, true, true, Some("another Ada".to_owned()), address, kinds));
}

pub async fn identity(side: ReadSide, open: OpenSource) {
    let user = fresh_id();
    let ended = |before: &str| event::<SessionsEnded>(json!({ "user": user, "before": before, "reason": "stolen" }));
    folded(&side, open, [ended("2026-03-02T21:00:00Z"), ended("2026-03-03T21:00:00Z")]).await;
    let (known, before): (Uuid, DateTime<Utc>) =
        sqlx::query_as("select user_id, before from ended_sessions").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!((known, before.to_rfc3339().as_str()), (user, "2026-03-03T21:00:00+00:00"), "the latest counts");
}

/// Two processes run the same projections: each batch takes effect in one of them.
pub async fn two_runners(side: ReadSide, open: OpenSource) {
    let all = Tally::alone();
    projections::prepare(&side.read, &all).await.unwrap();
    let clinic = Clinic::new();
    let (one, other) = (side.start(&all, Arc::clone(&open)), side.start(&all, open));
    let mut last = Position(0);
    for _ in 0..60 {
        last = side.append(visits(&clinic)).await;
    }
    side.reached(last).await;
    // One of them alone goes on.
    one.kill().await;
    last = side.append(visits(&clinic)).await;
    side.reached(last).await;
    other.kill().await;
    let counted: (i64, i64) =
        sqlx::query_as("select sum(events)::bigint, sum(positions)::bigint from tally").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!(counted, (last.0, last.0 * (last.0 + 1) / 2), "each event once");
    side.agrees(&all).await;
}

/// An event that cannot be applied parks its subject in that projection, and nothing else.
pub async fn poison(side: ReadSide, open: OpenSource) {
    let all = projections::all();
    projections::prepare(&side.read, &all).await.unwrap();
    let letters = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&letters);
    let refused = AtomicUsize::new(0);
    let dead_letters: DeadLetters = Arc::new(move |letter| {
        // The first is not taken, and comes again.
        let refuse = refused.fetch_add(1, Ordering::SeqCst) == 0;
        let taken = Arc::clone(&taken);
        Box::pin(async move {
            if refuse {
                return Err("not now".into());
            }
            taken.lock().unwrap().push(letter);
            Ok(())
        })
    });
    let running = side.start_with(&all, open, Some(dead_letters));
    let (clinic, sick, well) = (Clinic::new(), fresh_id(), fresh_id());
    let start = "2027-01-05T09:00:00";
    side.append(clinic.opened()).await;
    side.append([registered(sick, "Ada", "Lovelace", "1815", "1"), registered(well, "Bob", "Byrd", "1950", "2")]).await;
    // Nobody booked it.
    let poison = side.append([clinic.checked_in(fresh_id(), sick, start)]).await;
    let last = side.append([clinic.booked(fresh_id(), sick, start), clinic.booked(fresh_id(), well, start)]).await;
    side.reached(last).await;
    assert_eq!(side.value::<Uuid>("select patient_id from appointment").await, well, "what is later of that subject is left out, and nothing else");
    assert_eq!(side.value::<i64>("select count(*) from history_entry").await, 5, "other projections know nothing of it");
    let parked = BTreeSet::from([format!("patient/{sick}")]);
    let handed_over = async {
        while letters.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, handed_over).await.expect("the dead letter comes again until it is taken");
    let letter = letters.lock().unwrap()[0].clone();
    assert_eq!((letter.projection.as_str(), letter.position, letter.event_type.as_str()), ("scheduling", poison, "scheduling.AppointmentCheckedIn"));
    assert_eq!((BTreeSet::from([letter.subject]), letter.reason.as_str()), (parked, "no row of appointment to change"));
    let states = running.runner.state().wait_for(|states| states.iter().any(|state| state.parked > 0)).await.unwrap().clone();
    let counts: Vec<(&str, i64)> = states.iter().filter(|state| state.parked > 0).map(|state| (state.projection.as_str(), state.parked)).collect();
    assert_eq!(counts, [("scheduling", 1)]);
    // A while longer than it takes to look for dead letters again.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(letters.lock().unwrap().len(), 1, "and once it was taken, no more");
    running.kill().await;
    side.agrees(&all).await;
}
