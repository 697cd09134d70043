//! The domain and the engine of the On Demand Compose Service
