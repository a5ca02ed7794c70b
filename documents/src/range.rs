//! The `Range` of a request (RFC 9110, section 14): one range of bytes.

use std::ops::Range;

/// What of a document is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// All of it: nothing was said, or something that may be ignored.
    Whole,
    /// This part.
    Part(Range<u64>),
    /// A part that lies outside.
    Outside,
}

/// Reads the header against the size of the document.
pub(crate) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = header.and_then(|header| header.strip_prefix("bytes=")?.split_once('-')) else { return Wanted::Whole };
    let number = |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None };
    let range = match (first.is_empty(), last.is_empty()) {
        (false, true) => number(first).map(|first| first..size),
        (false, false) => number(first).zip(number(last)).filter(|(first, last)| first <= last).map(|(first, last)| first..last.saturating_add(1).min(size)),
        (true, false) => number(last).map(|last| size.saturating_sub(last)..size),
        (true, true) => None,
    };
    match range {
        None => Wanted::Whole,
        Some(range) if range.start >= range.end => Wanted::Outside,
        Some(range) => Wanted::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_nothing_else() {
        let cases = [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=5-", Wanted::Part(5..10)),
            ("bytes=5-100", Wanted::Part(5..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Outside),
            ("bytes=10-12", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=7-5", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Outside);
    }
}
