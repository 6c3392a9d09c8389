//! What the engine and the runtime said while a row was asked: shown when it failed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::command::Verdict;
use crate::engine::Engine;
use crate::guard::walk;
use crate::options::Options;

/// Where `--trace` logs.
const TRACE: &str = "/run/trace.log";
/// How many lines of a log are shown.
const LINES: usize = 30;

/// The path that is registered: with `--trace` that of a script that logs each call, its exit
/// status and what the runtime wrote into its own log.
pub fn traced(runtime: &str, options: &Options) -> Verdict<String> {
    if !options.trace {
        return Ok(runtime.to_owned());
    }
    let script = format!(
        r#"#!/bin/sh
'{runtime}' "$@"
status=$?
log= previous=
for word; do
	case $previous:$word in --log:*) log=$word ;; *:--log=*) log=${{word#--log=}} ;; esac
	previous=$word
done
{{ echo "$status = onggi $*"; [ -z "$log" ] || cat "$log"; }} >>{TRACE} 2>/dev/null
exit $status
"#
    );
    fs::write("/run/onggi-traced", script)?;
    fs::set_permissions("/run/onggi-traced", Permissions::from_mode(0o755))?;
    Ok("/run/onggi-traced".to_owned())
}

/// What a row that fails has made the engine and the runtime log.
pub struct Logs(Vec<(&'static str, PathBuf, usize)>);

impl Logs {
    /// Remembers how long the logs are.
    pub fn begin(engine: &Engine) -> Self {
        let trace = Some(("runtime's calls", TRACE.into()));
        let log = engine.driver.log().map(|path| ("engine's log", path));
        let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
        let files = trace.into_iter().chain(log);
        let sized = files.map(|(what, path)| {
            let size = usize::try_from(size(&path)).unwrap_or(0);
            (what, path, size)
        });
        Self(sized.collect())
    }

    /// What was added to them.
    pub fn since(&self) -> String {
        let mut all = String::new();
        for (what, path, from) in &self.0 {
            let text = fs::read(path).unwrap_or_default();
            let new = String::from_utf8_lossy(text.get(*from..).unwrap_or_default()).into_owned();
            all.push_str(&tail(what, &new));
        }
        // Logs that the runtime was told to write, as far as the engine has not removed them.
        let mut found = Vec::new();
        walk(Path::new("/run"), &mut |path| {
            if path.ends_with("log.json") || path.ends_with("oci-log") {
                found.push(path.to_owned());
            }
        });
        for path in found {
            all.push_str(&tail("runtime's log", &fs::read_to_string(path).unwrap_or_default()));
        }
        all
    }
}

fn tail(what: &str, text: &str) -> String {
    let is_news = |line: &&str| !line.contains("level=info");
    let lines = text.lines().filter(is_news).collect::<Vec<_>>();
    if lines.is_empty() {
        return String::new();
    }
    format!("\n-- {what}\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"))
}
