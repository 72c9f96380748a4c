// Generated from bindings/abi.json by bindings/generate; do not edit.

package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *OpenOptions) set(made *C.ckpt_open_options, e **C.ckpt_error) bool {
	if o.MemoryLimit != 0 && C.ckpt_open_options_set_memory_limit(made, C.uint64_t(o.MemoryLimit), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *ReadOptions) set(made *C.ckpt_read_options, e **C.ckpt_error) bool {
	if o.Threads != 0 && C.ckpt_read_options_set_threads(made, C.uint32_t(o.Threads), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Checksums != 0 && C.ckpt_read_options_set_checksums(made, C.ckpt_checksums(o.Checksums), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.DType != 0 && C.ckpt_read_options_set_dtype(made, C.ckpt_dtype(o.DType), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Conversion != 0 && C.ckpt_read_options_set_conversion(made, C.ckpt_conversion(o.Conversion), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *VerifyOptions) set(made *C.ckpt_verify_options, e **C.ckpt_error) bool {
	if o.Threads != 0 && C.ckpt_verify_options_set_threads(made, C.uint32_t(o.Threads), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.SkipValues && C.ckpt_verify_options_set_skip_values(made, C.bool(o.SkipValues), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *WriteOptions) set(made *C.ckpt_write_options, e **C.ckpt_error) bool {
	if o.Shards != 0 && C.ckpt_write_options_set_shards(made, C.uint32_t(o.Shards), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.MaxShardSize != 0 && C.ckpt_write_options_set_max_shard_size(made, C.uint64_t(o.MaxShardSize), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Alignment != 0 && C.ckpt_write_options_set_alignment(made, C.uint64_t(o.Alignment), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Threads != 0 && C.ckpt_write_options_set_threads(made, C.uint32_t(o.Threads), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Durability != 0 && C.ckpt_write_options_set_durability(made, C.ckpt_durability(o.Durability), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_write_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_write_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.ReadBack && C.ckpt_write_options_set_read_back(made, C.bool(o.ReadBack), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *MergeOptions) set(made *C.ckpt_merge_options, e **C.ckpt_error) bool {
	if o.AllowMissing && C.ckpt_merge_options_set_allow_missing(made, C.bool(o.AllowMissing), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.KeepInputs && C.ckpt_merge_options_set_keep_inputs(made, C.bool(o.KeepInputs), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Durability != 0 && C.ckpt_merge_options_set_durability(made, C.ckpt_durability(o.Durability), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_merge_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_merge_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *NodeOptions) set(made *C.ckpt_node_options, e **C.ckpt_error) bool {
	if o.DebugName != "" && C.ckpt_node_options_set_debug_name(made, chars(o.DebugName), C.size_t(len(o.DebugName)), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Name != "" && C.ckpt_node_options_set_name(made, chars(o.Name), C.size_t(len(o.Name)), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.ReadOnly && C.ckpt_node_options_set_read_only(made, C.bool(o.ReadOnly), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LegacyName != "" && C.ckpt_node_options_set_legacy_name(made, chars(o.LegacyName), C.size_t(len(o.LegacyName)), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *SaveOptions) set(made *C.ckpt_save_options, e **C.ckpt_error) bool {
	if o.Busy != 0 && C.ckpt_save_options_set_busy(made, C.ckpt_busy(o.Busy), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.SnapshotLimit != 0 && C.ckpt_save_options_set_snapshot_limit(made, C.uint64_t(o.SnapshotLimit), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *RestoreOptions) set(made *C.ckpt_restore_options, e **C.ckpt_error) bool {
	for _, each := range o.Include {
		if C.ckpt_restore_options_add_include(made, chars(each), C.size_t(len(each)), e) != C.CKPT_CODE_OK {
			return false
		}
	}
	for _, each := range o.Exclude {
		if C.ckpt_restore_options_add_exclude(made, chars(each), C.size_t(len(each)), e) != C.CKPT_CODE_OK {
			return false
		}
	}
	for _, each := range o.Renames {
		if C.ckpt_restore_options_add_rename(made, chars(each.From), C.size_t(len(each.From)), chars(each.To), C.size_t(len(each.To)), e) != C.CKPT_CODE_OK {
			return false
		}
	}
	if o.OnMismatch != 0 && C.ckpt_restore_options_set_on_mismatch(made, C.ckpt_mismatch(o.OnMismatch), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Conversion != 0 && C.ckpt_restore_options_set_conversion(made, C.ckpt_conversion(o.Conversion), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.SkipSlotVariables && C.ckpt_restore_options_set_skip_slot_variables(made, C.bool(o.SkipSlotVariables), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Subtree != "" && C.ckpt_restore_options_set_subtree(made, chars(o.Subtree), C.size_t(len(o.Subtree)), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.VerifyFirst && C.ckpt_restore_options_set_verify_first(made, C.bool(o.VerifyFirst), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *SaverOptions) set(made *C.ckpt_saver_options, e **C.ckpt_error) bool {
	if o.MaxToKeep != nil && C.ckpt_saver_options_set_max_to_keep(made, C.size_t(*o.MaxToKeep), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.KeepEvery != 0 && C.ckpt_saver_options_set_keep_checkpoint_every_n_hours(made, C.double(o.KeepEvery.Hours()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.PadStepNumber && C.ckpt_saver_options_set_pad_step_number(made, C.bool(o.PadStepNumber), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.AbsolutePaths && C.ckpt_saver_options_set_save_relative_paths(made, false, e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Reshape && C.ckpt_saver_options_set_reshape(made, C.bool(o.Reshape), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.RestoreOnly && C.ckpt_saver_options_set_restore_only(made, C.bool(o.RestoreOnly), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_saver_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_saver_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *SaverSaveOptions) set(made *C.ckpt_saver_save_options, e **C.ckpt_error) bool {
	if o.GlobalStep != nil && C.ckpt_saver_save_options_set_global_step(made, C.int64_t(*o.GlobalStep), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.GlobalStepOf != 0 && C.ckpt_saver_save_options_set_global_step_of(made, C.ckpt_node(o.GlobalStepOf), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.NoState && C.ckpt_saver_save_options_set_write_state(made, false, e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *ManagerOptions) set(made *C.ckpt_manager_options, e **C.ckpt_error) bool {
	if o.MaxToKeep != 0 && C.ckpt_manager_options_set_max_to_keep(made, C.int64_t(o.MaxToKeep), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.KeepEvery != 0 && C.ckpt_manager_options_set_keep_checkpoint_every_n_hours(made, C.double(o.KeepEvery.Hours()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.KeepBest != 0 && C.ckpt_manager_options_set_keep_best(made, C.size_t(o.KeepBest), C.ckpt_better(o.Better), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Name != "" && C.ckpt_manager_options_set_checkpoint_name(made, chars(o.Name), C.size_t(len(o.Name)), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.StepCounter != 0 && C.ckpt_manager_options_set_step_counter(made, C.ckpt_node(o.StepCounter), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.StepsInCalls && C.ckpt_manager_options_set_steps_in_calls(made, C.bool(o.StepsInCalls), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Interval != 0 && C.ckpt_manager_options_set_checkpoint_interval(made, C.int64_t(o.Interval), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LastStep != nil && C.ckpt_manager_options_set_last_checkpoint_step(made, C.int64_t(*o.LastStep), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_manager_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_manager_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *ManagerSaveOptions) set(made *C.ckpt_manager_save_options, e **C.ckpt_error) bool {
	if o.Number != nil && C.ckpt_manager_save_options_set_number(made, C.int64_t(*o.Number), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.NumberOf != 0 && C.ckpt_manager_save_options_set_number_of(made, C.ckpt_node(o.NumberOf), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.IgnoreInterval && C.ckpt_manager_save_options_set_check_interval(made, false, e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Step != nil && C.ckpt_manager_save_options_set_step(made, C.int64_t(*o.Step), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Metric != nil && C.ckpt_manager_save_options_set_metric(made, C.double(*o.Metric), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.MetricOf != 0 && C.ckpt_manager_save_options_set_metric_of(made, C.ckpt_node(o.MetricOf), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *ResumeOptions) set(made *C.ckpt_resume_options, e **C.ckpt_error) bool {
	if o.LatestValid && C.ckpt_resume_options_set_latest_valid(made, C.bool(o.LatestValid), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Step != nil && C.ckpt_resume_options_set_step(made, C.int64_t(*o.Step), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *RemoveOptions) set(made *C.ckpt_remove_options, e **C.ckpt_error) bool {
	if o.Locking != 0 && C.ckpt_remove_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_remove_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *WaitOptions) set(made *C.ckpt_wait_options, e **C.ckpt_error) bool {
	if o.Timeout != nil && C.ckpt_wait_options_set_timeout(made, C.double(o.Timeout.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.PollInterval != 0 && C.ckpt_wait_options_set_poll_interval(made, C.double(o.PollInterval.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.MinInterval != 0 && C.ckpt_wait_options_set_min_interval(made, C.double(o.MinInterval.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *RepairOptions) set(made *C.ckpt_repair_options, e **C.ckpt_error) bool {
	if o.DryRun && C.ckpt_repair_options_set_dry_run(made, C.bool(o.DryRun), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_repair_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_repair_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}

// set sets all but callbacks, other options, paths and arrays, and says whether that went well.
func (o *CollectOptions) set(made *C.ckpt_collect_options, e **C.ckpt_error) bool {
	if o.KeepEvery != 0 && C.ckpt_collect_options_set_keep_checkpoint_every_n_hours(made, C.double(o.KeepEvery.Hours()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.KeepBest != 0 && C.ckpt_collect_options_set_keep_best(made, C.size_t(o.KeepBest), C.ckpt_better(o.Better), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.Locking != 0 && C.ckpt_collect_options_set_locking(made, C.ckpt_locking(o.Locking), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.LockWait != nil && C.ckpt_collect_options_set_lock_wait(made, C.double(o.LockWait.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.OlderThan != nil && C.ckpt_collect_options_set_older_than(made, C.double(o.OlderThan.Seconds()), e) != C.CKPT_CODE_OK {
		return false
	}
	if o.DryRun && C.ckpt_collect_options_set_dry_run(made, C.bool(o.DryRun), e) != C.CKPT_CODE_OK {
		return false
	}
	return true
}
