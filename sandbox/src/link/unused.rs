//! Functions of a library that are left out because nobody uses them.

use wasmparser::{Operator, TypeRef};

use super::library::Library;

/// Of each function that the library defines, whether it is needed: it is not in one of the ranges that may be left out, or
/// one that is needed calls it by its number. Whoever calls one of the others by its address ends the program.
pub(super) fn needed(library: &Library<'_>) -> wasmparser::Result<Vec<bool>> {
    let imported = library.imports.iter().filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
    let may_go =
        |index: usize| library.left_out.iter().any(|[from, to]| (*from..*to).contains(&(index as u32)));
    let mut needed: Vec<bool> = (0..library.bodies.len()).map(|own| !may_go(imported + own)).collect();
    if library.left_out.is_empty() {
        return Ok(needed);
    }
    let mut open: Vec<usize> = (0..needed.len()).filter(|&own| needed[own]).collect();
    while let Some(own) = open.pop() {
        for operator in library.bodies[own].get_operators_reader()? {
            let (Operator::Call { function_index } | Operator::ReturnCall { function_index }) = operator?
            else {
                continue;
            };
            let callee = (function_index as usize).checked_sub(imported);
            if let Some(place) = callee.and_then(|callee| needed.get_mut(callee))
                && !std::mem::replace(place, true)
            {
                open.extend(callee);
            }
        }
    }
    Ok(needed)
}
