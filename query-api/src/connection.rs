//! A page as Relay has it. Where it ends is known by itself, and not by its last row: a page can be short, or empty, and not be the last.

use std::borrow::Cow;

use async_graphql::connection::{ConnectionNameType, CursorType, DefaultConnectionName, Edge, EmptyFields, OpaqueCursor, PageInfo};
use async_graphql::{Object, ObjectType, OutputType, TypeName};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An edge without fields of its own.
type PlainEdge<C, N> = Edge<OpaqueCursor<C>, N, EmptyFields>;

/// A page of rows, and what there is to say of the whole.
pub struct Connection<C, N, F = EmptyFields>
where
    C: Serialize + DeserializeOwned + Send + Sync,
    N: OutputType,
    F: ObjectType,
{
    edges: Vec<PlainEdge<C, N>>,
    has_previous_page: bool,
    has_next_page: bool,
    end_cursor: Option<String>,
    fields: F,
}

/// What is behind a page.
pub enum End<C> {
    /// Nothing.
    OfAll,
    /// More, after its last row.
    AfterLast,
    /// Perhaps more, after a place behind its last row.
    After(C),
}

impl<C, N> Connection<C, N>
where
    C: Serialize + DeserializeOwned + Send + Sync,
    N: OutputType,
{
    /// A page of these rows.
    pub fn new(rows: impl IntoIterator<Item = (C, N)>, has_previous_page: bool, end: End<C>) -> Self {
        let edges: Vec<PlainEdge<C, N>> = rows.into_iter().map(|(cursor, node)| Edge::new(OpaqueCursor(cursor), node)).collect();
        let last = edges.last().map(|edge| edge.cursor.encode_cursor());
        let (has_next_page, end_cursor) = match end {
            End::OfAll => (false, last),
            End::AfterLast => (true, last),
            End::After(place) => (true, Some(OpaqueCursor(place).encode_cursor())),
        };
        Self { edges, has_previous_page, has_next_page, end_cursor, fields: EmptyFields }
    }

    /// The same, with more to say of the whole.
    pub fn with_fields<F: ObjectType>(self, fields: F) -> Connection<C, N, F> {
        let Self { edges, has_previous_page, has_next_page, end_cursor, .. } = self;
        Connection { edges, has_previous_page, has_next_page, end_cursor, fields }
    }
}

#[Object(name_type)]
impl<C, N, F> Connection<C, N, F>
where
    C: Serialize + DeserializeOwned + Send + Sync,
    N: OutputType,
    F: ObjectType,
{
    /// Information to aid in pagination.
    async fn page_info(&self) -> PageInfo {
        let start_cursor = self.edges.first().map(|edge| edge.cursor.encode_cursor());
        PageInfo { has_previous_page: self.has_previous_page, has_next_page: self.has_next_page, start_cursor, end_cursor: self.end_cursor.clone() }
    }

    /// A list of edges.
    async fn edges(&self) -> &[PlainEdge<C, N>] {
        &self.edges
    }

    /// A list of nodes.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    #[graphql(flatten)]
    async fn fields(&self) -> &F {
        &self.fields
    }
}

impl<C, N, F> TypeName for Connection<C, N, F>
where
    C: Serialize + DeserializeOwned + Send + Sync,
    N: OutputType,
    F: ObjectType,
{
    fn type_name() -> Cow<'static, str> {
        DefaultConnectionName::type_name::<N>().into()
    }
}
