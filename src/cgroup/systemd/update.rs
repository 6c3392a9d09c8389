//! Limits that change while the unit runs.

use super::manager::Manager;
use super::{Cgroup, known};
use crate::cgroup::file;
use crate::error::Result;
use crate::plan::cgroup::Setting;
use crate::plan::cgroup::systemd::{Property, Reference, properties};

/// Changes limits of a unit that runs: tells systemd, so that it does not bring the old ones back when it is reloaded, and has
/// `write` write them to the `cgroup`. systemd writes them first, as some it takes less exactly. `devices` are those of
/// [`changed_devices`](crate::plan::cgroup::systemd::changed_devices), if device rules change too.
///
/// # Errors
/// What systemd says, before anything is written; or the error of `write`, after which systemd knows of the old limits again.
pub fn update(
    reference: &Reference,
    settings: &[Setting],
    devices: &[Property],
    cgroup: &Cgroup,
    write: impl FnOnce() -> Result<()>,
) -> Result<()> {
    // What a change of cpu.max leaves out stays as it is, so the whole of it is told.
    let now = |setting: &Setting| file::read(cgroup, &setting.file).unwrap_or_default();
    let whole = |setting: &Setting| match now(setting).split_whitespace().nth(1) {
        Some(period) if setting.file == "cpu.max" && !setting.value.contains(' ') => {
            Setting { value: format!("{} {period}", setting.value), ..setting.clone() }
        }
        _ => setting.clone(),
    };
    let before: Vec<_> = settings.iter().map(|setting| Setting { value: now(setting), ..setting.clone() }).collect();
    let (before, after) = (properties(&before), properties(&settings.iter().map(whole).collect::<Vec<_>>()));
    let devices = if reference.user { &[] } else { devices };
    if after.is_empty() && devices.is_empty() {
        return write();
    }
    // systemd would write the limit without asking.
    settings.iter().filter(|setting| setting.check_usage).try_for_each(|setting| cgroup.check_usage(setting))?;
    let mut manager = Manager::find(reference.user)?;
    let after = known(&mut manager, after);
    manager.set_properties(&reference.name, &after)?;
    match write() {
        // Last, when our own program is in force: then nothing is denied in between that neither the old rules deny nor the new.
        Ok(()) if !devices.is_empty() => manager.set_properties(&reference.name, devices),
        Ok(()) => Ok(()),
        Err(error) => {
            // The error is the one to be told.
            let _ = manager.set_properties(&reference.name, &before);
            Err(error)
        }
    }
}
