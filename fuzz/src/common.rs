//! The tests' own writer of checkpoints.

#[path = "../../tests/common/bundle.rs"]
pub mod bundle;
#[path = "../../tests/common/counter.rs"]
pub mod counter;
#[path = "../../tests/common/crc.rs"]
pub mod crc;
#[path = "../../tests/common/dtypes.rs"]
pub mod dtypes;
#[path = "../../tests/common/naive.rs"]
pub mod naive;
#[path = "../../tests/common/ordered_code.rs"]
pub mod ordered_code;
#[path = "../../tests/common/payload.rs"]
pub mod payload;
#[path = "../../tests/common/proto.rs"]
pub mod proto;
#[path = "../../src/laboratory/rng.rs"]
pub mod rng;
#[path = "../../tests/common/table.rs"]
pub mod table;
#[path = "../../tests/common/v1.rs"]
pub mod v1;
