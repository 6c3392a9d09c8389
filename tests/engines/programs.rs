//! Images of real programs, made of the distribution's packages: nothing is pulled.
//!
//! Each is the image `busybox` with a program and the shared libraries that it asks for, at the
//! places where the distribution has them. They are made when a row first wants them.

use std::fs;
use std::path::Path;

use crate::command::{Trouble, Verdict, failed};
use crate::engine::Engine;

/// A program that can be had as an image.
pub struct Program {
    /// The image's name.
    pub image: &'static str,
    /// What is copied, with the libraries that each needs.
    files: &'static [&'static str],
    /// What is copied as a whole where the distribution has it.
    folder: Option<&'static str>,
    /// The rest of its recipe.
    recipe: &'static str,
}

/// The key-value store.
pub const REDIS: Program = Program {
    image: "redis",
    files: &["/usr/bin/redis-server", "/usr/bin/redis-cli"],
    folder: None,
    recipe: "WORKDIR /data\nVOLUME /data\nEXPOSE 6379\n\
             CMD [\"redis-server\", \"--protected-mode\", \"no\", \"--dir\", \"/data\"]\n",
};

/// The web server; its configuration is a row's own.
pub const NGINX: Program = Program {
    image: "nginx",
    files: &["/usr/sbin/nginx", "/etc/nginx/mime.types"],
    folder: None,
    recipe: "RUN mkdir -p /var/log/nginx /var/lib/nginx /run\nEXPOSE 80\nSTOPSIGNAL QUIT\n\
             CMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
};

/// JavaScript.
pub const NODE: Program = Program {
    image: "node",
    files: &["/usr/bin/node"],
    // Debian's own node has parts of its library there.
    folder: Some("/usr/share/nodejs"),
    recipe: "CMD [\"node\"]\n",
};

/// Where images are pushed to.
pub const REGISTRY: Program = Program {
    image: "registry",
    files: &["/usr/bin/docker-registry"],
    folder: None,
    recipe: "CMD [\"docker-registry\", \"serve\", \"/etc/registry.yml\"]\n",
};

/// Has the engine build the image, unless it was built before. A program that is not installed is a skip.
pub fn image(e: &Engine, program: &Program) -> Verdict {
    let name = program.image;
    if let Some(missing) = program.files.iter().find(|path| !Path::new(path).exists()) {
        return Err(Trouble::Skipped(format!("there is no {missing} here to make the image {name} of")));
    }
    if e.call(&format!("image inspect {name}"))?.status == 0 {
        return Ok(());
    }
    let folder = format!("/run/image/{name}");
    for path in program.files {
        copy(e, path, &folder)?;
    }
    if let Some(whole) = program.folder.filter(|whole| Path::new(whole).exists()) {
        e.shell(&format!("cp -a --parents {whole} {folder}/files"))?.works()?;
    }
    fs::write(format!("{folder}/Dockerfile"), format!("FROM busybox\nCOPY files /\n{}", program.recipe))?;
    let built = e.call(&format!("build -q -t {name} {folder}"))?.works();
    fs::remove_dir_all(&folder)?;
    built
}

/// Copies a file, the libraries that ldd(1) finds for it, and the loader, below `folder`/files.
fn copy(e: &Engine, path: &str, folder: &str) -> Verdict {
    let listed = e.shell(&format!("ldd {path} 2>/dev/null"))?;
    // `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)`, and the loader without an arrow.
    let libraries = listed.out.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    for from in [path].into_iter().chain(libraries) {
        let to = format!("{folder}/files{from}");
        let parent = Path::new(&to).parent().ok_or_else(|| failed(format!("{to}: no parent")))?;
        fs::create_dir_all(parent)?;
        fs::copy(from, &to)?;
    }
    Ok(())
}
