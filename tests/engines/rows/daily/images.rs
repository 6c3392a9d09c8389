//! Images: listed, tagged, refused, pruned, carried away.

use crate::command::{Verdict, failed};
use crate::engine::Engine;

fn id(e: &Engine, image: &str) -> Verdict<String> {
    Ok(e.call(&format!("image inspect -f '{{{{.Id}}}}' {image}"))?.succeeds()?.text().to_owned())
}

pub fn unchanged(e: &Engine) -> Verdict {
    let before = id(e, "busybox")?;
    for number in 1..=3 {
        let inside = format!("ls /srv; echo {number} >/srv/own; rm /etc/passwd; ls /srv");
        e.call(&format!("run --name c{number} busybox sh -c '{inside}'"))?.succeeds()?.prints("own").map(drop)?;
    }
    for number in 1..=3 {
        e.shell(&format!("{} cp c{number}:/srv/own - | tar -xOf -", e.driver.client()))?
            .succeeds()?
            .prints(&number.to_string())
            .map(drop)?;
    }
    e.call("run --rm busybox sh -c 'ls /srv; wc -l </etc/passwd'")?.succeeds()?.prints("2").map(drop)?;
    let after = id(e, "busybox")?;
    if before == after { Ok(()) } else { Err(failed(format!("the image was {before}, is {after}"))) }
}

pub fn list(e: &Engine) -> Verdict {
    e.call("images")?.succeeds()?.says("REPOSITORY")?.says("busybox").map(drop)?;
    e.call("image inspect -f '{{.Os}} {{.RootFS.Type}}' busybox")?.succeeds()?.prints("linux layers").map(drop)?;
    e.call("history -q busybox")?.succeeds()?.must("one layer", |ran| ran.text().lines().count() == 1).map(drop)?;
    e.call("tag busybox other:v1")?.works()?;
    let same = id(e, "busybox")? == id(e, "other:v1")?;
    e.call("images --format '{{.Repository}}:{{.Tag}}'")?.succeeds()?.says("other:v1").map(drop)?;
    e.call("run --rm other:v1 echo hi")?.succeeds()?.prints("hi").map(drop)?;
    e.call("rmi other:v1")?.works()?;
    e.call("image inspect other:v1")?.must("is gone", |ran| ran.status != 0).map(drop)?;
    if same { Ok(()) } else { Err(failed("a tag is another image")) }
}

pub fn remove_refused(e: &Engine) -> Verdict {
    e.call("run --name one busybox touch /srv/file")?.works()?;
    e.call("commit one made")?.works()?;
    e.detached("two", "made sh -c 'echo ready; exec sleep 1000'")?;
    e.call("rmi made")?.must("is refused", |ran| ran.status != 0)?.complains("container").map(drop)?;
    e.call("exec two test -e /srv/file")?.works()?;
    e.call(&format!("{} two", e.driver.remove()))?.works()?;
    e.call("rmi made")?.works()
}

pub fn prune(e: &Engine) -> Verdict {
    let dangling = || Ok::<_, crate::command::Trouble>(e.call("images -qf dangling=true")?.succeeds()?.out);
    let orphan = || {
        for word in ["first", "second"] {
            e.call(&format!("run --name {word} busybox sh -c 'echo {word} >/srv/file'"))?.works()?;
            e.call(&format!("commit {word} made"))?.works()?;
        }
        if dangling()?.lines().count() == 1 { Ok(()) } else { Err(failed("a retagged image is not dangling")) }
    };
    orphan()?;
    e.call("image prune -f")?.works()?;
    if !dangling()?.is_empty() {
        return Err(failed("image prune left one"));
    }
    e.clear()?;
    e.call("rmi made")?.works()?;
    orphan()?;
    e.detached("one", "made sh -c 'echo ready; exec sleep 1000'")?;
    e.call("network create unused")?.works()?;
    e.call("system prune -f")?.works()?;
    e.call("ps -a --format '{{.Names}}'")?.succeeds()?.prints("one").map(drop)?;
    e.call("network inspect unused")?.must("is gone", |ran| ran.status != 0).map(drop)?;
    e.call("exec one cat /srv/file")?.succeeds()?.prints("second").map(drop)?;
    e.clear()?;
    e.call("rmi made")?.works()?;
    if dangling()?.is_empty() { Ok(()) } else { Err(failed("system prune left one")) }
}

pub fn carry(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'echo content >/srv/file'")?.works()?;
    e.call("commit --change 'CMD [\"cat\",\"/srv/file\"]' one made")?.works()?;
    e.call("run --rm made")?.succeeds()?.prints("content").map(drop)?;
    e.call("save -o /tmp/made.tar made")?.works()?;
    e.call("rmi made")?.works()?;
    e.call("load -i /tmp/made.tar")?.works()?;
    e.call("run --rm made")?.succeeds()?.prints("content").map(drop)?;
    e.call("export -o /tmp/one.tar one")?.works()?;
    e.call("import /tmp/one.tar flat")?.works()?;
    e.call("run --rm flat cat /srv/file")?.succeeds()?.prints("content").map(drop)?;
    e.shell("rm /tmp/made.tar /tmp/one.tar")?.works()?;
    e.call("rmi made flat")?.works()
}
