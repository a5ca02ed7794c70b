//! Executing: one operation is one read through the gate, on one snapshot; a subscription is executed anew for each of its messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo};
use async_graphql::parser::types::OperationType;
use async_graphql::{Response, ServerResult, Value};
use domain::Phi;
use event_store::Position;
use futures::StreamExt;
use gate::{Answered, Caller, ReadRefusal, Reading};
use uuid::Uuid;

use crate::QueryApi;
use crate::batches::Batches;
use crate::document::Document;
use crate::errors::{Failure, finish};
use crate::reads::Reads;
use crate::subscriptions::Progress;

/// Who asks for what.
#[derive(Clone)]
pub struct Operation {
    /// Who asks.
    pub caller: Caller,
    /// For what.
    pub document: Document,
    /// The answer must reflect this position.
    pub wait_for: Option<Position>,
    /// The request, as traces and answers name it.
    pub request_id: Uuid,
}

/// What came of an operation.
pub enum Outcome {
    /// It was executed, perhaps with errors in some of its fields.
    Executed(Response),
    /// A subscription that has nothing to say.
    Nothing,
    /// It was not executed.
    Refused(Response),
    /// It was not executed, and nothing else will be: the token is void.
    Ended(Response),
}

/// An operation without a snapshot is validated and goes no further, so that an invalid one costs no transaction.
pub struct OnlyOnASnapshot;

impl ExtensionFactory for OnlyOnASnapshot {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for OnlyOnASnapshot {
    async fn execute(&self, context: &ExtensionContext<'_>, operation_name: Option<&str>, next: NextExecute<'_>) -> Response {
        if context.data_opt::<Reads>().is_some() { next.run(context, operation_name).await } else { Response::default() }
    }

    /// Every field that is resolved is noted for the access record; one that the caller does not need is null, and the answer says so.
    async fn resolve(&self, context: &ExtensionContext<'_>, info: ResolveInfo<'_>, next: NextResolve<'_>) -> ServerResult<Option<Value>> {
        if let Some(reads) = context.data_opt::<Reads>()
            && !reads.resolves(info.parent_type, info.name)
        {
            return Ok(Some(Value::Null));
        }
        next.run(context, info).await
    }
}

impl QueryApi {
    /// Answers a query.
    pub async fn query(&self, operation: Operation) -> Outcome {
        match self.validate(&operation).await {
            Ok(()) => self.read(operation, Progress::default()).await,
            Err(refused) => Outcome::Refused(refused),
        }
    }

    /// The response of an operation that cannot be executed.
    pub async fn validate(&self, operation: &Operation) -> Result<(), Response> {
        let mut response = self.schema.execute(operation.document.request()).await;
        if response.errors.is_empty() {
            return Ok(());
        }
        finish(&mut response, operation.request_id);
        Err(named(response, operation.request_id))
    }

    /// Executes a valid operation once.
    pub async fn read(&self, operation: Operation, progress: Progress) -> Outcome {
        let Operation { caller, document, wait_for, request_id } = operation;
        let subscription = document.operation_type == OperationType::Subscription;
        let criteria = document.criteria().map(Phi::Known);
        let reading = Reading { operation: document.title.clone(), correlation: request_id, wait_for, criteria, following: subscription };
        let read = self.gate.read(&caller, reading, |snapshot| async move {
            let batches = Batches::default();
            let request = document.request().data(Reads::of(snapshot, &batches, self.clock.now(), Arc::clone(self.gate.terminology()))).data(progress);
            batches.drive(self.schema.execute_stream(request).next()).await
        });
        match read.await {
            Err(refusal @ ReadRefusal::Unauthenticated(_)) => Outcome::Ended(named(Failure::from(refusal).response(), request_id)),
            Err(refusal) => Outcome::Refused(named(Failure::from(refusal).response(), request_id)),
            Ok(Answered { value: None, .. }) => Outcome::Nothing,
            Ok(Answered { value: Some(mut response), reflects, parked, notices, masked }) => {
                finish(&mut response, request_id);
                let mut carelog = async_graphql::indexmap::IndexMap::new();
                carelog.insert(async_graphql::Name::new("requestId"), Value::String(request_id.to_string()));
                carelog.insert(async_graphql::Name::new("reflects"), Value::Number(reflects.0.into()));
                if !parked.is_empty() {
                    carelog.insert(async_graphql::Name::new("parked"), Value::List(parked.into_iter().map(Value::String).collect()));
                }
                let listed = |texts: BTreeSet<&'static str>| Value::List(texts.into_iter().map(|text| Value::String(text.to_owned())).collect());
                if !masked.is_empty() {
                    carelog.insert(async_graphql::Name::new("masked"), listed(masked));
                }
                if !notices.is_empty() {
                    carelog.insert(async_graphql::Name::new("notices"), listed(notices));
                }
                let response = response.extension("carelog", Value::Object(carelog));
                // The root of a subscription fails as a whole, before it has anything to say.
                if subscription && response.data == Value::Null { Outcome::Refused(response) } else { Outcome::Executed(response) }
            }
        }
    }
}

/// The response with the request's id, by which our log knows it.
pub fn named(response: Response, request_id: Uuid) -> Response {
    response.extension("carelog", async_graphql::value!({ "requestId": request_id.to_string() }))
}
