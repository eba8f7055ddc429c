//! How many different questions a family has, counted exactly.

use super::Family;
use super::Program;
use super::problem::{
    CodeProblem, FACTORS, INPUTS, LETTERS, LINEAR_RIGHT, MOD_FIRST, MOD_TERMS, MODULI, NEAR_MISSES, OFFSETS,
    Op, Problem, STARTS, TERMS, VALUES, chain_rule, operands, shapes,
};

/// The number of distinct question texts of a family.
pub fn distinct_questions(family: Family) -> u64 {
    match family {
        Family::Chain2 | Family::Chain3 | Family::Chain5 => chains(family).iter().sum(),
        Family::Mc1 | Family::Mc2 => choices(&chains(family)),
        Family::Linear | Family::Mod | Family::CodeE | Family::CodeM | Family::CodeH => {
            let lawful = |problem: &Problem| problem.solve(family).is_some();
            boxed(family).filter(lawful).count() as u64
        }
    }
}

/// For each value 0..=99, how many of a family's chains end in it: a running count over values, since all
/// that a chain's next step needs of its past is the value reached. The text of a chain spells out its steps,
/// so chains and texts are one to one.
fn chains(family: Family) -> [u64; 100] {
    let (length, operators) = chain_rule(family);
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
/// different texts.
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
