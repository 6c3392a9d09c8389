//! Socket activation: descriptors that a service manager has opened for the container's program (sd_listen_fds(3)).
//!
//! They come first of those that are handed on, from 3 on; `--preserve-fds` counts the ones behind them.

use oci_spec::runtime as oci;

use crate::error::{Error, Result};
use crate::launch::LISTEN_PID;

/// How many there are, and what they are called.
pub struct Activation {
    /// Their number.
    pub count: u32,
    names: Option<String>,
}

impl Activation {
    /// What our environment says, if it is us that it speaks to: `LISTEN_PID` is our process id.
    pub fn of_caller() -> Result<Option<Self>> {
        let Some(count) = std::env::var_os("LISTEN_FDS").filter(|count| !count.is_empty()) else { return Ok(None) };
        let ours = std::process::id().to_string();
        if std::env::var_os("LISTEN_PID").is_none_or(|pid| pid != *ours) {
            return Ok(None);
        }
        let number = count.to_str().and_then(|count| count.parse().ok()).filter(|count| *count < 1 << 16);
        let count = number.ok_or_else(|| Error::new("LISTEN_FDS", format!("{count:?} is no number of descriptors")))?;
        Ok((count > 0).then(|| Self { count, names: std::env::var("LISTEN_FDNAMES").ok() }))
    }

    /// Tells `process` of them in its environment. Its process id is filled in when it has one.
    pub fn tell(&self, process: &mut oci::Process) {
        let names = self.names.as_ref().map(|names| format!("LISTEN_FDNAMES={names}"));
        let pid = LISTEN_PID.to_string_lossy().into_owned();
        let own = [format!("LISTEN_FDS={}", self.count), pid].into_iter().chain(names);
        let env = process.env().iter().flatten().cloned().chain(own).collect();
        process.set_env(Some(env));
    }
}
