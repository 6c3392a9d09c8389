//! The race: onggi against crun, runc and the floor, on two configs, command by command.
//!
//! What may enter: what measures, and nothing that knows onggi from inside. Every contender is a
//! program with runc's command line, called with the same words.
//!
//! `cargo bench --bench race -- [--rounds N] [--only COMMAND] [--quick]`, as root. `ONGGI_BIN` names
//! another onggi than the release build. In order: [`stage`] makes a private world, [`contender`]
//! says who runs, [`race`] takes the samples [`lap`] by lap through the [`clock`], [`crowd`] counts containers a
//! second, [`report`] and [`goals`] print, [`guard`] looks whether anything was left behind.

mod args;
mod clock;
mod contender;
mod crowd;
mod goals;
mod guard;
mod lap;
mod race;
mod report;
mod samples;
mod stage;

use std::error::Error;
use std::process::{Command, ExitCode};

use nix::sys::signal::{SigSet, Signal};

/// What can break here ends the whole race; a contender that fails does not.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The two configs, in the order of the report.
const CONFIGS: [&str; 2] = ["plain", "engine"];

/// Says to the second self what this race is called.
const NAME: &str = "ONGGI_RACE";

fn main() -> ExitCode {
    let outcome = match std::env::var(NAME) {
        Ok(name) => race_all(name).map(|()| true),
        Err(_) => supervise(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the race as a second self and cleans up behind it, however it ended.
fn supervise() -> Result<bool> {
    args::parse(std::env::args().skip(1))?;
    stage::private_mounts()?;
    let name = format!("race{}", std::process::id());
    let mut racer =
        Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(NAME, &name).spawn()?;
    let interrupts: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    interrupts.thread_block()?;
    let status = racer.wait()?;
    guard::sweep_all(&name);
    Ok(status.success())
}

fn race_all(name: String) -> Result<()> {
    let args = args::parse(std::env::args().skip(1))?;
    let stage = stage::build(name)?;
    let entrants = contender::all(&stage)?;
    println!("{} rounds, contenders in random order; state, bundles and rootfs on tmpfs\n", args.rounds);
    let mut clock = clock::Clock::start(&stage)?;
    let mut results = samples::Results::default();
    for config in CONFIGS {
        race::race(&stage, &mut clock, &entrants, config, &args, &mut results)?;
    }
    if let Some(only) = &args.only {
        results.keep_only(only);
    }
    let crowds = crowd::count(&stage, &entrants, &args)?;
    report::print(&entrants, &results, &crowds);
    let goals = goals::judge(&results);
    goals::print(&goals);
    report::write_json(&stage.target.join("bench.json"), &args, &entrants, &results, &crowds, &goals)?;
    drop(clock);
    guard::check(&stage)
}
