//! `linux.netDevices`: devices of the host, moved to the container's network namespace and set up again there.
//!
//! Whatever goes wrong after, they come back: [`Moved`] takes them back when it is dropped, unless it was told to leave them. When the
//! container ends, its network namespace ends, and the kernel sends physical devices to the host's and destroys
//! virtual ones (spec: config-linux, Network Devices): nothing is left to do for `delete`.
//!
//! May enter: `plan`, the parent's procfs. Nothing here costs a container without such devices anything.

mod netlink;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use self::netlink::{Address, Link, Route};
use super::proc::Proc;
use crate::error::{Error, Result};
use crate::plan::NetDevice;
use crate::sys::Errno;

/// Devices that were moved, and the way back.
pub struct Moved {
    ours: OwnedFd,
    theirs: OwnedFd,
    host: Route,
    container: Route,
    devices: Vec<Device>,
}

/// One device, as it was on the host.
struct Device {
    link: Link,
    addresses: Vec<Address>,
    /// Its name in the container; may end in `%d`.
    inside: String,
    /// The devices that the container had before it.
    before: Vec<Link>,
}

/// Moves `devices` to the network namespace of process `pid`: each with its new name, its global addresses, and up. After
/// an error all are where they were.
pub fn move_in(devices: &[NetDevice], pid: i32) -> Result<Moved> {
    let proc = Proc::open()?;
    let opened = |pid| {
        proc.namespace(pid, c"net").map_err(|Errno(errno)| {
            failed("the network namespace can't be opened", &io::Error::from_raw_os_error(errno))
        })
    };
    let (ours, theirs) = (opened(std::process::id().cast_signed())?, opened(pid)?);
    if same(&ours, &theirs) {
        return Err(Error::new("linux.netDevices", "the container's network namespace is the host's own")
            .hint("give it one of its own, or leave the devices out: they are there already"));
    }
    let host = Route::open().map_err(|cause| failed("can't be moved", &cause))?;
    let container = Route::within(theirs.as_fd()).map_err(|cause| failed("can't be moved", &cause))?;
    let mut moved = Moved { ours, theirs, host, container, devices: Vec::with_capacity(devices.len()) };
    devices.iter().try_for_each(|device| moved.take(device))?;
    Ok(moved)
}

fn failed(what: &str, cause: &io::Error) -> Error {
    Error::io("linux.netDevices", what, io::Error::from_raw_os_error(cause.raw_os_error().unwrap_or(0)))
}

fn same(one: &OwnedFd, other: &OwnedFd) -> bool {
    let inode = |file: &OwnedFd| nix::sys::stat::fstat(file).map(|found| (found.st_dev, found.st_ino));
    inode(one).is_ok() && inode(one) == inode(other)
}

impl Moved {
    /// They are the container's now.
    pub fn leave(mut self) {
        self.devices.clear();
    }

    fn take(&mut self, device: &NetDevice) -> Result<()> {
        let place = crate::plan::net_device_place(&device.host);
        let said = |what: &str, cause: &io::Error| {
            let errno = cause.raw_os_error().unwrap_or(0);
            explained(Error::io(&place, what, io::Error::from_raw_os_error(errno)), errno)
        };
        let read = |cause: io::Error| said("can't be looked at", &cause);
        let links = self.host.links().map_err(read)?;
        let Some(link) = links.into_iter().find(|link| link.name == device.host) else {
            return Err(Error::new(place, "the host has no such network device").hint("`ip link` lists those it has"));
        };
        if link.flags & libc::IFF_LOOPBACK.cast_unsigned() != 0 {
            return Err(Error::new(place, "is a loopback, which can't be moved"));
        }
        let before = self.container.links().map_err(read)?;
        if before.iter().any(|there| there.name == device.inside) {
            return Err(Error::new(place, format!("the container has a network device \"{}\" already", device.inside))
                .hint("give it another `name`, or one that ends in %d, which the kernel makes a free number"));
        }
        let addresses = self.host.addresses(link.index).map_err(read)?;
        let index = link.index;
        // First noted, then moved: the kernel may move it and then refuse its name.
        self.devices.push(Device { link, addresses, inside: device.inside.clone(), before });
        let moved = self.host.move_to(index, self.theirs.as_fd(), &device.inside);
        moved.map_err(|cause| said("can't be moved into the container", &cause))?;
        self.set_up().map_err(|cause| said("can't be set up in the container", &cause))
    }

    /// Brings the device that was moved last up, and gives it its addresses.
    fn set_up(&mut self) -> io::Result<()> {
        let Some(device) = self.devices.last() else { return Ok(()) };
        let there = device.find(&mut self.container)?.ok_or(io::ErrorKind::NotFound)?;
        self.container.up(there.index)?;
        let lasting = device.addresses.iter().filter(|address| address.is_global() && address.is_permanent());
        for address in lasting {
            self.container.give(there.index, address, false)?;
        }
        Ok(())
    }

    /// Puts a device back where it was, with the name, the addresses and the state that it had.
    fn give_back(&mut self, device: &Device) -> io::Result<()> {
        if let Some(there) = device.find(&mut self.container)? {
            self.container.move_to(there.index, self.ours.as_fd(), &device.link.name)?;
        }
        let links = self.host.links()?;
        let Some(back) = links.into_iter().find(|link| link.name == device.link.name) else {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        };
        if device.link.flags & libc::IFF_UP.cast_unsigned() != 0 {
            self.host.up(back.index)?;
        }
        for address in device.addresses.iter().filter(|address| address.is_global()) {
            self.host.give(back.index, address, true)?;
        }
        Ok(())
    }
}

impl Device {
    /// Finds it in the container: by its name there, or, where the kernel chose that or did not change it, as the one that is new.
    fn find(&self, container: &mut Route) -> io::Result<Option<Link>> {
        let links = container.links()?;
        let new = |link: &&Link| !self.before.iter().any(|before| before.index == link.index);
        let named = links.iter().find(|link| link.name == self.inside);
        Ok(named.or_else(|| links.iter().filter(new).find(|link| self.may_be(link))).cloned())
    }

    fn may_be(&self, link: &Link) -> bool {
        let template = self.inside.strip_suffix("%d").and_then(|stem| link.name.strip_prefix(stem));
        link.name == self.link.name || template.is_some_and(|number| number.parse::<u32>().is_ok())
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        for device in std::mem::take(&mut self.devices).iter().rev() {
            if let Err(cause) = self.give_back(device) {
                tracing::warn!("network device {} could not be given back to the host: {cause}", device.link.name);
            }
        }
    }
}

fn explained(error: Error, errno: i32) -> Error {
    match errno {
        libc::EINVAL => error.hint("a device of this kind can't leave its network namespace (bridges, some tunnels)"),
        libc::EPERM => error.hint("it takes CAP_NET_ADMIN, on the host and in the container's user namespace"),
        libc::EEXIST => error.hint("the container has a device of that name already: give it another `name`"),
        libc::EBUSY => error.hint("another device is built on it: move or remove that first"),
        _ => error,
    }
}
