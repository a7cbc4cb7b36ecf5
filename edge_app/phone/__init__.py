"""The page for a phone: one HTML file that holds a bundle and reads films without a kiosk. `static` holds its code."""
