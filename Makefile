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
# Where the upstream's own programs are built, outside the repository so that a clean clone finds them again.
ORACLE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/touchline-oracle
DIST_ARCHES = amd64 arm64
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# $(call tagged,TAG) lists the packages that have tests behind a build tag.
tagged = $(sort $(addprefix ./,$(dir $(shell grep -rl --include='*_test.go' '^//go:build $(1)$$' cmd internal stack test tools 2>/dev/null))))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/touchline (the first build takes 3 to 5 minutes and shows its progress)
	@mkdir -p bin
	@tools/build.sh bin/touchline '$(LDFLAGS)'

.PHONY: run
run: build ## build and run the server on http://127.0.0.1:7070 (ARGS="--flag=value" passes flags)
	bin/touchline run $(ARGS)

.PHONY: test
test: ## vet and test everything; needs Go only
	$(GO) vet ./...
	$(GO) test ./...

.PHONY: race
race: ## run the tests of our packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 15m $(RACE_PACKAGES)

.PHONY: oracle
oracle: ## build today's promtool, amtool, prometheus and alertmanager into ORACLE=DIR
	test/oracle/build.sh "$(ORACLE)"

.PHONY: fixtures
fixtures: oracle ## compare our verdicts with promtool's and amtool's over real files: FIXTURES=DIR
	@test -n "$(FIXTURES)" || { echo 'name the folder: make fixtures FIXTURES=DIR' >&2; exit 2; }
	@test -d "$(FIXTURES)" || { echo 'make fixtures: $(FIXTURES) is not a folder' >&2; exit 2; }
	$(GO) test -count=1 -timeout 20m -tags fixtures -v ./test/fixtures -fixtures="$(abspath $(FIXTURES))" -promtool="$(ORACLE)/promtool" -amtool="$(ORACLE)/amtool"
	$(GO) test -count=1 -timeout 10m -v -tags fixtures ./test/football -fixtures="$(abspath $(FIXTURES))"

.PHONY: e2e
e2e: build ## end-to-end tests with the real process and the real promtool and amtool
	@test -n "$(call tagged,e2e)" || { echo 'make e2e: no package has tests behind the build tag e2e' >&2; exit 2; }
	TOUCHLINE_BINARY="$(CURDIR)/bin/touchline" TOUCHLINE_ORACLE="$(ORACLE)" $(GO) test -tags e2e -count=1 -timeout 20m $(call tagged,e2e)

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

.PHONY: clean
clean: ## remove bin/ and dist/
	rm -rf bin dist
