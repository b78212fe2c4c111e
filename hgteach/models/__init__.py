"""The generators, one file each, named as the series names them."""

# Kept free of PyTorch, so that the command line can list the models without waiting for it.
GANS = ("v1", "v2", "v2.5")
MODELS = (*GANS, "v3")
