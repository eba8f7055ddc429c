//! Marks and anchors that several sections share.

use maud::{Markup, html};

use crate::model::{Outcome, PrintedCheck};
use crate::words::CheckLook as _;

/// The drawn mark of an outcome: the same shapes as the characters on a terminal, whatever fonts there are.
pub(crate) fn mark(outcome: Outcome) -> Markup {
    html! {
        svg.mark width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" {
            @match outcome {
                Outcome::Holds => { path d="M2 7.5 5.5 11 12 3" {} },
                Outcome::Reversed => { path d="M3 3 11 11M11 3 3 11" {} },
                Outcome::Smaller => { path d="M2.5 4h9L7 11.5z" {} },
                Outcome::Open => {
                    circle cx="7" cy="7" r="5" {}
                    path.solid d="M7 2a5 5 0 0 0 0 10z" {}
                },
                Outcome::NotTestable => { circle cx="7" cy="7" r="5" {} path d="M3.5 10.5 10.5 3.5" {} },
                Outcome::NotAttempted => { circle cx="7" cy="7" r="5" {} },
            }
        }
    }
}

/// The mark of a printed value that cannot stand, with its word for those who cannot see it.
pub(super) fn check_mark(check: PrintedCheck) -> Markup {
    html! {
        @if let Some(mark) = check.mark() { span.check aria-hidden="true" { (mark) } }
    }
}

/// Anchor of a cell of the main table.
pub(super) fn cell_id(row: &str, column: &str) -> String {
    format!("cell-{}-{}", anchor(row), anchor(column))
}

/// An id as part of an anchor: other characters than letters, digits and points are spelt by their number, so
/// that different ids stay different.
pub(super) fn anchor(id: &str) -> String {
    let mut text = String::new();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() || character == '.' {
            text.push(character);
        } else {
            text.push_str(&format!("_{:x}_", u32::from(character)));
        }
    }
    text
}

/// Anchor of a claim.
pub(crate) fn claim_id(claim: &str) -> String {
    format!("claim-{}", anchor(claim))
}

/// Anchor of a row of the main table.
pub(super) fn row_id(row: &str) -> String {
    format!("row-{}", anchor(row))
}

/// Anchor of an artefact.
pub(super) fn source_id(source: &str) -> String {
    format!("source-{}", anchor(source))
}

/// A link to the place where it stands. It is always seen in headings, elsewhere when the pointer or the keyboard is there.
pub(crate) fn here(id: &str, what: &str) -> Markup {
    html! { a.here href={ "#" (id) } aria-label={ "Link to " (what) } { "#" } }
}

/// A hash that shows its first characters and is copied whole.
pub(super) fn hash(hash: &str) -> Markup {
    html! { code.hash title=(hash) { (hash) } }
}
