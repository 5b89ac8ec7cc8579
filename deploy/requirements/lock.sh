#!/usr/bin/env bash
# Pins every dependency with hashes, one file per extra, all from one resolution. The files name no host.
# Run `make lock` after changing pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet uv
compile() {
  "$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
compile pyproject.toml --all-extras -o "$scratch/all.txt"
for extra in service monolith cli demo tracing load dev ship ha docs fuzz audit; do
  compile pyproject.toml --extra "$extra" -c "$scratch/all.txt" -o "$scratch/$extra.txt"
  cp "$scratch/$extra.txt" "deploy/requirements/$extra.txt"
done
echo 'setuptools>=80' | compile - -o "$scratch/build.txt"
cp "$scratch/build.txt" deploy/requirements/build.txt
