//! Errors of the read models' database, whose rows are clear, without any value of them.

use std::fmt::{Debug, Display, Formatter, Result};

/// A database error by its code alone: its message and its detail may repeat values. Whoever logs it, or what it led to, logs none.
#[derive(thiserror::Error)]
pub struct Unvalued(sqlx::Error);

impl Unvalued {
    /// Whether the database is away, or took too long: asked again, it may answer.
    pub fn may_pass(&self) -> bool {
        match &self.0 {
            // Class 57, operator intervention: the server goes away, or the statement took too long.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57")),
            sqlx::Error::Io(_) => true,
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Unvalued {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl Display for Unvalued {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match &self.0 {
            sqlx::Error::Database(error) => write!(formatter, "SQLSTATE {}", error.code().unwrap_or_default()),
            sqlx::Error::ColumnDecode { index, .. } => write!(formatter, "column {index} does not read"),
            sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => formatter.write_str("a value does not read or write"),
            other => Display::fmt(other, formatter),
        }
    }
}

impl Debug for Unvalued {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn neither_its_text_nor_what_led_to_it_repeats_a_value() {
        let decode = || sqlx::Error::Decode("Needle".into());
        for error in [decode(), sqlx::Error::ColumnDecode { index: "name".to_owned(), source: "Needle".into() }, sqlx::Error::Encode("Needle".into())] {
            let error = Unvalued::from(error);
            assert!(!format!("{error} {error:?}").contains("Needle") && error.source().is_none(), "{error}");
        }
        let refusal = crate::ReadRefusal::from(decode());
        assert!(!format!("{refusal:?} {:?}", refusal.source()).contains("Needle"), "{refusal:?}");
    }
}
