#!/bin/sh
# Builds the Debian package, target/debian/steadfast_*.deb. Needs `cargo install cargo-deb`.
set -e
cd "$(dirname "$0")/.."
cargo build --locked --profile dist
made=target/packaging
rm -rf "$made"
mkdir -p "$made"
target/dist/steadfast man --folder "$made/man"
for shell in bash fish zsh; do
    target/dist/steadfast completions "$shell" > "$made/completions.$shell"
done
cargo deb --locked --no-build --profile dist
