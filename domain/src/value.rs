//! Value types parse at the edge, so that a decision never validates again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
