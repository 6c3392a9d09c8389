# What the tests say, shortened for somebody who watches: a line for each suite, and all that went wrong.
{ sub(/\r$/, "") }
/^@boot /  { printf "vm-test:   up after %s s\n", $2; fflush(); next }
/^@suite / { suite = $2; printf "vm-test:   %s\n", suite; fflush(); next }
/^@end /   { suite = ""; next }
/^test .* \.\.\. FAILED/ { printf "vm-test:     FAILED %s\n", $2; fflush() }
/^failures:$/ { failing = 1 }
/^test result:/ { failing = 0; printf "vm-test:     %s\n", $0; fflush() }
failing { print; fflush() }
