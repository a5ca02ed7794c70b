//! What is looked for, in every form that it could take, and looking for it.

use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Unmistakable values that stand nowhere else: a family name, a name beyond ASCII, an identifier, a text, a telephone number.
pub const NAME: &str = "Quxblatt";
pub const WIDE: &str = "Zwölfkröten";
pub const NUMBER: &str = "NEEDLE-7731";
pub const TEXT: &str = "xerophthalmic";
pub const PHONE: &str = "555-0173-9911";
/// A birth date and a date of service.
pub const BORN: &str = "1907-03-29";
pub const SERVED: &str = "2031-03-03";

pub const NEEDLES: [&str; 7] = [NAME, WIDE, NUMBER, TEXT, PHONE, BORN, SERVED];

/// Every form of a needle, with what it is called. Upper and lower case are looked for alike.
pub fn forms(needle: &str) -> Vec<(String, Vec<u8>)> {
    let hex: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = needle.encode_utf16().map(|unit| if unit < 128 { char::from(unit as u8).to_string() } else { format!("\\u{unit:04x}") }).collect();
    let percent = |kept: fn(u8) -> bool| -> String {
        needle.bytes().map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect()
    };
    let mut forms = vec![
        ("UTF-8".to_owned(), needle.as_bytes().to_vec()),
        ("UTF-16LE".to_owned(), needle.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE".to_owned(), needle.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("Latin-1".to_owned(), needle.chars().map(|next| u8::try_from(u32::from(next)).unwrap_or(b'?')).collect()),
        ("JSON-escaped".to_owned(), escaped.into_bytes()),
        ("hex".to_owned(), hex.into_bytes()),
        ("percent-encoded".to_owned(), percent(|byte| byte.is_ascii_alphanumeric() || byte == b'-').into_bytes()),
        ("percent-encoded throughout".to_owned(), percent(|_| false).into_bytes()),
        ("without separators".to_owned(), needle.replace('-', "").into_bytes()),
        ("reversed".to_owned(), needle.bytes().rev().collect()),
    ];
    for before in 0..3 {
        let bytes = [vec![0; before], needle.as_bytes().to_vec()].concat();
        // The characters that hold bits of nothing but the needle.
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for (name, engine) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
            forms.push((format!("{name} at offset {before}"), engine.encode(&bytes).as_bytes()[from..to].to_vec()));
        }
    }
    forms
}

/// Looks for all needles in all forms at once.
pub struct Searcher {
    words: AhoCorasick,
    names: Vec<String>,
}

impl Searcher {
    pub fn new() -> Self {
        let forms: Vec<(String, Vec<u8>)> =
            NEEDLES.iter().flat_map(|needle| forms(needle).into_iter().map(move |(name, bytes)| (format!("{needle} in {name}"), bytes))).collect();
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(forms.iter().map(|(_, bytes)| bytes)).unwrap();
        Self { words, names: forms.into_iter().map(|(name, _)| name).collect() }
    }

    /// What is found in some bytes, and what stands around the first of it.
    pub fn in_bytes(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let found = self.words.find_iter(bytes).take(3).map(|found| {
            let around = &bytes[found.start().saturating_sub(60)..(found.end() + 60).min(bytes.len())];
            format!("{} in {place}: …{}…", self.names[found.pattern().as_usize()], String::from_utf8_lossy(around).escape_debug())
        });
        found.collect()
    }

    /// What is found in the files beneath a folder, their names included.
    pub fn in_files(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut ahead = vec![folder.to_owned()];
        while let Some(folder) = ahead.pop() {
            // The clusters' folders are links where their account cannot enter the folder they are asked for in.
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.display().to_string();
                found.extend(self.in_bytes(&format!("the name of {}", folder.display()), entry.file_name().as_encoded_bytes()));
                if path.is_dir() {
                    ahead.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    found.extend(self.in_bytes(&name, &bytes));
                }
            }
        }
        found
    }
}

#[test]
fn every_needle_is_found_in_every_form_and_in_upper_and_lower_case() {
    let searcher = Searcher::new();
    let noise: Vec<u8> = (0..4096_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    assert!(searcher.in_bytes("noise", &noise).is_empty());
    for needle in NEEDLES {
        for (form, bytes) in forms(needle) {
            for hidden in [bytes.clone(), bytes.to_ascii_uppercase(), bytes.to_ascii_lowercase()] {
                let hay = [&noise[..999], &hidden, &noise[999..]].concat();
                assert!(!searcher.in_bytes("hay", &hay).is_empty(), "{needle} in {form}");
            }
        }
    }
    // Where what is encoded is more than the needle.
    for before in 0..3 {
        let whole = format!("{}\"{NAME}\",\"{WIDE}\"", "x".repeat(before));
        assert!(searcher.in_bytes("base64", STANDARD.encode(&whole).as_bytes()).len() >= 2, "{whole}");
    }
}

#[test]
fn a_needle_is_found_in_a_file_and_in_its_name() {
    let folder = std::env::temp_dir().join(format!("carelog-hay-{}", event_store::fresh_id().simple()));
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    std::fs::write(folder.join("deep").join("plain.bin"), [b"\x00\xff".as_slice(), TEXT.as_bytes(), b"\x00"].concat()).unwrap();
    std::fs::write(folder.join(format!("{NUMBER}.txt")), "").unwrap();
    let found = Searcher::new().in_files(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
}
