//! Making and removing.

use std::fs;
use std::thread;

use nix::unistd::{Gid, Uid};
use onggi::cgroup::{Cgroup, Hierarchy};

use crate::world::{Process, ROOT, World, create, planned, soon};

#[test]
fn only_what_was_made_is_removed() {
    let Some(world) = World::enter() else { return };
    fs::create_dir(world.path().join("theirs")).unwrap();
    let cgroup = world.create("theirs/a/b/leaf", "{}").unwrap();
    assert_eq!(cgroup.path(), world.path().join("theirs/a/b/leaf"));
    let made: Vec<_> = ["theirs/a", "theirs/a/b", "theirs/a/b/leaf"].map(|name| world.path().join(name)).into();
    assert_eq!(cgroup.made(), made);
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    assert_eq!(world.listing(), ["theirs"]);
    // Again: what is gone is fine.
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    assert!(Cgroup::open(cgroup.path()).unwrap().is_none());
}

#[test]
fn a_shared_parent_stays_as_long_as_it_is_needed() {
    let Some(world) = World::enter() else { return };
    let first = world.create("shared/first", "{}").unwrap();
    let second = world.create("shared/second", "{}").unwrap();
    Cgroup::remove(first.path(), first.made(), soon()).unwrap();
    assert_eq!(world.listing(), ["shared", "shared/second"]);
    Cgroup::remove(second.path(), second.made(), soon()).unwrap();
    assert_eq!(world.listing(), ["shared"]);
}

#[test]
fn an_empty_cgroup_that_is_there_is_used_and_left() {
    let Some(world) = World::enter() else { return };
    fs::create_dir(world.path().join("prepared")).unwrap();
    let cgroup = world.create("prepared", "{}").unwrap();
    assert!(cgroup.made().is_empty());
    fs::create_dir_all(cgroup.path().join("sub/sub")).unwrap();
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    assert_eq!(world.listing(), ["prepared"]);
}

#[test]
fn a_cgroup_in_use_is_refused() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("parent/busy", "{}").unwrap();
    let process = Process::start_in(&cgroup);
    let error = world.create("parent/busy", "{}").unwrap_err().to_string();
    let expected = format!("the cgroup is in use by process {}", process.pid());
    assert!(error.starts_with("linux.cgroupsPath ") && error.contains(&expected), "{error}");
    assert_eq!(world.listing(), ["parent", "parent/busy"]);
}

#[test]
fn a_frozen_cgroup_is_refused() {
    let Some(world) = World::enter() else { return };
    let parent = world.create("parent", "{}").unwrap();
    parent.freeze(soon()).unwrap();
    for place in ["parent", "parent/a/b"] {
        let error = world.create(place, "{}").unwrap_err().to_string();
        assert!(error.contains("the cgroup is frozen"), "{error}");
    }
    assert_eq!(world.listing(), ["parent"]);
}

#[test]
fn a_threaded_cgroup_is_refused() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("threads", "{}").unwrap();
    fs::write(cgroup.path().join("cgroup.type"), "threaded").unwrap();
    let error = world.create("threads", "{}").unwrap_err().to_string();
    assert!(error.contains("is of the type \"threaded\""), "{error}");
}

#[test]
fn relative_and_unset_places() {
    let Some(world) = World::enter() else { return };
    // The tests' own cgroup may be anywhere; its parent is where a relative place begins.
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap().to_owned();
    let parent = std::path::Path::new(ROOT).join(&own);
    let parent = if own.is_empty() { parent } else { parent.parent().unwrap().to_owned() };
    let name = format!("{}-relative", world.path().file_name().unwrap().display());
    let relative = create(&name, "{}").unwrap().unwrap();
    assert_eq!(relative.path(), parent.join(&name));
    Cgroup::remove(relative.path(), relative.made(), soon()).unwrap();
    let id = format!("{name}-id");
    let unset = Cgroup::create(&Hierarchy::find().unwrap(), &planned("", "{}"), &id).unwrap().unwrap();
    assert_eq!(unset.path(), parent.join(&id));
    Cgroup::remove(unset.path(), unset.made(), soon()).unwrap();
    let hostile = Cgroup::create(&Hierarchy::find().unwrap(), &planned("", "{}"), "../x");
    assert!(hostile.unwrap_err().to_string().contains("plain names"));
}

#[test]
fn what_the_container_made_is_removed_however_deep() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    for branch in ["a", "b"] {
        let mut path = cgroup.path().join(branch);
        for depth in 0..60 {
            fs::create_dir_all(path.join("twig")).unwrap();
            path.push(format!("level-{depth}"));
        }
    }
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
    assert_eq!(world.listing(), [""; 0]);
}

#[test]
fn a_cgroup_with_processes_is_not_removed() {
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("leaf", "{}").unwrap();
    let process = Process::start_in(&cgroup);
    let error = Cgroup::remove(cgroup.path(), cgroup.made(), std::time::Instant::now()).unwrap_err().to_string();
    assert!(error.contains(&format!("it still has process {} (sh", process.pid())), "{error}");
    drop(process);
    Cgroup::remove(cgroup.path(), cgroup.made(), soon()).unwrap();
}

#[test]
fn makers_and_removers_of_one_parent_do_not_disturb_each_other() {
    let Some(world) = World::enter() else { return };
    thread::scope(|scope| {
        for maker in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..100 {
                    let cgroup = world.create(&format!("shared/too/{maker}-{round}"), "{}").unwrap();
                    // All of them remove the parents, whoever made them.
                    let mut made = cgroup.made().to_vec();
                    made.extend(["shared", "shared/too"].map(|name| world.path().join(name)));
                    Cgroup::remove(cgroup.path(), &made, soon()).unwrap();
                }
            });
        }
    });
    assert_eq!(world.listing(), [""; 0]);
}

/// Makes this thread an ordinary user's.
#[allow(unsafe_code)]
fn become_nobody() {
    // SAFETY: by the bare system call only this thread changes its user.
    let result = unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
    assert_eq!(result, 0);
}

#[test]
fn who_may_not_make_a_cgroup_goes_without_unless_it_needs_one() {
    let Some(world) = World::enter() else { return };
    thread::scope(|scope| {
        let work = scope.spawn(|| {
            become_nobody();
            let limits = r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}"#;
            let error = create(&world.place("limited"), limits).unwrap_err().to_string();
            assert!(error.starts_with("linux.resources.hugepageLimits[0].limit: cannot make the cgroup"), "{error}");
            assert!(error.contains("permission denied"), "{error}");
            assert!(create(&world.place("free"), r#"{"memory": {}}"#).unwrap().is_none());
        });
        work.join().unwrap();
    });
}

#[test]
fn a_delegated_cgroup_belongs_to_the_user_but_its_limits_do_not() {
    use std::os::unix::fs::MetadataExt;
    let Some(world) = World::enter() else { return };
    let cgroup = world.create("delegated", "{}").unwrap();
    cgroup.set_owner(Uid::from_raw(65534).as_raw(), Gid::from_raw(65533).as_raw()).unwrap();
    let owner = |name: &str| {
        let file = fs::metadata(cgroup.path().join(name)).unwrap();
        (file.uid(), file.gid())
    };
    for name in ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
        assert_eq!(owner(name), (65534, 65533), "{name}");
    }
    for name in ["cgroup.max.depth", "cgroup.freeze", "cgroup.kill"] {
        assert_eq!(owner(name), (0, 0), "{name}");
    }
}
