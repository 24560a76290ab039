//! A component of HAL: its name, its pins, its end.

use std::ffi::{c_int, c_void};
use std::mem::size_of;

use super::HalError;
use super::library::{HalLibrary, PIN_IN_AND_OUT, PIN_OUT, c_name};
use super::presence;

/// Components of ours in one run of LinuxCNC, dead ones included.
const NAMES_MAX: u32 = 32;

/// The pins, in the order of their cells.
#[derive(Clone, Copy, Debug)]
enum Pin {
    Request,
    Heartbeat,
    HoldRequest,
    Pid,
    Born,
}

const PINS: usize = 5;

/// A component with the agent's pins, known to HAL until it is dropped.
pub(super) struct Component {
    pub(super) library: HalLibrary,
    pub(super) id: c_int,
    pub(super) name: String,
    /// [`PINS`] pointers in HAL's memory; HAL turns them to a signal when a pin is linked.
    cells: *mut *mut c_void,
}

// SAFETY: the pointers go to memory of the process, not of a thread, and a component is used by one owner at a time.
unsafe impl Send for Component {}

impl Component {
    /// Enters HAL under the first name that no living agent has, makes the pins, and links three of them.
    pub(super) fn enter(library: HalLibrary) -> Result<Self, HalError> {
        let (id, name) = take_name(&library)?;
        let mut entered = Self { library, id, name, cells: std::ptr::null_mut() };
        let bytes = std::ffi::c_long::try_from(PINS * size_of::<*mut c_void>()).unwrap_or(64);
        // SAFETY: HAL was entered, so its memory is there.
        let cells = unsafe { (entered.library.malloc)(bytes) };
        if cells.is_null() {
            return Err(HalError::Refused { call: "hal_malloc", code: 0 });
        }
        entered.cells = cells.cast();
        let make = [
            (Pin::Pid, "pid", entered.library.pin_s32, PIN_OUT),
            (Pin::Born, "born", entered.library.pin_s32, PIN_OUT),
            // In and out, so that a dead component's pin on the same signal does not lock the next one out.
            // Whole per mille: what is not a number cannot be in it.
            (Pin::Request, "request", entered.library.pin_s32, PIN_IN_AND_OUT),
            (Pin::Heartbeat, "heartbeat", entered.library.pin_bit, PIN_IN_AND_OUT),
            (Pin::HoldRequest, "hold-request", entered.library.pin_bit, PIN_IN_AND_OUT),
        ];
        for (pin, pin_name, new, direction) in make {
            let name = c_name(&format!("{}.{pin_name}", entered.name))?;
            // SAFETY: the name ends in zero, and the cell lies in HAL's memory, as `hal_pin_*_new` asks for.
            let code = unsafe { new(name.as_ptr(), direction, entered.cells.add(pin as usize), entered.id) };
            refused("hal_pin_new", code)?;
        }
        entered.write(Pin::Born, presence::own_birth());
        entered.write(Pin::Pid, i32::try_from(std::process::id()).unwrap_or(0));
        // SAFETY: HAL was entered under this id.
        refused("hal_ready", unsafe { (entered.library.ready)(entered.id) })?;
        for pin in ["request", "heartbeat", "hold-request"] {
            entered.link(pin, &format!("cosim-{pin}"))?;
        }
        Ok(entered)
    }

    fn link(&self, pin: &str, signal: &str) -> Result<(), HalError> {
        let (pin, c_signal) = (c_name(&format!("{}.{pin}", self.name))?, c_name(signal)?);
        // SAFETY: both names end in zero. A signal keeps its value when an in-and-out pin joins it.
        match unsafe { (self.library.link)(pin.as_ptr(), c_signal.as_ptr()) } {
            0 => Ok(()),
            code => Err(HalError::SignalRefused { signal: signal.to_owned(), code }),
        }
    }

    pub(super) fn set_request(&mut self, permille: i32) {
        self.write(Pin::Request, permille);
    }

    pub(super) fn request(&self) -> i32 {
        self.read(Pin::Request)
    }

    pub(super) fn set_heartbeat(&mut self, level: bool) {
        self.write(Pin::Heartbeat, u8::from(level));
    }

    pub(super) fn heartbeat(&self) -> bool {
        self.read::<u8>(Pin::Heartbeat) != 0
    }

    pub(super) fn set_hold(&mut self, hold: bool) {
        self.write(Pin::HoldRequest, u8::from(hold));
    }

    pub(super) fn hold(&self) -> bool {
        self.read::<u8>(Pin::HoldRequest) != 0
    }

    fn write<T: Copy>(&self, pin: Pin, value: T) {
        // SAFETY: the cell was filled by `hal_pin_*_new` for this pin's type and is only ever turned to a signal of the
        // same type; signals' memory is aligned for it and lives as long as HAL is entered. Others may turn the cell at
        // any time: both reads are volatile.
        unsafe { self.cells.add(pin as usize).read_volatile().cast::<T>().write_volatile(value) }
    }

    fn read<T: Copy>(&self, pin: Pin) -> T {
        // SAFETY: as for `write`; bits are read as bytes, so that any value of theirs is one of `T`.
        unsafe { self.cells.add(pin as usize).read_volatile().cast::<T>().read_volatile() }
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        // SAFETY: entered under this id, once. The pins are gone after this, and with `self` nobody reads them.
        unsafe { (self.library.exit)(self.id) };
    }
}

/// Enters HAL under the first name that is free.
///
/// A component that was killed stays in HAL's list, with its name, its pins and their last values, until LinuxCNC ends;
/// nothing can take its place. So the next agent takes the next name, once it has seen that the one before is dead.
fn take_name(library: &HalLibrary) -> Result<(c_int, String), HalError> {
    // Pins of others may only be looked at while HAL's memory is mapped; this keeps it so.
    let door = init(library, &format!("cosim-door-{}", std::process::id()))?
        .map_err(|code| HalError::Refused { call: "hal_init", code })?;
    let found = free_name(library);
    // SAFETY: entered above, has no pins.
    unsafe { (library.exit)(door) };
    found
}

fn free_name(library: &HalLibrary) -> Result<(c_int, String), HalError> {
    let mut last = 0;
    for number in 1..=NAMES_MAX {
        let name = format!("cosim-agent-{number}");
        match init(library, &name)? {
            Ok(id) => return Ok((id, name)),
            Err(code) => last = code,
        }
        let owner = (pin_value(library, &format!("{name}.pid"))?, pin_value(library, &format!("{name}.born"))?);
        match owner {
            (Some(pid), Some(born)) if pid != 0 && !presence::is_alive(pid, born) => {}
            (pid, _) => return Err(HalError::NameTaken { name, pid: pid.unwrap_or(0) }),
        }
    }
    Err(HalError::Worn { names: NAMES_MAX, code: last })
}

fn init(library: &HalLibrary, name: &str) -> Result<Result<c_int, c_int>, HalError> {
    let name = c_name(name)?;
    // SAFETY: the name ends in zero.
    let id = unsafe { (library.init)(name.as_ptr()) };
    Ok(if id > 0 { Ok(id) } else { Err(id) })
}

/// The value of an integer pin of anyone's; `None` where there is no such pin.
fn pin_value(library: &HalLibrary, name: &str) -> Result<Option<i32>, HalError> {
    let name = c_name(name)?;
    let (mut kind, mut value, mut linked) = (0, std::ptr::null_mut::<c_void>(), false);
    // SAFETY: the name ends in zero, the three places are ours, and the caller is in HAL, so that its memory is mapped.
    let code = unsafe { (library.pin_value)(name.as_ptr(), &raw mut kind, &raw mut value, &raw mut linked) };
    if code != 0 || value.is_null() {
        return Ok(None);
    }
    // SAFETY: HAL says where the pin's value lies; ours of this name are 32-bit integers.
    Ok(Some(unsafe { value.cast::<i32>().read_volatile() }))
}

fn refused(call: &'static str, code: c_int) -> Result<(), HalError> {
    if code == 0 { Ok(()) } else { Err(HalError::Refused { call, code }) }
}
