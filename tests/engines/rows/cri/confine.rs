//! What a pod's specification lets a container do: its security context, volumes and devices.

use std::fs;

use nix::mount::{MsFlags, mount};
use serde_json::{Value, json};

use super::{Pod, SLEEPING, same, secured};
use crate::command::{Verdict, failed, shell};
use crate::engine::Engine;

pub fn read_only(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let script = "touch /no 2>/dev/null || echo refused; touch /dev/shm/yes && echo allowed";
    same(&pod.prints("one", script, secured(json!({"readonly_rootfs": true})))?, "refused\nallowed")
}

fn effective(pod: &Pod, name: &str, capabilities: &Value) -> Verdict<u64> {
    let context = secured(json!({"capabilities": capabilities}));
    let is = pod.prints(name, "sed -n 's/CapEff:.//p' /proc/self/status", context)?;
    u64::from_str_radix(is.trim(), 16).map_err(|error| failed(format!("{is:?}: {error}")))
}

pub fn capabilities(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let plain = effective(&pod, "plain", &json!({}))?;
    let none = effective(&pod, "none", &json!({"drop_capabilities": ["ALL"]}))?;
    let one = effective(&pod, "one", &json!({"drop_capabilities": ["ALL"], "add_capabilities": ["NET_BIND_SERVICE"]}))?;
    let more = effective(&pod, "more", &json!({"drop_capabilities": ["CHOWN"], "add_capabilities": ["SYS_TIME"]}))?;
    // linux/capability.h: CHOWN is 0, NET_BIND_SERVICE 10, SYS_TIME 25.
    let right = plain.count_ones() == 14 && none == 0 && one == 1 << 10 && more == (plain | 1 << 25) & !1;
    if right { Ok(()) } else { Err(failed(format!("plain {plain:x}, none {none:x}, one {one:x}, more {more:x}"))) }
}

pub fn seccomp(e: &Engine) -> Verdict {
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}"#;
    fs::write("/run/profile.json", profile)?;
    let pod = Pod::run(e, json!({"linux": {"security_context": {"seccomp": {"profile_type": "RuntimeDefault"}}}}))?;
    let script = "sed -n 's/Seccomp:.//p' /proc/self/status; unshare -U echo allowed 2>/dev/null; mkdir /d 2>&1; :";
    let cases = [
        ("default", json!({"profile_type": "RuntimeDefault"}), "2"),
        ("unconfined", json!({"profile_type": "Unconfined"}), "0\nallowed"),
        (
            "local",
            json!({"profile_type": "Localhost", "localhost_ref": "/run/profile.json"}),
            "2\nallowed\nmkdir: can't create directory '/d': No space left on device",
        ),
    ];
    for (name, profile, expected) in cases {
        same(&pod.prints(name, script, secured(json!({"seccomp": profile})))?, expected)?;
    }
    Ok(())
}

pub fn user(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let context = json!({
        "run_as_user": {"value": 1234}, "run_as_group": {"value": 2345}, "supplemental_groups": [3456, 4567],
    });
    let script = "echo $(id -u):$(id -g) $(id -G); touch /no 2>/dev/null || echo refused";
    same(&pod.prints("one", script, secured(context))?, "1234:2345 2345 3456 4567\nrefused")
}

pub fn user_name(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    same(&pod.prints("one", "id -u; id -G", secured(json!({"run_as_username": "guest"})))?, "1000\n1000 26")
}

pub fn no_new_privileges(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let script = "grep NoNewPrivs /proc/self/status";
    same(&pod.prints("plain", script, json!({}))?, "NoNewPrivs:\t0")?;
    same(&pod.prints("one", script, secured(json!({"no_new_privs": true})))?, "NoNewPrivs:\t1")
}

pub fn privileged(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({"linux": {"security_context": {"privileged": true}}}))?;
    let script = "mount -t tmpfs none /srv && grep -c ' /srv ' /proc/mounts; test -c /dev/kmsg && echo device; \
                  test -w /proc/sys/kernel/hostname && echo writable; grep Seccomp: /proc/self/status";
    let is = pod.prints("one", script, secured(json!({"privileged": true})))?;
    same(&is, "1\ndevice\nwritable\nSeccomp:\t0")
}

pub fn masked(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let paths = json!({"masked_paths": ["/proc/kcore", "/sys/firmware"], "readonly_paths": ["/proc/sys"]});
    let script = "head -c 1 /proc/kcore 2>/dev/null | wc -c; ls /sys/firmware | wc -l; \
                  echo 1 2>/dev/null >/proc/sys/kernel/printk || echo refused";
    same(&pod.prints("one", script, secured(paths))?, "0\n0\nrefused")
}

pub fn volumes(e: &Engine) -> Verdict {
    shell(
        "mkdir -p /run/volume/later && mount --bind /run/volume /run/volume && mount --make-shared /run/volume",
        "",
        e.deadline(),
    )?
    .works()?;
    let asked = volumes_of(e);
    e.driver.cri()?.clear()?;
    shell("umount -R /run/volume", "", e.deadline())?.works()?;
    asked
}

fn volumes_of(e: &Engine) -> Verdict {
    fs::write("/run/volume/file", "outside\n")?;
    let pod = Pod::run(e, json!({}))?;
    let mounts = json!({"mounts": [
        {"container_path": "/ro", "host_path": "/run/volume", "readonly": true},
        {"container_path": "/rw", "host_path": "/run/volume", "propagation": "PROPAGATION_HOST_TO_CONTAINER"},
    ]});
    let one = pod.ready("one", SLEEPING, mounts)?;
    let script = "cat /ro/file; touch /ro/no 2>/dev/null || echo refused; echo inside >/rw/file; cat /ro/file";
    same(&one.prints(script)?, "outside\nrefused\ninside")?;
    mount(Some("none"), "/run/volume/later", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    fs::write("/run/volume/later/seen", "")?;
    same(&one.prints("ls /rw/later /ro/later")?, "/ro/later:\n\n/rw/later:\nseen")
}

pub fn devices(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    // The kernel's log wants a capability of its own.
    let device = json!({"linux": {"security_context": {"capabilities": {"add_capabilities": ["SYSLOG"]}}}, "devices": [{"container_path": "/dev/log-of-kernel", "host_path": "/dev/kmsg", "permissions": "r"}]});
    let script = "head -c 0 /dev/log-of-kernel && echo readable; echo x 2>/dev/null >/dev/log-of-kernel || echo refused; \
                  mknod /tmp/fuse c 10 229; head -c 0 /tmp/fuse 2>&1 | grep -o permitted";
    same(&pod.prints("one", script, device)?, "readable\nrefused\npermitted")
}

pub fn environment(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let more = json!({"envs": [{"key": "NEW", "value": "a b"}], "working_dir": "/srv", "args": ["--", "word"]});
    same(&pod.prints("one", "echo $PWD $NEW $1 $HOSTNAME", more)?, "/srv a b word pod")
}

pub fn oom_score(e: &Engine) -> Verdict {
    let pod = Pod::run(e, json!({}))?;
    let more = json!({"linux": {"resources": {"oom_score_adj": 777}}});
    same(&pod.prints("one", "cat /proc/self/oom_score_adj", more)?, "777")
}
