//! What Python's text and number functions do, where judges and graders depend on it.

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.isspace()` of one character.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `float(text)`, or `None` where it raises. Digits other than ASCII's are not read.
pub(crate) fn float(text: &str) -> Option<f64> {
    let text = strip(text);
    // Underscores may stand between digits.
    let bytes = text.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        if !digit(at.checked_sub(1)) || !digit(at.checked_add(1)) {
            return None;
        }
    }
    // Rust reads what Python reads, and the same names of infinity and "nan" in any case.
    text.replace('_', "").parse().ok()
}

/// `math.isclose(left, right, rel_tol=tolerance)`.
pub(crate) fn is_close(left: f64, right: f64, tolerance: f64) -> bool {
    #[expect(clippy::float_cmp, reason = "equal infinities are close, other infinities are not")]
    if left == right {
        return true;
    }
    let difference = (left - right).abs();
    left.is_finite() && right.is_finite() && difference <= tolerance * left.abs().max(right.abs())
}

/// `str(number)` of a float of moderate size.
pub(crate) fn float_text(number: f64) -> String {
    format!("{number:?}")
}

/// `text[1:-1]`.
pub(crate) fn inner(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.next_back();
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_as_python_reads_them() {
        let cases = [
            (" 1 ", Some(1.0)),
            ("-.5", Some(-0.5)),
            ("5.", Some(5.0)),
            ("+1e3", Some(1000.0)),
            ("1_000", Some(1000.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("-iNf", Some(f64::NEG_INFINITY)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("", None),
            (".", None),
            ("1e", None),
            ("0x10", None),
            ("1 0", None),
            ("1,0", None),
        ];
        for (text, expected) in cases {
            assert_eq!(float(text), expected, "{text:?}");
        }
        assert!(float("nan").is_some_and(f64::is_nan));
    }

    #[test]
    fn closeness_is_relative_to_the_larger() {
        assert!(is_close(2.0, 2.0001, 1e-4));
        assert!(!is_close(1.0, 1.00011, 1e-4));
        assert!(is_close(f64::INFINITY, f64::INFINITY, 1e-4));
        assert!(!is_close(f64::INFINITY, 1.0, 1e-4));
        assert!(!is_close(f64::NAN, f64::NAN, 1e-4));
        assert!(!is_close(0.0, 1e-300, 1e-4));
    }
}
