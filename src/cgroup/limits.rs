//! Writing limits.

use nix::errno::Errno;

use super::{Cgroup, file};
use crate::error::{Error, Result, cause_text};
use crate::plan::cgroup::{Absent, Setting};

impl Cgroup {
    /// Writes settings, in their order; the first that is refused ends it.
    ///
    /// # Errors
    /// By the JSON path of the setting: what was written where, and the kernel's answer.
    pub(super) fn write(&self, settings: &[Setting]) -> Result<()> {
        settings.iter().try_for_each(|setting| self.write_one(setting))
    }

    fn write_one(&self, setting: &Setting) -> Result<()> {
        self.check_usage(setting)?;
        let (mut name, mut value) = (&setting.file, &setting.value);
        let mut result = file::write(self, name, value);
        if result == Err(Errno::ENOENT) {
            match &setting.absent {
                Absent::Refuse => {}
                Absent::Skip => return Ok(()),
                Absent::Instead(other, its_value) => {
                    (name, value) = (other, its_value);
                    result = file::write(self, name, value);
                }
            }
        }
        result.map_err(|cause| self.refused(setting, name, value, cause))
    }

    /// `checkBeforeUpdate`: the kernel would make room by killing.
    pub(super) fn check_usage(&self, setting: &Setting) -> Result<()> {
        if !setting.check_usage {
            return Ok(());
        }
        let used = file::read(self, "memory.current").ok().and_then(|text| text.trim().parse::<u64>().ok());
        match (used, setting.value.parse()) {
            (Some(used), Ok(limit)) if used > limit => Err(Error::new(
                &setting.place,
                format!("the new limit of {limit} bytes is below the {used} bytes in use"),
            )
            .hint("checkBeforeUpdate asks for this refusal; without it the kernel would make room by killing")),
            _ => Ok(()),
        }
    }

    pub(super) fn refused(&self, setting: &Setting, name: &str, value: &str, cause: Errno) -> Error {
        if cause == Errno::ENOENT {
            if let Some(size) = name.strip_prefix("hugetlb.").and_then(|rest| rest.split('.').next()) {
                let place = setting.place.strip_suffix(".limit").map(|entry| format!("{entry}.pageSize"));
                let what = format!("this kernel has no huge pages of {size}");
                return Error::new(place.as_ref().unwrap_or(&setting.place), what)
                    .hint(format!("it has those of {}", self.hugetlb_sizes().join(" and ")));
            }
            return Error::new(&setting.place, format!("this kernel has no {name} to write {value:?} to"))
                .hint("leave it out, or use a newer kernel");
        }
        let text = if cause == Errno::ERANGE { "out of range".to_owned() } else { cause_text(&cause.into()) };
        let error = Error::new(&setting.place, format!("the kernel refuses {value:?} for {name}: {text}"));
        match (name, cause) {
            ("cpuset.cpus" | "cpuset.mems", _) => {
                let all = file::read(self, &format!("{name}.effective")).unwrap_or_default();
                error.hint(format!("{} can be used here", all.trim()))
            }
            ("cpu.max", _) => error.hint("quota and period must be from 1000 to 1000000 microseconds each"),
            ("cpu.max.burst", _) => error.hint("a burst is at most the quota"),
            ("io.max" | "io.weight" | "io.bfq.weight", Errno::ENODEV) => {
                error.hint("there is no such block device; a whole disk must be named, not a partition")
            }
            ("rdma.max", _) => error.hint("devices are listed in /sys/class/infiniband"),
            (_, Errno::EINVAL | Errno::ERANGE) => {
                error.hint("the kernel's documentation of cgroup-v2 says what it takes")
            }
            (_, Errno::EACCES | Errno::EPERM | Errno::EROFS) => error.hint("run as root, or have the cgroup delegated"),
            _ => error,
        }
    }
}
