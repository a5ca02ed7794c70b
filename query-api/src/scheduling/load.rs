//! The statements that read somebody's appointments, of several at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sqlx::FromRow;
use uuid::Uuid;

use super::appointment::{Appointment, AppointmentStatus, codes};
use super::filter::Period;
use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, by_arguments};

/// Whose appointments are meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// A patient's, under any record of theirs.
    Patient(Uuid),
    /// A practitioner's.
    Practitioner(Uuid),
}

/// A page of somebody's appointments. Those that were erased come last.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AppointmentsOf {
    /// Whose.
    pub whose: Whose,
    /// When.
    pub period: Period,
    /// In any of these statuses.
    pub status: Option<Vec<AppointmentStatus>>,
    /// The page.
    pub page: Page<Uuid>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    appointment: Appointment,
}

impl Loader<AppointmentsOf> for Loads {
    type Value = Vec<Appointment>;
    type Error = Failure;
    async fn load(&self, keys: &[AppointmentsOf]) -> Result<HashMap<AppointmentsOf, Vec<Appointment>>, Failure> {
        let mut found: HashMap<AppointmentsOf, Vec<Appointment>> = HashMap::new();
        for ((patients, arguments), whose) in by_arguments(keys.iter().map(|key| {
            let (patient, of) = match key.whose {
                Whose::Patient(of) => (true, of),
                Whose::Practitioner(of) => (false, of),
            };
            (of, (patient, (key.period, key.status.clone(), key.page)))
        })) {
            let (period, status, page) = arguments;
            let rows: Vec<Row> = sqlx::query_as(if patients { OF_PATIENTS } else { OF_PRACTITIONERS })
                .bind(whose)
                .bind(period.from)
                .bind(period.to)
                .bind(status.as_deref().map(codes))
                .bind(page.after)
                .bind(page.limit())
                .fetch_all(&mut *self.connection().await)
                .await?;
            for row in rows {
                let whose = if patients { Whose::Patient(row.of) } else { Whose::Practitioner(row.of) };
                let key = AppointmentsOf { whose, period, status: status.clone(), page };
                found.entry(key).or_default().push(row.appointment);
            }
        }
        Ok(found)
    }
}

macro_rules! appointments_of {
    ($whose:literal) => {
        concat!(
            "select parent.id as of, a.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select *, coalesce(start_at, 'infinity') as sort_at from appointment where ",
            $whose,
            " and ($2::timestamptz is null or end_at > $2) and ($3::timestamptz is null or start_at < $3) and ($4::text[] is null or status = any($4)) \
             and ($5::uuid is null or (coalesce(start_at, 'infinity'), appointment_id) > \
             (select coalesce(start_at, 'infinity'), appointment_id from appointment where appointment_id = $5)) \
             order by sort_at, appointment_id limit $6) a order by a.sort_at, a.appointment_id"
        )
    };
}

const OF_PATIENTS: &str = appointments_of!("patient_id in (select record_id from patient_link where patient_id = parent.id)");
const OF_PRACTITIONERS: &str = appointments_of!("practitioner_id = parent.id");
