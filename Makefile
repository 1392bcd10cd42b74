# `make` alone lists what there is.
PYTHON ?= python3
PORT ?= 8000
EXAMPLES ?= 1000
export PORT
BIN := .venv/bin

# The schema and the types do not depend on secrets; Django wants one all the same.
BARE := PUBLIC_URL=http://127.0.0.1:8000 SECRET_KEY=none
# With extras, or pip takes a newer release of what another asks for with one, and finds no hash.
LOCK := --quiet --universal --no-strip-extras --generate-hashes --no-annotate --no-header --python-version 3.11

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test script attack fuzz clients audit bench schema release screenshots lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/run .venv/static ## set up and serve on 127.0.0.1:PORT (8000)
	@$(BIN)/python -m project.run

dev: .venv/run ## serve with reload and DEBUG on, once `make run` has set up
	@DEBUG=1 PUBLIC_URL=http://127.0.0.1:$(PORT) $(BIN)/python manage.py runserver $(PORT)

test: .venv/dev .venv/static .venv/node ## set up, then run everything that must hold
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/bandit --quiet --severity-level medium --recursive project authapi schema
	$(BARE) $(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory script
	$(BIN)/pytest
	$(BIN)/coverage report --include='authapi/*,project/*,schema/*' --fail-under=100 --skip-covered
	$(BIN)/pytest --quiet --no-cov -m 'proof and not clients'

script: .venv/node ## check the types of the docs page's JavaScript and test it
	@test ! -d node_modules || { npm run --silent check && npm test --silent; }

attack: .venv/dev .venv/static ## try to break in, over HTTP, and print what was tried
	$(BIN)/pytest --quiet --no-cov -m proof tests/test_attacks_*.py

fuzz: .venv/dev .venv/static ## try EXAMPLES (1000) odd requests of each kind, which takes minutes
	$(BIN)/pytest --no-cov --numprocesses=0 --capture=no -m proof tests/test_fuzz.py --examples $(EXAMPLES)

clients: .venv/dev .venv/node .venv/static ## generate, compile and run a client in each language; print a table
	CI=true $(BIN)/pytest --no-cov --numprocesses=0 --tb=short -m '' tests/test_clients.py

schema: .venv/dev ## write schema/openapi.yaml
	$(BARE) $(BIN)/python manage.py spectacular --skip-checks --validate --file schema/openapi.yaml

release: ## call schema/openapi.yaml the released one, which later changes must not break
	cp schema/openapi.yaml schema/released.yaml

audit: .venv/dev ## ask PyPI whether an advisory is open for what is pinned; needs the network
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

bench: .venv/dev .venv/static ## time the profile while logins storm in
	$(BIN)/python -m tests.bench

screenshots: .venv/dev .venv/static ## take the README's pictures anew
	$(BIN)/pytest --no-cov --numprocesses=0 -m proof tests/test_docs_looks.py --screenshots .screenshots
	cp .screenshots/docs*.png schema/

lock: .venv/dev ## compile the pinned requirements from pyproject.toml
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --group dev pyproject.toml -o requirements-dev.lock

clean: ## remove what the others made, but for .env and the database
	rm -rf .venv node_modules staticfiles .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'authapi: $(PYTHON) is not Python 3.11 or later. Install it, or name one: make PYTHON=python3.12'; \
		exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo 'authapi: Python has no venv here. On Debian: apt-get install python3-venv'; exit 1; }
	@touch $@

# pip shows no progress when it is quiet: say what takes the time.
.venv/run: .venv/made requirements.lock
	@echo 'Installing requirements.lock (about half a minute)'
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/dev: .venv/made requirements-dev.lock
	@echo 'Installing requirements-dev.lock (about a minute)'
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ .venv/run

# No scripts: what the tools bring along would tell its makers of the installation.
.venv/node: .venv/made package-lock.json
	@if command -v npm >/dev/null; then echo 'Installing package-lock.json'; \
		npm ci --silent --ignore-scripts --no-audit --no-fund && touch $@; \
	elif [ -n "$$CI" ]; then echo 'authapi: npm is missing, and CI demands it'; exit 1; \
	else echo 'authapi: no npm here, so what needs it is skipped'; fi

.venv/static: .venv/run requirements.lock project/static.py $(shell find schema/static -type f)
	@echo 'Compressing static files'
	@$(BARE) $(BIN)/python manage.py collectstatic --skip-checks --noinput --clear --verbosity 0
	@touch $@
