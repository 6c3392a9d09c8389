#!/usr/bin/env python3
"""Writes filter.h: the seccomp filter of ../configs/engine.json as the shortest program we know.

    ./filter.py > filter.h

For each architecture the system call numbers are merged into ranges with one verdict, and the
ranges become a balanced tree of `jge` whose leaves are `ret`. Numbers come from the kernel's own
headers (linux-libc-dev). Before it prints anything, the program is run in a small interpreter
against the rules themselves, number by number. Only needed when engine.json changes.
"""
import json
import os
import re
import sys

HEADERS = "/usr/include/x86_64-linux-gnu/asm/unistd_%s.h"
X32 = 0x40000000
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050001, 0x00050026
LD_NR, LD_ARCH, LD_ARG0_LO, LD_ARG0_HI = 0, 4, 16, 20
LD, JEQ, JGE, JSET, JA, RET = 0x20, 0x15, 0x35, 0x45, 0x05, 0x06


def numbers(table):
    text = open(HEADERS % table).read()
    found = re.findall(r"#define __NR_(\w+) (?:(\d+)|\(__X32_SYSCALL_BIT \+ (\d+)\))$", text, re.M)
    return {name: int(n or x) for name, n, x in found}


def verdicts(profile, table):
    """Number -> verdict: a return value, or the name of a block that looks at the arguments."""
    by_name = {}
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            if rule.get("args"):
                assert name in ("personality", "clone"), name
                verdict = name
            elif rule["action"] == "SCMP_ACT_ALLOW":
                verdict = ALLOW
            else:
                verdict = 0x00050000 | rule["errnoRet"]
            assert by_name.get(name, verdict) == verdict, name
            by_name[name] = verdict
    known = numbers(table)
    return {known[name]: verdict for name, verdict in by_name.items() if name in known}


def ranges(by_number):
    """[(first number, verdict)], merged; above the newest known call: ENOSYS, not EPERM."""
    last, out = max(by_number), []
    for nr in range(last + 1):
        verdict = by_number.get(nr, EPERM)
        if not out or out[-1][1] != verdict:
            out.append((nr, verdict))
    return out + [(last + 1, ENOSYS)]


class Program:
    """Built from its end towards its beginning, since BPF jumps only forward and by 255 at most.

    A place is an instruction's distance from the end. `ret` is shared by all who can reach it.
    """

    def __init__(self):
        self.code, self.places = [], {}

    def put(self, *instruction):
        self.code.append(instruction)
        return len(self.code) - 1

    def jump(self, op, value, then, otherwise):
        """A test whose two ways are places."""
        here = len(self.code)
        assert here - min(then, otherwise) - 1 <= 255
        return self.put(op, here - then - 1, here - otherwise - 1, value)

    def near(self, verdict, margin=2):
        """A place with this verdict that the next instructions can reach."""
        place = self.places.get(verdict)
        if place is None or len(self.code) + margin - place - 1 > 255:
            if isinstance(verdict, str):
                place = self.put(JA, 0, 0, len(self.code) - place - 1)
            else:
                place = self.put(RET, 0, 0, verdict)
            self.places[verdict] = place
        return place

    def tree(self, rs):
        """The place where the search through these ranges begins, or their one verdict."""
        if len(rs) == 1:
            return rs[0][1]
        middle = len(rs) // 2
        right, left = self.tree(rs[middle:]), self.tree(rs[:middle])
        ways = [w[1] if isinstance(w, tuple) else self.near(w) for w in (right, left)]
        return ("at", self.jump(JGE, rs[middle][0], *ways))

    def clone(self, namespaces):
        test = (self.near(EPERM), self.near(ALLOW))
        self.jump(JSET, namespaces, *test)
        self.places["clone"] = self.put(LD, 0, 0, LD_ARG0_LO)

    def personality(self, allowed):
        allow, deny = self.near(ALLOW), self.near(EPERM)
        miss = deny
        for value in allowed:
            miss = self.jump(JEQ, value, allow, miss)
        low = self.put(LD, 0, 0, LD_ARG0_LO)
        self.jump(JEQ, 0, low, deny)
        self.places["personality"] = self.put(LD, 0, 0, LD_ARG0_HI)


def offset(rs, base):
    return [(first + base, verdict) for first, verdict in rs]


def program(profile):
    rules = {name: [r["args"][0]["value"] for r in profile["syscalls"] if r["names"] == [name] and r.get("args")]
             for name in ("clone", "personality")}
    p = Program()
    p.clone(rules["clone"][0])
    p.personality(rules["personality"])
    _, x86 = p.tree(ranges(verdicts(profile, "32")))
    assert x86 == len(p.code) - 1, "a load falls through to what was put before it"
    i386 = p.put(LD, 0, 0, LD_NR)
    other = p.jump(JEQ, 0x40000003, i386, p.near(KILL))
    _, x32 = p.tree(offset(ranges(verdicts(profile, "x32")), X32))
    _, x64 = p.tree(ranges(verdicts(profile, "64")))
    p.jump(JGE, X32, x32, x64)
    native = p.put(LD, 0, 0, LD_NR)
    if len(p.code) - other > 255:
        other = p.put(JA, 0, 0, len(p.code) - other - 1)
    p.jump(JEQ, 0xC000003E, native, other)
    p.put(LD, 0, 0, LD_ARCH)
    return p.code[::-1]


def run(code, arch, nr, arg0):
    data = {LD_NR: nr, LD_ARCH: arch, LD_ARG0_LO: arg0 & 0xFFFFFFFF, LD_ARG0_HI: arg0 >> 32}
    a = at = 0
    while True:
        op, jt, jf, k = code[at]
        at += 1
        if op == RET:
            return k
        if op == LD:
            a = data[k]
        elif op == JA:
            at += k
        else:
            at += jt if {JEQ: a == k, JGE: a >= k, JSET: a & k}[op] else jf


def check(profile, code):
    for table, arch, base in (("64", 0xC000003E, 0), ("x32", 0xC000003E, X32), ("32", 0x40000003, 0)):
        by_number = verdicts(profile, table)
        for nr in range(1200):
            want = by_number.get(nr, EPERM if nr <= max(by_number) else ENOSYS)
            for arg0 in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF, 0x1FFFFFFFF, 1, 0x1200011, 0x10000000, 0x10000000A):
                expect = want
                if want == "clone":
                    expect = EPERM if arg0 & 0x7E020000 else ALLOW
                elif want == "personality":
                    expect = ALLOW if arg0 in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF) else EPERM
                got = run(code, arch, nr + base, arg0)
                assert got == expect, (table, nr, hex(arg0), hex(got))
    assert run(code, 0xC00000B7, 0, 0) == KILL


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    profile = json.load(open(here + "/../configs/engine.json"))["linux"]["seccomp"]
    code = program(profile)
    check(profile, code)
    print("/* Written by filter.py from ../configs/engine.json: x86_64, x32 and i386,")
    print(" * %d instructions. */" % len(code))
    print("static const struct sock_filter filter[] = {")
    for op, jt, jf, k in code:
        print("\t{0x%02x, %d, %d, 0x%08x}," % (op, jt, jf, k))
    print("};")
    print("%d instructions" % len(code), file=sys.stderr)


main()
