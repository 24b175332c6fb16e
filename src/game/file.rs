//! Tables of other programs.
