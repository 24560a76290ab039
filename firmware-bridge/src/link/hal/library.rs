//! The C functions of `liblinuxcnchal.so.0`, found at run time.

use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_void};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::HalError;

/// What a pin is to its component, as in LinuxCNC's `hal.h`.
pub(super) const PIN_IN_AND_OUT: c_int = 48;
/// An own pin that others only read.
pub(super) const PIN_OUT: c_int = 32;
/// No messages on standard error: what fails is returned.
const MESSAGES_NONE: c_int = 0;

type NewPin = unsafe extern "C" fn(*const c_char, c_int, *mut *mut c_void, c_int) -> c_int;

/// State of an attached stream. LinuxCNC's own is two integers and a pointer; the rest is room for versions that
/// keep more.
#[repr(C, align(16))]
#[derive(Debug)]
pub(super) struct StreamState {
    words: [u64; 8],
}

impl StreamState {
    pub(super) const fn new() -> Self {
        Self { words: [0; 8] }
    }
}

/// The functions that are used, with the signatures of LinuxCNC 2.9's `hal.h`. They hold no reference into Rust; each is
/// called in this room only.
pub(super) struct HalLibrary {
    pub(super) init: unsafe extern "C" fn(*const c_char) -> c_int,
    pub(super) ready: unsafe extern "C" fn(c_int) -> c_int,
    pub(super) exit: unsafe extern "C" fn(c_int) -> c_int,
    pub(super) malloc: unsafe extern "C" fn(c_long) -> *mut c_void,
    pub(super) pin_bit: NewPin,
    pub(super) pin_s32: NewPin,
    pub(super) link: unsafe extern "C" fn(*const c_char, *const c_char) -> c_int,
    pub(super) pin_value: unsafe extern "C" fn(*const c_char, *mut c_int, *mut *mut c_void, *mut bool) -> c_int,
    pub(super) stream_attach: unsafe extern "C" fn(*mut StreamState, c_int, c_int, *const c_char) -> c_int,
    pub(super) stream_detach: unsafe extern "C" fn(*mut StreamState) -> c_int,
    pub(super) stream_fields: unsafe extern "C" fn(*mut StreamState) -> c_int,
    pub(super) stream_depth: unsafe extern "C" fn(*mut StreamState) -> c_int,
    pub(super) stream_depth_max: unsafe extern "C" fn(*mut StreamState) -> c_int,
    pub(super) stream_overruns: unsafe extern "C" fn(*mut StreamState) -> c_int,
    pub(super) stream_read: unsafe extern "C" fn(*mut StreamState, *mut u64, *mut c_uint) -> c_int,
    // Last, so that it is closed after everything that points into it is gone.
    _library: Library,
}

impl HalLibrary {
    /// Opens the library and finds the functions.
    pub(super) fn open(name: &str) -> Result<Self, HalError> {
        let absent = |source| HalError::LibraryAbsent { library: name.to_owned(), source };
        // SAFETY: LinuxCNC's library has constructors that touch nothing of ours. Its own modules expect its symbols to
        // be global.
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_GLOBAL) }.map_err(absent)?;
        macro_rules! function {
            ($symbol:literal) => {{
                let missing = |source| HalError::SymbolAbsent { symbol: $symbol, source };
                // SAFETY: the type of the field is the signature in LinuxCNC's `hal.h`, which has not changed since
                // streams came (2.8); a library without the symbol is refused.
                *unsafe { library.get(concat!($symbol, "\0").as_bytes()) }.map_err(missing)?
            }};
        }
        // SAFETY: see `function!`; this one takes the greatest level of messages that are printed.
        let set_messages: unsafe extern "C" fn(c_int) -> c_int = function!("rtapi_set_msg_level");
        let found = Self {
            init: function!("hal_init"),
            ready: function!("hal_ready"),
            exit: function!("hal_exit"),
            malloc: function!("hal_malloc"),
            pin_bit: function!("hal_pin_bit_new"),
            pin_s32: function!("hal_pin_s32_new"),
            link: function!("hal_link"),
            pin_value: function!("hal_get_pin_value_by_name"),
            stream_attach: function!("hal_stream_attach"),
            stream_detach: function!("hal_stream_detach"),
            stream_fields: function!("hal_stream_element_count"),
            stream_depth: function!("hal_stream_depth"),
            stream_depth_max: function!("hal_stream_maxdepth"),
            stream_overruns: function!("hal_stream_num_overruns"),
            stream_read: function!("hal_stream_read"),
            _library: library,
        };
        // SAFETY: takes and keeps an integer.
        unsafe { set_messages(MESSAGES_NONE) };
        Ok(found)
    }
}

/// A name for C.
pub(super) fn c_name(text: &str) -> Result<CString, HalError> {
    CString::new(text).map_err(|_| HalError::Name { name: text.to_owned() })
}
