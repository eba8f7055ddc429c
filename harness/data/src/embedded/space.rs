//! How many different questions a family has, counted exactly.

use super::Family;
use super::Program;
use super::inverse::{Inverse, ROOT_TERMS, ROOTS, SUMMANDS, TWO_DIGITS};
use super::problem::{
    CodeProblem, FACTORS, INPUTS, LETTERS, LINEAR_RIGHT, MOD_FIRST, MOD_TERMS, MODULI, NEAR_MISSES, OFFSETS,
    Op, Problem, STARTS, TERMS, VALUES, chain_rule, operands, shapes,
};

use std::ops::RangeInclusive;

/// The number of distinct question texts of a family.
pub fn distinct_questions(family: Family) -> u64 {
    by_formula(family).unwrap_or_else(|| lawful(family).count() as u64)
}

/// The number of distinct question texts of a family, where they need not be gone through one by one.
fn by_formula(family: Family) -> Option<u64> {
    match family {
        Family::Chain2 | Family::Chain3 | Family::Chain5 => Some(all_chains(family)),
        Family::Chain7 => {
            let easy = ways(chain_rule(family).0, &[Op::Add, Op::Subtract]).iter().sum::<u64>();
            Some(all_chains(family) - easy)
        }
        Family::Mc1 | Family::Mc2 => Some(choices(&chains(family))),
        Family::Linear
        | Family::Mod
        | Family::CodeE
        | Family::CodeM
        | Family::CodeH
        | Family::Root
        | Family::Factors
        | Family::Sums => None,
    }
}

/// The problems in a family's box that are questions of it.
fn lawful(family: Family) -> impl Iterator<Item = Problem> {
    boxed(family).filter(move |problem| problem.solve(family).is_some())
}

/// Whether a family has so many distinct questions. Counts no further than that.
pub(crate) fn has_questions(family: Family, count: u64) -> bool {
    match by_formula(family) {
        Some(exist) => count <= exist,
        None => lawful(family).take(usize::try_from(count).unwrap_or(usize::MAX)).count() as u64 == count,
    }
}

/// For each value 0..=99, how many of a family's chains end in it: a running count over values, since all
/// that a chain's next step needs of its past is the value reached. The text of a chain spells out its steps,
/// so chains and texts are one to one.
fn chains(family: Family) -> [u64; 100] {
    let (length, operators) = chain_rule(family);
    ways(length, operators)
}

fn all_chains(family: Family) -> u64 {
    chains(family).iter().sum()
}

/// The same for chains of so many operations of these kinds.
fn ways(length: usize, operators: &[Op]) -> [u64; 100] {
    let mut ways = [0u64; 100];
    for start in STARTS {
        ways[start as usize] = 1;
    }
    for _ in 0..length {
        let mut next = [0u64; 100];
        for value in VALUES {
            for &op in operators {
                for operand in operands(op) {
                    let result = match op {
                        Op::Add => value + operand,
                        Op::Subtract => value - operand,
                        Op::Multiply | Op::Divide | Op::Remainder => value * operand,
                    };
                    if VALUES.contains(&result) {
                        next[result as usize] += ways[value as usize];
                    }
                }
            }
        }
        ways = next;
    }
    ways
}

/// Chains with four options: three different near misses in range, and the right value in any of four places.
fn choices(ways: &[u64; 100]) -> u64 {
    VALUES
        .map(|value| {
            let near = NEAR_MISSES.iter().filter(|&miss| VALUES.contains(&(value + miss))).count() as u64;
            ways[value as usize] * LETTERS.len() as u64 * near * (near - 1) * (near - 2)
        })
        .sum()
}

/// Every problem in the box that a family's questions are drawn from; different problems that are lawful have
/// different texts. Of two numbers that can change places there is the order in which the smaller comes first.
fn boxed(family: Family) -> Box<dyn Iterator<Item = Problem>> {
    match family {
        Family::Linear => {
            Box::new(FACTORS.flat_map(|a| {
                TERMS.flat_map(move |b| LINEAR_RIGHT.map(move |c| Problem::Linear { a, b, c }))
            }))
        }
        Family::Mod => Box::new(MOD_FIRST.flat_map(|a| {
            FACTORS.flat_map(move |b| {
                MOD_TERMS.flat_map(move |c| MODULI.map(move |m| Problem::Mod { a, b, c, m }))
            })
        })),
        Family::Root => {
            Box::new(ROOTS.flat_map(|x| ROOT_TERMS.map(move |c| Problem::Inverse(Inverse::Root { x, c }))))
        }
        Family::Factors => {
            Box::new(ordered(TWO_DIGITS).map(|(a, b)| Problem::Inverse(Inverse::Factors { a, b })))
        }
        Family::Sums => Box::new(ordered(SUMMANDS).map(|(a, b)| Problem::Inverse(Inverse::Sums { a, b }))),
        _ => Box::new(shapes(family).iter().flat_map(|&shape| {
            OFFSETS.flat_map(move |offset| {
                let program = Program { shape, offset };
                INPUTS.flat_map(move |first| {
                    INPUTS.flat_map(move |second| {
                        INPUTS.map(move |third| {
                            Problem::Code(CodeProblem { program, inputs: [first, second, third] })
                        })
                    })
                })
            })
        })),
    }
}

/// Pairs from a range, the smaller number first.
fn ordered(range: RangeInclusive<i64>) -> impl Iterator<Item = (i64, i64)> {
    let end = *range.end();
    range.flat_map(move |a| (a + 1..=end).map(move |b| (a, b)))
}
