#!/usr/bin/env bash
# Runs all programs of the comparison on LinuxCNC and prints predicted and measured times and places. Takes as long as
# the programs do, about seventeen minutes.
set -euo pipefail
cd "$(dirname "$0")/../../.."
COSIM_LINUXCNC_ALL=true cargo test --release -p scenarios --no-default-features --test linuxcnc -- --nocapture
