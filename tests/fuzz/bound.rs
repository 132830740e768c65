//! Runs a body under a limit on the memory it may have at once; one byte more ends the process, which the fuzzer
//! reports with the input.

use cap::Cap;

use super::bodies::Target;

#[global_allocator]
static ALLOCATOR: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

pub fn within(target: &Target, data: &[u8]) {
    // What is made once and kept is no part of an input's share.
    static WARM: std::sync::Once = std::sync::Once::new();
    WARM.call_once(|| {
        (target.body)(target.seed);
        // The report of a panic takes memory too: short of it, it hangs, and is filed as a timeout.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = ALLOCATOR.set_limit(usize::MAX);
            report(panic);
        }));
    });
    let most = target.bytes_max + data.len() * target.bytes_per_byte_max;
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + most).expect("the limit lies above what is taken");
    (target.body)(data);
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
}
