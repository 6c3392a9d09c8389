//! Fake attributes, as a hostile container or a careless host may have them.

use std::ffi::{CStr, CString};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::{open_own, private};
use crate::sys::{Errno, Fd, abi, file};

fn open(proc: Fd, path: &CStr) -> Result<Fd, Errno> {
    open_own(proc, path, abi::O_WRONLY)
}

/// Runs `test` in a mount namespace of its own; not at all without root.
fn in_own_mounts(test: impl FnOnce() + Send + 'static) {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: it takes root");
    }
    // A thread has its own mounts, and takes them with it.
    let done = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        test();
    });
    done.join().unwrap();
}

fn root_of(path: &Path) -> Fd {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    file::openat(Fd::CWD, &path, abi::O_PATH | abi::O_DIRECTORY).unwrap()
}

fn bind(source: &Path, target: &str) {
    let none = None::<&str>;
    mount(Some(source), target, none, MsFlags::MS_BIND, none).unwrap();
}

/// The file that is opened is the kernel's, and this thread's group's own.
#[test]
fn the_real_one_is_found() {
    let found = open(root_of(Path::new("/proc")), c"attr/exec").unwrap();
    let same = file::stat_path(c"/proc/self/attr/exec").unwrap();
    assert_eq!(file::stat(found).unwrap().inode, same.inode);
    file::close(found);
}

/// A directory that has all the right names, and is no procfs.
#[test]
fn a_volume_in_its_place_is_refused() {
    let fake = tempfile::tempdir().unwrap();
    let attributes = fake.path().join(std::process::id().to_string()).join("attr");
    std::fs::create_dir_all(&attributes).unwrap();
    std::fs::write(attributes.join("exec"), "").unwrap();
    std::os::unix::fs::symlink(std::process::id().to_string(), fake.path().join("self")).unwrap();
    assert_eq!(open(root_of(fake.path()), c"attr/exec"), Err(Errno(abi::EXDEV)));
    assert_eq!(std::fs::read(attributes.join("exec")).unwrap(), b"");
}

/// A file over the attribute, a directory over `attr`, and one over the whole process: each is seen, and a procfs of our own
/// has none of them.
#[test]
fn what_is_mounted_over_it_is_refused() {
    in_own_mounts(|| {
        let fake = tempfile::tempdir().unwrap();
        let (file_there, directory) = (fake.path().join("exec"), fake.path().join("attr"));
        std::fs::write(&file_there, "").unwrap();
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("exec"), "").unwrap();
        let own = format!("/proc/{}", std::process::id());
        let proc = std::fs::File::open("/proc").unwrap();
        let proc = Fd(proc.as_raw_fd());
        let covers = [
            (&file_there, format!("{own}/attr/exec")),
            (&directory, format!("{own}/attr")),
            (&fake.path().to_owned(), own),
        ];
        for (source, target) in covers {
            bind(source, &target);
            assert_eq!(open(proc, c"attr/exec"), Err(Errno(abi::EXDEV)), "{target}");
            let unseen = private().unwrap();
            file::close(open(unseen, c"attr/exec").unwrap());
            file::close(unseen);
            umount2(target.as_str(), MntFlags::MNT_DETACH).unwrap();
        }
        file::close(open(proc, c"attr/exec").unwrap());
        assert_eq!(std::fs::read(&file_there).unwrap(), b"");
    });
}

/// A file that the kernel lets nobody mistake for an attribute: it has to be below the process's own directory.
#[test]
fn nothing_leads_out() {
    let proc = root_of(Path::new("/proc"));
    for path in [c"cwd/etc/passwd", c"root/etc/passwd", c"exe"] {
        assert!(open(proc, path).is_err(), "{path:?}");
    }
}
