//! Where networks run: the choice of a device, and how much memory is free.

mod memory;

pub use memory::{free_memory, resident_memory};

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::{Error, Result};

/// A device as a user names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first accelerator of this build and machine, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by number.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            None if text == "metal" => Ok(Self::Metal),
            Some(("cuda", number)) => number
                .parse()
                .map(Self::Cuda)
                .map_err(|_| format!("`{number}` is no device number")),
            _ => Err("expected auto, cpu, cuda, cuda:N or metal".into()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::MissingBackend`] when this build lacks it, [`Error::NoDevice`] when this machine does.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => {
                Err(Error::MissingBackend { feature: "cuda" })
            }
            Self::Cuda(number) => self.opened(Device::new_cuda(number)),
            Self::Metal if !cfg!(feature = "metal") => {
                Err(Error::MissingBackend { feature: "metal" })
            }
            Self::Metal => self.opened(Device::new_metal(0)),
            Self::Auto => {
                let accelerators = [Self::Cuda(0), Self::Metal];
                Ok(accelerators
                    .into_iter()
                    .find_map(|choice| choice.open().ok())
                    .unwrap_or(Device::Cpu))
            }
        }
    }

    fn opened(self, device: candle_core::Result<Device>) -> Result<Device> {
        device.map_err(|error| Error::NoDevice {
            device: self.to_string(),
            why: reason(&error.to_string()),
        })
    }
}

/// What a driver said, without the trace of calls behind it. Where a program for CUDA finds no driver, every call answers with
/// the error of the libraries that only stand in for it.
fn reason(told: &str) -> String {
    if told.contains("CUDA_ERROR_STUB_LIBRARY") {
        return "no CUDA driver was found".into();
    }
    told.lines().next().unwrap_or_default().trim().into()
}

/// The name of an open device: `cpu`, `cuda:0`, `metal`.
pub fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".into(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { .. } => "metal".into(),
    }
}

/// Bytes that a network on `device` can still take, where device or system tells.
pub fn free_memory_of(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => free_memory(),
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {
            let told = candle_core::cuda_backend::cudarc::driver::result::mem_get_info();
            told.ok().map(|(free, _)| free as u64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_driver_says_is_one_line() {
        assert_eq!(reason("out of luck\n   0: main\n"), "out of luck");
        let stand_in = "DriverError(CUDA_ERROR_STUB_LIBRARY, \"<…>\")\n   0: <unknown>";
        assert_eq!(reason(stand_in), "no CUDA driver was found");
    }

    #[test]
    fn devices_read_back_as_they_are_written() {
        for choice in [
            DeviceChoice::Auto,
            DeviceChoice::Cpu,
            DeviceChoice::Cuda(3),
            DeviceChoice::Metal,
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert!(
            "gpu".parse::<DeviceChoice>().is_err() && "cuda:x".parse::<DeviceChoice>().is_err()
        );
    }
}
