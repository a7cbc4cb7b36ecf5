"""One module a command, as in `edge_app.commands`."""
