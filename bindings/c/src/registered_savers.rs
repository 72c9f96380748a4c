//! Registered savers: callbacks that save and restore all objects of one kind together.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, CallbackMark};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at};
use super::node::{ckpt_node, ckpt_nodes};
use super::progress::{ckpt_free_callback, UserData};
use super::state::{ckpt_sink, ckpt_source};
use super::{call, text_at};
use ::checkpoint::{Error, Failure, NodeId, ObjectSaver, Sink, Source};

/// Returns whether the saver is responsible for `node`. Called once for each object of a save, and
/// for the objects that the saver is to restore.
pub type ckpt_accepts_callback = Option<extern "C" fn(user_data: *mut c_void, node: ckpt_node) -> bool>;

/// Puts the tensors of `objects` into `sink`. The names in `objects` are the paths under which the
/// objects are saved; the name of each tensor is its key, which in TensorFlow's savers begins with
/// such a path. Any result other than `CKPT_CODE_OK` ends the save with `CKPT_CODE_ABORTED` before
/// anything is written.
pub type ckpt_save_objects_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        objects: *const ckpt_nodes,
        sink: *mut ckpt_sink,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Returns whether the saver needs the tensor with this key to restore `objects`. Called for the
/// keys of the checkpoint. The names in `objects` are the paths under which the objects were saved.
pub type ckpt_wants_callback =
    Option<extern "C" fn(user_data: *mut c_void, objects: *const ckpt_nodes, key: *const c_char, key_len: usize) -> bool>;

/// Restores `objects` from the tensors that the saver requested, after everything else was
/// restored. The name of each tensor is its key. Any result other than `CKPT_CODE_OK` ends the
/// restore with `CKPT_CODE_ABORTED`.
pub type ckpt_restore_objects_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        objects: *const ckpt_nodes,
        source: *const ckpt_source,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

struct Callbacks {
    user: UserData,
    accepts: extern "C" fn(*mut c_void, ckpt_node) -> bool,
    save: extern "C" fn(*mut c_void, *const ckpt_nodes, *mut ckpt_sink, *mut ckpt_failure) -> ckpt_code,
    wants: extern "C" fn(*mut c_void, *const ckpt_nodes, *const c_char, usize) -> bool,
    restore: extern "C" fn(*mut c_void, *const ckpt_nodes, *const ckpt_source, *mut ckpt_failure) -> ckpt_code,
    mark: CallbackMark,
}

impl ObjectSaver for Callbacks {
    fn accepts(&mut self, object: NodeId) -> bool {
        self.mark.run(|| (self.accepts)(self.user.pointer(), object.number()))
    }

    fn save(&mut self, objects: &[(String, NodeId)], sink: &mut Sink) -> std::result::Result<(), Failure> {
        let objects = ckpt_nodes::lent(objects);
        ckpt_sink::lend(&self.mark, sink, |sink, failure| (self.save)(self.user.pointer(), &objects, sink, failure))
    }

    fn wants(&mut self, objects: &[(String, NodeId)], key: &[u8]) -> bool {
        let objects = ckpt_nodes::lent(objects);
        self.mark.run(|| (self.wants)(self.user.pointer(), &objects, key.as_ptr().cast(), key.len()))
    }

    fn restore(&mut self, objects: &[(String, NodeId)], source: &Source) -> std::result::Result<(), Failure> {
        let objects = ckpt_nodes::lent(objects);
        ckpt_source::lend(&self.mark, source, |source, failure| (self.restore)(self.user.pointer(), &objects, source, failure))
    }
}

/// Registers a saver for the objects that it accepts. In checkpoints its name is `package.name`; an
/// empty package means `Custom`. If several savers accept an object, the one registered last saves
/// it. (`tf.train.experimental.register_checkpoint_saver`)
///
/// `strict` decides about an object that this saver saved but no longer accepts: the restore fails
/// if `strict` is true, else the object keeps its value. The callbacks are called on the thread
/// that saves or restores. The graph keeps `user_data`. `free_user_data`, if not NULL, is called
/// when the graph is destroyed; at once if this call fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: a callback is NULL, or the name has characters other than ASCII
///   letters, digits and `._-`.
/// * `CKPT_CODE_ALREADY_EXISTS`: a saver of this name is already registered.
#[no_mangle]
pub extern "C" fn ckpt_graph_register_saver(
    graph: *const ckpt_graph,
    package: *const c_char,
    package_len: usize,
    name: *const c_char,
    name_len: usize,
    strict: bool,
    accepts: ckpt_accepts_callback,
    save: ckpt_save_objects_callback,
    wants: ckpt_wants_callback,
    restore: ckpt_restore_objects_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let graph = graph_at(graph)?;
        let (package, name) = (text_at(package, package_len, "the package")?, text_at(name, name_len, "the name")?);
        let (Some(accepts), Some(save), Some(wants), Some(restore)) = (accepts, save, wants, restore) else {
            return Err(Error::argument("the accepts, save, wants or restore callback is NULL"));
        };
        let saver = Callbacks { user, accepts, save, wants, restore, mark: graph.mark.clone() };
        graph.graph.register_saver(package, name, strict, Box::new(saver))
    })
}
