//! All names that config.json may have on Linux. `plan::names` (tests) holds them against the types that are parsed.

/// A name, and what stands behind it.
pub type Field = (&'static str, Kind);

/// What a value looks like, as far as it has names in it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Nothing with names in it; or those of another system, which are not looked at.
    Value,
    /// The same, and the spec requires it, but the parser makes up a zero where it is absent.
    Required,
    /// An object with these fields.
    Object(&'static [Field]),
    /// An array of such objects.
    List(&'static [Field]),
    /// An object whose keys are its author's.
    Map(&'static Kind),
}

use Kind::{List, Map, Object, Required, Value};

/// The whole config.
pub const CONFIG: Kind = Object(&[
    ("ociVersion", Value),
    ("root", Object(&[("path", Value), ("readonly", Value)])),
    ("mounts", List(MOUNT)),
    ("process", PROCESS),
    ("hostname", Value),
    ("domainname", Value),
    ("hooks", Object(HOOKS)),
    ("annotations", Map(&Value)),
    ("linux", Object(LINUX)),
    ("solaris", Value),
    ("windows", Value),
    ("vm", Value),
    ("zos", Value),
    // z/OS had them for a while, outside its own section.
    ("uidMappings", Value),
    ("gidMappings", Value),
]);

/// The process, which also comes alone (`exec --process`).
pub const PROCESS: Kind = Object(&[
    ("terminal", Value),
    ("consoleSize", Object(&[("height", Value), ("width", Value)])),
    (
        "user",
        Object(&[("uid", Value), ("gid", Value), ("umask", Value), ("additionalGids", Value), ("username", Value)]),
    ),
    ("args", Value),
    ("commandLine", Value),
    ("env", Value),
    ("cwd", Value),
    ("capabilities", Object(CAPABILITIES)),
    ("rlimits", List(&[("type", Value), ("soft", Required), ("hard", Required)])),
    ("noNewPrivileges", Value),
    ("apparmorProfile", Value),
    ("oomScoreAdj", Value),
    ("selinuxLabel", Value),
    ("ioPriority", Object(&[("class", Required), ("priority", Required)])),
    ("scheduler", Object(SCHEDULER)),
    ("execCPUAffinity", Object(&[("initial", Value), ("final", Value)])),
]);

const CAPABILITIES: &[Field] =
    &[("bounding", Value), ("effective", Value), ("inheritable", Value), ("permitted", Value), ("ambient", Value)];

const SCHEDULER: &[Field] = &[
    ("policy", Value),
    ("nice", Value),
    ("priority", Value),
    ("flags", Value),
    ("runtime", Value),
    ("deadline", Value),
    ("period", Value),
];

const MOUNT: &[Field] = &[
    ("destination", Value),
    ("type", Value),
    ("source", Value),
    ("options", Value),
    ("uidMappings", List(ID_MAPPING)),
    ("gidMappings", List(ID_MAPPING)),
];

const ID_MAPPING: &[Field] = &[("containerID", Required), ("hostID", Required), ("size", Required)];

const HOOKS: &[Field] = &[
    ("prestart", List(HOOK)),
    ("createRuntime", List(HOOK)),
    ("createContainer", List(HOOK)),
    ("startContainer", List(HOOK)),
    ("poststart", List(HOOK)),
    ("poststop", List(HOOK)),
];

const HOOK: &[Field] = &[("path", Value), ("args", Value), ("env", Value), ("timeout", Value)];

const LINUX: &[Field] = &[
    ("netDevices", Map(&Object(&[("name", Value)]))),
    ("uidMappings", List(ID_MAPPING)),
    ("gidMappings", List(ID_MAPPING)),
    ("sysctl", Map(&Value)),
    ("resources", RESOURCES),
    ("cgroupsPath", Value),
    ("namespaces", List(&[("type", Value), ("path", Value)])),
    ("devices", List(DEVICE)),
    ("seccomp", Object(SECCOMP)),
    ("rootfsPropagation", Value),
    ("maskedPaths", Value),
    ("readonlyPaths", Value),
    ("mountLabel", Value),
    ("intelRdt", Object(INTEL_RDT)),
    ("memoryPolicy", Object(&[("mode", Value), ("nodes", Value), ("flags", Value)])),
    ("personality", Object(&[("domain", Value), ("flags", Value)])),
    ("timeOffsets", Map(&Object(&[("secs", Value), ("nanosecs", Value)]))),
];

const DEVICE: &[Field] = &[
    ("path", Value),
    ("type", Value),
    ("major", Value),
    ("minor", Value),
    ("fileMode", Value),
    ("uid", Value),
    ("gid", Value),
];

const INTEL_RDT: &[Field] = &[
    ("closID", Value),
    ("schemata", Value),
    ("l3CacheSchema", Value),
    ("memBwSchema", Value),
    ("enableMonitoring", Value),
];

const SECCOMP: &[Field] = &[
    ("defaultAction", Value),
    ("defaultErrnoRet", Value),
    ("architectures", Value),
    ("flags", Value),
    ("listenerPath", Value),
    ("listenerMetadata", Value),
    ("syscalls", List(&[("names", Value), ("action", Value), ("errnoRet", Value), ("args", List(ARGUMENT))])),
];

const ARGUMENT: &[Field] = &[("index", Value), ("value", Value), ("valueTwo", Value), ("op", Value)];

/// The resources, which also come alone (`update --resources`).
pub const RESOURCES: Kind = Object(&[
    ("devices", List(&[("allow", Required), ("type", Value), ("major", Value), ("minor", Value), ("access", Value)])),
    ("memory", Object(MEMORY)),
    ("cpu", Object(CPU)),
    ("pids", Object(&[("limit", Value)])),
    ("blockIO", Object(BLOCK_IO)),
    ("hugepageLimits", List(&[("pageSize", Required), ("limit", Required)])),
    ("network", Object(&[("classID", Value), ("priorities", List(&[("name", Value), ("priority", Value)]))])),
    ("rdma", Map(&Object(&[("hcaHandles", Value), ("hcaObjects", Value)]))),
    ("unified", Map(&Value)),
]);

const MEMORY: &[Field] = &[
    ("limit", Value),
    ("reservation", Value),
    ("swap", Value),
    ("kernel", Value),
    ("kernelTCP", Value),
    ("swappiness", Value),
    ("disableOOMKiller", Value),
    ("useHierarchy", Value),
    ("checkBeforeUpdate", Value),
];

const CPU: &[Field] = &[
    ("shares", Value),
    ("quota", Value),
    ("idle", Value),
    ("burst", Value),
    ("period", Value),
    ("realtimeRuntime", Value),
    ("realtimePeriod", Value),
    ("cpus", Value),
    ("mems", Value),
];

const BLOCK_IO: &[Field] = &[
    ("weight", Value),
    ("leafWeight", Value),
    ("weightDevice", List(&[("major", Required), ("minor", Required), ("weight", Value), ("leafWeight", Value)])),
    ("throttleReadBpsDevice", List(THROTTLE)),
    ("throttleWriteBpsDevice", List(THROTTLE)),
    ("throttleReadIOPSDevice", List(THROTTLE)),
    ("throttleWriteIOPSDevice", List(THROTTLE)),
];

const THROTTLE: &[Field] = &[("major", Required), ("minor", Required), ("rate", Required)];
