//! rtnetlink(7), as much of it as moving a network device takes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// `struct ifinfomsg`: family, type, index, flags, which flags change.
const LINK: usize = 16;
/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
const ADDRESS: usize = 8;
/// The kernel fills at most this much at a time.
const MOST: usize = 32 * 1024;

/// `IFA_F_*` that a new owner of an address is told as well; the others tell what is going on.
const LASTING_FLAGS: u32 = libc::IFA_F_NODAD
    | libc::IFA_F_HOMEADDRESS
    | libc::IFA_F_MANAGETEMPADDR
    | libc::IFA_F_NOPREFIXROUTE
    | libc::IFA_F_MCAUTOJOIN;

/// A way to the devices of one network namespace.
pub struct Route {
    socket: OwnedFd,
    sequence: u32,
}

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `IFF_*`.
    pub flags: u32,
}

/// An address of a device, as the kernel told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    family: u8,
    prefix: u8,
    scope: u8,
    flags: u32,
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Address {
    /// Whether it is seen beyond the link, and so more than the kernel makes by itself.
    pub fn is_global(&self) -> bool {
        self.scope == libc::RT_SCOPE_UNIVERSE
    }

    /// Whether somebody gave it for good. What a router or a lease gave holds for the network namespace that it was given to.
    pub fn is_permanent(&self) -> bool {
        self.flags & libc::IFA_F_PERMANENT != 0
    }
}

impl Route {
    /// To this thread's network namespace.
    pub fn open() -> io::Result<Self> {
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// To that of `namespace`. A thread made for this goes there, so that none of ours can get stuck there.
    pub fn within(namespace: BorrowedFd<'_>) -> io::Result<Self> {
        let there = || setns(namespace, CloneFlags::CLONE_NEWNET).map_err(io::Error::from).and_then(|()| Self::open());
        std::thread::scope(|scope| scope.spawn(there).join()).unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    /// All devices.
    pub fn links(&mut self) -> io::Result<Vec<Link>> {
        let found = self.ask(libc::RTM_GETLINK, libc::NLM_F_DUMP, &[0; LINK])?;
        Ok(found.iter().filter(|(kind, _)| *kind == libc::RTM_NEWLINK).filter_map(|(_, body)| link(body)).collect())
    }

    /// The addresses of device `index`.
    pub fn addresses(&mut self, index: u32) -> io::Result<Vec<Address>> {
        let found = self.ask(libc::RTM_GETADDR, libc::NLM_F_DUMP, &[0; ADDRESS])?;
        let found = found.iter().filter(|(kind, _)| *kind == libc::RTM_NEWADDR);
        Ok(found.filter_map(|(_, body)| address(body)).filter(|(of, _)| *of == index).map(|(_, it)| it).collect())
    }

    /// Moves device `index` to `namespace`, where its name is `name`.
    pub fn move_to(&mut self, index: u32, namespace: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        let mut body = link_message(index, 0, 0);
        attribute(&mut body, libc::IFLA_NET_NS_FD, &namespace.as_fd().as_raw_fd().to_ne_bytes());
        attribute(&mut body, libc::IFLA_IFNAME, &[name.as_bytes(), b"\0"].concat());
        self.ask(libc::RTM_NEWLINK, libc::NLM_F_ACK, &body).map(drop)
    }

    /// Brings device `index` up.
    pub fn up(&mut self, index: u32) -> io::Result<()> {
        let up = libc::IFF_UP.cast_unsigned();
        self.ask(libc::RTM_NEWLINK, libc::NLM_F_ACK, &link_message(index, up, up)).map(drop)
    }

    /// Gives device `index` an address. One that it has already is fine.
    pub fn give(&mut self, index: u32, address: &Address, with_label: bool) -> io::Result<()> {
        let mut flags = address.flags & LASTING_FLAGS;
        if i32::from(address.family) == libc::AF_INET6 {
            // It was found to be nobody else's on the host. Looking again would take a second in which it can't be used.
            flags |= libc::IFA_F_NODAD;
        }
        let mut body = vec![address.family, address.prefix, 0, address.scope];
        body.extend(index.to_ne_bytes());
        for (kind, value) in &address.attributes {
            let wanted = match *kind {
                libc::IFA_ADDRESS | libc::IFA_LOCAL | libc::IFA_BROADCAST | IFA_RT_PRIORITY => true,
                libc::IFA_LABEL => with_label,
                libc::IFA_CACHEINFO => !address.is_permanent(),
                _ => false,
            };
            if wanted {
                attribute(&mut body, *kind, value);
            }
        }
        attribute(&mut body, IFA_FLAGS, &flags.to_ne_bytes());
        match self.ask(libc::RTM_NEWADDR, libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL, &body) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Sends a message and collects what is answered: types, and bodies.
    fn ask(&mut self, kind: u16, flags: i32, body: &[u8]) -> io::Result<Vec<(u16, Vec<u8>)>> {
        self.sequence += 1;
        let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST).map_err(io::Error::other)?;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        send(self.socket.as_raw_fd(), &message, MsgFlags::empty())?;
        let (mut found, mut buffer) = (Vec::new(), vec![0; MOST]);
        loop {
            let filled = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                filled => filled?,
            };
            let mut rest = &buffer[..filled];
            while rest.len() >= HEADER {
                let length = number(rest, 0).clamp(HEADER, rest.len());
                let (one, next) = rest.split_at(length.next_multiple_of(4).min(rest.len()));
                rest = next;
                let (kind, body) = (u16::from_ne_bytes([one[4], one[5]]), &one[HEADER..length]);
                if u32::from_ne_bytes([one[8], one[9], one[10], one[11]]) != self.sequence {
                    continue;
                }
                match i32::from(kind) {
                    libc::NLMSG_DONE => return Ok(found),
                    libc::NLMSG_ERROR => return outcome(body).map(|()| found),
                    _ => found.push((kind, body.to_vec())),
                }
            }
        }
    }
}

const IFA_FLAGS: u16 = 8;
const IFA_RT_PRIORITY: u16 = 9;

/// `struct nlmsgerr` begins with the negative error number, or 0.
fn outcome(body: &[u8]) -> io::Result<()> {
    let errno = body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-errno)) }
}

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).and_then(|word| word.first_chunk()).map_or(0, |word| u32::from_ne_bytes(*word) as usize)
}

fn link_message(index: u32, flags: u32, change: u32) -> Vec<u8> {
    [0, index, flags, change].into_iter().flat_map(u32::to_ne_bytes).collect()
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.resize(body.len().next_multiple_of(4), 0);
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn attributes(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some(&[low, high, kind, more]) = bytes.first_chunk() {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let Some(value) = bytes.get(4..length) else { break };
        found.push((u16::from_ne_bytes([kind, more]), value.to_vec()));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

fn link(body: &[u8]) -> Option<Link> {
    let rest = body.get(LINK..)?;
    let (_, name) = attributes(rest).into_iter().find(|(kind, _)| *kind == libc::IFLA_IFNAME)?;
    let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(&name)).into_owned();
    Some(Link { index: number(body, 4).try_into().ok()?, name, flags: number(body, 8).try_into().ok()? })
}

/// The device that it is of, and the address.
fn address(body: &[u8]) -> Option<(u32, Address)> {
    let attributes = attributes(body.get(ADDRESS..)?);
    let flags = attributes.iter().find(|(kind, _)| *kind == IFA_FLAGS);
    let flags = flags.map_or(u32::from(body[2]), |(_, value)| u32::try_from(number(value, 0)).unwrap_or(0));
    let index = number(body, 4).try_into().ok()?;
    Some((index, Address { family: body[0], prefix: body[1], scope: body[3], flags, attributes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_back() {
        let mut body = Vec::new();
        attribute(&mut body, 3, b"eth0\0");
        attribute(&mut body, 28, &7_i32.to_ne_bytes());
        assert_eq!(body.len(), 12 + 8);
        assert_eq!(attributes(&body), [(3, b"eth0\0".to_vec()), (28, 7_i32.to_ne_bytes().to_vec())]);
        // Cut short anywhere, it never panics.
        for end in 0..body.len() {
            assert!(attributes(&body[..end]).len() < 2);
            let _ = (link(&body[..end]), address(&body[..end]));
        }
        // A length of nothing ends it.
        assert_eq!(attributes(&[0; 64]), []);
    }

    #[test]
    fn this_namespace_has_a_loopback() {
        let mut route = Route::open().unwrap();
        let links = route.links().unwrap();
        let lo = links.iter().find(|link| link.name == "lo").unwrap();
        assert_ne!(lo.flags & libc::IFF_LOOPBACK.cast_unsigned(), 0);
        assert!(route.addresses(lo.index).unwrap().iter().all(|it| !it.is_global()));
    }

    #[test]
    fn refusals_have_their_number() {
        let mut route = Route::open().unwrap();
        let error = route.up(u32::MAX >> 1).unwrap_err();
        assert!(matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EPERM)), "{error}");
    }
}
