//! The commands of *documents*, but for the upload, which is a stream and has a route of its own.

use domain::documents::{RemoveDocument, SupersedeDocument};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<SupersedeDocument>(), Endpoint::of::<RemoveDocument>()]
}
