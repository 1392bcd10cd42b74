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
.PHONY: .venv/run .venv/dev .venv/static .venv/node

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
	$(BIN)/pytest --no-cov --numprocesses=0 -m proof --screenshots .screenshots \
		tests/test_docs_looks.py tests/test_building.py
	cp .screenshots/docs*.png schema/

lock: .venv/dev ## compile the pinned requirements from pyproject.toml
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --group dev pyproject.toml -o requirements-dev.lock

clean: ## remove what the others made, but for .env and the database
	rm -rf .lock .venv node_modules staticfiles .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache

# The set-up does not rely on times, so that it notices a folder that was moved: project/install.py
# skips what is done, and lets one make at a time do it.
.venv/run .venv/dev .venv/static .venv/node:
	@for python in $(BIN)/python '$(PYTHON)'; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
			exec $$python -m project.install $(@F); \
	done; \
	echo 'authapi: $(PYTHON) is not Python 3.11 or later. Install it, or name one: make PYTHON=python3.12' >&2; \
	exit 1
