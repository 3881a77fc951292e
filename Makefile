# Run `make help` for the list of targets.

GO ?= go
export CGO_ENABLED ?= 0

# Nothing of this is needed to build; a clone without git says "unknown".
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
# The date of the commit, not of the build, so that two builds of one commit are the same bytes.
BUILD_DATE ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d-%H:%M:%S 2>/dev/null || echo unknown)

VERSION_PACKAGE = github.com/prometheus/common/version
LDFLAGS = -s -w -buildid= \
	-X touchline.dev/touchline/internal/selfmon.Version=$(VERSION) \
	-X $(VERSION_PACKAGE).Version=$(VERSION) \
	-X $(VERSION_PACKAGE).Revision=$(REVISION) \
	-X $(VERSION_PACKAGE).Branch=$(BRANCH) \
	-X $(VERSION_PACKAGE).BuildDate=$(BUILD_DATE)

# Arguments for `make run`, such as ARGS="--web.listen-address=127.0.0.1:7171".
ARGS ?=
# The packages that `make race` covers: those with goroutines of their own.
RACE_PACKAGES ?= ./internal/...
# How long `make fuzz` runs each target.
FUZZTIME ?= 10s
# Where the upstream's own programs are built, outside the repository so that a clean clone finds them again.
ORACLE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/touchline-oracle
DIST_ARCHES = amd64 arm64
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# $(call tagged,TAG) lists the packages that have tests behind a build tag.
tagged = $(sort $(addprefix ./,$(dir $(shell grep -rl --include='*_test.go' '^//go:build $(1)$$' cmd internal stack test tools 2>/dev/null))))

# The packages whose tests run over each kind of state database.
STATE_PACKAGES = $(sort $(addprefix ./,$(dir $(shell grep -rl --include='*_test.go' 'internal/state/statetest"' internal 2>/dev/null))))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What the console is built of; without Node, PLAIN=1 builds a server with the plain pages only.
PLAIN ?=
UI_SOURCES = $(shell find ui/src ui/public ui/index.html ui/package.json ui/package-lock.json ui/vite.config.ts ui/tsconfig.json -type f 2>/dev/null)

ui/node_modules/.package-lock.json: ui/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { echo 'the console needs Node.js 20.19 or newer with npm; install it, or build without the console: make build PLAIN=1' >&2; exit 2; }
	cd ui && npm ci --no-audit --no-fund
	@touch $@

ui/dist/console/index.html: ui/node_modules/.package-lock.json $(UI_SOURCES)
	cd ui && npm run --silent build
	@touch $@

.PHONY: ui
ui: $(if $(PLAIN),,ui/dist/console/index.html) ## build the console into ui/dist (needs Node.js; PLAIN=1 does without)

.PHONY: test-ui
test-ui: ui ## test the console's code
	$(if $(PLAIN),,cd ui && npm run --silent test)

.PHONY: build
build: ui ## build bin/touchline (the first build takes 3 to 5 minutes and shows its progress)
	@mkdir -p bin
	@tools/build.sh bin/touchline '$(LDFLAGS)'

.PHONY: run
run: build ## build and run the server on http://127.0.0.1:7070 (ARGS="--flag=value" passes flags)
	bin/touchline run $(ARGS)

.PHONY: test
test: test-ui ## vet and test everything; needs Go and Node.js only
	$(GO) vet ./...
	$(GO) test ./...

# How many histories `make property` compares with Prometheus's own rule manager, and from which seed.
HISTORIES ?= 100000
SEED ?= 1
# Many small processes' worth of garbage and journals: collect seldom, and sync to memory where there is some.
FAST_TEST = GOGC=400 TMPDIR="$$(test -w /dev/shm && echo /dev/shm || echo "$${TMPDIR:-/tmp}")"

.PHONY: property
property: ## histories of samples, ticks, reloads and restarts beside Prometheus's own rule manager: HISTORIES=N SEED=N
	@echo "$(HISTORIES) histories from seed $(SEED)"
	$(GO) test -c -o bin/rules.test ./internal/rules
	cd internal/rules && $(FAST_TEST) ../../bin/rules.test -test.timeout=6h -test.run=TestArrivalIsPrometheusSooner -histories=$(HISTORIES) -seed=$(SEED)

.PHONY: bench-detection
bench-detection: ## how soon faults are told, beside today's Prometheus and Alertmanager, into bench/RESULTS.md
	$(MAKE) bench BENCH=-only=detection

.PHONY: race
race: ## run the tests of our packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 15m $(RACE_PACKAGES)
	CGO_ENABLED=1 $(GO) test -race -c -o bin/rules.race.test ./internal/rules
	cd internal/rules && $(FAST_TEST) ../../bin/rules.race.test -test.timeout=15m -test.run=TestArrivalIsPrometheusSooner -histories=500 -seed=300000

.PHONY: oracle
oracle: ## build today's promtool, amtool, prometheus and alertmanager into ORACLE=DIR
	test/oracle/build.sh "$(ORACLE)"

.PHONY: fixtures
fixtures: oracle ui ## compare our verdicts with promtool's and amtool's over real files: FIXTURES=DIR
	@test -n "$(FIXTURES)" || { echo 'name the folder: make fixtures FIXTURES=DIR' >&2; exit 2; }
	@test -d "$(FIXTURES)" || { echo 'make fixtures: $(FIXTURES) is not a folder' >&2; exit 2; }
	$(GO) test -count=1 -timeout 20m -tags fixtures -v ./test/fixtures -fixtures="$(abspath $(FIXTURES))" -promtool="$(ORACLE)/promtool" -amtool="$(ORACLE)/amtool"
	cd ui && FIXTURES="$(abspath $(FIXTURES))" npm run --silent test:fixtures
	$(GO) test -count=1 -timeout 10m -v -tags fixtures ./test/football -fixtures="$(abspath $(FIXTURES))"

.PHONY: drawn
drawn: build ## open real dashboards in Chromium and hold what they show against known values: FIXTURES=DIR, QUICK=1
	@test -n "$(FIXTURES)" || { echo 'name the folder: make drawn FIXTURES=DIR' >&2; exit 2; }
	@test -d "$(FIXTURES)" || { echo 'make drawn: $(FIXTURES) is not a folder' >&2; exit 2; }
	$(FAST_TEST) $(GO) test -count=1 -timeout 60m -tags fixtures -v -run TestDrawn ./test/drawn -fixtures="$(abspath $(FIXTURES))" -touchline="$(CURDIR)/bin/touchline" $(if $(QUICK),-every=8)

.PHONY: e2e
e2e: build oracle ## end-to-end tests with the real process, Debian's and today's Prometheus and Alertmanager, and PostgreSQL
	@test -n "$(call tagged,e2e)" || { echo 'make e2e: no package has tests behind the build tag e2e' >&2; exit 2; }
	TOUCHLINE_BINARY="$(CURDIR)/bin/touchline" ORACLE="$(abspath $(ORACLE))" $(GO) test -tags e2e -count=1 -timeout 40m $(call tagged,e2e) $(STATE_PACKAGES)

.PHONY: conformance
conformance: build oracle ## ask our binary and today's Prometheus and Alertmanager the same questions, compare the answers
	$(GO) test -tags conformance -c -o bin/conformance.test ./test/conformance
	bin/conformance.test -test.timeout=15m -touchline="$(CURDIR)/bin/touchline" -prometheus="$(ORACLE)/prometheus" -alertmanager="$(ORACLE)/alertmanager" -promtool="$(ORACLE)/promtool" -amtool="$(ORACLE)/amtool"

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s), one after the other
	@failed=0; \
	for file in $$(grep -rl --include='*_test.go' '^func Fuzz' cmd internal stack test tools); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || failed=1; \
		done; \
	done; exit $$failed

# Flags of the benchmark, such as BENCH="-only=idle"; QUICK=1 makes a small run that is printed and not kept.
BENCH ?=
QUICK ?=

.PHONY: bench
bench: build ## measure beside Debian's and today's programs into bench/RESULTS.md (BENCH="-only=idle", QUICK=1)
	test/oracle/build.sh "$(ORACLE)" prometheus
	$(GO) run ./bench -commit="$(VERSION)" -prometheus="$(ORACLE)/prometheus" $(if $(QUICK),-quick,-out=bench/RESULTS.md) $(BENCH)

# Flags of the benchmark of the console, such as CONSOLE="--quick" or CONSOLE="--only=wide".
CONSOLE ?=

.PHONY: bench-console
bench-console: build ## measure the console in Chromium: first pages, 30 panels, 6,000 series, 3,600 refreshes (CONSOLE="--quick")
	cd ui/bench && node console.mjs --commit="$(VERSION)" $(CONSOLE) "$(CURDIR)/bin/touchline"

.PHONY: lint
lint: ## run the linters, at the pinned version and by .golangci.yml
	$(GO) run $(GOLANGCI_LINT) run

.PHONY: notice
notice: build ## write NOTICE from the modules that are linked into the binary
	$(GO) run ./tools/notice -o NOTICE bin/touchline

.PHONY: notice-check
notice-check: build ## fail when NOTICE is not what `make notice` would write
	$(GO) run ./tools/notice -check -o NOTICE bin/touchline

.PHONY: dist
dist: ## static binaries for linux amd64 and arm64 in dist/, with checksums and SBOMs
	@mkdir -p dist
	@for arch in $(DIST_ARCHES); do \
		echo "dist/touchline-$(VERSION)-linux-$$arch"; \
		BUILD_FLAGS=-trimpath GOOS=linux GOARCH=$$arch tools/build.sh "dist/touchline-$(VERSION)-linux-$$arch" '$(LDFLAGS)' || exit 1; \
		GOOS= GOARCH= $(GO) run ./tools/sbom -o "dist/touchline-$(VERSION)-linux-$$arch.cdx.json" "dist/touchline-$(VERSION)-linux-$$arch" || exit 1; \
	done
	@cd dist && sha256sum touchline-$(VERSION)-linux-* >SHA256SUMS && cat SHA256SUMS

# What builds the image, its options, and the image's name and processor.
IMAGE_BUILDER ?= $(firstword $(foreach b,buildah podman docker,$(if $(shell command -v $(b)),$(b))))
IMAGE_FLAGS ?= $(if $(filter docker,$(notdir $(firstword $(IMAGE_BUILDER)))),,--format=docker)
IMAGE ?= touchline:$(VERSION)
IMAGE_ARCH ?= $(shell $(GO) env GOARCH)
CA_CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt

.PHONY: image
image: ## a container image of the static binary; nothing is pulled (needs buildah, podman or docker)
	@test -n "$(IMAGE_BUILDER)" || { echo 'make image: install buildah, podman or docker' >&2; exit 2; }
	@test -r "$(CA_CERTIFICATES)" || { echo 'make image: no $(CA_CERTIFICATES); install ca-certificates, or name the file: CA_CERTIFICATES=FILE' >&2; exit 2; }
	rm -rf dist/image
	mkdir -p dist/image/data dist/image/root/tmp dist/image/root/etc/ssl/certs
	chmod 1777 dist/image/root/tmp
	BUILD_FLAGS=-trimpath GOOS=linux GOARCH=$(IMAGE_ARCH) tools/build.sh dist/image/root/touchline '$(LDFLAGS)'
	cp $(CA_CERTIFICATES) dist/image/root/etc/ssl/certs/ca-certificates.crt
	cp LICENSE NOTICE dist/image/root/
	$(IMAGE_BUILDER) build $(IMAGE_FLAGS) --platform=linux/$(IMAGE_ARCH) -t $(IMAGE) -f deploy/Containerfile .

.PHONY: clean
clean: ## remove bin/ and dist/
	rm -rf bin dist
