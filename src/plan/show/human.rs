//! The plan as the list of what will happen, in the order in which it will.

use std::fmt::Write;

use super::words::{
    attributes, device, io_class, namespaces, persona_name, plain, plain_text, policy, propagation, quoted, rlimit,
};
use crate::plan::cgroup::Place;
use crate::plan::{
    Affinity, Capabilities, DEFAULT_HOOK_TIMEOUT, DeviceKind, Hook, IdRange, Listener, MemoryPolicy, Mount, MountIdMap,
    Parameter, Plan, Process, Rdt, Scheduler, Source, caps, numa,
};
use crate::seccomp::Filter;

/// The plan in text: numbered steps, each with what it does, a line each.
pub fn human(plan: &Plan) -> String {
    let mut page = Page::default();
    for warning in &plan.warnings {
        page.line("warning", &plain_text(&warning.to_string()));
    }
    cgroup(plan, &mut page);
    page.step("resctrl", plan.rdt.iter().flat_map(rdt));
    birth(plan, &mut page);
    let devices = plan.net_devices.iter();
    page.step("network devices", devices.map(|of| plain_text(&format!("{} becomes {}", of.host, of.inside))));
    page.step("prestart hooks", plan.hooks.prestart.iter().map(hook));
    page.step("createRuntime hooks", plan.hooks.create_runtime.iter().map(hook));
    root(plan, &mut page);
    page.step("createContainer hooks", plan.hooks.create_container.iter().map(hook));
    seal(plan, &mut page);
    page.step("personality", plan.personality.map(|persona| persona_name(persona).to_owned()));
    process(&plan.process, &mut page);
    page.step("memory policy", plan.memory_policy.iter().map(memory_policy));
    if let Some(filter) = &plan.seccomp {
        page.step("seccomp", seccomp(filter, plan.listener.as_ref()));
    }
    page.step("startContainer hooks", plan.hooks.start_container.iter().map(hook));
    page.step("program", [words(plan.process.args.iter().map(|arg| quoted(arg)))]);
    page.step("poststart hooks", plan.hooks.poststart.iter().map(hook));
    page.step("poststop hooks", plan.hooks.poststop.iter().map(hook));
    page.text
}

/// Text in two columns: titles, and what belongs to them.
#[derive(Default)]
struct Page {
    text: String,
    steps: usize,
}

impl Page {
    /// A numbered step, unless it has no lines.
    fn step(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        for (index, line) in lines.into_iter().enumerate() {
            if index == 0 {
                self.steps += 1;
                self.line(&format!("{:2} {title}", self.steps), &line);
            } else {
                self.line("", &line);
            }
        }
    }

    fn line(&mut self, title: &str, line: &str) {
        // Writing to a String can't fail.
        let _ = writeln!(self.text, "{}", format!("{title:<28} {line}").trim_end());
    }
}

fn cgroup(plan: &Plan, page: &mut Page) {
    let cgroup = &plan.cgroup;
    let place = match &cgroup.place {
        Place::Root(path) => format!("/{}", plain_text(&path.to_string_lossy())),
        Place::Relative(path) => format!("{} beside the runtime's own", plain_text(&path.to_string_lossy())),
        Place::Unset => "named after the container, beside the runtime's own".to_owned(),
        Place::Systemd(unit) => format!("{} by systemd", plain_text(&unit.path("ID").to_string_lossy())),
    };
    let unit = cgroup.place.unit().map_or(&[][..], |unit| &unit.properties);
    let unit = unit.iter().map(|property| plain_text(&format!("{} = {}", property.name, property.value)));
    let settings = cgroup.settings.iter().map(|setting| plain_text(&format!("{} = {}", setting.file, setting.value)));
    let devices = format!("device program of {} instructions", cgroup.devices.instructions.len());
    page.step("cgroup", [place].into_iter().chain(unit).chain(settings).chain([devices]));
}

/// The clone, and what the parent does to the child from outside.
fn birth(plan: &Plan, page: &mut Page) {
    let join =
        plan.namespaces.join.iter().map(|join| format!("{} {}", words(namespaces(join.kind)), quoted(&join.path)));
    page.step("namespaces joined", join);
    page.step("namespaces made", Some(words(namespaces(plan.namespaces.new))).filter(|names| !names.is_empty()));
    let clocks = plan.namespaces.time_offsets.as_ref().map(|lines| plain(lines)).unwrap_or_default();
    page.step("clocks moved by", clocks.split("\\n").filter(|line| !line.is_empty()).map(str::to_owned));
    if let Some(idmap) = &plan.idmap {
        page.step("user ids", idmap.uids.iter().map(range));
        page.step("group ids", idmap.gids.iter().map(range));
    }
    page.step("oom_score_adj", plan.process.oom_score_adj.map(|score| score.to_string()));
}

fn range(range: &IdRange) -> String {
    let more = u64::from(range.size).saturating_sub(1);
    let span = |first: u32| {
        if more == 0 { first.to_string() } else { format!("{first} to {}", u64::from(first) + more) }
    };
    format!("{} inside = {} outside", span(range.container), span(range.host))
}

fn root(plan: &Plan, page: &mut Page) {
    let path = plain_text(&plan.rootfs.path.to_string_lossy());
    page.step("root file system", [format!("{path}, propagation {}", propagation(plan.rootfs.propagation))]);
    page.step("mounts", plan.mounts.iter().enumerate().map(|(index, of)| format!("[{index}] {}", mount(of))));
    let devices = plan.devices.iter().map(|of| {
        let how = if of.how == DeviceKind::Make { "" } else { ", bound from the host" };
        let (path, kind, mode) = (quoted(&of.path), device(of.mode), of.mode & 0o7777);
        format!("{path} {kind} {}:{} mode {mode:04o} owner {}:{}{how}", of.major, of.minor, of.uid, of.gid)
    });
    page.step("devices", devices);
    page.step("links", plan.links.iter().map(|link| format!("{} -> {}", quoted(&link.path), quoted(&link.target))));
}

fn mount(mount: &Mount) -> String {
    let mut line = vec![quoted(&mount.target)];
    match &mount.source {
        Source::Bind { path, recursive } => {
            line.push(format!("{} {}", if *recursive { "rbind" } else { "bind" }, quoted(path)));
        }
        Source::Remount => line.push("remount".to_owned()),
        Source::Cgroup => line.push("cgroup".to_owned()),
        Source::Filesystem { kind, source, parameters } => {
            line.push(format!("new {} from {}", quoted(kind), quoted(source)));
            line.extend(parameters.iter().map(|parameter| match parameter {
                Parameter::Flag(flag) => quoted(flag),
                Parameter::Text(key, value) => format!("{}={}", quoted(key), quoted(value)),
            }));
        }
    }
    // What the file system was asked for comes first, then, after a semicolon, what the mount is.
    let mut attribute = attributes(mount.attributes, "");
    attribute.extend(attributes(mount.recursive, "r"));
    attribute.extend(mount.propagation.iter().map(|flags| propagation(*flags)));
    let mut line = line.join(" ");
    if !attribute.is_empty() {
        line += "; ";
        line += &attribute.join(" ");
    }
    if mount.readonly_last {
        line += " (ro when it is filled)";
    }
    if let Some(idmap) = &mount.idmap {
        line += &mapped(idmap);
    }
    if mount.copy_up {
        line += " (begins with what it covers)";
    }
    line
}

/// `, uids 0=100000+65536 gids ...`: by what a mount's ids are mapped.
fn mapped(idmap: &MountIdMap) -> String {
    let ranges = |ranges: &[IdRange]| {
        words(ranges.iter().map(|range| format!("{}={}+{}", range.container, range.host, range.size)))
    };
    let by = match &idmap.map {
        Some(map) => format!("uids {} gids {}", ranges(&map.uids), ranges(&map.gids)),
        None => "the user namespace that is joined".to_owned(),
    };
    format!(" ({}ids mapped by {by})", if idmap.recursive { "all " } else { "" })
}

/// What is closed before the program starts.
fn seal(plan: &Plan, page: &mut Page) {
    page.step("host name", plan.hostname.iter().map(|name| quoted(name)));
    page.step("domain name", plan.domainname.iter().map(|name| quoted(name)));
    let sysctls = plan.sysctls.iter();
    page.step("kernel parameters", sysctls.map(|of| format!("{} = {}", plain(&of.file), plain(&of.value))));
    page.step("read-only paths", plan.readonly.iter().map(|path| quoted(path)));
    page.step("masked paths", plan.masked.iter().map(|path| quoted(path)));
    page.step("read-only root", plan.rootfs.readonly.then(|| "/".to_owned()));
}

fn process(process: &Process, page: &mut Page) {
    let size = process.console_size.map(|(rows, columns)| format!(" of {rows} rows and {columns} columns"));
    page.step("terminal", process.terminal.then(|| format!("a new pseudo terminal{}", size.unwrap_or_default())));
    let infinite = |limit: u64| {
        if limit == u64::MAX { "unlimited".to_owned() } else { limit.to_string() }
    };
    let rlimits = process.rlimits.iter();
    page.step(
        "resource limits",
        rlimits.map(|of| format!("{} soft {} hard {}", rlimit(of.resource), infinite(of.soft), infinite(of.hard))),
    );
    let groups = process.groups.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let groups = if groups.is_empty() { groups } else { format!(" groups {groups}") };
    let umask = process.umask.map(|mask| format!(" umask {mask:04o}")).unwrap_or_default();
    page.step("user", [format!("uid {} gid {}{groups}{umask}", process.uid, process.gid)]);
    page.step("capabilities", capabilities(process.capabilities));
    page.step("no new privileges", process.no_new_privileges.then(|| "yes".to_owned()));
    page.step("scheduler", process.scheduler.map(scheduler));
    page.step("I/O priority", process.io_priority.map(|both| format!("{} {}", io_class(both), both & 0x1fff)));
    page.step("processors of exec", affinity(&process.exec_affinity));
    page.step("AppArmor profile", process.apparmor.iter().map(|profile| quoted(profile)));
    page.step("SELinux label", process.selinux.iter().map(|label| quoted(label)));
    page.step("working directory", [quoted(&process.cwd)]);
    page.step("environment", process.env.iter().map(|variable| quoted(variable)));
}

fn scheduler(of: Scheduler) -> String {
    let mut line = vec![policy(of.policy)];
    let numbers = [
        ("priority", u64::from(of.priority)),
        ("runtime", of.runtime),
        ("deadline", of.deadline),
        ("period", of.period),
    ];
    line.extend((of.nice != 0).then(|| format!("nice {}", of.nice)));
    line.extend(
        numbers.into_iter().filter(|(_, number)| *number != 0).map(|(name, number)| format!("{name} {number}")),
    );
    line.extend((of.flags != 0).then(|| format!("flags {:#x}", of.flags)));
    line.join(" ")
}

fn affinity(of: &Affinity) -> Vec<String> {
    let lists = [("first", &of.initial), ("in the cgroup", &of.last)];
    lists.into_iter().filter_map(|(when, set)| Some(format!("{} {when}", set.as_ref()?))).collect()
}

/// Each set; those that are equal in one line.
fn capabilities(of: Capabilities) -> Vec<String> {
    let sets = [
        ("bounding", of.bounding),
        ("effective", of.effective),
        ("permitted", of.permitted),
        ("inheritable", of.inheritable),
        ("ambient", of.ambient),
    ];
    let mut lines: Vec<(Vec<&str>, u64)> = Vec::new();
    for (name, set) in sets {
        match lines.iter_mut().find(|(_, other)| *other == set) {
            Some((names, _)) => names.push(name),
            None => lines.push((vec![name], set)),
        }
    }
    let list = |set| {
        if set == 0 { "none".to_owned() } else { caps::names(set).join(" ") }
    };
    lines.into_iter().map(|(names, set)| format!("{}: {}", names.join(", "), list(set))).collect()
}

fn hook(hook: &Hook) -> String {
    let path = quoted(&hook.path);
    let args = words(hook.args.iter().map(|arg| quoted(arg)));
    let args = if args == path { path } else { format!("{path} as {args}") };
    let env = words(hook.env.iter().map(|variable| quoted(variable)));
    let env = if env.is_empty() { env } else { format!(" with {env}") };
    format!("{args}{env}, at most {} s", hook.timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT).as_secs())
}

fn words(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    words.into_iter().map(Into::into).collect::<Vec<_>>().join(" ")
}

fn rdt(rdt: &Rdt) -> Vec<String> {
    let group = rdt.clos.as_deref().map_or("named after the container".to_owned(), plain_text);
    let monitor = if rdt.monitoring { ", with a monitoring group" } else { "" };
    let lines = rdt.schemata.iter().map(|line| plain_text(line));
    [format!("group {group}{monitor}")].into_iter().chain(lines).collect()
}

fn memory_policy(policy: &MemoryPolicy) -> String {
    let nodes: Vec<String> = policy.nodes.iter().rev().map(|word| format!("{word:#x}")).collect();
    let nodes = if nodes.is_empty() { nodes.concat() } else { format!(" nodes {}", nodes.join(" ")) };
    format!("{}{nodes}", numa::name(policy.mode))
}

fn seccomp(filter: &Filter, listener: Option<&Listener>) -> Vec<String> {
    let mut lines = vec![format!("filter of {} instructions, flags {:#x}", filter.program.len(), filter.flags)];
    if !filter.ignored.is_empty() {
        lines.push(format!("calls that no architecture here has: {}", plain_text(&filter.ignored.join(" "))));
    }
    lines.extend(listener.map(|agent| format!("notifies the agent at {}", plain_text(&agent.path.to_string_lossy()))));
    lines
}
