"""The corpus in ClickHouse (chdb), with the schema of the OpenTelemetry Collector's exporter: bytes on disk, and the questions of
`tracewell-bench run` with their answers checked. With --tracewell FILE (its JSON) the ratios are printed.

    python compare.py --corpus DIR --rows DIR --work DIR [--tracewell FILE] [--json FILE]
"""

import argparse
import json
import os
import shutil
import time
from pathlib import Path

from chdb.session import Session

import schema

TIMES_MAX = 100
SECONDS_MAX = 6.0


class Database:
    """A session, with answers as rows of JSON."""

    def __init__(self, folder):
        self.session = Session(str(folder))
        self.run("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.run("USE bench")
        # Answers are not to come from the answers before: Tracewell keeps none either.
        self.run("SET use_query_condition_cache = 0, use_query_cache = 0")

    def run(self, sql):
        """The answer as text."""
        return str(self.session.query(sql, "TabSeparated"))

    def number(self, sql):
        """The one number of the answer."""
        return int(float(self.run(sql).strip() or 0))


def fill(database, rows):
    """Inserts the rows and merges everything; returns the bytes of each table."""
    for table in schema.TABLES:
        database.run(table)
    for table, file, columns in (
        ("otel_traces", "traces.rows.zst", schema.TRACE_COLUMNS),
        ("otel_logs", "logs.rows.zst", schema.LOG_COLUMNS),
    ):
        began, before = time.monotonic(), time.process_time()
        structure = ", ".join(schema.row_structure(columns)).replace("'", "\\'")
        targets = ", ".join(f"`{name}`" for name in schema.names(columns))
        database.run(
            f"INSERT INTO {table} ({targets}) SELECT {targets} FROM file('{rows / file}', 'RowBinary', '{structure}', 'zstd')"
        )
        database.run(f"OPTIMIZE TABLE {table} FINAL")
        print(f"{table}: {time.monotonic() - began:.0f} s, {time.process_time() - before:.0f} CPU seconds", flush=True)
    database.run("OPTIMIZE TABLE otel_traces_trace_id_ts FINAL")
    sizes = {}
    for table in ("otel_traces", "otel_traces_trace_id_ts", "otel_logs"):
        where = f"FROM system.parts WHERE database = 'bench' AND table = '{table}' AND active"
        sizes[table] = database.number(f"SELECT sum(bytes_on_disk) {where}")
        sizes[f"{table} indexes"] = database.number(f"SELECT sum(secondary_indices_compressed_bytes) {where}")
    return sizes


def text(value):
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def questions(truth):
    """Names as in `tracewell-bench run`, the SQL of each question, and its known answer (None: only asked)."""
    users = sorted(truth["users"], key=lambda user: -user["count"])
    by_user = lambda user: f"SpanAttributes['user.id'] = {text(user['what'])}"
    count_spans = lambda where: f"SELECT count() FROM otel_traces WHERE {where}"
    count_logs = lambda where: f"SELECT count() FROM otel_logs WHERE {where}"
    newest_logs = lambda where: f"SELECT * FROM otel_logs WHERE {where} ORDER BY Timestamp DESC LIMIT 20"
    newest_traces = (
        lambda where: "SELECT TraceId, min(Timestamp), max(Timestamp) AS last, count(), countIf(StatusCode = 'Error') FROM otel_traces "
        f"WHERE {where} GROUP BY TraceId ORDER BY last DESC LIMIT 20"
    )
    word = lambda item: f"hasToken(Body, {text(item['what'])})"
    like = lambda item: f"Body ILIKE {text('%' + item['what'] + '%')}"
    rare, common = truth["words"][:1], truth["words"][1:]
    absent = [{"what": "quetzalcoatl", "count": 0}, {"what": "7zqj0", "count": 0}]
    trace = (
        "WITH {id} AS trace, (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = trace) AS first, "
        "(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = trace) AS last "
        "SELECT * FROM otel_traces WHERE TraceId = trace AND Timestamp >= first AND Timestamp <= last"
    )
    everything = [{"count": None}]
    with_answers = lambda items, sql: [(sql(item), item["count"]) for item in items]
    return [
        ("trace by id", [(trace.replace("{id}", text(item["id"])), None) for item in truth["traces"][::7]]),
        ("count spans of a rare user", with_answers(users[5:], lambda user: count_spans(by_user(user)))),
        ("count spans of a frequent user", with_answers(users[:3], lambda user: count_spans(by_user(user)))),
        ("newest 20 traces of a rare user", [(newest_traces(by_user(user)), None) for user in users[5:]]),
        ("newest 20 logs with a rare identifier", [(newest_logs(word(item)), None) for item in truth["orders"]]),
        ("count logs with a rare identifier", with_answers(truth["orders"], lambda item: count_logs(word(item)))),
        ("newest 20 logs with a rare word", [(newest_logs(word(item)), None) for item in rare]),
        ("newest 20 logs with a common word", [(newest_logs(word(item)), None) for item in common]),
        # Whole words in any case, as Tracewell counts them, would be a regular expression; this is less work.
        ("count logs with a common word", [(count_logs(word(item)), None) for item in common]),
        ("newest 20 logs with a phrase", [(newest_logs(like(item)), None) for item in truth["phrases"]]),
        ("count logs with a phrase", with_answers(truth["phrases"], lambda item: count_logs(like(item)))),
        ("count logs with an absent substring", with_answers(absent, lambda item: count_logs(like(item)))),
        ("count logs with a substring", with_answers(truth["substrings"], lambda item: count_logs(like(item)))),
        ("count spans with errors", [(count_spans("StatusCode = 'Error'"), truth["errorSpans"])]),
        ("service overview", with_answers(everything, lambda _: (
            "SELECT ServiceName, count(), countIf(StatusCode = 'Error'), quantiles(0.5, 0.95, 0.99)(Duration) FROM otel_traces "
            "WHERE SpanKind IN ('Server', 'Consumer') OR ParentSpanId = '' GROUP BY ServiceName ORDER BY ServiceName"))),
        ("newest 20 traces", with_answers(everything, lambda _: newest_traces("1"))),
        ("newest 20 slow errors of a service", with_answers(everything, lambda _: newest_traces(
            "ServiceName = 'inventory' AND StatusCode = 'Error' AND Duration > 20000000"))),
        ("newest 20 logs", with_answers(everything, lambda _: newest_logs("1"))),
    ]


def ask(database, truth):
    """The times of each question in milliseconds, after a first time that is not counted."""
    times = {}
    for name, variants in questions(truth):
        taken, began = [], time.monotonic()
        for turn in range(TIMES_MAX):
            sql, wanted = variants[turn % len(variants)]
            asked = time.monotonic()
            answer = database.run(sql)
            taken.append((time.monotonic() - asked) * 1e3)
            if wanted is not None and int(answer.strip()) != wanted:
                raise SystemExit(f"{name}: {sql}: {answer.strip()}, not {wanted}")
            if time.monotonic() - began > SECONDS_MAX and turn >= 3:
                break
        taken = sorted(taken[1:])
        times[name] = {"p50": taken[len(taken) // 2], "p99": taken[-1 - len(taken) // 100]}
        print(f"{name:<44} p50 {times[name]['p50']:9.2f} ms   p99 {times[name]['p99']:9.2f} ms", flush=True)
    return times


def ratios(ours, truth, sizes, times):
    """Prints our figures divided by ClickHouse's."""
    figures = {figure["name"]: figure["value"] for figure in ours["figures"]}
    theirs = {
        "bytes a span on disk": (sizes["otel_traces"] + sizes["otel_traces_trace_id_ts"]) / truth["spans"],
        "bytes a log record on disk": sizes["otel_logs"] / truth["logs"],
    }
    for name, taken in times.items():
        theirs[f"{name}, p50"], theirs[f"{name}, p99"] = taken["p50"], taken["p99"]
    print(f"\n{'figure':<52} {'Tracewell':>10} {'ClickHouse':>10} {'ratio':>7}")
    compared = {}
    for name, value in theirs.items():
        # The name of a median says of how many times it is.
        found = [figure for key, figure in figures.items() if key == name or key.startswith(f"{name} of ")]
        if found and found[0] is not None:
            compared[name] = {"tracewell": found[0], "clickhouse": value, "ratio": found[0] / value}
            print(f"{name:<52} {found[0]:>10.2f} {value:>10.2f} {found[0] / value:>7.2f}")
    return compared


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--corpus", "--rows", "--work"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--tracewell", "--json"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    truth = json.loads((arguments.corpus / "truth.json").read_text())
    shutil.rmtree(arguments.work, ignore_errors=True)
    os.makedirs(arguments.work)
    database = Database(arguments.work)
    sizes = fill(database, arguments.rows.resolve())
    for name, size in sizes.items():
        records = truth["logs"] if name.startswith("otel_logs") else truth["spans"]
        print(f"{name:<36} {size:>14} B = {size / records:7.2f} B a record")
    times = ask(database, truth)
    ours = json.loads(arguments.tracewell.read_text()) if arguments.tracewell else {"figures": []}
    compared = ratios(ours, truth, sizes, times)
    if arguments.json:
        arguments.json.write_text(json.dumps({"sizes": sizes, "times": times, "compared": compared}, indent=2))


if __name__ == "__main__":
    main()
