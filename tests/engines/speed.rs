//! How long a container takes through an engine, with one runtime and another: `--speed N`.
//!
//! Most of the time is the engine's own, the same for all; the difference is the runtime's. The
//! runtimes take turns, so that what else the machine does meets all of them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{Trouble, Verdict, failed, shell};
use crate::docker;
use crate::engine::Engine;
use crate::image;
use crate::podman;
use crate::rivals::{self, Rival};

/// Those that are raced through; containerd's `ctr` speaks to the containerd that dockerd has started.
pub const ENGINES: [&str; 2] = [docker::NAME, podman::NAME];

/// How many run at the same time in the second heat.
const LANES: usize = 8;
/// Not counted.
const WARM_UP: usize = 2;
/// The containerd that dockerd has started.
const CONTAINERD: &str = "/run/docker/containerd/containerd.sock";
const CONFIG: &str = "/run/race.json";

/// Ids of `ctr` must be given, each once.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// One way to run a container: its title, and the line of shell with a given runtime.
type Way<'a> = (&'static str, Box<dyn Fn(&Rival) -> String + Sync + 'a>);

/// Races all runtimes through one engine, `count` containers each, and prints the tables.
pub fn race(e: &Engine, runtime: &str, count: usize) -> Verdict {
    let rivals = rivals::all(runtime)?;
    for (title, line) in ways(e, runtime)? {
        let working = rivals.iter().filter(|rival| works(rival, &line(rival))).collect::<Vec<_>>();
        if working.first().is_none_or(|rival| rival.name != "onggi") {
            return Err(failed(format!("{title} does not work with the runtime under test")));
        }
        let one = in_sequence(&working, &*line, count)?;
        let eight = at_once(&working, &*line, count)?;
        print(title, count, &working, &one, &eight);
    }
    Ok(())
}

fn ways<'a>(e: &'a Engine, runtime: &str) -> Verdict<Vec<Way<'a>>> {
    let client = e.driver.client();
    if e.driver.name() != docker::NAME {
        let line = move |rival: &Rival| format!("{client} --runtime {} run --rm busybox true", rival.path);
        return Ok(vec![("podman run --rm busybox true", Box::new(line))]);
    }
    config(runtime)?;
    let docker = move |rival: &Rival| format!("{client} run --rm --runtime {} busybox true", rival.registered());
    let ctr = |rival: &Rival| {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("ctr -a {CONTAINERD} run --rm --runc-binary {} --config {CONFIG} race{id}", rival.path)
    };
    Ok(vec![("docker run --rm busybox true", Box::new(docker)), ("ctr run --rm busybox true", Box::new(ctr))])
}

/// ctr's own config always asks for a share of the processor, which this machine may not have to give.
fn config(runtime: &str) -> Verdict {
    let folder = "/run/race";
    fs::create_dir_all(folder)?;
    shell(&format!("cd {folder} && {runtime} spec"), "", Duration::from_secs(10))?.works()?;
    let text = fs::read_to_string(format!("{folder}/config.json"))?;
    let mut config: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!(["true"]);
    config["root"] = json!({"path": image::ROOTFS, "readonly": true});
    // Newer than crun 1.8 and runc 1.1 would take.
    config["ociVersion"] = json!("1.0.2");
    Ok(fs::write(CONFIG, config.to_string())?)
}

/// Tries it; says so where a runtime other than the one under test can't.
fn works(rival: &Rival, line: &str) -> bool {
    let ran = shell(line, "", Duration::from_secs(30));
    let why = match ran {
        Ok(ran) if ran.status == 0 => return true,
        Ok(ran) => format!("exit status {}: {}{}", ran.status, ran.out.trim(), ran.err.trim()),
        Err(trouble) => trouble.to_string(),
    };
    println!("{} does not run: {line}\n  {why}", rival.name);
    // What a runtime leaves that fails is not what the last question is about.
    let _ =
        shell("find /sys/fs/cgroup/docker -mindepth 1 -depth -type d -exec rmdir {} +", "", Duration::from_secs(10));
    false
}

/// Wall time of one container.
fn once(line: &str) -> Verdict<Duration> {
    let begun = Instant::now();
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("exec {line}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(begun.elapsed()) } else { Err(failed(format!("$ {line}: {status}"))) }
}

/// One after the other, the runtimes in turn; the times of each, sorted.
fn in_sequence(rivals: &[&Rival], line: &dyn Fn(&Rival) -> String, count: usize) -> Verdict<Vec<Vec<Duration>>> {
    let mut times = vec![Vec::new(); rivals.len()];
    for round in 0..WARM_UP + count {
        for turn in 0..rivals.len() {
            let who = (round + turn) % rivals.len();
            let took = once(&line(rivals[who]))?;
            if round >= WARM_UP {
                times[who].push(took);
            }
        }
    }
    for of in &mut times {
        of.sort_unstable();
    }
    Ok(times)
}

/// Eight at a time; containers a second.
fn at_once(rivals: &[&Rival], line: &(dyn Fn(&Rival) -> String + Sync), count: usize) -> Verdict<Vec<f64>> {
    let each = count.div_ceil(LANES);
    let heat = |rival: &Rival| {
        let begun = Instant::now();
        thread::scope(|scope| {
            let lane = || (0..each).try_for_each(|_| once(&line(rival)).map(drop));
            let lanes = (0..LANES).map(|_| scope.spawn(lane)).collect::<Vec<_>>();
            lanes.into_iter().try_for_each(crate::command::joined)
        })?;
        let done = u32::try_from(each * LANES).unwrap_or(u32::MAX);
        Ok::<_, Trouble>(f64::from(done) / begun.elapsed().as_secs_f64())
    };
    rivals.iter().map(|rival| heat(rival)).collect()
}

fn print(title: &str, count: usize, rivals: &[&Rival], one: &[Vec<Duration>], eight: &[f64]) {
    print!("\n{title:<34}");
    for rival in rivals {
        print!("{:>10}", rival.name);
    }
    for rival in rivals.iter().skip(1) {
        print!("{:>12}", format!("onggi/{}", rival.name));
    }
    println!();
    let line = |name: &str, values: Vec<f64>| {
        print!("  {name:<32}");
        for value in &values {
            print!("{value:>10.1}");
        }
        for value in values.iter().skip(1) {
            print!("{:>12.2}", values[0] / value);
        }
        println!();
    };
    let at = |part: usize| {
        let pick = |times: &Vec<Duration>| times[(times.len() - 1) * part / 4].as_secs_f64() * 1e3;
        one.iter().map(pick).collect::<Vec<_>>()
    };
    line(&format!("{count} in sequence: minimum (ms)"), at(0));
    line("first quartile", at(1));
    line("median", at(2));
    line("8 at a time: containers a second", eight.to_vec());
}

/// What a running container keeps of its runtime: processes, and kilobytes of memory of theirs.
pub fn held(runtime: &str) -> Verdict<(usize, u64)> {
    let file = fs::metadata(runtime)?;
    let (mut processes, mut memory) = (0, 0);
    for entry in fs::read_dir("/proc")?.flatten() {
        let exe = entry.path().join("exe");
        let link = fs::read_link(&exe).unwrap_or_default();
        let same = fs::metadata(&exe).is_ok_and(|is| (is.dev(), is.ino()) == (file.dev(), file.ino()));
        // A sealed copy of a part of itself counts as well.
        if same || link.to_string_lossy().starts_with("/memfd:") {
            processes += 1;
            memory += pss(&entry.path());
        }
    }
    Ok((processes, memory))
}

fn pss(process: &Path) -> u64 {
    let text = fs::read_to_string(process.join("smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
