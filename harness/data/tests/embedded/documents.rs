//! Pretraining documents: well-formed, true, within length, in proportion, and free of test questions.

use crate::oracle::{assert_share, evaluate, excluding, fraction, running_values, same};
use assay_data::embedded::{
    Corpus, Curriculum, Document, DocumentKind, Exclusions, Family, MAX_DOCUMENT_SYMBOLS, Mixture, Phase,
    Question, TEST_SEED, test_set, vocabulary,
};
use std::collections::BTreeMap;

fn corpus(mixture: Mixture, excluded: Exclusions) -> Corpus {
    Corpus::new(5, Curriculum(vec![Phase { steps: 300, mixture }]), 96, excluded).unwrap()
}

fn documents(mixture: Mixture, excluded: &Exclusions, steps: u64) -> Vec<Document> {
    let corpus = corpus(mixture, excluded.clone());
    (0..steps).flat_map(|step| corpus.step(step).unwrap()).collect()
}

/// A mixture of one kind alone.
fn only(kind: DocumentKind) -> Mixture {
    let weight = |of| if kind == of { 1.0 } else { 0.0 };
    Mixture {
        facts: weight(DocumentKind::Facts),
        direct: weight(DocumentKind::Direct),
        programs: weight(DocumentKind::Program),
        copies: weight(DocumentKind::Copy),
        worked: weight(DocumentKind::Worked),
        ..Mixture::default()
    }
}

/// The text between `<bos>` and `<eos>`.
fn body(document: &Document) -> &str {
    document.text.strip_prefix("<bos>").unwrap().strip_suffix("<eos>").unwrap()
}

#[test]
fn documents_are_short_and_in_proportion() {
    let documents = documents(Mixture::default(), &Exclusions::default(), 300);
    let mut kinds = BTreeMap::new();
    let mut symbols = 0;
    for document in &documents {
        assert_eq!(vocabulary::encode(&document.text).unwrap().len(), document.symbols, "{}", document.text);
        assert!(document.symbols <= MAX_DOCUMENT_SYMBOLS);
        *kinds.entry(document.kind).or_insert(0) += 1;
        symbols += document.symbols;
    }
    for (kind, share) in DocumentKind::ALL.into_iter().zip([0.15, 0.12, 0.06, 0.67 * 0.12, 0.67 * 0.88]) {
        assert_share(&format!("{kind:?}"), kinds[&kind], documents.len(), share);
    }
    let mean = symbols as f64 / documents.len() as f64;
    assert!((43.0..45.5).contains(&mean), "mean document: {mean:.2} symbols");
}

#[test]
fn facts_are_true() {
    for document in documents(only(DocumentKind::Facts), &Exclusions::default(), 30) {
        for fact in body(&document).split(';') {
            let (left, right) = fact.split_once('=').unwrap();
            let values = running_values(left);
            assert!(values.len() == 2 && same(values[1], fraction(right)), "{fact}");
            assert!((0..=99).contains(&fraction(right).0), "{fact}");
        }
    }
}

#[test]
fn programs_show_their_points() {
    for document in documents(only(DocumentKind::Program), &Exclusions::default(), 30) {
        let (expression, points) = body(&document).split_once(':').unwrap();
        let points: Vec<_> = points.split(',').collect();
        assert!((3..=6).contains(&points.len()), "{}", document.text);
        for point in points {
            let (input, output) = point.split_once('>').unwrap();
            let output = output.parse().unwrap();
            assert_eq!(evaluate(expression, input.parse().unwrap()), Some(output), "{}", document.text);
            assert!((0..=99).contains(&output));
        }
    }
}

#[test]
fn copies_repeat() {
    let mut separators = BTreeMap::new();
    let documents = documents(only(DocumentKind::Copy), &Exclusions::default(), 30);
    for document in &documents {
        let body = body(document);
        let separator = if body.contains('|') { '|' } else { ';' };
        let copies: Vec<_> = body.split(separator).collect();
        assert!((2..=3).contains(&copies.len()) && copies.iter().all(|copy| *copy == copies[0]), "{body}");
        assert!(!copies[0].is_empty() && !copies[0].contains(['|', ';', '?']));
        *separators.entry(separator).or_insert(0) += 1;
    }
    assert_share("; in copies", separators[&';'], documents.len(), 0.5);
}

#[test]
fn direct_answers_are_right() {
    let documents = documents(only(DocumentKind::Direct), &Exclusions::default(), 60);
    let (mut choices, mut single) = (0, 0);
    for document in &documents {
        let text = document.text.strip_prefix("<bos>").unwrap().strip_suffix("</ans>").unwrap();
        let (question, answer) = text.split_once("<think></think><ans>").unwrap();
        let question = question.strip_suffix('?').unwrap();
        let value = answer.rsplit('=').next().unwrap();
        if let Some(points) = question.strip_prefix("f:") {
            for point in points.split(',') {
                let (input, output) = point.split_once('>').unwrap();
                assert_eq!(evaluate(answer, input.parse().unwrap()), Some(output.parse().unwrap()), "{text}");
            }
        } else if let Some((chain, options)) = question.split_once('?') {
            let right = running_values(chain).last().unwrap().0.to_string();
            let option = options.split(',').find(|option| option[1..] == right).unwrap();
            assert!(value == right || value == &option[..1], "{text}");
            choices += 1;
        } else {
            let values = running_values(&question.replace(['(', ')'], ""));
            assert!(same(*values.last().unwrap(), fraction(value)), "{text}");
            single += usize::from(values.len() == 2);
        }
    }
    assert_share("multiple choice", choices, documents.len(), 2.0 / 6.0);
    assert_share("one operation", single, documents.len(), 1.0 / 6.0);
}

#[test]
fn worked_solutions_are_laid_out_as_asked() {
    let is_answer = |part: &str, question: &str| {
        // Lines of traces end in a mark, or are equations of one operation; answers are neither.
        let whole = part.strip_prefix(question).is_some_and(|rest| rest.starts_with('='));
        whole || part.starts_with("x=") || !part.contains(['=', '!'])
    };
    for (semicolons, answered, answer_first) in
        [(0.5, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.5, 1.0), (0.5, 0.8, 0.45)]
    {
        let mixture = Mixture { semicolons, answered, answer_first, ..only(DocumentKind::Worked) };
        let documents = documents(mixture, &Exclusions::default(), 30);
        let (mut semicolon, mut with_answer, mut first) = (0, 0, 0);
        for document in &documents {
            assert!(!body(document).contains('<'), "{}", document.text);
            let separator = if body(document).contains('|') { '|' } else { ';' };
            let parts: Vec<_> = body(document).split(separator).collect();
            let question = parts[0].strip_suffix('?').unwrap();
            let answers: Vec<_> = (1..parts.len()).filter(|&at| is_answer(parts[at], question)).collect();
            semicolon += usize::from(separator == ';');
            with_answer += answers.len();
            first += usize::from(answers == [1]);
            assert!(
                answers.is_empty() || answers == [1] || answers == [parts.len() - 1],
                "{}",
                document.text
            );
        }
        let total = documents.len();
        assert_share("; in solutions", semicolon, total, semicolons);
        assert_share("answered", with_answer, total, answered);
        assert_share("answer first", first, total, answered * answer_first);
    }
}

#[test]
fn test_questions_never_occur() {
    // A test set so large that documents would meet it often.
    let test = test_set(TEST_SEED, 1000).unwrap();
    let meets = |documents: &[Document]| {
        let texts: Vec<_> = documents.iter().map(|document| document.text.as_str()).collect();
        let all = texts.join("\n");
        let within = |question: &&Question| {
            let points =
                question.text().strip_prefix("f:").map(|points| format!(":{points}").replace('?', "<"));
            all.contains(&format!(">{}", question.text()))
                || points.is_some_and(|points| all.contains(&points))
        };
        test.iter().filter(within).map(Question::family).collect::<Vec<Family>>()
    };
    let unaware = meets(&documents(Mixture::default(), &Exclusions::default(), 100));
    assert!(unaware.len() > 50, "{}", unaware.len());
    assert_eq!(meets(&documents(Mixture::default(), &excluding(&test), 100)), []);
}

#[test]
fn a_curriculum_goes_through_its_phases() {
    let curriculum = Curriculum(vec![
        Phase { steps: 2, mixture: only(DocumentKind::Facts) },
        Phase { steps: 0, mixture: only(DocumentKind::Copy) },
        Phase { steps: 3, mixture: only(DocumentKind::Worked) },
    ]);
    let corpus = Corpus::new(5, curriculum.clone(), 4, Exclusions::default()).unwrap();
    assert_eq!(corpus.steps(), 5);
    let kinds = |step| corpus.step(step).unwrap().iter().map(|document| document.kind).collect::<Vec<_>>();
    for (step, kind) in [
        (0, DocumentKind::Facts),
        (1, DocumentKind::Facts),
        (2, DocumentKind::Worked),
        (4, DocumentKind::Worked),
    ] {
        assert_eq!(kinds(step), [kind; 4], "step {step}");
    }
    assert_eq!(corpus.step(5).unwrap(), []);
    // Any step can be made alone: what came before does not matter.
    let fresh = Corpus::new(5, curriculum, 4, Exclusions::default()).unwrap();
    assert_eq!(fresh.step(4).unwrap(), corpus.step(4).unwrap());
    assert_ne!(corpus.step(4).unwrap(), corpus.step(3).unwrap());
}

#[test]
fn mixtures_are_checked_and_read_strictly() {
    for (mixture, complaint) in [
        (Mixture { facts: -1.0, ..Mixture::default() }, "facts = -1"),
        (Mixture { worked: f64::NAN, ..Mixture::default() }, "worked = NaN"),
        (Mixture { semicolons: 1.5, ..Mixture::default() }, "semicolons = 1.5"),
        (Mixture { worked: 0.0, ..only(DocumentKind::Worked) }, "some weight has to be positive"),
    ] {
        let phases = Curriculum(vec![Phase { steps: 1, mixture }]);
        let error = Corpus::new(5, phases, 1, Exclusions::default()).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let read = |json| serde_json::from_str::<Mixture>(json).map_err(|error| error.to_string());
    let facts = Mixture { semicolons: 0.5, answered: 1.0, answer_first: 0.0, ..only(DocumentKind::Facts) };
    assert_eq!(read(r#"{"facts": 1}"#), Ok(facts));
    assert!(read(r#"{"fact": 1}"#).unwrap_err().contains("unknown field `fact`"));
}

/// As for the data sets: a change here changes the base model.
#[test]
fn documents_are_what_they_were() {
    let test = test_set(TEST_SEED, 20).unwrap();
    let documents = documents(Mixture::default(), &excluding(&test), 10);
    let texts: Vec<_> = documents.iter().map(|document| document.text.as_str()).collect();
    assert_eq!(&blake3::hash(texts.join("\n").as_bytes()).to_hex()[..16], "81a543f8930bea0e");
}
