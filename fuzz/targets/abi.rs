//! Calls of the C ABI in any order, on files that calls wrote and the fuzzer damaged. Whatever the
//! order, calls fail by their codes with a message; nothing crashes, and values that were written
//! are those that are read.
#![no_main]

use std::ffi::{c_char, c_void, CStr, CString};
use std::ptr::null_mut;

use checkpoint_fuzz::input::Input;
use checkpoint_fuzz::scratch;
use libfuzzer_sys::fuzz_target;

// The library's own source: what is not called from here is no dead code.
#[allow(dead_code, unused_imports)]
#[path = "../../bindings/c/src/lib.rs"]
mod abi;

/// A handle; which one is known where it is used.
type Handle = *mut c_void;

extern "C" {
    fn ckpt_error_code(error: Handle) -> i32;
    fn ckpt_error_message(error: Handle) -> *const c_char;
    fn ckpt_error_free(error: Handle);
    fn ckpt_string_free(string: Handle);
    fn ckpt_strings_free(strings: Handle);

    fn ckpt_reader_open(path: *const c_char, options: Handle, reader: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_reader_free(reader: Handle);
    fn ckpt_reader_count(reader: Handle) -> usize;
    fn ckpt_reader_tensor(reader: Handle, index: usize) -> Handle;
    fn ckpt_reader_find(reader: Handle, key: *const u8, len: usize, tensor: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_reader_read(reader: Handle, tensor: Handle, options: Handle, buffer: *mut u8, size: usize, error: *mut Handle)
        -> i32;
    fn ckpt_reader_read_strings(reader: Handle, tensor: Handle, options: Handle, strings: *mut Handle, error: *mut Handle)
        -> i32;
    fn ckpt_reader_object_graph(reader: Handle, graph: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_tensor_byte_size(tensor: Handle) -> i64;
    fn ckpt_object_graph_free(graph: Handle);
    fn ckpt_verify(path: *const c_char, options: Handle, verification: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_verification_free(verification: Handle);

    fn ckpt_graph_new() -> Handle;
    fn ckpt_graph_free(graph: Handle);
    fn ckpt_graph_add_object(graph: Handle, options: Handle, node: *mut u64, error: *mut Handle) -> i32;
    fn ckpt_graph_add_list(graph: Handle, options: Handle, node: *mut u64, error: *mut Handle) -> i32;
    fn ckpt_graph_add_dict(graph: Handle, options: Handle, node: *mut u64, error: *mut Handle) -> i32;
    #[rustfmt::skip]
    fn ckpt_graph_add_owned(
        graph: Handle,
        dtype: i32,
        shape: *const i64,
        rank: usize,
        data: *const u8,
        size: usize,
        options: Handle,
        node: *mut u64,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_graph_track(graph: Handle, parent: u64, name: *const u8, len: usize, child: u64, error: *mut Handle) -> i32;
    fn ckpt_graph_untrack(graph: Handle, parent: u64, name: *const u8, len: usize, child: *mut u64, error: *mut Handle) -> i32;
    fn ckpt_graph_list_append(graph: Handle, list: u64, element: u64, error: *mut Handle) -> i32;
    fn ckpt_graph_list_remove(graph: Handle, list: u64, index: i64, element: *mut u64, error: *mut Handle) -> i32;
    fn ckpt_graph_remove(graph: Handle, node: u64, error: *mut Handle) -> i32;
    fn ckpt_graph_read(graph: Handle, variable: u64, buffer: *mut u8, size: usize, error: *mut Handle) -> i32;

    fn ckpt_checkpoint_new(graph: Handle, root: u64, checkpoint: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_checkpoint_free(checkpoint: Handle);
    fn ckpt_checkpoint_write(
        checkpoint: Handle,
        prefix: *const c_char,
        options: Handle,
        path: *mut Handle,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_checkpoint_save(
        checkpoint: Handle,
        prefix: *const c_char,
        options: Handle,
        path: *mut Handle,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_checkpoint_save_async(
        checkpoint: Handle,
        prefix: *const c_char,
        options: Handle,
        pending: *mut Handle,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_pending_free(pending: Handle);
    fn ckpt_checkpoint_restore(
        checkpoint: Handle,
        path: *const c_char,
        options: Handle,
        status: *mut Handle,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_checkpoint_dry_run(
        checkpoint: Handle,
        path: *const c_char,
        options: Handle,
        report: *mut Handle,
        error: *mut Handle,
    ) -> i32;
    fn ckpt_checkpoint_last_report(checkpoint: Handle, report: *mut Handle, error: *mut Handle) -> i32;
    fn ckpt_report_free(report: Handle);
    fn ckpt_status_assert_consumed(status: Handle, error: *mut Handle) -> i32;
    fn ckpt_status_free(status: Handle);
}

const OK: i32 = 0;
const FLOAT: i32 = 1;

/// Calls `$function` with `$argument`s and an error; checks that code and error agree. True if it
/// succeeded.
macro_rules! succeeds {
    ($function:ident($($argument:expr),*)) => {{
        let mut error: Handle = null_mut();
        // SAFETY: handles are NULL or alive, and pointers are NULL or of the lengths that are said.
        let code = unsafe { $function($($argument,)* &mut error) };
        agree(code, error)
    }};
}

fn agree(code: i32, error: Handle) -> bool {
    assert_eq!(code == OK, error.is_null());
    // SAFETY: the error is NULL or alive, and freed here.
    unsafe {
        if !error.is_null() {
            assert_eq!(code, ckpt_error_code(error));
            assert_ne!(code, 13, "{:?}", CStr::from_ptr(ckpt_error_message(error))); // INTERNAL: a panic
            assert!(!CStr::from_ptr(ckpt_error_message(error)).is_empty());
        }
        ckpt_error_free(error);
    }
    code == OK
}

/// What a sequence of calls has made so far.
struct Machine {
    graph: Handle,
    nodes: Vec<u64>,
    checkpoint: Handle,
    reader: Handle,
    statuses: Vec<Handle>,
    pending: Vec<Handle>,
}

impl Machine {
    fn new() -> Machine {
        // SAFETY: it takes nothing.
        let graph = unsafe { ckpt_graph_new() };
        let mut root = 0;
        assert!(succeeds!(ckpt_graph_add_object(graph, null_mut(), &mut root)));
        let mut checkpoint = null_mut();
        assert!(succeeds!(ckpt_checkpoint_new(graph, root, &mut checkpoint)));
        Machine { graph, nodes: vec![root], checkpoint, reader: null_mut(), statuses: Vec::new(), pending: Vec::new() }
    }

    /// A node of the graph, or now and then none.
    fn node(&self, input: &mut Input<'_>) -> u64 {
        let which = usize::from(input.byte());
        if which == 255 {
            return u64::MAX / 3;
        }
        self.nodes[which % self.nodes.len()]
    }

    fn variable(&mut self, input: &mut Input<'_>) {
        let shape = [input.below(4) as i64, input.below(3) as i64];
        let rank = input.below(3) as usize;
        let count: i64 = shape[..rank].iter().product();
        let value = vec![input.byte(); count as usize * 4 + usize::from(input.byte() == 9)];
        let mut node = 0;
        if succeeds!(ckpt_graph_add_owned(
            self.graph,
            FLOAT,
            shape.as_ptr(),
            rank,
            value.as_ptr(),
            value.len(),
            null_mut(),
            &mut node
        )) {
            self.nodes.push(node);
        }
    }

    fn reads(&mut self, input: &mut Input<'_>, path: &CString) {
        // SAFETY: nobody uses the tensors of the reader that was.
        unsafe { ckpt_reader_free(std::mem::replace(&mut self.reader, null_mut())) };
        if !succeeds!(ckpt_reader_open(path.as_ptr(), null_mut(), &mut self.reader)) {
            return;
        }
        // SAFETY: the reader is alive, and the index may be any.
        let (count, tensor) =
            unsafe { (ckpt_reader_count(self.reader), ckpt_reader_tensor(self.reader, usize::from(input.byte()))) };
        // SAFETY: the tensor is NULL or of the reader, which is alive.
        let size = unsafe { ckpt_tensor_byte_size(tensor) };
        if count > 0 && (0..1 << 16).contains(&size) {
            let mut buffer = vec![0; size as usize];
            succeeds!(ckpt_reader_read(self.reader, tensor, null_mut(), buffer.as_mut_ptr(), buffer.len()));
        }
        let mut strings = null_mut();
        succeeds!(ckpt_reader_read_strings(self.reader, tensor, null_mut(), &mut strings));
        let mut graph = null_mut();
        succeeds!(ckpt_reader_object_graph(self.reader, &mut graph));
        let (key, mut found) = (input.take(6), null_mut());
        succeeds!(ckpt_reader_find(self.reader, key.as_ptr(), key.len(), &mut found));
        // SAFETY: both are NULL or were made above.
        unsafe {
            ckpt_strings_free(strings);
            ckpt_object_graph_free(graph);
        }
    }

    /// Writes, and finds what it wrote whole and the same.
    fn writes(&mut self, path: &CString) {
        let mut written = null_mut();
        if !succeeds!(ckpt_checkpoint_write(self.checkpoint, path.as_ptr(), null_mut(), &mut written)) {
            return;
        }
        // SAFETY: the string was just made.
        unsafe { ckpt_string_free(written) };
        let before: Vec<Vec<u8>> = self.values();
        let mut status = null_mut();
        assert!(succeeds!(ckpt_checkpoint_restore(self.checkpoint, path.as_ptr(), null_mut(), &mut status)));
        assert!(before == self.values(), "what was restored is not what was written");
        self.statuses.push(status);
    }

    fn values(&self) -> Vec<Vec<u8>> {
        let read = |size: usize, node: u64| {
            let mut buffer = vec![0; size];
            succeeds!(ckpt_graph_read(self.graph, node, buffer.as_mut_ptr(), buffer.len())).then_some(buffer)
        };
        self.nodes.iter().filter_map(|&node| (0..10).find_map(|count| read(count * 4, node))).collect()
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let path = |input: &mut Input<'_>| {
            let name = ["a", "b", "", "a-1", "none/x"][usize::from(input.byte()) % 5];
            CString::new(scratch::directory().join("abi").join(name).into_os_string().into_encoded_bytes()).unwrap()
        };
        let mut node = 0;
        match input.below(18) {
            0 | 1 => self.variable(input),
            2 => {
                if succeeds!(ckpt_graph_add_object(self.graph, null_mut(), &mut node)) {
                    self.nodes.push(node);
                }
            }
            3 => {
                if succeeds!(ckpt_graph_add_list(self.graph, null_mut(), &mut node)) {
                    self.nodes.push(node);
                }
            }
            4 => {
                if succeeds!(ckpt_graph_add_dict(self.graph, null_mut(), &mut node)) {
                    self.nodes.push(node);
                }
            }
            5 | 6 => {
                let (parent, child, name) = (self.node(input), self.node(input), input.take(2));
                succeeds!(ckpt_graph_track(self.graph, parent, name.as_ptr(), name.len(), child));
            }
            7 => {
                let (parent, name) = (self.node(input), input.take(2));
                succeeds!(ckpt_graph_untrack(self.graph, parent, name.as_ptr(), name.len(), &mut node));
            }
            8 => {
                let (list, element) = (self.node(input), self.node(input));
                succeeds!(ckpt_graph_list_append(self.graph, list, element));
            }
            9 => {
                let list = self.node(input);
                succeeds!(ckpt_graph_list_remove(self.graph, list, input.number(), &mut node));
            }
            10 => {
                let removed = self.node(input);
                succeeds!(ckpt_graph_remove(self.graph, removed));
            }
            11 => self.writes(&path(input)),
            12 => {
                let mut written = null_mut();
                succeeds!(ckpt_checkpoint_save(self.checkpoint, path(input).as_ptr(), null_mut(), &mut written));
                // SAFETY: NULL or just made.
                unsafe { ckpt_string_free(written) };
            }
            13 => {
                let mut pending = null_mut();
                succeeds!(ckpt_checkpoint_save_async(self.checkpoint, path(input).as_ptr(), null_mut(), &mut pending));
                self.pending.push(pending);
            }
            14 => {
                let mut status = null_mut();
                succeeds!(ckpt_checkpoint_restore(self.checkpoint, path(input).as_ptr(), null_mut(), &mut status));
                succeeds!(ckpt_status_assert_consumed(status));
                self.statuses.push(status);
            }
            15 => {
                let (mut report, mut last) = (null_mut(), null_mut());
                succeeds!(ckpt_checkpoint_dry_run(self.checkpoint, path(input).as_ptr(), null_mut(), &mut report));
                succeeds!(ckpt_checkpoint_last_report(self.checkpoint, &mut last));
                // SAFETY: NULL or just made.
                unsafe {
                    ckpt_report_free(report);
                    ckpt_report_free(last);
                }
            }
            16 => {
                let path = path(input);
                self.reads(input, &path);
                let mut verification = null_mut();
                succeeds!(ckpt_verify(path.as_ptr(), null_mut(), &mut verification));
                // SAFETY: NULL or just made.
                unsafe { ckpt_verification_free(verification) };
            }
            _ => damage(input),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: each is NULL or alive, and nobody uses it any more.
        unsafe {
            self.pending.drain(..).for_each(|pending| ckpt_pending_free(pending));
            self.statuses.drain(..).for_each(|status| ckpt_status_free(status));
            ckpt_reader_free(self.reader);
            ckpt_checkpoint_free(self.checkpoint);
            ckpt_graph_free(self.graph);
        }
    }
}

/// Changes a byte of a file, or cuts it.
fn damage(input: &mut Input<'_>) {
    let name = ["a.index", "b.index", "a.data-00000-of-00001", "checkpoint", "a-1.index"][usize::from(input.byte()) % 5];
    let path = scratch::directory().join("abi").join(name);
    let Ok(mut bytes) = std::fs::read(&path) else { return };
    let at = input.below(1 << 16) as usize % bytes.len().max(1);
    match input.flag() {
        true => bytes.truncate(at),
        false => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (input.byte() & 7)),
    }
    // A new file, as whoever damages one that is mapped gets what he deserves.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
}

fuzz_target!(|bytes: &[u8]| {
    let folder = scratch::directory().join("abi");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let mut input = Input(bytes);
    let mut machine = Machine::new();
    for _ in 0..60 {
        if input.0.is_empty() {
            break;
        }
        machine.step(&mut input);
    }
});
