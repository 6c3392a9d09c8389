//! From a bundle to a plan: the parts of config.json, one after the other.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use oci_spec::runtime as oci;

use super::cgroup::{self, Driver};
use super::{
    Cgroup, Host, Listener, Plan, devices, hooks, idmap, label, mounts, namespaces, net_devices, numa, process, rdt,
    rootfs, scheduling, sysctl, time,
};
use crate::bundle::{Bundle, Findings, check, path};
use crate::error::Result;
use crate::seccomp;

impl Plan {
    /// Checks the bundle and decides everything. Pure: the same arguments give the same plan.
    ///
    /// Errors: everything that is wrong with the config, at once, and what this host's user may not do.
    pub fn new(bundle: &Bundle, host: &Host) -> Result<Self> {
        Self::with(bundle, host, Driver::Cgroupfs)
    }

    /// The same, with somebody to make the cgroup.
    pub fn with(bundle: &Bundle, host: &Host, driver: Driver<'_>) -> Result<Self> {
        let spec = &bundle.spec;
        let mut found = check::check(spec);
        found.warnings.splice(0..0, bundle.warnings.iter().cloned());
        let none = oci::Linux::default();
        let linux = spec.linux().as_ref().unwrap_or(&none);

        let mut namespaces = namespaces::new(spec, &mut found);
        namespaces.time_offsets = time::offsets(linux);
        idmap::check_privilege(&namespaces, host, &mut found);
        let idmap = idmap::new(spec, &namespaces);
        let mount_label = label::of_mounts(linux, host, &mut found);
        let mut mounts = mounts::new(bundle, &mut found);
        idmap::complete(&mut mounts, idmap.as_ref(), &namespaces, host, spec, &mut found);
        if let Some(label) = &mount_label {
            label::add(label, &mut mounts);
        }
        if let Some(idmap) = &idmap {
            idmap::check_mounts(idmap, &mounts, spec, &mut found);
        }
        let cgroup = found.take(Cgroup::with(linux, spec.annotations().as_ref(), driver));
        if let Some(cgroup) = &cgroup {
            found.warnings.extend(cgroup.notes.iter().cloned());
        }
        // An ordinary user's container has no device program.
        if host.root() {
            found.warnings.extend(cgroup::forbidden(linux));
        }
        let rootfs = rootfs::new(bundle, &mut found);
        let devices = devices::new(bundle, &namespaces, &mounts, host, &mut found);
        let masked = paths("linux.maskedPaths", linux.masked_paths().as_deref(), &mut found);
        let readonly = paths("linux.readonlyPaths", linux.readonly_paths().as_deref(), &mut found);
        let hostname = name("hostname", spec.hostname().as_deref(), &mut found);
        let domainname = name("domainname", spec.domainname().as_deref(), &mut found);
        let sysctls = sysctl::new(linux.sysctl().as_ref(), &mut found);
        let personality = scheduling::personality(linux);
        let process = process::new(&bundle.process(), namespaces.has(libc::CLONE_NEWUSER), host, &mut found);
        let net_devices = net_devices::new(linux, host, &mut found);
        let memory_policy = linux.memory_policy().as_ref().and_then(|policy| numa::new(policy, &mut found));
        let hooks = hooks::new(spec.hooks().as_ref(), &mut found);
        let seccomp = linux.seccomp().as_ref().and_then(|profile| found.take(seccomp::compile(profile)));
        let notifies = seccomp.as_ref().is_some_and(|filter| filter.notify);
        let listener = linux.seccomp().as_ref().filter(|_| notifies).and_then(|profile| listener(bundle, profile));
        let (cgroup, warnings) = found.into_result(cgroup)?;
        let links = devices::links(&mounts);
        Ok(Self {
            namespaces,
            idmap,
            rootfs,
            mounts,
            devices,
            links,
            masked,
            readonly,
            hostname,
            domainname,
            sysctls,
            personality,
            process,
            cgroup,
            net_devices,
            mount_label,
            memory_policy,
            rdt: linux.intel_rdt().as_ref().map(rdt::new),
            hooks,
            seccomp,
            listener,
            warnings,
        })
    }
}

/// Where the profile's agent listens. A relative path is below the bundle, as those of rootfs and mounts are.
fn listener(bundle: &Bundle, profile: &oci::LinuxSeccomp) -> Option<Listener> {
    let path = bundle.path.join(profile.listener_path().as_ref()?);
    Some(Listener { path, metadata: profile.listener_metadata().clone() })
}

/// Absolute paths inside the rootfs, cleaned.
fn paths(place: &str, list: Option<&[String]>, found: &mut Findings) -> Vec<CString> {
    let paths = list.unwrap_or_default().iter().enumerate();
    let clean = |text: &String| path::inside(Path::new(text)).as_os_str().as_bytes().to_vec();
    paths.map(|(index, text)| found.text(clean(text), || format!("{place}[{index}]"))).collect()
}

/// A name that is not empty.
fn name(place: &str, name: Option<&str>, found: &mut Findings) -> Option<CString> {
    name.filter(|name| !name.is_empty()).map(|name| found.text(name, || place.to_owned()))
}
