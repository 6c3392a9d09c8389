/* The device rules of both configs as one eBPF program: deny all, allow mknod and the standard
 * devices. bpf_cgroup_dev_ctx is { u32 access << 16 | type; u32 major; u32 minor }. */
#ifndef DEVICES_H
#define DEVICES_H

#include <linux/bpf.h>
#include "sys.h"

#define LOAD(to, offset) {BPF_LDX | BPF_W | BPF_MEM, to, BPF_REG_1, offset, 0}
#define AND(reg, value) {BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, value}
#define EQUAL(reg, value, skip) {BPF_JMP | BPF_JEQ | BPF_K, reg, 0, skip, value}
#define OTHER(reg, value, skip) {BPF_JMP | BPF_JNE | BPF_K, reg, 0, skip, value}
#define ABOVE(reg, value, skip) {BPF_JMP | BPF_JGT | BPF_K, reg, 0, skip, value}
#define RETURN(value) {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}

enum { KIND = BPF_REG_2, MAJOR = BPF_REG_4, MINOR = BPF_REG_5, ACCESS = BPF_REG_3 };

static const struct bpf_insn device_rules[] = {
	LOAD(ACCESS, 0),
	LOAD(MAJOR, 4),
	LOAD(MINOR, 8),
	EQUAL(ACCESS, BPF_DEVCG_ACC_MKNOD << 16 | BPF_DEVCG_DEV_CHAR, 15), /* c *:* m */
	EQUAL(ACCESS, BPF_DEVCG_ACC_MKNOD << 16 | BPF_DEVCG_DEV_BLOCK, 14), /* b *:* m */
	AND(ACCESS, 0xffff),
	OTHER(ACCESS, BPF_DEVCG_DEV_CHAR, 10),
	EQUAL(MAJOR, 136, 11), /* c 136:* rwm: pty peers */
	OTHER(MAJOR, 1, 5),
	EQUAL(MINOR, 3, 9), /* null */
	EQUAL(MINOR, 5, 8), /* zero */
	EQUAL(MINOR, 7, 7), /* full */
	EQUAL(MINOR, 8, 6), /* random */
	EQUAL(MINOR, 9, 5), /* urandom */
	OTHER(MAJOR, 5, 2),
	ABOVE(MINOR, 2, 1),
	EQUAL(MAJOR, 5, 2), /* tty, console, ptmx */
	RETURN(0),
	RETURN(1),
};

/* Loads the program and ties it to the cgroup. The kernel gets a whole, zeroed attribute: some
 * versions write past a short one. */
static inline void guard_devices(int cgroup)
{
	static union {
		union bpf_attr attr;
		char whole[256];
	} load, attach;

	load.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	load.attr.insns = (uintptr_t)device_rules;
	load.attr.insn_cnt = sizeof device_rules / sizeof *device_rules;
	load.attr.license = (uintptr_t)"Apache-2.0";
	attach.attr.target_fd = (uint32_t)cgroup;
	attach.attr.attach_bpf_fd = (uint32_t)sys(bpf, BPF_PROG_LOAD, &load, sizeof load);
	attach.attr.attach_type = BPF_CGROUP_DEVICE;
	attach.attr.attach_flags = BPF_F_ALLOW_MULTI;
	must("device program", sys(bpf, BPF_PROG_ATTACH, &attach, sizeof attach));
}

#endif
