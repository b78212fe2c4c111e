"""Where a table comes from: simulators, loaders, downloads and the checks on what they bring."""
