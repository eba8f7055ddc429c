//! An answer alone, taken apart into words and what is left as a formula.

use std::sync::LazyLock;

use regex::Regex;

use super::regex;

/// An answer, mostly without delimiters.
pub(super) struct Bare<'a> {
    /// As it stands.
    pub text: &'a str,
    /// Whether it brings delimiters of its own.
    pub is_delimited: bool,
    /// Whether it is more than an answer: delimiters somewhere inside, or prose of several lines.
    pub is_reply: bool,
    /// Its words in lower case, without plural.
    pub words: Vec<String>,
    /// What is left without the words.
    pub rest: String,
}

impl<'a> Bare<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let is_delimited = is_delimited(text);
        let whole = within_delimiters(text.trim());
        let (words, rest) = words(whole.unwrap_or_else(|| value(without_stop(text))));
        let is_prose = text.contains("####") || (!words.is_empty() && text.trim().contains('\n'));
        let is_reply = (is_delimited && whole.is_none()) || is_prose;
        Bare { text, is_delimited, is_reply, words, rest }
    }

    /// The text as LaTeX.
    pub(super) fn boxed(&self) -> String {
        if self.is_delimited { self.text.to_owned() } else { boxed(value(without_stop(self.text))) }
    }

    /// What is left without the words, as LaTeX; `None` if that is nothing to compare.
    pub(super) fn boxed_rest(&self) -> Option<String> {
        self.rest.contains(char::is_alphanumeric).then(|| boxed(self.rest.trim()))
    }

    /// Whether what is left is more than one quantity, so that the order in which words were among them counts.
    pub(super) fn is_list(&self) -> bool {
        static GAP: LazyLock<Regex> = regex!(r"[,;]|\b(?:and|or)\b|\d\s+\d");
        !self.words.is_empty() && GAP.is_match(&self.rest)
    }

    /// The parts of what is left, in order.
    pub(super) fn parts(&self) -> Vec<&str> {
        static JOINT: LazyLock<Regex> = regex!(r"\\text\s*\{\s*and\s*\}|\band\b|[,;\s]");
        JOINT.split(&self.rest).filter(|part| !part.is_empty()).collect()
    }

    /// Whether all words of one answer are among those of the other.
    pub(super) fn shares_words(&self, other: &Bare<'_>) -> bool {
        let (few, many) = if self.words.len() <= other.words.len() { (self, other) } else { (other, self) };
        let mut left = many.words.clone();
        few.words
            .iter()
            .all(|word| left.iter().position(|known| known == word).map(|at| left.swap_remove(at)).is_some())
    }
}

/// An answer in a box, unless it brings its own delimiters: an answer is mostly LaTeX without any, in which
/// math-verify would find only numbers.
pub(super) fn delimited(answer: &str) -> String {
    if is_delimited(answer) { answer.to_owned() } else { boxed(answer) }
}

fn boxed(formula: &str) -> String {
    format!("\\boxed{{{formula}}}")
}

/// An escaped dollar sign is money and delimits nothing.
fn is_delimited(text: &str) -> bool {
    let is_delimiter = |at: usize| !text[..at].ends_with('\\');
    text.match_indices('$').any(|(at, _)| is_delimiter(at))
        || ["\\boxed", "\\(", "\\["].iter().any(|mark| text.contains(mark))
}

/// What is between delimiters that stand around a whole text.
fn within_delimiters(text: &str) -> Option<&str> {
    let pairs = [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("\\boxed{", "}")];
    let inside = |(start, end): (&str, &str)| text.strip_prefix(start)?.strip_suffix(end);
    pairs.into_iter().find_map(inside).filter(|inside| !is_delimited(inside))
}

/// An answer without the full stop or comma that ends it. Three dots go on with a list.
fn without_stop(text: &str) -> &str {
    let text = text.trim();
    if text.ends_with("...") { text } else { text.trim_end_matches(['.', ',', ';']).trim_end() }
}

/// The right side of an equation without letters: `5` of `2 + 3 = 5`.
fn value(text: &str) -> &str {
    let other = |sign: char| sign.is_alphabetic() || "<>!\\".contains(sign);
    match text.rsplit_once('=') {
        Some((left, right)) if !left.contains(other) && !right.contains(other) => right.trim(),
        _ => text,
    }
}

/// Takes words out of LaTeX: what stands in `\text{..}` and the like, and runs of two letters or more that
/// stand alone and beside no operator. Names of functions and what joins two answers are none. A unit such as
/// `m/s` behind a number is one, and the power of a unit goes with it.
fn words(latex: &str) -> (Vec<String>, String) {
    static PARTS: LazyLock<Regex> = regex!(
        r"(?x)
        \\(?:begin|end)\s*\{[^{}]*\}
        | \\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mbox)\s*\{(?<text>[^{}]*)\}(?:\s*\^(?:\d|\{\d+\}))?
        | \\(?:[A-Za-z]+|.)
        | (?<unit>\p{Alphabetic}+/\p{Alphabetic}+)
        | (?<run>\p{Alphabetic}{2,})(?:\^(?:\d|\{\d+\}))?"
    );
    let (mut words, mut rest, mut seen) = (Vec::new(), String::new(), 0);
    for part in PARTS.captures_iter(latex) {
        let Some(whole) = part.get(0) else { continue };
        rest.push_str(&latex[seen..whole.start()]);
        seen = whole.end();
        if let Some(text) = part.name("text").map(|text| text.as_str()) {
            let found: Vec<&str> = if is_unit(text) { vec![text.trim()] } else { runs(text).collect() };
            if found.is_empty() || matches!(text.trim(), "or" | "and") {
                rest.push_str(whole.as_str());
                continue;
            }
            words.extend(found.iter().map(|word| singular(word)));
            let left = text.replace(|letter: char| letter.is_alphabetic() || letter == '/', " ");
            rest.push_str(&format!(" {left} "));
        } else if let Some(unit) = part.name("unit") {
            let number = latex[..unit.start()].strip_suffix(' ').map(str::trim_end);
            let is_word = number.is_some_and(|before| before.ends_with(|digit: char| digit.is_ascii_digit()));
            if is_word { words.push(singular(unit.as_str())) } else { rest.push_str(unit.as_str()) }
        } else if let Some(run) = part.name("run")
            && stands_alone(&latex[..run.start()], run.as_str(), &latex[whole.end()..])
        {
            words.push(singular(run.as_str()));
            rest.push(' ');
        } else {
            rest.push_str(whole.as_str());
        }
    }
    rest.push_str(&latex[seen..]);
    (words, rest)
}

/// The runs of two letters or more.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|run| run.chars().nth(1).is_some())
}

/// Whether a text is a unit such as `m/s`.
fn is_unit(text: &str) -> bool {
    text.contains('/') && text.chars().all(|sign| sign.is_alphabetic() || sign == '/' || sign.is_whitespace())
}

/// Lower case, and without the `s` of a plural.
fn singular(word: &str) -> String {
    let word = word.to_lowercase();
    match word.strip_suffix('s') {
        Some(stem) if stem.chars().count() > 2 => stem.to_owned(),
        _ => word,
    }
}

/// Names that are part of a formula though they are letters only.
const OF_FORMULAS: [&str; 40] = [
    "sin",
    "cos",
    "tan",
    "cot",
    "sec",
    "csc",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "log",
    "ln",
    "lg",
    "exp",
    "sqrt",
    "lim",
    "max",
    "min",
    "gcd",
    "lcm",
    "mod",
    "det",
    "inf",
    "infinity",
    "pi",
    "theta",
    "alpha",
    "beta",
    "gamma",
    "lambda",
    "phi",
    "omega",
    "or",
    "and",
    "percent",
    "percentage",
    "pct",
    "binom",
];

/// Whether letters between two parts of a text are a word: neither a product of variables nor a function.
fn stands_alone(before: &str, run: &str, after: &str) -> bool {
    let is_operator = |sign: char| "+-*/^_=<>&|\\".contains(sign);
    let is_bound = |sign: Option<char>| {
        sign.is_none_or(|sign| !sign.is_alphanumeric() && !is_operator(sign) && !"{}".contains(sign))
    };
    let beside = |text: Option<char>| text.is_none_or(|sign| !is_operator(sign));
    !OF_FORMULAS.contains(&run)
        && is_bound(before.chars().next_back())
        && is_bound(after.chars().next().filter(|sign| *sign != '\\'))
        && beside(before.trim_end().chars().next_back())
        && beside(after.trim_start().chars().next().filter(|sign| *sign != '\\'))
        && !after.trim_start().starts_with('(')
}

/// Whether two texts have numbers that are written in different bases, as `12_3` and `12_{4}`: math-verify
/// passes the base over.
pub(super) fn differ_in_base(gold: &str, answer: &str) -> bool {
    static BASE: LazyLock<Regex> = regex!(r"\d\}?\s*_\s*\{?\s*(?:\\text\s*\{\s*)?(\d+)");
    let bases = |text: &str| -> Vec<String> {
        BASE.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
    };
    let (gold, answer) = (bases(gold), bases(answer));
    !gold.is_empty() && !answer.is_empty() && gold != answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_out_of_formulas() {
        let cases: [(&str, &[&str], &str); 24] = [
            ("2x+1", &[], "2x+1"),
            ("xyz + 1", &[], "xyz + 1"),
            ("2ab", &[], "2ab"),
            (r"\sin x + \cos x", &[], r"\sin x + \cos x"),
            ("sin (x)", &[], "sin (x)"),
            ("3 or 4", &[], "3 or 4"),
            (r"3\text{ or }4", &[], r"3\text{ or }4"),
            (r"\text{(A)}", &[], r"\text{(A)}"),
            (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", &[], r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
            ("June 20", &["june"], "20"),
            (r"\text{June 20}", &["june"], "20"),
            ("12:30 PM", &["pm"], "12:30"),
            (r"10\text{ cm}^2", &["cm"], "10"),
            ("10 cm^2", &["cm"], "10"),
            ("20 apples", &["apple"], "20"),
            ("The answer is 2x+1.", &["the", "answer", "is"], "2x+1"),
            (r"$\text{Evelyn}$", &["evelyn"], ""),
            (r"\mathrm{e}^2", &[], r"\mathrm{e}^2"),
            ("5 m/s", &["m/s"], "5"),
            (r"5\text{ m/s}", &["m/s"], "5"),
            ("x/y", &[], "x/y"),
            ("2 + 3 = 5", &[], "5"),
            ("x = 5", &[], "x = 5"),
            ("1, 2, ...", &[], "1, 2, ..."),
        ];
        for (text, words, rest) in cases {
            let bare = Bare::of(text);
            assert_eq!((bare.words.join(" "), bare.rest.trim()), (words.join(" "), rest), "{text}");
            assert!(!bare.is_reply, "{text}");
        }
        for reply in ["Two and two\nmake four.", "2 + 2 = 4\n#### 4", "so $4$ it is", r"first \boxed{4}"] {
            assert!(Bare::of(reply).is_reply, "{reply}");
        }
    }

    #[test]
    fn bases_are_numbers_below_numbers() {
        assert!(differ_in_base("4210_{5}", "4210_6"));
        assert!(differ_in_base("12_3", r"12_{\text{4}}"));
        assert!(!differ_in_base("12_{3}", "12_3") && !differ_in_base("12_3", "12"));
        assert!(!differ_in_base("a_1", "a_2"));
    }
}
