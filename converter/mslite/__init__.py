"""Backend: `.ms` files read into and written from the IR."""
