//! Text from files and programs as it is safe to show: it must not reach the terminal as commands.

/// Characters of a line that are shown.
const SHOWN_COLUMNS: usize = 160;

/// The text with every character spelled out that acts on a terminal or on the direction of text. Line breaks
/// and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| push(&mut shown, character, "\n\t"));
    shown
}

/// The same in one line, which ends after 160 characters.
pub(crate) fn cut(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == SHOWN_COLUMNS {
            return shown + " ...";
        }
        push(&mut shown, character, "\t");
    }
    shown
}

/// Whether `cut` leaves nothing out.
pub(crate) fn is_short_line(text: &str) -> bool {
    !text.contains('\n') && text.chars().nth(SHOWN_COLUMNS).is_none()
}

/// Whether a character acts instead of being shown.
pub(crate) fn acts(character: char) -> bool {
    let reorders = matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    character.is_control() || reorders || matches!(character, '\u{2028}' | '\u{2029}')
}

fn push(shown: &mut String, character: char, kept: &str) {
    if acts(character) && !kept.contains(character) {
        shown.extend(character.escape_default());
    } else {
        shown.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        let text = "a\u{1b}[31m\u{202e}b\u{2066}\u{9b}\tc\r\nd";
        assert_eq!(visible(text), "a\\u{1b}[31m\\u{202e}b\\u{2066}\\u{9b}\tc\\r\nd");
        assert_eq!(cut(text), "a\\u{1b}[31m\\u{202e}b\\u{2066}\\u{9b}\tc\\r\\nd");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(cut(&"x".repeat(161)), "x".repeat(160) + " ...");
        assert!(is_short_line(&"x".repeat(160)) && !is_short_line(&"x".repeat(161)));
    }
}
