//! Inside a world: the engine is started, asked row by row, and stopped; nothing may be left.
//!
//! Standard output is the way to the first process: one [`Report`] a line, as JSON.

use std::time::Instant;

use crate::command::{Trouble, Verdict, failed, until};
use crate::engine::{self, Engine};
use crate::guard::leftovers;
use crate::logs::{Logs, traced};
use crate::options::Options;
use crate::report::Report;
use crate::rows::{self, Row};
use crate::{image, speed, world};

/// The second half of the test, as the child of the world's init.
pub fn run(options: &Options) -> Verdict {
    let name = options.engines.first().map_or("", String::as_str);
    let runtime = world::furnish(options)?;
    image::build(options)?;
    let begun = Instant::now();
    let started = traced(&runtime, options).and_then(|runtime| engine::start(name, &runtime, options));
    let driver = match started {
        Ok(driver) => driver,
        Err(trouble) => {
            tell(name, "starts", Err(trouble), begun);
            return Ok(());
        }
    };
    tell(name, "starts", Ok(()), begun);
    let mut engine = Engine::new(driver, options);
    match options.speed {
        Some(count) => {
            let begun = Instant::now();
            tell(name, "the race", speed::race(&engine, &runtime, count), begun);
        }
        None => rows::all().filter(|row| row.is_asked(name, options)).for_each(|row| ask(row, &engine)),
    }
    let begun = Instant::now();
    tell(name, "stops", engine.driver.stop(options.deadline(60)), begun);
    let begun = Instant::now();
    let mut last = String::new();
    let left = until("nothing is left of any container", options.deadline(10), || {
        last = leftovers()?.join("\n");
        Ok(last.is_empty())
    });
    let left = left.map_err(|trouble| failed(format!("{trouble}\nleft:\n{last}")));
    tell(name, "leaves no process, cgroup, mount or state", left, begun);
    if let (true, Some(log)) = (options.logs, engine.driver.log()) {
        print!("{}", std::fs::read_to_string(log)?);
    }
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
