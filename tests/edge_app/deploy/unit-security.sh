#!/bin/sh
# Prints how systemd rates the sandbox of the unit, and of which unit: docs/evidence/unit-security.txt is this output.
set -eu
unit=$(dirname "$0")/../../../edge_app/deploy/cxr-edge.service
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed -e "s|@PREFIX@|/opt/cxr-edge|g" -e "s|@DATA@|/var/lib/cxr-edge|g" -e "s|@USER@|cxr-edge|g" \
    "$unit" >"$folder/cxr-edge.service"
echo "cxr-edge.service, SHA-256 $(sha256sum "$unit" | cut -d' ' -f1)"
systemd-analyze --version | head -1
LC_ALL=C.UTF-8 systemd-analyze security --no-pager --offline=true "$folder/cxr-edge.service" | sed 's/ *$//'
