//! Where a manager listens.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// At a path.
    Path(PathBuf),
    /// Without one, by a name (unix(7): abstract).
    Abstract(Vec<u8>),
}

/// A socket behind which there is systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub socket: Socket,
    /// Whether a bus stands between.
    pub bus: bool,
}

/// The sockets of the machine's manager, or of the user's own, in the order in which they are tried.
///
/// First systemd's own, which is there when no bus is, and saves the way through it. Without what the environment has to
/// say a user's manager can't be found.
pub fn candidates(user: bool, variable: impl Fn(&str) -> Option<OsString>) -> Vec<Address> {
    let private = |path: PathBuf| Address { socket: Socket::Path(path), bus: false };
    let bus = |path: PathBuf| Address { socket: Socket::Path(path), bus: true };
    if !user {
        return vec![private("/run/systemd/private".into()), bus("/run/dbus/system_bus_socket".into())];
    }
    let directory = variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let own = directory.iter().map(|path| private(path.join("systemd/private")));
    let named = variable("DBUS_SESSION_BUS_ADDRESS");
    let named = named.iter().flat_map(|list| sockets(list.as_bytes())).map(|socket| Address { socket, bus: true });
    let mut all: Vec<Address> = own.chain(named).collect();
    for usual in directory.iter().map(|path| bus(path.join("bus"))) {
        if !all.contains(&usual) {
            all.push(usual);
        }
    }
    all
}

/// The unix sockets of a list like `unix:path=/run/user/1000/bus,guid=0123;unix:abstract=x` (D-Bus specification, Server
/// Addresses).
fn sockets(list: &[u8]) -> Vec<Socket> {
    let addresses = list.split(|byte| *byte == b';').filter_map(|address| address.strip_prefix(b"unix:"));
    let socket = |address: &[u8]| {
        address.split(|byte| *byte == b',').find_map(|pair| {
            let path = |value| Socket::Path(Path::new(std::ffi::OsStr::from_bytes(value)).into());
            match (pair.strip_prefix(b"path="), pair.strip_prefix(b"abstract=")) {
                (Some(value), _) => Some(path(&unescape(value)?)),
                (_, Some(value)) => unescape(value).map(Socket::Abstract),
                _ => None,
            }
        })
    };
    addresses.filter_map(socket).collect()
}

/// `%2f` is a slash.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        plain.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(variables: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| value.into());
        let said = |address: Address| format!("{:?}{}", address.socket, if address.bus { " bus" } else { "" });
        candidates(true, variable).into_iter().map(said).collect()
    }

    #[test]
    fn of_a_user() {
        assert_eq!(tried(&[]), [""; 0]);
        assert_eq!(
            tried(&[("XDG_RUNTIME_DIR", "/run/user/7")]),
            ["Path(\"/run/user/7/systemd/private\")", "Path(\"/run/user/7/bus\") bus"]
        );
        let list = "tcp:host=x;unix:abstract=%2ftmp,guid=0;unix:path=/run/user/7/bus;unix:path=/%zz";
        assert_eq!(
            tried(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("DBUS_SESSION_BUS_ADDRESS", list)]),
            [
                "Path(\"/run/user/7/systemd/private\")",
                "Abstract([47, 116, 109, 112]) bus",
                "Path(\"/run/user/7/bus\") bus",
            ]
        );
        assert_eq!(tried(&[("XDG_RUNTIME_DIR", "relative")]), [""; 0]);
        assert_eq!(tried(&[("DBUS_SESSION_BUS_ADDRESS", "unix:path=%")]), [""; 0]);
    }

    #[test]
    fn of_the_machine() {
        let all = candidates(false, |_| None);
        assert_eq!((all.len(), all[0].bus, all[1].bus), (2, false, true));
    }
}
