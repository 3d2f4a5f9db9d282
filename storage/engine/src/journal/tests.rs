//! The journal on a disk that fails: what was acknowledged is found again, once, in order, after any crash.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use tracewell_model::{Signal, TenantId, UnixNanos};
use tracewell_otlp::ContentEncoding;

use super::disk::Disk;
use super::faulty::{FaultyDisk, Kept};
use super::files::{Files, file_name};
use super::frame::{Entry, FILE_HEADER_BYTES};
use super::recovery::{Damage, Recovered, recover};
use super::writer::{Journal, JournalError, Position};
use crate::world::System;

const FILE_BYTES: u64 = 8 << 10;
const START: Position = Position { file_number: 1, sequence: 1 };

fn entry(number: u128, body_bytes: usize) -> Entry {
    Entry {
        tenant: TenantId::default_tenant(),
        signal: if number.is_multiple_of(2) { Signal::Traces } else { Signal::Logs },
        encoding: ContentEncoding::Identity,
        received_at: UnixNanos(number as u64),
        request_hash: number,
        body: Bytes::from(vec![number as u8; body_bytes]),
    }
}

fn journal(disk: &FaultyDisk, next: Position) -> Journal {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let files = Arc::new(Files::new(Arc::clone(&disk)));
    Journal::new(disk, Arc::new(System), files, FILE_BYTES, next)
}

/// What a restart finds: hashes by sequence number.
struct Found {
    entries: Vec<(u64, u128)>,
    recovered: Recovered,
    files: Files,
}

impl Found {
    fn hashes(&self) -> Vec<u128> {
        self.entries.iter().map(|(_, hash)| *hash).collect()
    }

    fn missing(&self) -> Vec<u64> {
        self.recovered.damage.iter().flat_map(|damage| damage.missing.clone()).flatten().collect()
    }
}

fn restart(disk: &FaultyDisk) -> Found {
    let files = Files::new(Arc::new(disk.clone()));
    let mut entries = Vec::new();
    let recovered = recover(disk, &files, &mut |sequence, found| {
        assert_eq!(found, entry(found.request_hash, found.body.len()), "an entry comes back as it was");
        entries.push((sequence, found.request_hash));
        Ok(())
    });
    Found { entries, recovered: recovered.expect("a readable journal"), files }
}

fn name(number: u64) -> String {
    file_name(number)
}

#[test]
fn what_was_appended_is_found_in_order_over_many_files() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    for group in 0..20 {
        let entries: Vec<Entry> = (0..5).map(|n| entry(group * 5 + n, 300)).collect();
        assert_eq!(journal.append(&entries).expect("written"), (group * 5) as u64 + 1);
    }
    assert!(disk.names().len() > 3, "{:?}", disk.names());
    let found = restart(&disk.crashed(Kept::Nothing));
    assert_eq!(found.hashes(), (0..100).collect::<Vec<u128>>());
    assert_eq!(found.entries.first().map(|(sequence, _)| *sequence), Some(1));
    assert_eq!(found.recovered.next.sequence, 101);
    assert_eq!(found.recovered.damage, []);
}

#[test]
fn a_request_larger_than_a_file_gets_a_file_of_its_size() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    journal.append(&[entry(1, 10)]).expect("written");
    journal.append(&[entry(2, 3 * FILE_BYTES as usize)]).expect("written");
    journal.append(&[entry(3, 10)]).expect("written");
    assert_eq!(restart(&disk.crashed(Kept::Nothing)).hashes(), [1, 2, 3]);
}

#[test]
fn a_group_is_one_fsync() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    journal.append(&[entry(1, 10)]).expect("written");
    let before = disk.syncs();
    journal.append(&(2..10).map(|n| entry(n, 10)).collect::<Vec<_>>()).expect("written");
    assert_eq!(disk.syncs(), before + 1);
}

#[test]
fn a_journal_cut_at_any_byte_keeps_all_whole_requests_before_the_cut() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    let bodies = [10, 0, 57, 200];
    let mut ends = vec![FILE_HEADER_BYTES];
    for (number, bytes) in bodies.into_iter().enumerate() {
        let entry = entry(number as u128 + 1, bytes);
        journal.append(std::slice::from_ref(&entry)).expect("written");
        ends.push(ends[number] + entry.frame_bytes());
    }
    let whole = disk.content(&name(1));
    for cut in 0..=ends[4] {
        // The padding of a frame does not matter.
        let kept = (0..4).filter(|&n| cut >= ends[n] + 72 + "default".len() + bodies[n]).count();
        let torn = FaultyDisk::default();
        let mut content = whole[..cut].to_vec();
        torn.set_content(&name(1), content.clone());
        let short = restart(&torn);
        let whole_frames = (0..4).filter(|&n| cut >= ends[n + 1]).count();
        assert_eq!(short.hashes(), (1..=whole_frames as u128).collect::<Vec<_>>());
        content.resize(FILE_BYTES as usize, 0);
        torn.set_content(&name(1), content);
        let zeroed = restart(&torn);
        if cut >= FILE_HEADER_BYTES {
            assert_eq!(zeroed.hashes(), (1..=kept as u128).collect::<Vec<_>>(), "cut at {cut}");
            assert_eq!(zeroed.recovered.damage, [], "a torn end is no damage, cut at {cut}");
        }
    }
}

#[test]
fn a_torn_end_stays_harmless_when_writing_went_on_after_the_restart() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    writer.append(&[entry(1, 100)]).expect("written");
    disk.fail_syncs(1);
    assert!(writer.append(&[entry(2, 3000)]).is_err());
    let disk = disk.crashed(Kept::Prefix(1000));
    let found = restart(&disk);
    assert_eq!(found.hashes(), [1]);
    let mut writer = journal(&disk, found.recovered.next);
    writer.append(&[entry(3, 100)]).expect("written");
    let found = restart(&disk.crashed(Kept::Nothing));
    assert_eq!(found.hashes(), [1, 3]);
    assert_eq!(found.recovered.damage, []);
}

#[test]
fn a_damaged_request_in_the_middle_is_named_and_the_others_are_served() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    for number in 1..=5 {
        writer.append(&[entry(number, 100)]).expect("written");
    }
    let disk = disk.crashed(Kept::Nothing);
    let mut content = disk.content(&name(1));
    let frame = entry(1, 100).frame_bytes();
    content[FILE_HEADER_BYTES + 2 * frame + 90] ^= 1;
    disk.set_content(&name(1), content);
    let found = restart(&disk);
    assert_eq!(found.hashes(), [1, 2, 4, 5]);
    assert_eq!(found.missing(), [3]);
    found.files.release(u64::MAX);
    assert_eq!(disk.names(), [format!("{}.damaged", name(1))], "a damaged file is kept for people to look at");
}

#[test]
fn every_damaged_byte_before_acknowledged_requests_is_noticed() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    let frame = entry(1, 20).frame_bytes();
    for number in 1..=3 {
        writer.append(&[entry(number, 20)]).expect("written");
    }
    let disk = disk.crashed(Kept::Nothing);
    let whole = disk.content(&name(1));
    let padding = frame - (72 + "default".len() + 20);
    for at in 0..FILE_HEADER_BYTES + 2 * frame {
        let mut content = whole.clone();
        content[at] ^= 0x40;
        disk.set_content(&name(1), content);
        let found = restart(&disk);
        let in_header = at < FILE_HEADER_BYTES;
        let hit = at.saturating_sub(FILE_HEADER_BYTES) / frame;
        let in_padding = !in_header && (at - FILE_HEADER_BYTES) % frame >= frame - padding;
        if in_header {
            assert_eq!(found.hashes(), [1, 2, 3], "byte {at}");
            assert_eq!(found.recovered.damage.len(), 1, "byte {at}");
        } else if !in_padding {
            let others: Vec<u128> = (1..=3).filter(|&number| number != hit as u128 + 1).collect();
            assert_eq!(found.hashes(), others, "byte {at}");
            assert_eq!(found.missing(), [hit as u64 + 1], "byte {at}");
        }
    }
}

#[test]
fn damage_at_the_end_of_a_file_that_is_not_the_last_is_named() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    for number in 1..=8 {
        writer.append(&[entry(number, 3000)]).expect("written");
    }
    let disk = disk.crashed(Kept::Nothing);
    let mut content = disk.content(&name(1));
    content.truncate(FILE_HEADER_BYTES + entry(1, 3000).frame_bytes());
    disk.set_content(&name(1), content);
    let found = restart(&disk);
    assert_eq!(found.hashes(), [1, 3, 4, 5, 6, 7, 8]);
    assert_eq!(found.missing(), [2]);
}

#[test]
fn a_file_that_is_gone_is_named() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    for number in 1..=8 {
        writer.append(&[entry(number, 3000)]).expect("written");
    }
    let disk = disk.crashed(Kept::Nothing);
    disk.remove(&name(2)).expect("there");
    let found = restart(&disk);
    assert_eq!(found.hashes(), [1, 2, 5, 6, 7, 8]);
    assert_eq!(found.missing(), [3, 4]);
}

#[test]
fn empty_and_foreign_files_do_no_harm() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    writer.append(&[entry(1, 100)]).expect("written");
    let disk = disk.crashed(Kept::Nothing);
    disk.set_content(&name(2), Vec::new());
    disk.set_content(&name(3), vec![0; 4096]);
    disk.set_content("lost+found", b"whatever".to_vec());
    let found = restart(&disk);
    assert_eq!(found.hashes(), [1]);
    assert_eq!(found.recovered.damage, []);
    assert_eq!(found.recovered.next, Position { file_number: 4, sequence: 2 });
}

#[test]
fn a_request_that_looks_like_a_frame_never_becomes_one() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    // The sender knows the format, but not the random id of the file.
    let mut forged = Vec::new();
    let stamp = super::frame::Stamp { file_id: 0, sequence: 2, durable_through: u64::MAX };
    entry(666, 50).encode(stamp, &mut forged);
    let mut body = vec![0; (72 + "default".len()).next_multiple_of(8) - 72 - "default".len()];
    body.extend_from_slice(&forged);
    let carrier = Entry { body: body.into(), ..entry(1, 0) };
    writer.append(&[carrier]).expect("written");
    let disk = disk.crashed(Kept::Nothing);
    let mut content = disk.content(&name(1));
    content[FILE_HEADER_BYTES + 20] ^= 1;
    disk.set_content(&name(1), content);
    assert_eq!(restart(&disk).hashes(), [0_u128; 0]);
}

#[test]
fn after_a_failed_fsync_nothing_of_the_group_comes_back_once_writing_went_on() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    writer.append(&[entry(1, 100)]).expect("written");
    disk.fail_syncs(1);
    assert!(matches!(writer.append(&[entry(2, 100), entry(3, 100)]), Err(JournalError::Io(_))));
    assert_eq!(writer.append(&[entry(4, 100)]).expect("the next file works"), 2);
    for kept in [Kept::Nothing, Kept::Everything, Kept::Prefix(120), Kept::EverySecondSector] {
        let found = restart(&disk.crashed(kept));
        assert_eq!(found.hashes(), [1, 4], "{kept:?}");
        assert_eq!(found.recovered.damage, [], "{kept:?}");
    }
}

#[test]
fn a_full_disk_refuses_and_works_again_when_there_is_space() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    disk.set_capacity(Some(FILE_BYTES));
    writer.append(&[entry(1, 5000)]).expect("the first file fits");
    assert!(matches!(writer.append(&[entry(2, 5000)]), Err(JournalError::DiskFull(_))));
    assert!(matches!(writer.probe(), Err(JournalError::DiskFull(_))));
    disk.set_capacity(None);
    writer.probe().expect("there is space");
    writer.append(&[entry(3, 5000)]).expect("there is space");
    assert_eq!(restart(&disk.crashed(Kept::Nothing)).hashes(), [1, 3]);
}

#[test]
fn a_file_whose_directory_entry_is_not_durable_is_never_used() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    disk.fail_directory_syncs(1);
    assert!(writer.append(&[entry(1, 100)]).is_err());
    writer.append(&[entry(2, 100)]).expect("written");
    assert_eq!(restart(&disk.crashed(Kept::Nothing)).hashes(), [2]);
}

#[test]
fn files_go_when_everything_in_them_is_flushed_and_not_before() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    for number in 1..=6 {
        writer.append(&[entry(number, 3000)]).expect("written");
    }
    let found = restart(&disk.crashed(Kept::Nothing));
    let disk = disk.crashed(Kept::Nothing);
    let files = restart(&disk).files;
    files.release(1);
    assert_eq!(disk.names(), [name(1), name(2), name(3)]);
    files.release(2);
    assert_eq!(disk.names(), [name(2), name(3)]);
    assert_eq!(restart(&disk).hashes(), [3, 4, 5, 6]);
    assert_eq!(restart(&disk).recovered.damage, []);
    files.release(found.recovered.next.sequence);
    assert_eq!(disk.names(), [""; 0]);
    assert_eq!(files.bytes(), 0);
}

#[test]
fn a_request_that_cannot_be_decoded_is_named_and_its_file_kept() {
    let disk = FaultyDisk::default();
    let mut writer = journal(&disk, START);
    writer.append(&[entry(1, 100), entry(2, 100)]).expect("written");
    let files = Files::new(Arc::new(disk.clone()));
    let recovered = recover(&disk, &files, &mut |sequence, _| match sequence {
        1 => Err("it is no OTLP".into()),
        _ => Ok(()),
    });
    let damage = recovered.expect("readable").damage;
    assert_eq!(damage, [Damage { file: name(1), reason: "it is no OTLP".into(), missing: Some(1..=1) }]);
}

/// One step of a journal's life.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    FailSync,
    FailWrite,
    FailDirectorySync,
    Crash(Kept),
}

fn step() -> impl Strategy<Value = Step> {
    let kept = prop_oneof![
        Just(Kept::Nothing),
        Just(Kept::Everything),
        (0..9000_usize).prop_map(Kept::Prefix),
        Just(Kept::EverySecondSector),
    ];
    prop_oneof![
        8 => prop::collection::vec(0..2500_usize, 1..5).prop_map(Step::Append),
        1 => Just(Step::FailSync),
        1 => Just(Step::FailWrite),
        1 => Just(Step::FailDirectorySync),
        2 => kept.prop_map(Step::Crash),
    ]
}

proptest! {
    /// I1 and I3: acknowledged requests are there exactly once, in order; of the others at most whole ones of one
    /// group after the last acknowledged one; and nothing is ever taken for damage.
    #[test]
    fn no_history_of_faults_loses_doubles_or_tears_a_request(steps in prop::collection::vec(step(), 1..40)) {
        let mut disk = FaultyDisk::default();
        let mut writer = journal(&disk, START);
        let mut expected: Vec<u128> = Vec::new();
        let mut unanswered: Vec<Vec<u128>> = Vec::new();
        let mut number = 0;
        for step in steps.into_iter().chain([Step::Crash(Kept::Nothing)]) {
            match step {
                Step::Append(bodies) => {
                    let entries: Vec<Entry> = bodies.iter().map(|&bytes| { number += 1; entry(number, bytes) }).collect();
                    let hashes = entries.iter().map(|entry| entry.request_hash);
                    match writer.append(&entries) {
                        Ok(_) => { expected.extend(hashes); unanswered.clear(); }
                        Err(_) => unanswered.push(hashes.collect()),
                    }
                }
                Step::FailSync => disk.fail_syncs(1),
                Step::FailWrite => disk.fail_writes(1),
                Step::FailDirectorySync => disk.fail_directory_syncs(1),
                Step::Crash(kept) => {
                    disk = disk.crashed(kept);
                    let found = restart(&disk);
                    let hashes = found.hashes();
                    prop_assert_eq!(&found.recovered.damage, &[]);
                    prop_assert!(hashes.starts_with(&expected), "{:?} lacks some of {:?}", hashes, expected);
                    let more = &hashes[expected.len()..];
                    prop_assert!(more.is_empty() || unanswered.iter().any(|group| group.starts_with(more)));
                    expected = hashes;
                    unanswered.clear();
                    writer = journal(&disk, found.recovered.next);
                }
            }
        }
    }
}

#[test]
fn an_unreadable_sector_costs_only_what_is_in_it() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    for number in 0..7 {
        journal.append(&[entry(number, 900)]).expect("written");
    }
    disk.make_unreadable(&name(1), 2_048..2_560);
    let found = restart(&disk);
    assert_eq!(found.hashes(), [0, 1, 3, 4, 5, 6]);
    assert_eq!(found.missing(), [3], "and that is said");
}

#[test]
fn a_file_whose_header_cannot_be_read_is_read_all_the_same() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    for number in 0..7 {
        journal.append(&[entry(number, 900)]).expect("written");
    }
    disk.make_unreadable(&name(1), 0..64);
    let found = restart(&disk);
    assert_eq!(found.hashes(), (0..7).collect::<Vec<_>>());
    assert_eq!((found.recovered.damage.len(), found.missing()), (1, Vec::new()));
}

#[test]
fn what_was_refused_stays_void_when_the_header_that_says_so_is_damaged() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    journal.append(&[entry(0, 100)]).expect("written");
    disk.fail_syncs(1);
    journal.append(&[entry(1, 100), entry(2, 100)]).expect_err("not durable");
    journal.append(&[entry(3, 100)]).expect("written to another file");
    journal.append(&[entry(4, 100)]).expect("written");
    let disk = disk.crashed(Kept::Everything);
    let mut content = disk.content(&name(2));
    content[20] ^= 1;
    disk.set_content(&name(2), content);
    assert_eq!(restart(&disk).hashes(), [0, 3, 4]);
}

#[test]
fn a_file_goes_only_when_the_removal_of_the_one_before_is_durable() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    for number in 0..40 {
        journal.append(&[entry(number, 900)]).expect("written");
    }
    let files = restart(&disk).files;
    let before = disk.names().len();
    assert!(before > 3);
    files.release(0);
    disk.fail_directory_syncs(1);
    files.release(40);
    assert_eq!(disk.names().len(), before - 1);
    files.release(40);
    assert!(disk.names().is_empty());
}

#[test]
fn a_file_that_was_left_half_made_does_no_harm() {
    let disk = FaultyDisk::default();
    let mut journal = journal(&disk, START);
    journal.append(&[entry(0, 100)]).expect("written");
    let mut half = vec![0; 4_096];
    half[..30].copy_from_slice(&disk.content(&name(1))[..30]);
    disk.set_content(&name(2), half);
    let found = restart(&disk);
    assert_eq!((found.hashes(), found.recovered.damage.len()), (vec![0], 0));
}
