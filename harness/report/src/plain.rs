//! The last filter before text leaves the crate.

/// Replaces characters that act on a terminal or on the direction of text instead of being shown.
///
/// Newlines stay, tabs become spaces; other control characters (an escape sequence would begin with one) and
/// the marks that reorder text become U+FFFD.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            '\t' => ' ',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => '\u{FFFD}',
            control if control.is_control() => '\u{FFFD}',
            other => other,
        })
        .collect()
}

/// Text for one line: every run of white space becomes one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Paragraphs: what stands between blank lines.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = String> {
    text.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(
            visible("a\u{1b}[31mb\tc\nd\r\u{202e}e\u{7f}\u{9b}"),
            "a\u{fffd}[31mb c\nd\u{fffd}\u{fffd}e\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn lines_and_paragraphs() {
        assert_eq!(one_line("  a\n b\t c "), "a b c");
        assert_eq!(paragraphs("a\nb\n\n\n\nc\n").collect::<Vec<_>>(), ["a b", "c"]);
    }
}
