# `make` without a target lists the targets.
PYTHON ?= python3
PORT ?= 8000
EXAMPLES ?= 1000
export PORT
BIN := .venv/bin

# The schema and the type check do not depend on secrets, but Django requires one.
BARE := PUBLIC_URL=http://127.0.0.1:8000 SECRET_KEY=none
# Keep extras. Without them, pip could select a newer release that has no hash here.
LOCK := --quiet --universal --no-strip-extras --generate-hashes --no-annotate --no-header --python-version 3.11

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test test-postgresql test-scale script mutants attack fuzz clients conformance audit
.PHONY: bench bench-gate schema requirements release screenshots lock clean
.PHONY: .venv/run .venv/dev .venv/static .venv/node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: .venv/run .venv/static ## set up and serve on 127.0.0.1:PORT (8000)
	@$(BIN)/python -m project.run

dev: .venv/run ## serve with reload and DEBUG on (run `make run` once before)
	@DEBUG=1 PUBLIC_URL=http://127.0.0.1:$(PORT) $(BIN)/python manage.py runserver $(PORT)

test: .venv/dev .venv/static .venv/node ## set up, then run all linters, type checks and tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/bandit --quiet --severity-level medium --recursive project authapi schema
	$(BARE) $(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory script
	$(BIN)/pytest
	$(BIN)/coverage report --include='authapi/*,project/*,schema/*' --fail-under=100 --skip-covered
	$(BIN)/pytest --quiet --no-cov -m 'proof and not clients'

test-postgresql: .venv/dev .venv/static ## run the tests that query a database on the PostgreSQL at 127.0.0.1:5432
	DATABASE_URL=postgresql://postgres@127.0.0.1:5432/postgres \
		$(BIN)/pytest --quiet --no-cov -m 'database and not (clients or proof or scale)'

script: .venv/node ## check the types of the docs page's JavaScript and test it
	@test ! -d node_modules || { npm run --silent check && npm test --silent; }

test-scale: .venv/dev .venv/static ## break PostgreSQL, Redis and workers under three instances (ROW=3: one row)
	$(BIN)/pytest --quiet --no-cov --numprocesses=0 --capture=no --tb=short -m scale $(if $(ROW),-k row_$(ROW)_) tests/scale

mutants: .venv/dev .venv/static ## change the code on purpose and print what no test notices; SINCE=commit, ONLY=paths
	@$(BIN)/python -m tests.mutants $(if $(SINCE),--since $(SINCE)) $(ONLY)

attack: .venv/dev .venv/static ## run the attacks over HTTP against a running service, and print a summary
	$(BIN)/pytest --quiet --no-cov -m proof tests/test_attacks_*.py

fuzz: .venv/dev .venv/static ## send EXAMPLES (1000) generated requests to each operation; takes minutes
	$(BIN)/pytest --no-cov --numprocesses=0 --capture=no -m proof tests/test_fuzz.py --examples $(EXAMPLES)

clients: .venv/dev .venv/node .venv/static ## generate, compile and run a client in each language, and print a table
	CI=true $(BIN)/pytest --no-cov --numprocesses=0 --tb=short -m '' tests/test_clients.py

conformance: .venv/dev ## test refresh tokens over HTTP, beside simplejwt's; MUTANTS=1 removes our guards in turn
	@$(BIN)/python -m tests.conformance$(if $(MUTANTS),.mutants)

schema: .venv/dev ## write schema/openapi.yaml
	$(BARE) $(BIN)/python manage.py spectacular --skip-checks --validate --file schema/openapi.yaml

requirements: .venv/dev ## write into SECURITY.md which tests prove which section of a standard
	@$(BIN)/python -m tests.requirements

release: ## mark schema/openapi.yaml as released; later changes must be compatible with it
	cp schema/openapi.yaml schema/released.yaml

audit: .venv/dev ## check the pinned requirements for known vulnerabilities; needs the network
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

bench: .venv/dev .venv/static ## measure speed beside other systems, print tables and draw tests/bench/bench.svg
	@$(BIN)/python -m tests.bench all

bench-gate: .venv/dev .venv/static ## count the instructions of each request and compare them with their bounds
	@$(BIN)/python -m tests.bench gate

screenshots: .venv/dev .venv/static ## take the README's screenshots again
	$(BIN)/pytest --no-cov --numprocesses=0 -m proof --screenshots .screenshots \
		tests/test_docs_looks.py tests/test_building.py
	cp .screenshots/docs*.png schema/

lock: .venv/dev ## compile the pinned requirements from pyproject.toml
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --group dev pyproject.toml -o requirements-dev.lock

clean: ## remove everything that the other targets create, except .env and the database
	rm -rf .bench .lock .venv node_modules staticfiles .coverage* .hypothesis .fermut .mypy_cache .pytest_cache .ruff_cache

# The set-up does not rely on timestamps, so that it notices a moved folder: project/install.py skips
# finished steps, and lets only one make run at a time.
.venv/run .venv/dev .venv/static .venv/node:
	@for python in $(BIN)/python '$(PYTHON)'; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
			exec $$python -m project.install $(@F); \
	done; \
	echo 'authapi: $(PYTHON) is not Python 3.11 or later. Install it, or specify one: make PYTHON=python3.12' >&2; \
	exit 1
