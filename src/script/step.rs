//! The steps of the child, as the coordinates of faults.

macro_rules! steps {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {
        /// A step that can fail. What each error means in words is `launch::fault`'s business.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            /// Before the first: the numbers up to here are [`Event`](super::Event)s.
            Nothing = 99,
            $($(#[doc = $doc])* $name,)*
        }

        impl Step {
            /// All steps, in the order in which they may happen.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    Self::Nothing => "Nothing",
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

steps! {
    /// Becoming the freestanding child: execveat of its sealed image.
    Become
    /// Mapping the script.
    Script
    /// Making the process undumpable.
    Undumpable
    /// Closing what was inherited.
    Descriptors
    /// Taking the processors of `process.execCPUAffinity`: 0 its `initial` ones (the parent), 1 its `final` ones.
    Affinity
    /// Putting signals back to their defaults.
    Signals
    /// Entering resctrl group `index`.
    Resctrl
    /// Joining namespace `index`.
    Join
    /// The second clone.
    Clone
    /// The parent went away, or refused, while id mappings were waited for.
    Maps
    /// Making and entering a time namespace.
    Time
    /// Setting the clocks of the new time namespace.
    TimeOffsets
    /// Becoming the root of the user namespace.
    Root
    /// A session of its own.
    Session
    /// Setting the label of new keyrings.
    KeyLabel
    /// Leaving the caller's session keyring.
    Keyring
    /// Bringing the loopback up.
    Loopback
    /// Setting the host name.
    Hostname
    /// Setting the NIS domain name.
    Domainname
    /// The parent went away, or a hook failed, while hooks were waited for.
    Hooks
    /// Changing the propagation of the inherited mounts.
    Propagation
    /// Opening the rootfs.
    RootfsSource
    /// Opening the source of mount `index`.
    MountSource
    /// Mapping the ids of mount `index`; `extra` is the magic number of its file system.
    MountIdmap
    /// Opening the host's device `index`.
    DeviceSource
    /// Opening and checking the host's null device.
    Null
    /// Setting kernel parameter `index`.
    Sysctl
    /// Mounting the rootfs.
    RootfsAttach
    /// Setting the propagation of the rootfs.
    RootfsPropagation
    /// Entering the rootfs.
    Pivot
    /// Letting go of the host's tree.
    Unmount
    /// Finding or making the target of mount `index`.
    MountTarget
    /// The target of mount `index` is not an ordinary directory.
    MountPlain
    /// fsopen for mount `index`.
    MountOpen
    /// Parameter `extra` of mount `index`.
    MountParameter
    /// Making the file system of mount `index`.
    MountCreate
    /// Copying what mount `index` covers into it.
    MountCopyUp
    /// Attributes of mount `index`.
    MountAttributes
    /// Propagation of mount `index`.
    MountPropagation
    /// Attaching mount `index`.
    MountAttach
    /// Finding or making the directory of device `index`.
    DeviceParent
    /// Making device `index`.
    Device
    /// Making link `index` of the default ones below /dev.
    DevLink
    /// No devpts is mounted where the terminal should come from.
    Devpts
    /// Opening a new terminal.
    Terminal
    /// Handing over the terminal.
    TerminalSend
    /// Making the terminal the controlling one, and stdio.
    TerminalUse
    /// Mounting the terminal on /dev/console.
    Console
    /// createContainer hook `index`; `extra` is its wait status where it ran.
    CreateContainerHook
    /// Making path `index` read-only.
    Readonly
    /// Covering path `index`.
    Masked
    /// Making the rootfs read-only.
    RootfsReadonly
    /// Making or entering the working directory.
    Cwd
    /// The working directory lies outside the container.
    CwdOutside
    /// Setting the execution domain.
    Personality
    /// Setting the label that the program will have: 0 is AppArmor's, 1 SELinux's.
    Label
    /// Setting the NUMA memory policy.
    MemoryPolicy
    /// Limit `index`.
    Rlimit
    /// Handing stdio to the user.
    Stdio
    /// Supplementary groups.
    Groups
    /// Group id.
    Gid
    /// User id.
    Uid
    /// Dropping capability `index` from the bounding set.
    Bounding
    /// Setting the capabilities.
    Capabilities
    /// Raising ambient capability `index`.
    Ambient
    /// Forbidding new privileges.
    NoNewPrivileges
    /// Finding the program.
    Program
    /// Setting the scheduling policy (root's parent does it).
    Scheduler
    /// Setting the I/O priority (root's parent does it).
    IoPriority
    /// The parent went away before the container was started.
    Start
    /// startContainer hook `index`; `extra` is its wait status where it ran.
    StartContainerHook
    /// Making the thread that hands over the listener of the filter.
    Listener
    /// Loading the seccomp filter.
    Seccomp
    /// execve of the program.
    Execve
}

impl Step {
    /// The step with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| *step as u32 == number)
    }

    /// The step with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }
}
