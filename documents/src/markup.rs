//! Whether a file begins as XML does: with an element of its own, which is not that of a web page.

/// Whether the beginning of a file, of which there may be more, can be that of an XML document other than XHTML.
pub(crate) fn begins_as_xml(head: &[u8], more: bool) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    match root(&String::from_utf8_lossy(head)) {
        Some(Ok(name)) => !name.rsplit(':').next().is_some_and(|local| local.eq_ignore_ascii_case("html")),
        Some(Err(())) => false,
        // It breaks off before that can be told.
        None => more,
    }
}

/// The name of the root element; `None` where the text ends before it does.
fn root(text: &str) -> Option<Result<&str, ()>> {
    let mut rest = text.trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.to_ascii_uppercase().starts_with("<!DOCTYPE") => ">",
            _ => break,
        };
        rest = rest.split_once(end)?.1.trim_start();
    }
    let Some(tag) = rest.strip_prefix('<') else { return if rest.is_empty() { None } else { Some(Err(())) } };
    let name = name(tag);
    if name.is_empty() {
        return if tag.is_empty() { None } else { Some(Err(())) };
    }
    if attributes(&tag[name.len()..])? { Some(Ok(name)) } else { Some(Err(())) }
}

fn name(text: &str) -> &str {
    let begins = text.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let end = text.find(|next: char| !next.is_alphanumeric() && !"_:.-".contains(next)).unwrap_or(text.len());
    if begins { &text[..end] } else { "" }
}

/// Whether a tag goes on and ends as one: `a="1" b='2'>`.
fn attributes(text: &str) -> Option<bool> {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return None;
        }
        if trimmed.starts_with('>') || trimmed.starts_with("/>") {
            return Some(true);
        }
        let name = name(trimmed);
        if name.is_empty() || trimmed.len() == rest.len() {
            return Some(false);
        }
        let after = trimmed[name.len()..].trim_start();
        if after.is_empty() {
            return None;
        }
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else { return Some(false) };
        let quote = value.chars().next()?;
        if !"\"'".contains(quote) {
            return Some(false);
        }
        rest = value[1..].split_once(quote)?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_begins_with_an_element_that_is_no_web_page() {
        for xml in [
            "<a/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a > b --><ClinicalDocument xmlns=\"urn:hl7-org:v3\" a = 'b'>",
            "<!DOCTYPE note><note>text",
            "<cda:ClinicalDocument>",
        ] {
            assert!(begins_as_xml(xml.as_bytes(), false), "{xml}");
        }
        for other in [
            "<html>",
            "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">",
            "<!doctype html><HTML>",
            "<x:html xmlns:x=\"http://www.w3.org/1999/xhtml\">",
            "<not xml",
            "<not xml>",
            "< a>",
            "<1>",
            "text",
            "<a b=c>",
            "",
        ] {
            assert!(!begins_as_xml(other.as_bytes(), false), "{other}");
        }
        assert!(begins_as_xml(b"<a b=\"a long val", true), "what is still to come may end it");
    }
}
