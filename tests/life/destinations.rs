//! config.md, "Mounts", `destination`: where a mount goes, also over the links of an image.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::support::{Bundle, guarded};

/// "For compatibility ... it MAY be a relative path, in which case it MUST be interpreted as relative to "/"."
#[test]
fn relative_destinations() {
    guarded(|host| {
        let mut bundle = Bundle::new();
        for (at, _) in RELATIVE {
            bundle = bundle.mount(json!({"destination": at, "type": "tmpfs", "source": at}));
        }
        let report = host.report(&bundle);
        for (at, target) in RELATIVE {
            assert_eq!(report.mount(target)["source"], at);
        }
    });
}

const RELATIVE: [(&str, &str); 3] = [("one", "/one"), ("one/two", "/one/two"), ("./three/", "/three")];

/// Links that images really have: mounts go where they lead, as the container sees it.
#[test]
fn linked_directories() {
    guarded(|host| {
        let file = host.folder().join("file");
        fs::write(&file, "text").unwrap();
        let bundle = Bundle::new()
            .deeds(&["report", "--read", "/usr/lib64/ld.so"])
            .mount(json!({"destination": "/var/run/lock", "type": "tmpfs", "source": "lock"}))
            .mount(json!({"destination": "/lib64/ld.so", "type": "bind", "source": file, "options": ["bind"]}));
        bundle.directory("var");
        bundle.directory("run");
        bundle.directory("usr/lib64");
        symlink("/run", bundle.rootfs().join("var/run")).unwrap();
        symlink("usr/lib64", bundle.rootfs().join("lib64")).unwrap();
        let report = host.report(&bundle);
        assert_eq!(report.mount("/run/lock")["source"], "lock");
        assert_eq!(report["reads"]["/usr/lib64/ld.so"], "text");
    });
}

/// Links that lead to what is not there: it is made, inside the rootfs, a directory or a file as the mount wants.
#[test]
fn dangling_links() {
    guarded(|host| {
        if host.lacks(&["crun"], "refuses them") {
            return;
        }
        let file = host.folder().join("file");
        fs::write(&file, "text").unwrap();
        let outside = host.folder().join("none");
        let links = [
            ("etc/resolv.conf", "../run/resolve/stub.conf", "/run/resolve/stub.conf"),
            ("absolute", "/made/here", "/made/here"),
            ("etc/up", "../../../../over/./the//root/", "/over/the/root"),
            ("etc/twice", "../absolute/deeper", "/made/here/deeper"),
            ("host", outside.to_str().unwrap(), outside.to_str().unwrap()),
            ("first", "etc/second/below", "/third/below"),
            ("etc/second", "/none/../third", "/third"),
        ];
        let mut bundle = Bundle::new()
            .deeds(&["report", "--read", "/run/resolve/stub.conf"])
            .mount(json!({"destination": "/etc/resolv.conf", "type": "bind", "source": file, "options": ["bind"]}));
        // In the order in which one needs the other.
        for (link, ..) in &links[1..6] {
            bundle = bundle.mount(json!({"destination": link, "type": "tmpfs", "source": link}));
        }
        for (link, target, _) in links {
            symlink(target, bundle.rootfs().join(link)).unwrap();
        }
        let report = host.report(&bundle);
        assert_eq!(report["reads"]["/run/resolve/stub.conf"], "text");
        for (link, _, target) in &links[1..6] {
            assert_eq!(report.mount(target)["source"], *link, "{link}");
        }
        assert!(!outside.exists());
    });
}

/// Links that lead in a circle, through what is a file, or where no path does: errors that say so, and nothing is made.
#[test]
fn links_to_nowhere() {
    guarded(|host| {
        if host.lacks(&["crun", "runc"], "takes some of them as if they were not links") {
            return;
        }
        let cases: [(&[(&str, &str)], &str); 3] = [
            (&[("one", "two"), ("two", "one/below")], "circle"),
            (&[("one", "etc/passwd/below")], "is a file"),
            (&[("one", "/proc/self/root/tmp/none")], "/proc"),
        ];
        for (links, words) in cases {
            let bundle = Bundle::new().mount(json!({"destination": "/one/more", "type": "tmpfs", "source": "t"}));
            for (link, target) in links {
                symlink(target, bundle.rootfs().join(link)).unwrap();
            }
            host.run(&bundle).fails_with(words);
            assert_eq!(fs::read_dir(bundle.rootfs().join("tmp")).unwrap().count(), 0);
        }
    });
}
