//! What a segment consists of, for people who ask where the bytes are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::Section;
use super::reader::Segment;
use crate::StorageError;
use crate::maintenance::{InspectedSegment, SectionBytes, SegmentDetail};
use crate::world::blocking;

impl Segment {
    /// Its columns and the parts of its index, with their bytes.
    pub(crate) async fn detail(self: &Arc<Self>) -> Result<SegmentDetail, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || {
            let opened = segment.opened()?;
            let mut columns = opened.pages.column_bytes();
            columns.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
            let mut sections: BTreeMap<&'static str, u64> = BTreeMap::new();
            for (section, bytes) in opened.head.sections() {
                *sections.entry(kind(section)).or_default() += bytes;
            }
            sections.insert("checksums and row groups", opened.head.body_start);
            let mut sections: Vec<SectionBytes> =
                sections.into_iter().map(|(name, bytes)| SectionBytes { name, bytes }).collect();
            sections.sort_by_key(|section| std::cmp::Reverse(section.bytes));
            let meta = segment.meta();
            Ok(SegmentDetail {
                segment: InspectedSegment::new(meta),
                objects: meta.objects.iter().map(|object| (object.path.clone(), object.bytes)).collect(),
                row_groups: opened.head.row_groups.iter().map(|group| group.rows).collect(),
                scopes: opened.scopes.len() as u64,
                columns,
                sections,
            })
        })
        .await
    }
}

fn kind(section: Section) -> &'static str {
    match section {
        Section::Catalogue => "field catalogue",
        Section::TraceFence | Section::TraceBlocks => "trace index",
        Section::Words(_) | Section::Wordings(_) => "text index: words",
        Section::WordingRuns(_) => "text index: rows of wordings",
        Section::Values(_) | Section::ValueTable(_) => "index of rare values",
        Section::RollupHead | Section::RollupBody => "rollup",
        Section::Trigrams(_) => "text index: trigrams",
        Section::Identifiers(_) | Section::IdentifierTable(_) => "text index: identifiers",
    }
}
