//! What people do with an engine from day to day, as far as the other files have it not already.
//!
//! What may enter: a habit of people. It may need more than the image `busybox`: see [`crate::programs`].

mod build;
mod compose;
mod containers;
pub mod debian;
mod images;
mod listing;
mod registry;
mod remap;
mod services;

use super::{Row, row};
use crate::docker;

/// All of them, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    row("ps, ps -a, filters and --format", listing::ps).fast(),
    row("logs --tail and -t", listing::logs),
    row("events tell a container's life", listing::events),
    row("port and rename", listing::port_and_rename),
    row("diff: added, changed, deleted", listing::diff).fast(),
    row("rm of a running container is refused", containers::remove_refused).fast(),
    row("remove all, and container prune", containers::remove_all).fast(),
    row("restart of a stopped container: its files are kept", containers::files_kept).fast(),
    row("run --restart=always: back after a crash, not after stop", containers::restart_always),
    row("attach without a terminal: output and status", containers::attach),
    row("run in the foreground passes signals on", containers::signals_passed).fast(),
    row("cp of a stopped container, folders and streams", containers::copy_stopped),
    row("run -v: a change is seen at once, on both sides", containers::live_bind).fast(),
    row("run -v: an anonymous volume, gone with --rm", containers::anonymous_volume),
    row("run --mount, --env-file, --label, --cidfile", containers::options),
    row("run --stop-signal, --ipc=host, --cgroupns=host", containers::namespaces),
    row("a running container holds no process of the runtime", containers::nothing_held).fast(),
    row("run --pid=host: what it left running ends with it", containers::stragglers).fast(),
    row("update --restart", containers::update).of(docker::NAME),
    row("one image, many containers, the image unchanged", images::unchanged).fast(),
    row("images, image inspect, history, tag", images::list).fast(),
    row("rmi is refused while a container uses it", images::remove_refused).fast(),
    row("image prune, system prune", images::prune),
    row("commit --change, export and import, save and load", images::carry),
    row("build: FROM COPY RUN WORKDIR EXPOSE USER CMD", build::whole).fast(),
    row("build: cache hit, and miss from the changed line on", build::cache).fast(),
    row("build: cache with BuildKit", build::cache_buildkit).of(docker::NAME).fast(),
    row("build: -f, -t, ARG, several stages, .dockerignore", build::stages),
    row("build: the same with BuildKit", build::stages_buildkit).of(docker::NAME),
    row("build: a step that fails ends it", build::failure),
    row("registry: login, push, pull, logout; refused without", registry::guarded).fast(),
    row("redis: run, and exec -it redis-cli", services::redis).fast(),
    row("nginx serves a built site", services::nginx).fast(),
    row("node: a server with EXPOSE, run -P", services::node).fast(),
    row("a whole Debian: users, packages, daemons", debian::whole).fast(),
    row("names on a network of one's own", services::names).fast(),
    row("compose: up --build, ps, logs, down; a counter in redis", compose::counter).of(docker::NAME).fast(),
    row("userns-remap: root is nobody outside", remap::remapped).of(docker::NAME).fast(),
];
