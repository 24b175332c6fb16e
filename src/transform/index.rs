//! Values and interaction indices, exact from dividends.
