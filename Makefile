# `make` alone lists the targets.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
DEVSTACK := $(BIN)/python -m devstack
# Starts real PostgreSQL and RabbitMQ servers on free ports and removes them afterwards. Inside
# another such call, or if the URLs of all three are set, the existing servers are used.
WITH_SERVERS := $(DEVSTACK) exec --fast --
# Settings need addresses. Nothing answers at these, so a test that needs a server fails.
WITHOUT_SERVERS := EVENT_DATABASE_URL=postgresql://127.0.0.1:9/event \
	BOOKING_DATABASE_URL=postgresql://127.0.0.1:9/booking \
	RABBITMQ_URL=amqp://127.0.0.1:9/ $(DEVSTACK) exec --
AS_DEPLOYED := DEBUG=false AUTH_MODE=jwt JWT_ISSUER=https://issuer.example JWT_AUDIENCE=reservations \
	JWT_JWKS_URL=https://issuer.example/jwks.json ALLOWED_HOSTS=tickets.example HSTS_SECONDS=31536000 \
	TRUSTED_PROXIES=1 TRUSTED_SCHEME_HEADER=X-Forwarded-Proto
OPENAPI := docs/openapi
SPECTACULAR := spectacular --validate --fail-on-warn
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url

# A tool in an environment of its own, which uv keeps.
TOOL := $(BIN)/uv tool run --quiet --from
# An environment with what the image has: nothing of the development tools.
SHIPPED := $(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python build/shipped && \
	$(BIN)/uv pip sync --quiet --python build/shipped/bin/python --require-hashes requirements.lock
# Those of our packages, as they spell them. The last two lines ask for something: LGPL and MPL packages
# must stay replaceable and unchanged, which they are as packages of their own.
LICENCES := MIT;MIT License;MIT-0;Public Domain;BSD License;BSD-2-Clause;BSD-3-Clause;3-Clause BSD License;PSF-2.0;MIT AND PSF-2.0;ZPL-2.1;Apache-2.0;\
Apache Software License;Apache-2.0 OR BSD-2-Clause;Apache-2.0 OR BSD-3-Clause;BSD 3-Clause OR Apache-2.0;Apache-2.0 AND BSD-2-Clause;\
LGPL-3.0-only;\
MPL-2.0 AND MIT;MPL-2.0 AND (Apache-2.0 OR MIT);Mozilla Public License 2.0 (MPL 2.0)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z%-]+:.*## / { sub("%", "PART", $$1); printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.venv/.installed: requirements-dev.lock .venv/bin/python
	@devstack/bootstrap.sh

# If .venv is missing, or links to a Python that was uninstalled, it is made again.
.venv/bin/python: ;

##@ Run everything on this machine
.PHONY: run start stop status logs monitor demo demo-data demo-sale clean admin manage-event manage-booking
run start: export CHECK_PORTS := 1
run: .venv/.installed ## start everything, show the logs, stop everything at Ctrl-C
	@$(DEVSTACK) run

start: .venv/.installed ## the same in the background
	@$(DEVSTACK) start

stop: .venv/.installed ## stop everything that runs in the background
	@$(DEVSTACK) stop

status: .venv/.installed ## show what is running, where and as which process
	@$(DEVSTACK) status

logs: .venv/.installed ## follow the logs of the services
	@$(DEVSTACK) logs

monitor: .venv/.installed ## start Prometheus beside it, with the alert rules of deploy/monitoring
	@$(DEVSTACK) monitor

demo: .venv/.installed ## a sale from start to end against the running services
	@$(BIN)/python -m devstack.demo

demo-data: .venv/.installed ## a season of events to look at; again, it doubles nothing
	@$(BIN)/python -m devstack.demo_data

demo-sale: .venv/.installed ## 300 guests book one event, to be watched on its live page (EVENT=7: this event)
	@$(BIN)/python -m devstack.demo_sale $(if $(EVENT),--event $(EVENT))

start-%: .venv/.installed ## start one part by its name in `make status`
	@$(DEVSTACK) start-part $*

stop-%: .venv/.installed ## stop one part until it is started again
	@$(DEVSTACK) stop-part $*

admin: .venv/.installed ## make a superuser in both services (ADMIN_USERNAME, ADMIN_PASSWORD; else it asks)
	@$(DEVSTACK) admin

manage-event: .venv/.installed ## run a management command of the event service (ARGS="outbox_status")
	@$(DEVSTACK) manage event -- $(ARGS)

manage-booking: .venv/.installed ## run a management command of the booking service (ARGS="dead_letters list")
	@$(DEVSTACK) manage booking -- $(ARGS)

.PHONY: cluster cluster-stop cluster-status
cluster: .venv/.installed ## start everything several times over, with failover, in the background (docs/cluster.md)
	@$(BIN)/python -m devstack.cluster start

cluster-stop: .venv/.installed ## stop all that `make cluster` started
	@$(BIN)/python -m devstack.cluster stop

cluster-status: .venv/.installed ## show what of the cluster runs, where, and who is the primary
	@$(BIN)/python -m devstack.cluster status

clean: ## stop everything, delete its data, .venv and caches
	@if [ -e .venv/.installed ]; then $(DEVSTACK) clean; $(BIN)/python -m devstack.cluster clean; fi
	@rm -rf build staticfiles clients/node_modules site/node_modules .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis .coverage*
	@find . -name __pycache__ -prune -exec rm -rf {} +

##@ Test
# Each suite starts its own servers, so that two can run side by side: the longest first. Servers
# that are given by URL are shared, so they take one suite at a time.
SUITES := test-end-to-end test-booking test-browser test-faults-short test-devstack test-deploy test-event test-pythons test-shared \
	test-proof-short test-unit test-fuzz-short migrations-check
TEST_JOBS := $(if $(EVENT_DATABASE_URL)$(BOOKING_DATABASE_URL)$(RABBITMQ_URL)$(CITUS_DATABASE_URL),1,2)

.PHONY: test lint reference-check types imports openapi-check deploy-check migrations-check test-pythons test-unit \
	test-integration test-shared test-event test-booking test-proof-short test-devstack test-deploy \
	test-api test-browser screenshots test-end-to-end test-fuzz-short test-fuzz test-proof test-faults-short test-faults \
	test-cluster-short test-cluster soak
test: lint types imports openapi-check deploy-check docs ## everything; the output of a suite appears when it ends
	@$(MAKE) --jobs=$(TEST_JOBS) --output-sync=target $(SUITES)

lint: .venv/.installed reference-check ## ruff: rules and format; reference-check
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

reference-check: .venv/.installed ## the generated pages of docs/ match the settings, metrics and commands
	@$(BIN)/python -m devstack.reference | diff -u docs/configuration.md - \
		|| { echo "docs/configuration.md does not match the settings: make reference"; exit 1; }
	@$(BIN)/python -m devstack.metrics_reference | diff -u docs/metrics.md - \
		|| { echo "docs/metrics.md does not match the code: make reference"; exit 1; }
	@$(BIN)/python -m devstack.commands | diff -u docs/commands.md - \
		|| { echo "docs/commands.md does not match the commands: make reference"; exit 1; }

types: .venv/.installed ## mypy: one run per project, because each has its own settings
	@DJANGO_SETTINGS_MODULE=event_project.settings $(WITHOUT_SERVERS) \
		$(BIN)/mypy --config-file pyproject.toml -p event_project -p shared -p devstack
	@DJANGO_SETTINGS_MODULE=booking_project.settings $(WITHOUT_SERVERS) \
		$(BIN)/mypy --config-file pyproject.toml -p booking_project -p bench

imports: .venv/.installed ## import-linter: the architecture
	@$(BIN)/lint-imports

test-pythons: .venv/.installed ## openapi-check and test-unit with every other Python from 3.11
	@$(BIN)/python -m devstack.pythons openapi-check test-unit

deploy-check: .venv/.installed ## check --deploy of both projects, set up as behind a proxy that terminates TLS
	@$(AS_DEPLOYED) $(WITHOUT_SERVERS) sh -ec '\
		for service in event booking; do \
			$(BIN)/python manage_$$service.py check --deploy --fail-level WARNING; \
		done'

migrations-check: .venv/.installed ## both projects: no model change without a migration, and none that stops a sale
	@$(WITH_SERVERS) sh -ec '\
		for service in event booking; do \
			$(BIN)/python manage_$$service.py makemigrations --check --dry-run; \
			DJANGO_SETTINGS_MODULE=$${service}_project.settings $(BIN)/python -m devstack.migrations; \
		done'

openapi-check: .venv/.installed ## the committed OpenAPI schemas match the code
	@$(WITHOUT_SERVERS) sh -ec '\
		for service in event booking; do \
			$(BIN)/python manage_$$service.py $(SPECTACULAR) \
				| diff -u $(OPENAPI)/$$service-service.yaml - \
				|| { echo "the schema of the $$service service is not the committed one: make openapi"; exit 1; }; \
		done'

test-unit: .venv/.installed ## tests that need no server
	@$(WITHOUT_SERVERS) sh -ec '\
		$(BIN)/pytest tests/shared/unit; \
		$(BIN)/pytest --ds event_project.settings tests/event/unit; \
		$(BIN)/pytest --ds booking_project.settings tests/booking/unit'

test-integration: test-shared test-event test-booking test-proof-short test-devstack ## tests on real servers

test-shared: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest tests/shared/integration

test-event: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest --ds event_project.settings tests/event/integration

test-booking: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest --ds booking_project.settings tests/booking/integration

test-proof-short: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest --ds booking_project.settings tests/proof

# Makes other targets, which have nothing to do with the jobs of this make.
test-devstack test-pythons: export MAKEFLAGS :=
test-devstack: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest tests/devstack

test-deploy: .venv/.installed ## what is in deploy/, in the programs that it is for
	@$(BIN)/python -m devstack.nginx
	@$(BIN)/python -m devstack.prometheus
	@$(MAKE) build/kubernetes-tools/.installed
	@$(WITH_SERVERS) $(BIN)/pytest tests/deploy

build/kubernetes-tools/.installed: deploy/kubernetes/tools.lock .venv/.installed
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python build/kubernetes-tools
	@$(BIN)/uv pip sync --quiet --python build/kubernetes-tools/bin/python --require-hashes deploy/kubernetes/tools.lock
	@touch $@

test-api: test-end-to-end test-fuzz-short ## both services as processes, over real HTTP

test-end-to-end: .venv/.installed
	@devstack/npm_install.sh clients || echo "so the tests of the TypeScript client and the Postman collection are skipped"
	@$(WITH_SERVERS) $(BIN)/pytest tests/end_to_end

test-browser: .venv/.installed ## the pages in a real Chromium
	@$(BIN)/python -m devstack.chromium
	@devstack/npm_install.sh site || echo "so the test of diagrams is skipped"
	@$(WITH_SERVERS) $(BIN)/pytest tests/browser

screenshots: .venv/.installed ## the same pages as pictures in docs/images
	@$(BIN)/python -m devstack.chromium
	@SCREENSHOTS=docs/images $(WITH_SERVERS) $(BIN)/pytest -q tests/browser/test_pages.py

test-fuzz-short: .venv/.installed
	@$(WITH_SERVERS) $(BIN)/pytest tests/fuzz -k open

test-fuzz: .venv/.installed ## thousands of requests made from the schemas, with and without tokens
	@FUZZ_EXAMPLES=500 FUZZ_PHASES=examples,coverage,fuzzing,stateful $(WITH_SERVERS) \
		$(BIN)/pytest tests/fuzz

test-faults-short: .venv/.installed ## kills, freezes and cuts: nothing acknowledged is lost (some minutes)
	@$(BIN)/python -m devstack.nginx
	@$(WITH_SERVERS) $(BIN)/pytest -m "not long_form" tests/faults

test-faults: .venv/.installed ## the same and more, with kills for five minutes (about 12 minutes)
	@$(BIN)/python -m devstack.nginx
	@FAULT_SECONDS=300 FAULT_RESULTS=tests/faults/results/latest.json $(WITH_SERVERS) \
		$(BIN)/pytest tests/faults

soak: .venv/.installed ## 20 minutes under load behind nginx, while each part and server is restarted (SOAK_SECONDS)
	@$(BIN)/python -m devstack.nginx
	@SOAK_SECONDS=$(or $(SOAK_SECONDS),1200) SOAK_RESULTS=tests/faults/results/soak.json \
		$(DEVSTACK) exec -- $(BIN)/pytest -q -s tests/faults/test_soak.py

test-cluster-short: .venv/.installed ## a dead primary and a killed broker node in a cluster like that of `make cluster`
	@$(BIN)/pytest -m short_form tests/cluster

test-cluster: .venv/.installed ## each part of such a cluster killed, frozen or cut off under load (about 25 minutes; root)
	@$(BIN)/pytest tests/cluster

test-proof: .venv/.installed ## the long search for a wrong outcome (about 10 minutes)
	@PROOF_SECONDS=120 PROOF_CLIENTS=300 $(WITH_SERVERS) \
		$(BIN)/pytest --ds booking_project.settings --hypothesis-profile=long -s tests/proof

##@ Documentation, schemas, reference, translations and clients
.PHONY: docs docs-serve openapi reference messages clients
docs: .venv/.installed ## build docs/ as a site, in build/site; fails at a link that leads nowhere
	@devstack/npm_install.sh site || echo "so diagrams are shown as text"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs --quiet build --strict

docs-serve: docs ## show the site at http://127.0.0.1:8000, and again after each change
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

openapi: .venv/.installed ## write the OpenAPI schemas to docs/openapi
	@$(WITHOUT_SERVERS) sh -ec '\
		for service in event booking; do \
			$(BIN)/python manage_$$service.py $(SPECTACULAR) --file $(OPENAPI)/$$service-service.yaml; \
		done'

reference: .venv/.installed ## write docs/configuration.md, docs/metrics.md and docs/commands.md
	@$(BIN)/python -m devstack.reference >docs/configuration.md
	@$(BIN)/python -m devstack.metrics_reference >docs/metrics.md
	@$(BIN)/python -m devstack.commands >docs/commands.md

messages: .venv/.installed ## collect the texts to translate, say which lack a translation, compile
	@$(BIN)/python -m devstack.messages

clients: .venv/.installed ## Python and TypeScript clients from the schemas, in build/clients
	@devstack/npm_install.sh clients
	@clients/generate.sh python build/clients/python
	@clients/generate.sh typescript build/clients/typescript

##@ Measure
.PHONY: bench bench-guard bench-compare bench-messaging bench-relay bench-mails bench-consumer bench-upgrade bench-capacity bench-nodes bench-watched bench-waiting-room bench-pages
bench: .venv/.installed ## load the booking API, verify, print medians (BENCH="--whole --quick hot_sale")
	@$(DEVSTACK) exec -- $(BIN)/python -m bench $(BENCH)

bench-guard: .venv/.installed ## fail if a scenario costs more than the committed figures (before a release)
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.guard --whole --quick $(BENCH)

bench-compare: .venv/.installed ## in turns: another checkout and this one (BEFORE=../old), or an empty and a filled database (BEFORE=--filled)
	@$(BIN)/python -m bench.compare $(BEFORE) $(if $(BENCH),--bench "$(BENCH)")

bench-messaging: .venv/.installed ## from an event's commit to its copy; what a dead broker costs
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.messaging $(BENCH)

bench-relay: .venv/.installed ## what a message costs the relay, and what storing it costs
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.relay $(BENCH)

bench-mails: .venv/.installed ## what a mail costs the notifier, with a real mail server
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.mails $(BENCH)

bench-consumer: .venv/.installed ## event messages a second, and their CPU time (BENCH="--before ../old")
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.consumer $(BENCH)

bench-upgrade: .venv/.installed ## how long bookings wait for the migrations of a large database (BENCH="--bookings 100000")
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.upgrade $(BENCH)

bench-capacity: .venv/.installed ## a crowd of 10,000 against one core, as simulated and for real (docs/scaling.md)
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.capacity.check $(BENCH)

bench-nodes: .venv/.installed ## what a booking costs each node of the cluster at CITUS_DATABASE_URL, or one PostgreSQL
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.nodes $(BENCH)

bench-pages: .venv/.installed ## how long each page takes at the server, and its queries, with 28,000 bookings
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.pages $(BENCH)

bench-waiting-room: .venv/.installed ## bookings while 20 times as many people are in the waiting room, and without them
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.waiting_room $(BENCH)

bench-watched: .venv/.installed ## a sale that 500 people watch on its live page, in turns with one that nobody watches
	@$(DEVSTACK) exec -- $(BIN)/python -m bench.watched $(BENCH)

##@ Supply chain
.PHONY: audit licences sbom release-check
audit: .venv/.installed ## known vulnerabilities in what we ship; fails if the advisories can't be asked
	@$(TOOL) 'pip-audit==2.10.1' pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

licences: .venv/.installed ## fails at a licence that we can't ship; the list is in build/licences.md
	@$(SHIPPED)
	@$(TOOL) 'pip-licenses==5.5.5' pip-licenses --python build/shipped/bin/python --allow-only "$(LICENCES)" \
		--with-urls --format markdown --output-file build/licences.md

sbom: .venv/.installed ## CycloneDX bill of materials of what we ship, in build/sbom.json
	@$(SHIPPED)
	@$(TOOL) 'cyclonedx-bom==7.5.0' cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file build/sbom.json build/shipped/bin/python

release-check: .venv/.installed ## the changelog's notes of a version, if it can be released (TAG=v1.2.3)
	@$(BIN)/python -m devstack.release "$(TAG)"

##@ Dependencies and containers
.PHONY: lock docker-up docker-up-all docker-down build-test
lock: .venv/.installed ## write the lock files from pyproject.toml and deploy/kubernetes/tools.in
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(LOCK) pyproject.toml --extra dev --output-file requirements-dev.lock
	@$(LOCK) deploy/kubernetes/tools.in --output-file deploy/kubernetes/tools.lock

docker-up: ## start PostgreSQL and RabbitMQ in containers, with ports on this machine
	@deploy/docker/new_env.sh .env
	@docker compose --file compose.yaml --file deploy/docker/ports.yaml up --detach --wait

docker-up-all: ## start everything in containers, built from this checkout
	@deploy/docker/new_env.sh .env
	@docker compose --profile all up --detach --build --wait

docker-down: ## stop the containers; their data is kept
	@cd / && docker compose --project-name event-reservation down # in the checkout it would need .env

build-test: .venv/.installed ## build the image, start a second stack, run the end-to-end tests, remove it
	@deploy/docker/build_test.sh $(BIN)/pytest tests/end_to_end
