//! The config.json that `onggi spec` writes: to begin with, and to be edited by hand.
//!
//! It is kept as text, so that its order is the order in which a person reads it. It says what runc's says: a terminal, `sh`,
//! three harmless capabilities, a read-only root, the file systems that programs expect, and the usual masks.

const DEFAULT: &str = include_str!("default.json");
const ROOTLESS: &str = include_str!("rootless.json");

/// A config for root.
pub fn default() -> String {
    DEFAULT.to_owned()
}

/// A config for an ordinary user, who is root inside: a user namespace with one id, no network namespace (nobody would
/// connect it), the host's /sys (it belongs to the network namespace), no group for terminals, no limits.
pub fn rootless(uid: u32, gid: u32) -> String {
    ROOTLESS.replace("UID,", &format!("{uid},")).replace("GID,", &format!("{gid},"))
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::Spec;

    #[test]
    fn both_parse_as_they_stand() {
        let spec: Spec = serde_json::from_str(&super::default()).unwrap();
        assert_eq!(spec.version(), "1.3.0");
        assert_eq!(spec.hostname().as_deref(), Some("onggi"));
        let spec: Spec = serde_json::from_str(&super::rootless(1000, 100)).unwrap();
        let linux = spec.linux().as_ref().unwrap();
        let host = |mappings: &Option<Vec<oci_spec::runtime::LinuxIdMapping>>| mappings.as_ref().unwrap()[0].host_id();
        assert_eq!((host(linux.uid_mappings()), host(linux.gid_mappings())), (1000, 100));
    }
}
