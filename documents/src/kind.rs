//! What a file is, by its bytes: the type that it is declared as must be the type that it has.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::InvalidValue;
use domain::documents::MediaType;

use crate::markup::begins_as_xml;

/// How many bytes at the beginning tell the type: a DICOM file's mark ends at 132, a markup's may stand behind white space.
const HEAD: usize = 1024;
/// Types whose bytes may be text, and that are told by their beginning.
const ALSO_TEXT: &[&str] = &["text/html", "text/xml", "text/x-shellscript", "application/rtf", "application/pdf"];

/// The media types that may be uploaded.
#[derive(Clone)]
pub struct AllowedTypes(BTreeSet<String>);

impl FromStr for AllowedTypes {
    type Err = InvalidValue;
    /// Separated by commas.
    fn from_str(list: &str) -> Result<Self, InvalidValue> {
        let types = list.split(',').map(|kind| MediaType::try_from(kind.trim()).map(String::from));
        types.collect::<Result<_, _>>().map(Self)
    }
}

impl AllowedTypes {
    /// Whether it is one of them.
    pub(crate) fn has(&self, kind: &MediaType) -> bool {
        self.0.contains(kind.essence())
    }

    /// Each of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The bytes are not of the type that was declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrongType {
    /// What they look like, where that is known.
    pub found: Option<&'static str>,
}

/// Compares a file with its declared type while it streams.
pub(crate) struct TypeCheck {
    declared: MediaType,
    head: Vec<u8>,
    judged: bool,
    text: Option<PlainText>,
}

impl TypeCheck {
    pub(crate) fn new(declared: MediaType) -> Self {
        let text = is_text(&declared).then(PlainText::default);
        Self { declared, head: Vec::new(), judged: false, text }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), WrongType> {
        if !self.judged {
            let missing = HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
            if self.head.len() == HEAD {
                self.judge()?;
            }
        }
        let right = self.text.as_mut().is_none_or(|text| text.push(bytes));
        if right { Ok(()) } else { Err(WrongType { found: sniffed(&self.head) }) }
    }

    /// Whether the whole was of the type.
    pub(crate) fn finish(mut self) -> Result<(), WrongType> {
        if !self.judged {
            self.judge()?;
        }
        if self.text.is_none_or(|text| text.ends_whole()) { Ok(()) } else { Err(WrongType { found: None }) }
    }

    fn judge(&mut self) -> Result<(), WrongType> {
        self.judged = true;
        let found = sniffed(&self.head);
        let right = match self.declared.essence() {
            kind if is_text(&self.declared) && kind.ends_with("xml") => begins_as_xml(&self.head, self.head.len() == HEAD) && found != Some("text/html"),
            // Text has no mark of its own, and may begin with what is the mark of an image: what it must not be is another type that is text as well. That all of it
            // is text is seen as it streams.
            kind if is_text(&self.declared) => found.is_none_or(|found| found == kind || !ALSO_TEXT.contains(&found)),
            "text/rtf" => found == Some("application/rtf"),
            // Its mark may stand later for those who read it; a program with the mark inside would pass for one.
            kind @ "application/pdf" => found == Some(kind) && self.head.starts_with(b"%PDF-"),
            kind => found == Some(kind),
        };
        if right { Ok(()) } else { Err(WrongType { found }) }
    }
}

fn is_text(kind: &MediaType) -> bool {
    let kind = kind.essence();
    (kind.starts_with("text/") && kind != "text/rtf") || kind == "application/xml" || kind.ends_with("+xml")
}

fn sniffed(head: &[u8]) -> Option<&'static str> {
    infer::get(head).map(|kind| kind.mime_type())
}

/// UTF-8 without control characters other than white space.
#[derive(Default)]
struct PlainText {
    /// The beginning of a character whose rest has not come.
    broken_off: Vec<u8>,
}

impl PlainText {
    fn push(&mut self, bytes: &[u8]) -> bool {
        let mut text = std::mem::take(&mut self.broken_off);
        text.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&text) {
            Ok(whole) => whole.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return false,
        };
        self.broken_off = text.split_off(whole);
        !text.iter().any(|byte| byte.is_ascii_control() && !b"\t\n\r\x0c".contains(byte))
    }

    fn ends_whole(&self) -> bool {
        self.broken_off.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declared: &str, bytes: &[u8], step: usize) -> Result<(), WrongType> {
        let mut check = TypeCheck::new(declared.try_into().unwrap());
        for piece in bytes.chunks(step) {
            check.push(piece)?;
        }
        check.finish()
    }

    #[test]
    fn a_file_is_what_it_is_declared_as() {
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM\x02\x00\x00\x00UL");
        let files: &[(&str, &[u8])] = &[
            ("application/pdf", b"%PDF-1.7\n%\xE2\xE3\xCF\xD3"),
            ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            ("image/jpeg", b"\xFF\xD8\xFF\xE0\0\x10JFIF"),
            ("image/tiff", b"II*\0\x08\0\0\0\x0E\0\xFE\0"),
            ("application/dicom", &dicom),
            ("application/rtf", b"{\\rtf1 hello}"),
            ("application/xml", b"\xEF\xBB\xBF<?xml version=\"1.0\"?><ClinicalDocument/>"),
            ("text/plain", "BMI 27, Größe 1,80 m\n".as_bytes()),
        ];
        assert!(check("text/plain; charset=utf-8", "Größe".as_bytes(), 1).is_ok() && check("text/plain; charset=utf-8", b"%PDF-1.7", 4096).is_err());
        for (declared, bytes) in files {
            for step in [1, 3, 4096] {
                for (other, _) in files {
                    // A text that happens to be markup is refused, and so is all else that is not what it says.
                    assert_eq!(check(other, bytes, step).is_ok(), declared == other, "{declared} as {other}");
                }
            }
        }
        assert_eq!(check("application/pdf", b"MZ\x90\0\x03\0\0\0", 4096), Err(WrongType { found: Some("application/vnd.microsoft.portable-executable") }));
        assert!(check("application/pdf", b"MZ\x90\0\x03\0\0\0%PDF-1.7", 4096).is_err(), "a program that holds a PDF");
        assert!(check("application/pdf", b"", 1).is_err());
        assert!(check("text/plain", b"", 1).is_ok());
    }

    #[test]
    fn text_is_utf_8_to_its_end() {
        assert!(check("text/plain", &"ä".repeat(100_000).into_bytes(), 777).is_ok());
        assert!(check("text/plain", b"caf\xE9", 100).is_err(), "another encoding");
        assert!(check("text/plain", b"caf\xC3", 100).is_err(), "cut off in a character");
        assert!(check("text/plain", b"a\0b", 100).is_err());
        let mut late = "a".repeat(100_000).into_bytes();
        late.push(0xFF);
        assert!(check("text/plain", &late, 4096).is_err());
        assert!(check("text/plain", b"<html><body>", 100).is_err());
        assert!(check("text/plain", b"#!/bin/sh\n", 100).is_err());
    }
}
