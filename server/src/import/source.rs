//! The input: files of NDJSON, read line by line, and JSON files with one resource or one bundle.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A longer line is not read, unless a document that may be uploaded makes it so long.
const LONGEST_LINE: usize = 32 << 20;
/// What stands in a line beside a document.
const BESIDE_A_DOCUMENT: u64 = 1 << 20;
/// A JSON file is read whole; a larger one is not read.
pub const LARGEST_FILE: u64 = 256 << 20;

/// What some programs of one maker begin a file of text with; it is no part of the text (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One file of the input.
#[derive(Clone)]
pub struct Source {
    path: PathBuf,
    /// How the report names it.
    pub label: String,
    lines: bool,
    /// The most bytes of a line.
    longest: usize,
}

/// One line, or one resource of a JSON file.
pub struct Item {
    /// The line, from 1; in a bundle the entry, from 1.
    pub number: u64,
    /// Where a bundle says that the resource is.
    pub full_url: Option<String>,
    /// The resource as JSON text.
    pub content: Result<Vec<u8>, Unread>,
}

/// Why an item holds no JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unread {
    /// An empty line.
    Blank,
    /// Over the limit.
    TooLarge,
    /// A JSON file that is not JSON.
    NotJson,
    /// A bundle of a type that does not state what is there, such as a history.
    BundleType,
    /// An entry of a bundle without a resource, or one that asks for something else than to create it.
    NotAnEntry,
}

impl Source {
    /// The files at a path: itself, or the NDJSON and JSON files of a folder in the order of their names; and how many others are there. Lines may hold documents of
    /// so many bytes, in base64.
    pub fn at(path: &Path, document: u64) -> anyhow::Result<(Vec<Self>, usize)> {
        let longest = usize::try_from(document / 3 * 4 + BESIDE_A_DOCUMENT).unwrap_or(usize::MAX).max(LONGEST_LINE);
        if !path.is_dir() {
            ensure!(path.is_file(), "there is no file or folder at the path given");
            return Ok((vec![Self::of(path.to_owned(), 1, longest)], 0));
        }
        let mut files = Vec::new();
        let mut others = 0;
        for entry in std::fs::read_dir(path).context("the folder cannot be read")? {
            let path = entry.context("the folder cannot be read")?.path();
            let wanted = path.is_file() && matches!(path.extension().and_then(|extension| extension.to_str()), Some("ndjson" | "jsonl" | "json"));
            if wanted { files.push(path) } else { others += 1 }
        }
        ensure!(!files.is_empty(), "there is no .ndjson or .json file in the folder");
        files.sort();
        Ok((files.into_iter().zip(1..).map(|(path, number)| Self::of(path, number, longest)).collect(), others))
    }

    fn of(path: PathBuf, number: usize, longest: usize) -> Self {
        let lines = path.extension().is_none_or(|extension| extension != "json");
        Self { label: label(&path, number), lines, longest, path }
    }

    /// Hands every item over, in order, until the other side has enough.
    pub fn read(&self, each: impl FnMut(Item) -> ControlFlow<()>) -> anyhow::Result<()> {
        let file = File::open(&self.path).with_context(|| format!("{} cannot be opened", self.label))?;
        let read = if self.lines { lines(BufReader::with_capacity(1 << 16, file), self.longest, each) } else { whole(file, each) };
        read.with_context(|| format!("{} cannot be read to its end", self.label))
    }
}

/// A bulk export names its files by resource type (`Patient.000.ndjson`). Any other name may be a person's, and is replaced by a number.
fn label(path: &Path, number: usize) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut parts = name.split('.');
    let resource_type = parts.next().is_some_and(|stem| stem == "log" || fhir::resource_type(stem).is_some());
    let plain = resource_type && parts.all(|part| part.bytes().all(|byte| byte.is_ascii_digit()) || matches!(part, "ndjson" | "jsonl" | "json"));
    if plain { name.to_owned() } else { format!("file {number}") }
}

fn lines(mut reader: impl BufRead, longest: usize, mut each: impl FnMut(Item) -> ControlFlow<()>) -> std::io::Result<()> {
    for number in 1.. {
        let mut line = Vec::new();
        let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let content = if line.last() != Some(&b'\n') && line.len() > longest {
            reader.skip_until(b'\n')?;
            Err(Unread::TooLarge)
        } else {
            if number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if line.trim_ascii().is_empty() { Err(Unread::Blank) } else { Ok(line) }
        };
        if each(Item { number, full_url: None, content }).is_break() {
            break;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Bundle {
    r#type: Option<String>,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    full_url: Option<String>,
    resource: Option<Value>,
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: Option<String>,
}

fn whole(file: File, mut each: impl FnMut(Item) -> ControlFlow<()>) -> std::io::Result<()> {
    let mut alone = |content| {
        // There is nothing after it to be read or not.
        let _ = each(Item { number: 1, full_url: None, content });
    };
    if file.metadata()?.len() > LARGEST_FILE {
        alone(Err(Unread::TooLarge));
        return Ok(());
    }
    let mut content = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut content)?;
    if content.starts_with(BYTE_ORDER_MARK) {
        content.drain(..BYTE_ORDER_MARK.len());
    }
    let Ok(value) = serde_json::from_slice::<Value>(&content) else {
        alone(Err(Unread::NotJson));
        return Ok(());
    };
    if value.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        alone(Ok(content));
        return Ok(());
    }
    let Some(entries) = entries(value) else {
        alone(Err(Unread::BundleType));
        return Ok(());
    };
    for (entry, number) in entries.into_iter().zip(1..) {
        if each(item(entry, number)).is_break() {
            break;
        }
    }
    Ok(())
}

/// The entries of a bundle that states what is there.
fn entries(bundle: Value) -> Option<Vec<Entry>> {
    let bundle: Bundle = serde_json::from_value(bundle).ok()?;
    matches!(bundle.r#type.as_deref(), Some("collection" | "batch" | "transaction" | "searchset")).then_some(bundle.entry)
}

fn item(entry: Entry, number: u64) -> Item {
    let creates = entry.request.and_then(|request| request.method).is_none_or(|method| matches!(method.as_str(), "POST" | "PUT"));
    let resource = entry.resource.filter(|_| creates).and_then(|resource| serde_json::to_vec(&resource).ok());
    Item { number, full_url: entry.full_url, content: resource.ok_or(Unread::NotAnEntry) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(text: &str, longest: usize) -> Vec<(u64, Result<String, Unread>)> {
        let mut items = Vec::new();
        let collect = |item: Item| {
            items.push((item.number, item.content.map(|content| String::from_utf8(content).unwrap().trim().to_owned())));
            ControlFlow::Continue(())
        };
        lines(text.as_bytes(), longest, collect).unwrap();
        items
    }

    fn read_whole(text: &str) -> Vec<(u64, Option<String>, Result<String, Unread>)> {
        let folder = std::env::temp_dir().join(format!("carelog-source-{}", event_store::fresh_id()));
        std::fs::write(&folder, text).unwrap();
        let mut items = Vec::new();
        let collect = |item: Item| {
            items.push((item.number, item.full_url, item.content.map(|content| String::from_utf8(content).unwrap())));
            ControlFlow::Continue(())
        };
        whole(File::open(&folder).unwrap(), collect).unwrap();
        std::fs::remove_file(folder).unwrap();
        items
    }

    #[test]
    fn lines_are_numbered_also_past_blank_and_too_long_ones_and_the_last_needs_no_end() {
        let read = read_lines("{}\n\r\n123456789\n12345678\n{1}", 8);
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(read, [(1, text("{}")), (2, Err(Unread::Blank)), (3, Err(Unread::TooLarge)), (4, text("12345678")), (5, text("{1}"))]);
        assert_eq!(read_lines("123456789", 8), [(1, Err(Unread::TooLarge))]);
        assert!(read_lines("", 8).is_empty());
    }

    #[test]
    fn a_byte_order_mark_at_the_beginning_of_a_file_is_no_part_of_it() {
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(read_lines("\u{feff}{1}\n\u{feff}{2}", 8), [(1, text("{1}")), (2, text("\u{feff}{2}"))]);
        assert_eq!(read_lines("\u{feff}\n{2}", 8), [(1, Err(Unread::Blank)), (2, text("{2}"))]);
        assert_eq!(read_whole("\u{feff}{\"resourceType\":\"Patient\"}"), [(1, None, text("{\"resourceType\":\"Patient\"}"))]);
        let bundle = "\u{feff}{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{\"id\":\"1\"}}]}";
        assert_eq!(read_whole(bundle), [(1, None, text("{\"id\":\"1\"}"))]);
    }

    #[test]
    fn reading_stops_when_asked() {
        let mut seen = 0;
        let stop = |_: Item| {
            seen += 1;
            ControlFlow::Break(())
        };
        lines("1\n2\n".as_bytes(), 8, stop).unwrap();
        assert_eq!(seen, 1);
    }

    #[test]
    fn a_bundle_is_read_entry_by_entry_and_asks_for_nothing_but_creation() {
        let bundle = r#"{"resourceType":"Bundle","type":"transaction","entry":[
            {"fullUrl":"urn:uuid:1","resource":{"id":"1"},"request":{"method":"POST"}}, {"request":{"method":"DELETE"}},
            {"resource":{"id":"2"},"request":{"method":"PATCH"}}, {"resource":{"id":"3"}}]}"#;
        let expected = [
            (1, Some("urn:uuid:1".to_owned()), Ok(r#"{"id":"1"}"#.to_owned())),
            (2, None, Err(Unread::NotAnEntry)),
            (3, None, Err(Unread::NotAnEntry)),
            (4, None, Ok(r#"{"id":"3"}"#.to_owned())),
        ];
        assert_eq!(read_whole(bundle), expected);
    }

    #[test]
    fn a_json_file_is_one_resource_or_says_why_not() {
        assert_eq!(read_whole(r#"{"resourceType":"Patient"}"#), [(1, None, Ok(r#"{"resourceType":"Patient"}"#.to_owned()))]);
        assert_eq!(read_whole("{"), [(1, None, Err(Unread::NotJson))]);
        assert_eq!(read_whole(r#"{"resourceType":"Bundle","type":"history"}"#), [(1, None, Err(Unread::BundleType))]);
        assert_eq!(read_whole(r#"{"resourceType":"Bundle","type":"collection","entry":7}"#), [(1, None, Err(Unread::BundleType))]);
    }

    #[test]
    fn a_files_name_is_repeated_only_where_it_is_a_bulk_exports() {
        let named = |name: &str| label(Path::new(name), 3);
        assert_eq!([named("/a/Patient.000.ndjson"), named("log.ndjson"), named("Patient.json")], ["Patient.000.ndjson", "log.ndjson", "Patient.json"]);
        assert_eq!([named("Ada_Lovelace_1815.json"), named("Patient.ada.json"), named("Patient-ada.ndjson")], ["file 3", "file 3", "file 3"]);
    }
}
