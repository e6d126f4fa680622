"""Programs for working on Evermodel; they need nothing but the system's Python."""
