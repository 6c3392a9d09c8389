//! Containers a second on the engine's config: one after the other, and eight at a time.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::Result;
use crate::args::Args;
use crate::clock::Clock;
use crate::contender::Contender;
use crate::race::Dice;
use crate::stage::Stage;

/// How many run at a time.
pub const WIDTHS: [usize; 2] = [1, 8];
/// Each figure is the best of this many passes, the contenders in random order in each.
const PASSES: usize = 3;

/// (contender, width) -> containers a second, or why not.
pub type Crowds = BTreeMap<(&'static str, usize), std::result::Result<f64, String>>;

/// Counts for every contender; nothing, if one command only was asked for.
pub fn count(stage: &Stage, entrants: &[Contender], args: &Args) -> Result<Crowds> {
    let mut crowds = Crowds::new();
    if args.only.is_some() {
        return Ok(crowds);
    }
    let mut dice = Dice::new();
    let mut order: Vec<&Contender> = entrants.iter().collect();
    for _ in 0..PASSES {
        dice.shuffle(&mut order);
        for who in &order {
            for width in WIDTHS {
                let figure = rate(stage, who, width, args.crowd)?;
                let best = crowds.entry((who.name, width)).or_insert_with(|| figure.clone());
                if let (Ok(old), Ok(new)) = (&*best, &figure) {
                    *best = Ok(old.max(*new));
                }
            }
        }
    }
    Ok(crowds)
}

/// One pass: `total` containers, `width` at a time, each lane with a clock of its own.
fn rate(stage: &Stage, who: &Contender, width: usize, total: usize) -> Result<std::result::Result<f64, String>> {
    let mut lanes = Vec::new();
    for lane in 0..width {
        lanes.push((Clock::start(stage)?, who.container(stage, "engine", &format!("lane{lane}"))?));
    }
    let start = Instant::now();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = lanes
            .into_iter()
            .map(|(mut clock, container)| {
                let call = who.call(stage, "run", &container);
                scope.spawn(move || {
                    for _ in 0..total / width {
                        let answer = clock.run(&call).map_err(|e| e.to_string())?;
                        if answer.status != 0 {
                            crate::guard::sweep(&container);
                            return Err(format!("run: exit status {}: {}", answer.status, clock.said()));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()?.err()).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let done = u32::try_from(total / width * width)?;
    Ok(failures.into_iter().next().map_or(Ok(f64::from(done) / seconds), Err))
}
