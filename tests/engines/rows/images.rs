//! Images that containers make.

use std::fs;

use crate::command::Verdict;
use crate::docker;
use crate::engine::Engine;

const FOLDER: &str = "/tmp/context";
/// Two steps, the second as a user who can't write what the first made.
const RECIPE: &str = "FROM busybox\n\
    RUN mkdir /srv/made && echo by root >/srv/made/file && ! ls /srv/none\n\
    USER guest\n\
    RUN ! touch /srv/made/no && id -u >/tmp/file\n\
    CMD [\"cat\", \"/srv/made/file\", \"/tmp/file\"]\n";

pub fn commit(e: &Engine) -> Verdict {
    e.call("run --name one busybox sh -c 'echo content >/srv/file'")?.works()?;
    e.call("commit one made")?.works()?;
    let ran = e.call("run --rm made cat /srv/file")?;
    e.call("rmi made")?.works()?;
    ran.succeeds()?.prints("content").map(drop)
}

pub fn build(e: &Engine) -> Verdict {
    make(e, "0")
}

/// Docker's newer builder calls `run` in the foreground, and the program that it calls is named runc.
pub fn buildkit(e: &Engine) -> Verdict {
    make(e, "1")
}

fn make(e: &Engine, buildkit: &str) -> Verdict {
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/Dockerfile"), RECIPE)?;
    let client = e.driver.client();
    let built = e.shell(&format!("DOCKER_BUILDKIT={buildkit} exec {client} build --network none -t made {FOLDER}"));
    fs::remove_dir_all(FOLDER)?;
    built?.works()?;
    let ran = e.call("run --rm made")?;
    e.call("rmi made")?.works()?;
    if e.driver.name() == docker::NAME {
        // What the steps left in the builder's cache.
        e.call("builder prune -af")?.works()?;
    }
    ran.succeeds()?.prints("by root\n1000").map(drop)
}
