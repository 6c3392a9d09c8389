//! Attempts: what the container lets its process do. Each gives `ok`, the errno's name, or a value.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use serde_json::{Value, json};

use crate::kernel;

/// The errno's name, as in errno(3).
pub fn outcome(cause: &io::Error) -> String {
    cause.raw_os_error().map_or_else(
        || cause.to_string(),
        |code| format!("{:?}", Errno::from_raw(code)),
    )
}

/// Whether something can be made below the directory, or the file opened for writing. Leaves nothing.
pub fn write(path: &str) -> Value {
    if !Path::new(path).is_dir() {
        return told(OpenOptions::new().write(true).open(path));
    }
    let probe = format!("{path}/.payload-probe");
    let made = fs::write(&probe, "probe");
    if made.is_ok() {
        let _ = fs::remove_file(&probe);
    }
    told(made)
}

/// Opens `PATH:MODE`, `MODE` being `r`, `w` or `rw`.
pub fn open(what: &str) -> Value {
    let (path, mode) = what.rsplit_once(':').unwrap_or((what, "r"));
    let mut options = OpenOptions::new();
    told(
        options
            .read(mode.contains('r'))
            .write(mode.contains('w'))
            .open(path),
    )
}

/// Makes the node `PATH:KIND:MAJOR:MINOR`, `KIND` being `b`, `c`, `p` or `f`, and takes it away again.
pub fn node(what: &str) -> Value {
    let mut words = what.rsplitn(4, ':');
    let mut next = || words.next().unwrap_or_default();
    let (minor, major, kind, path) = (next(), next(), next(), next());
    let kind = match kind {
        "b" => libc::S_IFBLK,
        "c" => libc::S_IFCHR,
        "p" => libc::S_IFIFO,
        _ => libc::S_IFREG,
    };
    let device = nix::sys::stat::makedev(major.parse().unwrap_or(0), minor.parse().unwrap_or(0));
    let made = kernel::make_node(path, kind | 0o600, device);
    if made.is_ok() {
        let _ = fs::remove_file(path);
    }
    told(made)
}

/// Runs the copy of the payload at a path (its own name with `exit 0`): is the mount `noexec`?
pub fn execute(path: &str) -> Value {
    told(
        std::process::Command::new(path)
            .args(["exit", "0"])
            .status(),
    )
}

/// The system call `NUMBER[,ARGUMENT...]` (numbers, decimal): its value or the errno's name.
pub fn system_call(what: &str) -> Value {
    let mut numbers = what.split(',').map(|word| word.parse().unwrap_or(0));
    let number = numbers.next().unwrap_or(-1);
    let with = std::array::from_fn(|_| numbers.next().unwrap_or(0));
    match kernel::system_call(number, with) {
        Ok(value) => json!(value),
        Err(cause) => json!(outcome(&cause)),
    }
}

/// Connects to `unix:PATH` (a path that starts with `@` is abstract) or `tcp:HOST:PORT`.
pub fn connect(whereto: &str) -> Value {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    told(match whereto.split_once(':') {
        Some(("tcp", address)) => std::net::TcpStream::connect(address).map(drop),
        Some((_, path)) => match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)
                .and_then(|address| UnixStream::connect_addr(&address))
                .map(drop),
            None => UnixStream::connect(path).map(drop),
        },
        None => Err(io::Error::other("connect to what?")),
    })
}

fn told<T>(result: io::Result<T>) -> Value {
    match result {
        Ok(_) => json!("ok"),
        Err(cause) => json!(outcome(&cause)),
    }
}
