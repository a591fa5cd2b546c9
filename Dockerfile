# One image for every part of both services. The command chooses the part: see compose.yaml.
ARG PYTHON=3.13
# May carry a digest: --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:${PYTHON}-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock /
# Without pip: the services don't need an installer, and an attacker could use one.
RUN python -m venv --without-pip /opt/venv && \
    python -m pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: \
        -r /requirements.lock

FROM ${BASE}
RUN python -m pip uninstall --yes --root-user-action ignore pip && \
    rm -r "$(python -c 'import ensurepip; print(ensurepip.__path__[0])')"
# A numeric user, so that an orchestrator can tell that it is not root.
RUN groupadd --gid 10001 app && \
    useradd --uid 10001 --gid app --no-create-home --home-dir /nonexistent --shell /bin/false app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY manage_event.py manage_booking.py ./
COPY deploy/gunicorn_event.py deploy/gunicorn_booking.py deploy/
COPY shared shared
COPY event_project event_project
COPY booking_project booking_project
# The settings are read but not used: nothing connects to these addresses.
RUN AUTH_MODE=open RABBITMQ_URL=amqp://127.0.0.1/ && export AUTH_MODE RABBITMQ_URL && \
    export EVENT_SECRET_KEY=for-this-command-only-0123456789 EVENT_DATABASE_URL=postgresql://127.0.0.1/event && \
    export BOOKING_SECRET_KEY=$EVENT_SECRET_KEY BOOKING_DATABASE_URL=postgresql://127.0.0.1/booking && \
    python manage_event.py collectstatic --noinput && \
    python manage_booking.py collectstatic --noinput
# Now, because the user below can't write here and the file system may be read-only.
RUN python -m compileall -q .
USER 10001:10001
