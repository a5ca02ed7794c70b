//! Relay connections, forward. A cursor is opaque and names the last row, never what the rows are sorted by: that may be a name.

use async_graphql::OutputType;
use async_graphql::connection::{CursorType, OpaqueCursor};
use domain::InvalidValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::{Connection, End};
use crate::errors::Failure;

/// How many rows a page has unless the client says.
pub const USUAL: i32 = 20;
/// The most rows of a page.
pub const MOST: i32 = 100;

/// The page asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Page<C> {
    first: i32,
    /// The last row of the page before.
    pub after: Option<C>,
}

impl<C: DeserializeOwned + Serialize> Page<C> {
    /// The arguments of a connection.
    pub fn of(first: Option<i32>, after: Option<&str>) -> Result<Self, Failure> {
        let first = first.unwrap_or(USUAL);
        if !(1..=MOST).contains(&first) {
            return Err(Failure::Argument("first", InvalidValue("be 1 to 100")));
        }
        let cursor = |text| OpaqueCursor::decode_cursor(text).map_err(|_| Failure::Argument("after", InvalidValue("be a cursor that came with a page")));
        Ok(Self { first, after: after.map(cursor).transpose()?.map(|cursor: OpaqueCursor<C>| cursor.0) })
    }
}

impl<C> Page<C> {
    /// How many rows are shown.
    pub fn most(&self) -> usize {
        usize::try_from(self.first).unwrap_or_default()
    }

    /// How many rows to read: one more than is shown tells whether there are others.
    pub fn limit(&self) -> i64 {
        i64::from(self.first) + 1
    }

    /// The longest page behind a row.
    pub fn behind(after: C) -> Self {
        Self { first: MOST, after: Some(after) }
    }

    /// The connection of the rows that were read, in order, which everyone sees who may ask for them.
    pub fn connection<N>(&self, mut nodes: Vec<N>, cursor: impl Fn(&N) -> C) -> Connection<C, N>
    where
        C: Serialize + DeserializeOwned + Send + Sync,
        N: OutputType,
    {
        let shown = self.most();
        let end = if nodes.len() > shown { End::AfterLast } else { End::OfAll };
        nodes.truncate(shown);
        Connection::new(nodes.into_iter().map(|node| (cursor(&node), node)), self.after.is_some(), end)
    }
}

/// What a page counts towards the limit of complexity: what is asked of each row, as many times as there can be rows.
pub fn cost(first: Option<i32>, each: usize) -> usize {
    let rows = first.unwrap_or(USUAL).clamp(1, MOST);
    // Capped, so that the sum over a document cannot overflow.
    each.saturating_mul(usize::try_from(rows).unwrap_or(1)).saturating_add(1).min(1_000_000_000)
}

/// The same for a page at the root, which takes a statement of its own however often it is asked for: so that a document cannot come to thousands.
pub fn cost_at_root(first: Option<i32>, each: usize) -> usize {
    cost(first, each).saturating_add(25)
}
