"""One module a page; each draws what `View` holds."""
