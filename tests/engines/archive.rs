//! Images as `docker save` writes them, for engines that can't import a bare file system.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::command::{Verdict, shell};
use crate::image;
use crate::options::Options;

/// The archive.
pub const PATH: &str = "/run/image/saved.tar";
/// The image in it, by its full name.
pub const BUSYBOX: &str = "docker.io/library/busybox:latest";
/// The same files with a program that does nothing, for the sandbox of a pod.
pub const PAUSE: &str = "docker.io/library/pause:latest";

/// Writes it, around the layer that [`image::build`] made.
pub fn build(options: &Options) -> Verdict {
    let folder = Path::new("/run/image/saved");
    fs::create_dir_all(folder)?;
    let sum = shell(&format!("sha256sum {}", image::ARCHIVE), "", options.deadline(10))?.succeeds()?;
    let digest = sum.text().split(' ').next().unwrap_or_default().to_owned();
    for (file, command) in [("busybox.json", json!(["/bin/sh"])), ("pause.json", json!(["/bin/sleep", "100000000"]))] {
        let config = json!({
            "architecture": architecture(), "os": "linux",
            "config": {"Cmd": command, "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        });
        fs::write(folder.join(file), config.to_string())?;
    }
    let manifest = json!([
        {"Config": "busybox.json", "RepoTags": [BUSYBOX], "Layers": ["layer.tar"]},
        {"Config": "pause.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]},
    ]);
    fs::write(folder.join("manifest.json"), manifest.to_string())?;
    fs::hard_link(image::ARCHIVE, folder.join("layer.tar"))?;
    shell(&format!("tar -C {} -cf {PATH} .", folder.display()), "", options.deadline(10))?.works()
}

/// The machine's architecture under the name that images have for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
