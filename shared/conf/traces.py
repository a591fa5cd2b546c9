"""The environment variables of traces. OpenTelemetry reads them itself, and those that aren't here,
too; here they are checked, and decide whether anything is recorded."""

from shared.conf.env import Environment, OneOf, Regexp, read_service_url

_SAMPLERS = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]


def read_traces(env: Environment) -> bool:
    """Whether traces are recorded."""
    endpoint = read_service_url(
        env,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        help="The collector that gets traces by OTLP over HTTP, such as `http://collector:4318`. "
        "Without it, nothing is recorded.",
    )
    env.str(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        help="What the collector wants to see, such as `authorization=Bearer%20…`.",
    )
    env.str(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        validate=OneOf(_SAMPLERS),
        help="Which traces are recorded. Those that begin with `parentbased` follow the caller's "
        "`traceparent`, if it sends one.",
    )
    env.str(
        "OTEL_TRACES_SAMPLER_ARG",
        "1.0",
        validate=Regexp(r"(0(\.[0-9]+)?|1(\.0+)?)\Z", error="It must be a number from 0 to 1."),
        help="For the samplers with `traceidratio`: the part of the traces that is recorded.",
    )
    env.str(
        "OTEL_RESOURCE_ATTRIBUTES",
        "",
        help="What all spans say of this installation, such as "
        "`deployment.environment.name=production`.",
    )
    return bool(endpoint)
