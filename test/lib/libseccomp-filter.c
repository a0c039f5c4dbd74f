/*
 * What libseccomp makes of a policy, as BPF on standard output: the peer of src/security/seccomp-compile.ts. The policy
 * comes as lines on standard input, values in decimal, actions as SECCOMP_RET_ numbers:
 *
 *   default ACTION      arch NAME (x86_64, x86, x32, aarch64, arm; the first before any rule)
 *   rule ACTION NAME [INDEX OPERATOR VALUE VALUE2]…      operators by their number in enum scmp_compare
 *
 * On standard error: `newest ARCH NUMBER`, the highest call number that a rule names; `unknown NAME` for what this library
 * is too old for. Usage: libseccomp-filter OPTIMIZE (1 by priority, 2 binary tree)
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static scmp_filter_ctx filter;
static uint32_t archs[8];
static int newest[8], arch_count;
static char arch_names[8][64];

static void die(const char *what, int result)
{
	fprintf(stderr, "libseccomp-filter: %s: %s\n", what, strerror(-result));
	exit(1);
}

static void add_arch(const char *name)
{
	uint32_t arch = seccomp_arch_resolve_name(name);
	int result;

	if (arch_count == 0 && arch != seccomp_arch_native()) {
		seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
		result = seccomp_arch_add(filter, arch);
	} else {
		result = arch == seccomp_arch_native() ? 0 : seccomp_arch_add(filter, arch);
	}
	if (result != 0)
		die(name, result);
	snprintf(arch_names[arch_count], sizeof arch_names[0], "%s", name);
	newest[arch_count] = -1;
	archs[arch_count++] = arch;
}

static void add_rule(uint32_t action, const char *name, char *rest)
{
	struct scmp_arg_cmp args[6];
	unsigned count = 0;
	int number = seccomp_syscall_resolve_name(name), result;
	unsigned long long value, other;
	int index, operator, used;

	if (number == __NR_SCMP_ERROR) {
		fprintf(stderr, "unknown %s\n", name);
		return;
	}
	while (sscanf(rest, "%d %d %llu %llu%n", &index, &operator, &value, &other, &used) == 4) {
		args[count++] = (struct scmp_arg_cmp){ index, operator, value, other };
		rest += used;
	}
	for (int i = 0; i < arch_count; i++) {
		int here = seccomp_syscall_resolve_name_arch(archs[i], name);

		if (here > newest[i] && (here & 0xfff0000) != 0xf0000)
			newest[i] = here;
	}
	result = seccomp_rule_add_array(filter, action, number, count, args);
	if (result != 0)
		die(name, result);
}

int main(int argc, char **argv)
{
	char line[1024], name[64];
	unsigned action;
	int used, result;

	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "default %u", &action) == 1) {
			filter = seccomp_init(action);
			seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, argc > 1 ? atoi(argv[1]) : 1);
		} else if (sscanf(line, "arch %63s", name) == 1) {
			add_arch(name);
		} else if (sscanf(line, "rule %u %63s%n", &action, name, &used) == 2) {
			add_rule(action, name, line + used);
		}
	}
	for (int i = 0; i < arch_count; i++)
		fprintf(stderr, "newest %s %d\n", arch_names[i], newest[i]);
	result = seccomp_export_bpf(filter, 1);
	if (result != 0)
		die("export", result);
	return 0;
}
