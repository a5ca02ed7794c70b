//! How Carelog decides: read exactly the events a decision depends on, fold them, and append on the condition that none has joined them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::event::{Event, Subject};
use crate::ids::{FacilityId, PatientId, PractitionerId, UserId};
use crate::patients::{LinkedPatients, widen};
use crate::permission::Permission;
use crate::query::Query;
use crate::terminology::Terminology;

/// What enters a decision besides its model and the caller's words.
#[derive(Clone)]
pub struct Circumstances {
    /// The moment.
    pub now: DateTime<Utc>,
    /// Who asks, as their token says: nobody decides in another's name.
    pub actor: UserId,
    /// Their own calendar, where they are a practitioner.
    pub practitioner: Option<PractitionerId>,
    /// Their own record, where they are a patient.
    pub own_patient: Option<PatientId>,
    /// The event that led to it, where Carelog reacts to one and nobody asks.
    pub causation: Option<Uuid>,
    /// What code systems know of each other.
    pub terminology: Arc<Terminology>,
}

/// A decision over a boundary that it names itself (a dynamic consistency boundary).
pub trait Decision {
    /// The smallest state that can decide.
    type Model;
    /// The facts that follow.
    type Event: Into<Event>;
    /// Why not: a typed answer to the caller. As an `Error` it has `Debug`, and so can hold no protected value.
    type Rejection: std::error::Error + Serialize + JsonSchema + Send + Sync + 'static;

    /// The model before any event, and the events that it must see.
    fn model(&self) -> (Self::Model, Query);
    /// What it turns out to depend on once the first events are folded, such as the day of an appointment that the caller only names. Asked until it adds nothing.
    fn depends_also_on(&self, model: &Self::Model) -> Query {
        let _ = model;
        Query::new()
    }
    /// Folds one event, of any context, into the model.
    fn apply(model: &mut Self::Model, event: &Event);
    /// Decides; an empty list says that what was asked for holds already.
    fn decide(&self, model: &Self::Model, circumstances: &Circumstances) -> Result<Vec<Self::Event>, Self::Rejection>;
}

/// A decision that callers can ask for.
pub trait Command: Decision + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The context, as in the path `/v1/<context>/<name>`.
    const CONTEXT: &'static str;
    /// The command in kebab case.
    const NAME: &'static str;
    /// What the caller must be allowed to do.
    const PERMISSION: Permission;

    /// What this very command needs beyond [`Self::PERMISSION`], such as overbooking.
    fn also_needs(&self) -> Option<Permission> {
        None
    }

    /// Where it takes place, where the command says: for callers who have a role at some facilities alone.
    fn facility(&self) -> Option<FacilityId> {
        None
    }

    /// Whose record this is: whose key protects the stored answer, and whom a caller who may act only for some people must be allowed to act for.
    fn subject(&self) -> Subject;
}

/// The events that a decision must see, as far as that is known: it grows until it has settled, and is then what the append is conditional on.
#[derive(Clone, PartialEq, Eq)]
pub struct Boundary {
    named: Query,
    widened: Query,
}

impl Boundary {
    /// What the decision names before anything is read.
    pub fn of<D: Decision>(decision: &D) -> Self {
        let named = decision.model().1;
        let widened = widen(&named, &LinkedPatients::default());
        Self { named, widened }
    }

    /// What is to be read, and must not have grown at append: what the decision names, for every record of the persons it names.
    pub fn query(&self) -> &Query {
        &self.widened
    }

    /// Folds the events of [`Self::query`] in the log's order. The error is a wider boundary, to be read instead.
    pub fn fold<'events, D: Decision>(self, decision: &D, events: impl IntoIterator<Item = &'events Event>) -> Result<(D::Model, Self), Self> {
        let (mut model, mut named) = decision.model();
        let mut linked = LinkedPatients::default();
        for event in events {
            linked.apply(event);
            D::apply(&mut model, event);
        }
        named.items.extend(self.named.items.iter().filter(|item| !named.items.contains(item)).cloned().collect::<Vec<_>>());
        let more = decision.depends_also_on(&model).items.into_iter().filter(|item| !named.items.contains(item)).collect::<Vec<_>>();
        named.items.extend(more);
        let wider = Self { widened: widen(&named, &linked), named };
        if wider == self { Ok((model, wider)) } else { Err(wider) }
    }
}
