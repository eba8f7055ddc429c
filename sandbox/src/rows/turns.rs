//! Whose turn it is in what a model wrote: marks of chat formats.

use std::sync::LazyLock;

use regex::Regex;

/// Marks that start a text.
const BEGINS: &str = r"<s>|<bos>|<\|begin_of_text\|>|<\|startoftext\|>|<｜begin▁of▁sentence｜>";
/// Marks that start the turn of a user or of the system.
const OTHERS: &str = r"<\|im_start\|>\s*(?:user|system)\b|<\|start_header_id\|>\s*(?:user|system)\b|<\|start\|>\s*(?:user|system|developer)\b|<start_of_turn>\s*user\b|<\|turn>\s*(?:user|system)\b|<\|(?:user|system)\|>|<｜user｜>|\[INST\]";
/// Marks that start the model's own turn.
const OWN: &str = r"<\|im_start\|>\s*assistant\b|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<\|start\|>\s*assistant\b|<start_of_turn>\s*model\b|<\|turn>\s*model\b|<\|assistant\|>|<｜assistant｜>|\[/INST\]";
/// Marks that end a turn.
const ENDS: &str = r"<\|im_end\|>|<\|eot_id\|>|<\|endoftext\|>|<\|end_of_text\|>|<end_of_turn>|<turn\|>|<｜end▁of▁sentence｜>";

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this crate is valid")
}

/// What some models end a text with, such as `<|im_end|>`; what follows the mark of a turn's end is somebody else's.
static TEXT_END: LazyLock<Regex> = LazyLock::new(|| {
    let marks = r"<[|｜][^|｜>\s]{1,40}[|｜]>|</s>|<end_of_turn>|<turn\|>|<eos>|<pad>|<EOT>|<file_sep>|\[EOS\]|\[/INST\]|\[end of text\]";
    let others = r"\s*(?:\n|<\||<start_of_turn>|(?i:human|user):)[^`]*";
    pattern(&format!(r"(?:\s*(?:{marks}))+\s*\z|(?:{ENDS}){others}\z"))
});
/// The start of another's turn: a mark at the start of a line or behind the end of a turn, or a name behind such an end.
static OTHERS_TURN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?mi)(?:^[ \t]*(?:{OTHERS})|(?:{ENDS}|<\|end\|>|</s>)\s*(?:{OTHERS}|(?:human|user):))"
    ))
});
/// What MBPP's examples end a program with, a line of its own.
static DONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^[ \t]*\[DONE\][ \t]*\r?$"));
/// The start of a conversation that another's turn begins.
static CONVERSATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\A(?:\s*(?:{BEGINS}))*\s*(?:{OTHERS})")));
static OWN_TURN: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("(?i){OWN}")));
/// What may stand before an answer.
static OWN_MARKS: LazyLock<Regex> = LazyLock::new(|| {
    let more = r"<\|channel\|>\s*final|<\|message\|>|assistant[ \t]*:";
    pattern(&format!(r"(?i)\A(?:\s*(?:{BEGINS}|{OWN}|{more}))+[ \t]*(?:\r?\n)*"))
});

/// The model's own turn in what it wrote: the last in a conversation that begins with another's, else what stands before
/// the first turn of another's. Marks at its end are none of it.
pub(super) fn own_turn(reply: &str) -> &str {
    if CONVERSATION.is_match(reply)
        && let Some(start) = OWN_TURN.find_iter(reply).last()
    {
        return without_end(&reply[start.end()..]);
    }
    let says_something = |end: usize| !without_own_marks(&reply[..end]).trim().is_empty();
    let starts = OTHERS_TURN.find_iter(reply).chain(DONE.find_iter(reply)).map(|found| found.start());
    let end = starts.filter(|start| says_something(*start)).min();
    without_end(&reply[..end.unwrap_or(reply.len())])
}

fn without_end(text: &str) -> &str {
    TEXT_END.find(text).map_or(text, |end| &text[..end.start()])
}

/// An answer without the marks that start the model's turn.
pub(super) fn without_own_marks(answer: &str) -> &str {
    &answer[OWN_MARKS.find(answer).map_or(0, |marks| marks.end())..]
}
