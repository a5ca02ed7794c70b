//! How names are compared: without case, diacritics, apostrophes or script.

use std::ops::Range;

use deunicode::deunicode;
use domain::fhir_values::HumanName;
use domain::value::Line;

/// The words of a text, in lower-case ASCII letters and digits: `Zoë O’Brien-Łuka` is `zoe`, `obrien`, `luka`. Both what is stored and what is
/// searched for go through here.
pub fn fold(text: &str) -> Vec<String> {
    let ascii = deunicode(text).to_lowercase().replace(['\'', '`'], "");
    ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The folded words that begin with a folded word, as a range for `word >= start and word < end` in the collation `C`.
pub fn prefix_range(word: &str) -> Range<String> {
    // `~` sorts after every letter and digit of ASCII, which are all that a folded word holds.
    word.to_owned()..format!("{word}~")
}

/// A text as lists are sorted by it.
pub(crate) fn sort_key(text: &str) -> String {
    fold(text).join(" ")
}

/// The family name before the given ones, as a directory is sorted; empty for somebody without a name.
pub(crate) fn directory_key(names: &[HumanName]) -> String {
    let Some(name) = names.first() else { return String::new() };
    name.family.iter().chain(&name.given).map(|part| sort_key(part.as_str())).collect::<Vec<_>>().join(" ")
}

/// Every word by which somebody is found: family and given names of every name, once each.
pub(crate) fn search_words(names: &[HumanName]) -> Vec<String> {
    let parts = names.iter().flat_map(|name| name.family.iter().chain(&name.given));
    let mut words: Vec<String> = parts.map(Line::as_str).flat_map(fold).collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        assert_eq!(fold("Zoë  O’Brien-Łuka"), ["zoe", "obrien", "luka"]);
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold(" -- "), Vec::<String>::new());
    }

    #[test]
    fn a_prefix_is_a_range() {
        let range = prefix_range("ada");
        assert!(range.contains(&"ada".to_owned()) && range.contains(&"adam".to_owned()) && range.contains(&"adazz9".to_owned()));
        assert!(!range.contains(&"adb".to_owned()) && !range.contains(&"ad".to_owned()));
    }
}
