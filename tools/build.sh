#!/bin/sh
# Build the server and say how far it is: a first build compiles some 1,720
# packages, which takes minutes, and silence for minutes looks like a hang.
#
# usage: tools/build.sh OUTPUT LDFLAGS
set -eu
[ $# -eq 2 ] || { echo "usage: $0 OUTPUT LDFLAGS" >&2; exit 2; }

packages=$(go list -deps ./cmd/touchline)
total=$(echo "$packages" | wc -l)
tty=0
[ -t 2 ] && tty=1
status=$(mktemp)
trap 'rm -f "$status"' EXIT INT TERM

# The exit status of go build would be lost in the pipe, so it goes through a file.
{
	rc=0
	CGO_ENABLED=0 go build -v ${BUILD_FLAGS:-} -ldflags "$2" -o "$1" ./cmd/touchline 2>&1 || rc=$?
	echo "$rc" >"$status"
} | awk -v total="$total" -v tty="$tty" '
	# go build -v prints one import path a line; everything else is a message for the reader.
	/^[A-Za-z0-9][^ :]*$/ {
		n++
		if (tty) printf "\rbuilding… %d of ~%d packages", n, total
		else if (n == 1 || n % 100 == 0) printf "building… %d of ~%d packages\n", n, total
		fflush()
		next
	}
	{ if (tty && n) printf "\r\033[K"; print; fflush() }
	END { if (tty && n) printf "\r\033[K"; if (n) printf "built: %d packages compiled\n", n }
' >&2
exit "$(cat "$status")"
