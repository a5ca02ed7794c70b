//! Protected health information as a type.
//!
//! A [`Phi`] has no `Debug`, no `Display` and no `Error`, so it cannot reach a log line, a metric or an error text. It serialises only
//! inside [`split`], which takes the protected values out of an event so that the vault can seal them, and it reads back
//! inside [`join`]. Outside of both, serialising one is an error; reading one takes the clear value, which is how a command's body arrives.
//!
//! It is not printed, neither for people nor for programmers,
//! ```compile_fail,E0277
//! let name = domain::Phi::Known("Lovelace");
//! println!("{name}");
//! ```
//! ```compile_fail,E0277
//! let name = domain::Phi::Known("Lovelace");
//! println!("{name:?}");
//! ```
//! ```compile_fail,E0277
//! #[derive(Debug)]
//! struct Patient {
//!     name: domain::Phi<String>,
//! }
//! ```
//! has no place in an error, which whoever handles it may print,
//! ```compile_fail,E0277
//! #[derive(Debug, thiserror::Error)]
//! #[error("there is no such patient")]
//! struct NoSuchPatient(domain::Phi<String>);
//! ```
//! becomes no text by itself, of which a URL or a label of a metric could be made,
//! ```compile_fail,E0277
//! let path = String::from("/patients/") + domain::Phi::Known("Lovelace");
//! ```
//! ```compile_fail,E0277
//! let label: std::borrow::Cow<'static, str> = domain::Phi::Known("Lovelace").into();
//! ```
//! ```compile_fail,E0599
//! let text = domain::Phi::Known("Lovelace").to_string();
//! ```
//! and is no sequence of bytes, as the key of a message is.
//! ```compile_fail,E0277
//! fn key(key: impl AsRef<[u8]>) {}
//! key(domain::Phi::Known("Lovelace"));
//! ```
//! What each of these would do with a value that is not protected compiles:
//! ```
//! let name = "Lovelace";
//! println!("{name} {name:?}");
//! let path = String::from("/patients/") + name;
//! let label: std::borrow::Cow<'static, str> = name.into();
//! let text = name.to_string();
//! fn key(key: impl AsRef<[u8]>) {}
//! key(name);
//! ```

use std::cell::RefCell;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A protected value: known, or erased together with its subject's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phi<T> {
    /// The value, readable to whoever holds this.
    Known(T),
    /// The subject's key was destroyed; nothing can bring the value back.
    Erased,
}

impl<T> Phi<T> {
    /// The value, unless it was erased. The one way out of the type: what is done with the result is the caller's disclosure.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// The value itself, unless it was erased.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// The protected result of a function of the value.
    pub fn map<U>(self, function: impl FnOnce(T) -> U) -> Phi<U> {
        match self {
            Self::Known(value) => Phi::Known(function(value)),
            Self::Erased => Phi::Erased,
        }
    }
}

impl<T: Default> Default for Phi<T> {
    /// What a caller leaves out.
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

enum Scope {
    Splitting(Vec<Value>),
    Joining(Phi<Vec<Value>>),
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Where a protected value stood, by its place among the values taken out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Placeholder {
    phi: Option<usize>,
}

/// Leaves the scope also when serde returns early.
struct Entered;

impl Entered {
    fn new(scope: Scope) -> Self {
        let before = SCOPE.with(|cell| cell.replace(Some(scope)));
        assert!(before.is_none(), "protected values do not nest");
        Self
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        SCOPE.with(|cell| cell.replace(None));
    }
}

/// Splits a value into clear JSON, with a placeholder for each protected field, and the protected values in order.
pub fn split<T: Serialize>(value: &T) -> Result<(Value, Phi<Vec<Value>>), serde_json::Error> {
    let entered = Entered::new(Scope::Splitting(Vec::new()));
    let clear = serde_json::to_value(value)?;
    let taken = SCOPE.with(RefCell::take);
    drop(entered);
    let Some(Scope::Splitting(values)) = taken else { unreachable!("the scope entered above is still this one") };
    Ok((clear, Phi::Known(values)))
}

/// Puts a value back together from what [`split`] made of it; where the values are erased, each protected field is.
pub fn join<T: DeserializeOwned>(clear: Value, protected: Phi<Vec<Value>>) -> Result<T, serde_json::Error> {
    let _entered = Entered::new(Scope::Joining(protected));
    serde_json::from_value(clear)
}

impl<T: Serialize> Serialize for Phi<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let splitting = SCOPE.with(|cell| matches!(&*cell.borrow(), Some(Scope::Splitting(_))));
        if !splitting {
            return Err(S::Error::custom("protected health information is serialised only to be sealed"));
        }
        let Self::Known(value) = self else { return Placeholder { phi: None }.serialize(serializer) };
        let value = serde_json::to_value(value).map_err(S::Error::custom)?;
        let index = SCOPE.with(|cell| match &mut *cell.borrow_mut() {
            Some(Scope::Splitting(values)) => {
                values.push(value);
                values.len() - 1
            }
            _ => unreachable!("checked above, on the same thread"),
        });
        Placeholder { phi: Some(index) }.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Phi<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let joining = SCOPE.with(|cell| matches!(&*cell.borrow(), Some(Scope::Joining(_))));
        if !joining {
            return T::deserialize(deserializer).map(Self::Known);
        }
        let Some(index) = Placeholder::deserialize(deserializer)?.phi else { return Ok(Self::Erased) };
        let value = SCOPE.with(|cell| match &mut *cell.borrow_mut() {
            Some(Scope::Joining(Phi::Known(values))) => values.get_mut(index).map(Value::take).map(Phi::Known),
            _ => Some(Phi::Erased),
        });
        match value {
            Some(Phi::Known(value)) => serde_json::from_value(value).map(Self::Known).map_err(|_| D::Error::custom("a sealed value does not read as its type")),
            Some(Phi::Erased) => Ok(Self::Erased),
            None => Err(D::Error::custom("a placeholder names no sealed value")),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Phi<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Phi_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert("x-phi".into(), true.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Named {
        id: u8,
        name: Phi<String>,
        nick: Option<Phi<String>>,
    }

    fn needle() -> Named {
        Named { id: 7, name: Phi::Known("Needle".into()), nick: None }
    }

    #[test]
    fn a_protected_value_is_not_serialised_in_clear() {
        assert!(serde_json::to_string(&needle()).is_err());
    }

    #[test]
    fn the_clear_half_holds_nothing_protected_and_both_halves_join_again() {
        let (clear, protected) = split(&needle()).unwrap();
        assert!(!clear.to_string().contains("Needle"));
        let back: Named = join(clear.clone(), protected).unwrap();
        assert!(back.id == 7 && back.name == Phi::Known("Needle".into()) && back.nick.is_none());
        let erased: Named = join(clear, Phi::Erased).unwrap();
        assert!(erased.name == Phi::Erased);
    }

    #[test]
    fn an_error_while_splitting_leaves_no_scope_behind() {
        #[derive(Serialize)]
        struct Broken {
            name: Phi<String>,
            #[serde(serialize_with = "refuse")]
            broken: (),
        }
        #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
        fn refuse<S: Serializer>((): &(), _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("refused"))
        }
        assert!(split(&Broken { name: Phi::Known("Needle".into()), broken: () }).is_err());
        assert!(serde_json::to_string(&needle()).is_err());
        assert!(split(&needle()).is_ok());
    }
}
