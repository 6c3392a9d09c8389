//! The rules, in a directory that looks like resctrl. (What the kernel does there needs a processor that has it.)

use super::*;

fn rdt(clos: Option<&str>, schemata: &[&str], monitoring: bool) -> Rdt {
    Rdt { clos: clos.map(str::to_owned), schemata: schemata.iter().map(ToString::to_string).collect(), monitoring }
}

/// A resctrl with one group, `gold`.
fn fake() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for group in ["", "gold"] {
        fs::create_dir_all(root.path().join(group).join("mon_groups")).unwrap();
        fs::write(root.path().join(group).join("schemata"), "    MB:0=100;1=100\n    L3:0=00f;1=0f0\n").unwrap();
    }
    root
}

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap()
}

#[test]
fn without_a_class_it_is_the_containers_own() {
    let (root, rdt) = (fake(), rdt(None, &["L3:0=f", "MB:0=20"], false));
    let groups = Groups::intended(root.path(), &rdt, "jar").unwrap();
    assert_eq!(
        (&groups.directories, &groups.missing),
        (&vec![root.path().join("jar")], &vec![root.path().join("jar")])
    );
    assert!(!root.path().join("jar").exists(), "nothing is made by looking");
    groups.make().unwrap();
    assert_eq!(read(root.path(), "jar/schemata"), "L3:0=f\nMB:0=20\n");
    for mut file in tasks(&groups.directories).unwrap().into_iter().map(File::from) {
        file.write_all(b"0").unwrap();
    }
    assert_eq!(read(root.path(), "jar/tasks"), "0");
    // The kernel takes the files with the directory.
    fs::remove_file(root.path().join("jar/schemata")).unwrap();
    fs::remove_file(root.path().join("jar/tasks")).unwrap();
    remove(&groups.missing).unwrap();
    remove(&groups.missing).unwrap();
    assert!(!root.path().join("jar").exists());
}

#[test]
fn a_class_that_is_there_is_joined_and_stays() {
    let root = fake();
    for schemata in [&[][..], &["L3:1=f0;0=0F"], &["MB:0=100"], &["MB:0=1", "MB:0=100"]] {
        let rdt = rdt(Some("gold"), schemata, false);
        let groups = Groups::intended(root.path(), &rdt, "jar").unwrap();
        assert_eq!((&groups.directories, &groups.missing), (&vec![root.path().join("gold")], &vec![]));
        groups.make().unwrap();
    }
    assert_eq!(read(root.path(), "gold/schemata"), "    MB:0=100;1=100\n    L3:0=00f;1=0f0\n", "nothing is written");
    let all = rdt(Some("/"), &[], false);
    assert_eq!(Groups::intended(root.path(), &all, "jar").unwrap().directories, [root.path()]);
}

#[test]
fn a_class_that_says_something_else_is_an_error() {
    let root = fake();
    for line in ["L3:0=1f", "L3:2=f", "L2:0=f", "MB:0=1000"] {
        let rdt = rdt(Some("gold"), &[line], false);
        let error = Groups::intended(root.path(), &rdt, "jar").unwrap_err().to_string();
        let said =
            format!("gold is there already, and does not say \"{line}\" (it says MB:0=100;1=100 L3:0=00f;1=0f0;");
        assert!(error.starts_with("linux.intelRdt.closID: group ") && error.contains(&said), "{error}");
    }
}

#[test]
fn a_class_that_is_missing_needs_a_schema() {
    let root = fake();
    let none = rdt(Some("silver"), &[], true);
    let error = Groups::intended(root.path(), &none, "jar").unwrap_err().to_string();
    assert!(error.starts_with("linux.intelRdt.closID: \"silver\" does not exist"), "{error}");
    let with = rdt(Some("silver"), &["L3:0=f"], false);
    assert_eq!(Groups::intended(root.path(), &with, "jar").unwrap().missing, [root.path().join("silver")]);
}

#[test]
fn monitoring_has_a_group_below() {
    let (root, rdt) = (fake(), rdt(Some("gold"), &[], true));
    let groups = Groups::intended(root.path(), &rdt, "jar").unwrap();
    let below = root.path().join("gold/mon_groups/jar");
    assert_eq!(groups.directories, [root.path().join("gold"), below.clone()]);
    assert_eq!(groups.missing, std::slice::from_ref(&below));
    groups.make().unwrap();
    assert!(below.is_dir());
    remove(&groups.missing).unwrap();
    assert!(!below.exists() && root.path().join("gold").exists());
}

#[test]
fn changed_and_brought_back() {
    let root = fake();
    let gold = [root.path().join("gold")];
    assert!(change(&gold, &[]).unwrap().is_none());
    let refused = change(&[], &[("--mem-bw-schema", "MB:0=20")]).err().unwrap().to_string();
    assert_eq!(refused, "--mem-bw-schema: the container has no Intel RDT group (leave it out)");
    let before = change(&gold, &[("--l3-cache-schema", "L3:0=1"), ("--mem-bw-schema", "MB:0=20")]).unwrap().unwrap();
    // The kernel would merge what is written here one after the other.
    assert!(read(root.path(), "gold/schemata").ends_with("L3:0=1\nMB:0=20\n"));
    before.restore();
    assert!(read(root.path(), "gold/schemata").ends_with("    MB:0=100;1=100\n    L3:0=00f;1=0f0\n"));
}
