//! Mistakes in a config, one at a time, and what is said of each.
//!
//! A row is an edit of what `onggi spec` writes (`POINTER = VALUE`, where `-` at the end of a pointer appends and a value left
//! out removes) or several of them, and below it, indented, what is said: a line for each error, or, if there are none, for each
//! warning. The whole table is compared as text; where it differs, the test prints what is said now.

use onggi::plan::Host;
use serde_json::Value;

use crate::{default_config, plan};

/// Names that are no fields, and what contradicts itself, whichever section it is in.
const NAMES_AND_CONTRADICTIONS: &str = include_str!("mistakes/names_and_contradictions.txt");

const TABLE: &str = r#"
/ociVersion =
  ociVersion: is missing (this runtime knows 1.0.0 to 1.3.0)

/ociVersion = "one"
  ociVersion: must be a version like 1.3.0, not "one" (this runtime knows 1.0.0 to 1.3.0)

/ociVersion = "2.0.0"
  ociVersion: 2.0.0 is not supported (this runtime knows 1.0.0 to 1.3.0)

/ociVersion = "1.4.0"
  warning: ociVersion: 1.4.0 is newer than this runtime: what it added is not looked at (this runtime knows 1.0.0 to 1.3.0)

/root =
  root: is missing (root.path names the root file system)

/root/path = ""
  root.path: is missing (it names the root file system, as "rootfs")

/root/path = "/tmp/../.."
  root.path: must not be the host's own root directory (use a directory that holds the container's own files)

/root/path = "../../../../../../.."
  root.path: must not be the host's own root directory (use a directory that holds the container's own files)

/root/path = "//."
  root.path: must not be the host's own root directory (use a directory that holds the container's own files)

/process =
  process: is missing (it names the program to run)

/process/args =
  process.args: is empty (its first member names the program to run)

/process/args = [""]
  process.args[0]: is an empty name: executable file not found in $PATH

/process/args = ["sh", "a\u0000b"]
  process.args[1]: contains a NUL byte (at offset 1)

/process/commandLine = "cmd.exe /c dir"
  warning: process.commandLine: is for Windows and not looked at (use process.args)

/process/env/- = "NOVALUE"
  process.env[2]: "NOVALUE" must read NAME=value

/process/env/- = "=value"
  process.env[2]: "=value" has no name before the "="

/process/env/- = "A=\u0000"
  process.env[2]: contains a NUL byte (at offset 2)

/process/cwd =
  process.cwd: is missing (write "/" if it does not matter)

/process/cwd = "data"
  process.cwd: must be an absolute path, not "data"

/process/cwd = "/a\u0000"
  process.cwd: contains a NUL byte (at offset 2)

/process/cwd = 7
  process.cwd: invalid type: integer `7`, expected a string (line 150 of /bundle/config.json)

/process/user =
  fine

/process/user/uid = "root"
  process.user.uid: invalid type: string "root", expected a whole number from 0 to 4294967295 (line 166 of /bundle/config.json)

/process/user/uid = -1
  process.user.uid: invalid value: integer `-1`, expected a whole number from 0 to 4294967295 (line 166 of /bundle/config.json)

/process/user/uid = 4294967295
  process.user.uid: 4294967295 is no valid id

/process/user/umask = 512
  process.user.umask: must be within 0 and 511 (octal 777), not 512

/process/user/username = "www-data"
  process.user.username: "www-data": names are for Windows only (use process.user.uid and process.user.gid)

/process/user/additionalGids = [1, 4294967296]
  process.user.additionalGids[1]: invalid value: integer `4294967296`, expected a whole number from 0 to 4294967295 (line 167 of /bundle/config.json)

/process/terminal = "yes"
  process.terminal: invalid type: string "yes", expected true or false (line 163 of /bundle/config.json)

/process/consoleSize = {"height": 70000, "width": 80}
  process.consoleSize.height: must be within 0 and 65535, not 70000

/process/rlimits/0/type = "RLIMIT_FILES"
  process.rlimits[0].type: unknown value "RLIMIT_FILES", expected one of "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME" (line 160 of /bundle/config.json)

/process/rlimits/0/soft = 2048
  process.rlimits[0]: the soft limit of RLIMIT_NOFILE (2048) is above its hard limit (1024)

/process/rlimits/- = {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}
  process.rlimits[1]: RLIMIT_NOFILE is already given by rlimits[0]

/process/rlimits/0/hard = -1
  process.rlimits[0].hard: invalid value: integer `-1`, expected a whole number from 0 to 18446744073709551615 (line 158 of /bundle/config.json)

/process/oomScoreAdj = 1001
  process.oomScoreAdj: must be within -1000 and 1000, not 1001

/process/capabilities/effective/- = "CAP_SYS_ADMIN"
  process.capabilities.effective: CAP_SYS_ADMIN is not in process.capabilities.permitted (the kernel lets only permitted capabilities be in force)

/process/capabilities/inheritable = ["CAP_SYS_ADMIN"]
  process.capabilities.inheritable: CAP_SYS_ADMIN is not in process.capabilities.bounding (the kernel lets only bounding capabilities become inheritable)

/process/capabilities/ambient = ["CAP_KILL"]
  warning: process.capabilities.ambient: CAP_KILL is not in both process.capabilities.permitted and process.capabilities.inheritable (left out: the kernel would refuse them)

/process/capabilities/ambient = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
  fine

/process/capabilities/bounding/- = "CAP_TIME_TRAVEL"
  warning: process.capabilities.bounding[3]: unknown capability "CAP_TIME_TRAVEL" is left out

/process/capabilities/bounding = "CAP_KILL"
  process.capabilities.bounding: invalid type: string "CAP_KILL", expected an array (line 134 of /bundle/config.json)

/process/apparmorProfile = "docker-default"
  process.apparmorProfile: "docker-default" can't be put into force: AppArmor is not enabled on this host (boot with apparmor=1 security=apparmor, or leave the profile out)

/process/apparmorProfile = "unconfined_t"
  process.apparmorProfile: "unconfined_t" can't be put into force: AppArmor is not enabled on this host (boot with apparmor=1 security=apparmor, or leave the profile out)

/process/selinuxLabel = "system_u:system_r:container_t:s0"
  process.selinuxLabel: "system_u:system_r:container_t:s0" can't be put into force: SELinux is not enabled on this host (enable it (selinux=1, and a policy), or leave the label out)

/process/scheduler = {"policy": "SCHED_BATCH", "nice": 20, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
  process.scheduler.nice: must be within -20 and 19, not 20

/process/scheduler = {"policy": "SCHED_FIFO", "priority": 100, "flags": ["SCHED_FLAG_FAST"]}
  process.scheduler.flags[0]: unknown value "SCHED_FLAG_FAST", expected one of "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX" (line 165 of /bundle/config.json)

/process/scheduler = {"policy": "SCHED_SLOW"}
  process.scheduler.policy: unknown value "SCHED_SLOW", expected one of "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE" (line 164 of /bundle/config.json)

/process/scheduler = {"nice": 5}
  process.scheduler.policy: is missing

/process/scheduler = {"policy": "SCHED_RR"}
  process.scheduler.priority: must be within 1 and 99 for SCHED_RR, not 0

/process/scheduler = {"policy": "SCHED_OTHER", "priority": 10, "runtime": 5, "flags": ["SCHED_FLAG_RECLAIM"]}
  process.scheduler.priority: SCHED_OTHER knows no priorities, so it can't be 10 (SCHED_FIFO and SCHED_RR have them; for others there is nice)

/process/scheduler = {"policy": "SCHED_FIFO", "priority": 10, "nice": 3, "deadline": 5, "flags": ["SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_UTIL_CLAMP_MAX"]}
  warning: process.scheduler.nice: has no effect with SCHED_FIFO (its tasks have no nice value)
  warning: process.scheduler.deadline: is for SCHED_DEADLINE, not for SCHED_FIFO
  warning: process.scheduler.flags[0]: is for SCHED_DEADLINE, not for SCHED_FIFO
  warning: process.scheduler.flags[1]: clamps the utilisation to 0 (the spec has no field for the value)

/process/scheduler = {"policy": "SCHED_DEADLINE", "runtime": 10, "deadline": 5, "period": 3}
  process.scheduler.runtime: must be at least 1024 nanoseconds, not 10 (SCHED_DEADLINE wants runtime <= deadline <= period, in nanoseconds)
  process.scheduler.deadline: 5 is shorter than the runtime (10) (SCHED_DEADLINE wants runtime <= deadline <= period, in nanoseconds)
  process.scheduler.period: 3 is shorter than the deadline (5) (SCHED_DEADLINE wants runtime <= deadline <= period, in nanoseconds)

/process/scheduler = {"policy": "SCHED_DEADLINE", "runtime": 2000, "deadline": 3000, "period": 18446744073709551615}
  process.scheduler.period: 18446744073709551615 is longer than the kernel can count (SCHED_DEADLINE wants runtime <= deadline <= period, in nanoseconds)

/process/scheduler = {"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 2000000}
/hooks = {"startContainer": [{"path": "/bin/hook"}]}
  hooks.startContainer: can't be run by a process with SCHED_DEADLINE, which can have no children (add SCHED_FLAG_RESET_ON_FORK to process.scheduler.flags)

/process/ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 8}
  process.ioPriority.priority: must be within 0 (highest) and 7 (lowest), not 8

/process/ioPriority = {"class": "IOPRIO_CLASS_NONE", "priority": 0}
  process.ioPriority.class: unknown value "IOPRIO_CLASS_NONE", expected one of "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE" (line 156 of /bundle/config.json)

/process/ioPriority = {"priority": 3}
  process.ioPriority.class: is missing

/process/ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": null}
  process.ioPriority.priority: is missing

/process/ioPriority = null
  fine

/process/execCPUAffinity = {"initial": "0-", "final": "1"}
  process.execCPUAffinity.initial: "0-" is no list of processors, such as 0-3,7 (line 158 of /bundle/config.json)

/process/execCPUAffinity = {"initial": "3-1", "final": "9000"}
  process.execCPUAffinity.initial: the range 3-1 of "3-1" ends before it begins (write 0-3,7)
  process.execCPUAffinity.final: there is no processor 9000: Linux has at most 8192, from 0 on (write 0-3,7)

/process/execCPUAffinity = {"initial": "", "final": "0"}
  fine

/hostname = "0123456789012345678901234567890123456789012345678901234567890123456789"
  hostname: is 70 bytes long, the kernel takes at most 64

/hostname = "a\u0000b"
  hostname: contains a NUL byte (at offset 1)

/domainname = "example.org"
/linux/namespaces/3 =
  hostname: needs a UTS namespace, or it would be the host's (add {"type": "uts"} to linux.namespaces)
  domainname: needs a UTS namespace, or it would be the host's (add {"type": "uts"} to linux.namespaces)

/mounts/- = {"type": "tmpfs"}
  mounts[7].destination: is missing

/mounts/- = {"destination": "data", "type": "tmpfs"}
  warning: mounts[7] data: is relative and taken as /data (write an absolute path)

/mounts/- = {"destination": "/a/..", "type": "tmpfs"}
  mounts[7] /a/..: nothing can be mounted on the root itself (root.path names the root file system)

/mounts/- = {"destination": "/proc/sys/kernel", "type": "tmpfs"}
  mounts[7] /proc/sys/kernel: nothing may be mounted inside /proc (except over the files that lxcfs provides, such as /proc/meminfo)

/mounts/- = {"destination": "/data"}
  mounts[7] /data: has no type (name a file system, or add the option bind or rbind)

/mounts/- = {"destination": "/data", "type": "none", "options": ["ro"]}
  mounts[7] /data: has no type (name a file system, or add the option bind or rbind)

/mounts/- = {"destination": "/data", "type": "bind"}
  mounts[7] /data: a bind mount needs a source (the file or directory of the host to show there)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["rbind", "readonly"]}
  mounts[7] /data: unknown option "readonly" for a bind mount (only the options of a single mount can be given, such as ro, nosuid, rprivate)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["rbind", "ro", "z", "U"]}
  fine

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["rbind", "size=64k,ro"]}
  mounts[7] /data: unknown option "size=64k" for a bind mount (only the options of a single mount can be given, such as ro, nosuid, rprivate)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["bind", "sync"]}
  warning: mounts[7] /data: the option sync has no effect on a bind mount (it belongs to the file system that is bound)

/mounts/- = {"destination": "/data", "source": "/s\u0000rv", "options": ["bind"]}
  mounts[7] /data source: contains a NUL byte (at offset 2)

/mounts/- = {"destination": "/data", "type": "tmpfs", "options": ["mode=\u0000"]}
  mounts[7] /data option: contains a NUL byte (at offset 5)

/mounts/- = {"destination": "/proc", "type": "proc", "options": ["remount", "ro"]}
  warning: mounts[7] /proc: remount changes the options of this one mount, as with bind, and not its file system (add the option bind)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["bind", "tmpcopyup"]}
  warning: mounts[7] /data: the option tmpcopyup has no effect on what is not a new tmpfs

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["bind", "idmap"]}
  mounts[7] /data: idmap has nothing to map by (give the mount uidMappings and gidMappings, or the container a user namespace)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["bind"], "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}
  mounts[7] /data gidMappings: is missing, or empty (uidMappings and gidMappings of a mount go together)

/mounts/- = {"destination": "/data", "source": "/srv", "options": ["bind", "idmap"], "uidMappings": [{"containerID": 0, "hostID": 1, "size": 0}], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 2}, {"containerID": 1, "hostID": 9, "size": 1}]}
  mounts[7] /data uidMappings[0].size: must be at least 1
  mounts[7] /data gidMappings[1].containerID: overlaps the containerID range of [0]

/mounts/- = {"destination": "/data", "options": ["bind", "remount", "idmap"], "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}
  mounts[7] /data: a remount can't change ids: only a mount that nobody has seen yet can be mapped (leave idmap and the mappings out)

/mounts/6/options/- = "ridmap"
  mounts[6] /sys/fs/cgroup: the files of cgroups can't be id-mapped (leave idmap and the mappings out)

/mounts/6/options/- = "nsdelegate"
  warning: mounts[6] /sys/fs/cgroup: the option "nsdelegate" is left out (the options of cgroup2 hold for the whole machine)

/mounts/1/options = "ro"
  mounts[1].options: invalid type: string "ro", expected an array (line 60 of /bundle/config.json)

/linux =
  root.readonly: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)
  mounts: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)
  hostname: needs a UTS namespace, or it would be the host's (add {"type": "uts"} to linux.namespaces)

/linux/namespaces/- = {"type": "pid"}
  linux.namespaces[6]: the pid namespace is already given by namespaces[0]

/linux/namespaces/- = {"type": "files"}
  linux.namespaces[6].type: unknown value "files", expected one of "mount", "cgroup", "uts", "ipc", "user", "pid", "network", "time" (line 36 of /bundle/config.json)

/linux/namespaces/- = {"type": "time"}
/linux/timeOffsets = {"realtime": {"secs": 1}, "monotonic": {"nanosecs": 1000000000}, "boottime": {"secs": -1}}
  linux.timeOffsets["monotonic"].nanosecs: must be within 0 and 999999999, not 1000000000 (whole seconds go to secs)
  linux.timeOffsets["realtime"]: is no clock that a time namespace has (boottime and monotonic are; the time of day is the same everywhere)

/linux/namespaces/1/path = "run/netns/blue"
  linux.namespaces[1].path: must be an absolute path, not "run/netns/blue"

/linux/namespaces/1/path = "/run/netns/\u0000"
  linux.namespaces[1].path: contains a NUL byte (at offset 11)

/linux/namespaces/4 =
  root.readonly: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)
  mounts: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)
  linux.maskedPaths: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)
  linux.readonlyPaths: needs a mount namespace of the container's own (add {"type": "mount"} to linux.namespaces)

/linux/namespaces/- = {"type": "user"}
  linux.uidMappings: is empty, but a new user namespace needs it (for instance [{"containerID": 0, "hostID": 1000, "size": 1}]; `onggi spec --rootless` writes both)
  linux.gidMappings: is empty, but a new user namespace needs it (for instance [{"containerID": 0, "hostID": 1000, "size": 1}]; `onggi spec --rootless` writes both)

/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 1}]
  linux.uidMappings: there is no user namespace to map ids for (add {"type": "user"} to linux.namespaces, or leave the mappings out)

/linux/namespaces/- = {"type": "user", "path": "/proc/9/ns/user"}
/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 1}]
  warning: linux.uidMappings: is not looked at: the user namespace to join has its own mappings

/mounts/2/options/5 = "mode=620"
/linux/namespaces/- = {"type": "user"}
/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 0}]
/linux/gidMappings = [{"containerID": 0, "hostID": 4294967295, "size": 10}]
  linux.uidMappings[0].size: must be at least 1
  linux.gidMappings[0].hostID: 4294967295 and 10 more ids go beyond 4294967294
  process.user.uid: 0 is not mapped by linux.uidMappings

/mounts/2/options/5 = "mode=620"
/linux/namespaces/- = {"type": "user"}
/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 10}, {"containerID": 9, "hostID": 5000, "size": 2}]
/linux/gidMappings = [{"containerID": 0, "hostID": 1000, "size": 10}, {"containerID": 10, "hostID": 1001, "size": 2}]
  linux.uidMappings[1].containerID: overlaps the containerID range of [0]
  linux.gidMappings[1].hostID: overlaps the hostID range of [0]

/process/user = {"uid": 33, "gid": 33, "additionalGids": [0, 44]}
/linux/namespaces/- = {"type": "user"}
/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 33}]
/linux/gidMappings = [{"containerID": 0, "hostID": 1000, "size": 34}]
  process.user.uid: 33 is not mapped by linux.uidMappings
  process.user.additionalGids[1]: 44 is not mapped by linux.gidMappings

/linux/namespaces/- = {"type": "user"}
/linux/uidMappings = [{"containerID": 0, "hostID": 1000, "size": 1}]
/linux/gidMappings = [{"containerID": 0, "hostID": 1000, "size": 1}]
  mounts[2] /dev/pts: the option gid=5 names an id that linux.gidMappings does not map (map it, or leave the option out)

/linux/timeOffsets = {"boottime": {"secs": 1, "nanosecs": 0}}
  linux.timeOffsets: needs a new time namespace, whose clocks it moves (add {"type": "time"} to linux.namespaces)

/linux/timeOffsets = {"boottime": {"secs": 1, "nanosecs": 0}}
/linux/namespaces/- = {"type": "time", "path": "/proc/9/ns/time"}
  linux.timeOffsets: needs a new time namespace, whose clocks it moves (those of the time namespace to join can't be moved any more: leave it out)

/linux/timeOffsets = {"boottime": {"secs": "1"}}
  linux.timeOffsets.boottime.secs: invalid type: string "1", expected a whole number (line 53 of /bundle/config.json)

/linux/netDevices = {"eth1": {"name": "x"}, "eth2": {"name": "x"}, "a b": {}, "lo": {}, "eth3": {"name": "sixteen-letters-"}, "eth4": {"name": "%dx"}}
  linux.netDevices["a b"]: "a b" is no name for a network device (no blanks, no '/', ':' or '%', and not "." or "..")
  linux.netDevices["eth2"].name: "x" is already the name of eth1
  linux.netDevices["eth3"].name: "sixteen-letters-" has 16 bytes; a network device's name has at most 15 (no blanks, no '/', ':' or '%', and not "." or "..")
  linux.netDevices["eth4"].name: "%dx" is no name for a network device (no blanks, no '/', ':' or '%', and not "." or "..")
  linux.netDevices["lo"]: the loopback can't be moved; every network namespace has its own

/linux/namespaces = [{"type": "mount"}, {"type": "uts"}]
/linux/netDevices = {"eth1": {}}
  linux.netDevices: need a network namespace to be moved to (add {"type": "network"} to linux.namespaces)

/linux/memoryPolicy = {"mode": "MPOL_BIND"}
  linux.memoryPolicy.nodes: MPOL_BIND needs at least one node, as "0"

/linux/memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0-"}
  linux.memoryPolicy.nodes: "0-" is not a node, nor a range of nodes (write numbers and ranges of them: "0-3,8")

/linux/memoryPolicy = {"mode": "MPOL_DEFAULT", "nodes": "0"}
  linux.memoryPolicy.nodes: MPOL_DEFAULT has no nodes; leave them out

/linux/memoryPolicy = {"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]}
  linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY, not with MPOL_INTERLEAVE

/linux/intelRdt = {"closID": "../etc", "memBwSchema": "L3:0=f", "schemata": ["MB:0=10", "all"]}
  linux.intelRdt.closID: "../etc" can't be the name of a group (a plain directory name, or "/" for the group that everything is in)
  linux.intelRdt.memBwSchema: must be one line that begins with "MB:", not "L3:0=f"
  linux.intelRdt.schemata[1]: "all" is no schema (one line each, as "L3:0=ff;1=ff")

/linux/personality = {"domain": "LINUX32", "flags": ["ADDR_NO_RANDOMIZE"]}
  linux.personality.flags[0]: "ADDR_NO_RANDOMIZE" is no flag that the spec knows (it has none yet; leave them out)

/linux/personality = {"domain": "LINUX64"}
  linux.personality.domain: unknown value "LINUX64", expected "LINUX" or "LINUX32" (line 37 of /bundle/config.json)

/linux/mountLabel = "system_u:object_r:container_file_t:s0"
  linux.mountLabel: "system_u:object_r:container_file_t:s0" can't be put into force: SELinux is not enabled on this host (enable it (selinux=1, and a policy), or leave the label out)

/linux/seccomp = {"defaultAction": "SCMP_ACT_NOTIFY", "listenerMetadata": "x"}
  linux.seccomp.listenerPath: is missing, but linux.seccomp.defaultAction is SCMP_ACT_NOTIFY (give the path of the agent's Unix socket)
  linux.seccomp.listenerMetadata: must not be set without linux.seccomp.listenerPath

/linux/seccomp = {"syscalls": []}
  linux.seccomp.defaultAction: is missing

/linux/seccomp = {"defaultAction": "SCMP_ACT_MAYBE"}
  linux.seccomp.defaultAction: unknown value "SCMP_ACT_MAYBE", expected one of "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW" (line 52 of /bundle/config.json)

/linux/rootfsPropagation = "sideways"
  linux.rootfsPropagation: unknown propagation "sideways" (one of shared, slave, private, unbindable, each possibly with an r in front)

/linux/maskedPaths/- = "proc/kcore"
  linux.maskedPaths[10]: must be an absolute path, not "proc/kcore"

/linux/maskedPaths/- = "/"
  linux.maskedPaths[10]: the root itself can't be masked

/linux/readonlyPaths/- = ""
  linux.readonlyPaths[5]: must be an absolute path, not ""

/linux/readonlyPaths/- = "/a\u0000"
  linux.readonlyPaths[5]: contains a NUL byte (at offset 2)

/linux/sysctl = {"kernel.core_pattern": "|/bin/x"}
  linux.sysctl["kernel.core_pattern"]: belongs to the whole machine, not to a container (set it on the host)

/linux/sysctl = {"net.ipv4/ip_forward": "1"}
  linux.sysctl["net.ipv4/ip_forward"]: mixes "." and "/": write it with one of them

/linux/sysctl = {"net/../kernel/core_pattern": "x"}
  linux.sysctl["net/../kernel/core_pattern"]: mixes "." and "/": write it with one of them

/linux/sysctl = {"net.ipv4.ip_forward": "1", "net/ipv4/ip_forward": "0"}
  linux.sysctl["net/ipv4/ip_forward"]: is the same parameter as net.ipv4.ip_forward

/linux/sysctl = {"net.ipv4.ip_forward": "1\u0000"}
  linux.sysctl["net.ipv4.ip_forward"]: contains a NUL byte (at offset 1)

/linux/sysctl = {"kernel.hostname": "x"}
  linux.sysctl["kernel.hostname"]: is set by another field (use hostname)

/linux/sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "1"}
/linux/namespaces/2 =
/linux/namespaces/1 =
  linux.sysctl["kernel.shmmax"]: needs an IPC namespace, or it would be the host's (add {"type": "ipc"} to linux.namespaces)
  linux.sysctl["net.ipv4.ip_forward"]: needs a network namespace, or it would be the host's (add {"type": "network"} to linux.namespaces)

/linux/sysctl = {"net.ipv4.ip_forward": "1"}
/linux/namespaces/1/path = "/proc/1/ns/net"
  linux.sysctl["net.ipv4.ip_forward"]: the network namespace to join is the host's (set it on the host)

/linux/devices = [{"path": "dev/fuse", "type": "c", "major": 10, "minor": 229}]
  linux.devices[0].path: must be an absolute path, not "dev/fuse"

/linux/devices = [{"path": "/dev/fuse", "type": "x", "major": 10, "minor": 229}]
  linux.devices[0].type: unknown value "x", expected one of "a", "b", "c", "u", "p" (line 9 of /bundle/config.json)

/linux/devices = [{"path": "/dev/fuse", "type": "a", "major": 10, "minor": 229}]
  linux.devices[0].type: "a" is for device rules, not for nodes (one of c, b, u, p)

/linux/devices = [{"path": "/dev/fuse", "type": "c"}]
  linux.devices[0]: has no major and minor number (`ls -l` shows those of the host's node)

/linux/devices = [{"path": "/dev/fuse", "type": "c", "major": -1, "minor": 2000000}]
  linux.devices[0].major: must be within 0 and 4095, not -1
  linux.devices[0].minor: must be within 0 and 1048575, not 2000000

/linux/devices = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 666666}]
  linux.devices[0].fileMode: 666666 is no file mode (JSON has no octal numbers: 0666 is written 438)

/linux/devices = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/x", "type": "c", "major": 1, "minor": 5}]
  linux.devices[1]: /dev/x is already given by devices[0]

/linux/devices = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}, {"path": "/dev//x", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}]
  warning: linux.devices[1]: /dev/x is already given by devices[0]
  warning: linux.devices[2]: /dev/x is already given by devices[0]

/linux/resources/devices/0/access = "rwx"
  linux.resources.devices[0].access: must be of the letters r, w and m, not "rwx"

/linux/resources/memory = {"limit": "64m"}
  linux.resources.memory.limit: invalid type: string "64m", expected a whole number (line 51 of /bundle/config.json)

/linux/cgroupsPath = "../escape"
  linux.cgroupsPath: must not contain "..", in "../escape"

/linux/cgroupsPath = "/a\nb"
  linux.cgroupsPath: must not contain a NUL or a newline, in "/a\nb"

/hooks = {"prestart": [{"path": "bin/hook"}]}
  hooks.prestart[0].path: must be an absolute path, not "bin/hook"

/hooks = {"poststop": [{"path": "/bin/hook", "timeout": 0}, {}]}
  hooks.poststop[0].timeout: must be at least 1 second, not 0
  hooks.poststop[1].path: is missing

/hooks = {"createRuntime": [{"path": "/bin/hook", "env": ["X"], "args": ["a\u0000"]}]}
  hooks.createRuntime[0].env[0]: "X" must read NAME=value
  hooks.createRuntime[0].args[0]: contains a NUL byte (at offset 1)

/windows = {"layerFolders": []}
  warning: windows: is not looked at on Linux

/vm = {}
/process/user =
  warning: vm: is not looked at on Linux

/annotations = {"key": 1}
  annotations.key: invalid type: integer `1`, expected a string (line 3 of /bundle/config.json)

/linux/resources/unified = {"../memory.max": "1"}
  linux.resources.unified["../memory.max"]: must be a plain file name, like "memory.high", and no path

/root/path = "root\u0000fs"
  root.path: contains a NUL byte (at offset 12)

/process/args = "sh"
  process.args: invalid type: string "sh", expected an array (line 130 of /bundle/config.json)

/linux/resources/cpu = {"shares": -1}
  linux.resources.cpu.shares: invalid value: integer `-1`, expected a whole number from 0 to 18446744073709551615 (line 45 of /bundle/config.json)

/mounts/0 = "proc"
  mounts[0]: invalid type: string "proc", expected an object (line 53 of /bundle/config.json)

/linux/seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}
  warning: linux.seccomp.architectures[0]: unknown architecture "SCMP_ARCH_Z80" is left out

/linux/seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO", "errnoRet": 5000}, {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 7, "value": 1, "op": "SCMP_CMP_EQ"}]}]}
  linux.seccomp.syscalls[0].names: is empty; a rule must name at least one call
  linux.seccomp.syscalls[0].errnoRet: must be at most 4095 with SCMP_ACT_ERRNO, not 5000
  linux.seccomp.syscalls[1].args[0].index: must be 0 to 5, not 7: a call has six arguments
"#;

#[test]
fn each_mistake_is_named() {
    let mut said = String::new();
    let tables = [TABLE.trim(), NAMES_AND_CONTRADICTIONS.trim()].join("\n\n");
    let rows: Vec<&str> = tables.split("\n\n").collect();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        let edits = row.lines().take_while(|line| !line.starts_with(' '));
        let mut config = default_config();
        for edit in edits {
            apply(&mut config, edit);
            said += edit;
            said.push('\n');
        }
        said += &outcome(&config);
        said.push('\n');
    }
    assert!(said.trim() == tables, "what is said now:\n\n{said}");
}

fn outcome(config: &Value) -> String {
    let lines: Vec<String> = match plan(config, &Host::example()) {
        Ok(plan) => plan.warnings.iter().map(|warning| format!("  warning: {warning}\n")).collect(),
        Err(error) => error.problems.iter().map(|problem| format!("  {problem}\n")).collect(),
    };
    if lines.is_empty() { "  fine\n".to_owned() } else { lines.concat() }
}

fn apply(config: &mut Value, edit: &str) {
    let (pointer, value) = edit.split_once(" =").expect(edit);
    let (parent, key) = pointer.rsplit_once('/').expect(edit);
    let parent = config.pointer_mut(parent).expect(edit);
    let value: Option<Value> =
        Some(value.trim()).filter(|text| !text.is_empty()).map(|text| serde_json::from_str(text).expect(edit));
    match (parent, value) {
        (Value::Array(members), Some(value)) if key == "-" => members.push(value),
        (Value::Array(members), Some(value)) => members[key.parse::<usize>().unwrap()] = value,
        (Value::Array(members), None) => _ = members.remove(key.parse().unwrap()),
        (Value::Object(members), Some(value)) => _ = members.insert(key.to_owned(), value),
        (Value::Object(members), None) => _ = members.remove(key).expect(edit),
        _ => panic!("{edit}"),
    }
}

#[test]
fn an_ordinary_user_needs_a_user_namespace() {
    let error = plan(&default_config(), &Host::example_user()).unwrap_err().to_string();
    assert_eq!(
        error,
        "linux.namespaces: user 1000 needs a user namespace to make a container \
         (add {\"type\": \"user\"} and id mappings; `onggi spec --rootless` writes both)"
    );
}

#[test]
fn many_mistakes_are_said_at_once() {
    let mut config = default_config();
    for edit in
        ["/process/cwd = \"\"", "/ociVersion =", "/linux/cgroupsPath = \"/..\"", "/linux/maskedPaths = [\"/\\u0000\"]"]
    {
        apply(&mut config, edit);
    }
    let places: Vec<String> =
        plan(&config, &Host::example()).unwrap_err().problems.into_iter().map(|problem| problem.place).collect();
    assert_eq!(places, ["ociVersion", "process.cwd", "linux.cgroupsPath", "linux.maskedPaths[0]"]);
}
