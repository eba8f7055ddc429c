//! Which programs need an image with packages.

use regex::Regex;

/// Finds programs that import one of some packages. What looks like an import in a text or a comment counts too: such a program
/// runs in either image.
#[derive(Debug, Clone)]
pub(crate) struct Imports(Option<Regex>);

impl Imports {
    /// Imports of these packages, which are plain names.
    pub(crate) fn of<'a>(packages: impl IntoIterator<Item = &'a String>) -> Self {
        let names: Vec<&str> = packages.into_iter().map(String::as_str).collect();
        let names = names.join("|");
        if names.is_empty() {
            return Imports(None);
        }
        let statement = format!(r"(?m)(?:^|[;:])[ \t]*(?:import\s[^\n;#]*|from[ \t]+)\b(?:{names})\b");
        let call = format!(r#"\b(?:__import__|import_module)\(\s*["'](?:{names})\b"#);
        Imports(Regex::new(&format!("{statement}|{call}")).ok())
    }

    /// Whether the program imports one of them.
    pub(crate) fn are_in(&self, program: &str) -> bool {
        self.0.as_ref().is_some_and(|pattern| pattern.is_match(program))
    }
}

#[cfg(test)]
mod tests {
    use super::Imports;

    #[test]
    fn imports_are_found_wherever_a_statement_may_stand() {
        let imports = Imports::of(&["numpy".to_owned(), "sympy".to_owned()]);
        for program in [
            "import numpy",
            "x = 1\nimport sys, numpy as np\n",
            "def f():\n    from numpy.linalg import solve",
            "import sys; import sympy as sp",
            "try: import numpy\nexcept ImportError: pass",
            "np = __import__('numpy')",
            "np = importlib.import_module(\"numpy.fft\")",
        ] {
            assert!(imports.are_in(program), "{program}");
        }
        for program in [
            "import sys",
            "import numpysane",
            "from mine import sympy_like",
            "# this does not need numpy\nprint('import numpy')",
            "import sys # not numpy",
        ] {
            assert!(!imports.are_in(program), "{program}");
        }
        assert!(!Imports::of(&[]).are_in("import numpy"));
    }
}
