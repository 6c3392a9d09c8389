//! Services over three nodes, each with onggi as the runtime.
//!
//! No port is published: Swarm's mesh for that needs IPVS in the kernel, which has nothing to do
//! with the runtime. `--endpoint-mode dnsrr` does without.

use std::collections::BTreeMap;

use super::{Row, row};
use crate::command::{Verdict, failed};
use crate::engine::Engine;
use crate::swarm::{NAME, NODES, address, client};

/// The rows, in the order in which they are asked.
pub const ROWS: &[Row] = &[
    row("three nodes are ready", nodes).of(NAME).fast(),
    row("a service over three nodes, on the runtime under test", spread).of(NAME).fast(),
    row("service scale, up and down", scale).of(NAME),
    row("service logs, from all nodes", logs).of(NAME).fast(),
    row("rolling update", update).of(NAME).fast(),
    row("a task that ends is started anew", restart).of(NAME),
    row("node drain moves the tasks, active takes new ones", drain).of(NAME).fast(),
    row("a global service runs once on each node", global).of(NAME),
    row("a config and a secret", secrets).of(NAME),
    row("tasks find each other by name over the nodes", overlay).of(NAME),
    row("a port of the node's own (mode=host)", port).of(NAME),
];

const TRAPPING: &str = "sh -c 'trap \"exit 0\" TERM; echo ready on $HOSTNAME; while :; do sleep 0.1; done'";

/// `service create OPTIONS busybox PROGRAM`. It does not wait for its tasks: that takes 5 s more than they do.
fn create(e: &Engine, options: &str, program: &str) -> Verdict {
    e.call(&format!("service create -dq --name one --no-resolve-image {options} busybox {program}"))?.works()
}

/// How many tasks run on each node.
fn running(e: &Engine) -> Verdict<BTreeMap<String, usize>> {
    let line = "service ps -f desired-state=running --format '{{.Node}} {{.CurrentState}}' one";
    let tasks = e.call(line)?.succeeds()?;
    let mut all = BTreeMap::new();
    for task in tasks.text().lines() {
        if let Some((node, _)) = task.split_once(" Running") {
            *all.entry(node.to_owned()).or_default() += 1;
        }
    }
    Ok(all)
}

/// Waits until so many tasks run on the three nodes.
fn settles(e: &Engine, expected: [usize; 3]) -> Verdict {
    let expected = NODES.iter().zip(expected).filter(|(_, count)| *count > 0);
    let expected = expected.map(|((name, _), count)| ((*name).to_owned(), count)).collect::<BTreeMap<_, _>>();
    let mut last = BTreeMap::new();
    let settled = e.until(&format!("the tasks run on {expected:?}"), || {
        last = running(e)?;
        Ok(last == expected)
    });
    settled.map_err(|trouble| failed(format!("{trouble}; they run on {last:?}")))
}

fn nodes(e: &Engine) -> Verdict {
    let line = "node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'";
    e.until("three nodes are ready", || {
        let all = e.call(line)?.succeeds()?;
        let mut all = all.text().lines().map(str::trim).collect::<Vec<_>>();
        all.sort_unstable();
        Ok(all == ["node1 Ready Active Leader", "node2 Ready Active", "node3 Ready Active"])
    })
}

fn spread(e: &Engine) -> Verdict {
    create(e, "--replicas 3", TRAPPING)?;
    settles(e, [1, 1, 1])?;
    for (name, _) in NODES {
        let line = format!("d='{}'; $d inspect -f '{{{{.HostConfig.Runtime}}}}' $($d ps -q)", client(name));
        e.shell(&line)?.succeeds()?.prints("onggi").map(drop)?;
        let line = format!("d='{}'; $d exec $($d ps -q) sh -c 'echo $$; exit 3'", client(name));
        e.shell(&line)?.ends_with(3).map(drop)?;
    }
    Ok(())
}

fn scale(e: &Engine) -> Verdict {
    create(e, "--replicas 1", TRAPPING)?;
    e.call("service scale -d one=6")?.works()?;
    settles(e, [2, 2, 2])?;
    e.call("service scale -d one=3")?.works()?;
    e.until("three are left", || Ok(running(e)?.values().sum::<usize>() == 3))
}

fn logs(e: &Engine) -> Verdict {
    create(e, "--replicas 3 --hostname '{{.Node.Hostname}}'", TRAPPING)?;
    e.until("the logs of all nodes come", || {
        let ran = e.call("service logs --raw one")?.succeeds()?;
        Ok(NODES.iter().all(|(name, _)| ran.out.contains(&format!("ready on {name}"))))
    })
}

fn update(e: &Engine) -> Verdict {
    create(e, "--replicas 3 --update-parallelism 1 --update-monitor 100ms --env VERSION=1", TRAPPING)?;
    settles(e, [1, 1, 1])?;
    e.call("service update -q --env-add VERSION=2 one")?.works()?;
    let state = "service inspect -f '{{.UpdateStatus.State}}' one";
    e.until("the update is completed", || Ok(e.call(state)?.succeeds()?.text() == "completed"))?;
    settles(e, [1, 1, 1])?;
    for (name, _) in NODES {
        let line = format!("d='{}'; $d exec $($d ps -q) sh -c 'echo $VERSION'", client(name));
        e.shell(&line)?.succeeds()?.prints("2").map(drop)?;
    }
    // The old tasks obeyed TERM.
    let line = "service ps -f desired-state=shutdown --format '{{.CurrentState}} {{.Error}}' one";
    let old = e.call(line)?.succeeds()?;
    let well = |text: &str| text.lines().count() == 3 && text.lines().all(|line| line.starts_with("Shutdown"));
    old.must("three old tasks were shut down", |ran| well(ran.text())).map(drop)
}

fn restart(e: &Engine) -> Verdict {
    create(e, "--replicas 1 --restart-delay 10ms --constraint node.hostname==node2", TRAPPING)?;
    let node = client("node2");
    settles(e, [0, 1, 0])?;
    let first = e.shell(&format!("{node} ps -q"))?.succeeds()?;
    e.shell(&format!("{node} kill {}", first.text()))?.works()?;
    e.until("another runs", || {
        let now = e.shell(&format!("{node} ps -q"))?.succeeds()?;
        Ok(!now.text().is_empty() && now.text() != first.text())
    })?;
    e.call("service ps --no-trunc --format '{{.Error}}' one")?.succeeds()?.says("exit (137)").map(drop)
}

fn drain(e: &Engine) -> Verdict {
    create(e, "--replicas 3", TRAPPING)?;
    settles(e, [1, 1, 1])?;
    e.call("node update --availability drain node3")?.works()?;
    let moved = e.until("node3 has none", || Ok(running(e)?.into_iter().all(|(node, _)| node != "node3")));
    let moved = moved.and_then(|()| e.until("three run", || Ok(running(e)?.values().sum::<usize>() == 3)));
    e.call("node update --availability active node3")?.works()?;
    moved?;
    e.call("service scale -d one=6")?.works()?;
    // The new ones go where there are fewest.
    e.until("node3 has some again", || Ok(running(e)?.contains_key("node3")))
}

fn global(e: &Engine) -> Verdict {
    create(e, "--mode global", TRAPPING)?;
    settles(e, [1, 1, 1])
}

fn secrets(e: &Engine) -> Verdict {
    e.call_with("secret create hidden -", "secret-text")?.works()?;
    e.call_with("config create shown -", "config-text")?.works()?;
    let asked =
        create(e, "--replicas 3 --secret hidden --config source=shown,target=/srv/shown", TRAPPING).and_then(|()| {
            settles(e, [1, 1, 1])?;
            for (name, _) in NODES {
                let line = format!("d='{}'; $d exec $($d ps -q) cat /run/secrets/hidden /srv/shown", client(name));
                e.shell(&line)?.succeeds()?.prints("secret-textconfig-text").map(drop)?;
            }
            Ok(())
        });
    e.driver.clear(e)?;
    e.call("secret rm hidden")?.works()?;
    e.call("config rm shown")?.works()?;
    asked
}

fn overlay(e: &Engine) -> Verdict {
    e.call("network create -d overlay over")?.works()?;
    let program = "sh -c 'trap \"exit 0\" TERM; while :; do hostname | nc -l -p 8080 & wait $!; done'";
    let options = "--replicas 3 --network over --endpoint-mode dnsrr --hostname '{{.Node.Hostname}}'";
    let asked = create(e, options, program).and_then(|()| {
        settles(e, [1, 1, 1])?;
        // A name has the addresses of all tasks; one's own is sorted to the front.
        let line = format!(
            "d='{}'; $d exec $($d ps -q) sh -c 'for a in $(nslookup one 127.0.0.11 | sed -n \"/^Name/,\\$s/^Address.*: //p\"); \
             do nc -w 5 $a 8080 </dev/null; done | sort'",
            client("node1")
        );
        let mut last = String::new();
        let all = e.until("all three answer to one name", || {
            let ran = e.shell(&line)?;
            last = format!("{}{}", ran.out, ran.err);
            Ok(ran.text() == "node1\nnode2\nnode3")
        });
        all.map_err(|trouble| failed(format!("{trouble}\n{last}")))
    });
    e.driver.clear(e)?;
    e.call("network rm over")?.works()?;
    asked
}

fn port(e: &Engine) -> Verdict {
    let program = "sh -c 'trap \"exit 0\" TERM; while :; do echo hello | nc -l -p 8080 & wait $!; done'";
    create(e, "--mode global --publish mode=host,target=8080,published=18080", program)?;
    settles(e, [1, 1, 1])?;
    for (_, number) in NODES {
        e.until("the port is answered", || {
            let line = format!("busybox nc -w 5 {} 18080 </dev/null", address(number));
            Ok(e.shell(&line)?.text() == "hello")
        })?;
    }
    Ok(())
}
