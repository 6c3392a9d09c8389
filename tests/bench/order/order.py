#!/usr/bin/env python3
"""Writes src/order.ld: the functions that the commands of the race go through, for the linker to lay side by side.

order.py ONGGI, as root; ONGGI is a release build with its symbols. Each command runs one instruction at a time (step.c) on
the race's config "engine"; that takes some minutes. Called by `make order`, in mount and cgroup namespaces of its own.
"""
import bisect, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
OUT = os.path.join(BENCH, "../../src/order.ld")
HEAD = """/* The functions that the commands of the race go through, side by side: so a command touches few of the program's pages, each
 * of which costs it some microseconds and counts as memory of its own. Those that most commands use come first. Written by
 * `make order`; what is not listed, or has another name meanwhile, is laid out as usual. */
"""


def run(*words, **more):
    return subprocess.run(words, check=True, **more)


def world(at):
    """Mounts that nobody else sees, a bundle, a root file system with two programs."""
    run("mount", "--make-rprivate", "/")
    while subprocess.run(["umount", "-l", "/sys/fs/cgroup"], stderr=subprocess.DEVNULL).returncode == 0:
        pass
    run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "none", at)
    for folder in ["proc", "dev", "sys", "etc", "tmp"]:
        os.makedirs(f"{at}/rootfs/{folder}")
    for file in ["resolv.conf", "hostname", "hosts"]:
        open(f"{at}/{file}", "w").close()
        open(f"{at}/rootfs/etc/{file}", "w").close()
    for program in ["true", "sleep"]:
        run("cc", "-O2", "-static", f"{BENCH}/payload/{program}.c", "-o", f"{at}/rootfs/{program}")
        text = open(f"{BENCH}/configs/engine.json").read()
        text = text.replace("@ROOTFS@", f"{at}/rootfs").replace("@STAGE@", at).replace('"/true"', f'"/{program}"')
        os.mkdir(f"{at}/{program}")
        with open(f"{at}/{program}/config.json", "w") as config:
            config.write(text.replace("@CGROUP@", f"/order{os.getpid()}/{program}"))
    os.mkdir(f"{at}/root", 0o700)
    run("cc", "-O2", f"{HERE}/step.c", "-o", f"{at}/step")


def trace(onggi, at):
    """For each command the addresses of all instructions that it made."""
    made = []
    for words in [
        ["--version"],
        ["create", "--bundle", f"{at}/sleep", "--pid-file", f"{at}/pid", "c"],
        ["start", "c"],
        ["state", "c"],
        ["exec", "c", "/true"],
        ["kill", "c", "KILL"],
        ["delete", "--force", "c"],
        ["run", "--bundle", f"{at}/true", "r"],
    ]:
        print("order:", *words[:1])
        run(f"{at}/step", f"{at}/made", onggi, "--root", f"{at}/root", *words, stdout=subprocess.DEVNULL)
        with open(f"{at}/made") as lines:
            made.append({int(line, 16) for line in lines})
    return made


def names(onggi, made):
    """The functions that they belong to, as patterns that outlive a build: those that most commands use come first, and
    those that the same commands use stand together, in the order of the program."""
    functions = {}
    for line in run("nm", "-n", "-S", "--defined-only", onggi, capture_output=True, text=True).stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW":
            functions.setdefault((int(words[0], 16), int(words[1], 16)), []).append(words[3])
    places = sorted(functions)
    users = {}
    for command, addresses in enumerate(made):
        for address in addresses:
            at = bisect.bisect_right(places, (address, sys.maxsize)) - 1
            if at >= 0 and address < sum(places[at]):
                users.setdefault(places[at], set()).add(command)
    order = sorted(users, key=lambda place: (-len(users[place]), sorted(users[place]), place))
    return list(dict.fromkeys(pattern(name) for place in order for name in functions[place]))


def pattern(name):
    """A name without what changes from build to build."""
    name = re.sub(r"\.llvm\..*$", "*", name)
    name = re.sub(r"17h[0-9a-f]{16}E.*$", "17h*", name)  # the old mangling, std's own, ends with a hash
    if name.startswith("_R"):
        name = re.sub(r"(?<=C)s[0-9A-Za-z]*_(?=\d)", "*", name)  # the new one has one in each crate's name,
        name = re.sub(r"(?<![0-9])B[0-9A-Za-z]*_", "B*_", name)  # and refers to places behind them
    return name.replace("$", "?")


def main():
    onggi = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as at:
        world(at)
        try:
            patterns = names(onggi, trace(onggi, at))
        finally:
            for left in "c", "r":
                subprocess.run([onggi, "--root", f"{at}/root", "delete", "--force", left], stderr=subprocess.DEVNULL)
            subprocess.run(["rmdir", f"/sys/fs/cgroup/order{os.getpid()}"], stderr=subprocess.DEVNULL)
            run("umount", "-l", at)
    # The asterisk stands for the ".unlikely" before the names of cold functions.
    lines = "".join(f"    *(.text*.{pattern})\n" for pattern in patterns)
    with open(OUT, "w") as out:
        out.write(f"{HEAD}SECTIONS\n{{\n  .text.first : {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n")
    print(f"order: {len(patterns)} functions in src/order.ld")


main()
