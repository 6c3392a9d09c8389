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
 * of which costs it some microseconds and counts as memory of its own. Written by `make order`; what is not listed, or has
 * another name meanwhile, is laid out as usual. */
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
    """The addresses of all instructions that were made."""
    made = set()
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
            made.update(int(line, 16) for line in lines)
    return made


def names(onggi, made):
    """The functions that they belong to, in the order of the program, as patterns that outlive a build."""
    functions = []
    for line in run("nm", "-n", "-S", "--defined-only", onggi, capture_output=True, text=True).stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW":
            functions.append((int(words[0], 16), int(words[1], 16), words[3]))
    starts = [start for start, _, _ in functions]
    patterns = {}
    for address in sorted(made):
        at = bisect.bisect_right(starts, address) - 1
        if at >= 0 and address < functions[at][0] + functions[at][1]:
            name = re.sub(r"17h[0-9a-f]{16}E.*$", "17h*", functions[at][2])  # the old mangling ends with a hash
            name = re.sub(r"(?<=C)s[0-9A-Za-z]+_(?=\d)", "*", name)  # the new one has one in each crate's name
            patterns[name.replace("$", "?")] = None
    return patterns


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
    lines = "".join(f"    *(.text.{pattern})\n" for pattern in patterns)
    with open(OUT, "w") as out:
        out.write(f"{HEAD}SECTIONS\n{{\n  .text.first : {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n")
    print(f"order: {len(patterns)} functions in src/order.ld")


main()
