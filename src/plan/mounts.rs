//! `mounts`: from words to attributes, sources and parameters.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use oci_spec::runtime as oci;

use super::options::{self, Effect, Reach};
use super::{Attributes, Mount, Parameter, Source, idmap};
use crate::bundle::check::mount_place;
use crate::bundle::{Bundle, Findings, path};
use crate::error::Problem;

/// File systems whose instances share what belongs to the whole file system: read-only, asked of the file system, would be
/// so (or be refused) in every namespace that shows it, so it is asked of the mount alone. Nor can anything be made in them.
const SHARED: [&str; 4] = ["cgroup2", "mqueue", "proc", "sysfs"];

/// What engines do themselves to the source of a volume: relabel it, change its owner. Some (buildah) leave the words among
/// the options all the same.
const OF_ENGINES: [&str; 3] = ["U", "Z", "z"];

/// All mounts, in the order of config.json.
pub fn new(bundle: &Bundle, found: &mut Findings) -> Vec<Mount> {
    let mounts = bundle.spec.mounts().as_deref().unwrap_or_default();
    let targets: Vec<PathBuf> = mounts.iter().map(|mount| path::inside(mount.destination())).collect();
    let mut plan = Vec::with_capacity(mounts.len());
    for (index, mount) in mounts.iter().enumerate() {
        let place = || mount_place(index, mount);
        let asked = Asked::new(mount, &place, found);
        // What a new file system must hold is made after it was mounted: then read-only has to wait.
        let filled = targets[index] == Path::new("/dev")
            || targets[index + 1..].iter().any(|later| later.starts_with(&targets[index]));
        plan.push(asked.mount(mount, &targets[index], filled, bundle, &place, found));
    }
    plan
}

/// What the options of one mount ask for, together.
#[derive(Default)]
struct Asked {
    /// `Some(true)` for `rbind`.
    bind: Option<bool>,
    remount: bool,
    readonly: bool,
    copy_up: bool,
    /// `Some(true)` for `ridmap`.
    idmap: Option<bool>,
    one: Attributes,
    tree: Attributes,
    propagation: Vec<u64>,
    /// Flags of the file system by the generic words: `sync`.
    superblock: Vec<&'static str>,
    /// The file system's own words.
    data: Vec<String>,
}

impl Asked {
    fn new(mount: &oci::Mount, place: &impl Fn() -> String, found: &mut Findings) -> Self {
        let mut asked = Self::default();
        if mount.typ().as_deref() == Some("bind") {
            asked.bind = Some(false);
        }
        for option in mount.options().iter().flatten() {
            if option.contains('\0') {
                found.text(option.as_str(), || format!("{} option", place()));
                continue;
            }
            // Nearly every entry is one plain word.
            match options::effect(option) {
                Some(effect) => asked.apply(effect),
                None => options::words(option).into_iter().for_each(|word| asked.word(word)),
            }
        }
        asked
    }

    fn word(&mut self, word: String) {
        match options::effect(&word) {
            Some(effect) => self.apply(effect),
            None => self.data.push(word),
        }
    }

    /// Later words win over earlier ones.
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::Set(reach, bits) => self.reach(reach).change(bits, 0),
            Effect::Clear(reach, bits) => self.reach(reach).change(0, bits),
            Effect::Atime(reach, member) => self.reach(reach).atime(member),
            Effect::Access => {
                self.readonly = true;
                self.one.change(libc::MOUNT_ATTR_RDONLY, 0);
            }
            Effect::Writable => {
                self.readonly = false;
                self.one.change(0, libc::MOUNT_ATTR_RDONLY);
            }
            Effect::Superblock(flag) => self.superblock.push(flag),
            Effect::Propagation(kind) => self.propagation.push(kind),
            // rbind,bind and bind,rbind are both recursive, as MS_BIND and MS_REC are two bits.
            Effect::Bind(recursive) => self.bind = Some(recursive || self.bind == Some(true)),
            Effect::Remount => self.remount = true,
            Effect::CopyUp => self.copy_up = true,
            Effect::Idmap(recursive) => self.idmap = Some(recursive || self.idmap == Some(true)),
        }
    }

    fn reach(&mut self, reach: Reach) -> &mut Attributes {
        match reach {
            Reach::One => &mut self.one,
            Reach::Tree => &mut self.tree,
        }
    }

    fn mount(
        mut self,
        mount: &oci::Mount,
        target: &Path,
        filled: bool,
        bundle: &Bundle,
        place: &impl Fn() -> String,
        found: &mut Findings,
    ) -> Mount {
        let mut readonly_last = false;
        if self.copy_up && (self.bind.is_some() || self.remount || mount.typ().as_deref() != Some("tmpfs")) {
            self.copy_up = false;
            found.warn(Problem::new(place(), "the option tmpcopyup has no effect on what is not a new tmpfs"));
        }
        let filled = filled || self.copy_up;
        let source = if self.remount {
            self.attributes_only("a remount", place, found);
            if self.bind.is_none() {
                let what = "remount changes the options of this one mount, as with bind, and not its file system";
                found.warn(Problem::new(place(), what).hint("add the option bind"));
            }
            Source::Remount
        } else if let Some(recursive) = self.bind {
            self.attributes_only("a bind mount", place, found);
            let source = bundle.path.join(mount.source().as_deref().unwrap_or(Path::new("")));
            Source::Bind {
                path: found.text(source.as_os_str().as_bytes(), || format!("{} source", place())),
                recursive,
            }
        } else {
            // A new mount has no attributes that could be cleared.
            self.one.clear &= libc::MOUNT_ATTR__ATIME;
            match mount.typ().as_deref().unwrap_or_default() {
                "cgroup" | "cgroup2" => {
                    self.cgroup(place, found);
                    Source::Cgroup
                }
                kind => {
                    readonly_last = self.readonly && filled && !SHARED.contains(&kind);
                    self.filesystem(kind, mount, filled, place, found)
                }
            }
        };
        let idmap = idmap::of_mount(mount, self.idmap, &source, place, found);
        Mount {
            target: found.text(target.as_os_str().as_bytes(), place),
            source,
            attributes: self.one,
            recursive: self.tree,
            propagation: self.propagation,
            readonly_last,
            copy_up: self.copy_up,
            idmap,
        }
    }

    /// A bind or remount makes no file system, so nothing can be asked of one. The kernel does not look at what belongs to one
    /// (mount(2)), and engines may hand on what their users wrote; but a `nosiud` must not leave the container with less than its
    /// author believes.
    fn attributes_only(&self, what: &str, place: &impl Fn() -> String, found: &mut Findings) {
        for word in self.data.iter().filter(|word| !OF_ENGINES.contains(&word.as_str())) {
            let problem = |does: &str| Problem::new(place(), format!("the option \"{word}\" {does} {what}"));
            if let Some(meant) = options::meant(word) {
                found.error(problem("is none of").hint(format!("did you mean {meant}?")));
            } else {
                let hint = "only the options of a single mount can be given, such as ro, nosuid, rprivate";
                found.warn(problem("has no effect on").hint(hint));
            }
        }
        for word in &self.superblock {
            let problem = Problem::new(place(), format!("the option {word} has no effect on {what}"));
            found.warn(problem.hint("it belongs to the file system that is bound"));
        }
    }

    fn cgroup(&self, place: &impl Fn() -> String, found: &mut Findings) {
        for word in self.superblock.iter().copied().chain(self.data.iter().map(String::as_str)) {
            let problem = Problem::new(place(), format!("the option \"{word}\" is left out"));
            found.warn(problem.hint("the options of cgroup2 hold for the whole machine"));
        }
    }

    fn filesystem(
        &self,
        kind: &str,
        mount: &oci::Mount,
        filled: bool,
        place: &impl Fn() -> String,
        found: &mut Findings,
    ) -> Source {
        let mut parameters = Vec::with_capacity(self.superblock.len() + self.data.len() + 1);
        if self.readonly && !filled && !SHARED.contains(&kind) {
            parameters.push(Parameter::Flag(c"ro".to_owned()));
        }
        let mut text = |bytes: &str| -> CString { found.text(bytes, place) };
        parameters.extend(self.superblock.iter().map(|flag| Parameter::Flag(text(flag))));
        for word in &self.data {
            parameters.push(match word.split_once('=') {
                Some((key, value)) => Parameter::Text(text(key), text(value)),
                None => Parameter::Flag(text(word)),
            });
        }
        let source = mount.source().as_deref().filter(|source| !source.as_os_str().is_empty());
        let source = source.map_or(kind.as_bytes(), |source| source.as_os_str().as_bytes());
        let source = found.text(source, || format!("{} source", place()));
        Source::Filesystem { kind: found.text(kind, || format!("{} type", place())), source, parameters }
    }
}

impl Attributes {
    fn change(&mut self, set: u64, clear: u64) {
        self.set = self.set & !clear | set;
        self.clear = self.clear & !set | clear;
    }

    /// The kernel wants the whole group cleared when a member is set (`mount_setattr(2)`).
    fn atime(&mut self, member: u64) {
        self.set = self.set & !libc::MOUNT_ATTR__ATIME | member;
        self.clear |= libc::MOUNT_ATTR__ATIME;
    }
}
