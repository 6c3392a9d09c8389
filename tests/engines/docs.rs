//! What docs/engines.md tells people to write, so that it is tested as it stands there.

use crate::command::{Verdict, failed};

const TEXT: &str = include_str!("../../docs/engines.md");
/// Where `make install` puts the program.
const PATH: &str = "/usr/local/bin/onggi";

/// The first block of a language that begins with `start` below a heading, the program's path replaced by that of `runtime`.
pub fn block(heading: &str, language: &str, start: &str, runtime: &str) -> Verdict<String> {
    let start = format!("```{language}\n{start}");
    let section = TEXT.split_once(&format!("\n## {heading}\n")).map(|(_, after)| after);
    let section = section.and_then(|text| text.split("\n## ").next());
    let block = section.and_then(|text| text.split_once(&start)).and_then(|(_, after)| after.split("```").next());
    let block = block.ok_or_else(|| failed(format!("docs/engines.md has no {start} below {heading}")))?;
    Ok(block.replace(PATH, runtime))
}
