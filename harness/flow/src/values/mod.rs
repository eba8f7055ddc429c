//! Values with their places, and typed parameters read out of them.

pub(crate) mod de;
pub(crate) mod location;
pub(crate) mod names;
pub(crate) mod params;
pub(crate) mod path;
pub(crate) mod text;
pub(crate) mod value;
