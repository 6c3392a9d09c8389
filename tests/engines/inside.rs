//! Inside a world: the engine is started, asked row by row, and stopped; nothing may be left.
//!
//! Standard output is the way to the first process: one [`Report`] a line, as JSON.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use crate::command::{Trouble, Verdict, failed, until};
use crate::engine::{self, Engine};
use crate::image;
use crate::options::Options;
use crate::report::Report;
use crate::rows::{self, Row};
use crate::world::{self, STORE};

/// Where `--trace` logs.
const TRACE: &str = "/run/trace.log";

/// The second half of the test, as the child of the world's init.
pub fn run(options: &Options) -> Verdict {
    let name = options.engines.first().map_or("", String::as_str);
    let runtime = world::furnish(options)?;
    image::build(options)?;
    let begun = Instant::now();
    let started =
        traced(&runtime, options).and_then(|runtime| engine::start(name, &runtime, options));
    let driver = match started {
        Ok(driver) => driver,
        Err(trouble) => {
            tell(name, "starts", Err(trouble), begun);
            return Ok(());
        }
    };
    tell(name, "starts", Ok(()), begun);
    let mut engine = Engine::new(driver, options);
    for row in rows::ROWS.iter().filter(|row| row.is_asked(name, options)) {
        ask(row, &engine);
    }
    let begun = Instant::now();
    tell(
        name,
        "stops",
        engine.driver.stop(options.deadline(60)),
        begun,
    );
    let begun = Instant::now();
    let mut last = String::new();
    let left = until(
        "nothing is left of any container",
        options.deadline(10),
        || {
            last = leftovers()?.join("\n");
            Ok(last.is_empty())
        },
    );
    let left = left.map_err(|trouble| failed(format!("{trouble}\nleft:\n{last}")));
    tell(
        name,
        "leaves no process, cgroup, mount or state",
        left,
        begun,
    );
    Ok(())
}

fn ask(row: &Row, engine: &Engine) {
    let name = engine.driver.name();
    let logs = Logs::begin(engine);
    let begun = Instant::now();
    let asked = (row.check)(engine).map_err(|trouble| match trouble {
        Trouble::Failed(why) => Trouble::Failed(format!("{why}{}", logs.since())),
        skipped @ Trouble::Skipped(_) => skipped,
    });
    let cleared = engine.clear();
    tell(name, row.feature, asked.and(cleared), begun);
}

fn tell(engine: &str, feature: &str, verdict: Verdict, begun: Instant) {
    let mut report = Report::new(engine, feature, verdict);
    report.took = begun.elapsed();
    match serde_json::to_string(&report) {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("engines: {feature}: {error}"),
    }
}

/// The path that is registered: with `--trace` that of a script that logs each call, its exit
/// status and what the runtime wrote into its own log.
fn traced(runtime: &str, options: &Options) -> Verdict<String> {
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
struct Logs(Vec<(&'static str, std::path::PathBuf, usize)>);

impl Logs {
    fn begin(engine: &Engine) -> Self {
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

    fn since(&self) -> String {
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
            all.push_str(&tail(
                "runtime's log",
                &fs::read_to_string(path).unwrap_or_default(),
            ));
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
    format!(
        "\n-- {what}\n{}",
        lines[lines.len().saturating_sub(30)..].join("\n")
    )
}

/// Everything that bears a container's id, and every process that is not ours.
fn leftovers() -> Verdict<Vec<String>> {
    let mut left = Vec::new();
    for place in ["/run", "/sys/fs/cgroup"] {
        walk(Path::new(place), &mut |path| {
            if path
                .file_name()
                .is_some_and(|name| is_id(&name.to_string_lossy()))
            {
                left.push(path.display().to_string());
            }
        });
    }
    for line in fs::read_to_string("/proc/self/mountinfo")?.lines() {
        if line.split(['/', ' ']).any(is_id) {
            left.push(format!("mount {line}"));
        }
    }
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let is_process = pid.bytes().all(|byte| byte.is_ascii_digit());
        if is_process && pid != "1" && pid != own {
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            left.push(format!("process {pid}: {}", line.replace('\0', " ")));
        }
    }
    Ok(left)
}

/// Whether a name has a container's id in it: 64 hexadecimal digits.
fn is_id(name: &str) -> bool {
    name.split(|letter: char| !letter.is_ascii_hexdigit())
        .any(|part| part.len() == 64)
}

/// Visits all below a folder, but not the engines' stores and image.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.starts_with(STORE)
            || path.starts_with("/run/image")
            || path.starts_with("/run/upper")
        {
            continue;
        }
        visit(&path);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, visit);
        }
    }
}
