//! Several containers, as a file describes them.

use std::fs;
use std::path::Path;

use super::services::fetch;
use crate::command::{Ran, Trouble, Verdict, failed};
use crate::engine::Engine;
use crate::programs;

const COMPOSE: &str = "/usr/bin/docker-compose";
const FOLDER: &str = "/tmp/counter";

const FILE: &str = "version: '3.7'\n\
    services:\n  web:\n    build: .\n    ports: ['8083:8080']\n    depends_on: [redis]\n  redis:\n    image: redis\n";

const RECIPE: &str = "FROM node\nWORKDIR /app\nCOPY server.js .\nEXPOSE 8080\nCMD [\"node\", \"server.js\"]\n";

/// Counts in redis, whose protocol is lines: `INCR hits` is answered by `:1`.
const SERVER: &str = "const http = require('http'), net = require('net');\n\
    http.createServer((_, answer) => {\n\
      const store = net.connect(6379, 'redis', () => store.write('INCR hits\\r\\n'));\n\
      store.on('data', data => { answer.end('WORD ' + String(data).trim().slice(1)); store.end(); });\n\
      store.on('error', error => answer.end(String(error)));\n\
    }).listen(8080, () => console.log('ready'));\n\
    process.on('SIGTERM', () => process.exit(0));\n";

fn compose(e: &Engine, line: &str) -> Verdict<Ran> {
    let client = e.driver.client();
    let host = client.split(' ').next_back().unwrap_or_default();
    e.shell(&format!("cd {FOLDER} && DOCKER_HOST={host} exec {COMPOSE} --ansi never -p jar {line}"))
}

pub fn counter(e: &Engine) -> Verdict {
    if !Path::new(COMPOSE).exists() {
        return Err(Trouble::Skipped("Debian's package docker-compose is not here".to_owned()));
    }
    programs::image(e, &programs::REDIS)?;
    programs::image(e, &programs::NODE)?;
    fs::create_dir_all(FOLDER)?;
    fs::write(format!("{FOLDER}/docker-compose.yml"), FILE)?;
    fs::write(format!("{FOLDER}/Dockerfile"), RECIPE)?;
    let asked = count(e);
    let down = compose(e, "down --rmi local -v")?;
    fs::remove_dir_all(FOLDER)?;
    asked?;
    down.works()?;
    e.call("ps -aq")?.succeeds()?.prints("").map(drop)?;
    let networks = e.call("network ls --format '{{.Name}}'")?.succeeds()?;
    networks.must("no network of it is left", |ran| !ran.out.contains("jar")).map(drop)
}

fn count(e: &Engine) -> Verdict {
    up(e, "hits")?;
    e.until("the first hit is counted", || Ok(fetch(e, 8083)?.starts_with("hits ")))?;
    let first = number(&fetch(e, 8083)?)?;
    let second = number(&fetch(e, 8083)?)?;
    if second != first + 1 {
        return Err(failed(format!("hits {first}, then {second}")));
    }
    compose(e, "ps")?.succeeds()?.says("web")?.says("redis")?.says("Up").map(drop)?;
    compose(e, "logs")?.succeeds()?.says("Ready to accept connections")?.says("ready").map(drop)?;
    compose(e, "exec -T redis redis-cli get hits")?.succeeds()?.prints(&second.to_string()).map(drop)?;
    // Another source is another image; the store, which has not changed, goes on.
    up(e, "visits")?;
    e.until("the new server counts on", || Ok(fetch(e, 8083)?.starts_with("visits ")))?;
    let third = number(&fetch(e, 8083)?)?;
    if third > second { Ok(()) } else { Err(failed(format!("visits {third} after hits {second}"))) }
}

fn up(e: &Engine, word: &str) -> Verdict {
    fs::write(format!("{FOLDER}/server.js"), SERVER.replace("WORD", word))?;
    compose(e, "up -d --build -t 1")?.works()
}

fn number(text: &str) -> Verdict<u32> {
    let digits = text.rsplit(' ').next().unwrap_or_default();
    digits.parse().map_err(|error| failed(format!("{text:?}: {error}")))
}
