//! Stands for the network where the program was built without it.

use std::io::{Read, Write};

use super::{Checked, Put, Reach, Trouble};
use crate::evidence::location::Location;

pub fn put(_: &Reach<'_>, place: &Location, _: &mut dyn Read, _: &mut Checked<'_>) -> Result<Put, Trouble> {
    Err(refusal(place))
}

pub fn get(_: &Reach<'_>, place: &Location, _: &mut dyn Write, _: &mut Checked<'_>) -> Result<(), Trouble> {
    Err(refusal(place))
}

fn refusal(place: &Location) -> Trouble {
    let scheme = place.url().scheme();
    Trouble::Unreached(format!("this build has no {scheme} stores, only directories (cargo feature `cloud`)"))
}
