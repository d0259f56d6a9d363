//! Sizes in words, in the units that SQS's limits are given in. One place, so that a figure reads the same on
//! a screen, on the command line and on a card.

/// `412 B`, `12.0 KiB`, `1.8 MiB`
pub fn bytes(n: u64) -> String {
    let in_units = |unit: u64| n as f64 / unit as f64;
    match n {
        0..KIB => format!("{n} B"),
        KIB..MIB => format!("{:.1} KiB", in_units(KIB)),
        MIB..GIB => format!("{:.1} MiB", in_units(MIB)),
        _ => format!("{:.1} GiB", in_units(GIB)),
    }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_units_of_sqs() {
        assert_eq!([0, 1_023, 1_024, 1_580_032].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
        assert_eq!([1 << 20, 1 << 30].map(bytes), ["1.0 MiB", "1.0 GiB"]);
    }
}
