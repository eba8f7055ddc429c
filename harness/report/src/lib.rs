//! Tables, plots and pages: terminal, Markdown, HTML and JSON.
