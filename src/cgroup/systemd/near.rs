//! Where an ordinary user's onggi has to be, to have processes born in a scope of their systemd.

use std::path::{Path, PathBuf};

use super::manager::Manager;
use super::{Cgroup, begin};
use crate::error::Result;
use crate::plan::cgroup::systemd::{Property, Reference, Value};

/// Comes to where processes can be born into `cgroup`: within what is delegated to the user's systemd, which the scope of
/// a login is not (kernel: cgroup-v2, Delegation Containment). Root is everywhere near enough.
///
/// # Errors
/// If systemd does not take us in.
pub fn near(reference: &Reference, cgroup: &Cgroup) -> Result<()> {
    if !reference.user {
        return Ok(());
    }
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    if delegated(cgroup.path()).is_none_or(|below| Path::new("/").join(own).starts_with(below)) {
        return Ok(());
    }
    let pid = std::process::id();
    let properties = [
        Property::new("Description", Value::Text(format!("onggi, at work on {}", reference.name))),
        Property::new("CollectMode", Value::Text("inactive-or-failed".into())),
        Property::new("PIDs", Value::Words(vec![pid])),
    ];
    begin(&mut Manager::find(true)?, &format!("onggi-{pid}.scope"), &properties)
}

/// The cgroup of the user's manager that a path lies below, from the top of the hierarchy on.
fn delegated(path: &Path) -> Option<PathBuf> {
    let is_manager = |name: &str| name.starts_with("user@") && name.ends_with(".service");
    let manager =
        path.ancestors().find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_manager))?;
    let slices = manager.components().position(|part| part.as_os_str() == "user.slice")?;
    Some(Path::new("/").join(manager.components().skip(slices).collect::<PathBuf>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_users_manager_is() {
        let below = |path: &str| delegated(Path::new(path)).map(|path| path.display().to_string());
        assert_eq!(
            below("/sys/fs/cgroup/user.slice/user-7.slice/user@7.service/user.slice/x.scope").as_deref(),
            Some("/user.slice/user-7.slice/user@7.service")
        );
        assert_eq!(below("/sys/fs/cgroup/system.slice/x.scope"), None);
    }
}
