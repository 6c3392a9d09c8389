//! Places of the verbs that launch something, until they are there.

#![allow(missing_docs, clippy::missing_errors_doc)]

/// See `create`.
pub mod create {
    use crate::error::{Error, Result};
    use crate::lifecycle::CreateRequest;
    use crate::state::Store;
    pub fn create(_: &Store, _: &CreateRequest) -> Result<()> {
        Err(Error::new("create", "is not there yet"))
    }
}

/// See `start`.
pub mod start {
    use crate::error::{Error, Result};
    use crate::state::{Id, Store};
    pub fn start(_: &Store, _: &Id) -> Result<()> {
        Err(Error::new("start", "is not there yet"))
    }
}

/// See `run`.
pub mod run {
    use crate::error::{Error, Result};
    use crate::lifecycle::CreateRequest;
    use crate::state::Store;
    pub fn run(_: &Store, _: &CreateRequest, _detach: bool, _keep: bool) -> Result<u8> {
        Err(Error::new("run", "is not there yet"))
    }
}

/// See `exec`.
pub mod exec {
    use crate::error::{Error, Result};
    use crate::lifecycle::ExecRequest;
    use crate::state::{Id, Store};
    pub fn exec(_: &Store, _: &Id, _: &ExecRequest) -> Result<u8> {
        Err(Error::new("exec", "is not there yet"))
    }
}
