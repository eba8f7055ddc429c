//! The page in a real browser: axe, which knows what people need who cannot see or point, and what the page promises
//! about its choices and about print.
#![expect(clippy::print_stderr, reason = "says that a test was skipped")]

use std::process::{Command, Stdio};

use assay_report::html;
use serde_json::Value;

use super::{amounts, example, small};

/// Browsers that the script can drive.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

fn runs(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Where a browser is, if one is installed.
fn browser() -> Option<String> {
    let name = BROWSERS.into_iter().find(|name| runs(name))?;
    let output = Command::new("which").arg(name).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Nothing is downloaded: without Node, a browser, or the packages of `tests/browser`, the test says so and ends.
#[test]
fn nothing_serious_is_wrong_with_a_page() {
    let folder = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let Some(browser) = browser() else {
        eprintln!("skipped: neither of {} is installed", BROWSERS.join(", "));
        return;
    };
    if !runs("node") || !folder.join("node_modules/axe-core").is_dir() {
        eprintln!("skipped: `npm ci` in {folder} installs what the test needs");
        return;
    }
    let pages = tempfile::tempdir().unwrap();
    let mut command = Command::new("node");
    command.arg(folder.join("pages.mjs")).arg(browser);
    for (name, report) in [("example", example()), ("small", small::report()), ("amounts", amounts::mixed())]
    {
        let path = pages.path().join(format!("{name}.html"));
        fs_err::write(&path, html(&report)).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let serious: Vec<&Value> = found
        .iter()
        .filter(|violation| ["serious", "critical"].iter().any(|impact| violation["impact"] == *impact))
        .collect();
    assert!(serious.is_empty(), "{}", serde_json::to_string_pretty(&serious).unwrap());
}
