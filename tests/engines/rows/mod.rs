//! The table of what is asked of each engine; the questions themselves are in the files beside,
//! by what they are about.
//!
//! A row's container names are its own: all containers are removed after each row. A row does not
//! sleep: it waits for what a container logs, or for a state, with a deadline.

mod confine;
mod cri;
mod ctr;
pub mod daily;
mod exec;
mod files;
mod images;
mod life;
mod limits;
mod network;
mod podman_own;
mod process;
mod rootless;
mod swarm;
mod terminal;

use crate::command::Verdict;
use crate::docker;
use crate::engine::Engine;
use crate::options::Options;
use crate::podman;

/// One question.
pub struct Row {
    /// What is asked, in the table.
    pub feature: &'static str,
    /// Asked also when time is short.
    pub fast: bool,
    /// The one engine of which it is asked, or Docker and Podman.
    pub engine: Option<&'static str>,
    /// Asks it.
    pub check: fn(&Engine) -> Verdict,
}

impl Row {
    /// Whether this run asks it of this engine.
    pub fn is_asked(&self, engine: &str, options: &Options) -> bool {
        let wanted = match &options.only {
            Some(text) => self.feature.contains(text.as_str()),
            None => self.fast || options.all,
        };
        wanted && self.engine.map_or([docker::NAME, podman::NAME].contains(&engine), |only| only == engine)
    }

    const fn fast(self) -> Self {
        Self { fast: true, ..self }
    }

    const fn of(self, engine: &'static str) -> Self {
        Self { engine: Some(engine), ..self }
    }
}

const fn row(feature: &'static str, check: fn(&Engine) -> Verdict) -> Row {
    Row { feature, fast: false, engine: None, check }
}

/// All rows, in the order in which they are asked.
pub fn all() -> impl Iterator<Item = &'static Row> {
    [ROWS, daily::ROWS, podman_own::ROWS, ctr::ROWS, cri::ROWS, swarm::ROWS].into_iter().flatten()
}

/// Those of Docker and Podman, about one part of a container each.
const ROWS: &[Row] = &[
    row("run: output comes back", process::output).fast(),
    row("run: the default runtime is the one under test", process::runtime).fast(),
    row("run: standard error stays apart", process::standard_error),
    row("run -i: standard input", process::standard_input).fast(),
    row("run: exit status is passed through", process::status).fast(),
    row("run: killed from outside is 128+n", process::signal),
    row("run: program not found is 127", process::not_found).fast(),
    row("run: program not executable is 126", process::not_executable).fast(),
    row("run -e: environment", process::environment),
    row("run -w: working directory", process::directory),
    // Podman refuses it itself.
    row("run -w: a missing directory is made", process::directory_made).of(docker::NAME),
    row("run -u: numeric user and group", process::user).fast(),
    row("run -u: user by name, with its groups", process::user_by_name),
    row("run --group-add", process::group_add),
    row("run --entrypoint", process::entrypoint),
    row("run --hostname", process::hostname),
    row("run --init", process::init),
    row("run --pid=host", process::pid_host),
    row("run --pid=container:", process::pid_container),
    row("run --ipc=container:", process::ipc_container),
    row("run --uts=host", process::uts_host),
    row("run: 8 containers at the same time", process::eight).fast(),
    row("run -it: a terminal, its size and its status", terminal::run).fast(),
    row("run -it: the window changes", terminal::resize).fast(),
    row("run -it: the interrupt key", terminal::interrupt),
    row("run -t without -i", terminal::output_only),
    row("exec -it: a terminal, its size and its status", terminal::exec).fast(),
    row("run -dit, attach and detach by keys", terminal::attach),
    row("exec: output comes back", exec::output).fast(),
    row("exec: exit status is passed through", exec::status).fast(),
    row("exec -i: standard input", exec::standard_input),
    row("exec -d", exec::detached),
    row("exec -e -w -u", exec::identity),
    row("exec: program not found", exec::not_found).fast(),
    row("exec: program not executable is 126", exec::not_executable),
    row("exec --privileged", exec::privileged),
    row("exec: same namespaces and cgroup as the container", exec::same_place).fast(),
    row("exec: 8 at the same time", exec::eight),
    row("exec into a stopped container is refused", exec::stopped),
    row("healthcheck", exec::healthcheck).of(docker::NAME),
    row("stop: a shell that traps TERM ends at once", life::stop_trap).fast(),
    row("stop: one that ignores TERM is killed", life::stop_ignore).fast(),
    row("kill: SIGKILL", life::kill).fast(),
    row("kill -s: another signal is delivered", life::kill_signal),
    row("pause and unpause", life::pause).fast(),
    row("top", life::top).fast(),
    row("logs", life::logs).fast(),
    row("logs -f ends with the container", life::logs_follow),
    row("restart", life::restart).fast(),
    row("start again after the end", life::start_again),
    row("start -a: output and exit status", life::start_attached),
    row("create, then start", life::create),
    row("wait", life::wait),
    row("rm -f of a running container", life::remove_running).fast(),
    row("run --rm removes the container", life::removed),
    row("run --restart=on-failure", life::restart_policy),
    row("stats", life::stats),
    row("cp into and out of a running container", life::copy),
    row("commit", images::commit),
    row("build", images::build),
    row("build with BuildKit", images::buildkit).of(docker::NAME),
    row("inspect names the runtime and the pid", life::inspect).fast(),
    row("an ordinary user: run, exec, stop", rootless::podman).of(podman::NAME),
    row("run --read-only", files::read_only).fast(),
    row("run --tmpfs, with options", files::tmpfs),
    row("run -v: bind mount", files::bind).fast(),
    row("run -v: bind mount of one file, read-only", files::bind_file),
    row("run -v: propagation rslave", files::propagation),
    row("run -v: named volume is kept", files::volume),
    row("run --volumes-from", files::volumes_from),
    row("run --shm-size", files::shm_size),
    row("run --device", files::device),
    row("devices are denied that were not given", files::device_denied).fast(),
    row("the default devices and links of /dev", files::devices_default),
    row("run --cap-drop", confine::cap_drop).fast(),
    row("run --cap-add", confine::cap_add),
    row("default capabilities", confine::cap_default),
    row("run --privileged", confine::privileged).fast(),
    row("run --security-opt no-new-privileges", confine::no_new_privileges),
    row("default seccomp filter, and unconfined", confine::seccomp).fast(),
    row("masked and read-only paths", confine::masked).fast(),
    row("a seccomp profile of one's own", confine::seccomp_profile),
    row("no file descriptor but 0, 1, 2", confine::descriptors),
    row("namespaces are new ones", confine::namespaces).fast(),
    row("run --ulimit", limits::ulimit).fast(),
    row("run --sysctl", limits::sysctl),
    row("run --oom-score-adj", limits::oom_score),
    row("run --cgroup-parent", limits::cgroup_parent),
    row("run --memory, and an end by it", limits::memory),
    row("run --cpus", limits::cpus),
    row("run --pids-limit", limits::pids),
    row("update --memory", limits::update),
    row("network none: loopback only", network::none).fast(),
    row("network: an address, and a way to another container", network::bridge).fast(),
    row("network: a published port", network::port),
    row("network: a container's", network::container),
    row("network: the host's", network::host),
    row("network: names, and /etc/hosts", network::hosts),
];
