//! Docker Swarm: three daemons, each as if on a machine of its own, in one swarm.
//!
//! A node has a network, a host name and mounts of its own, and hangs by a pair of interfaces on a
//! bridge. The processes are in one pid namespace, and the cgroups lie beside each other.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::command::{Verdict, failed, joined, shell, until};
use crate::daemon::Daemon;
use crate::docker;
use crate::docs;
use crate::engine::{Driver, Engine};
use crate::image;
use crate::options::Options;
use crate::world::STORE;

/// Its name in the table.
pub const NAME: &str = "swarm";
/// The nodes: host name and the last byte of the address.
pub const NODES: [(&str, u8); 3] = [("node1", 1), ("node2", 2), ("node3", 3)];

/// Three daemons that run.
pub struct Swarm {
    daemons: Vec<Daemon>,
}

/// The beginning of a line that calls a node.
pub fn client(node: &str) -> String {
    format!("/usr/bin/docker -H unix:///run/{node}/docker.sock")
}

/// The address of a node.
pub fn address(number: u8) -> String {
    format!("10.77.0.{number}")
}

impl Swarm {
    /// Starts the three at the same time, and joins them.
    pub fn start(runtime: &str, options: &Options) -> Verdict<Box<dyn Driver>> {
        let deadline = options.deadline(60);
        shell(
            "ip link add nodes type bridge && ip addr add 10.77.0.254/24 dev nodes && ip link set nodes up",
            "",
            deadline,
        )?
        .works()?;
        let daemons = thread::scope(|scope| {
            let begin = |(name, number)| scope.spawn(move || node(name, number, runtime, deadline));
            let all = NODES.map(begin);
            all.into_iter().map(joined).collect::<Verdict<Vec<_>>>()
        })?;
        let mut swarm = Self { daemons };
        match join(options) {
            Ok(()) => Ok(Box::new(swarm)),
            Err(trouble) => {
                let log = fs::read_to_string("/run/node1/log").unwrap_or_default();
                let _ = swarm.stop(deadline);
                Err(failed(format!("{trouble}\n{log}")))
            }
        }
    }
}

/// One daemon in its namespaces, with the image.
fn node(name: &'static str, number: u8, runtime: &str, deadline: Duration) -> Verdict<Daemon> {
    let own = format!("/run/{name}");
    let store = format!("{STORE}/{name}");
    let wires = format!(
        "mkdir -p {own} {store} && ip netns add {name} && \
         ip link add wire{number} type veth peer name eth0 netns {name} && \
         ip link set wire{number} master nodes up && \
         ip -n {name} link set lo up && ip -n {name} addr add {}/24 dev eth0 && ip -n {name} link set eth0 up && \
         ip -n {name} route add default via 10.77.0.254",
        address(number)
    );
    shell(&wires, "", deadline)?.works()?;
    // What daemons share without being asked: a key in /etc/docker, and sockets in /run/docker. Swarm
    // asks a registry for the image before it takes the local one: a name server that is not there
    // says no at once.
    let script = format!(
        "hostname {name} && mkdir -p /etc/docker {own}/etc /run/docker {own}/run && \
         mount --bind {own}/etc /etc/docker && mount --bind {own}/run /run/docker && \
         echo nameserver 127.0.0.1 >{own}/resolv.conf && mount --bind {own}/resolv.conf /etc/resolv.conf && \
         echo 1 >/proc/sys/net/ipv4/ip_forward && exec dockerd \
         --config-file {own}/docker.json --exec-root {own}/exec --data-root {store} --pidfile {own}/docker.pid \
         -H unix://{own}/docker.sock --storage-driver overlay2 {}",
        docker::own_score(deadline)?.unwrap_or_default()
    );
    fs::write(format!("{own}/docker.json"), docs::block("Docker Swarm", "json", "", runtime)?)?;
    let mut command = Command::new("nsenter");
    command.args([&format!("--net=/run/netns/{name}"), "unshare", "--mount", "--uts", "/bin/sh", "-c", &script]);
    let mut daemon = Daemon::start("dockerd", &mut command, format!("{own}/log"))?;
    daemon.answers(&format!("{own}/docker.sock"), deadline)?;
    shell(&format!("{} import {} busybox", client(name), image::ARCHIVE), "", deadline)?.works()?;
    Ok(daemon)
}

/// The first begins a swarm, the others join it.
fn join(options: &Options) -> Verdict {
    let deadline = options.deadline(60);
    let [first, others @ ..] = NODES;
    let init = format!("{} swarm init --advertise-addr {}", client(first.0), address(first.1));
    shell(&init, "", deadline)?.works()?;
    let token = shell(&format!("{} swarm join-token -q worker", client(first.0)), "", deadline)?.succeeds()?;
    for (name, number) in others {
        let (own, first) = (address(number), address(first.1));
        let line = format!("{} swarm join --advertise-addr {own} --token {} {first}:2377", client(name), token.text());
        shell(&line, "", deadline)?.works()?;
    }
    Ok(())
}

impl Driver for Swarm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn client(&self) -> String {
        client(NODES[0].0)
    }

    fn log(&self) -> Option<PathBuf> {
        self.daemons.first().map(|daemon| daemon.log.clone())
    }

    fn clear(&self, engine: &Engine) -> Verdict {
        let services = engine.call("service ls -q")?.succeeds()?;
        if !services.text().is_empty() {
            engine.call(&format!("service rm {}", services.text().replace('\n', " ")))?.works()?;
        }
        for (name, _) in NODES {
            engine.until(&format!("{name} has no container"), || {
                Ok(engine.shell(&format!("{} ps -aq", client(name)))?.succeeds()?.text().is_empty())
            })?;
        }
        Ok(())
    }

    fn stop(&mut self, deadline: Duration) -> Verdict {
        for (name, _) in NODES.iter().rev() {
            shell(&format!("{} swarm leave --force", client(name)), "", deadline)?.works()?;
        }
        for daemon in &mut self.daemons {
            daemon.stop(deadline)?;
        }
        for (name, number) in NODES {
            shell(&format!("ip link del wire{number}; ip netns del {name}"), "", deadline)?.works()?;
        }
        until("no process of a node is left", deadline, || {
            Ok(shell("ls /run/netns", "", deadline)?.succeeds()?.text().is_empty())
        })
    }
}
