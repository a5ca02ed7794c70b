//! The lines of a file: what is classified, by its path, and its class.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::surfaces::Field;

/// What a protected value says of a person.
const KINDS: [&str; 9] = ["name", "date", "contact", "identifier", "clinical", "text", "demographic", "network", "financial"];

/// What a field is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// It says something of a patient.
    Phi(&'static str),
    /// It says something of somebody who is no patient by it: a practitioner, a user. Sealed and erased alike, but to read it tells of no patient.
    Personal(&'static str),
    /// An opaque id of ours.
    Identifier,
    /// In clear, and told to be sensitive by the security labels beside it.
    LabelBearing,
    /// As protected as the field that holds it: a value type's.
    Inherits,
    /// It says nothing of anybody.
    Free,
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = |kind: &str| KINDS.into_iter().find(|known| *known == kind).ok_or_else(|| format!("{kind:?} is none of {KINDS:?}"));
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["phi", of] => kind(of).map(Self::Phi),
            ["personal", of] => kind(of).map(Self::Personal),
            ["identifier"] => Ok(Self::Identifier),
            ["label-bearing"] => Ok(Self::LabelBearing),
            ["inherits"] => Ok(Self::Inherits),
            ["free"] => Ok(Self::Free),
            _ => Err(format!("{text:?} is no class")),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phi(kind) => write!(formatter, "phi {kind}"),
            Self::Personal(kind) => write!(formatter, "personal {kind}"),
            Self::Identifier => formatter.write_str("identifier"),
            Self::LabelBearing => formatter.write_str("label-bearing"),
            Self::Inherits => formatter.write_str("inherits"),
            Self::Free => formatter.write_str("free"),
        }
    }
}

/// The lines of one file.
pub struct Lines(Vec<(String, Class)>);

impl Lines {
    /// Of the committed file of a surface.
    pub fn of(surface: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/reference/classification/{surface}.txt"));
        Self::read(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// `path class`, and what follows a `#` is a comment. A path of a parameter may hold spaces: then two of them end it.
    pub fn read(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty());
        let lines = lines.map(|line| {
            let (path, class) = line.split_once("  ").or_else(|| line.split_once(' ')).unwrap_or_else(|| panic!("{line}: no class"));
            (path.to_owned(), class.parse().unwrap_or_else(|why| panic!("{line}: {why}")))
        });
        let lines: Vec<(String, Class)> = lines.collect();
        let doubled = lines.iter().enumerate().find(|(at, (path, _))| lines[..*at].iter().any(|(before, _)| before == path));
        assert!(doubled.is_none(), "{:?} is there twice", doubled.map(|(_, (path, _))| path));
        Self(lines)
    }

    /// The class of a field: by its own line, by that of its value type, or by one with `*` for a part of its holder's name.
    pub fn class(&self, field: &Field) -> Option<&Class> {
        self.line(field).map(|(_, class)| class)
    }

    /// The lines that classify nothing.
    pub fn unused<'lines>(&'lines self, fields: &'lines [Field]) -> impl Iterator<Item = &'lines str> {
        let used = |line: &(String, Class)| fields.iter().any(|field| self.line(field).is_some_and(|(path, _)| *path == line.0));
        self.0.iter().filter(move |line| !used(line)).map(|(path, _)| path.as_str())
    }

    fn line(&self, field: &Field) -> Option<&(String, Class)> {
        let (own, by) = (field.path(), |path: &str| self.0.iter().find(|(line, _)| line == path));
        by(&own).or_else(|| by(&field.holder).filter(|_| field.whole)).or_else(|| self.0.iter().find(|(line, _)| stands_for(line, field)))
    }
}

/// Whether a line with `*` in its holder stands for a field: the field's own name is always written out.
fn stands_for(line: &str, field: &Field) -> bool {
    let Some((holder, name)) = line.rsplit_once('.') else { return false };
    let Some((before, after)) = holder.split_once('*') else { return false };
    let long_enough = field.holder.len() >= before.len() + after.len();
    name == field.name && long_enough && field.holder.starts_with(before) && field.holder.ends_with(after)
}
