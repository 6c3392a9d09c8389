//! onggi under real engines: Docker, Podman, containerd by itself and as Kubernetes calls it, and
//! a swarm of three Docker nodes, from the distribution's packages, with onggi as their runtime, on
//! a machine that is as before when it is over.
//!
//! What may enter: questions that only an engine can ask. What can be asked of the runtime alone
//! belongs into the other suites, which are quicker and say more.
//!
//! ```text
//! tests/engines/packages                                  install the engines, once
//! ONGGI_BIN=target/release/onggi cargo test --test engines              the fast rows
//! cargo test --test engines -- --speed 100                              no rows, but a race
//! ONGGI_BIN=/usr/sbin/runc cargo test --test engines -- --all           all of them, with another runtime
//! cargo test --test engines -- --all --engine podman --only stop        some of them
//! ```
//!
//! The road: [`options`] are read, and for each engine a private [`world`] is entered, in which
//! the [`engine`] is started, the [`image`] is imported and the [`rows`] are asked. Each answer
//! goes back to the first process, which prints the table ([`report`]) and sees that the host is
//! as before ([`guard`]).

mod archive;
mod command;
mod containerd;
mod cri;
mod daemon;
mod docker;
mod docs;
mod engine;
mod guard;
mod image;
mod inside;
mod limitless;
mod logs;
mod options;
mod podman;
mod programs;
mod report;
mod rivals;
mod rows;
mod speed;
mod swarm;
mod terminal;
mod world;

use std::process::ExitCode;

use options::{Options, Task};
use report::{Outcome, Report, Table};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let done =
        match arguments.next_if(|first| [world::ENTER, world::INSIDE, limitless::STAGE].contains(&first.as_str())) {
            Some(stage) if stage == limitless::STAGE => limitless::become_runtime(arguments).map(|()| true),
            Some(stage) => Options::read(arguments).and_then(|options| {
                if stage == world::ENTER { world::enter(&options) } else { inside::run(&options) }.map(|()| true)
            }),
            None => Options::read(arguments).map(|options| match options.task {
                Task::Ask => ask(&options),
                Task::List => list(),
                Task::Help => {
                    print!("{}", options::HELP);
                    true
                }
            }),
        };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("engines: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> bool {
    for row in rows::all() {
        let speed = if row.fast { "fast" } else { "all " };
        println!("{speed} {:<14} {}", row.engine.unwrap_or("docker, podman"), row.feature);
    }
    true
}

/// One world for each engine that is asked for; true if nothing failed.
fn ask(options: &Options) -> bool {
    let mut table = Table::new(options);
    if let Err(trouble) = world::possible(options) {
        table.add(&Report::new("-", "the engines can be started", trouble));
        return table.close();
    }
    for engine in &options.engines {
        let before = guard::Host::now();
        let ended = world::run(engine, options, &mut |report| table.add(report));
        if let Err(trouble) = ended {
            table.add(&Report::new(engine, "the engine's world", trouble));
        }
        let mut last = Report::new(engine, "the host is as before", before.compare());
        if let Outcome::Failed(why) = &mut last.outcome {
            why.insert_str(0, "left on the host:\n");
        }
        table.add(&last);
    }
    table.close()
}
