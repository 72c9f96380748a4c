//! Registered savers: callbacks that save and restore all objects of some kind together.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, Mark};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at};
use super::node::{ckpt_node, ckpt_nodes};
use super::progress::{ckpt_free_callback, UserData};
use super::state::{ckpt_sink, ckpt_source};
use super::{call, text_at};
use ::checkpoint::{Error, Failure, NodeId, RegisteredObjects, Sink, Source};

/// Says whether a saver saves this object. It is asked once for each object of a save, and for objects that it is to restore.
pub type ckpt_accepts_callback = Option<extern "C" fn(user_data: *mut c_void, node: ckpt_node) -> bool>;

/// Puts the tensors of `objects`, whose names are the paths under which they are saved, into `sink`; the names of the tensors
/// are their keys. TensorFlow's savers begin them with the path. Anything but `CKPT_CODE_OK` ends the save with `CKPT_CODE_ABORTED`,
/// before anything is written.
pub type ckpt_save_objects_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        objects: *const ckpt_nodes,
        sink: *mut ckpt_sink,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Says whether a saver needs the tensor of this key, one of those of the checkpoint, to restore `objects`, whose names are the
/// paths under which they were saved.
pub type ckpt_wants_callback =
    Option<extern "C" fn(user_data: *mut c_void, objects: *const ckpt_nodes, key: *const c_char, key_len: usize) -> bool>;

/// Restores `objects` from the tensors that the saver wanted, after everything else was restored; the names of the tensors are
/// their keys. Anything but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`.
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
    mark: Mark,
}

impl RegisteredObjects for Callbacks {
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

/// Registers a saver for the objects that it accepts; in checkpoints its name is `package.name`, and no package means `Custom`.
/// If it is not `strict`, an object that it saved and does not accept any more is left as it is. Of several savers that accept
/// an object, the one registered last has it. The callbacks are called on the thread that saves or restores. The graph keeps
/// `user_data`; `free_user_data`, if it is not NULL, is called when the graph is gone; when this call fails, at once.
/// (`tf.train.experimental.register_checkpoint_saver`)
///
/// `CKPT_CODE_INVALID_ARGUMENT` when a callback is NULL, or for a name with other characters than letters, digits and `._-`;
/// `CKPT_CODE_ALREADY_EXISTS` for one that is taken.
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
            return Err(Error::argument("a callback is NULL"));
        };
        let saver = Callbacks { user, accepts, save, wants, restore, mark: graph.mark.clone() };
        graph.graph.register_saver(package, name, strict, Box::new(saver))
    })
}
