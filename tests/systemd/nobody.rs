//! Without systemd.

use crate::kit::{onggi, sleeper};

/// The error says which flag wants systemd, where it was looked for, and what to do.
#[test]
fn no_systemd() {
    if std::path::Path::new("/run/systemd/private").exists()
        || std::path::Path::new("/run/dbus/system_bus_socket").exists()
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = onggi(&folder);
    let bundle = sleeper("system.slice:docker:none");
    let path = bundle.path().to_str().unwrap().to_owned();
    let output = runtime.invoke(["--systemd-cgroup", "create", "--bundle", &path, "none"]).with(|command| {
        command.env_remove("XDG_RUNTIME_DIR").env_remove("DBUS_SESSION_BUS_ADDRESS");
    });
    let output = output.run().fails_with("--systemd-cgroup: ");
    assert!(
        output.stderr.contains("can't be asked for a cgroup: ") && output.stderr.contains("cgroupfs"),
        "{output:?}"
    );
    assert_eq!(runtime.ids(), [""; 0]);
}
