//! A Rust library of somebody else's, linked statically into the same program.

#[no_mangle]
pub extern "C" fn other_sum(count: u32) -> u32 {
    let caught = std::panic::catch_unwind(|| {
        let numbers: Vec<u32> = (1..=count).collect();
        assert!(count < 100, "too many");
        numbers.iter().sum()
    });
    caught.unwrap_or(0)
}
