#!/bin/sh
# Build the upstream servers and their checkers at the versions that go.mod pins.
# They are the oracles and peers of the conformance runs: what they accept is
# good, what they refuse is bad.
#
# usage: test/oracle/build.sh DIR [NAME ...]
# Writes DIR/promtool, DIR/amtool, DIR/prometheus and DIR/alertmanager, or only
# the named ones. The sources are copied to DIR/src because the module cache is
# read-only and the upstream workspace files must not take part.
set -eu

if [ $# -lt 1 ]; then
	echo "usage: $0 DIR [promtool|amtool|prometheus|alertmanager ...]" >&2
	exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- promtool amtool prometheus alertmanager

cd "$(dirname "$0")/../.."
export CGO_ENABLED=0

# copy_module PATH: copy a module that go.mod pins, prints the copy's folder.
copy_module() {
	info=$(go list -m -f '{{.Path}} {{.Version}}' "$1")
	go mod download "$1"
	dir=$(go list -m -f '{{.Dir}}' "$1")
	copy="$out/src/$(basename "$1")@${info#* }"
	if [ ! -e "$copy/.complete" ]; then
		rm -rf "$copy"
		mkdir -p "$out/src"
		cp -r "$dir" "$copy"
		chmod -R u+w "$copy"
		rm -f "$copy/go.work" "$copy/go.work.sum"
		touch "$copy/.complete"
	fi
	echo "$copy"
}

# Every discovery plugin but nomad, whose module the proxy does not serve.
discovery_tags() {
	tags=remove_all_sd
	for f in "$1"/plugins/plugin_*.go; do
		name=$(basename "$f" .go)
		name=${name#plugin_}
		[ "$name" = nomad ] || tags="$tags,enable_${name}_sd"
	done
	echo "$tags"
}

for name in "$@"; do
	case $name in
	promtool | prometheus)
		src=$(copy_module github.com/prometheus/prometheus)
		(cd "$src" && GOWORK=off go build -mod=mod -trimpath -tags "$(discovery_tags "$src")" -o "$out/$name" "./cmd/$name")
		;;
	amtool | alertmanager)
		src=$(copy_module github.com/prometheus/alertmanager)
		# The module does not carry the built user interface that the server embeds.
		mkdir -p "$src/ui/app/dist"
		[ -e "$src/ui/app/dist/index.html" ] || echo '<!doctype html>' >"$src/ui/app/dist/index.html"
		(cd "$src" && GOWORK=off go build -mod=mod -trimpath -o "$out/$name" "./cmd/$name")
		;;
	*)
		echo "$0: no such program: $name" >&2
		exit 2
		;;
	esac
	echo "$out/$name"
done
