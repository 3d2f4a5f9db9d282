//! What the shop sells.

/// Id and name of each product.
pub const PRODUCTS: [(&str, &str); 10] = [
    ("OLJCESPC7Z", "Vintage Typewriter"),
    ("66VCHSJNUP", "Antique Camera"),
    ("1YMWWN1N4O", "Home Barista Kit"),
    ("L9ECAV7KIM", "Terrarium"),
    ("2ZYFJ3GM2N", "Film Camera"),
    ("0PUK6V6EV0", "Vintage Record Player"),
    ("LS4PSXUNUM", "Metal Camping Mug"),
    ("9SIQT8TOJO", "City Bike"),
    ("6E92ZMYYFZ", "Air Plant"),
    ("HQTGWGPNH4", "Lucky Coin"),
];
