#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Status { Disconnected, Active, Busy, Inactive }
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request { Users, User(String), SetStatus { name: String, status: Status }, Message { to: String, text: String }, History(String) }
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notice { Error(WireError), Users(Vec<(String, Status)>), User(String, Status), NewUser(String, Status), StatusChanged(String, Status), Message { from: String, text: String }, History(Vec<(String, String)>) }
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WireError { NoSuchUser, InvalidStatus, EmptyMessage, RecipientDisconnected, Other(u8) }
