"""Opens the files of a data directory without Tracewell, and prints what is in them as JSON.

    python open_files.py (duckdb | clickhouse) DATA_DIR USER_ID TEXT

DATA_DIR may be that of a running server: the catalog says which segments count.
"""

import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path


class DuckDb:
    """DuckDB, by its package `duckdb`."""

    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()

    def rows(self, sql):
        return self.connection.execute(sql).fetchall()

    def file(self, path):
        return f"read_parquet('{path}')"

    def columns(self, path):
        return {row[0] for row in self.rows(f"DESCRIBE SELECT * FROM {self.file(path)}")}

    def residual(self, key, value):
        return f"len(list_filter(attributes, lambda a: a.key = '{key}' AND a.string = '{value}')) > 0"

    def id(self, column):
        return f"lower(hex({column}))"

    def contains(self, text):
        return f"contains(lower(body), '{text}')"


class ClickHouse:
    """ClickHouse in the process, by its package `chdb`."""

    def __init__(self):
        import chdb

        self.chdb = chdb

    def rows(self, sql):
        answer = str(self.chdb.query(sql, "JSONCompactEachRow"))
        return [[number(value) for value in json.loads(line)] for line in answer.splitlines()]

    def file(self, path):
        return f"file('{path}', Parquet)"

    def columns(self, path):
        return {row[0] for row in self.rows(f"DESCRIBE TABLE {self.file(path)}")}

    def residual(self, key, value):
        return f"arrayExists(a -> tupleElement(a, 'key') = '{key}' AND tupleElement(a, 'string') = '{value}', attributes)"

    def id(self, column):
        return f"lower(hex({column}))"

    def contains(self, text):
        return f"ifNull(lower(body) LIKE '%{text}%', 0)"


def number(value):
    """64-bit numbers come as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def segments(data, signal):
    """The folders of the segments that count."""
    catalog = sqlite3.connect(f"file:{data / 'catalog.sqlite'}?mode=ro", uri=True)
    rows = catalog.execute("SELECT tenant, id FROM segment WHERE signal = ? AND removed_at IS NULL", (signal,))
    return [data / "segments" / tenant / signal / segment for tenant, segment in rows]


def of_traces(engine, data, user):
    spans, errors, ids, of_user = Counter(), Counter(), set(), 0
    for segment in segments(data, "traces"):
        rows, scopes = engine.file(segment / "rows.parquet"), engine.file(segment / "scopes.parquet")
        found = engine.rows(
            "SELECT s.service_name, count(*), sum(CASE WHEN r.status_code = 2 THEN 1 ELSE 0 END) "
            f"FROM {rows} AS r JOIN {scopes} AS s ON s.scope_id = r.scope_id GROUP BY s.service_name"
        )
        for service, count, failed in found:
            spans[service] += count
            errors[service] += int(failed)
        ids.update(row[0] for row in engine.rows(f"SELECT DISTINCT {engine.id('trace_id')} FROM {rows}"))
        condition = engine.residual("user.id", user)
        if "span.user.id" in engine.columns(segment / "rows.parquet"):
            condition += f" OR \"span.user.id\" = '{user}'"
        of_user += engine.rows(f"SELECT count(*) FROM {rows} WHERE {condition}")[0][0]
    return {"spans": spans, "errors": errors, "traces": len(ids), "spansOfUser": of_user}


def of_logs(engine, data, text):
    logs, errors, with_text = Counter(), 0, 0
    for segment in segments(data, "logs"):
        rows, scopes = engine.file(segment / "rows.parquet"), engine.file(segment / "scopes.parquet")
        found = engine.rows(
            f"SELECT s.service_name, count(*) FROM {rows} AS r JOIN {scopes} AS s ON s.scope_id = r.scope_id GROUP BY s.service_name"
        )
        for service, count in found:
            logs[service] += count
        errors += engine.rows(f"SELECT count(*) FROM {rows} WHERE severity_number = 17")[0][0]
        with_text += engine.rows(f"SELECT count(*) FROM {rows} WHERE {engine.contains(text)}")[0][0]
    return {"logs": logs, "errorLogs": errors, "logsWithText": with_text}


def main():
    engine = {"duckdb": DuckDb, "clickhouse": ClickHouse}[sys.argv[1]]()
    data, user, text = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    print(json.dumps(of_traces(engine, data, user) | of_logs(engine, data, text)))


if __name__ == "__main__":
    main()
