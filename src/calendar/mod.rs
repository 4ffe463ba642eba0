//! WHEN. From rules and local times to instants, and from a campaign to what goes out when.

pub mod bill;
pub mod civil;
pub mod cron;
pub mod outlook;
pub mod past;
pub mod plan;
pub mod steady;
pub mod traffic;
pub mod window;
