# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
# The web UI is built by Cargo with Node.js.
COPY --from=node:20-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:20-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
WORKDIR /src
COPY . .
RUN cargo build --release --locked \
    && strip target/release/tracewell -o /tracewell \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /tracewell /usr/local/bin/tracewell
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 4317 4318 4319
ENTRYPOINT ["/usr/local/bin/tracewell"]
# In a container every address is reached from outside; publish the ports only where you trust the network.
CMD ["serve", "--data-dir", "/data", "--otlp-grpc", "0.0.0.0:4317", "--otlp-http", "0.0.0.0:4318", "--http", "0.0.0.0:4319", "--allow-unauthenticated"]
