//! The GPUs that this program can compute on.

use serde::Serialize;

/// A GPU of NVIDIA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gpu {
    /// Its number, from 0, as in `cuda:0`.
    pub index: usize,
    /// What its maker calls it.
    pub name: String,
    /// Its compute capability, such as `9.0`.
    pub capability: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
    /// What of that is free, in bytes; `None` if it cannot be used, or [was not asked](Cuda::look).
    pub free_bytes: Option<u64>,
}

/// What this program has of CUDA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cuda {
    /// The newest CUDA that the driver knows, such as `13.0`; `None` without a driver.
    pub driver: Option<String>,
    /// The version of cuBLAS, which computes products of matrices.
    pub cublas: Option<String>,
    /// The machine's GPUs.
    pub gpus: Vec<Gpu>,
    /// Why there are none, in words of the driver's.
    pub problem: Option<String>,
}

impl Cuda {
    /// Looks at the machine, without using a GPU. `None` in a build without CUDA.
    #[must_use]
    pub fn look() -> Option<Self> {
        #[cfg(feature = "cuda")]
        return Some(driver::look());
        #[cfg(not(feature = "cuda"))]
        return None;
    }

    /// The same with the free memory of each GPU, each of which it starts to use: that takes some of the memory and a moment.
    #[must_use]
    pub fn look_closely() -> Option<Self> {
        #[cfg(feature = "cuda")]
        return Self::look().map(|mut cuda| {
            cuda.gpus.iter_mut().for_each(|gpu| gpu.free_bytes = driver::free_bytes(gpu.index));
            cuda
        });
        #[cfg(not(feature = "cuda"))]
        return None;
    }

    /// The free memory of one GPU in bytes, which this process starts to use. `None` if it cannot be told.
    #[must_use]
    #[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "there is no GPU"))]
    pub fn free_bytes(index: usize) -> Option<u64> {
        #[cfg(feature = "cuda")]
        return driver::free_bytes(index);
        #[cfg(not(feature = "cuda"))]
        return None;
    }

    /// The most bytes that tensors of this process had of a GPU's memory at one time. `None` if it cannot be told.
    #[must_use]
    #[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "there is no GPU"))]
    pub fn peak_bytes(index: usize) -> Option<u64> {
        #[cfg(feature = "cuda")]
        return driver::peak_bytes(index);
        #[cfg(not(feature = "cuda"))]
        return None;
    }

    /// What changes the last bits of results on a GPU: its name, which stands for the number of its processors, by which cuBLAS chooses among
    /// its kernels, its architecture, and the version of cuBLAS.
    #[must_use]
    pub fn fact(&self, gpu: &Gpu) -> String {
        let Gpu { name, capability, .. } = gpu;
        format!("{name}, {capability}, cuBLAS {}", self.cublas.as_deref().unwrap_or("unknown"))
    }
}

#[cfg(feature = "cuda")]
mod driver {
    use candle_core::cuda_backend::cudarc::cublas::sys::{
        cublasGetProperty, cublasStatus_t, libraryPropertyType,
    };
    use candle_core::cuda_backend::cudarc::driver::result::{self, DriverError};
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, sys};

    use super::{Cuda, Gpu};

    pub(super) fn look() -> Cuda {
        let found = result::init().and_then(|()| gpus());
        // Its own text is asked of the driver, which may not be there.
        let problem = found.as_ref().err().map(|error| format!("{:?}", error.0));
        let driver = found.as_ref().ok().and_then(|_| version());
        Cuda { driver, cublas: cublas(), gpus: found.unwrap_or_default(), problem }
    }

    pub(super) fn free_bytes(index: usize) -> Option<u64> {
        let (free, _) = CudaContext::new(index).ok()?.mem_get_info().ok()?;
        Some(free as u64)
    }

    /// By the pool from which all tensors are allocated.
    pub(super) fn peak_bytes(index: usize) -> Option<u64> {
        let device = result::device::get(i32::try_from(index).ok()?).ok()?;
        let mut peak = 0u64;
        #[expect(unsafe_code, reason = "functions of the driver")]
        // SAFETY: the device and its pool are the driver's; the attribute is a number of 64 bits.
        unsafe {
            let pool = result::device::get_mem_pool(device).ok()?;
            let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
            result::mem_pool::get_attribute(pool, attribute, (&raw mut peak).cast()).ok()?;
        }
        Some(peak)
    }

    fn gpus() -> Result<Vec<Gpu>, DriverError> {
        let count = result::device::get_count()?;
        (0..count)
            .map(|ordinal| {
                let device = result::device::get(ordinal)?;
                let index = ordinal.unsigned_abs() as usize;
                use sys::CUdevice_attribute::{
                    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR,
                    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
                };
                #[expect(unsafe_code, reason = "functions of the driver")]
                // SAFETY: the device is one that the driver has just given.
                let (major, minor, memory) = unsafe {
                    let attribute = |which| result::device::get_attribute(device, which);
                    (attribute(MAJOR)?, attribute(MINOR)?, result::device::total_mem(device)?)
                };
                Ok(Gpu {
                    index,
                    name: result::device::get_name(device)?,
                    capability: format!("{major}.{minor}"),
                    memory_bytes: memory as u64,
                    free_bytes: None,
                })
            })
            .collect()
    }

    fn version() -> Option<String> {
        let mut version = 0;
        #[expect(unsafe_code, reason = "a function of the driver")]
        // SAFETY: it writes one number to where it is told.
        let result = unsafe { sys::cuDriverGetVersion(&raw mut version) };
        (result == sys::CUresult::CUDA_SUCCESS).then(|| format!("{}.{}", version / 1000, version % 1000 / 10))
    }

    fn cublas() -> Option<String> {
        let part = |which| {
            let mut value = 0;
            #[expect(unsafe_code, reason = "a function of cuBLAS")]
            // SAFETY: it writes one number to where it is told.
            let status = unsafe { cublasGetProperty(which, &raw mut value) };
            (status == cublasStatus_t::CUBLAS_STATUS_SUCCESS).then_some(value)
        };
        use libraryPropertyType::{MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL};
        Some(format!("{}.{}.{}", part(MAJOR_VERSION)?, part(MINOR_VERSION)?, part(PATCH_LEVEL)?))
    }
}
