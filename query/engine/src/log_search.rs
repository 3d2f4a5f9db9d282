//! Finding a page of log records: stretch of time after stretch of time, until the page is full.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use futures::TryStreamExt;
use tracewell_model::{Logs, TimeRange, UnixNanos};
use tracewell_storage::{Column, Predicate, RowAddress};

use crate::log_order::{LogCursor, Rank, ranks};
use crate::logs::LogPage;
use crate::session::{DAMAGED_GROUPS_MAX, Session, View};
use crate::slices::{TimeOrder, slices};
use crate::{Exactness, Page, QueryError, QueryErrorKind};

/// How many rows the first stretch of time is expected to hold, at the least.
const FIRST_SLICE_ROWS: usize = 50_000;
/// How many rows more than needed are looked for, so that few rows of one timestamp at the end need no second look.
const SLACK: usize = 64;
/// How many records of one timestamp are ranked before the lesser ones are let go.
const RANKED_ROWS: usize = 2_000;
/// What is held of a record that was found.
const FOUND_BYTES: usize = size_of::<Found>();
/// The most bytes of records in a page, but that it has one at least.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// The rows of the first piece in which whole records are read; those of further ones follow from its size.
const FIRST_PIECE_ROWS: usize = 16;
/// About how large a piece may be in memory.
const PIECE_BYTES: usize = 4 << 20;

/// A list of log records, and which page of it.
pub(crate) struct LogSearch {
    predicate: Predicate,
    time: TimeRange,
    order: TimeOrder,
    limit: usize,
    cursor: Option<LogCursor>,
}

/// A record of the list: ordered by time, then rank, which is only known where times are equal.
#[derive(Clone, Copy)]
struct Found {
    time: i64,
    rank: Option<Rank>,
    address: RowAddress,
}

impl LogSearch {
    /// The page of the records that meet `predicate` inside `time`.
    pub(crate) fn new(
        predicate: Predicate,
        time: TimeRange,
        order: TimeOrder,
        page: &Page,
    ) -> Result<LogSearch, QueryError> {
        let limit = page.checked_limit()?;
        let cursor = page.cursor.as_deref().map(LogCursor::decode).transpose()?;
        Ok(LogSearch { predicate, time, order, limit, cursor })
    }

    /// Finds the page.
    pub(crate) async fn run(&self, session: &Session, view: &View) -> Result<(LogPage, Exactness), QueryError> {
        for _ in 0..DAMAGED_GROUPS_MAX {
            match self.find(session, view).await {
                // From now on the storage does not find those rows any more, and says so.
                Err(error) if error.kind() == QueryErrorKind::Damaged => {}
                found => return found,
            }
        }
        self.find(session, view).await
    }

    async fn find(&self, session: &Session, view: &View) -> Result<(LogPage, Exactness), QueryError> {
        // One more tells whether there is a next page.
        let wanted = self.limit + 1;
        let mut found = Vec::new();
        if let Some(LogCursor::After { time, rank, given }) = self.cursor {
            let after = Some((rank, given));
            found = self.at_instant(session, view, time, after, wanted).await?;
        }
        for slice in slices(view.snapshot(), self.rest(), self.order, FIRST_SLICE_ROWS.max(20 * wanted)) {
            if found.len() >= wanted {
                break;
            }
            let more = self.in_range(session, view, slice, wanted - found.len());
            match session.unless_late(more).await? {
                Some(more) => found.extend(more),
                None => return self.partial_page(view, found, slice).await,
            }
        }
        let logs = page_of(view, &found[..found.len().min(self.limit)]).await?;
        let next_cursor = if found.len() > logs.len() { self.cursor_after(&logs) } else { None };
        Ok((LogPage { logs, next_cursor: next_cursor.map(|cursor| cursor.encode()) }, Exactness::Exact))
    }

    /// What was found before the time was up. The rest begins with `unread`.
    async fn partial_page(
        &self,
        view: &View,
        found: Vec<Found>,
        unread: TimeRange,
    ) -> Result<(LogPage, Exactness), QueryError> {
        let edge = match self.order {
            TimeOrder::NewestFirst => unread.end,
            TimeOrder::OldestFirst => unread.start,
        };
        let logs = page_of(view, &found).await?;
        if logs.len() < found.len() {
            let next_cursor = self.cursor_after(&logs).map(|cursor| cursor.encode());
            return Ok((LogPage { logs, next_cursor }, Exactness::Exact));
        }
        let next_cursor = Some(LogCursor::At { time: edge.0 }.encode());
        let reason = format!("time was up at {} ns: go on from the cursor, or narrow the query", edge.0);
        Ok((LogPage { logs, next_cursor }, Exactness::Partial { reason }))
    }

    /// The part of the time range that lies beyond the cursor's instant.
    fn rest(&self) -> TimeRange {
        let TimeRange { start, end } = self.time;
        match (self.cursor, self.order) {
            (None, _) => self.time,
            (Some(LogCursor::After { time, .. }), TimeOrder::NewestFirst) => {
                TimeRange { start, end: end.min(instant(time).start) }
            }
            (Some(LogCursor::After { time, .. }), TimeOrder::OldestFirst) => {
                TimeRange { start: start.max(instant(time).end), end }
            }
            (Some(LogCursor::At { time }), TimeOrder::NewestFirst) => {
                TimeRange { start, end: end.min(UnixNanos(time)) }
            }
            (Some(LogCursor::At { time }), TimeOrder::OldestFirst) => {
                TimeRange { start: start.max(UnixNanos(time)), end }
            }
        }
    }

    /// The first `wanted` records of a stretch of time.
    async fn in_range(
        &self,
        session: &Session,
        view: &View,
        range: TimeRange,
        wanted: usize,
    ) -> Result<Vec<Found>, QueryError> {
        let mut rows = self.first_by_time(session, view, range, wanted + SLACK).await?;
        let all = rows.len() < wanted + SLACK;
        if !all && let Some(edge) = rows.get(wanted - 1).map(|row| row.time) {
            let cut = rows.last().is_some_and(|last| last.time == edge);
            if cut {
                // More records of the last timestamp may lie beyond what was looked for.
                rows.retain(|row| row.time != edge);
                rows = self.ranked(view, rows).await?;
                let missing = wanted - rows.len();
                rows.extend(self.at_instant(session, view, edge, None, missing).await?);
                return Ok(rows);
            }
            rows.retain(|row| match self.order {
                TimeOrder::NewestFirst => row.time >= edge,
                TimeOrder::OldestFirst => row.time <= edge,
            });
        }
        let mut rows = self.ranked(view, rows).await?;
        rows.truncate(wanted);
        Ok(rows)
    }

    /// The first `wanted` rows of a stretch of time, ordered by time alone.
    async fn first_by_time(
        &self,
        session: &Session,
        view: &View,
        range: TimeRange,
        wanted: usize,
    ) -> Result<Vec<Found>, QueryError> {
        let columns = [("time", Column::Time), ("address", Column::Address)];
        let mut batches = session.stream(view, &columns, range, self.predicate.clone());
        let memory = session.reservation("the first records");
        let mut rows: Vec<Found> = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            memory.try_grow(batch.num_rows() * FOUND_BYTES)?;
            rows.extend(found_rows(&batch));
            if rows.len() > wanted {
                rows.select_nth_unstable_by_key(wanted, |row| self.time_key(row.time));
                rows.truncate(wanted);
            }
            memory.try_resize(rows.len() * FOUND_BYTES)?;
        }
        rows.sort_by_key(|row| self.time_key(row.time));
        Ok(rows)
    }

    /// The first `wanted` records of a timestamp, in order; with `after`, those beyond so many of that rank.
    async fn at_instant(
        &self,
        session: &Session,
        view: &View,
        time: i64,
        after: Option<(Rank, u64)>,
        wanted: usize,
    ) -> Result<Vec<Found>, QueryError> {
        let whole = instant(time);
        let range = TimeRange { start: whole.start.max(self.time.start), end: whole.end.min(self.time.end) };
        let columns = [("time", Column::Time), ("address", Column::Address)];
        let mut batches = session.stream(view, &columns, range, self.predicate.clone());
        let memory = session.reservation("records of one timestamp");
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            memory.try_grow(batch.num_rows() * FOUND_BYTES)?;
            rows.extend(found_rows(&batch));
        }
        let mut skip = after.map_or(0, |(_, given)| usize::try_from(given).unwrap_or(usize::MAX));
        let keep = wanted.saturating_add(skip);
        let mut kept: Vec<Found> = Vec::new();
        for chunk in rows.chunks(RANKED_ROWS) {
            let ranked = self.ranks_of(view, chunk).await?.into_iter().zip(chunk);
            let beyond = ranked.filter(|(rank, _)| after.is_none_or(|(last, _)| *rank >= last));
            kept.extend(beyond.map(|(rank, row)| Found { rank: Some(rank), ..*row }));
            kept.sort_by_key(|row| (row.rank, row.address));
            kept.truncate(keep);
        }
        if let Some((last, _)) = after {
            kept.retain(|row| {
                let given = row.rank == Some(last) && skip > 0;
                skip -= usize::from(given);
                !given
            });
            kept.truncate(wanted);
        }
        Ok(kept)
    }

    /// The rows in order, where times are equal by rank.
    async fn ranked(&self, view: &View, mut rows: Vec<Found>) -> Result<Vec<Found>, QueryError> {
        rows.sort_by_key(|row| self.time_key(row.time));
        let ties: Vec<usize> = (0..rows.len())
            .filter(|&row| {
                let time = rows[row].time;
                let same = |other: Option<&Found>| other.is_some_and(|other| other.time == time);
                same(row.checked_sub(1).and_then(|before| rows.get(before))) || same(rows.get(row + 1))
            })
            .collect();
        let tied: Vec<Found> = ties.iter().map(|&row| rows[row]).collect();
        for (rank, row) in self.ranks_of(view, &tied).await?.into_iter().zip(ties) {
            rows[row].rank = Some(rank);
        }
        rows.sort_by_key(|row| (self.time_key(row.time), row.rank, row.address));
        Ok(rows)
    }

    /// The ranks of the rows, which are read in pieces.
    async fn ranks_of(&self, view: &View, rows: &[Found]) -> Result<Vec<Rank>, QueryError> {
        let mut found = Vec::with_capacity(rows.len());
        let mut piece_rows = FIRST_PIECE_ROWS;
        while found.len() < rows.len() {
            let piece = &rows[found.len()..rows.len().min(found.len() + piece_rows)];
            let logs = fetch(view, piece).await?;
            found.extend(ranks(&logs, self.order));
            piece_rows = rows_after(piece_rows, &logs);
        }
        Ok(found)
    }

    /// Lesser for what comes first.
    fn time_key(&self, time: i64) -> i64 {
        match self.order {
            TimeOrder::NewestFirst => !time,
            TimeOrder::OldestFirst => time,
        }
    }

    /// The cursor after the last of the records of this page.
    fn cursor_after(&self, logs: &Logs) -> Option<LogCursor> {
        let time_of = |row: usize| i64::try_from(logs.timestamp[row]).unwrap_or(i64::MAX);
        let time = time_of(logs.len().checked_sub(1)?);
        let run: Vec<usize> = (0..logs.len()).rev().take_while(|&row| time_of(row) == time).collect();
        let mut tail = Logs::default();
        tail.append_rows(logs, run.iter().copied());
        let ranks = ranks(&tail, self.order);
        let rank = *ranks.first()?;
        let mut given = ranks.iter().take_while(|other| **other == rank).count() as u64;
        // The equal records may have begun on the page before.
        if let Some(LogCursor::After { time: t, rank: r, given: before }) = self.cursor
            && (t, r) == (time, rank)
        {
            given = given.saturating_add(before);
        }
        Some(LogCursor::After { time, rank, given })
    }
}

/// The stretch of time that [`Column::Time`] shows as `time`: a nanosecond, or all that it cannot tell apart.
fn instant(time: i64) -> TimeRange {
    let start = UnixNanos(time.max(0) as u64);
    let end = if time == i64::MAX { UnixNanos(u64::MAX) } else { start.saturating_add(1) };
    TimeRange { start, end }
}

fn found_rows(batch: &RecordBatch) -> impl Iterator<Item = Found> {
    let times = batch.column(0).as_primitive::<TimestampNanosecondType>().values();
    let addresses = batch.column(1).as_primitive::<UInt64Type>().values();
    let found = |(&time, &address)| Found { time, rank: None, address: RowAddress(address) };
    times.iter().zip(addresses).map(found)
}

/// The whole records, in the given order.
async fn fetch(view: &View, rows: &[Found]) -> Result<Logs, QueryError> {
    let addresses: Vec<RowAddress> = rows.iter().map(|row| row.address).collect();
    Ok(view.snapshot().logs(&addresses).await?)
}

/// The whole records in the given order, as many as make a page.
async fn page_of(view: &View, rows: &[Found]) -> Result<Logs, QueryError> {
    let mut page = Logs::default();
    let (mut bytes, mut piece_rows) = (0, FIRST_PIECE_ROWS);
    while page.len() < rows.len() && bytes < PAGE_BYTES_MAX {
        let piece = &rows[page.len()..rows.len().min(page.len() + piece_rows)];
        let logs = fetch(view, piece).await?;
        bytes += logs.heap_bytes();
        page.append(&logs);
        piece_rows = rows_after(piece_rows, &logs);
    }
    Ok(page)
}

/// How many rows the piece after this one has.
fn rows_after(piece_rows: usize, piece: &Logs) -> usize {
    let bytes_a_row = piece.heap_bytes().div_ceil(piece.len().max(1)).max(1);
    (PIECE_BYTES / bytes_a_row).clamp(1, RANKED_ROWS).min(64 * piece_rows)
}
