/** What to paste so that data arrives: by environment, collector, language, hand. Pure. */

export interface Snippet {
  id: string;
  label: string;
  /** One or two sentences before the text. */
  note: string;
  text: string;
}

export interface Endpoints {
  /** `http://host:4318` */
  http: string;
  /** `http://host:4317` */
  grpc: string;
}

/** The addresses to send to: the server's ports, at the host by which the reader came, unless it names a host itself. */
export function endpointsOf(
  addresses: { otlpGrpc: string | null; otlpHttp: string | null } | undefined,
  host: string,
): Endpoints {
  const at = (address: string | null | undefined, port: number) => {
    const found = /^(.*):(\d+)$/.exec(address ?? "");
    const named = found?.[1] ?? "";
    const isOwn = named === "" || /^(?:127\.|0\.0\.0\.0|\[::1?\])/.test(named);
    return `http://${isOwn ? host : named}:${found?.[2] ?? port}`;
  };
  return { http: at(addresses?.otlpHttp, 4318), grpc: at(addresses?.otlpGrpc, 4317) };
}

/** All snippets, the simplest first. */
export function snippets({ http, grpc }: Endpoints, nowMs: number): Snippet[] {
  return [
    {
      id: "environment",
      label: "Environment",
      note: "Any OpenTelemetry SDK reads these variables. Set them and start your service.",
      text: [
        `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}`,
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "export OTEL_METRICS_EXPORTER=none",
        "export OTEL_SERVICE_NAME=my-service",
      ].join("\n"),
    },
    {
      id: "collector",
      label: "Collector",
      note: "Add this exporter to the OpenTelemetry Collector.",
      text: [
        "exporters:",
        "  otlp/tracewell:",
        `    endpoint: ${grpc.replace("http://", "")}`,
        "    tls:",
        "      insecure: true",
        "service:",
        "  pipelines:",
        "    traces:",
        "      receivers: [otlp]",
        "      exporters: [otlp/tracewell]",
        "    logs:",
        "      receivers: [otlp]",
        "      exporters: [otlp/tracewell]",
      ].join("\n"),
    },
    {
      id: "python",
      label: "Python",
      note: "Instruments the libraries that it finds; your code stays as it is.",
      text: [
        "pip install opentelemetry-distro opentelemetry-exporter-otlp",
        "opentelemetry-bootstrap -a install",
        `OTEL_EXPORTER_OTLP_ENDPOINT=${grpc} \\`,
        "OTEL_SERVICE_NAME=my-service \\",
        "OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=otlp \\",
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true \\",
        "opentelemetry-instrument python app.py",
      ].join("\n"),
    },
    {
      id: "node",
      label: "Node.js",
      note: "Instruments http, express, databases and more at the start of the process.",
      text: [
        "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node",
        `OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\`,
        "OTEL_SERVICE_NAME=my-service \\",
        "OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=otlp \\",
        "node --require @opentelemetry/auto-instrumentations-node/register app.js",
      ].join("\n"),
    },
    {
      id: "java",
      label: "Java",
      note: "The agent needs no change of code. It is at github.com/open-telemetry/opentelemetry-java-instrumentation.",
      text: [
        `OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\`,
        "OTEL_SERVICE_NAME=my-service OTEL_METRICS_EXPORTER=none \\",
        "java -javaagent:opentelemetry-javaagent.jar -jar app.jar",
      ].join("\n"),
    },
    {
      id: "go",
      label: "Go",
      note: "The exporter reads the endpoint from the environment.",
      text: [
        "// go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
        `// OTEL_EXPORTER_OTLP_ENDPOINT=${http} OTEL_SERVICE_NAME=my-service`,
        "exporter, err := otlptracehttp.New(ctx)",
        "if err != nil {",
        "    return err",
        "}",
        "provider := trace.NewTracerProvider(trace.WithBatcher(exporter))",
        "otel.SetTracerProvider(provider)",
        "defer provider.Shutdown(ctx)",
      ].join("\n"),
    },
    {
      id: "dotnet",
      label: ".NET",
      note: "dotnet add package OpenTelemetry.Extensions.Hosting, OpenTelemetry.Instrumentation.AspNetCore and OpenTelemetry.Exporter.OpenTelemetryProtocol, and set the variables of the first tab.",
      text: [
        "builder.Logging.AddOpenTelemetry(logging => logging.AddOtlpExporter());",
        "builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing",
        "    .AddAspNetCoreInstrumentation()",
        "    .AddOtlpExporter());",
      ].join("\n"),
    },
    {
      id: "curl",
      label: "curl",
      note: "One span and one log record by hand, to see that it works.",
      text: curl(http, nowMs),
    },
  ];
}

function curl(http: string, nowMs: number): string {
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "hello" } }] };
  const [traceId, spanId] = ["5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"];
  const span = {
    traceId,
    spanId,
    name: "GET /hello",
    kind: 2,
    startTimeUnixNano: `${nowMs}000000`,
    endTimeUnixNano: `${nowMs + 42}000000`,
  };
  const log = {
    timeUnixNano: `${nowMs + 20}000000`,
    severityNumber: 9,
    body: { stringValue: "hello, world" },
    traceId,
    spanId,
  };
  const post = (path: string, body: object) =>
    `curl -i ${http}${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  return [
    post("/v1/traces", { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
    post("/v1/logs", { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [log] }] }] }),
  ].join("\n\n");
}
