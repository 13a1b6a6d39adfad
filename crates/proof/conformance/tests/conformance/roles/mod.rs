//! The privileges of each role: the database compared with the declaration.

mod declared;
mod functions;
mod grants;
mod memberships;
mod permitted_calls;
