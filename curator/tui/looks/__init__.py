"""Which colours and styles does the UI have? Themes from TOML files, and the stylesheet; may use `core`."""
