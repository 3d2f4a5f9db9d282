//! An executor of one thread whose every choice comes from the seed, with a time of its own that jumps to the next timer
//! when nothing is left to do.
//!
//! It can be entered again from within a task: work that blocks runs in place, and whatever may happen meanwhile is
//! run by [`interleave`] and [`wait`] on top of it. Which thread runs what first is a choice of the seed, too.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::chance::Chance;

/// So many polls without the time going on are an endless loop.
const POLLS_MAX: u64 = 2_000_000;

/// What unwinds all stacks when the machine loses its power, or the process is killed.
pub(super) struct PowerCut;

/// How a run ended.
pub(super) enum Ended<T> {
    /// The task did.
    Finished(T),
    /// The machine did.
    PowerCut,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) };
}

/// Whether this thread runs a simulation.
pub(crate) fn is_running() -> bool {
    CURRENT.with_borrow(|current| current.is_some())
}

/// The executor of this thread.
pub(super) fn current() -> Rc<Executor> {
    CURRENT.with_borrow(|current| current.clone()).expect("this thread runs a simulation")
}

struct Task {
    pool: u64,
    /// Not there while it is polled.
    future: Option<BoxFuture<'static, ()>>,
    /// Woken while it was polled.
    is_woken: bool,
}

struct Tasks {
    by_id: BTreeMap<u64, Task>,
    next_id: u64,
    timers: BTreeMap<(Duration, u64), Waker>,
    chance: Chance,
}

/// The executor.
pub(super) struct Executor {
    tasks: RefCell<Tasks>,
    ready: Arc<Mutex<Vec<u64>>>,
    elapsed: Cell<Duration>,
    is_cut: Cell<bool>,
    depth: Cell<u32>,
    polls: Cell<u64>,
}

struct TaskWaker {
    id: u64,
    ready: Arc<Mutex<Vec<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock();
        if !ready.contains(&self.id) {
            ready.push(self.id);
        }
    }
}

impl Executor {
    /// Whose time goes on at `elapsed`.
    pub(super) fn new(chance: Chance, elapsed: Duration) -> Rc<Executor> {
        let tasks = Tasks { by_id: BTreeMap::new(), next_id: 1, timers: BTreeMap::new(), chance };
        Rc::new(Executor {
            tasks: RefCell::new(tasks),
            ready: Arc::default(),
            elapsed: Cell::new(elapsed),
            is_cut: Cell::new(false),
            depth: Cell::new(0),
            polls: Cell::new(0),
        })
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    /// Runs `main`, and whatever it spawns, until `main` ends or the power is cut. All other tasks are dropped then.
    pub(super) fn run<T: Send + 'static>(self: &Rc<Self>, main: impl Future<Output = T> + Send + 'static) -> Ended<T> {
        CURRENT.set(Some(Rc::clone(self)));
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.spawn(0, Box::pin(async move { *slot.lock() = Some(main.await) }));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while result.lock().is_none() && !self.is_cut.get() {
                self.step();
            }
        }));
        let left = std::mem::take(&mut self.tasks.borrow_mut().by_id);
        drop(left);
        CURRENT.set(None);
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        let finished = result.lock().take();
        match finished {
            Some(value) if !self.is_cut.get() => Ended::Finished(value),
            _ => Ended::PowerCut,
        }
    }

    pub(super) fn spawn(&self, pool: u64, future: BoxFuture<'static, ()>) {
        let mut tasks = self.tasks.borrow_mut();
        let id = tasks.next_id;
        tasks.next_id += 1;
        tasks.by_id.insert(id, Task { pool, future: Some(future), is_woken: false });
        self.ready.lock().push(id);
    }

    pub(super) fn new_pool(&self) -> u64 {
        let mut tasks = self.tasks.borrow_mut();
        tasks.next_id += 1;
        tasks.next_id
    }

    /// Drops the tasks of a pool; one that is polled right now when that poll ends.
    pub(super) fn cancel(&self, pool: u64) {
        let mut tasks = self.tasks.borrow_mut();
        let ids: Vec<u64> = tasks.by_id.iter().filter(|(_, task)| task.pool == pool).map(|(id, _)| *id).collect();
        let dropped: Vec<Option<Task>> = ids.iter().map(|id| tasks.by_id.remove(id)).collect();
        drop(tasks);
        drop(dropped);
    }

    /// Polls a task that is ready, or lets the time pass.
    fn step(&self) {
        if !self.poll_one() && !self.pass_time() {
            panic!("deadlock: every task waits for another");
        }
    }

    /// Polls one of the tasks that are ready, if there are any.
    fn poll_one(&self) -> bool {
        let id = {
            let mut ready = self.ready.lock();
            if ready.is_empty() {
                return false;
            }
            let place = self.tasks.borrow_mut().chance.within(0..ready.len() as u64) as usize;
            ready.swap_remove(place)
        };
        let future = self.tasks.borrow_mut().by_id.get_mut(&id).and_then(|task| {
            // When it is further down on this stack, it is polled again after that.
            task.is_woken = task.future.is_none();
            task.future.take()
        });
        let Some(mut future) = future else { return true };
        self.polls.set(self.polls.get() + 1);
        assert!(self.polls.get() < POLLS_MAX, "endless loop: {POLLS_MAX} polls and the time does not go on");
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
        let polled = self.guarded(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        match polled {
            Some(Poll::Pending) => {
                let mut tasks = self.tasks.borrow_mut();
                match tasks.by_id.get_mut(&id) {
                    Some(task) => {
                        task.future = Some(future);
                        if std::mem::take(&mut task.is_woken) {
                            self.ready.lock().push(id);
                        }
                    }
                    // Cancelled meanwhile.
                    None => {
                        drop(tasks);
                        drop(future);
                    }
                }
            }
            Some(Poll::Ready(())) => {
                let ended = self.tasks.borrow_mut().by_id.remove(&id);
                drop(ended);
            }
            None => {}
        }
        true
    }

    /// Runs a part of a task; none when the power is cut meanwhile. Other panics are bugs, and end the run.
    fn guarded<T>(&self, part: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(part)) {
            Ok(value) => Some(value),
            Err(panic) if is_power_cut(panic.as_ref()) => {
                self.is_cut.set(true);
                None
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Goes on to the next timer, if there is one.
    fn pass_time(&self) -> bool {
        let Some(((at, _), waker)) = self.tasks.borrow_mut().timers.pop_first() else { return false };
        if at > self.elapsed.get() {
            self.elapsed.set(at);
            self.polls.set(0);
        }
        waker.wake();
        true
    }
}

fn is_power_cut(panic: &(dyn Any + Send)) -> bool {
    panic.is::<PowerCut>()
}

/// Ends the run at once, as if the power was cut.
pub(super) fn cut_power() -> ! {
    resume_unwind(Box::new(PowerCut))
}

/// Waits for `future` within work that blocks, while everything else goes on.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let executor = current();
    let mut future = pin!(future);
    loop {
        // Woken or not, it is looked at again after each step.
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        nested(&executor, Executor::step);
    }
}

/// Lets other tasks go on for a while, as they would while a device is busy.
pub(super) fn interleave() {
    if !is_running() {
        return;
    }
    let executor = current();
    let steps = {
        let mut tasks = executor.tasks.borrow_mut();
        if executor.depth.get() > 2 || !tasks.chance.happens(0.3) { 0 } else { tasks.chance.within(1..12) }
    };
    for _ in 0..steps {
        nested(&executor, |executor| {
            executor.poll_one();
        });
    }
}

fn nested(executor: &Executor, step: impl FnOnce(&Executor)) {
    executor.depth.set(executor.depth.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(|| step(executor)));
    executor.depth.set(executor.depth.get() - 1);
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    if executor.is_cut.get() {
        cut_power();
    }
}

/// Lets others go first, and sometimes the time pass.
pub(crate) async fn pause() {
    if let Some(pause) = draw_pause() {
        sleep(pause).await;
    }
}

fn draw_pause() -> Option<Duration> {
    if !is_running() {
        return None;
    }
    let executor = current();
    let chance = &mut executor.tasks.borrow_mut().chance;
    match chance.within(0..8) {
        0..4 => None,
        4..6 => Some(Duration::ZERO),
        _ => Some(Duration::from_micros(chance.heavy_tailed(50_000))),
    }
}

/// Waits.
pub(super) fn sleep(duration: Duration) -> Sleep {
    Sleep { until: current().elapsed() + duration, timer: None, has_waited: false }
}

/// See [`sleep`].
pub(super) struct Sleep {
    until: Duration,
    timer: Option<u64>,
    has_waited: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let executor = current();
        self.forget_timer(&executor);
        if self.has_waited && executor.elapsed() >= self.until {
            return Poll::Ready(());
        }
        self.has_waited = true;
        let mut tasks = executor.tasks.borrow_mut();
        let timer = tasks.next_id;
        tasks.next_id += 1;
        tasks.timers.insert((self.until, timer), context.waker().clone());
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Sleep {
    fn forget_timer(&mut self, executor: &Executor) {
        if let Some(timer) = self.timer.take() {
            let forgotten = executor.tasks.borrow_mut().timers.remove(&(self.until, timer));
            drop(forgotten);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if is_running() {
            self.forget_timer(&current());
        }
    }
}
