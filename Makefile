.DEFAULT_GOAL := help
.PHONY: help run test check generate bench audit clean-data


help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## installs, starts the servers, builds, serves the demo clinic; Ctrl-C stops it all
	@scripts/run

test: ## every test, against servers of its own (ARGS go to cargo test)
	@scripts/test

check: ## format, lints, generated files
	cargo fmt --all --check
	@scripts/install build
	cargo clippy --workspace --all-targets -- -D warnings
	cargo run -q --bin carelog -- generate --check

generate: ## writes the generated files anew
	@scripts/install build
	cargo run -q --bin carelog -- generate

bench: ## the benchmarks, against servers of their own (ARGS go to the program)
	@scripts/bench

audit: ## licences, sources and bans of every dependency
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check --hide-inclusion-graph licenses sources bans

clean-data: ## deletes every server's data, kept jars aside
	@for folder in data data/test data/bench; do CARELOG_DATA=$$folder scripts/servers erase || exit 1; done
	@rm -rf data/keys data/tiles data/test data/bench
