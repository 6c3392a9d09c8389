//! Id-mapped mounts: mapped by the parent, which has the right to, before the child gets them.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd};

use super::Builder;
use crate::error::{Error, Result};
use crate::launch::fault;
use crate::launch::proc::Proc;
use crate::launch::userns;
use crate::plan::{IdMap, Mount, MountIdMap, Parameter};
use crate::script::{Message, Step};
use crate::sys::{Errno, Fd, file, mount, owned};

/// The user namespaces that mounts are mapped by, each made once.
#[derive(Default)]
pub struct Mappings<'a> {
    made: Vec<(&'a IdMap, OwnedFd)>,
    /// That of the container, if it is joined.
    pub joined: Option<Fd>,
}

/// Maps the detached `tree` as mount number `index` wants it.
pub fn apply(builder: &mut Builder<'_>, index: usize, wanted: &MountIdMap, tree: Fd) -> Result<()> {
    let namespace = namespace(builder, index)?;
    mount::map_ids(tree, namespace, wanted.recursive).map_err(|errno| {
        // Which file system it is decides what there is to say.
        let extra = file::filesystem(tree).ok().and_then(|magic| u32::try_from(magic).ok()).unwrap_or(0);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        fault::explain(builder.plan, &Message::fault(Step::MountIdmap, index, errno, extra))
    })
}

/// The user namespace for mount number `index`.
fn namespace(builder: &mut Builder<'_>, index: usize) -> Result<Fd> {
    let plan = builder.plan;
    let mount = &plan.mounts[index];
    let Some(map) = mount.idmap.as_ref().and_then(|wanted| wanted.map.as_ref()) else {
        let missing = || Error::new(place(index, mount), "there is no user namespace to map its ids by");
        return builder.mappings.joined.ok_or_else(missing);
    };
    if let Some((_, made)) = builder.mappings.made.iter().find(|(other, _)| *other == map) {
        return Ok(Fd(made.as_raw_fd()));
    }
    let containers = plan.idmap.as_ref() == Some(map);
    let place = if containers { "linux.".to_owned() } else { format!("{} ", place(index, mount)) };
    let made = userns::make(&Proc::open()?, map, &place)?;
    let number = Fd(made.as_raw_fd());
    builder.mappings.made.push((map, made));
    Ok(number)
}

fn place(index: usize, mount: &Mount) -> String {
    format!("mounts[{index}] {}", mount.target.to_string_lossy())
}

/// A new file system for mount number `index`, detached. Made by us, it belongs to our user namespace and not to that of
/// the container: the kernel maps no mount by the very namespace that its file system belongs to.
pub fn filesystem(
    builder: &mut Builder<'_>,
    index: usize,
    kind: &CStr,
    source: &CStr,
    parameters: &[Parameter],
    attributes: u64,
) -> Result<Fd> {
    let failed = |builder: &Builder<'_>, step, errno, extra| {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        fault::explain(builder.plan, &Message::fault(step, index, errno, extra))
    };
    let context = mount::fsopen(kind).map_err(|errno| failed(builder, Step::MountOpen, errno, 0))?;
    let context = owned(context);
    let number = Fd(context.as_raw_fd());
    if !source.is_empty() {
        mount::fsconfig(number, c"source", Some(source))
            .map_err(|errno| failed(builder, Step::MountParameter, errno, u32::MAX))?;
    }
    for (which, parameter) in (0..).zip(parameters) {
        let (key, value) = match parameter {
            Parameter::Flag(key) => (key, None),
            Parameter::Text(key, value) => (key, Some(value.as_c_str())),
        };
        mount::fsconfig(number, key, value).map_err(|errno| failed(builder, Step::MountParameter, errno, which))?;
    }
    let made: Result<Fd, Errno> = mount::fscreate(number).and_then(|()| mount::fsmount(number, attributes));
    builder.files.add_opened(made).map_err(|errno| failed(builder, Step::MountCreate, errno, 0))
}
