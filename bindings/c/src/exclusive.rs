//! Handles that calls change: several calls may read one at the same time, or one may change it. A
//! call that comes while another is in the way fails; it never waits, since a callback of the other
//! call may have made it.

use std::sync::Arc;

use parking_lot::{ArcRwLockReadGuard, ArcRwLockWriteGuard, RawRwLock, RwLock};

use super::pointer::{handle, required};
use ::checkpoint::{Code, Error, Reason, Result};

/// The value of a handle that calls change. No reference to it exists but in the guards below, so
/// that callers who break the convention of one thread at a time get an error and nothing else.
///
/// The guards share it: a handle that is freed during a call stays valid until the call ends.
#[derive(Default)]
pub(super) struct Exclusive<T>(Arc<RwLock<T>>);

pub(super) type Reading<T> = ArcRwLockReadGuard<RawRwLock, T>;
pub(super) type Changing<T> = ArcRwLockWriteGuard<RawRwLock, T>;

impl<T> Exclusive<T> {
    pub fn new(value: T) -> Exclusive<T> {
        Exclusive(Arc::new(RwLock::new(value)))
    }

    /// The value, for reading; fails while a call changes it.
    pub fn read(&self, name: &str) -> Result<Reading<T>> {
        self.0.try_read_arc().ok_or_else(|| in_use(name))
    }

    /// The value, for changing; fails while any other call uses it.
    pub fn change(&self, name: &str) -> Result<Changing<T>> {
        self.0.try_write_arc().ok_or_else(|| in_use(name))
    }

    /// Takes the value after a callback has returned. Waits for other threads that still use it,
    /// although their time is over.
    pub fn take(&self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut *self.0.write())
    }
}

#[cold]
#[inline(never)]
fn in_use(name: &str) -> Error {
    let what = format!("{name} must not be used by several calls at once, one of which changes them");
    Error::new(Code::FailedPrecondition, Reason::ConcurrentUse, what)
}

/// A handle that calls change.
pub(super) trait Changeable {
    type Value;
    fn exclusive(&self) -> &Exclusive<Self::Value>;
}

/// The value behind a handle, for changing; an error if the handle is NULL or in use.
pub(super) fn changed<T: Changeable>(pointer: *mut T, name: &str) -> Result<Changing<T::Value>> {
    required(pointer.cast_const(), name)?.exclusive().change(name)
}

/// What `copy` makes of the options behind a handle; the defaults if the handle is NULL. No guard
/// is held afterwards: callbacks of the call may change and free the options.
pub(super) fn copied<T: Changeable, V: Default>(pointer: *const T, copy: impl FnOnce(&T::Value) -> V) -> Result<V> {
    match handle(pointer) {
        Some(options) => Ok(copy(&*options.exclusive().read("the options")?)),
        None => Ok(V::default()),
    }
}

/// Makes handles changeable. For modules beside this one, wherever the source of the ABI lies.
macro_rules! changeable {
    ($($handle:ty: $value:ty,)*) => {
        $(impl super::exclusive::Changeable for $handle {
            type Value = $value;
            fn exclusive(&self) -> &super::exclusive::Exclusive<$value> {
                &self.0
            }
        })*
    };
}

pub(super) use changeable;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_calls_read_or_one_changes() {
        let value = Exclusive::new(1);
        let is_in_use = |result: Result<()>| result.unwrap_err().reason() == Reason::ConcurrentUse;
        let first = value.read("x").unwrap();
        assert_eq!(*value.read("x").unwrap(), *first);
        assert!(is_in_use(value.change("x").map(drop)));
        drop(first);
        let mut change = value.change("x").unwrap();
        *change = 2;
        assert!(is_in_use(value.read("x").map(drop)));
        assert!(is_in_use(value.change("x").map(drop)));
        drop(change);
        assert_eq!(value.take(), 2);
    }

    #[test]
    fn a_value_outlives_its_handle_during_a_call() {
        let value = Exclusive::new(vec![1]);
        let mut change = value.change("x").unwrap();
        drop(value);
        change.push(2);
        assert_eq!(*change, [1, 2]);
    }
}
