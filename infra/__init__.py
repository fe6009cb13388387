"""WHERE THINGS ARE: settings, storage, registry, local servers. Imports nothing of ours."""
