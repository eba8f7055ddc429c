//! Files that a command writes: looked at before the work, written after it.

use std::collections::BTreeMap;

use assay_flow::Diagnostic;
use assay_report::{probe, replace, target};
use camino::{Utf8Path, Utf8PathBuf};

use crate::failure::Failure;

/// What to do when a file cannot be written.
pub(crate) const HELP: &str =
    "name another place, or check the folder's permissions and the free space on the disk";

/// Refuses outputs (with their options' names) that are an input or each other, and those that cannot be
/// written, before any work is done.
pub(crate) fn check(inputs: &[&Utf8Path], outputs: &[(&str, Option<&Utf8Path>)]) -> Result<(), Failure> {
    // What each file is to the command.
    let mut known: BTreeMap<Utf8PathBuf, String> = BTreeMap::new();
    let stdout = Utf8Path::new("/dev/stdout");
    for (name, path) in inputs.iter().map(|path| (path.as_str(), *path)).chain([("standard output", stdout)])
    {
        // The streams and folders among them are no files that could be replaced.
        if let Ok(file) = path.canonicalize_utf8()
            && file.is_file()
        {
            known.insert(file, name.to_owned());
        }
    }
    for (option, path) in outputs.iter().filter_map(|(option, path)| Some((option, (*path)?))) {
        if path == "-" {
            return Err(Diagnostic::user(format!(
                "{option} takes a file; standard output is for the summary"
            ))
            .help(format!("{option} ./- is a file of this name; {option} /dev/stderr a stream"))
            .into());
        }
        let impossible = || Failure::refused(format!("write {path}, which {option} names"), HELP);
        let file = target(path).map_err(impossible())?;
        if file.is_dir() {
            return Err(Diagnostic::user(format!("{option} takes a file, and {path} is a folder")).into());
        }
        let program = file.extension() == Some("py");
        let of_samples = inputs.iter().find(|input| {
            program && input.canonicalize_utf8().is_ok_and(|input| input.is_dir() && file.starts_with(input))
        });
        let other = known.get(&file).cloned().or(of_samples.map(|folder| format!("a program of {folder}")));
        if let Some(other) = other {
            return Err(Diagnostic::user(format!("{option} {path} would overwrite {other}"))
                .help("name another file")
                .into());
        }
        probe(path).map_err(impossible())?;
        // A stream, such as /dev/null, may take several outputs.
        if file.is_file() || !file.exists() {
            known.insert(file, format!("what {option} writes"));
        }
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(path, bytes).map_err(Failure::refused(format!("write {path}"), HELP))?;
    Ok(())
}
