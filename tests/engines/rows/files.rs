//! The container's file systems and devices.

use std::fs;

use crate::command::Verdict;
use crate::engine::Engine;

pub fn read_only(e: &Engine) -> Verdict {
    let line = "run --rm --read-only busybox sh -c 'echo no >/srv/file || echo refused; echo yes >/dev/shm/file'";
    e.call(line)?.succeeds()?.prints("refused")?.complains("read-only").map(drop)
}

pub fn tmpfs(e: &Engine) -> Verdict {
    let line = "run --rm --tmpfs /srv/t:rw,size=1m,mode=1750,noexec busybox \
                sh -c 'grep \" /srv/t \" /proc/mounts; stat -c %a /srv/t'";
    e.call(line)?.succeeds()?.says("tmpfs")?.says("size=1024k")?.says("noexec")?.says("1750").map(drop)
}

pub fn bind(e: &Engine) -> Verdict {
    fs::create_dir_all("/tmp/shared")?;
    fs::write("/tmp/shared/in", "from outside\n")?;
    let line = "run --rm -v /tmp/shared:/srv/shared busybox \
                sh -c 'cat /srv/shared/in; echo from inside >/srv/shared/out'";
    e.call(line)?.succeeds()?.prints("from outside").map(drop)?;
    e.shell("cat /tmp/shared/out; rm -r /tmp/shared")?.prints("from inside").map(drop)
}

pub fn bind_file(e: &Engine) -> Verdict {
    fs::write("/tmp/one-file", "content\n")?;
    let line = "run --rm -v /tmp/one-file:/etc/new/file:ro busybox \
                sh -c 'cat /etc/new/file; echo no >/etc/new/file || echo refused'";
    e.call(line)?.succeeds()?.prints("content\nrefused").map(drop)?;
    e.shell("cat /tmp/one-file; rm /tmp/one-file")?.prints("content").map(drop)
}

pub fn propagation(e: &Engine) -> Verdict {
    e.shell("mkdir -p /tmp/tree/sub && mount --bind /tmp/tree /tmp/tree && mount --make-shared /tmp/tree")?.works()?;
    e.detached("one", "-v /tmp/tree:/srv/tree:rslave busybox sh -c 'echo ready; exec sleep 1000'")?;
    e.shell("mount -t tmpfs none /tmp/tree/sub && touch /tmp/tree/sub/seen")?.works()?;
    let seen = e.call("exec one ls /srv/tree/sub")?;
    e.shell("umount -R /tmp/tree && rm -r /tmp/tree")?.works()?;
    seen.succeeds()?.prints("seen").map(drop)
}

pub fn volume(e: &Engine) -> Verdict {
    e.call("run --rm -v kept:/srv/v busybox sh -c 'echo content >/srv/v/file'")?.works()?;
    e.call("run --rm -v kept:/srv/v busybox cat /srv/v/file")?.succeeds()?.prints("content").map(drop)?;
    e.call("volume rm kept")?.works()
}

pub fn volumes_from(e: &Engine) -> Verdict {
    e.call("run --name one -v /srv/v busybox sh -c 'echo content >/srv/v/file'")?.works()?;
    e.call("run --rm --volumes-from one busybox cat /srv/v/file")?.succeeds()?.prints("content").map(drop)
}

pub fn shm_size(e: &Engine) -> Verdict {
    let line = "run --rm --shm-size 3m busybox grep ' /dev/shm ' /proc/mounts";
    e.call(line)?.succeeds()?.says("size=3072k").map(drop)
}

pub fn device(e: &Engine) -> Verdict {
    // A device that is not among the default ones, of which all may be read and written.
    let line = |access| {
        format!(
            "run --rm --cap-add SYSLOG --device /dev/kmsg:/dev/kernel:{access} busybox \
             sh -c '(: >/dev/kernel) && echo write; head -c 0 </dev/kernel && echo read; :'"
        )
    };
    e.call(&line("rw"))?.succeeds()?.prints("write\nread").map(drop)?;
    e.call(&line("w"))?.succeeds()?.prints("write").map(drop)?;
    e.call(&line("r"))?.succeeds()?.prints("read").map(drop)
}

pub fn device_denied(e: &Engine) -> Verdict {
    // Making the node is allowed (CAP_MKNOD); opening it is what the device rules refuse. The
    // number is that of /dev/kmsg, which every kernel has.
    let line = "run --rm --cap-add MKNOD busybox \
                sh -c 'mknod /srv/kmsg c 1 11 && { head -c 0 </srv/kmsg || echo refused; }'";
    e.call(line)?.succeeds()?.prints("refused")?.complains("not permitted").map(drop)?;
    e.call("run --rm busybox sh -c 'head -c 1 /dev/zero | wc -c'")?.succeeds()?.prints("1").map(drop)
}

pub fn devices_default(e: &Engine) -> Verdict {
    let line = "run --rm busybox sh -c '\
                for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; \
                for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done'";
    let ran = e.call(line)?.succeeds()?;
    ran.prints("/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx").map(drop)
}
