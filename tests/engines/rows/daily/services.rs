//! Programs that people run: a store, a web server, a server of one's own.

use std::fs;
use std::path::Path;

use crate::command::{Trouble, Verdict, failed};
use crate::engine::Engine;
use crate::podman;
use crate::programs;

const FOLDER: &str = "/tmp/service";
const SLEEPING: &str = "busybox sh -c 'echo ready; exec sleep 1000'";

const NGINX: &str = "user guest;\nworker_processes 2;\nerror_log stderr notice;\nevents {}\n\
    http {\n include mime.types;\n access_log /dev/stdout;\n server { listen 80; root /site; }\n}\n";

const SERVER: &str = "const http = require('http');\n\
    http.createServer((_, answer) => answer.end(`node ${process.pid} ${process.cwd()}`))\n\
    .listen(8080, () => console.log('ready'));\n\
    process.on('SIGTERM', () => process.exit(7));\n";

pub fn redis(e: &Engine) -> Verdict {
    programs::image(e, &programs::REDIS)?;
    e.call("run -d --name one -v kept:/data redis")?.works()?;
    e.logged("one", "Ready to accept connections")?;
    e.call("exec one redis-cli set jar full")?.succeeds()?.prints("OK").map(drop)?;
    let mut terminal = e.terminal("exec -it one redis-cli")?;
    terminal.expect("127.0.0.1:6379>")?;
    terminal.types("get jar\r")?;
    terminal.expect("\"full\"")?;
    // redis-cli throws away what was typed before it asks again.
    terminal.expect("127.0.0.1:6379>")?;
    terminal.types("quit\r")?;
    terminal.ends_with(0)?;
    // It saves on TERM, and finds it again on the volume.
    e.call("stop one")?.works()?;
    let code = e.inspect("one", ".State.ExitCode")?;
    e.clear()?;
    e.call("run -d --name two -v kept:/data redis")?.works()?;
    e.until("the store has what was saved", || Ok(e.call("exec two redis-cli get jar")?.text() == "full"))?;
    e.clear()?;
    e.call("volume rm kept")?.works()?;
    if code == "0" { Ok(()) } else { Err(failed(format!("redis ended with {code} on TERM"))) }
}

pub fn nginx(e: &Engine) -> Verdict {
    programs::image(e, &programs::NGINX)?;
    let recipe = "FROM busybox AS maker\nRUN mkdir /site && echo '<p>built</p>' >/site/index.html\n\
                  FROM nginx\nCOPY --from=maker /site /site\nCOPY nginx.conf /etc/nginx/nginx.conf\n";
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/Dockerfile"), recipe)?;
    fs::write(format!("{FOLDER}/nginx.conf"), NGINX)?;
    let built = e.call(&format!("build -t site {FOLDER}"))?;
    fs::remove_dir_all(FOLDER)?;
    built.works()?;
    e.call("run -d --name one -p 8082:80 site")?.works()?;
    e.until("the site is served", || Ok(fetch(e, 8082)? == "<p>built</p>"))?;
    let workers = "exec one sh -c 'ps -o user,args | grep -c \"[g]uest.*worker process\"'";
    e.until("two workers are guests", || Ok(e.call(workers)?.text() == "2"))?;
    e.logged("one", "GET / HTTP/1.1")?;
    e.call("stop one")?.works()?;
    let code = e.inspect("one", ".State.ExitCode")?;
    e.clear()?;
    e.call("rmi site")?.works()?;
    if code == "0" { Ok(()) } else { Err(failed(format!("nginx ended with {code} on QUIT"))) }
}

pub fn node(e: &Engine) -> Verdict {
    programs::image(e, &programs::NODE)?;
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/server.js"), SERVER)?;
    let recipe = "FROM node\nWORKDIR /app\nCOPY server.js .\nEXPOSE 8080\nCMD [\"node\", \"server.js\"]\n";
    fs::write(format!("{FOLDER}/Dockerfile"), recipe)?;
    let built = e.call(&format!("build -t server {FOLDER}"))?;
    fs::remove_dir_all(FOLDER)?;
    built.works()?;
    e.detached("one", "-P server")?;
    let port = e.call("port one 8080")?.succeeds()?;
    let number = port.text().lines().next().and_then(|line| line.rsplit(':').next()).unwrap_or_default();
    let number = number.parse::<u16>().map_err(|error| failed(format!("{}: {error}", port.text())))?;
    e.until("the server answers", || Ok(fetch(e, number)? == "node 1 /app"))?;
    e.call("stop one")?.works()?;
    let code = e.inspect("one", ".State.ExitCode")?;
    e.clear()?;
    e.call("rmi server")?.works()?;
    if code == "7" { Ok(()) } else { Err(failed(format!("node ended with {code} on TERM"))) }
}

/// What is served at a port of the world, or nothing.
pub fn fetch(e: &Engine, port: u16) -> Verdict<String> {
    let own = "ip -4 -o addr show scope global | awk '{print $4}' | cut -d/ -f1 | head -1";
    let ran = e.shell(&format!("timeout 5 /bin/busybox wget -q -O - http://$({own}):{port}/"))?;
    Ok(ran.text().to_owned())
}

pub fn names(e: &Engine) -> Verdict {
    if e.driver.name() == podman::NAME && !Path::new("/usr/lib/podman/aardvark-dns").exists() {
        return Err(Trouble::Skipped("Debian's package aardvark-dns is not here".to_owned()));
    }
    e.call("network create pair")?.works()?;
    e.detached("one", &format!("--network pair {SLEEPING}"))?;
    e.detached("two", &format!("--network pair {SLEEPING}"))?;
    // Podman tells its server of a new name without waiting.
    let finds =
        |line: &str| e.until(line, || Ok(e.call(line)?.succeeds().is_ok_and(|ran| ran.out.contains("Address"))));
    let found = ["exec one timeout 5 nslookup two", "exec two timeout 5 nslookup one"].map(finds);
    // On the default network there are no names.
    let stranger = e.call("run --rm busybox nslookup one")?;
    e.clear()?;
    e.call("network rm pair")?.works()?;
    for found in found {
        found?;
    }
    stranger.must("finds no name from another network", |ran| ran.status != 0).map(drop)
}
