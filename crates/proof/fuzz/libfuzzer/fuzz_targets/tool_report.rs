#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dotwrap_fuzz::tool_report(input));
