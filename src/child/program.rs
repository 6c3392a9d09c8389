//! The user's program: where it stands, where it is found, when it begins.

use core::ffi::CStr;

use super::place::{self, Kind};
use super::{At, Fault, Never, Outcome, Wire, text};
use crate::script::{Process, Script, Step};
use crate::sys::{Errno, Fd, abi, file, process, socket};

/// Longest path of the kernel, with its NUL.
pub const PATH_MAX: usize = 4096;

/// Where a program is looked for when the environment does not say.
const DEFAULT_PATH: &CStr = c"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `CAP_DAC_OVERRIDE`, with which root enters every directory.
const DAC_OVERRIDE: u64 = 1 << 1;

/// Makes the working directory if it is missing, as engines expect.
pub fn make_cwd(root: Fd, process: &Process) -> Outcome {
    if process.make_cwd.is() {
        match place::find_or_make(root, process.cwd.get(), Kind::Directory) {
            Ok(found) => file::close(found),
            // A read-only place, for instance: entering it will tell.
            Err(Errno(abi::EROFS | abi::EACCES | abi::ENOTDIR)) => {}
            Err(errno) => return Err(errno).at(Step::Cwd),
        }
    }
    Ok(())
}

/// Goes to the working directory before the process is its user, and says whether it got there. Images have directories that
/// only root may enter (/root), and engines run them as anybody (`docker run -u`).
pub fn approach_cwd(process: &Process) -> bool {
    let everywhere = process.uid == 0 && process.effective & DAC_OVERRIDE != 0;
    !everywhere && file::chdir(process.cwd.get()).is_ok()
}

/// Enters the working directory as the user, and makes sure that it lies in the container. A user who may not enter it stays
/// there if the process is `there` already.
pub fn enter_cwd(process: &Process, there: bool) -> Outcome {
    match file::chdir(process.cwd.get()) {
        Err(Errno(abi::EACCES)) if there => {}
        other => other.at(Step::Cwd)?,
    }
    if file::cwd_is_reachable().at(Step::CwdOutside)? { Ok(()) } else { Err(Fault::new(Step::CwdOutside, 0)) }
}

/// Finds the program, as execvp(3) would; `buffer` holds its path.
pub fn find<'a>(process: &Process, buffer: &'a mut [u8; PATH_MAX]) -> Outcome<&'a CStr> {
    // A container without a program can be created, and never started.
    let Some(name) = process.program.some() else { return Ok(c"") };
    if name.to_bytes().contains(&b'/') {
        check(name).at(Step::Program)?;
        return join(buffer, &[], name.to_bytes()).ok_or(Fault::new(Step::Program, 0));
    }
    let mut worst = Errno(abi::ENOENT);
    for directory in process.path.some().unwrap_or(DEFAULT_PATH).to_bytes().split(|byte| *byte == b':') {
        let Some(path) = join(buffer, directory, name.to_bytes()) else { continue };
        match check(path) {
            Ok(()) => return join(buffer, directory, name.to_bytes()).ok_or(Fault::new(Step::Program, 1)),
            Err(Errno(abi::EACCES)) => worst = Errno(abi::EACCES),
            Err(_) => {}
        }
    }
    Err(worst).nth(Step::Program, 1)
}

/// Whether `path` is a file that this user may execute.
fn check(path: &CStr) -> Result<(), Errno> {
    let found = file::stat_path(path)?;
    if found.is(abi::S_IFDIR) {
        return Err(Errno(abi::EISDIR));
    }
    file::executable(path)
}

/// `directory`/`name` in `buffer`; nothing if it does not fit.
fn join<'a>(buffer: &'a mut [u8; PATH_MAX], directory: &[u8], name: &[u8]) -> Option<&'a CStr> {
    let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
    text::join(buffer, &[directory, slash, name])
}

/// From here on the signals that ask a process to end do end it: somebody may want to be rid of a container that was never
/// started. The program has their defaults again, by execve.
pub fn heed_signals() -> Outcome {
    [abi::SIGHUP, abi::SIGINT, abi::SIGQUIT, abi::SIGTERM]
        .into_iter()
        .try_for_each(|signal| process::end_by_signal(signal).at(Step::Signals))
}

/// Waits for the word to start, and returns the way to whoever gave it. Without a socket that is the parent. With one the
/// parent says first that others can find us: if it is killed before, it takes us with it. A connection on which nothing
/// comes is from somebody who only wanted to know whether we still wait. The socket stays open until execve closes it: until
/// then, in startContainer hooks too, the container is created and does not run.
pub fn wait_for_start(process: &Process, wire: Wire) -> Outcome<Wire> {
    wire.wait().at(Step::Start)?;
    let Some(listener) = process.start.some() else { return Ok(wire) };
    file::close(wire.0);
    loop {
        let starter = Wire(socket::accept(listener).at(Step::Start)?);
        if starter.wait().is_ok() {
            return Ok(starter);
        }
        file::close(starter.0);
    }
}

/// Whether the program is still where it was found: since then it may have been removed, with its rootfs. execve alone
/// couldn't tell that from an interpreter that is missing.
pub fn is_there(program: &CStr) -> Outcome {
    file::stat_path(program).map(drop).nth(Step::Program, 2)
}

/// Lets the program inherit what its caller gave it: before the filter, which may forbid it.
pub fn inherit(script: &Script) -> Outcome {
    for number in 3..3 + script.preserve.cast_signed() {
        file::fcntl(Fd(number), abi::F_SETFD, 0).at(Step::Descriptors)?;
    }
    Ok(())
}

/// Becomes the program; `envp` is what `home::environment` returned.
pub fn execute(process: &Process, program: &CStr, envp: usize) -> Outcome<Never> {
    // SAFETY: the script's vectors are null-terminated arrays of NUL-terminated strings; HOME lies in the caller's buffer.
    let errno = unsafe { process::execve(program, process.argv, envp) };
    Err(errno).at(Step::Execve)
}
