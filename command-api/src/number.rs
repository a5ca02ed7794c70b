//! Numbers of a body, before they are read: one that would come out as another is told from one that is kept.

/// Whether every number of a JSON text is kept as it is written, but for zeros that mean nothing. What is no JSON is left to who reads it.
pub(crate) fn are_kept(json: &[u8]) -> bool {
    let (mut in_text, mut escaped, mut number) = (false, false, String::new());
    for byte in json.iter().copied().chain([b' ']) {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_digit() || b"+-.".contains(&byte) || (!number.is_empty() && b"eE".contains(&byte)) {
            number.push(char::from(byte));
        } else {
            if !number.is_empty() && !is_kept(&number) {
                return false;
            }
            number.clear();
            in_text = byte == b'"';
        }
    }
    true
}

fn is_kept(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    number.parse::<f64>().is_ok_and(|read| plain(&format!("{read:e}")) == plain(number))
}

/// The digits that count and the power of ten of the last, so that equal numbers look the same.
fn plain(number: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = number.trim_start_matches(['+', '-']).split_once(['e', 'E']).unwrap_or((number.trim_start_matches(['+', '-']), "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let exponent = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()? + i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0');
    Some((significant.to_owned(), if significant.is_empty() { 0 } else { exponent }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_or_it_is_not() {
        for number in ["0", "-0.0", "1", "1.10", "0.1", "1e2", "1E-7", "5.4", "120.0", "9007199254740993", "18446744073709551615", "-1.5e-10"] {
            assert!(are_kept(format!("{{\"a\":[{number}]}}").as_bytes()), "{number}");
        }
        for number in ["1e-20000", "0.12345678901234567890123", "1e400", "123456789012345678901234567890"] {
            assert!(!are_kept(format!("{{\"a\": {number} }}").as_bytes()), "{number}");
        }
        assert!(are_kept(br#"{"a":"1e-20000 \" 1e-20000"}"#), "a text is no number");
    }
}
