//! The deeds: small things that a container's process does for a test.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::{kernel, report};

type Words = VecDeque<String>;

/// Does the deeds in their order. The exit status is 0 at the end of the list, or that of `exit`.
///
/// | deed | does |
/// |---|---|
/// | `report [OPTION...]` | writes what it sees, see [`report::report`] |
/// | `say TEXT`, `complain TEXT` | a line on stdout, on stderr |
/// | `exit N` | ends with status N |
/// | `kill-self SIGNAL` | sends itself a signal: `TERM`, `KILL` ... |
/// | `sleep` | stays until a signal ends it |
/// | `trap-term`, `ignore-term` | exits with 0 on SIGTERM, ignores it |
/// | `fork N` | N children that sleep |
/// | `child DEED...` | the deeds that follow in a child, which is not waited for |
/// | `crowd N` | N - 1 children, which all do the deeds that follow, as it does itself |
/// | `orphan` | a grandchild that sleeps, its parent gone |
/// | `reap` | waits for all children; a lone `sleep` for a process that has some |
/// | `touch PATH`, `write PATH TEXT`, `append PATH TEXT`, `mkdir PATH` | makes or changes a file |
/// | `write-pid PATH` | its pid into the file or FIFO |
/// | `await PATH` | reads the FIFO or file until a byte comes |
/// | `copy-stdin` | stdin to stdout until its end |
/// | `save-stdin PATH` | stdin to a new file until its end |
/// | `line` | reads one line of stdin and says it |
/// | `listen PATH` | a listening unix socket that stays; accepts nothing |
/// | `notify TEXT` | a message to the socket that `NOTIFY_SOCKET` names |
/// | `become UID GID` | changes its ids |
/// | `eat MIB` | touches that much memory and keeps it |
/// | `try-fork` | sleeping children until the kernel refuses one; says `COUNT ERRNO` |
/// | `bomb` | children that make children, without end |
/// | `try-huge MIB` | touches that much memory in huge pages of 2 MiB and keeps it; says `ok` or the errno |
/// | `disk read\|write PATH COUNT KIB` | COUNT blocks of KIB, past the cache; says how many milliseconds that took |
/// | `try-rdma PATH` | contexts of an RDMA device until the kernel refuses one, or ten; says `COUNT ERRNO` |
/// | `window` | waits for one SIGWINCH, then says `ROWS COLUMNS` |
/// | `spin` | uses a processor until a signal ends it |
/// | `environ PID` | exits with 0 if that process's environment can be read, 1 if not |
pub fn run(mut words: Words) -> io::Result<u8> {
    while let Some(deed) = words.pop_front() {
        match deed.as_str() {
            "exit" => return number(&mut words),
            "report" => report::report(&mut words)?,
            "fork" => spawn_sleepers(number(&mut words)?)?,
            "crowd" => crowd(number(&mut words)?)?,
            "orphan" => orphan()?,
            "child" if kernel::fork()? != 0 => return Ok(0),
            "child" => {}
            "reap" => while nix::sys::wait::wait().is_ok() {},
            _ if signals(&deed, &mut words)? || files(&deed, &mut words)? => {}
            _ => resources(&deed, &mut words)?,
        }
    }
    Ok(0)
}

fn signals(deed: &str, words: &mut Words) -> io::Result<bool> {
    match deed {
        "sleep" => loop {
            kernel::pause();
        },
        "spin" => loop {
            std::hint::spin_loop();
        },
        "trap-term" => kernel::on_signal(libc::SIGTERM, leave as *const () as libc::sighandler_t)?,
        "ignore-term" => kernel::on_signal(libc::SIGTERM, libc::SIG_IGN)?,
        "kill-self" => {
            let signal: Signal = format!("SIG{}", word(words)?).parse()?;
            nix::sys::signal::kill(Pid::this(), signal)?;
        }
        "window" => await_window()?,
        _ => return Ok(false),
    }
    Ok(true)
}

extern "C" fn leave(_signal: i32) {
    kernel::exit_now(0)
}

extern "C" fn notice(_signal: i32) {}

fn await_window() -> io::Result<()> {
    // Blocked first: a change between the handler and the wait is then not lost.
    let mut set = nix::sys::signal::SigSet::empty();
    set.add(Signal::SIGWINCH);
    set.thread_block()?;
    kernel::on_signal(libc::SIGWINCH, notice as *const () as libc::sighandler_t)?;
    say("ready")?;
    set.wait()?;
    let (rows, columns) = kernel::window_size(0)?;
    say(&format!("{rows} {columns}"))
}

fn files(deed: &str, words: &mut Words) -> io::Result<bool> {
    match deed {
        "say" => say(&word(words)?)?,
        "complain" => eprintln!("{}", word(words)?),
        "touch" => drop(File::create(word(words)?)?),
        "write" => fs::write(word(words)?, word(words)?)?,
        "append" => File::options().append(true).open(word(words)?)?.write_all(word(words)?.as_bytes())?,
        "write-pid" => fs::write(word(words)?, std::process::id().to_string())?,
        "mkdir" => fs::create_dir(word(words)?)?,
        "await" => File::open(word(words)?)?.read_exact(&mut [0])?,
        "copy-stdin" => drop(io::copy(&mut io::stdin(), &mut io::stdout())?),
        "save-stdin" => {
            let mut file = File::create(word(words)?)?;
            io::copy(&mut io::stdin(), &mut file)?;
        }
        "line" => {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            say(line.trim_end())?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn resources(deed: &str, words: &mut Words) -> io::Result<()> {
    match deed {
        "listen" => std::mem::forget(std::os::unix::net::UnixListener::bind(word(words)?)?),
        "notify" => {
            let socket = std::env::var("NOTIFY_SOCKET").map_err(io::Error::other)?;
            std::os::unix::net::UnixDatagram::unbound()?.send_to(word(words)?.as_bytes(), socket)?;
        }
        "become" => kernel::become_user(number(words)?, number(words)?)?,
        "eat" => {
            let mebibytes: usize = number(words)?;
            // Ones, not zeros: zeroed memory is not touched before it is used.
            std::mem::forget(std::hint::black_box(vec![1_u8; mebibytes << 20]));
        }
        "try-fork" => try_fork()?,
        "bomb" => loop {
            let _ = kernel::fork();
        },
        "try-huge" => {
            let mebibytes: usize = number(words)?;
            let outcome = kernel::map_huge(mebibytes << 20);
            say(&outcome.map_or_else(|cause| errno(&cause), |()| "ok".to_owned()))?;
        }
        "try-rdma" => try_rdma(&word(words)?)?,
        "disk" => disk(&word(words)?, &word(words)?, number(words)?, number(words)?)?,
        "environ" => {
            let readable = fs::read(format!("/proc/{}/environ", word(words)?)).is_ok();
            kernel::exit_now(i32::from(!readable));
        }
        _ => return Err(io::Error::other(format!("there is no deed {deed:?}"))),
    }
    Ok(())
}

fn spawn_sleepers(count: u32) -> io::Result<()> {
    for _ in 0..count {
        if kernel::fork()? == 0 {
            loop {
                kernel::pause();
            }
        }
    }
    Ok(())
}

fn crowd(count: u32) -> io::Result<()> {
    for _ in 1..count {
        if kernel::fork()? == 0 {
            break;
        }
    }
    Ok(())
}

fn try_fork() -> io::Result<()> {
    let mut count = 0;
    loop {
        match kernel::fork() {
            Ok(0) => loop {
                kernel::pause();
            },
            Ok(_) => count += 1,
            Err(cause) => return say(&format!("{count} {}", errno(&cause))),
        }
    }
}

fn try_rdma(path: &str) -> io::Result<()> {
    let mut contexts = Vec::new();
    while contexts.len() < 10 {
        let device = File::options().read(true).write(true).open(path)?;
        if let Err(cause) = kernel::rdma_context(&device) {
            return say(&format!("{} {}", contexts.len(), errno(&cause)));
        }
        contexts.push(device);
    }
    say(&format!("{} ok", contexts.len()))
}

/// Reads or writes blocks from the start of a device or file, with `O_DIRECT`.
fn disk(what: &str, path: &str, count: usize, kibibytes: usize) -> io::Result<()> {
    const PAGE: usize = 4096;
    let write = what == "write";
    let mut file = File::options().read(!write).write(write).custom_flags(libc::O_DIRECT).open(path)?;
    let length = kibibytes << 10;
    // O_DIRECT wants memory at a page's start.
    let mut memory = vec![b'x'; length + PAGE];
    let start = memory.as_ptr().align_offset(PAGE);
    let block = &mut memory[start..start + length];
    let begun = std::time::Instant::now();
    for _ in 0..count {
        if write { file.write_all(block)? } else { file.read_exact(block)? }
    }
    say(&begun.elapsed().as_millis().to_string())
}

fn errno(cause: &io::Error) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(cause.raw_os_error().unwrap_or(0)))
}

fn orphan() -> io::Result<()> {
    let child = kernel::fork()?;
    if child == 0 {
        spawn_sleepers(1)?;
        kernel::exit_now(0);
    }
    nix::sys::wait::waitpid(Pid::from_raw(child), None)?;
    Ok(())
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(format!("{text}\n").as_bytes())?;
    out.flush()
}

fn word(words: &mut Words) -> io::Result<String> {
    words.pop_front().ok_or_else(|| io::Error::other("a deed lacks an argument"))
}

fn number<T: std::str::FromStr>(words: &mut Words) -> io::Result<T> {
    let word = word(words)?;
    word.parse().map_err(|_| io::Error::other(format!("{word:?} is not a number that fits")))
}
