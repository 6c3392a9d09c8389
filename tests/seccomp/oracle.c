/*
 * A second opinion: reads a profile, line by line, and writes the filter that libseccomp makes of it.
 *
 *   default ACTION                       what no rule covers; first line
 *   optimize LEVEL                       SCMP_FLTATR_CTL_OPTIMIZE
 *   arch TOKEN                           beside the native one
 *   rule ACTION NAME [INDEX OP A B]...   unknown names are passed over
 *
 * Numbers are decimal. With the argument "names" it writes every name that libseccomp has for any of
 * the architectures given after it.
 */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int rc, const char *what) {
    if (rc < 0 && rc != -EEXIST) {
        fprintf(stderr, "%s: %s\n", what, strerror(-rc));
        exit(1);
    }
}

static void add_rule(scmp_filter_ctx ctx, char *words) {
    struct scmp_arg_cmp tests[6];
    unsigned count = 0;
    uint32_t action = strtoul(strtok(words, " \n"), NULL, 10);
    const char *name = strtok(NULL, " \n");
    char what[128];
    snprintf(what, sizeof what, "rule on %s", name);
    for (char *word; (word = strtok(NULL, " \n")) != NULL && count < 6; count++) {
        tests[count].arg = strtoul(word, NULL, 10);
        tests[count].op = strtoul(strtok(NULL, " \n"), NULL, 10);
        tests[count].datum_a = strtoull(strtok(NULL, " \n"), NULL, 10);
        tests[count].datum_b = strtoull(strtok(NULL, " \n"), NULL, 10);
    }
    int number = seccomp_syscall_resolve_name(name);
    if (number != __NR_SCMP_ERROR)
        check(seccomp_rule_add_array(ctx, action, number, count, tests), what);
}

static int names(int count, char **tokens) {
    for (int i = 0; i < count; i++) {
        uint32_t token = strtoul(tokens[i], NULL, 10);
        for (int number = 0; number < 600; number++) {
            char *name = seccomp_syscall_resolve_num_arch(token, number | (token == SCMP_ARCH_X32 ? 0x40000000 : 0));
            if (name != NULL)
                puts(name);
            free(name);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    char line[1024];
    scmp_filter_ctx ctx = NULL;
    if (argc > 1 && strcmp(argv[1], "names") == 0)
        return names(argc - 2, argv + 2);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "default ", 8) == 0) {
            ctx = seccomp_init(strtoul(line + 8, NULL, 10));
            check(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "badarch");
        } else if (strncmp(line, "optimize ", 9) == 0) {
            check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, strtoul(line + 9, NULL, 10)), "optimize");
        } else if (strncmp(line, "arch ", 5) == 0) {
            check(seccomp_arch_add(ctx, strtoul(line + 5, NULL, 10)), line);
        } else if (strncmp(line, "rule ", 5) == 0) {
            add_rule(ctx, line + 5);
        }
    }
    check(seccomp_export_bpf(ctx, 1), "export");
    seccomp_release(ctx);
    return 0;
}
