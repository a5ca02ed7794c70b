//! Value types parse at the edge, so that a decision never validates again.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::phi::Phi;

/// A value that breaks a rule. It names the rule and never repeats the value, which may be protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must {0}")]
pub struct InvalidValue(pub &'static str);

/// Declares a string newtype that is parsed once: `$check` says what is wrong, `$schema` states the same rule in JSON Schema.
#[macro_export]
macro_rules! text_value {
    ($(#[$documentation:meta])* $name:ident, $check:expr, { $($schema:tt)* }) => {
        $(#[$documentation])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidValue;
            fn try_from(text: String) -> Result<Self, $crate::InvalidValue> {
                let check: fn(&str) -> Result<(), $crate::InvalidValue> = $check;
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::InvalidValue;
            fn try_from(text: &str) -> Result<Self, $crate::InvalidValue> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", $($schema)* })
            }
        }
    };
}

/// Refuses blank text, control characters and text over `most` characters.
pub fn plain_text(text: &str, most: usize) -> Result<(), InvalidValue> {
    if text.trim().is_empty() {
        return Err(InvalidValue("hold at least one character that is not white space"));
    }
    if text.chars().count() > most {
        return Err(InvalidValue("be shorter; the schema's maxLength says by how much"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(InvalidValue("hold no control characters"));
    }
    Ok(())
}

text_value!(
    /// One line a person wrote: a name, a title. 1 to 200 characters.
    Line, |text| {
        plain_text(text, 200)?;
        if text.contains(['\n', '\t']) { Err(InvalidValue("be a single line")) } else { Ok(()) }
    }, { "minLength": 1, "maxLength": 200 });

text_value!(
    /// Why something out of the ordinary was done, in a person's words. 1 to 1,000 characters.
    Reason, |text| plain_text(text, 1000), { "minLength": 1, "maxLength": 1000 });

/// A field that holds a list, given or not, protected or not.
pub trait Entries {
    /// What it lists.
    type Entry;
    /// The list; empty where it is not given or erased.
    fn entries(&self) -> &[Self::Entry];
}

impl<T> Entries for Vec<T> {
    type Entry = T;
    fn entries(&self) -> &[T] {
        self
    }
}

impl<T> Entries for Option<Vec<T>> {
    type Entry = T;
    fn entries(&self) -> &[T] {
        self.as_deref().unwrap_or_default()
    }
}

impl<T> Entries for Phi<Vec<T>> {
    type Entry = T;
    fn entries(&self) -> &[T] {
        self.known().map(Vec::as_slice).unwrap_or_default()
    }
}

/// Reads a list of at most `MOST` entries: `#[serde(deserialize_with = "at_most::<20, _, _>")]`, beside the same `#[schemars(length(max = 20))]`.
/// Stored events are read by the rules of the values in them, so a bound may be raised and never lowered.
pub fn at_most<'de, const MOST: usize, L, D>(deserializer: D) -> Result<L, D::Error>
where
    L: Deserialize<'de> + Entries,
    D: Deserializer<'de>,
{
    let list = L::deserialize(deserializer)?;
    if list.entries().len() > MOST {
        return Err(D::Error::custom(InvalidValue("hold fewer entries; the schema's maxItems says how many")));
    }
    Ok(list)
}

/// Reads a list of at most `MOST` entries, none of them twice: beside `#[schemars(length(max = 20))]`, as [`at_most`].
pub fn distinct<'de, const MOST: usize, T, D>(deserializer: D) -> Result<BTreeSet<T>, D::Error>
where
    T: Deserialize<'de> + Ord,
    D: Deserializer<'de>,
{
    let list: Vec<T> = at_most::<MOST, _, _>(deserializer)?;
    let count = list.len();
    let set: BTreeSet<T> = list.into_iter().collect();
    if set.len() < count { Err(D::Error::custom(InvalidValue("name nothing twice"))) } else { Ok(set) }
}

/// Reads a moment, where one is given, in the years that every clock and every database here has.
pub fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let moment = Option::<DateTime<Utc>>::deserialize(deserializer)?;
    let ordinary = moment.is_none_or(|moment| (1800..=9999).contains(&moment.year()));
    if ordinary { Ok(moment) } else { Err(D::Error::custom(InvalidValue("be a moment from 1800 to 9999"))) }
}

/// A length of time in whole minutes, 1 to 1,440 (one day).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Minutes(u16);

impl JsonSchema for Minutes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Minutes".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": 1440 })
    }
}

impl Minutes {
    /// As a number of minutes.
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }
}

impl TryFrom<u16> for Minutes {
    type Error = InvalidValue;
    fn try_from(minutes: u16) -> Result<Self, InvalidValue> {
        if (1..=1440).contains(&minutes) { Ok(Self(minutes)) } else { Err(InvalidValue("be 1 to 1440 minutes")) }
    }
}

impl From<Minutes> for u16 {
    fn from(minutes: Minutes) -> u16 {
        minutes.0
    }
}
