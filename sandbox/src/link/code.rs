//! Rewriting code: indices into one index space, and a meter that makes the code count its own work.
//!
//! A charge, which subtracts from a global, is made at each iteration of a loop, at each entry of a function
//! that calls others or is long, and for each bulk operation a little and a quarter of its bytes. Where loops start and
//! bytes are moved the code also looks whether it is below zero, and then asks its host for more: there a
//! program is stopped. Looking at entries as well would cost another twentieth, and no program needs it: all
//! that it does passes the loop of the bytecode interpreter.
//!
//! The runtime's own fuel and epochs cost far more, because they keep two counters and spill one around every
//! call; and this way the count is a property of the image.

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{BlockType, Function, Instruction, ValType};
use wasmparser::{FunctionBody, Operator};

use super::merge::{GlobalUse, Translation};

/// Operators of an iteration or an entry that are all paid for. Of a longer one with branches only one way is
/// gone: it costs its share of the operators, but at least this. (One of SHA-512's blocks is 5,000 operators
/// without a branch, an iteration of the bytecode interpreter one of some hundred cases.)
const ALWAYS: u32 = 64;

/// Operators of an iteration that are paid for however many branches it has.
const SHORTEST: u32 = 32;

/// What a bulk operation costs besides a quarter of its bytes: a call of the runtime.
const BULK: i64 = 16;

/// Rewrites the code of one library; a read of a constant global becomes the constant.
pub(super) struct Rewriter<'a> {
    pub translation: &'a Translation,
    /// The global that holds the fuel.
    pub fuel: u32,
    /// The host's function that gives more.
    pub refill: u32,
}

impl Rewriter<'_> {
    /// The body of a function with this many parameters.
    pub(super) fn body(
        &mut self,
        body: &FunctionBody<'_>,
        parameters: usize,
    ) -> Result<Vec<u8>, reencode::Error> {
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut locals = Vec::new();
        let mut scratch = parameters as u32;
        for local in body.get_locals_reader()? {
            let (count, kind) = local?;
            locals.push((count, self.val_type(kind)?));
            scratch += count;
        }
        if operators.iter().any(is_bulk) {
            locals.push((1, ValType::I32));
        }
        let mut function = Function::new(locals);
        let costs = Costs::of(&operators);
        let mut loops = costs.loops.iter();
        if costs.entry > i64::from(ALWAYS) || operators.iter().any(is_call) {
            self.charge(&mut function, &[Instruction::I64Const(costs.entry)]);
        }
        for operator in operators {
            if is_bulk(&operator) {
                function.instruction(&Instruction::LocalSet(scratch));
                let cost = [
                    Instruction::LocalGet(scratch),
                    Instruction::I32Const(2),
                    Instruction::I32ShrU,
                    Instruction::I64ExtendI32U,
                    Instruction::I64Const(BULK),
                    Instruction::I64Add,
                ];
                self.charge(&mut function, &cost);
                self.look(&mut function);
                function.instruction(&Instruction::LocalGet(scratch));
            }
            let cost = if is_loop(&operator) { loops.next() } else { None };
            function.instruction(&self.instruction(operator)?);
            if let Some(cost) = cost {
                self.charge(&mut function, &[Instruction::I64Const(*cost)]);
                self.look(&mut function);
            }
        }
        Ok(function.into_raw_body())
    }

    fn charge(&self, function: &mut Function, amount: &[Instruction<'_>]) {
        function.instruction(&Instruction::GlobalGet(self.fuel));
        for instruction in amount {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::I64Sub).instruction(&Instruction::GlobalSet(self.fuel));
    }

    /// Asks for more fuel if there is none.
    fn look(&self, function: &mut Function) {
        function
            .instruction(&Instruction::GlobalGet(self.fuel))
            .instruction(&Instruction::I64Const(0))
            .instruction(&Instruction::I64LtS)
            .instruction(&Instruction::If(BlockType::Empty))
            .instruction(&Instruction::Call(self.refill))
            .instruction(&Instruction::End);
    }
}

fn is_loop(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::Loop { .. })
}

fn is_call(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
    )
}

/// Operations that work on as many bytes as the number on top of the stack says.
fn is_bulk(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::MemoryCopy { .. } | Operator::MemoryFill { .. })
}

/// What is paid outside of loops, and in each loop (in the order in which they start) outside of loops within
/// it.
struct Costs {
    entry: i64,
    loops: Vec<i64>,
}

/// A stretch of code that is paid for together.
#[derive(Clone, Copy, Default)]
struct Stretch {
    operators: u32,
    branches: u32,
    calls: u32,
}

impl Stretch {
    /// What is paid at the entry of a function.
    fn cost(self) -> i64 {
        let share = self.operators / (self.branches + 1);
        i64::from(self.operators.min(ALWAYS).max(share))
    }

    /// What is paid for an iteration. Where nothing is called, it is short, as one over the characters of a
    /// text that may be kept in three ways: half of its branches are taken to lead past the rest, but for
    /// [`SHORTEST`].
    fn cost_of_iteration(self) -> i64 {
        if self.calls > 0 {
            return self.cost();
        }
        let gone = (2 * self.operators / (self.branches + 1)).max(SHORTEST);
        self.cost().min(i64::from(gone))
    }
}

impl Costs {
    fn of(operators: &[Operator<'_>]) -> Self {
        let mut stretches = vec![Stretch::default()];
        // For each open block, the stretch that it belongs to.
        let mut open = vec![0];
        for operator in operators {
            let current = open.last().copied().unwrap_or(0);
            stretches[current].operators += 1;
            match operator {
                Operator::Loop { .. } => {
                    open.push(stretches.len());
                    stretches.push(Stretch::default());
                }
                Operator::Block { .. } | Operator::TryTable { .. } => open.push(current),
                Operator::If { .. } => {
                    stretches[current].branches += 1;
                    open.push(current);
                }
                Operator::BrIf { .. } => stretches[current].branches += 1,
                Operator::BrTable { targets } => stretches[current].branches += targets.len(),
                Operator::End => drop(open.pop()),
                operator if is_call(operator) => stretches[current].calls += 1,
                _ => {}
            }
        }
        let mut stretches = stretches.into_iter();
        let entry = stretches.next().map_or(0, Stretch::cost);
        Costs { entry, loops: stretches.map(Stretch::cost_of_iteration).collect() }
    }
}

impl Reencode for Rewriter<'_> {
    type Error = std::convert::Infallible;

    fn type_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(self.translation.types[index as usize])
    }

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(self.translation.functions[index as usize])
    }

    /// A reference to an exception, of which there are none, is a number that nobody looks at.
    fn val_type(&mut self, kind: wasmparser::ValType) -> Result<ValType, reencode::Error> {
        match kind {
            wasmparser::ValType::Ref(wasmparser::RefType::EXNREF) => Ok(ValType::I32),
            other => reencode::utils::val_type(self, other),
        }
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, reencode::Error> {
        let global = |index: u32| self.translation.globals[index as usize];
        match operator {
            Operator::GlobalGet { global_index } => Ok(match global(global_index) {
                GlobalUse::Constant(value) => Instruction::I32Const(value),
                GlobalUse::Variable(index) => Instruction::GlobalGet(index),
            }),
            Operator::GlobalSet { global_index } => match global(global_index) {
                GlobalUse::Variable(index) => Ok(Instruction::GlobalSet(index)),
                GlobalUse::Constant(_) => Err(reencode::Error::InvalidConstExpr),
            },
            // Exceptions of C++ are not caught: one ends the program.
            Operator::TryTable { try_table } => Ok(Instruction::Block(self.block_type(try_table.ty)?)),
            Operator::Throw { .. } | Operator::ThrowRef => Ok(Instruction::Unreachable),
            other => reencode::utils::instruction(self, other),
        }
    }
}
