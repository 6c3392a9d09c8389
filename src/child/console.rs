//! The container's terminal.

use super::place::{self, Kind};
use super::{At, Fault, Outcome};
use crate::script::{Process, Step};
use crate::sys::{Errno, Fd, abi, file, mount, socket};

/// Gives a new container its terminal, if it is to have one, and mounts it on /dev/console; not where a link has led that
/// onto a mount that is `shared` with the host.
pub fn open(root: Fd, process: &Process, shared: bool) -> Outcome {
    let Some(engine) = process.console.some() else { return Ok(()) };
    let terminal = attach(root, engine, process)?;
    bind_console(root, terminal, shared).at(Step::Console)?;
    become_stdio(terminal)
}

/// Gives one more process of a container its terminal.
pub fn open_here(process: &Process) -> Outcome {
    let Some(engine) = process.console.some() else { return Ok(()) };
    let root = file::openat(Fd::CWD, c"/", abi::O_PATH | abi::O_DIRECTORY).at(Step::Devpts)?;
    let terminal = attach(root, engine, process)?;
    file::close(root);
    become_stdio(terminal)
}

/// Makes the terminal on stdio this session's controlling terminal.
pub fn control(process: &Process) -> Outcome {
    match process.console.some() {
        Some(_) => socket::control_terminal(Fd(0)).at(Step::TerminalUse),
        None => Ok(()),
    }
}

/// Opens a pty of the container's devpts; its controlling side goes to the engine.
///
/// The directory is verified to be a devpts, in which only the kernel makes names, and the container's side is opened
/// by the kernel without any name: nothing that an image or a volume contains can take its place.
fn attach(root: Fd, engine: Fd, process: &Process) -> Outcome<Fd> {
    let directory = place::find(root, c"/dev/pts").at(Step::Devpts)?;
    if file::filesystem(directory).at(Step::Devpts)? != abi::DEVPTS_SUPER_MAGIC {
        return Err(Fault::new(Step::Devpts, 0));
    }
    let strict = abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS | abi::RESOLVE_NO_XDEV;
    let controller = file::openat2(directory, c"ptmx", abi::O_RDWR | abi::O_NOCTTY, 0, strict).at(Step::Terminal)?;
    let (terminal, number) = socket::pty_peer(controller).at(Step::Terminal)?;
    if process.rows != 0 || process.columns != 0 {
        socket::set_window(terminal, process.rows, process.columns).at(Step::Terminal)?;
    }
    let (name, length) = name(number);
    socket::send_file(engine, name.get(..length).unwrap_or_default(), controller).at(Step::TerminalSend)?;
    file::close(controller);
    file::close(directory);
    Ok(terminal)
}

/// Makes the terminal stdin, stdout and stderr.
fn become_stdio(terminal: Fd) -> Outcome {
    for stdio in 0..3 {
        file::dup(terminal, Fd(stdio)).at(Step::TerminalUse)?;
    }
    Ok(())
}

fn bind_console(root: Fd, terminal: Fd, shared: bool) -> Result<(), Errno> {
    let mut dev = place::find_or_make(root, c"/dev", Kind::Directory)?;
    if shared {
        dev = place::unshared(root, c"/dev", dev)?;
    }
    match file::mknod(dev, c"console", abi::S_IFREG | 0o600, 0, 0) {
        Ok(()) | Err(Errno(abi::EEXIST)) => {}
        Err(errno) => return Err(errno),
    }
    let flags = abi::O_PATH | abi::O_NOFOLLOW;
    let target = file::openat2(dev, c"console", flags, 0, abi::RESOLVE_BENEATH | abi::RESOLVE_NO_SYMLINKS)?;
    let tree = mount::clone_tree(terminal, c"", false)?;
    mount::attach(tree, target)?;
    for done in [tree, target, dev] {
        file::close(done);
    }
    Ok(())
}

/// `/dev/pts/` and `number`, and its length.
fn name(number: u32) -> ([u8; 20], usize) {
    let mut name = *b"/dev/pts/           ";
    let mut length = 9;
    let mut power = 1_000_000_000;
    while power > 0 {
        let digit = number / power % 10;
        if digit != 0 || length > 9 || power == 1 {
            if let Some(place) = name.get_mut(length) {
                *place = b'0' + digit as u8;
            }
            length += 1;
        }
        power /= 10;
    }
    (name, length)
}
