//! Copies of a bulk export: each has patients and facts of its own, in one clinic with the others.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

/// What all copies share: it is written by the first.
const SHARED: [&str; 5] = ["Location", "Organization", "Practitioner", "PractitionerRole", "log"];
const UUID_LENGTH: usize = 36;

/// A published export, and the ids that are to be other ones in each copy.
pub struct Original {
    folder: PathBuf,
    ids: HashSet<String>,
}

impl Original {
    /// The export in a folder of NDJSON.
    pub fn read(folder: PathBuf) -> anyhow::Result<Self> {
        let mut original = Self { folder, ids: HashSet::new() };
        for path in original.files()?.iter().filter(|path| !is_shared(path)) {
            for line in BufReader::new(File::open(path)?).lines() {
                let resource: Value = serde_json::from_str(&line?)?;
                original.ids.extend(resource["id"].as_str().map(str::to_owned));
            }
        }
        Ok(original)
    }

    /// Writes copies into a folder, line by line.
    pub fn write(&self, copies: Range<u16>, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        for path in self.files()? {
            let mut file = BufWriter::new(File::create(folder.join(path.file_name().context("a file has a name")?))?);
            let times = if is_shared(&path) { 0..1 } else { copies.clone() };
            for copy in times {
                for line in BufReader::new(File::open(&path)?).lines() {
                    writeln!(file, "{}", self.renamed(&line?, copy))?;
                }
            }
            file.flush()?;
        }
        Ok(())
    }

    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries: Vec<_> = std::fs::read_dir(&self.folder)?.collect::<Result<_, _>>()?;
        let mut files: Vec<PathBuf> =
            entries.into_iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect();
        files.sort();
        Ok(files)
    }

    /// The line with the copy's ids: those of the original with other first digits, wherever they stand.
    fn renamed(&self, line: &str, copy: u16) -> String {
        let mut renamed = line.as_bytes().to_vec();
        for start in 0..line.len().saturating_sub(UUID_LENGTH - 1) {
            let Some(word) = line.get(start..start + UUID_LENGTH) else { continue };
            if word.as_bytes()[8] != b'-' || !self.ids.contains(word) {
                continue;
            }
            if let Ok(first) = u16::from_str_radix(&word[..4], 16) {
                renamed[start..start + 4].copy_from_slice(format!("{:04x}", first ^ copy).as_bytes());
            }
        }
        String::from_utf8(renamed).unwrap_or_default()
    }
}

fn is_shared(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    SHARED.iter().any(|shared| name.starts_with(&format!("{shared}.")))
}
