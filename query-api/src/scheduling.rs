//! Appointments, and what this caller may do with each.

mod appointment;
mod filter;
mod load;

use async_graphql::{Context, ID, Object, Result};
use domain::{AppointmentId, Permission};
use gate::MaskedRows;
use uuid::Uuid;

use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::argument;
use crate::paging::{Page, cost_at_root};
use crate::reads::permitted;

pub use appointment::{Appointment, AppointmentStatus};
pub use filter::{AppointmentFilter, Period};
pub use load::{AppointmentsOf, Whose};

const READ: Permission = Permission::ReadAppointments;

/// The queries of this context.
#[derive(Default)]
pub struct SchedulingQueries;

#[Object]
impl SchedulingQueries {
    /// The appointments that match everything asked for, by their start.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn appointments(
        &self,
        context: &Context<'_>,
        filter: Option<AppointmentFilter>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Appointment>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, READ)?;
        // That one was found by what is masked would tell it.
        let masked = if filter.is_some() { MaskedRows::LeftOut } else { MaskedRows::Kept };
        let filter = filter.unwrap_or_default();
        let appointments = |page| {
            let statement = filter.statement(&page);
            async move { Ok(statement?.build_query_as().fetch_all(&mut *permitted.connection().await).await?) }
        };
        Ok(permitted.show_page(page, masked, Appointment::key, appointments).await?)
    }

    /// One appointment; null when there is none that you may see.
    async fn appointment(&self, context: &Context<'_>, id: ID) -> Result<Option<Appointment>> {
        Ok(appointment(context, argument("id", &id)?).await?)
    }
}

/// One appointment, and the note that it is shown.
pub async fn appointment(context: &Context<'_>, id: AppointmentId) -> Result<Option<Appointment>, Failure> {
    let permitted = permitted(context, READ)?;
    permitted.show_one(permitted.load(id).await?).await
}
