//! docs/: what the pages say of the source is there, in these words.

use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

/// The numbered sentences of `lines` that begin with `mark`: the first sentence of each `1. Like this. And more.`
fn numbered<'a>(lines: impl Iterator<Item = &'a str>, mark: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines.map(|line| line.strip_prefix(mark)) {
        let next = format!("{}. ", found.len() + 1);
        match line.and_then(|line| line.strip_prefix(&*next)) {
            Some(text) => found.push(text.to_owned()),
            // A sentence goes on in the lines below, further in.
            None => match (line, found.last_mut()) {
                (Some(line), Some(last)) if line.starts_with("   ") && !ended(last) => {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                _ => {}
            },
        }
    }
    found
        .iter()
        .map(|text| text.split_inclusive(['.', ':']).next().unwrap().trim_end_matches(['.', ':']).to_owned())
        .collect()
}

fn ended(text: &str) -> bool {
    text.contains(['.', ':'])
}

/// The tour ends with the list that a container is born by.
#[test]
fn the_tour_has_the_steps_of_init() {
    let (source, page) = (read("src/child/init.rs"), read("docs/life-of-a-container.md"));
    let steps = numbered(source.lines().map(str::trim_start), "// ");
    let tour = numbered(page.lines().skip_while(|line| *line != "## Now read it"), "");
    assert!(steps.len() > 9, "the steps of init.rs are not found: {steps:?}");
    assert_eq!(tour, steps);
}

/// And says how many there are of joining.
#[test]
fn the_tour_counts_the_steps_of_join() {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let steps = numbered(read("src/child/join.rs").lines().map(str::trim_start), "// ");
    let said = format!("[src/child/join.rs](../src/child/join.rs), {} steps.", WORDS[steps.len()]);
    assert!(read("docs/life-of-a-container.md").contains(&said), "{said}");
}

/// The talk between parent and child is drawn where it is led, and where the house is explained.
#[test]
fn the_talk_is_drawn_alike() {
    let source = read("src/launch/mod.rs");
    let drawn: Vec<_> = source
        .lines()
        .skip_while(|line| *line != "//! ```text")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//! "))
        .collect();
    assert!(drawn.len() > 8, "{drawn:?}");
    assert!(read("docs/architecture.md").contains(&drawn.join("\n")));
}

/// What a page links to is there.
#[test]
fn no_link_leads_nowhere() {
    let docs = fs::read_dir(top().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.extend(["README.md", "CHANGELOG.md", "bundles/README.md"].map(|page| top().join(page)));
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if link.contains("://") || target.is_empty() {
                continue;
            }
            seen += 1;
            if !page.with_file_name(target).exists() {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} links found: the reader is wrong");
    assert!(wrong.is_empty(), "lead nowhere:\n{}", wrong.join("\n"));
}
