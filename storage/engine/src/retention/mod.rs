//! Retention: drops the oldest segments by age and by size, and deletes the objects of segments that are gone.
