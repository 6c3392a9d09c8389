//! Hooks in the runtime's namespaces: prestart, createRuntime, poststart, poststop.
//!
//! A hook gets exactly its own environment, the state on its standard input, a process group of its own and an end:
//! at its timeout the whole group is killed. What it says is in the error.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Seek, SeekFrom, Write, pipe};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, chdir, fchdir};

use crate::error::{Error, Result};
use crate::launch::Interrupts;
use crate::lifecycle::{Signal as AnySignal, State};
use crate::plan::{DEFAULT_HOOK_TIMEOUT, Hook};
use crate::state::{Record, Status};
use crate::sys::{abi, process};

/// How much is kept of what a hook says: its last bytes.
const SAYINGS: usize = 4096;

/// Runs `hooks` one after the other; `kind` is their name in config.json: `createRuntime`.
///
/// The first that can't be started, ends with another status than 0, or is killed at its timeout ends it with an error
/// that names it; so does one of `interrupts`, which kills the hook as well: `hooks.createRuntime[1] /usr/bin/net: ended with status 3: no such bridge`.
pub fn run(hooks: &[Hook], kind: &str, state: &State, interrupts: Option<&Interrupts>) -> Result<()> {
    hooks.iter().enumerate().try_for_each(|(index, hook)| run_one(hook, &place(kind, index, hook), state, interrupts))
}

/// Runs the poststop hooks that `record` remembers: all of them, whatever comes of each (spec: runtime, Lifecycle 14).
/// What went wrong is for a warning.
pub fn poststop(record: &Record) -> Vec<Error> {
    let state = State::for_hooks(record, Status::Stopped);
    let hooks = record.poststop.iter().map(Hook::from).enumerate();
    hooks.filter_map(|(index, hook)| run_one(&hook, &place("poststop", index, &hook), &state, None).err()).collect()
}

fn place(kind: &str, index: usize, hook: &Hook) -> String {
    format!("hooks.{kind}[{index}] {}", hook.path.to_string_lossy())
}

fn run_one(hook: &Hook, place: &str, state: &State, interrupts: Option<&Interrupts>) -> Result<()> {
    let failed = |what: &str, cause: std::io::Error| Error::io(place, what, cause);
    let input = input(state).map_err(|cause| failed("can't be given the state", cause))?;
    let (sayings, ear) = pipe().map_err(|cause| failed("can't be listened to", cause))?;
    let child = start(hook, &state.bundle, &input, &ear).map_err(|cause| {
        let error = failed("can't be started", cause.into());
        match cause {
            Errno::EACCES => error.hint("it must be an executable file of the host"),
            Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENOEXEC => {
                error.hint("it is a program of the host: correct its path, or install it")
            }
            Errno::EAGAIN => error.hint("RLIMIT_NPROC, pids.max or kernel.pid_max is reached"),
            _ => error,
        }
    })?;
    // Ours must go, or its end would never be heard.
    drop(ear);
    let timeout = hook.timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT);
    match attend(child, sayings, Instant::now() + timeout, interrupts) {
        Ok((Some((abi::CLD_EXITED, 0)), _)) => Ok(()),
        Ok((Some(end), said)) => Err(Error::new(place, format!("{}{}", ending(end), quoted(&said)))),
        Ok((None, _)) if interrupts.is_some_and(Interrupts::came) => interrupts.map_or(Ok(()), Interrupts::check),
        Ok((None, said)) => {
            let what = format!("was killed at its timeout of {} s{}", timeout.as_secs(), quoted(&said));
            Err(Error::new(place, what).hint("hooks may have a longer `timeout`"))
        }
        Err(cause) => {
            // Nothing that was started is left running.
            let _ = kill(child);
            Err(failed("can't be waited for", cause))
        }
    }
}

/// The state as a file that is already written: a hook that does not read it blocks nobody, however long it is.
fn input(state: &State) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("state", MFdFlags::MFD_CLOEXEC)?);
    // In one piece: serde_json would make a system call of each word.
    file.write_all(&serde_json::to_vec(state)?)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Starts the hook in the bundle's directory, as other runtimes do, in a process group of its own, with the default for
/// every signal. posix_spawn(3) hands on the environment exactly as it is, in its order.
fn start(hook: &Hook, bundle: &Path, input: &File, ear: &PipeWriter) -> Result<Pid, Errno> {
    let mut files = PosixSpawnFileActions::init()?;
    for (file, stdio) in [(input.as_raw_fd(), 0), (ear.as_raw_fd(), 1), (ear.as_raw_fd(), 2)] {
        files.add_dup2(file, stdio)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
    )?;
    attributes.set_pgroup(Pid::from_raw(0))?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_sigdefault(&SigSet::all())?;
    // There is no such file action in nix. The child has its own copy of where we stand by the time that this returns.
    let here = open(".", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let moved = here.is_ok() && chdir(bundle).is_ok();
    let started = posix_spawn(hook.path.as_c_str(), &files, &attributes, &hook.args, &hook.env);
    if let (Ok(here), true) = (here, moved) {
        // The hook has begun, and must not outlive the error.
        if let (Err(cause), Ok(hook)) = (fchdir(here), started) {
            kill(hook)?;
            return Err(cause);
        }
    }
    started
}

/// How a hook ended: `si_code` and `si_status` of waitid(2).
type End = (i32, i32);

/// Listens to the hook until it ends; `None` if it was killed at `deadline`. Its children may live on and hold the
/// pipe open, so the end of what it says is not waited for.
fn attend(
    child: Pid,
    mut sayings: PipeReader,
    deadline: Instant,
    interrupts: Option<&Interrupts>,
) -> std::io::Result<(Option<End>, Vec<u8>)> {
    let pidfd = crate::state::open_pidfd(child.as_raw())?;
    fcntl(&sayings, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut said = Vec::new();
    let mut silent = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        if let Some(interrupts) = interrupts {
            fds.push(PollFd::new(interrupts.as_fd(), PollFlags::POLLIN));
        }
        if !silent {
            fds.push(PollFd::new(sayings.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(cause) => return Err(cause.into()),
        }
        let ended = fds[0].any() == Some(true);
        silent = silent || hear(&mut sayings, &mut said)?;
        if ended {
            return Ok((Some(wait(child)?), said));
        }
        if left == Duration::ZERO || interrupts.is_some_and(Interrupts::came) {
            kill(child)?;
            return Ok((None, said));
        }
    }
}

/// Takes what is there to be heard, keeping the end of it; whether there will never be more.
fn hear(sayings: &mut PipeReader, said: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut piece = [0; SAYINGS];
    // Not until nothing is left: a hook may talk faster than we listen.
    for _ in 0..16 {
        match sayings.read(&mut piece) {
            Ok(0) => return Ok(true),
            Ok(length) => said.extend_from_slice(&piece[..length]),
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => break,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
        said.drain(..said.len().saturating_sub(SAYINGS));
    }
    Ok(false)
}

/// Kills the hook's whole process group, and takes its status.
fn kill(child: Pid) -> Result<(), Errno> {
    // It is not reaped yet, so the group is still its own.
    killpg(child, Signal::SIGKILL)?;
    wait(child).map(drop)
}

/// Takes its status.
fn wait(child: Pid) -> Result<End, Errno> {
    process::wait(child.as_raw()).map_err(|cause| Errno::from_raw(cause.0))
}

fn ending((code, status): End) -> String {
    match code {
        abi::CLD_EXITED => format!("ended with status {status}"),
        _ => format!("was ended by {}", AnySignal::from_number(status)),
    }
}

/// What a hook said, on one line.
fn quoted(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { String::new() } else { format!(": {}", lines.join(" / ")) }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    fn shell(script: &str, timeout: u64) -> Hook {
        Hook {
            path: c"/bin/sh".into(),
            args: vec![c"hook".into(), c"-c".into(), CString::new(script).unwrap()],
            env: vec![c"A=1".into(), c"EMPTY=".into()],
            timeout: Some(Duration::from_secs(timeout)),
        }
    }

    fn state() -> State {
        let record = Record { id: "web".into(), pid: Some(7), oci_version: "1.0.2".into(), ..Record::default() };
        State::for_hooks(&record, Status::Creating)
    }

    fn error(script: &str, timeout: u64) -> String {
        run(&[shell("true", 60), shell(script, timeout)], "prestart", &state(), None).unwrap_err().to_string()
    }

    #[test]
    fn gets_its_own_environment_and_the_state() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("seen");
        // PWD and others are the shell's own.
        let script = format!("(tr '\\0' '\\n' < /proc/$$/environ; cat; echo; echo $0) > {}", file.display());
        run(&[shell(&script, 60)], "prestart", &state(), None).unwrap();
        let expected = "A=1\nEMPTY=\n{\"ociVersion\":\"1.0.2\",\"id\":\"web\",\"pid\":7,\"status\":\"creating\",\"bundle\":\"\"}\nhook\n";
        assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
    }

    #[test]
    fn what_it_says_is_in_the_error() {
        assert_eq!(
            error("echo no such bridge >&2; echo; echo bye; exit 3", 60),
            "hooks.prestart[1] /bin/sh: ended with status 3: no such bridge / bye"
        );
        assert_eq!(error("kill -9 $$", 60), "hooks.prestart[1] /bin/sh: was ended by SIGKILL");
        assert_eq!(error("kill -37 $$", 60), "hooks.prestart[1] /bin/sh: was ended by SIGRTMIN+3");
        let loud = error("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 1", 60);
        assert!(loud.ends_with("/ 19998 / 19999") && loud.len() < 3 * SAYINGS, "{loud}");
    }

    #[test]
    fn its_whole_group_is_killed_at_the_timeout() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        // The child holds the FIFO open for writing for as long as it lives, so its end is the end of the file.
        let script = format!("(exec 3>{}; echo waiting; sleep 1000) & wait", fifo.display());
        let path = fifo.clone();
        let reader = std::thread::spawn(move || std::fs::read(path).unwrap());
        let error = error(&script, 3);
        assert_eq!(
            error,
            "hooks.prestart[1] /bin/sh: was killed at its timeout of 3 s: waiting (hooks may have a longer `timeout`)"
        );
        assert_eq!(reader.join().unwrap(), b"");
    }

    #[test]
    fn a_child_left_behind_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        // The child holds the pipe of what the hook says, until we open the FIFO afterwards.
        run(&[shell(&format!("read x < {} &", fifo.display()), 60)], "poststart", &state(), None).unwrap();
        std::fs::write(fifo, "go\n").unwrap();
    }

    #[test]
    fn a_long_state_that_is_not_read_blocks_nobody() {
        let mut state = state();
        state.annotations.insert("long".into(), "x".repeat(300_000));
        run(&[shell("exit 0", 60)], "prestart", &state, None).unwrap();
    }

    #[test]
    fn one_that_is_not_there() {
        let missing = Hook { path: c"/no/such/hook".into(), ..shell("", 60) };
        let error = run(&[missing], "createRuntime", &state(), None).unwrap_err().to_string();
        assert_eq!(
            error,
            "hooks.createRuntime[0] /no/such/hook: can't be started: no such file or directory \
             (it is a program of the host: correct its path, or install it)"
        );
    }

    #[test]
    fn poststop_runs_all_of_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ran");
        let hooks = [shell("exit 1", 60), shell(&format!("cat > {}", file.display()), 60)];
        let record = Record { pid: Some(7), poststop: hooks.iter().map(Into::into).collect(), ..Record::default() };
        let warnings = poststop(&record);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].to_string().starts_with("hooks.poststop[0] /bin/sh: ended with status 1"));
        let seen = std::fs::read_to_string(file).unwrap();
        assert!(seen.contains("\"status\":\"stopped\"") && !seen.contains("pid"), "{seen}");
    }
}
