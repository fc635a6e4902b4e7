//! Users, rooms, histories.
