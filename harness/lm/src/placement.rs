//! Where and how a model computes: the device, the type of its numbers, and which kernels.

use std::fmt;
use std::str::FromStr;

use candle_core::{DType, Device};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{LmError, Result};

/// Where and how a model computes.
///
/// In TOML a table such as `{ device = "cuda:0", float = "bf16", kernels = "reference" }`. It changes the
/// last bits of results, so it belongs to whatever identifies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The device that holds the weights and computes.
    pub device: DeviceName,
    /// The type of weights and of intermediate results.
    pub float: Float,
    /// How operations are computed.
    pub kernels: Kernels,
}

/// A device: `cpu`, or `cuda:N` for the GPU of index `N`, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(cpu|cuda:(0|[1-9][0-9]*))$"))]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// The CUDA device of this index.
    Cuda(usize),
}

/// A type of floating-point numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Float {
    /// IEEE single precision.
    F32,
    /// The upper 16 bits of a single-precision number: 8 bits of exponent, 7 of mantissa.
    Bf16,
    /// IEEE half precision.
    F16,
}

/// How operations are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Kernels {
    /// The CPU kernels: own code for `f32` on the CPU, with the same bits for any number of threads. They use
    /// the current rayon pool.
    #[serde(rename = "cpu-kernels")]
    Cpu,
    /// The reference kernels: plain candle operations, for any device and float type. The CPU kernels are
    /// tested against them.
    #[serde(rename = "reference")]
    Reference,
}

/// The version of the reference kernels: raised when they give other numbers than before. It belongs to the identity of what is computed with
/// them.
pub const REFERENCE_VERSION: u32 = 2;

impl Placement {
    /// `f32` on the CPU.
    #[must_use]
    pub const fn cpu(kernels: Kernels) -> Self {
        Self { device: DeviceName::Cpu, float: Float::F32, kernels }
    }

    /// Whether the processor computes.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.device == DeviceName::Cpu
    }

    /// Whether it is `f32` on the CPU, for which there is code of our own besides candle's.
    #[must_use]
    pub fn is_cpu_f32(&self) -> bool {
        self.is_cpu() && self.float == Float::F32
    }

    /// Checks that something can be computed in this way, on a machine that has the device.
    ///
    /// # Errors
    /// [`LmError::Placement`] for the CPU kernels on another device or with another type than `f32`.
    pub fn check(&self) -> Result<()> {
        let problem = match *self {
            Self { kernels: Kernels::Cpu, device: DeviceName::Cuda(_), .. } => {
                "the CPU kernels do not run on a CUDA device"
            }
            Self { kernels: Kernels::Cpu, float: Float::Bf16 | Float::F16, .. } => {
                "the CPU kernels compute with f32 only"
            }
            _ => return Ok(()),
        };
        Err(LmError::Placement { placement: *self, problem })
    }

    /// Opens the device.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`LmError::Placement`] for a CUDA device in a build without CUDA; [`LmError::Device`] if the device
    /// cannot be used.
    pub fn open(&self) -> Result<Device> {
        self.check()?;
        match self.device {
            DeviceName::Cpu => Ok(Device::Cpu),
            DeviceName::Cuda(_) if !candle_core::utils::cuda_is_available() => {
                Err(LmError::Placement { placement: *self, problem: "this build has no support for CUDA" })
            }
            DeviceName::Cuda(index) => {
                Device::new_cuda(index).map_err(|source| LmError::Device { device: self.device, source })
            }
        }
    }
}

impl Float {
    /// Candle's name of the type.
    #[must_use]
    pub const fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }
}

/// `cpu/f32/cpu-kernels`: device, float type and kernels as they are written in TOML.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernels = match self.kernels {
            Kernels::Cpu => "cpu-kernels",
            Kernels::Reference => "reference",
        };
        write!(f, "{}/{}/{kernels}", self.device, self.float.dtype().as_str())
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device {name:?}: write \"cpu\", or \"cuda:0\" for the first GPU")]
pub struct UnknownDevice {
    /// The text.
    pub name: String,
}

impl FromStr for DeviceName {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        // The index as it is printed: `cuda:01` or `cuda:+1` would be a second name of one device.
        let index = |digits: &str| digits.parse().ok().filter(|index: &usize| index.to_string() == digits);
        match name {
            "cpu" => Some(Self::Cpu),
            other => other.strip_prefix("cuda:").and_then(index).map(Self::Cuda),
        }
        .ok_or_else(|| UnknownDevice { name: name.to_owned() })
    }
}

impl TryFrom<String> for DeviceName {
    type Error = UnknownDevice;

    fn try_from(name: String) -> Result<Self, UnknownDevice> {
        name.parse()
    }
}

impl From<DeviceName> for String {
    fn from(device: DeviceName) -> Self {
        device.to_string()
    }
}
