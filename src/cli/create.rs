//! `onggi create`

use std::path::PathBuf;

use clap::{Args, Parser};

use super::{Context, Run};
use crate::error::Result;
use crate::lifecycle::{self, CreateRequest};
use crate::state::Id;

/// Create a container, ready to be started.
#[derive(Parser, Debug)]
#[command(name = "create")]
pub struct Create {
    #[command(flatten)]
    how: How,
    /// The new container's id.
    #[arg(value_parser = Id::new)]
    id: Id,
}

/// How a container is created, by `create` and by `run`.
#[allow(clippy::doc_markdown, reason = "these are help texts")]
#[derive(Args, Debug)]
pub struct How {
    /// The directory with config.json.
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    bundle: PathBuf,
    /// Write the pid of its first process to this file.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Send its terminal to this unix socket.
    #[arg(long, value_name = "SOCKET")]
    console_socket: Option<PathBuf>,
    /// Send a pidfd of its first process to this unix socket.
    #[arg(long, value_name = "SOCKET")]
    pidfd_socket: Option<PathBuf>,
    /// Enter the rootfs without pivot_root, as on a ramdisk.
    #[arg(long)]
    no_pivot: bool,
    /// Keep the caller's session keyring.
    #[arg(long)]
    no_new_keyring: bool,
    /// Hand on the N file descriptors from 3 on.
    #[arg(long, value_name = "N", default_value = "0")]
    preserve_fds: u32,
}

impl How {
    /// What the verbs are asked for.
    pub fn request(self, id: Id, context: &Context) -> CreateRequest {
        CreateRequest {
            id,
            bundle: self.bundle,
            pid_file: self.pid_file,
            console_socket: self.console_socket,
            pidfd_socket: self.pidfd_socket,
            no_pivot: self.no_pivot,
            no_new_keyring: self.no_new_keyring,
            preserve_fds: self.preserve_fds,
            rootless: context.rootless(),
            no_cgroup: context.no_cgroup(),
            systemd_cgroup: context.systemd_cgroup(),
        }
    }
}

impl Run for Create {
    fn run(self, context: &Context) -> Result<u8> {
        let request = self.how.request(self.id, context);
        lifecycle::create::create(&context.store()?, &request).map(|()| 0)
    }
}
