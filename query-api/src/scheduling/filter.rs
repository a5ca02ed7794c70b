//! What appointments are found by.

use async_graphql::{ID, InputObject};
use chrono::{Days, NaiveTime, Utc};
use domain::{FacilityId, InvalidValue, PractitionerId, RoomId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::appointment::{AppointmentStatus, codes};
use crate::errors::Failure;
use crate::ids::optional;
use crate::paging::Page;
use crate::scalars::{Date, DateTime};

/// What appointments are found by; everything given must match.
#[derive(Default, InputObject)]
pub struct AppointmentFilter {
    /// The local date at each appointment's own facility; also finds what goes on over midnight.
    day: Option<Date>,
    /// Only what is not over at this moment.
    from: Option<DateTime>,
    /// Only what starts before this moment.
    to: Option<DateTime>,
    /// With whom.
    practitioner: Option<ID>,
    /// Where.
    facility: Option<ID>,
    /// In which room.
    room: Option<ID>,
    /// In any of these statuses.
    status: Option<Vec<AppointmentStatus>>,
}

impl AppointmentFilter {
    pub(super) fn statement(&self, page: &Page<Uuid>) -> Result<QueryBuilder<Postgres>, Failure> {
        let period = Period::of(self.from, self.to)?;
        let practitioner: Option<PractitionerId> = optional("practitioner", self.practitioner.as_ref())?;
        let facility: Option<FacilityId> = optional("facility", self.facility.as_ref())?;
        let room: Option<RoomId> = optional("room", self.room.as_ref())?;
        let mut statement = QueryBuilder::new("select a.* from appointment a where a.start_at is not null");
        if let Some(Date(day)) = self.day {
            let midnight = |days: u64| day.checked_add_days(Days::new(days)).map(|day| day.and_time(NaiveTime::MIN));
            let (Some(start), Some(end)) = (midnight(0), midnight(1)) else { return Err(Failure::Argument("day", InvalidValue("be an ordinary date"))) };
            statement.push(" and a.local_start < ").push_bind(end);
            statement.push(" and a.end_at at time zone a.zone > ").push_bind(start);
            // No zone is more than a day from UTC, and no appointment is longer than a day: so that the index on the start bounds what is looked at.
            statement.push(" and a.start_at > ").push_bind((start - chrono::Duration::days(2)).and_utc());
            statement.push(" and a.start_at < ").push_bind((end + chrono::Duration::days(1)).and_utc());
        }
        if let Some(from) = period.from {
            statement.push(" and a.end_at > ").push_bind(from);
        }
        if let Some(to) = period.to {
            statement.push(" and a.start_at < ").push_bind(to);
        }
        for (column, id) in [("practitioner_id", practitioner.map(|id| id.0)), ("facility_id", facility.map(|id| id.0)), ("room_id", room.map(|id| id.0))] {
            if let Some(id) = id {
                statement.push(format_args!(" and a.{column} = ")).push_bind(id);
            }
        }
        if let Some(status) = &self.status {
            statement.push(" and a.status = any(").push_bind(codes(status)).push(")");
        }
        if let Some(after) = page.after {
            statement.push(" and (a.start_at, a.appointment_id) > (select start_at, appointment_id from appointment where appointment_id = ");
            statement.push_bind(after).push(")");
        }
        statement.push(" order by a.start_at, a.appointment_id limit ").push_bind(page.limit());
        Ok(statement)
    }
}

/// A half-open stretch of time that may lack a bound.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Period {
    /// The first moment.
    pub from: Option<chrono::DateTime<Utc>>,
    /// The first moment after.
    pub to: Option<chrono::DateTime<Utc>>,
}

impl Period {
    /// The arguments `from` and `to`.
    pub fn of(from: Option<DateTime>, to: Option<DateTime>) -> Result<Self, Failure> {
        let (from, to) = (from.map(|time| time.0.to_utc()), to.map(|time| time.0.to_utc()));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            Err(Failure::Argument("to", InvalidValue("be later than `from`")))
        } else {
            Ok(Self { from, to })
        }
    }
}
