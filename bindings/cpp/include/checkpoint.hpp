// libcheckpoint for C++17: TensorFlow's checkpoints without TensorFlow.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// @mainpage
/// Everything, in namespace `checkpoint`; a program writes `namespace ckpt = checkpoint;`.
///
/// Conventions, beside those of checkpoint.h:
///
///  1. A call that fails throws checkpoint::error. Destructors never do.
///  2. Classes own their handle, move, and do not copy; destroy them in any order. What is lent to
///     them (tensors, rows, elements) keeps the memory that it is in, save where a comment says
///     "while the callback runs". A moved-from object can be destroyed and assigned to; other calls
///     throw checkpoint::code::invalid_argument.
///  3. A std::string_view that a call returns lives as long as the object that it was asked of.
///  4. Options are chains, `write_options().shards(2).alignment(64)`, and are not needed any more
///     when the call returns.
///  5. Callbacks are any function object. An exception in one never crosses the library: it becomes
///     the text of the checkpoint::error that the call throws, whose checkpoint::error::cause it
///     is.
///  6. Threads: a const method may be called from several threads at once, another from one at a
///     time, as in checkpoint.h.

#ifndef CHECKPOINT_HPP
#define CHECKPOINT_HPP

#include <checkpoint/array.hpp>
#include <checkpoint/checkpoint.hpp>
#include <checkpoint/checkpoint_view.hpp>
#include <checkpoint/containers.hpp>
#include <checkpoint/conversion.hpp>
#include <checkpoint/core.hpp>
#include <checkpoint/device.hpp>
#include <checkpoint/directory.hpp>
#include <checkpoint/error.hpp>
#include <checkpoint/graph.hpp>
#include <checkpoint/layout.hpp>
#include <checkpoint/load.hpp>
#include <checkpoint/maintenance.hpp>
#include <checkpoint/manager.hpp>
#include <checkpoint/members.hpp>
#include <checkpoint/merge.hpp>
#include <checkpoint/module.hpp>
#include <checkpoint/object_graph.hpp>
#include <checkpoint/pending.hpp>
#include <checkpoint/ranks.hpp>
#include <checkpoint/reader.hpp>
#include <checkpoint/registered_savers.hpp>
#include <checkpoint/report.hpp>
#include <checkpoint/resizable.hpp>
#include <checkpoint/saver.hpp>
#include <checkpoint/slot_owner.hpp>
#include <checkpoint/slots.hpp>
#include <checkpoint/state.hpp>
#include <checkpoint/status.hpp>
#include <checkpoint/tensor.hpp>
#include <checkpoint/variable.hpp>
#include <checkpoint/verify.hpp>
#include <checkpoint/view.hpp>
#include <checkpoint/watch.hpp>
#include <checkpoint/writer.hpp>

#endif
