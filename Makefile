# The commands of this repository. Each installs what it needs (Debian) and does nothing twice.
.DEFAULT_GOAL := help
.PHONY: help build run test bench soak fuzz install uninstall deb clean format lint vm

PREFIX ?= /usr
DESTDIR ?=

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## Build the release programs into bin/
	@scripts/prerequisites build
	@scripts/build

run: ## Run the demo: pods of examples/ under a scratch root (VM=1: in the virtual machine)
	@scripts/prerequisites build run $(if $(VM),vm)
	@scripts/run $(if $(VM),--vm)

test: ## Run all tests, the privileged ones natively and in the virtual machine
	@scripts/prerequisites build run test
	@scripts/test

bench: ## Measure pod start, memory, probes, networks and image import beside other programs
	@scripts/prerequisites build run bench
	@scripts/bench
	@scripts/bench-probes
	@scripts/bench-cni
	@scripts/bench-images

soak: ## Run the end-to-end tests and power cuts again and again (SOAK_MINUTES, 30)
	@scripts/prerequisites build run test
	@scripts/soak

fuzz: ## Look for inputs that break the readers of bytes from outside (FUZZ_SECONDS each, 600)
	@scripts/prerequisites build
	@scripts/fuzz --seconds $(or $(FUZZ_SECONDS),600)

install: build ## Install programs, units and manual pages (PREFIX, DESTDIR)
	@scripts/install install "$(DESTDIR)" "$(PREFIX)"

uninstall: ## Remove what install put there; pods, images and logs stay
	@scripts/install uninstall "$(DESTDIR)" "$(PREFIX)"

deb: build ## Build the Debian package dist/swiftlet_<version>_<arch>.deb
	@scripts/prerequisites deb
	@scripts/deb

format: ## Format the sources in place
	@swift format -i -r -p Package.swift Sources cni-plugins Tests Benchmarks

lint: ## Check the format strictly
	@swift format lint -s -r -p Package.swift Sources cni-plugins Tests Benchmarks

vm: ## Build the test virtual machine
	@scripts/prerequisites vm
	@scripts/vm build

clean: ## Remove what was built (the cache folder stays)
	rm -rf .build bin dist
