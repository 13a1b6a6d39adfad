#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| dotwrap_fuzz::connection_string(input));
