//! Images from recipes, with the older builder and with BuildKit.

use std::fs;
use std::path::Path;

use crate::command::{Ran, Verdict, failed};
use crate::docker;
use crate::engine::Engine;

const FOLDER: &str = "/tmp/context";
/// What every step makes is told by a number that is another each time the step really runs.
const STEPS: &str = "FROM busybox\n\
    WORKDIR /app\n\
    COPY one.txt .\n\
    RUN cat /proc/sys/kernel/random/uuid one.txt >first\n\
    COPY two.txt .\n\
    RUN cat /proc/sys/kernel/random/uuid two.txt >second\n\
    CMD [\"cat\", \"first\", \"second\"]\n";

/// Writes the files of a build context, each with its folder.
fn context(files: &[(&str, &str)]) -> Verdict {
    for (name, text) in files {
        let path = Path::new(FOLDER).join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(FOLDER)))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// `build ARGUMENTS FOLDER` with one of Docker's builders; Podman knows but one, and no variable.
fn build(e: &Engine, builder: Builder, arguments: &str) -> Verdict<Ran> {
    let kit = u8::from(builder == Builder::BuildKit);
    e.shell(&format!("DOCKER_BUILDKIT={kit} exec {} build {arguments} {FOLDER}", e.driver.client()))
}

#[derive(Clone, Copy, PartialEq)]
enum Builder {
    Older,
    BuildKit,
}

/// Removes what a build made, and the builder's cache.
fn clean(e: &Engine, images: &str) -> Verdict {
    fs::remove_dir_all(FOLDER)?;
    e.call(&format!("rmi {images}"))?.works()?;
    e.call("image prune -f")?.works()?;
    if e.driver.name() == docker::NAME {
        e.call("builder prune -af")?.works()?;
    }
    Ok(())
}

pub fn whole(e: &Engine) -> Verdict {
    context(&[
        (
            "Dockerfile",
            "FROM busybox\nENV GREETING=hello\nWORKDIR /app\nCOPY files/ ./\n\
             RUN cat note >made && chmod +x say && chown -R guest .\nEXPOSE 8080\nUSER guest\nCMD [\"./say\"]\n",
        ),
        ("files/note", "a note\n"),
        ("files/say", "#!/bin/sh\necho $GREETING $PWD $(id -u) $(cat made)\n"),
    ])?;
    build(e, Builder::Older, "-t made")?.works()?;
    e.call("run --rm made")?.succeeds()?.prints("hello /app 1000 a note").map(drop)?;
    let field = "{{.Config.WorkingDir}} {{json .Config.ExposedPorts}} {{.Config.User}} {{json .Config.Cmd}}";
    let ran = e.call(&format!("image inspect -f '{field}' made"))?;
    ran.succeeds()?.prints("/app {\"8080/tcp\":{}} guest [\"./say\"]").map(drop)?;
    clean(e, "made")
}

pub fn cache(e: &Engine) -> Verdict {
    cached(e, Builder::Older)
}

pub fn cache_buildkit(e: &Engine) -> Verdict {
    cached(e, Builder::BuildKit)
}

fn cached(e: &Engine, builder: Builder) -> Verdict {
    context(&[("Dockerfile", STEPS), ("one.txt", "one\n"), ("two.txt", "two\n")])?;
    let turn = || {
        build(e, builder, "-t made")?.works()?;
        Ok::<_, crate::command::Trouble>(e.call("run --rm made")?.succeeds()?.out)
    };
    let first = turn()?;
    let second = turn()?;
    if first != second {
        return Err(failed(format!("nothing was changed, but built anew:\n{first}{second}")));
    }
    context(&[("two.txt", "three\n")])?;
    let third = turn()?;
    let [before, after] = [&first, &third].map(|text| text.lines().collect::<Vec<_>>());
    // Lines: number and text of the first step, number and text of the second.
    let as_must_be = before.len() == 4 && after.len() == 4 && before[..2] == after[..2] && before[2] != after[2];
    if !as_must_be || after[3] != "three" {
        return Err(failed(format!("the second step alone should have run again:\n{first}{third}")));
    }
    clean(e, "made")
}

pub fn stages(e: &Engine) -> Verdict {
    staged(e, Builder::Older)
}

pub fn stages_buildkit(e: &Engine) -> Verdict {
    staged(e, Builder::BuildKit)
}

fn staged(e: &Engine, builder: Builder) -> Verdict {
    context(&[
        (
            "recipes/Site",
            "FROM busybox AS maker\nARG WHO=nobody\nCOPY . /in\nRUN ls /in >/list && echo built by $WHO >/page\n\
             FROM busybox\nCOPY --from=maker /page /list /srv/\nCMD [\"cat\", \"/srv/page\", \"/srv/list\"]\n",
        ),
        (".dockerignore", "secret\n.dockerignore\n"),
        ("secret", "secret\n"),
        ("shown", "shown\n"),
    ])?;
    build(e, builder, &format!("-f {FOLDER}/recipes/Site --build-arg WHO=me -t made:v1 -t also:v2"))?.works()?;
    for image in ["made:v1", "also:v2"] {
        e.call(&format!("run --rm {image}"))?.succeeds()?.prints("built by me\nrecipes\nshown").map(drop)?;
    }
    clean(e, "made:v1 also:v2")
}

pub fn failure(e: &Engine) -> Verdict {
    context(&[("Dockerfile", "FROM busybox\nRUN echo before; exit 19\nRUN echo never >/never\n")])?;
    let ran = build(e, Builder::Older, "-t made")?.must("fails", |ran| ran.status != 0)?;
    ran.must("names the status 19", |ran| format!("{}{}", ran.out, ran.err).contains("19")).map(drop)?;
    e.call("image inspect made")?.must("was not made", |ran| ran.status != 0).map(drop)?;
    fs::remove_dir_all(FOLDER)?;
    e.clear()?;
    e.call("image prune -f")?.works()
}
