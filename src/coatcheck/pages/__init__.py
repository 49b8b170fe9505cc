"""What people see of links in a browser, in English and Chinese. Nothing is decided here."""
