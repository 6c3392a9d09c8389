//! Writing the id mappings of a new user namespace.

use std::ffi::CString;
use std::fmt::Write;
use std::process::{Command, Output};

use super::proc::Proc;
use crate::error::{Error, Result};
use crate::plan::{IdMap, IdRange};
use crate::sys::{Errno, abi};

/// Gives the user namespace of process `pid` its mappings.
///
/// Root writes them. An ordinary user may map no more than one id, its own, and must give up setgroups(2) for it; for
/// anything else the set-user-id programs newuidmap and newgidmap write them, as far as /etc/subuid and /etc/subgid allow.
pub fn write(proc: &Proc, pid: i32, map: &IdMap, privileged: bool) -> Result<()> {
    if privileged {
        return write_as_root(proc, pid, map, "linux.");
    }
    if own_only(map) {
        let setgroups = CString::new(format!("{pid}/setgroups")).unwrap_or_default();
        proc.write(&setgroups, b"deny").map_err(|errno| failed("", "setgroups", errno))?;
        return write_as_root(proc, pid, map, "linux.");
    }
    helper("newgidmap", "linux.gidMappings", "/etc/subgid", pid, &map.gids)?;
    helper("newuidmap", "linux.uidMappings", "/etc/subuid", pid, &map.uids)
}

/// Writes them without anybody's help; `place` stands before `uidMappings` in messages.
pub fn write_as_root(proc: &Proc, pid: i32, map: &IdMap, place: &str) -> Result<()> {
    file(proc, pid, "gid_map", &map.gids, place)?;
    file(proc, pid, "uid_map", &map.uids, place)
}

/// Whether an ordinary user may write `map` itself: one id each, its own. setgroups(2) is then denied.
pub fn own_only(map: &IdMap) -> bool {
    let own = |ranges: &[IdRange], id: u32| matches!(ranges, [one] if one.size == 1 && one.host == id);
    own(&map.uids, nix::unistd::geteuid().as_raw()) && own(&map.gids, nix::unistd::getegid().as_raw())
}

fn file(proc: &Proc, pid: i32, name: &str, ranges: &[IdRange], place: &str) -> Result<()> {
    let path = CString::new(format!("{pid}/{name}")).unwrap_or_default();
    let mut lines = String::new();
    for range in ranges {
        let _ = writeln!(lines, "{} {} {}", range.container, range.host, range.size);
    }
    proc.write(&path, lines.as_bytes()).map_err(|errno| failed(place, name, errno))
}

fn failed(place: &str, file: &str, errno: Errno) -> Error {
    let place = match file {
        "uid_map" => format!("{place}uidMappings"),
        "gid_map" => format!("{place}gidMappings"),
        _ => "user namespace".to_owned(),
    };
    let error =
        Error::io(place, format!("the kernel refuses to write {file}"), std::io::Error::from_raw_os_error(errno.0));
    match errno.0 {
        abi::EINVAL => error.hint("the ranges must not overlap, and there may be at most 340"),
        abi::EPERM => error
            .hint("every host id must be one that this user namespace has itself, and to map id 0 takes CAP_SETFCAP"),
        _ => error,
    }
}

fn helper(program: &str, place: &str, database: &str, pid: i32, ranges: &[IdRange]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg(pid.to_string());
    for range in ranges {
        command.args([range.container, range.host, range.size].map(|number| number.to_string()));
    }
    let hint = format!(
        "map only your own id, or have root install newuidmap and newgidmap (Debian: package uidmap) and give you a \
         range in {database}"
    );
    match command.output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr).trim().replace('\n', " / ");
            Err(Error::new(place, format!("{program} refuses: {said}")).hint(hint))
        }
        Err(cause) => {
            Err(Error::io(place, format!("an ordinary user needs {program} for this mapping"), cause).hint(hint))
        }
    }
}
