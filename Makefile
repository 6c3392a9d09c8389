# onggi: make help

SHELL := /bin/sh
CARGO ?= cargo
PREFIX ?= /usr/local
DESTDIR ?=
BUNDLE ?= hello

# .cargo/config.toml names the target ("this machine"), so builds go to target/<triple>/.
TARGET := $(or $(CARGO_TARGET_DIR),target)
HOST := $(or $(CARGO_BUILD_TARGET),$(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p'),$(shell uname -m)-unknown-linux-gnu)
# The program is built with musl's C library, which starts a quarter of a millisecond sooner than glibc's; with glibc's where
# rustc has no other and rustup can't get it. Asked anew at each use, for the rule `musl` changes the answer.
MUSL := $(shell uname -m)-unknown-linux-musl
LIBC = $(or $(CARGO_BUILD_TARGET),$(if $(shell ls "$$(rustc --print target-libdir --target $(MUSL) 2>/dev/null)"/libstd-* 2>/dev/null),$(MUSL)),$(HOST))
# Leads to what was built last: who installs it may have no rustc that says for which C library.
BIN := $(TARGET)/bin/onggi
UID := $(shell id -u)
GID := $(shell id -g)

# What the tests use besides cargo and cc: COMMAND-or-FILE:DEBIAN-PACKAGE.
NEEDS := runc:runc crun:crun strace:strace newuidmap:uidmap busybox:busybox-static /usr/include/seccomp.h:libseccomp-dev
# The notes of tests that were skipped, see tests/support/world.rs.
SKIPPED := $(TARGET)/$(HOST)/tmp/skipped

.DEFAULT_GOAL := help
.PHONY: help build musl run bundles test test-release needs vm-test bench order engines-test golden fmt lint install clean cargo

help: ## say what can be made
	@echo 'onggi, an OCI container runtime for Linux'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'The program is built to $(TARGET)/$(LIBC)/release; $(BIN) leads there.'

build: cargo musl ## build the program, as it is released
	$(CARGO) build --release --bin onggi --target $(LIBC)
	@mkdir -p $(TARGET)/bin && ln -sf ../$(LIBC)/release/onggi $(BIN)

# Tried once: without the network it can't be had, and glibc's does as well.
musl:
	@[ '$(LIBC)' = '$(HOST)' ] && [ '$(HOST)' != '$(MUSL)' ] && [ -z '$(CARGO_BUILD_TARGET)' ] && [ ! -e $(TARGET)/no-musl ] || exit 0; \
	echo 'make: getting musl for a program that starts sooner: rustup target add $(MUSL)'; \
	command -v rustup >/dev/null && timeout 120 rustup --quiet target add $(MUSL) && exit 0; \
	mkdir -p $(TARGET) && touch $(TARGET)/no-musl; \
	echo 'make: it could not be had, so the program is built with glibc (to try again: rm $(TARGET)/no-musl)'

run: build ## run a bundle, hello unless BUNDLE=NAME says else (bundles/README.md lists them); as root or as you are
	@set -e; bundle='$(BUNDLE)'; folder=bundles/$$bundle; \
	if [ '$(UID)' != 0 ] && [ $$bundle = hello ]; then \
		echo 'make: you are not root, so this is the bundle rootless: hello in a user namespace'; bundle=rootless; \
	fi; \
	[ -f bundles/$$bundle/config.json ] || { echo "make: there is no bundles/$$bundle" >&2; exit 1; }; \
	$(MAKE) --silent bundle-$$bundle; \
	if [ $$bundle = rootless ] && [ '$(UID)' != 0 ]; then folder=$(TARGET)/bundles/rootless; fi; \
	echo '$(BIN)' run --bundle $$folder make-$$bundle-$$$$; \
	exec $(BIN) run --bundle $$folder make-$$bundle-$$$$

# --- the bundles' root file systems ---------------------------------------------------------

bundles: $(addprefix bundle-,hello shell limits rootless seccomp hooks) ## fill in the bundles' root file systems

.PHONY: $(addprefix bundle-,hello shell limits rootless seccomp hooks)
bundle-hello: bundles/hello/rootfs/hello
bundle-limits: bundles/limits/rootfs/hello
bundle-rootless: bundles/rootless/rootfs/hello
	@# The mapping is the caller's own ids: the one that an ordinary user may always make.
	@mkdir -p $(TARGET)/bundles/rootless
	@sed -e 's|"path": "rootfs"|"path": "$(CURDIR)/bundles/rootless/rootfs"|' -e '/"uidMappings"/s/"hostID": 1000/"hostID": $(UID)/' -e '/"gidMappings"/s/"hostID": 1000/"hostID": $(GID)/' \
		bundles/rootless/config.json > $(TARGET)/bundles/rootless/config.json
bundle-shell: bundles/shell/rootfs/bin/busybox
bundle-seccomp: bundles/seccomp/rootfs/bin/busybox
bundle-hooks: bundles/hooks/rootfs/bin/busybox

bundles/%/rootfs/hello: $(TARGET)/bundles/hello
	@mkdir -p $(addprefix $(@D)/,dev proc sys tmp)
	@cp $< $@

# Straight from rustc: it uses nothing but std, and cargo would first build what the tests depend on.
$(TARGET)/bundles/hello: bundles/hello/hello.rs
	@$(MAKE) --no-print-directory cargo
	@mkdir -p $(@D)
	rustc --edition 2024 -O -C target-feature=+crt-static -C panic=abort -C strip=symbols -o $@ $<

bundles/%/rootfs/bin/busybox: $(TARGET)/busybox/unpacked/bin/busybox
	@mkdir -p $(addprefix bundles/$*/rootfs/,bin dev etc proc root sys tmp)
	@echo 'root:x:0:0:root:/root:/bin/sh' > bundles/$*/rootfs/etc/passwd
	@echo 'root:x:0:' > bundles/$*/rootfs/etc/group
	@for applet in $$($< --list); do ln -sf busybox bundles/$*/rootfs/bin/$$applet; done; rm -f $@ && cp $< $@

$(TARGET)/busybox/unpacked/bin/busybox:
	@command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { \
		echo 'make: this bundle takes busybox from Debian and needs apt-get and dpkg-deb, which are not here.' >&2; \
		echo 'make: put any static busybox at $@ instead.' >&2; exit 1; }
	@rm -rf $(TARGET)/busybox && mkdir -p $(TARGET)/busybox
	@cd $(TARGET)/busybox && apt-get -qq -o APT::Sandbox::User= download busybox-static || { \
		echo 'make: busybox-static could not be downloaded; perhaps run "apt-get update" as root first.' >&2; exit 1; }
	@cd $(TARGET)/busybox && dpkg-deb -x busybox-static_*.deb unpacked
	@# In /bin or in /usr/bin, as the release has it.
	@mkdir -p $(@D); busybox=$$(find $(TARGET)/busybox/unpacked -path '*/bin/busybox' -type f); \
		[ "$$busybox" -ef $@ ] || cp "$$busybox" $@

# --- tests ----------------------------------------------------------------------------------

test: cargo needs ## run all tests that this machine allows; as root all of them
	@rm -f $(SKIPPED)
	@# What tests/fault runs; here, so that no test has to wait for it.
	$(CARGO) build --quiet --bin onggi --features fault --target-dir $(TARGET)/fault
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -ex; $(CARGO) nextest run; $(CARGO) test --doc; \
	else \
		set -ex; $(CARGO) test; \
	fi
	@if [ -s $(SKIPPED) ]; then \
		echo; echo "make: $$(wc -l < $(SKIPPED)) test(s) were SKIPPED, wholly or in part:"; sort $(SKIPPED) | uniq -c; \
		[ '$(UID)' = 0 ] || echo 'make: as root more of them run: sudo env PATH="$$PATH" make test'; \
	fi

test-release: build needs ## run the tests from inside against the program as it is released
	ONGGI_BIN='$(abspath $(BIN))' $(CARGO) test --test life --test security --test cli

needs: ## install what the tests use (Debian, root), or say what to install
	@missing=; for need in $(NEEDS); do \
		what=$${need%%:*}; \
		[ -e "$$what" ] || PATH="$$PATH:/usr/sbin:/sbin" command -v "$$what" >/dev/null || missing="$$missing $${need##*:}"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if ! command -v apt-get >/dev/null; then \
		echo "make: some tests will be skipped: this machine lacks (names of Debian's packages):$$missing" >&2; \
	elif [ '$(UID)' != 0 ]; then \
		echo "make: some tests will be skipped. For all of them: sudo apt-get install --no-install-recommends$$missing" >&2; \
	else \
		echo "make: installing$$missing"; export DEBIAN_FRONTEND=noninteractive; \
		apt='apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'; install="$$apt install -y --no-install-recommends$$missing"; \
		{ $$install || { $$apt update && $$install; }; } >/dev/null || \
		echo "make: apt-get could not install$$missing; the tests that use them will be skipped" >&2; \
	fi

vm-test: cargo ## run tests in a virtual machine with every cgroup controller (Debian, root); ARGS="limits memory"
	@CARGO='$(CARGO)' tests/vm/run $(ARGS)

bench: build needs ## race onggi against crun, runc and the floor (root); ARGS="--quick", "--only exec", "--engines"
ifeq ($(filter --engines,$(ARGS)),)
	ONGGI_BIN='$(abspath $(BIN))' $(CARGO) bench --bench race --profile dev -- $(ARGS)
else
	@# Through docker, podman and ctr: each runtime 100 containers one after the other, and 100 eight at a time.
	tests/engines/packages
	ONGGI_BIN='$(abspath $(BIN))' $(CARGO) test --test engines -- --speed $(if $(filter --quick,$(ARGS)),16,100) $(filter-out --quick --engines,$(ARGS))
endif

order: cargo ## lay out anew which functions stand side by side in the program (root; minutes)
	CARGO_PROFILE_RELEASE_STRIP=none $(CARGO) build --release --bin onggi --target $(LIBC) --target-dir $(TARGET)/order
	unshare -m tests/bench/order/order.py $(TARGET)/order/$(LIBC)/release/onggi

engines-test: build ## drive onggi from Docker, Podman, containerd, CRI and a swarm (root); ARGS="--all" for every row
	tests/engines/packages
	@# Without a mirror the row that runs a whole Debian is skipped, but not in CI.
	debian=$$(tests/engines/debian $(TARGET)/engines) || [ -z "$$ONGGI_ENGINES_REQUIRED" ] && \
	ONGGI_DEBIAN="$$debian" ONGGI_BIN='$(abspath $(BIN))' $(CARGO) test --test engines -- $(ARGS)

golden: cargo ## write the golden files anew; then look at the difference
	INSTA_UPDATE=always $(CARGO) test
	@git status --short -- tests src bundles || true

fmt: cargo ## format the source
	$(CARGO) fmt

lint: cargo ## check the format, and clippy with warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

# --- install --------------------------------------------------------------------------------

install: ## install the program, its manual and completions: PREFIX=/usr/local, DESTDIR=
	@if command -v $(CARGO) >/dev/null; then $(MAKE) --no-print-directory build; \
	elif [ -x $(BIN) ]; then echo 'make: cargo is not on PATH; installing what was built before'; \
	else echo 'make: nothing is built yet: run "make build" first, as the user who has cargo' >&2; exit 1; fi
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/onggi
	@rm -rf $(TARGET)/install && mkdir -p $(TARGET)/install/man
	$(BIN) generate man $(TARGET)/install/man
	@set -e; for page in $(TARGET)/install/man/*.[1-8]; do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	@set -e; complete() { \
		$(BIN) generate completions $$1 > $(TARGET)/install/$$1; \
		install -D -m 644 $(TARGET)/install/$$1 $(DESTDIR)$(PREFIX)/share/$$2; }; \
	complete bash bash-completion/completions/onggi; \
	complete zsh zsh/site-functions/_onggi; \
	complete fish fish/vendor_completions.d/onggi.fish
	@echo 'make: installed below $(DESTDIR)$(PREFIX)'

clean: ## remove what was built, the bundles' root file systems too
	rm -rf $(addsuffix /rootfs,$(wildcard bundles/*))
	@if command -v $(CARGO) >/dev/null; then $(CARGO) clean; else rm -rf $(TARGET); fi

cargo:
	@command -v $(CARGO) >/dev/null || { \
		echo 'make: cargo is not on PATH. It comes with Rust, from the distribution or by rustup.' >&2; \
		[ -z "$$SUDO_USER" ] || echo 'make: sudo gives root a PATH of its own; keep yours: sudo env PATH="$$PATH" make' '$(MAKECMDGOALS)' >&2; \
		exit 1; }
	@command -v cc >/dev/null || { echo 'make: there is no C compiler driver "cc" to link with; on Debian: apt-get install gcc libc6-dev' >&2; exit 1; }
