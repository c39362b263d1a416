# Builds, installs and checks cacd and cacctl. `make help` lists what there is.

PREFIX     ?= /usr
SYSCONFDIR ?= /etc
DESTDIR    ?=
CARGO      ?= cargo
# release, or debug for a quick look.
PROFILE    ?= release

BUILT    := $(or $(CARGO_TARGET_DIR),target)/$(PROFILE)
BIN      := $(DESTDIR)$(PREFIX)/bin
LIB      := $(DESTDIR)$(PREFIX)/lib
SHARE    := $(DESTDIR)$(PREFIX)/share
ETC      := $(DESTDIR)$(SYSCONFDIR)/cacd
CARGO_PROFILE := $(if $(filter debug,$(PROFILE)),dev,$(PROFILE))
MONITORING := $(shell test ! -d systemd/monitoring || find systemd/monitoring -type f)
SAMPLES  := $(wildcard systemd/portals.d/*.sample)

# Debian's zsh looks here, others' in $(SHARE)/zsh/site-functions.
ZSH_COMPLETIONS ?= $(SHARE)/zsh/vendor-completions

# What makes packages of what `make install` brings.
CARGO_DEB := 3.8.0
CARGO_GENERATE_RPM := 0.21.1
# Of the packages; that of the workspace if not set.
VERSION  ?=
export MAINTAINER

.PHONY: all install uninstall deb rpm packages deps demo pictures recording guide test test-system kills lint verify-unit bench soak fuzz fuzz-screens fuzz-seeds clean help

all: ## build both programs
	$(CARGO) build --locked --profile $(CARGO_PROFILE) -p cacd -p cacctl

install: ## install what was built (DESTDIR=, PREFIX=/usr)
	@test -x $(BUILT)/cacd -a -x $(BUILT)/cacctl || \
		{ echo "nothing is built in $(BUILT): run make first" >&2; exit 1; }
	install -D -m 0755 $(BUILT)/cacd $(BIN)/cacd
	install -D -m 0755 $(BUILT)/cacctl $(BIN)/cacctl
	install -d $(LIB)/systemd/system
	sed 's|/usr/bin/cacd|$(PREFIX)/bin/cacd|' systemd/cacd.service > $(LIB)/systemd/system/cacd.service
	chmod 0644 $(LIB)/systemd/system/cacd.service
	install -m 0644 systemd/cacd.socket $(LIB)/systemd/system/cacd.socket
	install -D -m 0644 systemd/cacd.catalog $(LIB)/systemd/catalog/cacd.catalog
	install -d $(LIB)/systemd/user
	sed 's|/usr/bin/cacctl|$(PREFIX)/bin/cacctl|' systemd/cacctl-agent.service > $(LIB)/systemd/user/cacctl-agent.service
	chmod 0644 $(LIB)/systemd/user/cacctl-agent.service
	install -D -m 0644 systemd/cacd.sysusers $(LIB)/sysusers.d/cacd.conf
	install -D -m 0644 systemd/cacd.tmpfiles $(LIB)/tmpfiles.d/cacd.conf
	@# polkitd reads a file of this name the moment that it is there, perhaps before it may, and then no more.
	install -D -m 0644 systemd/cacd.rules $(SHARE)/polkit-1/rules.d/.50-cacd.new
	mv -f $(SHARE)/polkit-1/rules.d/.50-cacd.new $(SHARE)/polkit-1/rules.d/50-cacd.rules
	install -D -m 0644 systemd/cacd.toml $(SHARE)/doc/cacd/cacd.toml
	install -m 0644 systemd/cacd-session.rules $(SHARE)/doc/cacd/
	install -m 0644 $(wildcard docs/*.md) $(SHARE)/doc/cacd/
	install -d $(SHARE)/doc/cacd/examples
	install -m 0644 systemd/examples/* $(SHARE)/doc/cacd/examples/
	for file in $(MONITORING); do install -D -m 0644 $$file $(SHARE)/doc/cacd/$${file#systemd/} || exit; done
	install -d $(SHARE)/doc/cacd/schema
	install -m 0644 tui/schema/*.json $(SHARE)/doc/cacd/schema/
	install -d $(SHARE)/doc/cacd/guide
	install -m 0644 docs/guide/*.md $(SHARE)/doc/cacd/guide/
	install -m 0644 LICENSE LICENSE-MIT LICENSE-APACHE $(SHARE)/doc/cacd/
	install -d -m 0755 $(ETC)/portals.d $(ETC)/trust/anchors
	@# What an administrator changed stays.
	test -e $(ETC)/cacd.toml || install -m 0644 systemd/cacd.toml $(ETC)/cacd.toml
	$(if $(SAMPLES),install -m 0644 $(SAMPLES) $(ETC)/portals.d/)
	install -d $(SHARE)/man/man1
	$(BUILT)/cacctl man $(SHARE)/man/man1
	install -D -m 0644 systemd/cacd.8 $(SHARE)/man/man8/cacd.8
	install -d $(SHARE)/bash-completion/completions $(ZSH_COMPLETIONS) $(SHARE)/fish/vendor_completions.d
	$(BUILT)/cacctl completions bash > $(SHARE)/bash-completion/completions/cacctl
	$(BUILT)/cacctl completions zsh > $(ZSH_COMPLETIONS)/_cacctl
	$(BUILT)/cacctl completions fish > $(SHARE)/fish/vendor_completions.d/cacctl.fish
ifeq ($(DESTDIR),)
	@bash scripts/after-install
endif

uninstall: ## take it away again; configuration and database stay
ifeq ($(DESTDIR),)
	@if test -d /run/systemd/system; then systemctl disable --now cacd.socket cacd.service || true; fi
endif
	rm -f $(BIN)/cacd $(BIN)/cacctl
	rm -f $(LIB)/systemd/system/cacd.service $(LIB)/systemd/system/cacd.socket $(LIB)/systemd/catalog/cacd.catalog
	rm -f $(LIB)/systemd/user/cacctl-agent.service $(LIB)/sysusers.d/cacd.conf $(LIB)/tmpfiles.d/cacd.conf
	rm -f $(SHARE)/polkit-1/rules.d/50-cacd.rules
	rm -f $(SHARE)/man/man1/cacctl.1 $(SHARE)/man/man1/cacctl-*.1 $(SHARE)/man/man8/cacd.8
	rm -f $(SHARE)/bash-completion/completions/cacctl $(ZSH_COMPLETIONS)/_cacctl
	rm -f $(SHARE)/fish/vendor_completions.d/cacctl.fish
	rm -rf $(SHARE)/doc/cacd
ifeq ($(DESTDIR),)
	rm -rf /run/cacd
	@# What says that the service has stopped would be told as a fault for ever.
	sed -n 's|^[[:space:]]*textfile[[:space:]]*=[[:space:]]*"\(/.*\.prom\)".*|\1|p' $(ETC)/cacd.toml 2>/dev/null | xargs -r rm -f
	@if test -d /run/systemd/system; then systemctl daemon-reload && journalctl --update-catalog; fi
endif
	@echo "$(ETC) and $(DESTDIR)/var/lib/cacd are left, and so are the user cacd and the group cacd-admin. Whoever has the agent running: systemctl --user disable --now cacctl-agent"

deb: ## a package for Debian and Ubuntu, in target/package (PROFILE=, VERSION=)
	@PROFILE=$(PROFILE) BUILT=$(BUILT) VERSION=$(VERSION) TOOL=$(CARGO_DEB) MAKE="$(MAKE)" bash scripts/package deb

rpm: ## a package for Fedora and its family, in target/package (PROFILE=, VERSION=)
	@PROFILE=$(PROFILE) BUILT=$(BUILT) VERSION=$(VERSION) TOOL=$(CARGO_GENERATE_RPM) MAKE="$(MAKE)" bash scripts/package rpm

packages: ## both, judged by lintian and rpm
	@bash scripts/deps lintian rpm
	@$(MAKE) --no-print-directory deb rpm
	@bash scripts/verify-packages

deps: ## install the packages that building and testing need (Debian, Ubuntu)
	@bash scripts/deps

demo: deps ## a pretend card, a pretend portal and the dashboard
	@echo "Building first; the first time that takes some minutes."
	@$(CARGO) build --locked -p cacd -p cacctl -p cac-tests --bin cacd --bin cacctl --bin demo
	@$(CARGO) run -q --locked -p cac-tests --bin demo

pictures: ## draw the screens in docs/pictures anew; as root, needs fonts-dejavu-core, and pip install pillow resvg-py
	@$(CARGO) build --locked -p cacd -p cacctl
	@bash scripts/pictures

recording: ## record docs/recording.cast anew; as root, for a host name of nobody's
	@$(CARGO) build --locked -p cacd -p cacctl
	@bash scripts/recording

guide: ## write docs/guide anew from what the programs say
	@UPDATE_DOCS=1 $(CARGO) test -q --locked -p cacctl --test guide

test: deps ## every test but test-system's, the scenarios over the whole included
	@# The scenarios run these two; built here, their building is seen.
	$(CARGO) build --locked -p cacd -p cacctl
	@CARGO="$(CARGO)" bash scripts/run-tests
	$(CARGO) test --locked --workspace --doc

test-system: ## scenarios on a Debian 13 in a container with its own systemd, as root
	@bash scripts/deps mmdebstrap debian-archive-keyring systemd-container
	@bash scripts/system-root
	@# The scenarios install these two; built here, their building is seen.
	$(CARGO) build --locked -p cacd -p cacctl
	@CARGO="$(CARGO)" bash scripts/run-tests 's[0-9]*' --ignored

# How often, and which moments; the test prints the seed that it takes where none is named.
KILLS ?= 1000
SEED  ?=

kills: deps ## kill a busy daemon at moments that a seed chooses (KILLS=1000 SEED=7), some 1 s each
	@# The scenario runs these two; built here, their building is seen.
	$(CARGO) build --locked -p cacd -p cacctl
	KILLS=$(KILLS) SEED=$(SEED) $(CARGO) test --locked -p cac-tests --test s92_killed_at_any_moment -- --nocapture

lint: ## formatting and lints, as strictly as CI
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

verify-unit: ## install into a scratch folder and let systemd judge the unit
	@PROFILE=$(PROFILE) BUILT=$(BUILT) MAKE="$(MAKE)" bash scripts/verify-unit

# What is measured is what ships.
bench: deps ## what a card costs cacd, and OpenSC, curl and yubico-piv-tool; what the dashboard costs
	@$(CARGO) run -q --locked --release -p cac-tests --bin bench

# How long the soak lasts; SEED= plays the same again.
MINUTES ?= 60

soak: deps ## cacd under a card a second, failing portals and clients that come and go (MINUTES=60, SEED=)
	@$(CARGO) run -q --locked --release -p cac-tests --bin soak -- --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# How long each fuzz target runs.
SECONDS ?= 60

fuzz: ## every parser of bytes from outside under libFuzzer (SECONDS=60, TARGETS="tlv chuid")
	@SECONDS_EACH=$(SECONDS) bash tests/fuzz/run $(TARGETS)

fuzz-screens: ## random keys, resizes and pictures through the dashboard (SECONDS=60)
	CACCTL_FUZZ_SECONDS=$(SECONDS) $(CARGO) test -q --locked -p cacctl --lib fuzz -- --nocapture

fuzz-seeds: ## make what fuzzing begins with anew
	@$(CARGO) run -q --locked -p cac-tests --bin fuzz-seeds

clean: ## delete what was built
	$(CARGO) clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
