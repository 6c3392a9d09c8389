//! A whole Debian, as a debootstrap makes it: a package manager, users, and daemons of its packages.

use std::path::Path;

use crate::command::{Trouble, Verdict, failed};
use crate::engine::Engine;

/// Names the archive that `tests/engines/debian` made.
pub const ARCHIVE: &str = "ONGGI_DEBIAN";

/// A package that is made, installed and removed again: its scripts and its files' owners are carried out.
const PACKAGE: &str = "cd /tmp && mkdir -p jar/DEBIAN jar/srv && echo full >jar/srv/jar && \
    printf 'Package: jar\\nVersion: 1\\nArchitecture: all\\nMaintainer: jar <jar@example.org>\\nDescription: a jar\\n' >jar/DEBIAN/control && \
    printf '#!/bin/sh\\nchown games:tape /srv/jar\\n' >jar/DEBIAN/postinst && chmod 755 jar/DEBIAN/postinst && \
    dpkg-deb -b jar jar.deb >/dev/null && dpkg -i jar.deb >/dev/null && stat -c %U:%G /srv/jar && \
    dpkg -s jar | grep ^Status && dpkg -P jar >/dev/null && test ! -e /srv/jar && dpkg --audit && apt-get check -qq && echo sound";

pub fn whole(e: &Engine) -> Verdict {
    let archive = std::env::var(ARCHIVE).unwrap_or_default();
    if !Path::new(&archive).exists() {
        return Err(Trouble::Skipped(format!("no whole Debian: {ARCHIVE}=$(tests/engines/debian target/engines)")));
    }
    e.call(&format!("import {archive} debian"))?.works()?;
    let asked = users_and_packages(e).and_then(|()| daemons(e));
    e.clear()?;
    e.call("rmi debian")?.works()?;
    asked
}

fn users_and_packages(e: &Engine) -> Verdict {
    let whole = "run --rm debian bash -c '. /etc/os-release; echo $ID; (($(dpkg -l | grep -c ^ii) > 80)) && perl -e \"print 6*7\"'";
    e.call(whole)?.succeeds()?.prints("debian\n42").map(drop)?;
    e.call("run -d --name one debian sleep infinity")?.works()?;
    let user = "useradd -m -s /bin/bash jar && su - jar -c \"id -un; pwd; touch mine; stat -c %U mine\"";
    e.call(&format!("exec one bash -c '{user}'"))?.succeeds()?.prints("jar\n/home/jar\njar").map(drop)?;
    e.call("exec -u jar -w /home/jar one cat mine")?.succeeds()?.prints("").map(drop)?;
    let ran = e.call_with("exec -i one bash -s", PACKAGE)?.succeeds()?;
    ran.prints("games:tape\nStatus: install ok installed\nsound").map(drop)
}

/// The daemons of its packages, as they are configured there.
fn daemons(e: &Engine) -> Verdict {
    e.call("run -d --name two debian bash -c 'nginx && exec setpriv --reuid redis --regid redis --clear-groups redis-server --dir /var/lib/redis'")?
        .works()?;
    e.until("redis answers", || Ok(e.call("exec two redis-cli ping")?.text() == "PONG"))?;
    let script =
        "require(\"http\").get(\"http://127.0.0.1/\", answer => console.log(answer.statusCode, answer.headers.server))";
    let served = e.call(&format!("exec two node -e '{script}'"))?.succeeds()?;
    if !served.text().starts_with("200 nginx") {
        return Err(failed(format!("nginx answers {}", served.text())));
    }
    let found = e.call("top two")?.succeeds()?;
    found.says("redis-server")?.says("nginx").map(drop)?;
    e.call("stop two")?.works()?;
    let code = e.inspect("two", ".State.ExitCode")?;
    if code == "0" { Ok(()) } else { Err(failed(format!("redis ended with {code} on TERM"))) }
}
