//! Writing it: JSON, CSV (RFC 4180) or PDF.

use std::str::FromStr;

use domain::access::DataKind;
use serde_json::Value;

use crate::{Accounting, pdf};

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// Everything, for programs.
    #[default]
    Json,
    /// A row a disclosure, for spreadsheets.
    Csv,
    /// A letter, for the patient.
    Pdf,
}

/// The format is none that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be one of json, csv, pdf")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "pdf" => Ok(Self::Pdf),
            _ => Err(UnknownFormat),
        }
    }
}

impl Format {
    /// As files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Pdf => "pdf",
        }
    }

    /// As HTTP names it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Pdf => "application/pdf",
        }
    }
}

/// It could not be written; without any value of it.
#[derive(Debug, thiserror::Error)]
#[error("the accounting could not be written as {0}")]
pub struct NotWritten(pub(crate) &'static str);

impl Accounting {
    /// The bytes of a file.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, NotWritten> {
        match format {
            Format::Json => serde_json::to_vec_pretty(self).map_err(|_| NotWritten("JSON")),
            Format::Csv => self.csv().map_err(|_| NotWritten("CSV")),
            Format::Pdf => pdf::letter(self),
        }
    }

    fn csv(&self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["made_at", "recipient", "address", "what", "kinds", "basis", "purpose"])?;
        for entry in &self.disclosures {
            let kinds: Vec<String> = entry.kinds.iter().copied().map(kind).collect();
            let address = entry.address_line().unwrap_or_default();
            let cells = [&entry.made_at.to_rfc3339(), &entry.recipient, &address, &entry.what, &kinds.join(" "), entry.basis.code(), &entry.purpose];
            writer.write_record(cells.map(harmless))?;
        }
        Ok(writer.into_inner()?)
    }
}

fn kind(kind: DataKind) -> String {
    serde_json::to_value(kind).ok().and_then(|code: Value| code.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A cell that no spreadsheet takes for a formula: where it would, an apostrophe makes it text.
fn harmless(cell: &str) -> String {
    let begins = cell.trim_start_matches(|character: char| character.is_whitespace() || character.is_control()).chars().next();
    let formula = begins.is_some_and(|character| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(character));
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::{DateTime, Utc};
    use domain::disclosures::Basis;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{Entry, Period};

    pub fn entry(recipient: &str, what: &str, purpose: &str) -> Entry {
        Entry {
            made_at: "2026-03-02T16:30:00Z".parse::<DateTime<Utc>>().unwrap(),
            recipient: recipient.to_owned(),
            address: serde_json::from_value(json!({ "line": ["1 Main St"], "city": "Chicago" })).unwrap(),
            what: what.to_owned(),
            kinds: vec![DataKind::Chart, DataKind::AccessRecords],
            basis: Basis::PublicHealth,
            purpose: purpose.to_owned(),
            purpose_of_use: None,
        }
    }

    pub fn accounting(name: &str, disclosures: Vec<Entry>) -> Accounting {
        Accounting {
            tenant: Uuid::from_u128(1),
            organizations: vec!["Élan Health".to_owned()],
            patient: Uuid::from_u128(2),
            name: Some(name.to_owned()),
            period: Period { from: "2021-01-01".parse().unwrap(), to: "2026-12-31".parse().unwrap() },
            made: "2026-12-31T12:00:00Z".parse().unwrap(),
            disclosures,
        }
    }

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_text() {
        let dangerous = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u{ff1d}1"];
        for cell in dangerous {
            let written = accounting("Ada", vec![entry(cell, "Needle", cell)]).write(Format::Csv).unwrap();
            let mut reader = csv::Reader::from_reader(&written[..]);
            let row = reader.records().next().unwrap().unwrap();
            assert_eq!((&row[1], &row[3], &row[6]), (format!("'{cell}").as_str(), "Needle", format!("'{cell}").as_str()));
        }
        let harmless = accounting("Ada", vec![entry("O’Brien, \"Zoë\"\nand 李明", "a = b", "1-2")]).write(Format::Csv).unwrap();
        let row = csv::Reader::from_reader(&harmless[..]).records().next().unwrap().unwrap();
        let cells: Vec<&str> = row.iter().collect();
        let address = "1 Main St, Chicago";
        assert_eq!(cells, ["2026-03-02T16:30:00+00:00", "O’Brien, \"Zoë\"\nand 李明", address, "a = b", "chart access-records", "public-health", "1-2"]);
    }
}
