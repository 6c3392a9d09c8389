//! A service manager: what it gives to a container that it starts, and what it wants to know of it.
//!
//! Both are environment variables of ours that speak of the container's program: `LISTEN_FDS` hands it sockets that are
//! open already, `NOTIFY_SOCKET` asks when it is ready.

pub mod activation;
pub mod sd_notify;
