//! What the world and its dialect were when they were first published. The same seed gives the same texts on
//! every machine; a change here changes every artefact downstream, so it has to be meant. The hashes are of
//! texts alone, whatever the form in which they are stored.

use assay_data::embedded::vocabulary::symbol_count;
use assay_data::embedded::{Corpus, Curriculum, Exclusions, Mixture, Phase, demonstrations, items};
use assay_data::{Demonstration, Dialect, Hint, Item, Segment};

fn hash(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().collect();
    blake3::hash(lines.join("\n").as_bytes()).to_hex()[..16].to_owned()
}

fn told(item: &Item) -> String {
    format!("{}\t{}\t{}", item.id, item.question, item.references[0])
}

#[test]
fn items_and_demonstrations_are_what_they_were() {
    let test = items(77, 60).unwrap();
    assert_eq!(hash(test.iter().map(told)), "9f6495bc15b9d35e");
    let large = items(77, 2000).unwrap();
    let told = |row: &Demonstration| format!("{}\t{}", told(&row.item), row.thought);
    let expected = [
        (300, &test, ["60a79478b8d49f93", "a5318c7ce4473f2c", "b994541175e4a686"]),
        (1200, &large, ["139db90543671e88", "03a0c71f060be70b", "530516d7ce0ffd65"]),
    ];
    for (questions, excluded, hashes) in expected {
        for (seed, expected) in (1..).zip(hashes) {
            let rows = demonstrations(seed, questions, &Exclusions::new(excluded)).unwrap();
            assert_eq!(hash(rows.iter().map(told)), expected, "run {seed}, {questions} questions");
            assert!(rows.iter().all(|row| row.answer == row.item.references[0]));
        }
    }
}

/// Each row as its text, the number of symbols before the loss starts, and the number of symbols.
#[test]
fn layouts_are_what_they_were() {
    let dialect = Dialect::embedded();
    let rows = demonstrations(1, 300, &Exclusions::new(&items(77, 60).unwrap())).unwrap();
    let lines = rows.iter().flat_map(|Demonstration { item, thought: z, answer: y, .. }| {
        let rows = [
            dialect.reasoner_row(item, z, y),
            dialect.thought_row(item, z),
            dialect.answer_row(item, z, y),
            dialect.posterior_row(Hint::A, item, y, z),
            dialect.posterior_row(Hint::B, item, y, z),
        ];
        let prompts = [
            dialect.reasoner_prompt(item),
            dialect.answer_prompt(item, z),
            dialect.posterior_prompt(Hint::A, item, y),
            dialect.posterior_prompt(Hint::B, item, y),
        ];
        let rows = rows.map(|row| {
            let row = row.unwrap();
            let before = row.iter().take_while(|segment| !segment.loss).map(|part| symbol_count(&part.text));
            assert!(row.iter().skip_while(|segment| !segment.loss).all(|segment| segment.loss));
            format!("{}\t{}\t{}", joined(&row), before.sum::<usize>(), symbol_count(&joined(&row)))
        });
        let prompts = prompts.map(|prompt| {
            let prompt = prompt.unwrap();
            assert!(prompt.iter().all(|segment| !segment.loss));
            joined(&prompt)
        });
        rows.into_iter().chain(prompts).collect::<Vec<_>>()
    });
    assert_eq!(hash(lines), "471cd184c89e31b3");
}

fn joined(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.text.as_str()).collect()
}

#[test]
fn documents_are_what_they_were() {
    let curriculum = Curriculum(vec![Phase { steps: 20, mixture: Mixture::default() }]);
    let excluded = Exclusions::new(&items(77, 2000).unwrap());
    for (excluded, expected) in [(Exclusions::default(), "b57433eaedebd562"), (excluded, "ed9b7bc0b97bd2ed")]
    {
        let corpus = Corpus::new(5, curriculum.clone(), 96, excluded).unwrap();
        let documents = (0..20).flat_map(|step| corpus.step(step).unwrap());
        assert_eq!(
            hash(documents.map(|document| format!("{}\t{}", document.text, document.symbols))),
            expected
        );
    }
}
